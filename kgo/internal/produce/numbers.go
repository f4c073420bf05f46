package produce

import "time"

// numbers number the batches of a queue; see the package.
type numbers struct {
	// plain says that the producer has no identity and batches have no numbers.
	plain bool
	// identity and sequence number the next batch that is taken for the first time. All that are
	// numbered have this identity.
	identity Identity
	sequence int32
	// hole says that the number holeAt is missing in the log for good: what has that or a later
	// one, and is not over, is not in the log, and gets another.
	hole   bool
	holeAt int32
	// newEpoch says that numbers must go on from 0 in a newer epoch than identity's.
	newEpoch bool
	// proven is when the leader last took a batch under the identity; zero if it has not, or if
	// something has failed since. One that has takes no batch when another is missing before it.
	proven time.Time
}

// missing takes note that a batch is given up: its number will not come any more.
func (q *Queue) missing(b *Batch) {
	switch {
	case !b.numbered:
	case b.written:
		q.newEpoch = true
	case b.overtaken: // the broker goes on behind a later one
	default:
		q.missingFrom(b.sequence)
	}
}

func (q *Queue) missingFrom(sequence int32) {
	if !q.hole || before(sequence, q.holeAt) {
		q.hole, q.holeAt = true, sequence
	}
}

// misplaced reports whether a batch has a number that brokers will never take.
func (q *Queue) misplaced(b *Batch) bool {
	return q.hole && b.numbered && !before(b.sequence, q.holeAt)
}

// window is how many batches may be in flight.
func (q *Queue) window(now time.Time, identity Identity) int {
	if identity == Plain || q.proven.IsZero() || now.Sub(q.proven) > provenFor {
		return 1
	}
	return min(q.set.InFlight, flyingMax)
}

// next returns the first batch that waits, nil if there is none.
func (q *Queue) next() *Batch {
	for _, b := range q.line {
		if b.state == stateWaiting {
			return b
		}
	}
	return nil
}

// prepareNumbers sees to it that the next batch to be taken can be numbered, or says what is
// missing for that.
func (q *Queue) prepareNumbers(identity Identity, t *Taken) bool {
	q.plain = identity == Plain
	switch {
	case q.plain:
		return true
	case q.identity.ID < 0:
		if identity.ID < 0 {
			t.Need = NeedIdentity
			return false
		}
		if q.flying > 0 { // without numbers: brokers seemed not to know any
			return false
		}
		q.restart(identity)
		return true
	case !q.hole && !q.newEpoch:
		return true
	case q.flying > 0:
		return false // told when they have come back
	}
	if b := q.next(); b != nil && b.numbered && b.written && !q.misplaced(b) {
		return true // the broker knows whether it has it
	}
	if !q.newEpoch && !q.straggler() {
		q.sequence, q.hole = q.holeAt, false
		for _, b := range q.line {
			if b.numbered && !before(b.sequence, q.holeAt) {
				b.unnumber()
			}
		}
		return true
	}
	q.newEpoch = true
	if !newer(identity, q.identity) {
		t.Need, t.OldIdentity = NeedNewEpoch, q.identity
		return false
	}
	q.restart(identity)
	return true
}

// straggler reports whether a batch whose number would be given to another may be on its way
// still.
func (q *Queue) straggler() bool {
	for _, b := range q.line {
		if b.written && q.misplaced(b) {
			return true
		}
	}
	return false
}

// restart numbers from 0 under another identity. Nothing of the queue flies.
func (q *Queue) restart(identity Identity) {
	q.identity, q.sequence = identity, 0
	q.hole, q.newEpoch = false, false
	q.proven = time.Time{}
	for _, b := range q.line {
		b.unnumber()
	}
}

// unnumber takes the number from a batch that waits. It is not in the log: one before it is
// missing there.
func (b *Batch) unnumber() {
	if b.numbered {
		b.numbered, b.written = false, false
	}
}

// number gives a batch its number when it is first taken.
func (q *Queue) number(b *Batch) {
	if q.plain || b.numbered {
		return
	}
	b.numbered, b.sequence = true, q.sequence
	q.sequence = nextSequence(q.sequence, b.Sealed.Count)
	b.Sealed.Number(q.identity.ID, q.identity.Epoch, b.sequence)
}
