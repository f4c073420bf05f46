package produce

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A modelLog is a partition as the brokers keep it, as far as producers can tell: the log of its
// leader, and what the leader knows of producers.
type modelLog struct {
	leader  int32
	records []int // in the order of the log: what was appended, by its number
	bases   []modelBatch
	hw      int // so many records are on all replicas
	state   map[int64]*modelProducer

	resumes bool // any number is taken from a producer that is not known (KIP-360)
	lost    bool // records were lost that were on all replicas, or what was known of producers
	deleted int  // how often the topic was made anew
}

// A modelBatch is one that was appended.
type modelBatch struct {
	id          int64
	epoch       int16
	first, last int32
	base, count int
}

// A modelProducer is what is known of a producer.
type modelProducer struct {
	epoch int16
	seen  []modelBatch // the last five at most
}

// A modelAppend is what came of an append.
type modelAppend struct {
	code  kmsg.ErrorCode
	base  int
	end   int
	again bool // it was there already
}

// append does what a broker does with a batch. The error is one of the producer's that no broker
// should see.
func (l *modelLog) append(raw []byte) (w modelAppend, err error) {
	r := batch.NewReader(raw)
	if !r.Next() || r.Pos() != len(raw) {
		return w, fmt.Errorf("no batch: %v", r.Err())
	}
	if err := r.Batch.Verify(); err != nil {
		return w, fmt.Errorf("BYTES: %w", err)
	}
	payload, _, err := r.Batch.Payload(nil, nil, 0)
	if err != nil {
		return w, err
	}
	var numbers []int
	for walk := r.Batch.Walk(payload); walk.Next(); {
		n, err := strconv.Atoi(string(walk.Record.Value))
		if err != nil {
			return w, err
		}
		numbers = append(numbers, n)
	}
	h := &r.Batch.Header
	b := modelBatch{id: h.ProducerID, epoch: h.ProducerEpoch, first: h.BaseSequence, last: sequenceAfter(h.BaseSequence, len(numbers)-1), base: len(l.records), count: len(numbers)}
	if b.id >= 0 {
		if dup, code := l.check(&b); code != kmsg.None || dup != nil {
			if dup != nil {
				return modelAppend{base: dup.base, end: dup.base + dup.count, again: true}, nil
			}
			return modelAppend{code: code}, nil
		}
		l.know(b)
	}
	l.bases = append(l.bases, b)
	l.records = append(l.records, numbers...)
	return modelAppend{base: b.base, end: len(l.records)}, nil
}

func sequenceAfter(first int32, n int) int32 {
	if first > math.MaxInt32-int32(n) {
		return int32(n) - (math.MaxInt32 - first) - 1
	}
	return first + int32(n)
}

// check finds the batch that this one repeats, or why it may not come next.
func (l *modelLog) check(b *modelBatch) (*modelBatch, kmsg.ErrorCode) {
	p := l.state[b.id]
	switch {
	case p == nil && (l.resumes || b.first == 0):
		return nil, kmsg.None
	case p == nil:
		return nil, kmsg.UnknownProducerID
	case b.epoch < p.epoch:
		return nil, kmsg.InvalidProducerEpoch
	case b.epoch > p.epoch:
		if b.first != 0 {
			return nil, kmsg.OutOfOrderSequenceNumber
		}
		return nil, kmsg.None
	}
	for i := range p.seen {
		if s := &p.seen[i]; s.first == b.first && s.last == b.last {
			return s, kmsg.None
		}
	}
	if n := len(p.seen); n > 0 && sequenceAfter(p.seen[n-1].last, 1) != b.first {
		return nil, kmsg.OutOfOrderSequenceNumber
	}
	return nil, kmsg.None
}

func (l *modelLog) know(b modelBatch) {
	p := l.state[b.id]
	if p == nil || p.epoch != b.epoch {
		p = &modelProducer{epoch: b.epoch}
		l.state[b.id] = p
	}
	p.seen = append(p.seen, b)
	if len(p.seen) > 5 {
		p.seen = p.seen[1:]
	}
}

// truncate drops the records from the n-th on, and with them what was known because of them.
func (l *modelLog) truncate(n int) {
	for len(l.bases) > 0 && l.bases[len(l.bases)-1].base+l.bases[len(l.bases)-1].count > n {
		l.bases = l.bases[:len(l.bases)-1]
	}
	end := 0
	if len(l.bases) > 0 {
		last := l.bases[len(l.bases)-1]
		end = last.base + last.count
	}
	l.records = l.records[:end]
	if end < l.hw {
		l.hw, l.lost = end, true
	}
	l.state = map[int64]*modelProducer{}
	for _, b := range l.bases {
		if b.id >= 0 {
			l.know(b)
		}
	}
}

// restart is what a broker remembers of producers when it starts again: the last batch of each,
// from its snapshot.
func (l *modelLog) restart() {
	for _, p := range l.state {
		if n := len(p.seen); n > 1 {
			p.seen = slices.Clone(p.seen[n-1:])
		}
	}
}

// recreate empties the log: the topic was deleted and made again.
func (l *modelLog) recreate() {
	l.records, l.bases, l.hw = nil, nil, 0
	l.state = map[int64]*modelProducer{}
	l.deleted++
}
