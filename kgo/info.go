package kgo

import (
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// BrokerInfo is a broker as it advertises itself.
type BrokerInfo struct {
	ID   int32  // -1 for a seed, of which it is not known which broker it is
	Addr string // host:port
	Rack string // "" without one
}

func infoOf(b cluster.Broker) BrokerInfo { return BrokerInfo{ID: b.ID, Addr: b.Addr(), Rack: b.Rack} }

// Metadata is what a client knows of its cluster at one time. It does not change; what it returns
// must not be written to. The zero value knows nothing.
type Metadata struct{ snapshot *cluster.Snapshot }

// Metadata returns what is known of the cluster now, without asking: see [Client.RefreshMetadata]. It has
// the topics that somebody asked for lately.
func (c *Client) Metadata() Metadata { return Metadata{c.meta.snapshot()} }

func (m Metadata) get() *cluster.Snapshot {
	if m.snapshot == nil {
		return cluster.Empty()
	}
	return m.snapshot
}

// ClusterID returns the id of the cluster, "" if it is not known. Brokers before 0.10.1 have none.
func (m Metadata) ClusterID() string { return m.get().ClusterID }

// Controller returns the controller, and whether it is known. With KRaft it is any broker.
func (m Metadata) Controller() (BrokerInfo, bool) { return m.Broker(m.get().ControllerID) }

// Brokers returns the live brokers, by id.
func (m Metadata) Brokers() []BrokerInfo {
	all := make([]BrokerInfo, len(m.get().Brokers))
	for i, b := range m.get().Brokers {
		all[i] = infoOf(b)
	}
	return all
}

// Broker returns a broker, and whether it is known.
func (m Metadata) Broker(id int32) (BrokerInfo, bool) {
	b, ok := m.get().Broker(id)
	if !ok {
		return BrokerInfo{ID: -1}, false
	}
	return infoOf(b), true
}

// TopicInfo is what is known of a topic.
type TopicInfo struct {
	Name     string
	ID       kbin.UUID // zero if brokers do not tell, before 2.8
	Internal bool      // Kafka's own
	// Err is what the brokers said of the topic as a whole, UNKNOWN_TOPIC_OR_PARTITION for
	// example; [kmsg.None] if all is well.
	Err        kmsg.ErrorCode
	Partitions []PartitionInfo // by number
}

// PartitionInfo is what is known of a partition.
type PartitionInfo struct {
	Partition   int32
	Leader      int32 // -1 if there is none
	LeaderEpoch int32 // -1 if brokers do not tell, before 2.1
	Replicas    []int32
	ISR         []int32
	Offline     []int32
	Err         kmsg.ErrorCode
}

// Topic returns a topic, and whether it was asked for lately. Look at its Err.
func (m Metadata) Topic(name string) (TopicInfo, bool) {
	t := m.get().Topic(name)
	if t == nil {
		return TopicInfo{Name: name}, false
	}
	return topicInfo(t), true
}

// Topics returns all topics that were asked for lately, by name.
func (m Metadata) Topics() []TopicInfo {
	all := make([]TopicInfo, len(m.get().Topics))
	for i, t := range m.get().Topics {
		all[i] = topicInfo(t)
	}
	return all
}

func topicInfo(t *cluster.Topic) TopicInfo {
	info := TopicInfo{Name: t.Name, ID: t.ID, Internal: t.Internal, Err: t.Err, Partitions: make([]PartitionInfo, len(t.Partitions))}
	for i, p := range t.Partitions {
		info.Partitions[i] = PartitionInfo{int32(i), p.Leader, p.LeaderEpoch, p.Replicas, p.ISR, p.Offline, p.Err}
	}
	return info
}

// Leader returns the broker that leads a partition, and whether it is known.
func (m Metadata) Leader(topic string, partition int32) (BrokerInfo, bool) {
	t := m.get().Topic(topic)
	if t == nil || t.Partition(partition) == nil {
		return BrokerInfo{ID: -1}, false
	}
	return m.Broker(t.Partition(partition).Leader)
}

// Features returns the finalized levels of the cluster's features, like transaction.version, as
// the broker with the id told when a connection to it was made; nil if there was none (KIP-584).
func (c *Client) Features(broker int32) map[string]int16 {
	p := c.peers.known(broker)
	if p == nil {
		return nil
	}
	v := p.versions.Load()
	if v == nil || v.FinalizedFeaturesEpoch < 0 {
		return nil
	}
	all := map[string]int16{}
	for _, f := range v.FinalizedFeatures {
		all[f.Name] = f.MaxVersionLevel
	}
	return all
}

// Versions returns what a broker said that it serves when a connection to it was made, by key; nil
// if there was none.
func (c *Client) Versions(broker int32) []kmsg.VersionRange {
	p := c.peers.known(broker)
	if p == nil {
		return nil
	}
	v := p.versions.Load()
	if v == nil {
		return nil
	}
	return v.All()
}
