package cluster

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
)

var errClosed = errors.New("cluster: the client is closed")

// An interest is a topic, by name or id, that somebody wants or needs to know of.
type interest struct {
	name string
	id   kbin.UUID

	wants   int       // who wants it for long
	creates int       // how many of them want it created
	waits   int       // needs that wait for it
	used    time.Time // when it was needed or wanted last

	// Requests by number: the last that carried it, the last that was answered, and the one
	// that whoever needs it has seen already.
	asked, answered, newer uint64

	failures int       // answers in a row that were not whole
	retryAt  time.Time // when it is asked for again, as long as it is among the retrying
	due      bool      // among the due
	urgent   bool      // it does not wait for the spacing of requests
}

// waiting is a need and the interests that have to be answered for it.
type waiting struct {
	need *Need
	on   []*interest
}

func (w *waiting) served() bool {
	for _, in := range w.on {
		if in.answered <= w.need.Newer {
			return false
		}
	}
	return true
}

func (c *Cell) byName(name string) *interest {
	in := c.names[name]
	if in == nil {
		in = &interest{name: name}
		c.names[name] = in
		c.order = nil
	}
	return in
}

func (c *Cell) byID(id kbin.UUID) *interest {
	in := c.ids[id]
	if in == nil {
		in = &interest{id: id}
		c.ids[id] = in
		c.order = nil
	}
	return in
}

// interests returns those in topics, or in all.
func (c *Cell) interests(topics []string, ids []kbin.UUID, all bool) []*interest {
	ins := make([]*interest, 0, len(topics)+len(ids)+1)
	for _, name := range topics {
		if name != "" {
			ins = append(ins, c.byName(name))
		}
	}
	for _, id := range ids {
		if !id.IsZero() {
			ins = append(ins, c.byID(id))
		}
	}
	if all {
		ins = append(ins, &c.all)
	}
	return ins
}

func (c *Cell) need(now time.Time, n *Need) {
	n.Snapshot, n.Err = nil, nil
	if c.closed != nil {
		n.Err = c.closed
		c.replies = append(c.replies, &Reply{Need: n})
		return
	}
	c.touch(now)
	n.Newer = min(n.Newer, c.snapshot.Seq) // nobody has seen more
	w := waiting{n, c.interests(n.Topics, n.IDs, n.All)}
	if len(w.on) == 0 {
		w.on = append(w.on, &c.bare)
	}
	hurry := false
	for _, in := range w.on {
		in.used = now
		if in.answered <= n.Newer {
			in.newer = max(in.newer, n.Newer)
			c.makeDue(in)
			if in.due && !in.urgent {
				hurry = hurry || n.Now && in.answered != 0 && c.mayHurry(now)
				in.urgent = hurry || in.answered == 0
			}
		}
	}
	if w.served() {
		c.reply(n)
		return
	}
	for _, in := range w.on {
		in.waits++
	}
	c.waiting = append(c.waiting, w)
}

// reply gives a need back with what is known.
func (c *Cell) reply(n *Need) {
	n.Snapshot = c.snapshot
	c.replies = append(c.replies, &Reply{Need: n})
}

// replyServed gives all needs back that an answer has served.
func (c *Cell) replyServed() {
	rest := c.waiting[:0]
	for _, w := range c.waiting {
		if !w.served() {
			rest = append(rest, w)
			continue
		}
		w.release()
		c.reply(w.need)
	}
	clear(c.waiting[len(rest):])
	c.waiting = rest
}

// replyFailed gives all needs back: the next request is some time away.
func (c *Cell) replyFailed(err error) {
	for _, w := range c.waiting {
		w.release()
		w.need.Err = err
		c.replies = append(c.replies, &Reply{Need: w.need})
	}
	c.waiting = nil
}

func (w *waiting) release() {
	for _, in := range w.on {
		in.waits--
	}
}

func (c *Cell) want(now time.Time, w *Want) {
	for _, in := range c.interests(w.Topics, w.IDs, w.All) {
		in.wants++
		c.wants++
		if w.Create {
			in.creates++
		}
		in.used = now
		if in.answered == 0 || c.createsNow(in) {
			in.newer = in.answered
			c.makeDue(in)
			in.urgent = in.urgent || in.due
		} else if in.failures > 0 {
			c.retryLater(now, in)
		}
	}
}

func (c *Cell) unwant(now time.Time, w *Unwant) {
	for _, in := range c.interests(w.Topics, w.IDs, w.All) {
		if in.wants == 0 {
			continue // a mistake of whoever says so; nothing is lost
		}
		in.wants--
		c.wants--
		if w.Create && in.creates > 0 {
			in.creates--
		}
		in.used = now
	}
}

// touched notes that topics are in use, and what is known.
func (c *Cell) touched(now time.Time, e *Touch) {
	for _, name := range e.Topics {
		if in := c.names[name]; in != nil {
			in.used = now
		}
	}
	for _, id := range e.IDs {
		if in := c.ids[id]; in != nil {
			in.used = now
		}
	}
	c.touch(now)
}

// touch notes that what is known is in use.
func (c *Cell) touch(now time.Time) {
	c.idle = false
	if !c.refresh.IsZero() && !now.Before(c.refresh) {
		c.full = true
	}
}

// settle notes the answer to a request.
func (in *interest) settle(number uint64) { in.answered, in.urgent = number, false }

// makeDue lets the next request carry the interest, unless one that will do is under way.
func (c *Cell) makeDue(in *interest) {
	if in.due || in.asked > in.newer && c.underWay(in.asked) {
		return
	}
	in.due = true
	c.due = append(c.due, in)
}

// retryLater lets the interest be asked for again after a pause.
func (c *Cell) retryLater(now time.Time, in *interest) {
	if in.retryAt.IsZero() {
		c.retrying = append(c.retrying, in)
	}
	in.retryAt = now.Add(c.config.Backoff.After(in.failures, c.config.Rand.Float64()))
}

// wake makes those due whose pause is over.
func (c *Cell) wake(now time.Time) {
	rest := c.retrying[:0]
	for _, in := range c.retrying {
		switch {
		case in.retryAt.After(now):
			rest = append(rest, in)
			continue
		case in.failures > 0 && (in.wants > 0 || in == &c.bare):
			in.newer = in.answered
			c.makeDue(in)
		}
		in.retryAt = time.Time{}
	}
	clear(c.retrying[len(rest):])
	c.retrying = rest
}

// forget drops interests that nobody has had for a while, so that the next full answer drops
// their topics.
func (c *Cell) forget(now time.Time) {
	old := func(in *interest) bool {
		return in.wants == 0 && in.waits == 0 && now.Sub(in.used) >= c.config.MaxIdle
	}
	for name, in := range c.names {
		if old(in) {
			in.due, in.failures = false, 0
			delete(c.names, name)
			delete(c.doubts, name)
			c.order = nil
		}
	}
	for id, in := range c.ids {
		if old(in) {
			in.due, in.failures = false, 0
			delete(c.ids, id)
			c.order = nil
		}
	}
}

// everything is all interests by name and by id, in that order, each capped so that an append
// copies.
type everything struct {
	names     []string
	ids       []kbin.UUID
	interests []*interest
}

// inOrder returns all interests. They stay the same for long, so the order is kept.
func (c *Cell) inOrder() *everything {
	if c.order != nil {
		return c.order
	}
	all := &everything{}
	for _, in := range c.names {
		all.interests = append(all.interests, in)
	}
	for _, in := range c.ids {
		all.interests = append(all.interests, in)
	}
	slices.SortFunc(all.interests, func(a, b *interest) int {
		return cmp.Or(strings.Compare(a.name, b.name), compareID(a.id, b.id))
	})
	for _, in := range all.interests {
		if in.name != "" {
			all.names = append(all.names, in.name)
		} else {
			all.ids = append(all.ids, in.id)
		}
	}
	all.interests = slices.Clip(all.interests)
	c.order = all
	return all
}

// createsNow says whether the topic is to be created, as far as is known.
func (c *Cell) createsNow(in *interest) bool {
	if in.creates == 0 || in.name == "" {
		return false
	}
	t := c.snapshot.Topic(in.name)
	return t == nil || t.Err != 0 && len(t.Partitions) == 0
}

// keepsAll says whether topics are of interest that nobody named.
func (c *Cell) keepsAll(now time.Time) bool {
	return c.all.wants > 0 || c.all.waits > 0 ||
		!c.all.used.IsZero() && now.Sub(c.all.used) < c.config.MaxIdle
}
