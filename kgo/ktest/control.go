package ktest

import (
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
)

// What happens to a cluster. A broker, topic or partition that does not exist, or anything else that
// cannot be, is a mistake of the caller's, see Cluster.

// Kill ends a broker as kill -9 does: connections are reset, and new ones refused. The others
// notice after [SessionTimeout]; then other replicas in sync take over what it led. One that is down
// stays so.
func (c *Cluster) Kill(broker int32) {
	c.do(func(now time.Time) { c.kill(now, broker) })
}

func (c *Cluster) kill(now time.Time, id int32) {
	c.must(c.model.Kill(now, id))
	c.shut(c.byID[id])
}

// Stop ends a broker in good order: it first hands over what it leads, as far as there are other
// replicas in sync.
func (c *Cluster) Stop(broker int32) {
	c.do(func(now time.Time) {
		c.must(c.model.Shutdown(now, broker))
		c.shut(c.byID[broker])
	})
}

// Start starts a broker that was killed or stopped, with the data and the address that it had.
// The error says that the address cannot be listened on.
func (c *Cluster) Start(broker int32) error {
	var err error
	c.do(func(now time.Time) {
		n := c.node(broker)
		if err = c.open(n); err == nil {
			c.must(c.model.Start(now, broker))
		}
	})
	return err
}

// Pause stops a broker where it is, as SIGSTOP does: connections are accepted and stay open, and
// nothing is answered. The others notice after [SessionTimeout].
func (c *Cluster) Pause(broker int32) {
	c.do(func(now time.Time) { c.must(c.model.Pause(now, broker)) })
}

// Continue lets a paused broker go on: it answers what it has been sent meanwhile.
func (c *Cluster) Continue(broker int32) {
	c.do(func(now time.Time) { c.must(c.model.Start(now, broker)) })
}

// Refuse lets a broker that is up refuse new connections, or accept them again. The error says
// that its address cannot be listened on.
func (c *Cluster) Refuse(broker int32, refuse bool) error {
	var err error
	c.do(func(time.Time) {
		if n := c.node(broker); refuse {
			c.shut(n)
		} else {
			err = c.open(n)
		}
	})
	return err
}

// CutConnections closes all connections to a broker, which goes on. With reset, what is on its way
// is lost.
func (c *Cluster) CutConnections(broker int32, reset bool) {
	c.do(func(now time.Time) { c.must(c.model.CutConnections(now, broker, reset)) })
}

// node returns that of a broker.
func (c *Cluster) node(id int32) *node {
	n := c.byID[id]
	if n == nil {
		c.must(fmt.Errorf("there is no broker %d", id))
	}
	return n
}

// shut closes a node's listener, under the lock.
func (c *Cluster) shut(n *node) {
	if n.listen != nil {
		n.listen.Close()
		n.listen = nil
	}
}

// open opens it again.
func (c *Cluster) open(n *node) error {
	if n.listen != nil || c.closed {
		return nil
	}
	if err := c.listen(n); err != nil {
		return err
	}
	c.accept(n)
	return nil
}

// FreezeMetadata lets a broker tell for ever what is true now, of topics, leaders and brokers; or
// the truth again.
func (c *Cluster) FreezeMetadata(broker int32, frozen bool) {
	c.do(func(now time.Time) { c.must(c.model.FreezeMetadata(now, broker, frozen)) })
}

// CreateTopic creates a topic. The error says why not.
func (c *Cluster) CreateTopic(name string, partitions int, opts ...TopicOption) error {
	var err error
	c.do(func(now time.Time) { err = c.create(now, newSeedTopic(name, partitions, opts)) })
	return err
}

// create creates a topic, under the lock or before there is anybody else.
func (c *Cluster) create(now time.Time, t seedTopic) error {
	replicas := t.replicas
	if replicas == 0 {
		replicas = int16(min(3, c.cfg.brokers))
	}
	if err := c.model.CreateTopic(now, t.name, int32(t.partitions), replicas, t.configs); err != nil {
		return fmt.Errorf("ktest: %w", err)
	}
	return nil
}

// DeleteTopic deletes a topic, which has to exist.
func (c *Cluster) DeleteTopic(name string) {
	c.do(func(now time.Time) { c.must(c.model.DeleteTopic(now, name)) })
}

// RecreateTopic deletes a topic, which has to exist, and creates it anew, empty and with another id.
// Its replicas are where they were.
func (c *Cluster) RecreateTopic(name string) {
	c.do(func(now time.Time) { c.must(c.model.RecreateTopic(now, name)) })
}

// GrowTopic adds partitions to a topic until it has as many as are named. As many brokers as the
// topic has replicas must be alive.
func (c *Cluster) GrowTopic(name string, partitions int) {
	c.do(func(now time.Time) { c.must(c.model.GrowTopic(now, name, int32(partitions))) })
}

// MoveLeader lets another broker lead a partition. The error says that it has no replica that is
// in sync.
func (c *Cluster) MoveLeader(topic string, partition, broker int32) error {
	var err error
	c.do(func(now time.Time) { err = c.model.MoveLeader(now, topic, partition, broker) })
	return err
}

// Lose does to a partition what an unclean election does: the records from an offset on are gone,
// and the leader's epoch is a new one.
func (c *Cluster) Lose(topic string, partition int32, from int64) {
	c.do(func(now time.Time) { c.must(c.model.Lose(now, topic, partition, from)) })
}

// Trim deletes the records of a partition before an offset, as retention does.
func (c *Cluster) Trim(topic string, partition int32, to int64) {
	c.do(func(now time.Time) { c.must(c.model.Trim(now, topic, partition, to)) })
}

// HoldReplication keeps a follower from following, or lets it again. One that does not follow is
// no longer in sync after replica.lag.time.max.ms, 30 s.
func (c *Cluster) HoldReplication(topic string, partition, broker int32, hold bool) {
	c.do(func(now time.Time) { c.must(c.model.HoldReplication(now, topic, partition, broker, hold)) })
}

// ShrinkISR takes a follower out of those in sync, at once; it is back when it next follows.
func (c *Cluster) ShrinkISR(topic string, partition, broker int32) {
	c.do(func(now time.Time) { c.must(c.model.ShrinkISR(now, topic, partition, broker)) })
}

// A Mistake is what a [Cluster] of [Start] panics with when it is asked for what cannot be.
type Mistake struct{ err error }

// Error says what cannot be.
func (m *Mistake) Error() string { return "ktest: " + m.err.Error() }

// Unwrap returns the cause.
func (m *Mistake) Unwrap() error { return m.err }

// must ends the test of [NewCluster] if what was asked for cannot be, and panics without one.
func (c *Cluster) must(err error) {
	switch {
	case err == nil:
	case c.tb != nil:
		c.tb.Helper()
		c.tb.Fatalf("ktest: %v", err)
	default:
		panic(&Mistake{err})
	}
}

// model runs a function with the model.
func (c *Cluster) with(f func(*broker.Cluster)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.model)
}
