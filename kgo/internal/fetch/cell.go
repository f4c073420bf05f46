package fetch

import (
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Cell decides what a consumer fetches. It is for one goroutine at a time; see the package.
type Cell struct {
	cfg      Config
	snapshot *cluster.Snapshot

	names  map[string]*topic
	ids    map[kbin.UUID]*topic // of those with an id
	topics []*topic             // the same, in the order of assignment

	brokers map[int32]*broker
	active  int     // lanes with partitions
	work    []*lane // to be looked at whether they have something to ask for
	starved []*lane // wait for room
	resting []*lane // wait for their retryAt

	lookups  []*Partition // whose offset or epoch is to be asked for
	troubled []*Partition // wait for their retryAt
	due      time.Time    // the first retryAt of all that wait, zero for none

	actions []Action // actions[done:] are to be done
	done    int
	deliver Deliver // its memory is used again
	stale   Stale   // is sent when an event has been handled
	touched []*member
	reader  batch.Reader
	closed  bool
}

// NewCell returns a cell that has no partitions.
func NewCell(cfg Config) *Cell {
	return &Cell{
		cfg:      cfg,
		snapshot: cluster.Empty(),
		names:    map[string]*topic{},
		ids:      map[kbin.UUID]*topic{},
		brokers:  map[int32]*broker{},
	}
}

// Handle takes note of an event.
func (c *Cell) Handle(now time.Time, event Event) {
	if c.closed {
		return
	}
	switch e := event.(type) {
	case *Answered:
		c.answered(now, e)
	case *Room:
		c.feed()
	case *Assign:
		for i := range e.Parts {
			c.assign(now, &e.Parts[i])
		}
	case *Unassign:
		for _, p := range e.Parts {
			c.unassign(p)
		}
	case *Seek:
		c.seek(now, e.Partition, e.Stamp, e.Start)
	case *Halt:
		c.seek(now, e.Partition, e.Stamp, Start{})
	case *Pause:
		c.pause(now, e.Parts, true)
	case *Resume:
		c.pause(now, e.Parts, false)
	case *Known:
		c.known(now, e.Snapshot)
	case *Offsets:
		c.offsets(now, e)
	case *Epochs:
		c.epochs(now, e)
	case *Close:
		c.closed = true
		c.actions, c.done = nil, 0
	default:
		panic(fmt.Sprintf("fetch: unknown event %T", event))
	}
	if len(c.stale.Topics) > 0 {
		c.tellDoubts()
	}
}

// Poll says what to do.
func (c *Cell) Poll(now time.Time) (Action, bool) {
	for !c.closed {
		if c.done < len(c.actions) {
			a := c.actions[c.done]
			c.actions[c.done] = nil
			c.done++
			return a, true
		}
		c.actions, c.done = c.actions[:0], 0
		if !c.due.IsZero() && !now.Before(c.due) {
			c.wake(now)
		}
		if c.ask(now) {
			continue
		}
		if len(c.work) == 0 {
			break
		}
		l := c.work[0]
		c.work = slices.Delete(c.work, 0, 1)
		l.queued = false
		if r := c.build(now, l); r != nil {
			return r, true
		}
	}
	return nil, false
}

// Deadline is when something that failed is to be tried again.
func (c *Cell) Deadline() time.Time {
	if c.closed {
		return time.Time{}
	}
	return c.due
}

func (c *Cell) do(a Action) { c.actions = append(c.actions, a) }

// later notes a time at which something is to be done.
func (c *Cell) later(at time.Time) {
	if c.due.IsZero() || at.Before(c.due) {
		c.due = at
	}
}

// wake goes on with what has waited long enough.
func (c *Cell) wake(now time.Time) {
	c.due = time.Time{}
	lanes := c.resting[:0]
	for _, l := range c.resting {
		if now.Before(l.retryAt) {
			lanes = append(lanes, l)
			c.later(l.retryAt)
			continue
		}
		l.rests = false
		c.queue(l)
	}
	clear(c.resting[len(lanes):])
	c.resting = lanes
	troubled := c.troubled
	c.troubled = nil
	for _, p := range troubled {
		if now.Before(p.retryAt) {
			c.troubled = append(c.troubled, p)
			c.later(p.retryAt)
			continue
		}
		p.troubled = false
		if p.leader < 0 && p.wants() {
			c.trouble(now, p, trouble{code: p.leaderless(), broker: -1})
			continue
		}
		c.settle(now, p)
	}
}

// wants reports whether anything is to be done for the partition.
func (p *Partition) wants() bool { return p.state.asks() || p.state == reading && !p.paused }

// leaderless is why a partition has no leader, as far as is known.
func (p *Partition) leaderless() kmsg.ErrorCode {
	switch k := p.topic.seen; {
	case k == nil:
		return kmsg.LeaderNotAvailable
	case k.Err != kmsg.None:
		return k.Err
	case k.Partition(p.Index) == nil:
		return kmsg.UnknownTopicOrPartition
	}
	return kmsg.LeaderNotAvailable
}

// settle puts a partition where it belongs now.
func (c *Cell) settle(now time.Time, p *Partition) {
	ready := p.leader >= 0 && !now.Before(p.retryAt)
	if ready && p.state == reading && !p.paused {
		c.place(now, p)
		return
	}
	c.leave(p)
	if ready && p.state.asks() && !p.asked && !p.listed {
		p.listed = true
		c.lookups = append(c.lookups, p)
	}
}

// A trouble is why something did not work.
type trouble struct {
	code   kmsg.ErrorCode
	err    error
	broker int32 // -1 if it is nobody's fault
}

// trouble lets a partition wait, longer each time, and tells of it: at once if waiting will not
// help, else when it has lasted.
func (c *Cell) trouble(now time.Time, p *Partition, t trouble) {
	if p.failures == 0 {
		p.since = now
	}
	p.failures++
	p.retryAt = now.Add(c.cfg.Backoff.After(p.failures, c.cfg.Random()))
	c.later(p.retryAt)
	if !p.troubled {
		p.troubled = true
		c.troubled = append(c.troubled, p)
	}
	c.leave(p)
	if p.told && p.toldCode == t.code {
		return
	}
	if mayPass(t.code) && now.Sub(p.since) < c.cfg.Patience {
		return
	}
	p.told, p.toldCode = true, t.code
	c.do(&Report{Partition: p, Stamp: p.stamp, Why: Failing, Broker: t.broker, Code: t.code, Err: t.err})
}

// mayPass reports whether what a code says passes by itself as a rule; so does what has none.
func mayPass(code kmsg.ErrorCode) bool {
	if code == kmsg.CorruptMessage {
		return false // the broker cannot read its own log
	}
	m := route.Meaning(code)
	return code == kmsg.None || m.Is(route.Retriable) || m.Is(route.StaleMetadata) || m.Is(route.Fenced)
}

// doubt notes that what is known of a topic may be wrong.
func (c *Cell) doubt(t *topic, reason string) {
	if !t.doubted {
		t.doubted = true
		c.stale.Topics = append(c.stale.Topics, t.name)
		c.stale.Reason = reason
	}
}

// tellDoubts has the topics asked for that are in doubt.
func (c *Cell) tellDoubts() {
	for _, name := range c.stale.Topics {
		if t := c.names[name]; t != nil {
			t.doubted = false
		}
	}
	c.do(&Stale{c.stale.Topics, c.stale.Reason})
	c.stale = Stale{}
}
