//go:build kafka

package records

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// segmentAge is how old a segment becomes before it is one of those that are cleaned.
const segmentAge = 500 * time.Millisecond

// testCompacted reads what the broker's cleaner leaves of batches: records with gaps between them,
// batches whose last records are gone, batches of none.
func (r *rig) testCompacted(t *testing.T) {
	for _, codec := range []compress.Codec{compress.None, compress.Gzip} {
		if codec != compress.None && !r.since("0.9.0") {
			t.Logf("%s: the cleaner does not read compressed messages before 0.9 (KAFKA-1374)", codec)
			continue
		}
		t.Run(codec.String(), func(t *testing.T) { r.compacted(t, codec) })
	}
}

func (r *rig) compacted(t *testing.T, codec compress.Codec) {
	topic := r.newTopic(t, "compacted-"+codec.String(), "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.01", "segment.ms", strconv.Itoa(int(segmentAge.Milliseconds())), "delete.retention.ms", "1")
	version := slices.Max(r.versions(kmsg.KeyProduce))
	const batches, size = 12, 10
	latest := map[string]int64{} // of the segments that are not appended to any more
	for n := range int64(batches) {
		p := r.newProducer(t, r.logMagic()) // whose last batch must stay, if it has an id
		b := batch.NewBuilder(nil, r.logMagic())
		base := int64(len(topic.log))
		for i := range int64(size) {
			// All keys of a batch are written again, but in the last two.
			key := fmt.Sprint("key ", (n/2*size+i)%(3*size))
			e := entry{offset: base + i, timestamp: 1_700_000_000_000 + 1000*n, key: []byte(key), value: fmt.Append(nil, "value of ", key, " again and again"), magic: r.logMagic(), codec: codec}
			if i%3 == 0 {
				key = "often"
				e.key = []byte(key)
			}
			b.Append(e.timestamp, e.key, e.value, nil)
			topic.log = append(topic.log, e)
			if n < batches-1 { // the last batch is alone in its segment
				latest[key] = e.offset
			}
		}
		if n == batches-1 && !r.since("0.10.1") {
			// Segments go by the broker's clock, and not by that of the records (KIP-33).
			<-time.After(2 * segmentAge)
		}
		s := b.Seal()
		if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
			t.Fatal(err)
		}
		s.Number(p.id, p.epoch, p.sequence)
		r.send(t, topic, version, s.Bytes, base)
	}
	last := int64(batches-1) * size
	whole := int64(len(topic.log))
	topic.log = slices.DeleteFunc(topic.log, func(e entry) bool { return e.offset < last && latest[string(e.key)] != e.offset })
	var want []int64
	for _, e := range topic.log {
		want = append(want, e.offset)
	}
	r.awaitCleaner(t, topic, want)
	r.topics = append(r.topics, topic)
	for _, v := range r.versions(kmsg.KeyFetch) {
		// Where the last records of a batch of format 2 are gone, brokers that convert it send
		// the others again and again, and of the next batch only as much as the size of the
		// originals leaves room for: there is no way on.
		if v < 4 && r.logMagic() == batch.V2 {
			continue
		}
		for _, from := range []int64{0, want[0] - 1, want[0], want[0] + 1, last - 5, last, whole - 1} {
			n := r.fetch(t, topic, v, from, 1<<20, false) + r.fetch(t, topic, v, from, 400, false)
			left := len(topic.log) - slices.IndexFunc(want, func(offset int64) bool { return offset >= from })
			if n != 2*left {
				t.Errorf("Fetch version %d from offset %d: got %d records, want %d", v, from, n, 2*left)
			}
			r.row.compared["compacted"] += n
		}
	}
}

// awaitCleaner waits until the topic has records at these offsets and no others.
func (r *rig) awaitCleaner(t *testing.T, topic *topic, want []int64) {
	t.Helper()
	version := slices.Max(r.versions(kmsg.KeyFetch))
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for give := time.Now().Add(time.Minute); ; <-tick.C {
		var got []int64
		for position := int64(0); position <= want[len(want)-1]; {
			p := r.fetchOnce(t, topic, version, position, 1<<20, false)
			rd := batch.NewReader(p.Records)
			before := position
			for rd.Next() {
				payload, _, err := rd.Batch.Payload(codecs, nil, batch.DefaultLimit)
				if err != nil {
					t.Fatal(err)
				}
				w := rd.Batch.Walk(payload)
				w.SkipTo(position)
				for w.Next() {
					got = append(got, w.Record.Offset)
				}
				position = rd.Batch.LastOffset() + 1
			}
			if position == before {
				t.Fatalf("got nothing from offset %d on", position)
			}
		}
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(give) {
			t.Fatalf("after a minute the log has records at %v, want %v", got, want)
		}
	}
}
