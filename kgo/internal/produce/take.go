package produce

import "time"

// What a Taken says.
type Taken struct {
	// Batch is to be sent.
	Batch *Batch
	// Prepare is to be compressed and checksummed by a worker, and then told to
	// [Queue.Prepared].
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
	q.expire(now)
	switch {
	case q.leader != broker:
		t.Elsewhere = q.leader >= 0
		return t
	case q.flying > 0 && (q.drain || q.flyAt != broker), q.flying >= q.window(now, identity):
		return t // told when something has come back
	case now.Before(q.notUntil):
		t.Again = q.notUntil
		return t
	}
	b := q.next()
	if b == nil && !q.filled() || !q.prepareNumbers(identity, &t) {
		return t
	}
	if b == nil {
		due := q.open.opened.Add(q.set.Linger)
		switch {
		case !eager && now.Before(due):
			t.Again, t.Lingers = due, true
			return t
		case !q.set.Prepare && q.open.Builder.Size() > room:
			t.More = true
			return t
		}
		if b = q.Seal(); b.working {
			t.Prepare = b
			return t
		}
	}
	switch {
	case b.working:
		return t // told when it is done
	case len(b.Sealed.Bytes) > room:
		t.More = true
		return t
	}
	b.state = stateFlying
	q.flying++
	q.flyAt = broker
	q.number(b)
	b.sentID = q.topicID
	if b.tries++; b.tries == 1 {
		b.last = Result{Broker: broker, Version: -1}
	}
	t.Batch = b
	t.More = q.filled() || q.next() != nil
	return t
}
