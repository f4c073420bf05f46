package produce

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Queue is a partition's records on their way. The caller of every method holds the queue's
// lock; no method blocks. After each the owner looks at [Queue.Ended].
type Queue struct {
	Topic     string
	Partition int32

	set     *Settings
	topicID kbin.UUID // zero where brokers have none
	unknown int       // how often in a row a leader did not know topicID
	wrongID kbin.UUID // that leaders did not know, and that is not used again

	open *Batch // takes records; nil without any
	// line are the sealed batches that are not over, in the order of their records: those that
	// wait, fly, or have an outcome that waits for those before.
	line   []*Batch
	base   []*Batch // line's memory, from its start; empty
	flying int      // how many of line fly
	usual  int      // bytes of the batch that was sealed last
	leader int32    // whose sink may take; -1 for none
	flyAt  int32    // the broker that has what flies

	numbers

	// drain says that nothing is taken until what flies has come back: something of it is to
	// be sent again, and must leave first.
	drain    bool
	failures int       // in a row
	notUntil time.Time // wait after a failure

	ended []Outcome
}

// NewQueue returns the empty queue of a partition that no broker leads.
func NewQueue(set *Settings, topic string, id kbin.UUID, partition int32) *Queue {
	return &Queue{Topic: topic, topicID: id, Partition: partition, set: set, leader: -1, flyAt: -1, numbers: numbers{identity: NoIdentity}}
}

// Open returns the batch that takes records, nil if one must be begun.
func (q *Queue) Open() *Batch { return q.open }

// Begin makes b, which has a builder without records, the batch that takes records. There must
// be none. Since is when its first record came, which is now unless that was kept elsewhere.
func (q *Queue) Begin(since time.Time, b *Batch) {
	if q.open != nil {
		panic("produce: a second open batch")
	}
	b.queue = q
	b.opened, b.deadline = since, since.Add(q.set.DeliveryTimeout)
	q.open = b
}

// filled reports whether there are records in the open batch.
func (q *Queue) filled() bool { return q.open != nil && q.open.Builder.Len() > 0 }

// Seal ends the batch that takes records and returns it, nil if there is none. If
// [Settings].Prepare is set, the caller sees to it that a worker prepares it, and tells
// [Queue.Prepared].
func (q *Queue) Seal() *Batch {
	if !q.filled() {
		return nil
	}
	b := q.open
	q.open = nil
	b.Sealed = b.Builder.Seal()
	q.usual = len(b.Sealed.Bytes)
	b.state = stateWaiting
	if q.set.Prepare {
		b.working = true
	} else {
		b.Sealed.Checksum()
	}
	if len(q.line) == 0 {
		q.line = q.base
	}
	full := len(q.line) == cap(q.line)
	q.line = append(q.line, b)
	if full {
		q.base = q.line[:0]
	}
	return b
}

// Usual is how many bytes the batch that was sealed last had, before compression. The next one may
// well become as large.
func (q *Queue) Usual() int { return q.usual }

// Aged reports whether the open batch has been open for so long that it is time to seal it,
// whether or not anybody takes it.
func (q *Queue) Aged(now time.Time) bool {
	return q.filled() && now.Sub(q.open.opened) >= q.set.DeliveryTimeout/agedShare
}

// Prepared takes back a sealed batch from the worker that compressed and checksummed it, with
// what it goes out as.
func (q *Queue) Prepared(b *Batch, sealed batch.Sealed) {
	b.working = false
	b.Sealed = sealed
	if b.reported {
		q.ended = append(q.ended, Outcome{Batch: b, Released: true})
	}
}

// Idle reports whether the queue has no records at all.
func (q *Queue) Idle() bool { return len(q.line) == 0 && !q.filled() }

// Last returns the batch whose outcome will come last, nil if none will.
func (q *Queue) Last() *Batch {
	if q.filled() {
		return q.open
	}
	for _, b := range slices.Backward(q.line) {
		if !b.reported {
			return b
		}
	}
	return nil
}

// SetLeader says which broker leads the partition, -1 for none, and reports whether that is
// another one than before. What flies stays with whoever has it; the new leader gets batches
// once that has come back.
func (q *Queue) SetLeader(broker int32) bool {
	if q.leader == broker {
		return false
	}
	q.leader = broker
	q.notUntil = time.Time{} // the wait was for this
	q.proven = time.Time{}
	return true
}

// Leader returns the broker that leads the partition, -1 for none.
func (q *Queue) Leader() int32 { return q.leader }

// Away returns the broker that has batches of the partition although another one leads it; -1 if
// there is none.
func (q *Queue) Away() int32 {
	if q.flying == 0 || q.leader < 0 || q.flyAt == q.leader {
		return -1
	}
	return q.flyAt
}

// SetTopicID says by which id the topic goes. A topic that was made anew under its name has an
// empty log, where any number will do.
//
// Metadata may go on telling an id that leaders do not know, as when it comes from a broker that
// tells none any more, and the last one is kept. Then batches go by the topic's name.
func (q *Queue) SetTopicID(id kbin.UUID) {
	if id != q.topicID && (id != q.wrongID || id.IsZero()) {
		q.topicID, q.unknown = id, 0
		q.proven = time.Time{}
	}
}

// Ended returns the outcomes since the last call. They are good until the next call of any method.
func (q *Queue) Ended() []Outcome {
	ended := q.ended
	q.ended = q.ended[:0]
	return ended
}

// Expire gives up what has run out of time, and returns when the next batch will; zero if there
// is none.
func (q *Queue) Expire(now time.Time) time.Time {
	q.expire(now)
	for _, b := range q.line {
		if b.state != stateEnded && !b.reported {
			return b.deadline
		}
	}
	if q.filled() {
		return q.open.deadline
	}
	return time.Time{}
}

// expire gives up what has run out of time. Deadlines are in order.
func (q *Queue) expire(now time.Time) {
	if len(q.line) > 0 && !now.Before(q.line[0].deadline) || q.filled() && !now.Before(q.open.deadline) {
		q.giveUp(ErrTimeout, func(b *Batch) bool { return !now.Before(b.deadline) })
	}
}

// GiveUp fails everything with an error.
func (q *Queue) GiveUp(err error) {
	q.giveUp(err, func(*Batch) bool { return true })
}

// giveUp fails batches from the first on, up to the last that is late.
func (q *Queue) giveUp(err error, late func(*Batch) bool) {
	i := 0
	for i < len(q.line) && late(q.line[i]) {
		switch b := q.line[i]; {
		case b.reported:
			i++
		case b.state == stateFlying:
			b.reported = true
			q.ended = append(q.ended, Outcome{Batch: b, Err: err, Last: b.last, BaseOffset: -1, LogAppendTime: -1, Written: true, InUse: true})
			q.settle()
			i++
		default:
			q.end(b, q.giveUpOne(b, err)) // which takes it off the line
		}
	}
	if b := q.open; i == len(q.line) && q.filled() && late(b) {
		q.open = nil
		b.state = stateGone
		q.ended = append(q.ended, q.giveUpOne(b, err))
	}
}

// giveUpOne makes the outcome of a batch that will not be sent any more.
func (q *Queue) giveUpOne(b *Batch, err error) Outcome {
	q.missing(b)
	return Outcome{Batch: b, Err: err, Last: b.last, BaseOffset: -1, LogAppendTime: -1, Written: b.written, InUse: b.working}
}

// end is the end of a batch of the line: its outcome is told as soon as those before it are.
func (q *Queue) end(b *Batch, o Outcome) {
	b.outcome = o
	b.state = stateEnded
	q.settle()
}

// settle tells the outcomes that need not wait any more.
func (q *Queue) settle() {
	for i := 0; i < len(q.line); {
		switch b := q.line[i]; {
		case b.state == stateEnded:
			b.outcome.InUse = b.working
			q.ended = append(q.ended, b.outcome)
			b.reported = b.working
			b.outcome = Outcome{}
			q.remove(i)
		case b.reported:
			i++
		default:
			return
		}
	}
}

// remove takes a batch off the line.
func (q *Queue) remove(i int) {
	q.line[i].state = stateGone
	if i == 0 {
		q.line[0] = nil
		q.line = q.line[1:]
		return
	}
	q.line = slices.Delete(q.line, i, i+1)
}
