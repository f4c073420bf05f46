package produce

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
)

// A Queue is a partition's records on their way. The caller of every method holds the queue's
// lock; no method blocks.
type Queue struct {
	Topic     string
	TopicID   kbin.UUID // zero where brokers have none
	Partition int32

	set *Settings

	open    *Batch   // takes records; nil without any
	waiting []*Batch // sealed, in their order
	flying  []*Batch // taken and not resolved, in their order
	leader  int32    // whose sink may take; -1 for none
	flyAt   int32    // the broker that has what flies

	// plain says that the producer has no identity and batches have no numbers.
	plain bool
	// identity and sequence number the next batch that is taken for the first time.
	identity Identity
	sequence int32
	begun    uint64 // batches so far, in steps of orderWidth
	// restart says that batches get new numbers once nothing flies: from restartAt on, or, with
	// newEpoch, from 0 in a newer epoch than identity's.
	restart   bool
	newEpoch  bool
	restartAt int32

	// drain says that nothing is taken until what flies has come back: something of it is to
	// be sent again, and must leave first.
	drain    bool
	failures int       // in a row
	notUntil time.Time // wait after a failure
}

// orderWidth leaves room to split a batch twenty times.
const orderWidth = 1 << 20

// NewQueue returns the empty queue of a partition that no broker leads.
func NewQueue(set *Settings, topic string, id kbin.UUID, partition int32) *Queue {
	return &Queue{Topic: topic, TopicID: id, Partition: partition, set: set, leader: -1, flyAt: -1, identity: NoIdentity}
}

// Open returns the batch that takes records, nil if one must be begun.
func (q *Queue) Open() *Batch { return q.open }

// Begin makes b, which has a builder without records, the batch that takes records. There must
// be none.
func (q *Queue) Begin(now time.Time, b *Batch) {
	q.begun += orderWidth
	b.queue, b.identity, b.order, b.width = q, NoIdentity, q.begun, orderWidth
	b.opened, b.deadline = now, now.Add(q.set.DeliveryTimeout)
	q.open = b
}

// Seal ends the batch that takes records and returns it, nil if there is none. If
// [Settings].Prepare is set it waits for [Queue.Prepared].
func (q *Queue) Seal() *Batch {
	b := q.open
	if b == nil || b.Builder.Len() == 0 {
		return nil
	}
	q.open = nil
	b.Sealed = b.Builder.Seal()
	if !q.set.Prepare {
		b.Sealed.Checksum()
		b.prepared = true
	}
	q.waiting = append(q.waiting, b)
	return b
}

// Prepared says that a sealed batch is compressed and checksummed.
func (q *Queue) Prepared(b *Batch) { b.prepared = true }

// Idle reports whether the queue has no records at all.
func (q *Queue) Idle() bool {
	return len(q.waiting) == 0 && len(q.flying) == 0 && (q.open == nil || q.open.Builder.Len() == 0)
}

// Last returns the batch that was begun last and is not resolved, nil if there is none.
func (q *Queue) Last() *Batch {
	switch {
	case q.open != nil && q.open.Builder.Len() > 0:
		return q.open
	case len(q.waiting) > 0:
		return q.waiting[len(q.waiting)-1]
	case len(q.flying) > 0:
		return q.flying[len(q.flying)-1]
	}
	return nil
}

// SetLeader says which broker leads the partition, -1 for none, and reports whether that is
// another one than before. What flies stays with whoever has it; the new leader gets batches
// once that has come back.
func (q *Queue) SetLeader(broker int32) bool {
	changed := q.leader != broker
	if changed {
		q.notUntil = time.Time{} // the wait was for this
	}
	q.leader = broker
	return changed
}

// Leader returns the broker that leads the partition, -1 for none.
func (q *Queue) Leader() int32 { return q.leader }

// SetTopicID says by which id the topic goes. A topic that was made anew under its name knows
// nothing of the numbers so far.
func (q *Queue) SetTopicID(id kbin.UUID) {
	if id == q.TopicID {
		return
	}
	anew := !q.TopicID.IsZero() && !id.IsZero()
	q.TopicID = id
	if anew && q.identity.ID >= 0 {
		q.renumber(true, 0)
	}
}

// What a Taken says.
type Taken struct {
	// Batch is to be sent.
	Batch *Batch
	// Prepare is to be compressed and checksummed, and then told to [Queue.Prepared].
	Prepare *Batch
	// Need says what the queue lacks to go on: an identity, or a newer epoch than the one of
	// OldIdentity.
	Need        Need
	OldIdentity Identity
	// Again is when there may be something; zero if that will be told. Lingers says that it is
	// only for more records that the queue waits.
	Again   time.Time
	Lingers bool
	// More says that there may be another batch now.
	More bool
	// Elsewhere says that another broker may take.
	Elsewhere bool
	// Given are batches that have run out of time.
	Given []Outcome
}

// A Need is what a queue lacks.
type Need int8

// What a queue may lack.
const (
	NeedNothing Need = iota
	NeedIdentity
	NeedNewEpoch
)

// Take takes the next batch for a broker, if there is one that is no larger than room. Eager
// says not to wait for more records. Identity is the producer's newest.
func (q *Queue) Take(now time.Time, broker int32, identity Identity, eager bool, room int) (t Taken) {
	t.Given = q.expire(now)
	switch {
	case q.leader != broker:
		t.Elsewhere = q.leader >= 0
		return t
	case len(q.flying) > 0 && q.flyAt != broker:
		return t // whoever has it will find that the queue is elsewhere
	case q.drain && len(q.flying) > 0:
		return t
	case now.Before(q.notUntil):
		t.Again = q.notUntil
		return t
	case len(q.flying) >= q.set.flying(identity == Plain):
		return t
	}
	q.drain = false
	if q.plain = identity == Plain; !q.plain && !q.ensureIdentity(identity, &t) {
		return t
	}
	if len(q.waiting) == 0 {
		if q.open == nil || q.open.Builder.Len() == 0 {
			return t
		}
		if due := q.open.opened.Add(q.set.Linger); !eager && now.Before(due) {
			t.Again, t.Lingers = due, true
			return t
		}
		t.Prepare = q.Seal()
	}
	b := q.waiting[0]
	switch {
	case !b.prepared:
		if b != t.Prepare {
			t.Prepare = nil // somebody does it already
		}
		return t
	case b.Size() > room:
		t.Prepare = nil
		t.More = true
		return t
	}
	t.Prepare = nil
	q.waiting = slices.Delete(q.waiting, 0, 1)
	q.flying = append(q.flying, b)
	q.flyAt = broker
	q.number(b)
	b.sentID = q.TopicID
	b.tries++
	t.Batch = b
	t.More = len(q.waiting) > 0 || q.open != nil && q.open.Builder.Len() > 0
	return t
}

// ensureIdentity gives the queue the numbers that it needs, or says what is missing.
func (q *Queue) ensureIdentity(identity Identity, t *Taken) bool {
	if len(q.waiting) == 0 && (q.open == nil || q.open.Builder.Len() == 0) {
		return false
	}
	if q.restart && len(q.flying) > 0 {
		return false // told when they have come back
	}
	if q.restart && !q.newEpoch {
		q.restart, q.sequence = false, q.restartAt
		q.forget()
	}
	if q.restart && len(q.waiting) > 0 && q.waiting[0].numbered() && q.waiting[0].written {
		// Under another number it could be in the log twice. If what was given up before it is
		// in the log, the broker takes it; if not, the broker cannot have it, and says so.
		return true
	}
	old := q.identity
	if q.restart && !newer(identity, old) {
		t.Need, t.OldIdentity = NeedNewEpoch, old
		return false
	}
	if q.restart || old.ID < 0 {
		if identity.ID < 0 {
			t.Need = NeedIdentity
			return false
		}
		q.restart, q.newEpoch = false, false
		q.identity, q.sequence = identity, 0
		q.forget()
	}
	return true
}

// newer reports whether brokers take numbers from 0 under an identity after another.
func newer(a, than Identity) bool { return a.ID >= 0 && (a.ID != than.ID || a.Epoch > than.Epoch) }

// forget takes the numbers from batches that wait. None of them is written: one before them,
// without which brokers do not take them, is not.
func (q *Queue) forget() {
	for _, b := range q.waiting {
		b.identity, b.written = NoIdentity, false
	}
}

// number gives a batch its number when it is first taken.
func (q *Queue) number(b *Batch) {
	if q.plain || b.numbered() {
		return
	}
	b.identity, b.sequence = q.identity, q.sequence
	q.sequence = nextSequence(q.sequence, b.Sealed.Count)
	b.Sealed.Number(b.identity.ID, b.identity.Epoch, b.sequence)
}

// renumber asks for new numbers, see restart. Once an epoch is needed, it stays needed; else
// the earliest number that was given up counts.
func (q *Queue) renumber(newEpoch bool, from int32) {
	switch {
	case !q.restart:
		q.restart, q.newEpoch, q.restartAt = true, newEpoch, from
	case newEpoch:
		q.newEpoch = true
	case !q.newEpoch && before(from, q.restartAt):
		q.restartAt = from
	}
	if len(q.flying) > 0 {
		q.drain = true
	}
}

// before compares sequence numbers that are near each other, though they wrap.
func before(a, b int32) bool { return a != b && uint32(b-a)&0x7fffffff < 1<<30 }

// expire gives up what has run out of time. What flies is reported as failed, but stays until it
// is resolved: its bytes may be on the wire.
func (q *Queue) expire(now time.Time) (given []Outcome) {
	for _, b := range q.flying {
		if !b.expired && !now.Before(b.deadline) {
			b.expired, b.written = true, true
			given = append(given, Outcome{Batch: b, Err: ErrTimeout, Last: b.last, Written: true, Flying: true})
		}
	}
	kept := q.waiting[:0]
	for _, b := range q.waiting {
		if now.Before(b.deadline) {
			kept = append(kept, b)
			continue
		}
		given = append(given, q.giveUp(b, ErrTimeout))
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
	if b := q.open; b != nil && b.Builder.Len() > 0 && !now.Before(b.deadline) {
		q.open = nil
		given = append(given, q.giveUp(b, ErrTimeout))
	}
	return given
}

// Expire gives up what has run out of time, and says when to look again, zero if the queue is
// empty.
func (q *Queue) Expire(now time.Time) (given []Outcome, next time.Time) {
	given = q.expire(now)
	for _, list := range [][]*Batch{q.flying, q.waiting} {
		for _, b := range list {
			if !b.expired && (next.IsZero() || b.deadline.Before(next)) {
				next = b.deadline
			}
		}
	}
	if b := q.open; b != nil && b.Builder.Len() > 0 && (next.IsZero() || b.deadline.Before(next)) {
		next = b.deadline
	}
	return given, next
}

// giveUp makes the outcome of a batch that will not be sent any more.
func (q *Queue) giveUp(b *Batch, err error) Outcome {
	if b.numbered() {
		q.renumber(b.written, b.sequence)
	}
	return Outcome{Batch: b, Err: err, Last: b.last, Written: b.written}
}

// GiveUp fails everything with an error, what flies included, which stays until it is resolved.
func (q *Queue) GiveUp(err error) (given []Outcome) {
	for _, b := range q.flying {
		if !b.expired {
			b.expired, b.written = true, true
			given = append(given, Outcome{Batch: b, Err: err, Last: b.last, Written: true, Flying: true})
		}
	}
	for _, b := range q.waiting {
		given = append(given, q.giveUp(b, err))
	}
	q.waiting = nil
	if b := q.open; b != nil && b.Builder.Len() > 0 {
		given = append(given, q.giveUp(b, err))
	}
	q.open = nil
	return given
}
