package ktest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
)

// An Option says how a cluster is. They are given to [NewCluster] and [Start].
type Option func(*config) error

// config is what the options say.
type config struct {
	brokers   int
	racks     []string
	topics    []seedTopic
	seed      uint64
	sockets   bool
	addrs     []string
	advertise func(broker int32, addr string) string
	security  security
	model     broker.Config
}

type seedTopic struct {
	name       string
	partitions int
	replicas   int16
	configs    map[string]string
}

func newConfig(opts []Option) (*config, error) {
	cfg := &config{brokers: 1, seed: 1}
	// Defaults that suit tests; a property of the user's own wins.
	cfg.model.Properties = map[string]string{
		"auto.create.topics.enable":                "false",
		"offsets.topic.num.partitions":             "3",
		"transaction.state.log.num.partitions":     "3",
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.replication.factor": "1",
	}
	var errs []error
	for _, opt := range opts {
		if err := opt(cfg); err != nil {
			errs = append(errs, fmt.Errorf("ktest: %w", err))
		}
	}
	if len(cfg.addrs) > 0 && len(cfg.addrs) != cfg.brokers {
		errs = append(errs, fmt.Errorf("ktest: Listen has %d addresses for %d brokers", len(cfg.addrs), cfg.brokers))
	}
	if len(cfg.racks) > 0 && len(cfg.racks) != cfg.brokers {
		errs = append(errs, fmt.Errorf("ktest: Racks has %d racks for %d brokers", len(cfg.racks), cfg.brokers))
	}
	return cfg, errors.Join(errs...)
}

func (c *config) random() *rand.Rand { return rand.New(rand.NewPCG(c.seed, 0)) }

// Brokers sets how many brokers there are, with ids from 1; 1 by default.
func Brokers(n int) Option {
	return func(c *config) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("Brokers(%d): from 1 to 1000", n)
		}
		c.brokers = n
		return nil
	}
}

// A TopicOption says how a topic of [SeedTopic] or [Cluster.CreateTopic] is.
type TopicOption func(*seedTopic)

// Replicas sets the replication factor of a topic; by default as many as there are brokers, at
// most 3.
func Replicas(n int) TopicOption { return func(t *seedTopic) { t.replicas = int16(n) } }

// Config sets a key of a topic's configuration: Config("min.insync.replicas", "2").
func Config(key, value string) TopicOption {
	return func(t *seedTopic) { t.configs[key] = value }
}

// SeedTopic creates a topic before the cluster starts.
func SeedTopic(name string, partitions int, opts ...TopicOption) Option {
	return func(c *config) error {
		c.topics = append(c.topics, newSeedTopic(name, partitions, opts))
		return nil
	}
}

func newSeedTopic(name string, partitions int, opts []TopicOption) seedTopic {
	t := seedTopic{name: name, partitions: partitions, configs: map[string]string{}}
	for _, opt := range opts {
		opt(&t)
	}
	return t
}

// Releases returns the releases that brokers can be of, oldest first.
func Releases() []string { return broker.Releases() }

// Version sets the release that the brokers are of, one of [Releases] or a patch of it: "2.8",
// "2.8.2". The newest is the default. From 3.3 on it is run with KRaft, see [ZooKeeper].
func Version(release string) Option {
	return func(c *config) error {
		c.model.Version = release
		return nil
	}
}

// ZooKeeper runs a release that has both, 3.3 to 3.9, with ZooKeeper: what only the controller
// does, clients must ask the controller for.
func ZooKeeper() Option {
	return func(c *config) error {
		c.model.ZooKeeper = true
		return nil
	}
}

// Seed sets what all that is drawn is drawn from: ids, the placement of replicas. The same seed
// gives the same cluster; it is 1 by default.
func Seed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// AutoCreate lets brokers create topics that clients ask for. Kafka:
// auto.create.topics.enable, which is on by default there and off here.
func AutoCreate() Option { return Property("auto.create.topics.enable", "true") }

// Property sets a key of the brokers' server.properties. Those that the brokers heed are
// auto.create.topics.enable, connection.failed.authentication.delay.ms, connections.max.idle.ms,
// connections.max.reauth.ms, default.replication.factor, delete.topic.enable, fetch.max.bytes,
// log.message.timestamp.type and its before.max.ms and after.max.ms,
// max.incremental.fetch.session.cache.slots, message.max.bytes, min.insync.replicas,
// num.partitions, offsets.topic.num.partitions, producer.id.expiration.ms,
// replica.lag.time.max.ms, replica.selector.class, socket.request.max.bytes,
// unclean.leader.election.enable, and those of internal topics.
func Property(key, value string) Option {
	return func(c *config) error {
		c.model.Properties[key] = value
		return nil
	}
}

// Properties sets several, see [Property].
func Properties(p map[string]string) Option {
	return func(c *config) error {
		maps.Copy(c.model.Properties, p)
		return nil
	}
}

// Racks sets the rack of each broker. From 2.4 on, consumers that say in which rack they are are
// then sent to the replica there (KIP-392).
func Racks(racks ...string) Option {
	return func(c *config) error {
		c.racks = racks
		c.model.Properties["replica.selector.class"] = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
		return nil
	}
}

// SessionTimeout sets how long it takes until the cluster notices that a broker is gone; 3 s by
// default.
func SessionTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("SessionTimeout(%v): it must be more than nothing", d)
		}
		c.model.SessionTimeout = d
		return nil
	}
}

// ReplicationDelay sets how long after an append the followers have it; they do at once by
// default. Until then acks=all waits, consumers do not see the records, and an election can lose
// them.
func ReplicationDelay(d time.Duration) Option {
	return func(c *config) error {
		c.model.ReplicationDelay = d
		return nil
	}
}

// NoLeaderHints keeps brokers from saying in answers to Produce and Fetch who leads a partition
// (KIP-951).
func NoLeaderHints() Option {
	return func(c *config) error {
		c.model.NoLeaderHints = true
		return nil
	}
}

// TrustRecords keeps brokers from looking into compressed batches, which takes most of their
// time. Headers and checksums are checked all the same.
func TrustRecords() Option {
	return func(c *config) error {
		c.model.TrustRecords = true
		return nil
	}
}

// Listen lets brokers listen on sockets: each on the address that is named, "127.0.0.1:9092", or
// without any on a free port of 127.0.0.1. Clients then need no dialer.
func Listen(addrs ...string) Option {
	return func(c *config) error {
		c.sockets, c.addrs = true, addrs
		for _, addr := range addrs {
			if _, _, err := net.SplitHostPort(addr); err != nil {
				return fmt.Errorf("Listen(%q): %w", addr, err)
			}
		}
		return nil
	}
}

// Advertise lets brokers tell clients another address than the one they listen on: that of a
// proxy. It is asked once for each broker.
func Advertise(f func(broker int32, addr string) string) Option {
	return func(c *config) error {
		c.advertise = f
		return nil
	}
}

// splitAddr splits host:port.
func splitAddr(addr string) (host string, port int32, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, int32(n), err
}
