package broker

import (
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// settings are the keys of the configuration that the model heeds, read.
type settings struct {
	// Of topics.
	maxMessage      int // bytes
	minISR          int
	compact         bool          // cleanup.policy
	deletes         bool          // likewise
	appendTime      bool          // message.timestamp.type=LogAppendTime
	before, after   time.Duration // how far from the broker's time a timestamp may lie
	uncleanElection bool
	compression     string

	// Of brokers.
	autoCreate       bool
	partitions       int32
	replication      int16
	deleteTopics     bool
	failedAuthDelay  time.Duration
	maxIdle          time.Duration
	maxReauth        time.Duration
	fetchMax         int
	sessionSlots     int
	offsetPartitions int32
	offsetReplicas   int16
	txnPartitions    int32
	txnReplicas      int16
	producerExpiry   time.Duration
	replicaLag       time.Duration
	rackAware        bool // replica.selector.class is the one by racks
	maxRequest       int
	maxTxnTimeout    time.Duration
}

// A layered value is found in the first of several places.
type layered struct {
	value  string // none for null
	source kmsg.ConfigSource
}

// brokerValues are all values of a broker's key, the one that counts first. Of all brokers, if
// the id is negative.
func (c *Cluster) brokerValues(d *configDef, id int32) []layered {
	var all []layered
	add := func(m map[string]string, source kmsg.ConfigSource) {
		if v, set := m[d.name]; set {
			all = append(all, layered{v, source})
		}
	}
	if n := c.nodes[id]; n != nil {
		add(n.configs, kmsg.ConfigSourceDynamicBroker)
	}
	add(c.defaults, kmsg.ConfigSourceDynamicDefaultBroker)
	add(c.cfg.Properties, kmsg.ConfigSourceStaticBroker)
	if def := c.defaultOf(d); def != none {
		all = append(all, layered{def, kmsg.ConfigSourceDefault})
	}
	return all
}

// topicValues are all values of a topic's key, the one that counts first.
func (c *Cluster) topicValues(d *configDef, configs map[string]string, id int32) []layered {
	var all []layered
	if v, set := configs[d.name]; set {
		all = append(all, layered{v, kmsg.ConfigSourceDynamicTopic})
	}
	if d.broker != "" {
		all = append(all, c.brokerValues(c.findConfig(brokerConfigs, d.broker), id)...)
	}
	return all
}

// defaultOf is the default of a key in the cluster's release.
func (c *Cluster) defaultOf(d *configDef) string {
	switch {
	case (d.name == "max.message.bytes" || d.name == "message.max.bytes") && !c.since("2.5"):
		return "1000012"
	case strings.HasSuffix(d.name, "message.timestamp.after.max.ms") && !c.since("4.0"):
		return maxLong
	case strings.HasSuffix(d.name, "message.format.version") && !c.since("3.0"):
		return formatVersions[c.release.Name]
	case d.name == "unclean.leader.election.enable" && !c.since("0.11.0"):
		return "true"
	case d.name == "replica.lag.time.max.ms" && !c.since("2.5"):
		return "10000"
	case d.name == "delete.topic.enable" && !c.since("1.0"):
		return "false"
	}
	return d.def
}

// formatVersions are the values of message.format.version, as long as it meant something.
var formatVersions = map[string]string{
	"0.10.0": "0.10.0-IV1", "0.10.1": "0.10.1-IV2", "0.10.2": "0.10.2-IV0", "0.11.0": "0.11.0-IV2", "1.0": "1.0-IV0", "1.1": "1.1-IV0",
	"2.0": "2.0-IV1", "2.1": "2.1-IV2", "2.2": "2.2-IV1", "2.3": "2.3-IV1", "2.4": "2.4-IV1", "2.5": "2.5-IV0", "2.6": "2.6-IV0", "2.7": "2.7-IV2", "2.8": "2.8-IV1",
}

// settingsOf reads the configuration of a topic, or only that of the brokers if configs is nil.
func (c *Cluster) settingsOf(configs map[string]string) *settings {
	topicKey := func(name string) string {
		d := c.findConfig(topicConfigs, name)
		if d == nil {
			return none
		}
		if all := c.topicValues(d, configs, -1); len(all) > 0 {
			return all[0].value
		}
		return c.defaultOf(d)
	}
	brokerKey := func(name string) string {
		d := c.findConfig(brokerConfigs, name)
		if d == nil {
			return none
		}
		if all := c.brokerValues(d, -1); len(all) > 0 {
			return all[0].value
		}
		return none
	}
	number := func(value string, otherwise int64) int64 {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	// millis keeps what is practically for ever from wrapping.
	millis := func(value string, otherwise int64) time.Duration {
		const most = int64(1<<63-1) / int64(time.Millisecond)
		return time.Duration(min(number(value, otherwise), most)) * time.Millisecond
	}
	const forever = 1<<63 - 1
	s := &settings{
		maxMessage:      int(number(topicKey("max.message.bytes"), 1<<20)),
		minISR:          int(number(topicKey("min.insync.replicas"), 1)),
		appendTime:      topicKey("message.timestamp.type") == "LogAppendTime",
		before:          millis(topicKey("message.timestamp.before.max.ms"), forever),
		after:           millis(topicKey("message.timestamp.after.max.ms"), forever),
		uncleanElection: isTrue(topicKey("unclean.leader.election.enable")),
		compression:     topicKey("compression.type"),

		autoCreate:       isTrue(brokerKey("auto.create.topics.enable")),
		partitions:       int32(number(brokerKey("num.partitions"), 1)),
		replication:      int16(number(brokerKey("default.replication.factor"), 1)),
		deleteTopics:     isTrue(brokerKey("delete.topic.enable")),
		failedAuthDelay:  millis(brokerKey("connection.failed.authentication.delay.ms"), 0),
		maxIdle:          millis(brokerKey("connections.max.idle.ms"), 600_000),
		maxReauth:        millis(brokerKey("connections.max.reauth.ms"), 0),
		fetchMax:         int(number(brokerKey("fetch.max.bytes"), 1<<31-1)),
		sessionSlots:     int(number(brokerKey("max.incremental.fetch.session.cache.slots"), 0)),
		offsetPartitions: int32(number(brokerKey("offsets.topic.num.partitions"), 50)),
		offsetReplicas:   int16(number(brokerKey("offsets.topic.replication.factor"), 3)),
		txnPartitions:    int32(number(brokerKey("transaction.state.log.num.partitions"), 50)),
		txnReplicas:      int16(number(brokerKey("transaction.state.log.replication.factor"), 3)),
		producerExpiry:   millis(brokerKey("producer.id.expiration.ms"), 604_800_000),
		replicaLag:       millis(brokerKey("replica.lag.time.max.ms"), 30_000),
		rackAware:        strings.HasSuffix(brokerKey("replica.selector.class"), "RackAwareReplicaSelector"),
		maxRequest:       int(number(brokerKey("socket.request.max.bytes"), 100<<20)),
		maxTxnTimeout:    millis(brokerKey("transaction.max.timeout.ms"), 900_000),
	}
	if d := topicKey("message.timestamp.difference.max.ms"); d != none && d != maxLong {
		s.before, s.after = millis(d, forever), millis(d, forever)
	}
	for _, policy := range splitList(topicKey("cleanup.policy")) {
		s.compact = s.compact || policy == "compact"
		s.deletes = s.deletes || policy == "delete"
	}
	return s
}

func isTrue(value string) bool { return strings.EqualFold(value, "true") }
