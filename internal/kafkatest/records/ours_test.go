//go:build kafka

package records

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// testOurs produces every format, codec and timestamp type by every version of Produce that takes
// it, and fetches it by every version of Fetch.
func (r *rig) testOurs(t *testing.T) {
	for magic := batch.V0; magic <= batch.V2; magic++ {
		for codec := compress.None; codec <= compress.Zstd; codec++ {
			for _, logAppend := range []bool{false, true} {
				if logAppend && !r.since("0.10.1") {
					continue // no such topics, or no way to make them
				}
				r.testKind(t, magic, codec, logAppend)
			}
		}
	}
}

func (r *rig) testKind(t *testing.T, magic batch.Magic, codec compress.Codec, logAppend bool) {
	var versions []int16
	for _, v := range r.versions(kmsg.KeyProduce) {
		if r.takes(v, magic, codec) {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return
	}
	name := fmt.Sprintf("ours-%d-%s-%t", magic, codec, logAppend)
	t.Run(name, func(t *testing.T) {
		r.row.formats[fmt.Sprint(magic)] = true
		r.row.codecs[codec.String()] = true
		var configs []string
		if logAppend {
			configs = []string{"message.timestamp.type", "LogAppendTime"}
		}
		topic := r.newTopic(t, name, configs...)
		r.topics = append(r.topics, topic)
		producer := r.newProducer(t, magic)
		for _, v := range versions {
			producer.produce(t, topic, v, codec, logAppend)
			r.row.produced[v] = true
		}
		for _, v := range r.versions(kmsg.KeyFetch) {
			if codec == compress.Zstd && v < 4 { // no older format has it
				r.refuses(t, topic, v)
				continue
			}
			// Headers make brokers of 0.11 fail when they make an older format of them.
			if v < 4 && magic == batch.V2 && !r.since("1.0") {
				continue
			}
			r.row.fetched[v] = true
			end := int64(len(topic.log))
			n := r.fetch(t, topic, v, 0, 1<<20, false)
			n += r.fetch(t, topic, v, end/2+1, 1<<20, false)
			n += r.fetch(t, topic, v, 0, 600, false) // brokers cut a batch off
			if want := 2*end + end - end/2 - 1; int64(n) != want {
				t.Errorf("Fetch version %d: got %d records, want %d", v, n, want)
			}
			r.row.compared["ours"] += n
		}
	})
}

// takes reports whether a version of Produce takes a format and a codec.
func (r *rig) takes(version int16, magic batch.Magic, codec compress.Codec) bool {
	switch {
	case magic > r.logMagic():
		return false
	case codec == compress.Zstd:
		return magic == batch.V2 && version >= 7 && r.since("2.1")
	case version >= 3:
		return magic == batch.V2
	case version == 2:
		return magic < batch.V2
	}
	return magic == batch.V0
}

// A producer writes batches to a topic, numbered where the broker knows numbers.
type producer struct {
	*rig
	magic    batch.Magic
	id       int64
	epoch    int16
	sequence int32
}

func (r *rig) newProducer(t *testing.T, magic batch.Magic) *producer {
	t.Helper()
	p := &producer{rig: r, magic: magic, id: -1, epoch: -1, sequence: -1}
	if magic == batch.V2 && len(r.versions(kmsg.KeyInitProducerID)) > 0 {
		req := kmsg.NewInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMs = kbin.NullString{}, timeout
		resp := ask(t, r, req, true)
		p.id, p.epoch, p.sequence = resp.ProducerID, resp.ProducerEpoch, 0
	}
	return p
}

// produce writes a batch, twice if the broker knows by its numbers that it has it.
func (p *producer) produce(t *testing.T, topic *topic, version int16, codec compress.Codec, logAppend bool) {
	t.Helper()
	base := int64(len(topic.log))
	b := batch.NewBuilder(nil, p.magic)
	for i := range int64(12) {
		e := entry{offset: base + i, timestamp: 1_700_000_000_000 + 1000*base + i*i, magic: p.magic, codec: codec}
		if i%3 != 0 {
			e.key = fmt.Appendf(nil, "key %d", i)
		}
		if i%5 != 4 {
			e.value = bytes.Repeat(fmt.Appendf(nil, "value %d of version %d, ", i, version), int(i))
			if e.value == nil {
				e.value = []byte{}
			}
		}
		if p.magic == batch.V2 && i%4 == 1 {
			e.headers = []batch.RecordHeader{{Key: "a", Value: fmt.Append(nil, i)}, {Key: "", Value: []byte{}}, {Key: "a", Value: nil}}
		}
		if !b.Append(e.timestamp, e.key, e.value, e.headers) {
			t.Fatal("a record does not fit")
		}
		if p.magic == batch.V0 {
			e.timestamp = batch.NoTimestamp
		}
		topic.log = append(topic.log, e)
	}
	s := b.Seal()
	if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
		t.Fatal(err)
	}
	s.Number(p.id, p.epoch, p.sequence)
	appended := p.send(t, topic, version, s.Bytes, base)
	if logAppend {
		for i := range topic.log[base:] {
			topic.log[base+int64(i)].timestamp = appended
		}
	}
	if p.id >= 0 {
		p.send(t, topic, version, s.Bytes, base)
		p.sequence += s.Count
	}
}

// send produces bytes and returns when they were appended, if the version tells.
func (r *rig) send(t *testing.T, topic *topic, version int16, records []byte, base int64) (appended int64) {
	t.Helper()
	partition := kmsg.NewProduceRequestPartitionProduceData()
	partition.Records = records
	data := kmsg.NewProduceRequestTopicProduceData()
	data.Name, data.TopicID = topic.name, topic.id
	data.PartitionData = append(data.PartitionData, partition)
	req := kmsg.NewProduceRequest()
	req.Version = version
	req.Acks, req.TimeoutMs = kmsg.AcksAll, timeout
	req.TopicData = append(req.TopicData, data)
	p := ask(t, r, req, false).Responses[0].PartitionResponses[0]
	if p.BaseOffset != base {
		t.Fatalf("Produce version %d: got the offset %d, want %d", version, p.BaseOffset, base)
	}
	if version < 2 {
		return unknownTime
	}
	return p.LogAppendTimeMs
}

// unknownTime is the timestamp of records appended at a time that the broker did not tell.
const unknownTime = -2

// fetchOnce asks for records from an offset on, at most so many bytes if that makes a batch.
func (r *rig) fetchOnce(t *testing.T, topic *topic, version int16, offset int64, size int32, committed bool, allowed ...kmsg.ErrorCode) *kmsg.FetchResponsePartitionData {
	t.Helper()
	partition := kmsg.NewFetchRequestPartition()
	partition.FetchOffset, partition.PartitionMaxBytes = offset, size
	data := kmsg.NewFetchRequestTopic()
	data.Topic, data.TopicID = topic.name, topic.id
	data.Partitions = append(data.Partitions, partition)
	req := kmsg.NewFetchRequest()
	req.Version = version
	req.MaxWaitMs, req.MinBytes = 500, 1
	req.Topics = append(req.Topics, data)
	if committed {
		req.IsolationLevel = kmsg.IsolationReadCommitted
	}
	return &ask(t, r, req, false, allowed...).Responses[0].Partitions[0]
}

// refuses wants a version of Fetch not to get records that its clients cannot decompress.
func (r *rig) refuses(t *testing.T, topic *topic, version int16) {
	t.Helper()
	p := r.fetchOnce(t, topic, version, 0, 1<<20, false, kmsg.UnsupportedCompressionType)
	if p.ErrorCode != kmsg.UnsupportedCompressionType || len(p.Records) != 0 {
		t.Errorf("Fetch version %d: got %v and %d bytes of zstd, want %v", version, p.ErrorCode, len(p.Records), kmsg.UnsupportedCompressionType)
	}
}

// fetch reads a topic from an offset to its end, compares each record with the log and returns
// how many there were. A batch that is cut off before it is whole is asked for again, with room.
func (r *rig) fetch(t *testing.T, topic *topic, version int16, offset int64, size int32, committed bool) (n int) {
	t.Helper()
	magic := r.logMagic()
	switch {
	case version <= 1:
		magic = batch.V0
	case version <= 3:
		magic = min(magic, batch.V1)
	}
	var aborted batch.Aborted
	var payload, room []byte
	position := offset
	most := size
	for position < r.end(topic) {
		p := r.fetchOnce(t, topic, version, position, most, committed)
		aborted.Reset(p.AbortedTransactions)
		rd := batch.NewReader(p.Records)
		rd.SkipTo(position)
		before := position
		for rd.Next() {
			b := &rd.Batch
			if err := b.Verify(); err != nil {
				t.Fatalf("Fetch version %d: %v", version, err)
			}
			if b.Magic != magic {
				t.Fatalf("Fetch version %d: got format %d, want %d", version, b.Magic, magic)
			}
			drop, err := aborted.Drop(b)
			if err != nil {
				t.Fatalf("Fetch version %d: %v", version, err)
			}
			if drop {
				position = max(position, b.LastOffset()+1)
				continue
			}
			if payload, room, err = b.Payload(codecs, room, batch.DefaultLimit); err != nil {
				t.Fatalf("Fetch version %d: %v", version, err)
			}
			w := b.Walk(payload)
			w.SkipTo(position)
			for w.Next() {
				e := topic.at(w.Record.Offset)
				if e == nil {
					t.Fatalf("Fetch version %d: got a record at offset %d, want none", version, w.Record.Offset)
				}
				want := *e
				if want.timestamp == unknownTime {
					want.timestamp = b.MaxTimestamp
				}
				if committed && e.aborted {
					t.Errorf("Fetch version %d: got the record at offset %d, which was aborted", version, e.offset)
				}
				if b.Attributes.Codec() != e.codec {
					t.Errorf("Fetch version %d: got the record at offset %d with %s, want %s", version, e.offset, b.Attributes.Codec(), e.codec)
				}
				if diff := same(&w.Record, &want, magic); diff != "" {
					t.Errorf("Fetch version %d: %s", version, diff)
				}
				n++
			}
			if w.Err() != nil {
				t.Fatalf("Fetch version %d: %v", version, w.Err())
			}
			// Not back: 1.1 to 3.9 begin an answer anew when they convert it and a marker is its
			// first batch.
			position = max(position, b.LastOffset()+1)
		}
		if rd.Err() != nil {
			t.Fatalf("Fetch version %d: %v", version, rd.Err())
		}
		if position > before {
			most = size
			continue
		}
		_, need := rd.Cut()
		if version >= 3 || most > 1<<20 {
			t.Fatalf("%s, Fetch version %d: got no batch at offset %d, but %d bytes of one of %d", topic.name, version, position, len(p.Records), need)
		}
		most = max(2*most, int32(need)) // brokers that convert may not tell how much it takes
	}
	return n
}

// at is the entry at an offset.
func (t *topic) at(offset int64) *entry {
	for i := range t.log {
		if t.log[i].offset == offset {
			return &t.log[i]
		}
	}
	return nil
}

// end is the offset after the last record that a consumer can see.
func (r *rig) end(topic *topic) int64 { return topic.log[len(topic.log)-1].offset + 1 }
