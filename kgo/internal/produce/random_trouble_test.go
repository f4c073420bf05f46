package produce

import (
	"errors"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// learn tells the client who leads a partition, if metadata comes.
func (l *life) learn(q *lifeQueue) {
	leader := q.log.leader
	switch l.r.IntN(10) {
	case 0:
		leader = -1
	case 1:
		leader = int32(l.r.IntN(lifeBrokers))
	}
	l.setLeader(q, leader)
}

func (l *life) setLeader(q *lifeQueue, leader int32) {
	if q.core.topicID != q.id {
		q.core.SetTopicID(q.id)
	}
	if !q.core.SetLeader(leader) {
		return
	}
	l.note("leader of %v is %d, it is told", q, leader)
	if away := q.core.Away(); away >= 0 {
		l.post(away, &Left{q})
	}
	if !q.core.Idle() {
		l.post(leader, &Ready{q})
	}
}

// identify gives the producer an identity that was asked for.
func (l *life) identify() {
	if !l.asked {
		return
	}
	l.asked = false
	l.latest.Epoch++
	if l.latest.Epoch > 3 {
		l.latest = Identity{l.latest.ID + 100, 0}
	}
	l.identity = l.latest
	l.note("identity %v", l.identity)
	for b := range l.sinks {
		l.post(int32(b), &Identified{l.identity})
	}
}

// wait lets time pass.
func (l *life) wait(d time.Duration) {
	until := l.now.Add(d)
	for l.err == nil {
		var first time.Time
		at := int32(-1)
		for b, s := range l.sinks {
			if d := s.Deadline(); !d.IsZero() && (first.IsZero() || d.Before(first)) {
				first, at = d, int32(b)
			}
		}
		if at < 0 || first.After(until) {
			break
		}
		l.now = first
		l.posts = append(l.posts, func() { l.poll(at) })
		l.drain()
	}
	l.now = until
}

func (l *life) expire(q *lifeQueue) {
	q.core.Expire(l.now)
	q.ended()
	if q.core.Aged(l.now) {
		l.seal(q)
	}
}

// trouble is what goes wrong of its own accord.
func (l *life) trouble(q *lifeQueue) {
	switch l.r.IntN(12) {
	case 0, 1:
		if c := l.busy(func(c *lifeConn) bool { return !c.broken }); c != nil {
			l.cut(c)
		}
	case 2, 3, 4:
		l.moveLeader(q)
	case 5:
		l.note("%v's broker starts again", q)
		q.log.restart()
		for _, c := range slices.Clone(l.conns) {
			if c.broker == q.log.leader && !c.broken {
				l.cut(c)
			}
		}
	case 6:
		l.wait(time.Duration(l.r.ExpFloat64() * float64(3*time.Second)))
	case 7:
		l.hurry = !l.hurry
		for b := range l.sinks {
			l.post(int32(b), &Hurry{On: l.hurry})
		}
	case 8:
		if l.r.IntN(4) == 0 {
			l.note("abort %v", q)
			q.core.GiveUp(errors.New("aborted"))
			q.ended()
		}
	case 9:
		if l.losses && l.r.IntN(2) == 0 {
			n := l.r.IntN(len(q.log.records) + 1)
			l.note("%v loses records from %d on", q, n)
			q.log.truncate(n)
			q.log.lost = true
			q.unsure = q.unsure || !q.core.Idle() && len(q.log.state) == 0
			q.log.leader = int32(l.r.IntN(lifeBrokers))
		} else if l.losses && q.core.Idle() {
			l.note("%v forgets producers", q)
			q.log.state = map[int64]*modelProducer{}
			q.log.lost = true
			l.wait(2 * time.Minute) // they were idle for long, and nothing is on its way for so long
			l.conns = slices.DeleteFunc(l.conns, func(c *lifeConn) bool { return c.broken })
		}
	case 10:
		if q.id[0] != 0 && l.r.IntN(3) == 0 {
			l.note("%v is made anew", q)
			q.id[2]++
			q.log.recreate()
		}
	case 11:
		l.wait(time.Duration(l.r.ExpFloat64() * float64(20*time.Second)))
	}
}

// moveLeader lets another broker lead. It has what all replicas have, and perhaps more.
func (l *life) moveLeader(q *lifeQueue) {
	q.log.leader = int32(l.r.IntN(lifeBrokers))
	keep := len(q.log.records)
	if keep > q.log.hw && l.r.IntN(2) == 0 {
		keep = q.log.hw + l.r.IntN(keep-q.log.hw)
	}
	l.note("%v moves to %d, with %d of %d records", q, q.log.leader, keep, len(q.log.records))
	q.log.truncate(keep)
	q.log.hw = len(q.log.records)
	if l.r.IntN(2) == 0 {
		q.log.restart()
	}
}

// check watches what must hold between any two events.
func (l *life) check() {
	for _, q := range l.queues {
		flying := 0
		for i, b := range q.core.line {
			if b.state == stateFlying {
				flying++
			}
			if b.state == stateEnded && !slices.ContainsFunc(q.core.line[:i], func(b *Batch) bool { return b.state != stateEnded && !b.reported }) {
				l.fail("PROMISE: the outcome of %v[%d] waits for nothing", q, b.Tag.(*lifeTag).first)
			}
		}
		if flying != q.core.flying {
			l.fail("%d batches of %v fly, %d are counted", flying, q, q.core.flying)
		}
	}
}

// heal lets everything go well, and waits for the end.
func (l *life) heal() {
	l.note("HEAL")
	l.healed = true
	begin := l.now
	requests := l.requests
	for _, c := range slices.Clone(l.conns) {
		if !c.broken {
			l.cut(c)
		}
	}
	for range 100 { // zombies arrive first of all
		l.deliver()
	}
	l.identify()
	for _, q := range l.queues {
		l.expire(q)
		l.setLeader(q, q.log.leader)
	}
	l.finish(begin)
	// What is sent now is written; where a batch has few tries, one may go for a number that was
	// wrong.
	for range 3 {
		for _, q := range l.queues {
			q.probe = q.appended
			l.append(q, 1)
		}
		l.finish(begin)
	}
	if n := l.requests - requests; l.err == nil && n > 50*len(l.queues) {
		l.fail("LIVE: %d requests were needed to come to an end", n)
	}
	if l.err != nil {
		return
	}
	l.wait(2 * l.set.BackoffMax) // what rests finds that there is nothing to do
	for _, q := range l.queues {
		l.judge(q)
	}
	for b, s := range l.sinks {
		if len(s.flights) > 0 || len(s.parked) > 0 || len(s.lingers) > 0 || len(s.resting) > 0 || s.ready.len() > 0 || !s.Deadline().IsZero() {
			l.fail("CLOSE: sink %d has something in the end", b)
		}
	}
}

// finish lets all that is under way come to its end.
func (l *life) finish(begin time.Time) {
	open := func() bool {
		return slices.ContainsFunc(l.queues, func(q *lifeQueue) bool { return q.told < q.appended || len(q.held) > 0 })
	}
	for l.err == nil && open() {
		for _, q := range l.queues {
			l.work(q)
			l.expire(q)
		}
		for range 20 {
			l.write()
			l.deliver()
			l.back()
		}
		l.check()
		l.wait(10 * time.Millisecond)
		if l.now.Sub(begin) > 15*time.Second {
			for _, q := range l.queues {
				l.fail("LIVE: 15 s after all is well, %d of %d records of %v have had their outcome", q.told, q.appended, q)
			}
		}
	}
}

// judge holds the log against what was told.
func (l *life) judge(q *lifeQueue) {
	for n := range q.fates {
		f := &q.fates[n]
		at := slices.Index(q.log.records, n)
		switch {
		case !f.told:
			l.fail("PROMISE: %v[%d] has no outcome", q, n)
		case f.deleted != q.log.deleted:
		case f.ok && at < 0 && !q.log.lost && l.set.Acks == kmsg.AcksAll:
			l.fail("LOSS: %v[%d] is not in the log", q, n)
		case f.ok && at >= 0 && f.offset >= 0 && l.identity != Plain && at != f.offset && !q.log.lost:
			l.fail("LOSS: %v[%d] is at %d, not at %d", q, n, at, f.offset)
		}
		if n == q.probe && !f.ok {
			l.fail("LIVE: %v[%d], sent when all was well, failed", q, n)
		}
	}
	if !q.core.Idle() {
		l.fail("CLOSE: %v is not idle in the end", q)
	}
}
