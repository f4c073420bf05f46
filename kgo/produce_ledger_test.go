package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// A ledger knows what was produced to a topic and what was said of it, and holds both against the
// log.
type ledger struct {
	*stage
	topic      string
	partitions int

	mu      sync.Mutex
	entries []entry
	last    []int // by partition: the entry whose callback came last
}

type entry struct {
	partition int32
	calls     int // of the callback
	md        kgo.RecordMetadata
	err       error
}

func newLedger(s *stage, topic string, partitions int) *ledger {
	l := &ledger{stage: s, topic: topic, partitions: partitions, last: make([]int, partitions)}
	for i := range l.last {
		l.last[i] = -1
	}
	return l
}

// produce produces a record to the next partition, from one goroutine.
func (l *ledger) produce(p *kgo.Producer) {
	l.produceSized(p, 0)
}

func (l *ledger) produceSized(p *kgo.Producer, size int) {
	r, callback := l.next(size)
	p.Produce(context.Background(), r, callback)
}

// next returns the next record, of some bytes, and its callback.
func (l *ledger) next(size int) (*kgo.Record, func(kgo.RecordMetadata, error)) {
	l.mu.Lock()
	n := len(l.entries)
	partition := int32(n % l.partitions)
	l.entries = append(l.entries, entry{partition: partition})
	l.mu.Unlock()
	value := append(valueOf(n), make([]byte, size)...)
	return &kgo.Record{Topic: l.topic, Partition: partition, Value: value}, func(md kgo.RecordMetadata, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		e := &l.entries[n]
		e.md, e.err = md, err
		if e.calls++; e.calls > 1 {
			l.Errorf("PROMISE: record %d has %d calls", n, e.calls)
		}
		if l.last[partition] > n {
			l.Errorf("ORDER: the callback of record %d comes after that of %d", n, l.last[partition])
		}
		l.last[partition] = n
	}
}

func valueOf(n int) []byte { return fmt.Appendf(nil, "%08d", n) }

// numberOf returns the record that a value is of, -1 for a foreign one.
func numberOf(value []byte) int {
	n := -1
	if len(value) >= 8 {
		if _, err := fmt.Sscanf(string(value[:8]), "%d", &n); err != nil {
			return -1
		}
	}
	return n
}

// An allowance is what may become of records.
type allowance struct {
	failures bool // records may fail
	doubles  bool // records may be in the log twice, and then out of order
	lost     bool // brokers lost records that they had acknowledged
	offsets  bool // offsets may be unknown
	plain    bool // the producer may go without an id
}

// check compares. All records have their outcome.
func (l *ledger) check(may allowance) {
	l.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	logs := make([][]ktest.Record, l.partitions)
	times := make([]int, len(l.entries)) // in the log
	for p := range logs {
		logs[p] = l.Log(l.topic, int32(p))
		before := -1
		for _, r := range logs[p] {
			n := numberOf(r.Value)
			if n < 0 || n >= len(l.entries) || l.entries[n].partition != int32(p) {
				l.Errorf("partition %d has a record that is not of it: %q", p, r.Value)
				continue
			}
			if times[n]++; times[n] > 1 && !may.doubles {
				l.Errorf("DUP: record %d is there %d times", n, times[n])
			}
			if n < before && !may.doubles {
				l.Errorf("ORDER: record %d comes after %d in partition %d", n, before, p)
			}
			if r.ProducerID < 0 && !may.plain {
				l.Errorf("DUP: record %d has no producer id", n)
			}
			before = n
		}
	}
	for n, e := range l.entries {
		switch {
		case e.calls != 1:
			l.Errorf("PROMISE: record %d has %d calls", n, e.calls)
		case e.err != nil:
			if !may.failures {
				l.Errorf("record %d failed: %v", n, e.err)
			}
			var err *kgo.Error
			if !errors.As(e.err, &err) {
				l.Errorf("record %d: an error of type %T", n, e.err)
			} else if err.Written == kgo.WrittenNo && times[n] > 0 {
				l.Errorf("PROMISE: record %d is written, its error says it is not: %v", n, err)
			}
		case may.lost:
		case e.md.Offset < 0 && may.offsets:
			if times[n] == 0 {
				l.Errorf("LOSS: record %d", n)
			}
		default:
			log := logs[e.partition]
			at := e.md.Offset
			if e.md.Topic != l.topic || e.md.Partition != e.partition || at < 0 || at >= int64(len(log)) || numberOf(log[at].Value) != n {
				l.Errorf("LOSS: record %d is not at %+v", n, e.md)
			}
		}
	}
}

// failed returns how many records failed.
func (l *ledger) failed() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.err != nil {
			n++
		}
	}
	return n
}

// producer makes a producer; the client closes it.
func (s *stage) producer(c *kgo.Client, opts ...kgo.ProducerOption) *kgo.Producer {
	s.Helper()
	p, err := c.NewProducer(append([]kgo.ProducerOption{kgo.Partitioning(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// flush waits for all records, for no longer than a time.
func (s *stage) flush(p *kgo.Producer, within time.Duration) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := p.Flush(ctx); err != nil {
		s.Fatalf("LIVE: Flush within %v: %v", within, err)
	}
	if n := p.BufferedBytes(); n != 0 {
		s.Errorf("MEM: %d bytes are in use after Flush", n)
	}
}
