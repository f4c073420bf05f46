package broker

import (
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A topic is one that exists.
type topic struct {
	topicInfo
	configs  map[string]string // of its own
	settings *settings
	logs     []*partition
}

// topicInfo is what metadata says of a topic.
type topicInfo struct {
	name       string
	id         kbin.UUID // zero before topics had ids
	internal   bool
	partitions []partitionInfo
}

// partitionInfo is what metadata says of a partition.
type partitionInfo struct {
	leader   int32 // -1 for none
	epoch    int32 // counts leaders
	replicas []int32
	isr      []int32
}

// A partition is what its replicas hold.
type partition struct {
	topic     *topic
	index     int32
	log       log       // of the leader
	replicas  []replica // of each in partitionInfo.replicas
	hw        int64     // high watermark: what all replicas in sync have
	producers producers
	waits     []*wait // of calls, for something to change
	gone      bool    // deleted
}

// A replica is how far a broker is with a partition: it has what the leader has, up to end.
type replica struct {
	broker   int32
	end      int64
	held     bool      // does not follow
	caughtUp time.Time // when it last had everything
	fetch    *timer    // when it next follows
	lag      *timer    // when it is no longer in sync
}

func (p *partition) info() *partitionInfo { return &p.topic.partitions[p.index] }

// replica returns that of a broker, nil if it has none.
func (p *partition) replica(broker int32) *replica {
	for i := range p.replicas {
		if p.replicas[i].broker == broker {
			return &p.replicas[i]
		}
	}
	return nil
}

// find returns a partition, nil if there is none.
func (c *Cluster) find(name string, index int32) *partition { return c.topics[name].partition(index) }

// partition returns one of a topic's, which may be nil, or nil if there is no such.
func (t *topic) partition(index int32) *partition {
	if t == nil || index < 0 || int(index) >= len(t.logs) {
		return nil
	}
	return t.logs[index]
}

// maxTopicName is how long a topic's name may be: file names have a limit.
const maxTopicName = 249

// legalTopic reports whether a topic may have a name.
func legalTopic(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > maxTopicName {
		return false
	}
	for _, r := range []byte(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
		default:
			return false
		}
	}
	return true
}

// collides returns the topic whose name is the same but for dots and underscores, as names of
// metrics are, or "".
func (c *Cluster) collides(name string) string {
	if !strings.ContainsAny(name, "._") {
		return ""
	}
	plain := strings.ReplaceAll(name, ".", "_")
	for _, other := range c.names {
		if other != name && strings.ReplaceAll(other, ".", "_") == plain {
			return other
		}
	}
	return ""
}

// isInternal reports whether Kafka keeps a topic for itself.
func (c *Cluster) isInternal(name string) bool {
	return name == offsetsTopic || name == txnTopic && c.since("0.11.0")
}

const (
	offsetsTopic = "__consumer_offsets"
	txnTopic     = "__transaction_state"
)

// addTopic creates a topic; everything about it has been checked.
func (c *Cluster) addTopic(name string, assignment [][]int32, configs map[string]string) *topic {
	t := &topic{topicInfo: topicInfo{name: name, internal: c.isInternal(name)}, configs: configs}
	if c.hasTopicIDs {
		t.id = c.newUUID()
		c.byID[t.id] = t
	}
	t.settings = c.settingsOf(configs)
	c.topics[name] = t
	i, _ := slices.BinarySearch(c.names, name)
	c.names = slices.Insert(c.names, i, name)
	c.addPartitions(t, assignment)
	return t
}

// addPartitions adds partitions to a topic, with their replicas.
func (c *Cluster) addPartitions(t *topic, assignment [][]int32) {
	for _, brokers := range assignment {
		p := &partition{topic: t, index: int32(len(t.logs))}
		info := partitionInfo{leader: -1, replicas: brokers}
		for _, b := range brokers {
			p.replicas = append(p.replicas, replica{broker: b, caughtUp: c.now})
			if c.nodes[b].alive {
				info.isr = append(info.isr, b)
			}
		}
		if len(info.isr) > 0 {
			info.leader = info.isr[0]
			p.log.startEpoch(0, 0)
		} else {
			info.isr = brokers[:1]
		}
		t.partitions = append(t.partitions, info)
		t.logs = append(t.logs, p)
	}
}

// removeTopic deletes a topic.
func (c *Cluster) removeTopic(t *topic) {
	delete(c.topics, t.name)
	delete(c.byID, t.id)
	i, _ := slices.BinarySearch(c.names, t.name)
	c.names = slices.Delete(c.names, i, i+1)
	for _, p := range t.logs {
		p.gone = true
		for i := range p.replicas {
			c.timers.stop(p.replicas[i].fetch)
			c.timers.stop(p.replicas[i].lag)
		}
		c.changed(p)
	}
}

// assign chooses the brokers of new partitions, as Kafka does: each broker leads as many as any
// other, and the followers come after the leader, one further at each round.
func (c *Cluster) assign(partitions int32, replication int16, first int) [][]int32 {
	var alive []int32
	for _, n := range c.order {
		if n.alive {
			alive = append(alive, n.ID)
		}
	}
	start := c.rand.IntN(len(alive))
	shift := c.rand.IntN(len(alive))
	all := make([][]int32, partitions)
	for i := range all {
		at := start + first + i
		if at%len(alive) == 0 && i > 0 {
			shift++
		}
		brokers := []int32{alive[at%len(alive)]}
		for j := range int(replication) - 1 {
			step := 1 + (shift+j)%(len(alive)-1)
			brokers = append(brokers, alive[(at+step)%len(alive)])
		}
		all[i] = brokers
	}
	return all
}

// A failure is a code with words.
type failure struct {
	code kmsg.ErrorCode
	text string
}

// words are those of a failure, in a version that has room for them.
func (f failure) words() kbin.NullString {
	if f.code == kmsg.None || f.text == "" {
		return kbin.NullString{}
	}
	return kbin.Str(f.text)
}
