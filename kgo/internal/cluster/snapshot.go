package cluster

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Snapshot is what is known of a cluster at one time. Nobody changes it, nor what hangs from
// it; what did not change from one snapshot to the next is shared between them.
type Snapshot struct {
	// Seq is the number of the last request for metadata whose answer is in the snapshot, 0 if
	// there was none. See [Need.Newer].
	Seq uint64
	// ClusterID is empty if the brokers do not tell: before 0.10.1.
	ClusterID string
	// ControllerID is the broker that requests for the controller go to, -1 if none is known.
	// Brokers before 0.10 do not tell. In KRaft it is any broker, which forwards (KIP-590).
	ControllerID int32
	// Brokers are the live brokers, by id.
	Brokers []Broker
	// NoBrokers says that the cluster has answered and that there are no Brokers all the same:
	// those of 0.8 do not know each other before there is a topic. Seeds are all there is to ask.
	NoBrokers bool
	// Topics are the topics that somebody wanted to know of, by name. Those that were asked for
	// by an id which no broker knew have no name, and come first.
	Topics []*Topic

	// Old is when all of it is too old to be trusted without asking. Who uses it later says so by
	// [Touch]. Zero as long as nothing is known.
	Old time.Time

	byID         []int32 // indexes into Topics of those with an id, by id
	coordinators *coordinators
}

// A Broker is a broker as it advertises itself to clients.
type Broker struct {
	ID   int32
	Host string
	Port int32
	Rack string // empty if it has none, or the brokers do not tell: before 0.10
}

// Addr returns host and port as one: "localhost:9092", "[::1]:9092".
func (b Broker) Addr() string { return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))) }

// A Topic is what is known of a topic.
type Topic struct {
	Name string
	ID   kbin.UUID // zero if the brokers do not tell: before 2.8
	// Internal says that Kafka keeps the topic for itself.
	Internal bool
	// Err is what the last answer said of the topic as a whole. Partitions then are what was
	// known before, or none.
	Err kmsg.ErrorCode
	// Partitions are all partitions; the index is the number.
	Partitions []Partition
}

// A Partition is what is known of a partition.
type Partition struct {
	// Leader is the broker that leads the partition, -1 if none does or is known to. It may be
	// missing among the brokers of the snapshot.
	Leader int32
	// LeaderEpoch is the epoch of the leader, -1 if the brokers do not tell: before 2.1.
	LeaderEpoch int32
	// Err is what the broker said of the partition. A leader may be known all the same:
	// REPLICA_NOT_AVAILABLE is about other brokers.
	Err kmsg.ErrorCode

	Replicas []int32 // the preferred leader first
	ISR      []int32 // the replicas that are in sync with the leader
	Offline  []int32 // the replicas that are down, from brokers of 1.0 and later
}

var nothing = &Snapshot{ControllerID: -1}

// Empty returns the snapshot from before anything is known.
func Empty() *Snapshot { return nothing }

// Broker returns the broker with the id, and whether it is known.
func (s *Snapshot) Broker(id int32) (Broker, bool) {
	i, ok := findBroker(s.Brokers, id)
	if !ok {
		return Broker{}, false
	}
	return s.Brokers[i], true
}

// Topic returns the topic with the name, nil if it is not known. Whether it exists says its Err.
func (s *Snapshot) Topic(name string) *Topic {
	if i, ok := findName(s.Topics, name); ok {
		return s.Topics[i]
	}
	return nil
}

// TopicByID returns the topic with the id, nil if it is not known. Whether it exists says its
// Err.
func (s *Snapshot) TopicByID(id kbin.UUID) *Topic {
	i, ok := slices.BinarySearchFunc(s.byID, id, func(at int32, id kbin.UUID) int {
		return compareID(s.Topics[at].ID, id)
	})
	if !ok || id.IsZero() {
		return nil
	}
	return s.Topics[s.byID[i]]
}

// Coordinator returns the broker that coordinates a group, a transactional id or a share
// partition, and whether it is known.
func (s *Snapshot) Coordinator(of kmsg.CoordinatorType, key string) (int32, bool) {
	return s.coordinators.get(of, key)
}

// Partition returns what is known of a partition, nil if nothing is.
func (t *Topic) Partition(n int32) *Partition {
	if n < 0 || int(n) >= len(t.Partitions) {
		return nil
	}
	return &t.Partitions[n]
}

func findBroker(brokers []Broker, id int32) (int, bool) {
	return slices.BinarySearchFunc(brokers, id, func(b Broker, id int32) int { return cmp.Compare(b.ID, id) })
}

// findName returns where the topic is, or belongs. Topics without a name are not found.
func findName(topics []*Topic, name string) (int, bool) {
	i, ok := slices.BinarySearchFunc(topics, name, func(t *Topic, name string) int {
		return strings.Compare(t.Name, name)
	})
	return i, ok && name != ""
}

func compareID(a, b kbin.UUID) int { return slices.Compare(a[:], b[:]) }
