package produce

import (
	"errors"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Errors of batches that the broker did not make.
var (
	// ErrTimeout says that a batch ran out of time, [Settings].DeliveryTimeout.
	ErrTimeout = errors.New("the delivery timeout is over")
	// ErrTries says that a batch was sent as often as it may, [Settings].Tries.
	ErrTries = errors.New("sent as often as allowed")
	// ErrFatal is wrapped by failures that trying again will not mend.
	ErrFatal = errors.New("there is no way to send it")
	// ErrNoAnswer says that a broker's answer did not speak of a batch in its request.
	ErrNoAnswer = errors.New("the answer leaves the partition out")
)

// A Result is what became of one try of a batch: what the broker said, or a failure on the way.
type Result struct {
	// Code is the broker's; None with Failure nil is success.
	Code       kmsg.ErrorCode
	Message    string // the broker's own words
	BaseOffset int64
	// LogAppendTime is what the broker set the timestamps to, -1 if it did not.
	LogAppendTime int64
	// Failure is why there is no answer, and Written whether the broker may have the batch
	// nevertheless.
	Failure error
	Written bool
}

// An Outcome is the end of a batch: its records are in the log, or have failed.
type Outcome struct {
	Batch *Batch
	// Err is nil if the records are in the log: the first at BaseOffset, -1 if that is not known.
	Err           error
	BaseOffset    int64
	LogAppendTime int64
	// Last is the last try that failed, if Err is an error of this package.
	Last Result
	// Written says that failed records may be in the log nevertheless.
	Written bool
	// Flying says that the bytes of the batch may still be on their way to the broker, so that
	// nobody may use their memory again; Released will tell.
	Flying bool
	// Released says that this is no outcome but the end of one with Flying.
	Released bool
}

// A Resolution is what follows from the result of a try.
type Resolution struct {
	Outcomes []Outcome
	// Stale says that what is known of the partition's leader is not so.
	Stale bool
	// Split has a batch that is too large for the broker: its owner makes two of it and gives
	// them to [Queue.Replace].
	Split *Batch
	// Ready says that the queue may have something to take.
	Ready bool
}

// Resolve ends a try of a batch that flies. Jitter is a random number from 0 to 1.
func (q *Queue) Resolve(now time.Time, b *Batch, r Result, jitter float64) (res Resolution) {
	i := slices.Index(q.flying, b)
	if i < 0 {
		panic("produce: a batch is resolved that does not fly")
	}
	first := i == 0
	q.flying = slices.Delete(q.flying, i, i+1)
	b.written = b.written || r.Written || mayBeWritten(r.Code)
	if r.Failure != nil || r.Code != kmsg.None {
		b.last = r
	}
	res.Ready = true
	switch fate := q.fate(now, b, r, first); fate {
	case acked:
		q.failures = 0
		q.acked(b, r, &res)
	case retry, retryStale, retryQuietly:
		res.Stale = fate == retryStale
		if b.expired {
			q.abandon(b, &res)
			break
		}
		q.again(b)
		if fate != retryQuietly {
			q.failures++
			q.notUntil = now.Add(q.set.backoff(q.failures, jitter))
		}
	case renumbered:
		if b.expired {
			q.abandon(b, &res)
			break
		}
		q.renumber(true, 0)
		q.again(b)
	case split:
		if b.expired {
			q.abandon(b, &res)
			break
		}
		q.again(b)
		res.Split = b
	case failed:
		if b.expired {
			q.abandon(b, &res)
			break
		}
		o := q.giveUp(b, q.errorOf(now, b, r))
		res.Outcomes = append(res.Outcomes, o)
	}
	return res
}

type fate int8

const (
	acked        fate = iota
	retry             // after a wait
	retryStale        // the same, with newer metadata
	retryQuietly      // a batch before it failed, nothing is wrong with this one
	renumbered        // sent again under a new epoch
	split
	failed
)

// fate decides what becomes of a batch after a try. First says that no earlier batch of the
// partition is without an answer.
func (q *Queue) fate(now time.Time, b *Batch, r Result, first bool) fate {
	f := q.fateOf(b, r, first)
	switch f {
	case retry, retryStale:
		if !now.Before(b.deadline) || q.set.Tries > 0 && b.tries >= q.set.Tries {
			return failed
		}
	}
	return f
}

func (q *Queue) fateOf(b *Batch, r Result, first bool) fate {
	if r.Failure != nil {
		switch {
		case errors.Is(r.Failure, ErrNoAnswer):
			return retryStale
		case errors.Is(r.Failure, ErrFatal):
			return failed
		}
		return retry
	}
	switch r.Code {
	case kmsg.None, kmsg.DuplicateSequenceNumber:
		return acked
	case kmsg.OutOfOrderSequenceNumber, kmsg.UnknownProducerID, kmsg.InvalidProducerEpoch, kmsg.InvalidProducerIDMapping, kmsg.ProducerFenced:
		switch {
		case q.plain:
			return failed
		case q.restart && r.Code == kmsg.OutOfOrderSequenceNumber:
			b.written = false // what was given up before it is not in the log, so this is not
			return retryQuietly
		case !first || len(q.waiting) > 0 && q.waiting[0].order < b.order:
			return retryQuietly // because of a batch before it
		case b.written:
			return failed // under other numbers it could be there twice
		}
		return renumbered
	case kmsg.MessageTooLarge:
		if b.Sealed.Count > 1 {
			return split
		}
		return failed
	case kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.LeaderNotAvailable, kmsg.FencedLeaderEpoch,
		kmsg.UnknownLeaderEpoch, kmsg.UnknownTopicID, kmsg.InconsistentTopicID, kmsg.KafkaStorageError, kmsg.ReplicaNotAvailable, kmsg.BrokerNotAvailable:
		return retryStale
	}
	if r.Code.Retriable() {
		return retry
	}
	return failed
}

// mayBeWritten reports whether a broker that answers with a code may have appended the batch.
func mayBeWritten(c kmsg.ErrorCode) bool {
	switch c {
	case kmsg.RequestTimedOut, kmsg.NotEnoughReplicasAfterAppend, kmsg.UnknownServerError, kmsg.NetworkException:
		return true
	}
	return !c.Known()
}

func (q *Queue) errorOf(now time.Time, b *Batch, r Result) error {
	switch {
	case errors.Is(r.Failure, ErrFatal):
		return r.Failure
	case r.Failure == nil && !r.Code.Retriable():
		return r.Code.Err()
	case !now.Before(b.deadline):
		return ErrTimeout
	case q.set.Tries > 0 && b.tries >= q.set.Tries:
		return ErrTries
	case r.Failure != nil:
		return r.Failure
	}
	return r.Code.Err()
}

func (q *Queue) acked(b *Batch, r Result, res *Resolution) {
	if b.expired {
		res.Outcomes = append(res.Outcomes, Outcome{Batch: b, Released: true})
		return
	}
	o := Outcome{Batch: b, BaseOffset: r.BaseOffset, LogAppendTime: r.LogAppendTime}
	if r.Code == kmsg.DuplicateSequenceNumber {
		o.BaseOffset = -1 // the broker has it, but does not remember where
	}
	res.Outcomes = append(res.Outcomes, o)
}

// abandon ends a batch whose failure was reported while it flew.
func (q *Queue) abandon(b *Batch, res *Resolution) {
	if b.numbered() {
		q.renumber(b.written, b.sequence)
	}
	res.Outcomes = append(res.Outcomes, Outcome{Batch: b, Released: true})
}

// again puts a batch back, before all that come after it, and holds the queue until all that
// fly are back.
func (q *Queue) again(b *Batch) {
	i := 0
	for i < len(q.waiting) && q.waiting[i].order < b.order {
		i++
	}
	q.waiting = slices.Insert(q.waiting, i, b)
	q.drain = len(q.flying) > 0
}

// Replace puts two batches in the place of one that is to be split. They are sealed and
// prepared, have the same records, and share its number if it has one.
//
// It reports false if the batch was given up meanwhile, and the two are not needed.
func (q *Queue) Replace(b *Batch, left, right *Batch) bool {
	i := slices.Index(q.waiting, b)
	if i < 0 {
		return false
	}
	b.width /= 2
	left.order, right.order = b.order, b.order+b.width
	for _, half := range []*Batch{left, right} {
		half.width = b.width
		half.queue, half.opened, half.deadline = q, b.opened, b.deadline
		half.prepared, half.tries, half.written, half.last = true, b.tries, b.written, b.last
		half.identity = b.identity
	}
	if b.numbered() {
		left.sequence, right.sequence = b.sequence, nextSequence(b.sequence, left.Sealed.Count)
		for _, half := range []*Batch{left, right} {
			half.Sealed.Number(half.identity.ID, half.identity.Epoch, half.sequence)
		}
	}
	q.waiting = slices.Replace(q.waiting, i, i+1, left, right)
	return true
}
