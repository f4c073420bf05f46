package produce

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Resolve ends a try of a batch that flies. Jitter is a random number from 0 to 1.
func (q *Queue) Resolve(now time.Time, b *Batch, r Result, jitter float64) (res Resolution) {
	if b.state != stateFlying || b.queue != q {
		panic(fmt.Sprintf("produce: a batch of %s[%d] is resolved that does not fly", q.Topic, q.Partition))
	}
	i := slices.Index(q.line, b)
	first := !slices.ContainsFunc(q.line[:i], func(b *Batch) bool { return b.state != stateEnded })
	q.flying--
	fate := q.fateOf(b, &r, first)
	switch {
	case fate == fateAcked:
		q.acked(now, b, &r)
		q.drain = q.drain && q.flying > 0
		return res
	case r.Failure != nil:
		b.written = b.written || r.Written
	default:
		b.written = b.written || mayBeWritten(r.Code, q.set.Acks)
	}
	b.last = r
	q.proven = time.Time{}
	if (r.Code == kmsg.UnknownTopicID || r.Code == kmsg.InconsistentTopicID) && b.sentID == q.topicID && first {
		q.unknownID()
	}
	res.Stale = fate == fateStale
	if fate == fateNumbered {
		// It is not in the log, and will not be under its number, nor will another.
		q.newEpoch = true
		q.missingFrom(b.sequence)
	}
	switch fate {
	case fateRetry, fateStale, fateNumbered:
		q.rest(now, fate, jitter)
		if !now.Before(b.deadline) || q.set.Tries > 0 && b.tries >= q.set.Tries {
			fate = fateFailed
		}
	}
	switch {
	case b.reported:
		q.missing(b)
		q.remove(i)
		q.ended = append(q.ended, Outcome{Batch: b, Released: true})
	case b.overtaken && !b.written:
		q.end(b, q.giveUpOne(b, ErrOvertaken))
	case fate == fateFailed:
		q.end(b, q.giveUpOne(b, q.errorOf(now, b, &r)))
	default:
		// It leaves before all that come after it: until those that fly are back, nothing else
		// is taken.
		b.state = stateWaiting
		q.drain = true
		if fate == fateSplit {
			b.working = true
			res.Split = b
		}
	}
	q.drain = q.drain && q.flying > 0
	return res
}

// unknownID takes note that a leader does not know the topic's id. It may only not know it yet; but
// if that goes on, the topic's name has to do.
func (q *Queue) unknownID() {
	if q.unknown++; q.unknown >= idTries {
		q.wrongID, q.topicID, q.unknown = q.topicID, kbin.UUID{}, 0
	}
}

// rest lets the queue pause after a failure. A number that is wrong is mended without a pause,
// once, and another leader does not share the trouble of the one before.
func (q *Queue) rest(now time.Time, fate fate, jitter float64) {
	if q.leader >= 0 && q.flyAt != q.leader {
		return
	}
	if q.failures++; fate != fateNumbered || q.failures > 1 {
		q.notUntil = now.Add(q.set.backoff(q.failures, jitter))
	}
}

// acked takes note that a batch is in the log.
func (q *Queue) acked(now time.Time, b *Batch, r *Result) {
	q.failures, q.unknown = 0, 0
	q.notUntil = time.Time{}
	if r.Version >= windowVersion && q.flyAt == q.leader {
		q.proven = now
	}
	q.overtake(b)
	if q.misplaced(b) {
		// The broker took what it should not have: it must have lost what it knew. Nothing
		// is missing any more.
		q.hole = false
	}
	if b.reported {
		q.remove(slices.Index(q.line, b))
		q.ended = append(q.ended, Outcome{Batch: b, Released: true})
		q.settle()
		return
	}
	o := Outcome{Batch: b, BaseOffset: r.BaseOffset, LogAppendTime: r.LogAppendTime}
	if r.Code == kmsg.DuplicateSequenceNumber {
		o.BaseOffset = -1 // the broker has it, but does not remember where
	}
	q.end(b, o)
}

// overtake takes note that batches before one that is in the log are not acknowledged. Mostly they
// are in the log too, and their answers are lost; if that is not so the broker has lost records.
func (q *Queue) overtake(b *Batch) {
	for i := 0; q.line[i] != b; i++ {
		switch early := q.line[i]; {
		case early.state == stateEnded:
		case early.state == stateWaiting && !early.written:
			early.state = stateEnded
			early.outcome = q.giveUpOne(early, ErrOvertaken)
		default:
			early.overtaken = true
		}
	}
}

// errorOf says why a batch is given up after a try.
func (q *Queue) errorOf(now time.Time, b *Batch, r *Result) error {
	switch {
	case errors.Is(r.Failure, ErrFatal):
		return r.Failure
	case r.Failure == nil && q.fateOf(b, r, true) == fateFailed:
		return r.Code
	case !now.Before(b.deadline):
		return ErrTimeout
	}
	return ErrTries
}

// Replace puts two batches in the place of one that a worker has split. They are sealed and
// prepared, have the same records, and share its number if it has one. Without them it could not
// be split, and is given up.
//
// It reports false if the batch was given up, now or meanwhile, and the two are not needed.
func (q *Queue) Replace(b *Batch, left, right *Batch) bool {
	b.working = false
	switch {
	case b.reported:
		q.ended = append(q.ended, Outcome{Batch: b, Released: true})
		return false
	case b.state != stateWaiting:
		return false
	case left == nil:
		q.end(b, q.giveUpOne(b, b.last.Code))
		return false
	}
	i := slices.Index(q.line, b)
	for _, half := range []*Batch{left, right} {
		half.queue, half.state = q, stateWaiting
		half.opened, half.deadline = b.opened, b.deadline
		half.tries, half.written, half.last = b.tries, b.written, b.last
		half.numbered = b.numbered
	}
	if b.numbered {
		left.sequence, right.sequence = b.sequence, nextSequence(b.sequence, left.Sealed.Count)
		for _, half := range []*Batch{left, right} {
			half.Sealed.Number(q.identity.ID, q.identity.Epoch, half.sequence)
		}
	}
	b.state = stateGone
	q.line = slices.Replace(q.line, i, i+1, left, right)
	q.base = nil
	return true
}
