package broker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// What happens to a cluster other than by requests of clients. Errors say what there is not.

// Kill ends a broker as kill -9 does: its connections are reset and new ones refused. The rest of
// the cluster notices after Config.SessionTimeout.
func (c *Cluster) Kill(now time.Time, broker int32) error {
	return c.stop(now, broker, down, true)
}

// Shutdown ends a broker in good order: it hands over what it leads, then closes its connections.
func (c *Cluster) Shutdown(now time.Time, broker int32) error {
	c.advance(now)
	n, err := c.node(broker)
	if err != nil {
		return err
	}
	c.fence(n)
	return c.stop(now, broker, down, false)
}

// Pause stops a broker where it is, as SIGSTOP does: connections stay open, what is sent to it
// waits. The rest of the cluster notices after Config.SessionTimeout.
func (c *Cluster) Pause(now time.Time, broker int32) error {
	return c.stop(now, broker, paused, false)
}

func (c *Cluster) stop(now time.Time, broker int32, state nodeState, reset bool) error {
	c.advance(now)
	n, err := c.node(broker)
	if err != nil || n.state == down || n.state == state {
		return err
	}
	n.state = state
	if state == down {
		n.sessions = newFetchSessions()
		for _, cn := range c.connsOf(n) {
			c.hangUp(cn, reset)
		}
	}
	if n.alive && n.expiry == nil {
		n.expiry = c.after(c.cfg.SessionTimeout, func() { c.fence(n) })
	}
	return nil
}

// Start starts a broker that was killed or shut down, with the data it had, or lets a paused one
// go on. The rest of the cluster notices at once.
func (c *Cluster) Start(now time.Time, broker int32) error {
	c.advance(now)
	n, err := c.node(broker)
	if err != nil || n.state == up {
		return err
	}
	if n.state == down {
		n.epoch++
		n.stale = nil
		if n.alive {
			// It comes back before it was missed. Its registration is a new one all the
			// same, so it is given up as the leader of what it led.
			c.fence(n)
		}
	}
	n.state = up
	c.unfence(n)
	for _, cn := range c.connsOf(n) {
		c.pump(cn)
	}
	return nil
}

// CutConnections closes all connections of a broker, which goes on.
func (c *Cluster) CutConnections(now time.Time, broker int32, reset bool) error {
	c.advance(now)
	n, err := c.node(broker)
	if err != nil {
		return err
	}
	for _, cn := range c.connsOf(n) {
		c.hangUp(cn, reset)
	}
	return nil
}

func (c *Cluster) node(id int32) (*node, error) {
	if n := c.nodes[id]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("broker: there is no broker %d", id)
}

// connsOf lists the connections of a broker, oldest first.
func (c *Cluster) connsOf(n *node) []*conn {
	var all []*conn
	for _, id := range slices.Sorted(maps.Keys(c.conns)) {
		if cn := c.conns[id]; cn.node == n {
			all = append(all, cn)
		}
	}
	return all
}

// FreezeMetadata lets a broker tell for ever what is true now, or the truth again.
func (c *Cluster) FreezeMetadata(now time.Time, broker int32, frozen bool) error {
	c.advance(now)
	n, err := c.node(broker)
	if err != nil {
		return err
	}
	n.stale = nil
	if frozen {
		n.stale = c.freeze()
	}
	return nil
}

// CreateTopic creates a topic. A number of partitions or replicas of -1 is the brokers' default.
func (c *Cluster) CreateTopic(now time.Time, name string, partitions int32, replication int16, configs map[string]string) error {
	c.advance(now)
	if partitions < 0 {
		partitions = c.properties.partitions
	}
	if replication < 0 {
		replication = c.properties.replication
	}
	f := c.checkNewName(name)
	if f.code == kmsg.None {
		f = c.checkTopicConfigs(configs)
	}
	var plan topicPlan
	if f.code == kmsg.None {
		plan, f = c.plan(topicPlan{}, partitions, replication)
	}
	if f.code != kmsg.None {
		return fmt.Errorf("broker: topic %q: %w: %s", name, f.code, f.text)
	}
	own := map[string]string{}
	maps.Copy(own, configs)
	c.addTopic(name, plan.assignment, own)
	return nil
}

// DeleteTopic deletes a topic.
func (c *Cluster) DeleteTopic(now time.Time, name string) error {
	c.advance(now)
	t := c.topics[name]
	if t == nil {
		return fmt.Errorf("broker: there is no topic %q", name)
	}
	c.removeTopic(t)
	return nil
}

// RecreateTopic deletes a topic and creates it again, empty, with as many partitions and the same
// replicas, at the same moment. Those on brokers that are gone are there when these are back.
func (c *Cluster) RecreateTopic(now time.Time, name string) error {
	c.advance(now)
	t := c.topics[name]
	if t == nil {
		return fmt.Errorf("broker: there is no topic %q", name)
	}
	var assignment [][]int32
	for i := range t.partitions {
		assignment = append(assignment, t.partitions[i].replicas)
	}
	c.removeTopic(t)
	c.addTopic(name, assignment, t.configs)
	return nil
}

// GrowTopic adds partitions to a topic until it has as many as are named.
func (c *Cluster) GrowTopic(now time.Time, name string, partitions int32) error {
	c.advance(now)
	t := c.topics[name]
	if t == nil {
		return fmt.Errorf("broker: there is no topic %q", name)
	}
	assignment, f := c.planGrowth(t, partitions)
	if f.code != kmsg.None {
		return fmt.Errorf("broker: topic %q: %w: %s", name, f.code, f.text)
	}
	c.addPartitions(t, assignment)
	return nil
}

// MoveLeader lets another replica lead a partition, in order: it must be alive and in sync.
func (c *Cluster) MoveLeader(now time.Time, name string, index, broker int32) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	if !c.elect(p, broker) {
		return fmt.Errorf("broker: broker %d cannot lead %s[%d]: in sync are %v", broker, name, index, p.info().isr)
	}
	return nil
}

// Lose does to a partition what an unclean election does: the records from an offset on are gone,
// and the leader's epoch is a new one.
func (c *Cluster) Lose(now time.Time, name string, index int32, from int64) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	for i := range p.replicas {
		p.replicas[i].end = min(p.replicas[i].end, from)
	}
	if leader := p.info().leader; leader >= 0 {
		c.lead(p, leader)
	}
	return nil
}

// Trim deletes the records of a partition before an offset, as retention does.
func (c *Cluster) Trim(now time.Time, name string, index int32, to int64) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	c.trim(p, min(to, p.hw))
	return nil
}

// trim moves the start of a partition.
func (c *Cluster) trim(p *partition, to int64) {
	p.log.trim(to)
	if !c.resumes {
		p.producers.trim(to)
	}
	c.changed(p)
}

// HoldReplication keeps a follower from following, or lets it again. One that does not follow is
// out of sync after replica.lag.time.max.ms.
func (c *Cluster) HoldReplication(now time.Time, name string, index, broker int32, held bool) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	r := p.replica(broker)
	if r == nil {
		return fmt.Errorf("broker: %s[%d] has no replica on broker %d", name, index, broker)
	}
	r.held = held
	if !held {
		c.follow(p, r)
		c.advanceHW(p)
	}
	return nil
}

// ShrinkISR takes a follower out of those in sync, at once. It is back when it next follows.
func (c *Cluster) ShrinkISR(now time.Time, name string, index, broker int32) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	if broker == p.info().leader {
		return fmt.Errorf("broker: broker %d leads %s[%d]", broker, name, index)
	}
	c.shrinkISR(p, broker)
	return nil
}

func (c *Cluster) lookup(name string, index int32) (*partition, error) {
	if p := c.find(name, index); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("broker: there is no partition %s[%d]", name, index)
}

// Append appends a batch of format 2 to a partition as a client's would be, and returns its first
// offset.
func (c *Cluster) Append(now time.Time, name string, index int32, raw []byte) (int64, error) {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return 0, err
	}
	w := c.appendBatch(p, raw)
	if w.code != kmsg.None {
		return 0, fmt.Errorf("broker: %s[%d]: %w: %s", name, index, w.code, w.text)
	}
	return w.base, nil
}

// AppendRaw appends a batch of format 2 as it is, unchecked but for its length: with the offset
// that it has, which must not lie before the log's end, or with the next one if it has a negative
// one. So logs can be made as compaction and transactions leave them, or broken ones.
func (c *Cluster) AppendRaw(now time.Time, name string, index int32, raw []byte) error {
	c.advance(now)
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	r := batch.NewReader(raw)
	if !r.Next() || r.Batch.Magic != batch.V2 || r.Pos() != len(raw) {
		return fmt.Errorf("broker: %s[%d]: not one batch of format 2", name, index)
	}
	h := r.Batch.Header
	if h.BaseOffset < 0 {
		h.BaseOffset = p.log.end
	}
	if h.BaseOffset < p.log.end {
		return fmt.Errorf("broker: %s[%d]: a batch at offset %d, the log ends at %d", name, index, h.BaseOffset, p.log.end)
	}
	h.LeaderEpoch = p.info().epoch
	p.log.append(c.nowMs(), raw, &h)
	last := &p.log.batches[len(p.log.batches)-1]
	batch.Assign(last.raw(), h.BaseOffset, h.LeaderEpoch)
	p.producers.add(c.now, last, c.keepBatches())
	c.grown(p)
	return nil
}
