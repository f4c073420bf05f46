package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A mix is a user who knows what must come next while he does one thing after the other.
type mix struct {
	s      *stage
	r      *rand.Rand
	o      *kgo.Consumer
	all    []mixPart
	next   map[mixPart]int64
	paused map[mixPart]bool
}

type mixPart struct {
	topic     string
	partition int32
}

// mixRecords is how many records each partition has.
const mixRecords = 400

// write fills the partitions.
func (m *mix) write(c *kgo.Client, codec compress.Codec) {
	p := m.s.producer(c, kgo.Compression(codec))
	for _, at := range m.all {
		for i := range mixRecords {
			p.Produce(context.Background(), &kgo.Record{
				Topic: at.topic, Partition: at.partition, Timestamp: time.UnixMilli(int64(i)),
				Key: fmt.Appendf(nil, "key %d", i), Value: fmt.Appendf(nil, "%v %d", at, i),
				Headers: []kgo.Header{{Key: "h", Value: fmt.Appendf(nil, "%d", i)}},
			}, nil)
			if m.r.IntN(9) == 0 {
				m.s.flush(p, time.Minute)
			}
		}
	}
	m.s.flush(p, time.Minute)
}

// take compares a record with what must come.
func (m *mix) take(r *kgo.Record) {
	at := mixPart{r.Topic, r.Partition}
	switch {
	case m.paused[at]:
		m.s.Errorf("%v is paused and shows offset %d", at, r.Offset)
	case r.Offset != m.next[at]:
		m.s.Errorf("SKIP or REPEAT: %v shows offset %d, want %d", at, r.Offset, m.next[at])
	case string(r.Value) != fmt.Sprintf("%v %d", at, r.Offset), string(r.Key) != fmt.Sprintf("key %d", r.Offset),
		len(r.Headers) != 1, string(r.Headers[0].Value) != fmt.Sprint(r.Offset), r.Timestamp.UnixMilli() != r.Offset:
		m.s.Errorf("BYTES: %v offset %d is %q %q %v", at, r.Offset, r.Key, r.Value, r.Headers)
	}
	m.next[at] = r.Offset + 1
}

// act does something, but does not stop the partition of a batch that is being walked: it is shown to
// its end.
func (m *mix) act(walked *mixPart) {
	at := m.all[m.r.IntN(len(m.all))]
	parts := map[string][]int32{at.topic: {at.partition}}
	free := walked == nil || *walked != at
	switch m.r.IntN(12) {
	case 0:
		if free {
			m.o.Pause(parts)
			m.paused[at] = true
		}
	case 1, 2, 3:
		m.o.Resume(parts)
		delete(m.paused, at)
	case 4:
		if to := m.r.Int64N(mixRecords); free {
			if err := m.o.Seek(at.topic, at.partition, kgo.AtOffset(to)); err != nil {
				m.s.Error(err)
			}
			m.next[at] = to
		}
	case 5:
		if err := m.s.MoveLeader(at.topic, at.partition, 1+m.r.Int32N(3)); err != nil {
			m.s.Error(err)
		}
	case 6:
		if n, err := m.o.Position(at.topic, at.partition); walked == nil && (err != nil || n != m.next[at] && n >= 0) {
			m.s.Errorf("the position of %v is %d, %v, want %d", at, n, err, m.next[at])
		}
	}
}

// read reads some records in some way.
func (m *mix) read() {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	left := m.r.IntN(30)
	check := func(err error) {
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			m.s.Error(err)
		}
	}
	walk := func(b *kgo.Batch) {
		at := mixPart{b.Topic, b.Partition}
		for r := range b.Records() {
			m.take(r)
			if m.r.IntN(6) == 0 {
				m.act(&at)
			}
		}
		if m.r.IntN(2) == 0 {
			b.Release()
		}
		left -= 5
	}
	switch m.r.IntN(3) {
	case 0:
		for r, err := range m.o.Records(ctx) {
			if check(err); err != nil {
				continue
			}
			m.take(r)
			if m.r.IntN(6) == 0 {
				m.act(nil)
			}
			if left--; left < 0 {
				break
			}
		}
	case 1:
		for b, err := range m.o.Batches(ctx) {
			if check(err); err != nil {
				continue
			}
			if walk(b); left < 0 {
				break
			}
		}
	default:
		batches, err := m.o.Poll(ctx)
		check(err)
		for _, b := range batches {
			for r := range b.Records() {
				m.take(r)
			}
			b.Release()
		}
		m.act(nil)
	}
}

// Records, batches and polls in turn, with pauses, seeks and moves of leaders wherever one may be: each
// record is what it says it is, and where it belongs.
func TestConsumeMix(t *testing.T) {
	for seed := range uint64(60) {
		onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("a", 3), ktest.SeedTopic("b", 2)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				m := &mix{
					s: s, r: rand.New(rand.NewPCG(seed, 9)),
					all:  []mixPart{{"a", 0}, {"a", 1}, {"a", 2}, {"b", 0}, {"b", 1}},
					next: map[mixPart]int64{}, paused: map[mixPart]bool{},
				}
				m.write(c, compress.Codec(seed%5))
				m.o = s.consumer(c, kgo.FetchPartitionBytes(500+m.r.IntN(3000)), kgo.FetchBufferBytes(int64(4000+m.r.IntN(30_000))))
				m.o.Poison()
				m.o.Decompressors(int(seed % 3))
				if err := m.o.AddTopics("a", "b"); err != nil {
					t.Fatal(err)
				}
				for range 300 {
					m.read()
				}
			})
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
