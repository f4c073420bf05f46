package fetch

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
)

// A broker is one that partitions are fetched from.
type broker struct {
	id    int32
	lanes []*lane // the idle one, and busy ones as far as they were needed

	rackless time.Time // until then requests do not tell the rack, so that the leader serves itself
}

// A lane is a connection with a fetch session, one request at a time. The idle lane has partitions
// that are read to their end: its requests wait at the broker for records to come. Busy lanes have
// partitions that lag; their requests do not wait.
type lane struct {
	broker *broker
	number int // 0 for the idle one

	members []*member
	dirty   []*member   // the session does not know them as they are; some may have left
	forget  []forgotten // the session knows them, and they have left
	gone    []*member   // have left while the request that is under way covered them
	lagging int         // members that lag

	session session
	request Request // its memory is used again
	flight  bool    // the request is under way
	first   int     // without a session: where among the members the next request begins

	target    int       // bytes that a request asks for at most
	early     int       // answers in a row that nobody waited long for, with more than needed to be asked for
	answers   uint64    // how many there were
	recheckAt time.Time // the first recheckAt of its members, zero for none

	failures int // in a row
	since    time.Time
	retryAt  time.Time
	told     bool // of its failures
	rests    bool // in the cell's list of those that wait for their retryAt
	queued   bool // in the cell's list of those to be looked at
	starves  bool // in the cell's list of those that wait for room
}

// A session is a fetch session (KIP-227): the broker remembers what is read.
type session struct {
	id    int32 // 0 without one
	epoch int32 // of the next request; 0 opens a session, and ends the one with the id
	ids   bool  // it knows topics by id, else by name
}

// A member is a partition in a lane.
type member struct {
	p     *Partition
	lane  *lane
	index int  // among the lane's members
	in    bool // the session, or the request under way, covers it as sent
	dirty bool // in the lane's list of those that changed

	sent  sent
	lags  bool   // there is more to read at once, as far as is known
	press int    // answers in a row that left it lagging
	got   uint64 // the lane's last answer that had records for it
}

// sent is what a request said of a partition.
type sent struct {
	jumps       uint64 // of the partition
	id          kbin.UUID
	offset      int64
	leaderEpoch int32
	max         int
}

// A forgotten is a partition that has left a session.
type forgotten struct {
	topic string
	id    kbin.UUID
	index int32
}

func (c *Cell) broker(id int32) *broker {
	b := c.brokers[id]
	if b == nil {
		b = &broker{id: id}
		c.brokers[id] = b
	}
	return b
}

// lane returns a lane of the broker.
func (b *broker) lane(number int) *lane {
	for len(b.lanes) <= number {
		l := &lane{broker: b, number: len(b.lanes), target: busyBytes}
		if l.number == 0 {
			l.target = idleBytes
		}
		b.lanes = append(b.lanes, l)
	}
	return b.lanes[number]
}

// busy returns the busy lane with the fewest partitions.
func (b *broker) busy(most int) *lane {
	best := b.lane(1)
	for n := 2; n <= most && len(best.members) > 0; n++ {
		if l := b.lane(n); len(l.members) < len(best.members) {
			best = l
		}
	}
	return best
}

// waits reports whether the lane's request waits at the broker for something to come.
func (l *lane) waits() bool { return l.flight && l.request.MaxWait > 0 }

// queue lets the lane be looked at.
func (c *Cell) queue(l *lane) {
	if !l.queued {
		l.queued = true
		c.work = append(c.work, l)
	}
}

// feed looks at the lanes that wait for room.
func (c *Cell) feed() {
	for _, l := range c.starved {
		l.starves = false
		c.queue(l)
	}
	clear(c.starved)
	c.starved = c.starved[:0]
}

// target returns the broker to fetch a partition from.
func (c *Cell) target(now time.Time, p *Partition) int32 {
	if p.preferred < 0 {
		return p.leader
	}
	if _, known := c.snapshot.Broker(p.preferred); !known || !now.Before(p.recheckAt) {
		p.preferred = -1
		return p.leader
	}
	return p.preferred
}

// place lets a lane fetch the partition. One that is new to its broker is covered at once: if the
// idle lane's request is waiting at the broker, it goes to a busy one.
func (c *Cell) place(now time.Time, p *Partition) {
	id := c.target(now, p)
	b := c.broker(id)
	m := p.at
	here := m != nil && m.lane.broker == b
	if here && (m.covers() || !m.lane.waits()) {
		c.touch(m)
		return
	}
	l, lags := b.lane(0), false
	if l.waits() {
		if busy := b.busy(c.cfg.Lanes); !busy.waits() {
			l, lags = busy, true
		}
	}
	if here && l == m.lane {
		c.touch(m)
		return
	}
	c.leave(p)
	c.join(l, p, lags)
}

// covers reports whether the session, or the request under way, reads the partition where it is.
func (m *member) covers() bool { return m.in && m.sent.jumps == m.p.jumps }

// join adds a partition to a lane. Lags says that there may be something to read at once.
func (c *Cell) join(l *lane, p *Partition, lags bool) {
	if len(l.members) == 0 {
		c.active++
	}
	m := &member{p: p, lane: l, index: len(l.members), got: l.answers}
	p.at = m
	l.members = append(l.members, m)
	m.setLags(lags)
	c.touch(m)
	if p.preferred >= 0 && (l.recheckAt.IsZero() || p.recheckAt.Before(l.recheckAt)) {
		l.recheckAt = p.recheckAt
	}
}

// touch notes that a member changed.
func (c *Cell) touch(m *member) {
	if !m.dirty {
		m.dirty = true
		m.lane.dirty = append(m.lane.dirty, m)
	}
	c.queue(m.lane)
}

// leave takes a partition out of its lane. The answer that the lane waits for still counts.
func (c *Cell) leave(p *Partition) {
	m := p.at
	if m == nil {
		return
	}
	p.at = nil
	l := m.lane
	m.setLags(false)
	last := len(l.members) - 1
	moved := l.members[last]
	l.members[m.index], moved.index = moved, m.index
	l.members[last] = nil
	l.members = l.members[:last]
	if last == 0 {
		c.active--
		l.recheckAt = time.Time{}
	}
	if !m.in {
		return
	}
	l.forget = append(l.forget, forgotten{p.Topic, m.sent.id, p.Index})
	if l.flight {
		p.old = append(p.old, m)
		l.gone = append(l.gone, m)
	}
}

// part lets go of members that have left, now that the lane has its answer.
func (l *lane) part() {
	for _, m := range l.gone {
		m.p.old = slices.DeleteFunc(m.p.old, func(other *member) bool { return other == m })
	}
	clear(l.gone)
	l.gone = l.gone[:0]
}

// memberOf returns the partition's member of a lane which the answer at hand may be about, nil if
// there is none.
func (p *Partition) memberOf(l *lane) *member {
	if m := p.at; m != nil && m.lane == l && m.in {
		return m
	}
	for _, m := range p.old {
		if m.lane == l {
			return m
		}
	}
	return nil
}

// counts reports whether the answer at hand still is about the partition as it is: it has not
// jumped, and no later leader was heard of, whose log may be another.
func (m *member) counts() bool {
	p := m.p
	return p.state == reading && m.sent.jumps == p.jumps && m.sent.leaderEpoch >= p.leaderEpoch
}

func (m *member) setLags(lags bool) {
	if m.lags == lags {
		return
	}
	m.lags = lags
	if lags {
		m.lane.lagging++
	} else {
		m.lane.lagging--
		m.press = 0
	}
}

// adopt moves the partitions of busy lanes that are read to their end to the idle lane, which is
// free just now. The busy lane's answer that is still to come counts as well, so that there is no
// moment at which nobody looks.
func (c *Cell) adopt(idle *lane) {
	for _, l := range idle.broker.lanes[1:] {
		if len(l.members) == l.lagging {
			continue
		}
		for i := len(l.members) - 1; i >= 0; i-- {
			if m := l.members[i]; !m.lags && (l.lagging == 0 || l.answers-m.got >= quietEnough) {
				c.leave(m.p)
				c.join(idle, m.p, false)
			}
		}
	}
}

// quietEnough is how many answers without news make a partition of a busy lane an idle one.
const quietEnough = 2

// press moves partitions of the idle lane that lag to a busy one, after an answer. If the busy lane's
// request waits at the broker they stay: they are read from there as well.
func (c *Cell) press(idle *lane, lagging []*member) {
	for _, m := range lagging {
		if m.p.at != m || !m.lags || m.press < pressEnough {
			continue
		}
		busy := idle.broker.busy(c.cfg.Lanes)
		if busy.waits() {
			return
		}
		c.leave(m.p)
		c.join(busy, m.p, true)
	}
}

// pressEnough is how many answers that leave a partition lagging make it a busy one.
const pressEnough = 2

// recheck sends partitions that are read from a replica to their leaders again, every now and
// then: there may be a better one (KIP-392).
func (c *Cell) recheck(now time.Time, l *lane) {
	if l.recheckAt.IsZero() || now.Before(l.recheckAt) {
		return
	}
	l.recheckAt = time.Time{}
	for i := len(l.members) - 1; i >= 0; i-- {
		p := l.members[i].p
		switch {
		case p.preferred < 0:
		case !now.Before(p.recheckAt):
			p.preferred = -1
			c.settle(now, p)
		case l.recheckAt.IsZero() || p.recheckAt.Before(l.recheckAt):
			l.recheckAt = p.recheckAt
		}
	}
}
