package ktest_test

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// produceTo makes a request of a version, which names the topic or has its id.
func (s *stage) produceTo(v int16, acks kmsg.Acks, topic string, partition int32, records []byte) *kmsg.ProduceRequest {
	req := produceRequest(acks, topic, partition, records)
	if v >= 13 {
		req.TopicData[0].TopicID, req.TopicData[0].Name = s.idOf(topic), ""
	}
	return req
}

// idOf returns the id of a topic, or one that nobody has.
func (s *stage) idOf(topic string) kbin.UUID {
	if id := s.topicID(topic); !id.IsZero() {
		return id
	}
	return kbin.UUID{15: 9}
}

func playProduce(s *stage) {
	if s.mustNewest(kmsg.KeyProduce) < 3 {
		return
	}
	s.topic("produce", 1)
	s.topic("produce-small", 1, "max.message.bytes", "1000")
	s.topic("produce-compacted", 1, "cleanup.policy", "compact")
	s.topic("produce-appended", 1, "message.timestamp.type", "LogAppendTime")
	keyed := func(value string, key []byte) []byte {
		b := batch.NewBuilder(nil, batch.V2)
		b.Append(s.started.UnixMilli(), []byte("k"), []byte("good"), nil)
		b.Append(s.started.UnixMilli(), key, []byte(value), nil)
		sealed := b.Seal()
		sealed.Checksum()
		return sealed.Bytes
	}
	timed := func(at time.Time) []byte {
		b := batch.NewBuilder(nil, batch.V2)
		b.Append(at.UnixMilli(), nil, []byte("timed"), nil)
		sealed := b.Seal()
		sealed.Checksum()
		return sealed.Bytes
	}
	packed := func(codec compress.Codec) []byte {
		b := batch.NewBuilder(nil, batch.V2)
		b.Append(s.started.UnixMilli(), nil, []byte(strings.Repeat("x", 1000)), nil)
		sealed := b.Seal()
		if _, err := sealed.Compress(new(compress.Codecs), compress.Settings{Codec: codec}, nil); err != nil {
			s.Fatal(err)
		}
		return sealed.Bytes
	}
	s.telling(kmsg.KeyProduce, func(v int16) {
		if v < 3 {
			return
		}
		play := func(what, topic string, partition int32, records []byte) {
			s.title("-- %s", what)
			s.hear(s.produceTo(v, kmsg.AcksAll, topic, partition, records), v)
		}
		good := s.build(batch.V2, nil, "a", "b")
		play("good", "produce", 0, good)
		s.title("-- acks=1")
		s.hear(s.produceTo(v, kmsg.AcksLeader, "produce", 0, good), v)
		s.title("-- wrong acks")
		s.hear(s.produceTo(v, 2, "produce", 0, good), v)
		play("no such topic", "produce-unknown", 0, good)
		play("no such partition", "produce", 9, good)
		bad := append([]byte(nil), good...)
		bad[len(bad)-1] ^= 1
		play("bad checksum", "produce", 0, bad)
		play("too large", "produce-small", 0, s.build(batch.V2, nil, strings.Repeat("x", 2000)))
		play("nothing", "produce", 0, []byte{})
		play("two batches", "produce", 0, append(append([]byte(nil), good...), good...))
		play("old format", "produce", 0, s.build(batch.V1, nil, "a"))
		based := append([]byte(nil), good...)
		binary.BigEndian.PutUint64(based, 5)
		play("a base offset", "produce", 0, based)
		play("no records", "produce", 0, s.build(batch.V2, nil))
		counted := s.build(batch.V2, nil, "a", "b")
		binary.BigEndian.PutUint32(counted[57:], 3)
		play("too few records", "produce", 0, resum(counted))
		skipping := s.build(batch.V2, nil, "a", "b")
		binary.BigEndian.PutUint32(skipping[23:], 5)
		if s.since("1.0") {
			play("a last offset that is not the last", "produce", 0, resum(skipping))
		}
		play("a control batch", "produce", 0, s.build(batch.V2, func(b *batch.Builder) { b.Control = true }, "a"))
		play("cut off", "produce", 0, good[:len(good)-3])
		play("lz4", "produce", 0, packed(compress.LZ4))
		if v >= 7 {
			play("zstd", "produce", 0, packed(compress.Zstd))
		} else if s.since("2.1") {
			play("zstd too early", "produce", 0, packed(compress.Zstd))
		}
		play("no key where compacted", "produce-compacted", 0, keyed("bad", nil))
		play("key where compacted", "produce-compacted", 0, keyed("good", []byte("k2")))
		play("append time", "produce-appended", 0, good)
		play("from tomorrow", "produce", 0, timed(s.started.Add(24*time.Hour)))
		play("from yesterday", "produce", 0, timed(s.started.Add(-24*time.Hour)))
		s.title("-- acks=0, good and bad")
		s.noAnswer(s.produceTo(v, kmsg.AcksNone, "produce", 0, good), v)
		s.noAnswer(s.produceTo(v, kmsg.AcksNone, "produce", 9, good), v)
	})
	s.title("-- what is there now")
	v := min(s.mustNewest(kmsg.KeyFetch), 12)
	s.hear(fetchRequest("produce", 0, 0, 0), v)
	s.hear(fetchRequest("produce-appended", 0, 0, 0), v)
}

// noAnswer sends a request that has no answer, and then writes down whether the connection is
// still there.
func (s *stage) noAnswer(req kmsg.Request, v int16) {
	s.Helper()
	c := s.connect(s.addr)
	defer c.Close()
	req.SetAPIVersion(v)
	c.send(req)
	meta := kmsg.NewMetadataRequest()
	meta.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("__bad name")}}
	r, _ := s.release.Broker(kmsg.KeyMetadata)
	resp, said := s.answer(c, meta, r.Min)
	if resp != nil {
		said = "still there"
	}
	s.title("%s v%d: %s", req.APIKey(), v, said)
}

func playProduceOld(s *stage) {
	s.topic("old", 1)
	if r, _ := s.release.Broker(kmsg.KeyProduce); r.Min >= 3 {
		return
	}
	s.each(kmsg.KeyProduce, func(v int16) {
		if v > 2 {
			return
		}
		play := func(what string, topic string, partition int32, records []byte) {
			s.title("-- %s", what)
			s.hear(produceRequest(kmsg.AcksAll, topic, partition, records), v)
		}
		good := s.batchFor(v, "a", "b")
		play("good", "old", 0, good)
		s.title("-- acks=1")
		s.hear(produceRequest(kmsg.AcksLeader, "old", 0, good), v)
		if v > 0 {
			s.title("-- wrong acks")
			s.hear(produceRequest(2, "old", 0, good), v)
		}
		play("no such partition", "old", 9, good)
		bad := append([]byte(nil), good...)
		bad[len(bad)-1] ^= 1
		play("bad checksum", "old", 0, bad)
		play("too large", "old", 0, s.batchFor(v, strings.Repeat("x", 2_000_000)))
		s.title("-- gzip")
		b := batch.NewBuilder(nil, magicFor(v))
		b.Append(s.started.UnixMilli(), nil, []byte(strings.Repeat("y", 1000)), nil)
		b.Append(s.started.UnixMilli(), []byte("k"), []byte("second"), nil)
		sealed := b.Seal()
		if _, err := sealed.Compress(new(compress.Codecs), compress.Settings{Codec: compress.Gzip}, nil); err != nil {
			s.Fatal(err)
		}
		s.hear(produceRequest(kmsg.AcksAll, "old", 0, sealed.Bytes), v)
		s.title("-- acks=0, good and bad")
		s.noAnswer(produceRequest(kmsg.AcksNone, "old", 0, good), v)
		s.noAnswer(produceRequest(kmsg.AcksNone, "old", 9, good), v)
	})
	s.title("-- what is there now")
	s.each(kmsg.KeyFetch, func(v int16) {
		if v <= 4 {
			s.hear(s.fetchFrom(v, "old", 0, 0), v)
		}
	})
}

// numbered makes a batch of an idempotent producer.
func (s *stage) numbered(id int64, epoch int16, sequence int32, values ...string) []byte {
	sealed := s.seal(batch.V2, nil, values...)
	sealed.Number(id, epoch, sequence)
	return sealed.Bytes
}

func playIdempotence(s *stage) {
	if !s.has(kmsg.KeyInitProducerID) {
		return
	}
	s.topic("idempotent", 1)
	v := min(s.mustNewest(kmsg.KeyProduce), 12)
	play := func(what string, records []byte) {
		s.title("-- %s", what)
		s.hear(produceRequest(kmsg.AcksAll, "idempotent", 0, records), v)
	}
	play("first", s.numbered(1000, 0, 0, "a", "b"))
	play("again", s.numbered(1000, 0, 0, "a", "b"))
	play("again, another length", s.numbered(1000, 0, 0, "a"))
	play("next", s.numbered(1000, 0, 2, "c"))
	play("first again, not the last any more", s.numbered(1000, 0, 0, "a", "b"))
	play("gap", s.numbered(1000, 0, 5, "d"))
	for i := range 5 {
		play("more", s.numbered(1000, 0, int32(3+i), "e"))
	}
	play("first again, out of the window", s.numbered(1000, 0, 0, "a", "b"))
	play("new epoch, wrong sequence", s.numbered(1000, 1, 5, "f"))
	play("new epoch", s.numbered(1000, 1, 0, "f"))
	play("old epoch", s.numbered(1000, 0, 8, "g"))
	play("old epoch, known", s.numbered(1000, 0, 7, "e"))
	play("unknown, not the first", s.numbered(2000, 0, 5, "h"))
	play("which goes on", s.numbered(2000, 0, 6, "i"))
	play("no sequence", s.numbered(3000, 0, -1, "j"))
	play("no epoch", s.numbered(3000, -1, 0, "j"))
	if s.since("2.5") {
		play("wraps", s.numbered(4000, 0, 1<<31-1, "k", "l"))
		play("after wrapping", s.numbered(4000, 0, 1, "m"))
	}
	s.title("-- what is there now")
	s.hear(fetchRequest("idempotent", 0, 0, 0), min(s.mustNewest(kmsg.KeyFetch), 12))
}

// fetchFrom makes a request of a version, which names the topic or has its id.
func (s *stage) fetchFrom(v int16, topic string, partition int32, offset int64) *kmsg.FetchRequest {
	req := fetchRequest(topic, partition, offset, 0)
	if v >= 13 {
		req.Topics[0].TopicID, req.Topics[0].Topic = s.idOf(topic), ""
	}
	if v >= 15 {
		req.ReplicaID = -1
	}
	return req
}

func playFetch(s *stage) {
	s.topic("fetch", 1)
	s.fill("fetch", 0, []string{"a", "b"}, []string{"c"}, []string{strings.Repeat("x", 3000)}, []string{"d"})
	s.telling(kmsg.KeyFetch, func(v int16) {
		play := func(what string, req *kmsg.FetchRequest) {
			s.title("-- %s", what)
			s.hear(req, v)
		}
		play("from the start", s.fetchFrom(v, "fetch", 0, 0))
		play("from the midst of a batch", s.fetchFrom(v, "fetch", 0, 1))
		play("from the end", s.fetchFrom(v, "fetch", 0, 5))
		waiting := s.fetchFrom(v, "fetch", 0, 5)
		waiting.MaxWaitMs = 50
		play("waiting at the end", waiting)
		play("beyond the end", s.fetchFrom(v, "fetch", 0, 6))
		play("before the start", s.fetchFrom(v, "fetch", 0, -1))
		play("no such partition", s.fetchFrom(v, "fetch", 9, 0))
		play("no such topic", s.fetchFrom(v, "fetch-unknown", 0, 0))
		if v >= 3 {
			small := s.fetchFrom(v, "fetch", 0, 0)
			small.MaxBytes = 1
			play("one byte in all", small)
		}
		small := s.fetchFrom(v, "fetch", 0, 3)
		small.Topics[0].Partitions[0].PartitionMaxBytes = 100
		play("a hundred bytes of a large batch", small)
		if v >= 4 {
			committed := s.fetchFrom(v, "fetch", 0, 0)
			committed.IsolationLevel = kmsg.IsolationReadCommitted
			play("committed", committed)
		}
		if v >= 9 {
			for _, epoch := range []int32{0, 1} {
				known := s.fetchFrom(v, "fetch", 0, 0)
				known.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
				play("a leader epoch", known)
			}
		}
		if v >= 12 {
			for _, last := range []int32{0, 1} {
				known := s.fetchFrom(v, "fetch", 0, 2)
				known.Topics[0].Partitions[0].LastFetchedEpoch = last
				play("a last epoch", known)
			}
		}
		play("nothing", func() *kmsg.FetchRequest {
			req := s.fetchFrom(v, "fetch", 0, 0)
			req.Topics = nil
			return req
		}())
	})
	s.title("-- records come while it waits")
	v := min(s.mustNewest(kmsg.KeyFetch), 12)
	long := s.fetchFrom(v, "fetch", 0, 5)
	long.MaxWaitMs = 10_000
	long.Version = v
	c := s.connect(s.addr)
	defer c.Close()
	c.send(long)
	s.fill("fetch", 0, []string{"late"})
	resp := long.NewResponse()
	if err := c.receive(resp); err != nil {
		s.Fatal(err)
	}
	s.fetched(resp)
	s.title("-- what there is does not suffice")
	least := s.fetchFrom(v, "fetch", 0, 5)
	least.MaxWaitMs = 60_000
	least.MinBytes = int32(len(s.batchFor(s.mustNewest(kmsg.KeyProduce), "late")) + 1)
	least.Version = v
	c.send(least)
	c.patience = silence
	s.title("at first: %s", lost(c.receive(least.NewResponse())))
	s.fill("fetch", 0, []string{"later"})
	c.patience = patience
	resp = least.NewResponse()
	if err := c.receive(resp); err != nil {
		s.Fatal(err)
	}
	s.fetched(resp)
}

// fetched writes down what was read.
func (s *stage) fetched(resp *kmsg.FetchResponse) {
	for i := range resp.Responses {
		for j := range resp.Responses[i].Partitions {
			p := &resp.Responses[i].Partitions[j]
			s.title("%v %d %s", p.ErrorCode.Name(), p.HighWatermark, s.recordsIn(p.Records))
		}
	}
}

func playFetchSessions(s *stage) {
	newest := s.mustNewest(kmsg.KeyFetch)
	if newest < 7 {
		return
	}
	s.topic("session-a", 2)
	s.topic("session-b", 1)
	s.fill("session-a", 0, []string{"a"})
	versions := []int16{7, min(newest, 12)}
	if newest > 12 {
		versions = append(versions, newest)
	}
	for _, v := range versions {
		if r, _ := s.release.Broker(kmsg.KeyFetch); v < r.Min {
			continue
		}
		s.playSession(v)
	}
	if newest >= 13 {
		s.title("-- names, then ids")
		first := s.fetchFrom(12, "session-a", 0, 0)
		first.SessionEpoch = 0
		opened := s.hear(first, 12).(*kmsg.FetchResponse)
		next := s.fetchFrom(13, "session-a", 0, 0)
		next.SessionID, next.SessionEpoch = opened.SessionID, 1
		s.hear(next, 13)
	}
}

func (s *stage) playSession(v int16) {
	topic := func(name string, offsets ...int64) kmsg.FetchRequestTopic {
		t := kmsg.FetchRequestTopic{Topic: name}
		if v >= 13 {
			t = kmsg.FetchRequestTopic{TopicID: s.idOf(name)}
		}
		for i, offset := range offsets {
			p := kmsg.NewFetchRequestPartition()
			p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(i), offset, 1<<20
			t.Partitions = append(t.Partitions, p)
		}
		return t
	}
	var id int32
	play := func(what string, epoch int32, topics ...kmsg.FetchRequestTopic) *kmsg.FetchResponse {
		s.title("-- %s", what)
		req := kmsg.NewFetchRequest()
		req.MinBytes, req.MaxBytes, req.SessionID, req.SessionEpoch, req.Topics = 1, 1<<20, id, epoch, topics
		return s.hear(req, v).(*kmsg.FetchResponse)
	}
	id = play("open", 0, topic("session-a", 0, 0), topic("session-b", 0)).SessionID
	play("the same again", 1)
	play("further on", 2, topic("session-a", 1))
	play("nothing new", 3)
	s.fill("session-b", 0, []string{"b"})
	play("news", 4)
	play("wrong epoch", 7)
	play("the right one", 5)
	id = 12345
	play("no such session", 1)
	id = 0
	play("no session, an epoch", 3)
	id = play("another", 0, topic("session-a", 0), topic("session-b", 0)).SessionID
	s.title("-- forget")
	req := kmsg.NewFetchRequest()
	req.MinBytes, req.MaxBytes, req.SessionID, req.SessionEpoch = 1, 1<<20, id, 1
	f := kmsg.FetchRequestForgottenTopic{Topic: "session-a", Partitions: []int32{0}}
	if v >= 13 {
		f.Topic, f.TopicID = "", s.idOf("session-a")
	}
	req.ForgottenTopicsData = []kmsg.FetchRequestForgottenTopic{f}
	s.hear(req, v)
	play("what does not exist", 2, topic("session-unknown", 0))
	play("it still does not", 3)
	play("close", -1)
	play("closed", 4)
}

func playListOffsets(s *stage) {
	s.topic("list", 1)
	s.topic("list-empty", 1)
	// Times of which the second is the largest.
	b := batch.NewBuilder(nil, magicFor(s.mustNewest(kmsg.KeyProduce)))
	at := s.started.UnixMilli()
	for i, ago := range []int64{3000, 1000, 2000} {
		b.Append(at-ago, nil, []byte{byte('a' + i)}, nil)
	}
	sealed := b.Seal()
	sealed.Checksum()
	v := min(s.mustNewest(kmsg.KeyProduce), 12)
	c := s.connect(s.addr)
	defer c.Close()
	ask(c, produceRequest(kmsg.AcksAll, "list", 0, sealed.Bytes), v)

	s.each(kmsg.KeyListOffsets, func(v int16) {
		play := func(what, topic string, partition int32, timestamp kmsg.ListOffsetsTimestamp, change func(*kmsg.ListOffsetsRequest)) {
			s.title("-- %s", what)
			req := s.listRequest(topic, partition, timestamp)
			if v == 0 {
				req.Topics[0].Partitions[0].MaxNumOffsets = 10
			}
			if change != nil {
				change(req)
			}
			s.hear(req, v)
		}
		for t := kmsg.TimestampLatest; t >= -7; t-- {
			play(t.String(), "list", 0, t, nil)
		}
		play("end of nothing", "list-empty", 0, kmsg.TimestampLatest, nil)
		play("start of nothing", "list-empty", 0, kmsg.TimestampEarliest, nil)
		if v >= 1 {
			play("a time", "list", 0, kmsg.ListOffsetsTimestamp(at-2500), nil)
			play("the time of the last", "list", 0, kmsg.ListOffsetsTimestamp(at-1000), nil)
			play("long ago", "list", 0, 0, nil)
			play("the future", "list", 0, kmsg.ListOffsetsTimestamp(at+3600_000), nil)
			play("a time in nothing", "list-empty", 0, kmsg.ListOffsetsTimestamp(at), nil)
		}
		if v >= 2 {
			play("committed", "list", 0, kmsg.TimestampLatest, func(r *kmsg.ListOffsetsRequest) { r.IsolationLevel = kmsg.IsolationReadCommitted })
		}
		if v >= 4 {
			play("an epoch from the future", "list", 0, kmsg.TimestampLatest, func(r *kmsg.ListOffsetsRequest) { r.Topics[0].Partitions[0].CurrentLeaderEpoch = 9 })
		}
		play("no such partition", "list", 9, kmsg.TimestampLatest, nil)
		play("no such topic", "list-unknown", 0, kmsg.TimestampLatest, nil)
	})
}

// playOpenTransaction reads a partition in which a transaction is open.
func playOpenTransaction(s *stage) {
	if !s.has(kmsg.KeyAddPartitionsToTxn) {
		return
	}
	s.topic("open", 1)
	s.fill("open", 0, []string{"a", "b"})
	var id int64
	var epoch int16
	s.eventually("a transactional id", func(c *client) bool {
		req := kmsg.NewInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMs = kbin.Str("opener"), 60000
		resp := ask(c, req, 0)
		id, epoch = resp.ProducerID, resp.ProducerEpoch
		return resp.ErrorCode == kmsg.None
	})
	if s.begin != nil {
		s.begin("opener", id, epoch, "open", 0)
	}
	v := min(s.mustNewest(kmsg.KeyProduce), 11) // later ones begin a transaction themselves
	at := s.started.UnixMilli()
	sealed := s.seal(batch.V2, func(b *batch.Builder) {
		b.Transactional = true
		b.Append(at+1000, nil, []byte("c"), nil)
	}, "d")
	sealed.Number(id, epoch, 0)
	req := produceRequest(kmsg.AcksAll, "open", 0, sealed.Bytes)
	req.TransactionalID = kbin.Str("opener")
	s.hear(req, v)
	s.fill("open", 0, []string{"e"})
	s.each(kmsg.KeyListOffsets, func(v int16) {
		if v < 2 {
			return
		}
		for _, isolation := range []kmsg.IsolationLevel{kmsg.IsolationReadUncommitted, kmsg.IsolationReadCommitted} {
			s.title("-- %v", isolation)
			times := []kmsg.ListOffsetsTimestamp{kmsg.TimestampLatest, kmsg.TimestampEarliest, 0, kmsg.ListOffsetsTimestamp(at + 500)}
			if v >= 7 {
				times = append(times, kmsg.TimestampMax)
			}
			for _, t := range times {
				req := s.listRequest("open", 0, t)
				req.IsolationLevel = isolation
				s.hear(req, v)
			}
		}
	})
	s.telling(kmsg.KeyFetch, func(v int16) {
		if v < 4 {
			return
		}
		for _, offset := range []int64{0, 2, 4, 5} {
			req := s.fetchFrom(v, "open", 0, offset)
			req.IsolationLevel = kmsg.IsolationReadCommitted
			s.hear(req, v)
		}
	})
}
