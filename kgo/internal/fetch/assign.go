package fetch

import (
	"math"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cell) assign(now time.Time, a *Assigned) {
	p := a.Partition
	t := c.names[p.Topic]
	if t == nil {
		t = &topic{name: p.Topic, parts: map[int32]*Partition{}}
		c.names[p.Topic] = t
		c.topics = append(c.topics, t)
	} else if before := t.parts[p.Index]; before != nil {
		c.unassign(before)
		if len(t.list) == 0 { // it was the only one
			c.names[p.Topic] = t
			c.topics = append(c.topics, t)
			if !t.id.IsZero() {
				c.ids[t.id] = t
			}
		}
	}
	p.topic = t
	t.parts[p.Index] = p
	t.list = append(t.list, p)
	p.stamp = a.Stamp
	p.leader, p.leaderEpoch, p.preferred = -1, -1, -1
	p.highWatermark, p.lastStable, p.logStart = -1, -1, -1
	p.stop = math.MaxInt64
	if c.cfg.StopAtEnd {
		p.stop = -1
	}
	c.begin(p, a.Start)
	if t.seen == nil {
		c.learn(now, t, true)
	} else {
		c.lead(now, p, true)
	}
}

func (c *Cell) unassign(p *Partition) {
	t := p.topic
	if t == nil || t.parts[p.Index] != p {
		return
	}
	p.state = unassigned
	p.forgetAsk()
	c.leave(p)
	delete(t.parts, p.Index)
	t.list = slices.DeleteFunc(t.list, func(other *Partition) bool { return other == p })
	if len(t.list) == 0 {
		delete(c.names, t.name)
		delete(c.ids, t.id)
		c.topics = slices.DeleteFunc(c.topics, func(other *topic) bool { return other == t })
	}
}

// begin starts a partition from somewhere.
func (c *Cell) begin(p *Partition, from Start) {
	p.jump()
	p.report = nil
	p.start = from
	switch {
	case p.stop < 0:
		p.state = ending
	case from.Place == Nowhere:
		p.state = halted
	case from.Place == Offset:
		c.found(p, from.Offset, from.Epoch)
		if p.state == reading && from.Epoch >= 0 {
			p.state = validating
		}
	default:
		p.state = searching
	}
}

// seek moves a partition, unless a later Seek has overtaken this one.
func (c *Cell) seek(now time.Time, p *Partition, stamp uint64, to Start) {
	if p.state == unassigned || stamp <= p.stamp {
		return
	}
	p.stamp = stamp
	p.well()
	c.begin(p, to)
	c.settle(now, p)
}

func (c *Cell) pause(now time.Time, parts []*Partition, paused bool) {
	for _, p := range parts {
		if p.state != unassigned {
			p.paused = paused
			c.settle(now, p)
		}
	}
}

// known takes note of a new snapshot.
func (c *Cell) known(now time.Time, s *cluster.Snapshot) {
	moved := !slices.Equal(c.snapshot.Brokers, s.Brokers)
	c.snapshot = s
	for _, t := range c.topics {
		c.learn(now, t, moved)
	}
}

// learn takes note of what is known of a topic, which did not change mostly. Moved says that brokers
// did.
func (c *Cell) learn(now time.Time, t *topic, moved bool) {
	k := c.snapshot.Topic(t.name)
	if k == t.seen && !moved {
		return
	}
	t.seen = k
	if k != nil && k.ID != t.id {
		c.identify(t, k.ID)
	}
	for _, p := range t.list {
		c.lead(now, p, moved)
	}
}

// identify takes note of a topic's id, zero if that is not known any more: then it is read by name. If
// it had another one, it is another topic: what was read is gone, and all that is there is new.
func (c *Cell) identify(t *topic, id kbin.UUID) {
	delete(c.ids, t.id)
	t.id = id
	if id.IsZero() {
		for _, p := range t.list {
			if p.at != nil {
				c.touch(p.at)
			}
		}
		return
	}
	c.ids[id] = t
	another := !t.last.IsZero() && t.last != id
	t.last = id
	if !another {
		return
	}
	for _, p := range t.list {
		c.leave(p)
		p.leader, p.leaderEpoch, p.preferred = -1, -1, -1
		p.highWatermark, p.lastStable, p.logStart = -1, -1, -1
		from, read := p.position, p.state == reading || p.state == validating
		p.jump()
		if !read {
			continue
		}
		c.lost(p, &Report{Why: Recreated, Code: kmsg.UnknownTopicID, From: from}, Start{Place: Earliest})
		if p.state == searching && c.cfg.StopAtEnd {
			p.stop, p.state = -1, ending
		}
	}
}

// lost goes on from somewhere else, because the position is no more, or waits for a Seek, if that
// is what Config.Reset says.
func (c *Cell) lost(p *Partition, r *Report, to Start) {
	r.Partition, r.Stamp, r.Broker, r.To = p, p.stamp, -1, -1
	p.jump()
	if c.cfg.Reset.Place == Nowhere {
		p.state = halted
		c.do(r)
		return
	}
	p.report = r
	p.start, p.state = to, searching
	if to.Place == Offset {
		c.found(p, to.Offset, to.Epoch)
	}
}

// lead takes note of who leads a partition.
func (c *Cell) lead(now time.Time, p *Partition, moved bool) {
	leader, epoch := int32(-1), int32(-1)
	if k := p.topic.seen; k != nil {
		if of := k.Partition(p.Index); of != nil {
			leader, epoch = of.Leader, of.LeaderEpoch
		}
	}
	if _, ok := c.snapshot.Broker(leader); !ok {
		leader = -1
	}
	if leader < 0 {
		p.leader = -1
		c.leave(p)
		p.forgetAsk()
		if p.topic.seen != nil && !p.troubled && p.wants() {
			c.trouble(now, p, trouble{code: p.leaderless(), broker: -1})
		}
		return
	}
	if leader == p.leader && epoch == p.leaderEpoch {
		if moved {
			c.settle(now, p)
		}
		return
	}
	p.leader, p.leaderEpoch, p.preferred = leader, epoch, -1
	p.retryAt = time.Time{}
	if p.asked {
		p.forgetAsk() // the broker that was asked may be gone
	}
	if p.state == reading && p.epoch >= 0 && epoch > p.epoch {
		p.state = validating
	}
	c.settle(now, p)
}
