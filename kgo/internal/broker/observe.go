package broker

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// What can be seen of a cluster from outside.

// Release returns the release that the brokers are of, like "2.8".
func (c *Cluster) Release() string { return c.release.Name }

// ClusterID returns the cluster's id.
func (c *Cluster) ClusterID() string { return c.cfg.ClusterID }

// Controller returns the id of the controller: with ZooKeeper a broker, -1 with KRaft, whose
// controllers are no brokers here.
func (c *Cluster) Controller() int32 {
	if c.zooKeeper {
		return c.controller
	}
	return -1
}

// Paused reports whether a broker is paused.
func (c *Cluster) Paused(broker int32) bool {
	n := c.nodes[broker]
	return n != nil && n.state == paused
}

// Brokers returns the brokers, by id, whatever state they are in.
func (c *Cluster) Brokers() []Broker {
	all := make([]Broker, len(c.order))
	for i, n := range c.order {
		all[i] = n.Broker
	}
	return all
}

// Topics returns the names of all topics, sorted.
func (c *Cluster) Topics() []string { return slices.Clone(c.names) }

// TopicID returns the id of a topic, zero if there is no such topic or it has none.
func (c *Cluster) TopicID(name string) kbin.UUID {
	if t := c.topics[name]; t != nil {
		return t.id
	}
	return kbin.UUID{}
}

// A Partition is what there is of a partition.
type Partition struct {
	Leader, Epoch int32
	Replicas, ISR []int32
	// Start is the offset of its first record, End that of the next one, HighWatermark that up
	// to which consumers may read.
	Start, HighWatermark, End int64
}

// Partitions returns those of a topic, nil if there is no such topic.
func (c *Cluster) Partitions(name string) []Partition {
	t := c.topics[name]
	if t == nil {
		return nil
	}
	all := make([]Partition, len(t.logs))
	for i, p := range t.logs {
		info := p.info()
		all[i] = Partition{info.leader, info.epoch, slices.Clone(info.replicas), slices.Clone(info.isr), p.log.start, p.hw, p.log.end}
	}
	return all
}

// Walk visits the batches of a partition and their records, which are views: visit must not keep
// them, and stops the walk by returning false. The error is that of records that cannot be read.
func (c *Cluster) Walk(name string, index int32, visit func(*batch.Batch, *batch.Record) bool) error {
	p, err := c.lookup(name, index)
	if err != nil {
		return err
	}
	var room []byte
	for i := range p.log.batches {
		r := batch.NewReader(p.log.batches[i].raw())
		if !r.Next() {
			return fmt.Errorf("broker: %s[%d] at offset %d: %w", name, index, p.log.batches[i].base, r.Err())
		}
		var payload []byte
		if payload, room, err = r.Batch.Payload(c.cfg.Codecs, room, batch.DefaultLimit); err != nil {
			return fmt.Errorf("broker: %s[%d]: %w", name, index, err)
		}
		w := r.Batch.Walk(payload)
		w.SkipTo(p.log.start)
		for w.Next() {
			if !visit(&r.Batch, &w.Record) {
				return nil
			}
		}
		if err := w.Err(); err != nil {
			return fmt.Errorf("broker: %s[%d]: %w", name, index, err)
		}
	}
	return nil
}

// Requests returns how many requests of an API a broker has got, all brokers together for
// [AnyBroker], of all APIs for [kmsg.NoAPIKey].
func (c *Cluster) Requests(key kmsg.APIKey, broker int32) int {
	sum := 0
	for _, n := range c.order {
		if broker != AnyBroker && n.ID != broker {
			continue
		}
		for k, count := range n.counts {
			if key == kmsg.NoAPIKey || key == kmsg.APIKey(k) {
				sum += count
			}
		}
	}
	return sum
}

// A Connection is what there is of a connection of a client.
type Connection struct {
	ID       ConnID
	Broker   int32
	Listener int
	Software string // name and version, as the client's ApiVersions says (KIP-511)
	User     string // who has logged in
	Queued   int    // frames that wait
	Serving  bool   // a request is being served
}

// Connections returns all connections, oldest first.
func (c *Cluster) Connections() []Connection {
	var all []Connection
	for _, n := range c.order {
		for _, cn := range c.connsOf(n) {
			all = append(all, Connection{cn.id, n.ID, cn.listener, cn.software, cn.login.user, len(cn.queue), cn.current != nil})
		}
	}
	slices.SortFunc(all, func(a, b Connection) int { return int(a.ID - b.ID) })
	return all
}
