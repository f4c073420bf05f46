package broker

import (
	"math"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// seenBatches is how many of a producer's batches a partition remembers, to know one again that
// is sent twice: as many as may be in flight (KAFKA-5494). Before 1.0 it was one.
const seenBatches = 5

// producers are what a partition knows of those who write to it with a producer id (KIP-98).
type producers struct {
	byID map[int64]*producer
}

// A producer is one of them.
type producer struct {
	epoch int16
	seen  []seenBatch // oldest first; empty if a marker began the epoch
	last  time.Time   // of the last append
}

// A seenBatch is a batch that was appended.
type seenBatch struct {
	firstSeq, lastSeq int32
	base, last        int64
	timestamp         int64
}

// addSequence adds to a sequence number, which goes on with 0 after the largest int32.
func addSequence(seq, n int32) int32 {
	if seq > math.MaxInt32-n {
		return n - (math.MaxInt32 - seq) - 1
	}
	return seq + n
}

// producerRules differ from release to release.
type producerRules struct {
	seen     int            // how many batches are remembered
	unknown  bool           // who is not known must begin with 0: before KIP-360 (2.5)
	code     kmsg.ErrorCode // or is told this
	expireIn time.Duration
}

// duplicate finds the batch that h is a repetition of.
func (p *producers) duplicate(h *batch.Header) *seenBatch {
	known := p.byID[h.ProducerID]
	if known == nil || known.epoch != h.ProducerEpoch {
		return nil
	}
	for i := range known.seen {
		if s := &known.seen[i]; s.firstSeq == h.BaseSequence && s.lastSeq == addSequence(h.BaseSequence, h.LastOffsetDelta) {
			return s
		}
	}
	return nil
}

// check says whether a batch may come next from its producer.
func (p *producers) check(now time.Time, h *batch.Header, rules *producerRules) kmsg.ErrorCode {
	known := p.byID[h.ProducerID]
	if known != nil && now.Sub(known.last) > rules.expireIn {
		delete(p.byID, h.ProducerID)
		known = nil
	}
	switch {
	case known == nil:
		if rules.unknown && h.BaseSequence != 0 {
			return rules.code
		}
	case h.ProducerEpoch < known.epoch:
		return kmsg.InvalidProducerEpoch
	case h.ProducerEpoch > known.epoch:
		if h.BaseSequence != 0 {
			return kmsg.OutOfOrderSequenceNumber
		}
	case len(known.seen) == 0:
		// A marker has brought the epoch: what comes first is 0, as after any new epoch.
		if h.BaseSequence != 0 {
			return kmsg.OutOfOrderSequenceNumber
		}
	case h.BaseSequence != addSequence(known.seen[len(known.seen)-1].lastSeq, 1):
		return kmsg.OutOfOrderSequenceNumber
	}
	return kmsg.None
}

// add takes note of a batch that was appended.
func (p *producers) add(now time.Time, b *logged, keep int) {
	if b.producerID < 0 {
		return
	}
	known := p.byID[b.producerID]
	if known == nil {
		if p.byID == nil {
			p.byID = map[int64]*producer{}
		}
		known = &producer{epoch: b.prodEpoch}
		p.byID[b.producerID] = known
	}
	if known.epoch != b.prodEpoch {
		known.epoch, known.seen = b.prodEpoch, nil
	}
	known.last = now
	if b.attributes.Control() {
		return
	}
	if len(known.seen) == keep {
		known.seen = append(known.seen[:0], known.seen[1:]...)
	}
	known.seen = append(known.seen, seenBatch{b.sequence, addSequence(b.sequence, int32(b.last-b.base)), b.base, b.last, b.maxTimestamp})
}

// rebuild makes the state anew from a log that was truncated, as brokers do.
func (p *producers) rebuild(now time.Time, l *log, keep int) {
	p.byID = nil
	for i := range l.batches {
		p.add(now, &l.batches[i], keep)
	}
}

// trim forgets those all of whose batches are before an offset, as brokers did before KIP-360.
func (p *producers) trim(offset int64) {
	for id, known := range p.byID {
		if n := len(known.seen); n == 0 || known.seen[n-1].last < offset {
			delete(p.byID, id)
		}
	}
}
