package broker

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A configDef is a key of Kafka's configuration: what it may be and is by default.
type configDef struct {
	name string
	kind kmsg.ConfigType
	def  string // what it is by default; none stands for null
	// broker is the broker's key that gives a topic's key its default, "" for none.
	broker string
	// since and until are the first and the last release that have it, "" for all.
	since, until string
	min, max     int64    // of numbers; both 0 for any
	values       []string // of words, nil for any
	fixed        bool     // a broker's key that cannot be changed while it runs
	secret       bool
}

// none is the default of keys that have none.
const none = "\x00"

const (
	maxLong = "9223372036854775807"
	maxInt  = "2147483647"
)

var (
	codecNames = []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}
	timeTypes  = []string{"CreateTime", "LogAppendTime"}
	policies   = []string{"compact", "delete"}
)

// topicConfigs are the keys that topics have, by name.
var topicConfigs = sortedDefs([]configDef{
	{name: "cleanup.policy", kind: kmsg.ConfigTypeList, def: "delete", broker: "log.cleanup.policy", values: policies},
	{name: "compression.gzip.level", kind: kmsg.ConfigTypeInt, def: "-1", broker: "compression.gzip.level", since: "3.8", min: -1, max: 9},
	{name: "compression.lz4.level", kind: kmsg.ConfigTypeInt, def: "9", broker: "compression.lz4.level", since: "3.8", min: 1, max: 17},
	{name: "compression.type", kind: kmsg.ConfigTypeString, def: "producer", broker: "compression.type", since: "0.9.0", values: codecNames},
	{name: "compression.zstd.level", kind: kmsg.ConfigTypeInt, def: "3", broker: "compression.zstd.level", since: "3.8", min: -131072, max: 22},
	{name: "delete.retention.ms", kind: kmsg.ConfigTypeLong, def: "86400000", broker: "log.cleaner.delete.retention.ms", min: 0, max: math.MaxInt64},
	{name: "errors.deadletterqueue.group.enable", kind: kmsg.ConfigTypeBoolean, def: "false", since: "4.4"},
	{name: "file.delete.delay.ms", kind: kmsg.ConfigTypeLong, def: "60000", broker: "log.segment.delete.delay.ms", min: 0, max: math.MaxInt64},
	{name: "flush.messages", kind: kmsg.ConfigTypeLong, def: maxLong, broker: "log.flush.interval.messages", min: 1, max: math.MaxInt64},
	{name: "flush.ms", kind: kmsg.ConfigTypeLong, def: maxLong, broker: "log.flush.interval.ms", min: 0, max: math.MaxInt64},
	{name: "follower.replication.throttled.replicas", kind: kmsg.ConfigTypeList, since: "0.10.1"},
	{name: "index.interval.bytes", kind: kmsg.ConfigTypeInt, def: "4096", broker: "log.index.interval.bytes", min: 0, max: math.MaxInt32},
	{name: "leader.replication.throttled.replicas", kind: kmsg.ConfigTypeList, since: "0.10.1"},
	{name: "local.retention.bytes", kind: kmsg.ConfigTypeLong, def: "-2", broker: "log.local.retention.bytes", since: "3.6", min: -2, max: math.MaxInt64},
	{name: "local.retention.ms", kind: kmsg.ConfigTypeLong, def: "-2", broker: "log.local.retention.ms", since: "3.6", min: -2, max: math.MaxInt64},
	{name: "max.compaction.lag.ms", kind: kmsg.ConfigTypeLong, def: maxLong, broker: "log.cleaner.max.compaction.lag.ms", since: "2.3", min: 1, max: math.MaxInt64},
	{name: "max.decompressed.message.bytes", kind: kmsg.ConfigTypeInt, def: "2147483639", broker: "max.decompressed.message.bytes", since: "4.2", min: 0, max: math.MaxInt32},
	{name: "max.message.bytes", kind: kmsg.ConfigTypeInt, def: "1048588", broker: "message.max.bytes", min: 0, max: math.MaxInt32},
	{name: "message.downconversion.enable", kind: kmsg.ConfigTypeBoolean, def: "true", broker: "log.message.downconversion.enable", since: "2.0", until: "3.9"},
	{name: "message.format.version", kind: kmsg.ConfigTypeString, def: "3.0-IV1", broker: "log.message.format.version", since: "0.10.0", until: "3.9"},
	{name: "message.timestamp.after.max.ms", kind: kmsg.ConfigTypeLong, def: "3600000", broker: "log.message.timestamp.after.max.ms", since: "3.6", min: 0, max: math.MaxInt64},
	{name: "message.timestamp.before.max.ms", kind: kmsg.ConfigTypeLong, def: maxLong, broker: "log.message.timestamp.before.max.ms", since: "3.6", min: 0, max: math.MaxInt64},
	{name: "message.timestamp.difference.max.ms", kind: kmsg.ConfigTypeLong, def: maxLong, broker: "log.message.timestamp.difference.max.ms", since: "0.10.0", until: "3.9", min: 0, max: math.MaxInt64},
	{name: "message.timestamp.type", kind: kmsg.ConfigTypeString, def: "CreateTime", broker: "log.message.timestamp.type", since: "0.10.0", values: timeTypes},
	{name: "min.cleanable.dirty.ratio", kind: kmsg.ConfigTypeDouble, def: "0.5", broker: "log.cleaner.min.cleanable.ratio", max: 1},
	{name: "min.compaction.lag.ms", kind: kmsg.ConfigTypeLong, def: "0", broker: "log.cleaner.min.compaction.lag.ms", since: "0.10.1", min: 0, max: math.MaxInt64},
	{name: "min.insync.replicas", kind: kmsg.ConfigTypeInt, def: "1", broker: "min.insync.replicas", min: 1, max: math.MaxInt32},
	{name: "preallocate", kind: kmsg.ConfigTypeBoolean, def: "false", broker: "log.preallocate", since: "0.9.0"},
	{name: "remote.copy.lag.bytes", kind: kmsg.ConfigTypeLong, def: "-1", broker: "log.remote.copy.lag.bytes", since: "4.4", min: -1, max: math.MaxInt64},
	{name: "remote.copy.lag.ms", kind: kmsg.ConfigTypeLong, def: "0", broker: "log.remote.copy.lag.ms", since: "4.4", min: 0, max: math.MaxInt64},
	{name: "remote.log.copy.disable", kind: kmsg.ConfigTypeBoolean, def: "false", since: "3.9"},
	{name: "remote.log.delete.on.disable", kind: kmsg.ConfigTypeBoolean, def: "false", since: "3.9"},
	{name: "remote.storage.enable", kind: kmsg.ConfigTypeBoolean, def: "false", since: "3.6"},
	{name: "retention.bytes", kind: kmsg.ConfigTypeLong, def: "-1", broker: "log.retention.bytes"},
	{name: "retention.ms", kind: kmsg.ConfigTypeLong, def: "604800000", broker: "log.retention.ms", min: -1, max: math.MaxInt64},
	{name: "segment.bytes", kind: kmsg.ConfigTypeInt, def: "1073741824", broker: "log.segment.bytes", min: 14, max: math.MaxInt32},
	{name: "segment.index.bytes", kind: kmsg.ConfigTypeInt, def: "10485760", broker: "log.index.size.max.bytes", min: 4, max: math.MaxInt32},
	{name: "segment.jitter.ms", kind: kmsg.ConfigTypeLong, def: "0", broker: "log.roll.jitter.ms", min: 0, max: math.MaxInt64},
	{name: "segment.ms", kind: kmsg.ConfigTypeLong, def: "604800000", broker: "log.roll.ms", min: 1, max: math.MaxInt64},
	{name: "unclean.leader.election.enable", kind: kmsg.ConfigTypeBoolean, def: "false", broker: "unclean.leader.election.enable"},
})

// withoutDefault are the broker's keys that are null although the topic's have a default.
var withoutDefault = []string{"log.flush.interval.ms", "log.retention.ms", "log.roll.jitter.ms", "log.roll.ms"}

// brokerConfigs are keys that brokers have: those that the model heeds, and others that people
// look at. They are not all of Kafka's.
var brokerConfigs = sortedDefs(append(topicDefaults(), []configDef{
	{name: "advertised.listeners", kind: kmsg.ConfigTypeList, def: none, fixed: true},
	{name: "auto.create.topics.enable", kind: kmsg.ConfigTypeBoolean, def: "true", fixed: true},
	{name: "background.threads", kind: kmsg.ConfigTypeInt, def: "10", min: 1, max: math.MaxInt32},
	{name: "broker.id", kind: kmsg.ConfigTypeInt, def: "-1", fixed: true},
	{name: "broker.rack", kind: kmsg.ConfigTypeString, def: none, fixed: true, since: "0.10.0"},
	{name: "connection.failed.authentication.delay.ms", kind: kmsg.ConfigTypeInt, def: "100", fixed: true, since: "2.1"},
	{name: "connections.max.idle.ms", kind: kmsg.ConfigTypeLong, def: "600000", fixed: true, since: "0.9.0"},
	{name: "connections.max.reauth.ms", kind: kmsg.ConfigTypeLong, def: "0", fixed: true, since: "2.2"},
	{name: "default.replication.factor", kind: kmsg.ConfigTypeInt, def: "1", fixed: true, min: 1, max: math.MaxInt16},
	{name: "delete.topic.enable", kind: kmsg.ConfigTypeBoolean, def: "true", fixed: true},
	{name: "fetch.max.bytes", kind: kmsg.ConfigTypeInt, def: "57671680", fixed: true, since: "2.5", min: 1024, max: math.MaxInt32},
	{name: "log.dirs", kind: kmsg.ConfigTypeList, def: none, fixed: true},
	{name: "log.retention.hours", kind: kmsg.ConfigTypeInt, def: "168", fixed: true},
	{name: "max.connections.per.ip", kind: kmsg.ConfigTypeInt, def: maxInt, min: 0, max: math.MaxInt32},
	{name: "max.incremental.fetch.session.cache.slots", kind: kmsg.ConfigTypeInt, def: "1000", fixed: true, since: "1.1"},
	{name: "num.io.threads", kind: kmsg.ConfigTypeInt, def: "8", min: 1, max: math.MaxInt32},
	{name: "num.network.threads", kind: kmsg.ConfigTypeInt, def: "3", min: 1, max: math.MaxInt32},
	{name: "num.partitions", kind: kmsg.ConfigTypeInt, def: "1", fixed: true, min: 1, max: math.MaxInt32},
	{name: "offsets.topic.num.partitions", kind: kmsg.ConfigTypeInt, def: "50", fixed: true, min: 1, max: math.MaxInt32},
	{name: "offsets.topic.replication.factor", kind: kmsg.ConfigTypeShort, def: "3", fixed: true, min: 1, max: math.MaxInt16},
	{name: "producer.id.expiration.ms", kind: kmsg.ConfigTypeInt, def: "86400000", since: "3.5", min: 1, max: math.MaxInt32},
	{name: "replica.lag.time.max.ms", kind: kmsg.ConfigTypeLong, def: "30000", fixed: true},
	{name: "replica.selector.class", kind: kmsg.ConfigTypeString, def: none, fixed: true, since: "2.4"},
	{name: "sasl.enabled.mechanisms", kind: kmsg.ConfigTypeList, def: "GSSAPI", since: "0.10.0"},
	{name: "socket.request.max.bytes", kind: kmsg.ConfigTypeInt, def: "104857600", fixed: true, min: 1, max: math.MaxInt32},
	{name: "ssl.key.password", kind: kmsg.ConfigTypePassword, def: none, since: "0.9.0", secret: true},
	{name: "ssl.keystore.location", kind: kmsg.ConfigTypeString, def: none, since: "0.9.0"},
	{name: "ssl.keystore.password", kind: kmsg.ConfigTypePassword, def: none, since: "0.9.0", secret: true},
	{name: "transaction.max.timeout.ms", kind: kmsg.ConfigTypeInt, def: "900000", fixed: true, since: "0.11.0", min: 1, max: math.MaxInt32},
	{name: "transaction.state.log.num.partitions", kind: kmsg.ConfigTypeInt, def: "50", fixed: true, since: "0.11.0", min: 1, max: math.MaxInt32},
	{name: "transaction.state.log.replication.factor", kind: kmsg.ConfigTypeShort, def: "3", fixed: true, since: "0.11.0", min: 1, max: math.MaxInt16},
}...))

// topicDefaults are the broker's keys behind the topic's.
func topicDefaults() []configDef {
	var defs []configDef
	for _, d := range topicConfigs {
		if d.broker == "" {
			continue
		}
		d.name, d.broker = d.broker, ""
		if slices.Contains(withoutDefault, d.name) {
			d.def = none
		}
		defs = append(defs, d)
	}
	return defs
}

func sortedDefs(defs []configDef) []configDef {
	slices.SortFunc(defs, func(a, b configDef) int { return cmp.Compare(a.name, b.name) })
	return defs
}

// findConfig looks a key up that the release has.
func (e *era) findConfig(defs []configDef, name string) *configDef {
	i, found := slices.BinarySearchFunc(defs, name, func(d configDef, name string) int { return cmp.Compare(d.name, name) })
	if !found || !e.hasConfig(&defs[i]) {
		return nil
	}
	return &defs[i]
}

func (e *era) hasConfig(d *configDef) bool {
	return (d.since == "" || e.since(d.since)) && (d.until == "" || !e.since(d.until) || e.is(d.until))
}

// check says what is wrong with a value.
func (d *configDef) check(value string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s cannot be %q: "+format, append([]any{d.name, value}, args...)...)
	}
	switch d.kind {
	case kmsg.ConfigTypeBoolean:
		if value := strings.ToLower(value); value != "true" && value != "false" {
			return fail("it is true or false")
		}
	case kmsg.ConfigTypeShort, kmsg.ConfigTypeInt, kmsg.ConfigTypeLong:
		bits := map[kmsg.ConfigType]int{kmsg.ConfigTypeShort: 16, kmsg.ConfigTypeInt: 32, kmsg.ConfigTypeLong: 64}[d.kind]
		n, err := strconv.ParseInt(value, 10, bits)
		if err != nil {
			return fail("it is a number of %d bits", bits)
		}
		if d.min != d.max && (n < d.min || n > d.max) {
			return fail("it lies from %d to %d", d.min, d.max)
		}
	case kmsg.ConfigTypeDouble:
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || d.min != d.max && (x < float64(d.min) || x > float64(d.max)) {
			return fail("it is a number from %d to %d", d.min, d.max)
		}
	case kmsg.ConfigTypeString, kmsg.ConfigTypeList:
		if d.values == nil {
			return nil
		}
		words := []string{value}
		if d.kind == kmsg.ConfigTypeList {
			words = splitList(value)
		}
		for _, w := range words {
			if !slices.Contains(d.values, w) {
				return fail("it is of %s", strings.Join(d.values, ", "))
			}
		}
	}
	return nil
}

// splitList splits what Kafka calls a list.
func splitList(value string) []string {
	if value == "" {
		return nil
	}
	words := strings.Split(value, ",")
	for i, w := range words {
		words[i] = strings.TrimSpace(w)
	}
	return words
}

// checkProperty checks a line of server.properties. Keys that are not known may be anything, as
// with Kafka.
func checkProperty(name, value string) error {
	i, found := slices.BinarySearchFunc(brokerConfigs, name, func(d configDef, name string) int { return cmp.Compare(d.name, name) })
	if !found {
		return nil
	}
	return brokerConfigs[i].check(value)
}
