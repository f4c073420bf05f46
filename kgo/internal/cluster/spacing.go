package cluster

import "time"

// Many that get the answer of a stale leader, each in its own time, would have the client ask all the
// time, as one request is under way at a time and each of them needs one that is later than its
// answer. So there is a pause between an answer and the next request, which serves all of them: the
// first after a quiet time goes out at once. It grows little, as a leader that is known is to be found
// soon, and as whoever fails again and again makes pauses of its own.
//
// Not held back is what nothing is known of yet, and, within limits, what somebody wants to know as of
// now.

// notBefore is when the next request may go out, as far as it depends on earlier ones.
func (c *Cell) notBefore() time.Time {
	if c.notUntil.After(c.spaced) {
		return c.notUntil
	}
	for _, in := range c.due {
		if in.due && in.urgent {
			return c.notUntil
		}
	}
	return c.spaced
}

// space notes an answer, and what was known before it.
func (c *Cell) space(now time.Time, before *Snapshot) {
	if c.config.Spacing.Base < 0 {
		return
	}
	quiet := now.Sub(c.answeredAt) >= c.config.Backoff.Max
	c.answeredAt = now
	if quiet || c.snapshot.differs(before) {
		c.vain = 0
	}
	c.vain++
	c.spaced = now.Add(c.config.Spacing.After(c.vain, c.config.Rand.Float64()))
	if c.full {
		c.spaced = time.Time{} // another cluster, of which all is to be known
	}
}

// differs says whether there is something else in a snapshot than in the one before. The controller
// does not count: in KRaft any broker is told for it, and each time another.
func (s *Snapshot) differs(before *Snapshot) bool {
	return s.ClusterID != before.ClusterID || !sameSlice(s.Brokers, before.Brokers) || !sameSlice(s.Topics, before.Topics)
}

// sameSlice says whether two slices are one. What did not change is shared between snapshots.
func sameSlice[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// hurries is how often in a row somebody may want to know how things are now without being held back.
// After that there is one more for each [Config.Spacing].
const hurries = 10

// mayHurry takes one of the hurries, if one is left.
func (c *Cell) mayHurry(now time.Time) bool {
	if c.urgentNow.Before(now) {
		c.urgentNow = now
	}
	if c.urgentNow.Sub(now) > (hurries-1)*c.config.Spacing.Base {
		return false
	}
	c.urgentNow = c.urgentNow.Add(c.config.Spacing.Base)
	return true
}
