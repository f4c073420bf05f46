package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Config is what a cluster is made of. Zero values take the defaults.
type Config struct {
	// Version is the release that the brokers are of, like "2.8" or "2.8.2", from 0.8.2 on; the
	// newest that kmsg knows by default.
	Version string
	// ZooKeeper says that a release that has both, 3.3 to 3.9, is run with ZooKeeper. Older
	// ones are anyway, newer ones never.
	ZooKeeper bool
	// Brokers are the nodes; one of them must be there.
	Brokers []Broker
	// ClusterID is drawn by default.
	ClusterID string
	// Properties are what the brokers' server.properties say, by Kafka's names. Those that the
	// model knows have Kafka's defaults, see [Properties].
	Properties map[string]string
	// SessionTimeout is how long it takes until a broker that is gone or silent is noticed: 3 s
	// by default. Kafka: broker.session.timeout.ms, zookeeper.session.timeout.ms.
	SessionTimeout time.Duration
	// ReplicationDelay is how long after an append followers have it; at once by default.
	ReplicationDelay time.Duration
	// Auth is who may log in on listeners with SASL.
	Auth Auth
	// Personality is in what the cluster is not quite Kafka.
	Personality Personality
	// NoLeaderHints leaves out of answers who leads a partition now (KIP-951).
	NoLeaderHints bool
	// TrustRecords leaves records as they come: what is compressed is not looked into. The
	// header and the checksum are checked all the same.
	TrustRecords bool
	// Codecs compress and decompress; one of the cluster's own by default.
	Codecs *compress.Codecs
}

// A Broker is a node of the cluster.
type Broker struct {
	ID   int32
	Rack string // "" for none
	// Listeners are where clients connect to, with the address that they are told. All brokers
	// must have as many, in the same order.
	Listeners []Listener
}

// A Listener is one address of a broker.
type Listener struct {
	Host string
	Port int32
	SASL bool // clients must authenticate
}

// defaultSessionTimeout is that of [Config.SessionTimeout].
const defaultSessionTimeout = 3 * time.Second

// New returns a cluster that has just started, all brokers up. The error lists everything that is
// wrong with the configuration. The cluster is for one goroutine at a time.
func New(cfg Config, random *rand.Rand) (*Cluster, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("broker: "+format, args...)) }
	release, err := releaseOf(cfg.Version)
	if err != nil {
		return nil, err
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = defaultSessionTimeout
	}
	if cfg.Codecs == nil {
		cfg.Codecs = new(compress.Codecs)
	}
	if len(cfg.Brokers) == 0 {
		fail("no brokers")
	}
	c := &Cluster{
		cfg: cfg, rand: random, release: release,
		topics: map[string]*topic{}, byID: map[kbin.UUID]*topic{}, transactional: map[string]*transactional{},
		conns: map[ConnID]*conn{}, nodes: map[int32]*node{},
	}
	c.era = eraOf(release.Name, cfg.ZooKeeper)
	if cfg.ZooKeeper && !c.zooKeeper {
		fail("Kafka %s does not run with ZooKeeper", release.Name)
	}
	for _, b := range cfg.Brokers {
		if c.nodes[b.ID] != nil || b.ID < 0 {
			fail("broker %d: ids are different and not negative", b.ID)
		}
		if len(b.Listeners) == 0 || len(b.Listeners) != len(cfg.Brokers[0].Listeners) {
			fail("broker %d has %d listeners", b.ID, len(b.Listeners))
		}
		n := newNode(b)
		c.nodes[b.ID] = n
		c.order = append(c.order, n)
	}
	slices.SortFunc(c.order, func(a, b *node) int { return int(a.ID) - int(b.ID) })
	for name, value := range cfg.Properties {
		if err := checkProperty(name, value); err != nil {
			fail("%w", err)
		}
	}
	if c.auth, err = newAuthenticator(cfg.Auth, random); err != nil {
		fail("%w", err)
	}
	if err := cfg.Personality.check(); err != nil {
		fail("%w", err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.cfg.ClusterID == "" {
		c.cfg.ClusterID = c.newUUID().String()
	}
	c.properties = c.settingsOf(nil)
	c.served = c.servedAPIs()
	c.controller = c.order[0].ID
	return c, nil
}

// Releases are those that brokers can be of, oldest first: nobody has older ones than 0.8.2.
func Releases() []string {
	all := kmsg.Releases()
	return all[slices.Index(all, "0.8.2"):]
}

// releaseOf finds the release of a version.
func releaseOf(version string) (*kmsg.ReleaseVersions, error) {
	all := Releases()
	if version == "" {
		version = all[len(all)-1]
	}
	release, err := kmsg.Release(version)
	if err != nil || !slices.Contains(all, release.Name) {
		return nil, fmt.Errorf("broker: brokers are of no release %q: it is one of %s", version, strings.Join(all, ", "))
	}
	return release, nil
}

// newUUID draws a UUID whose text does not begin with a dash, as Kafka's do.
func (c *Cluster) newUUID() kbin.UUID {
	for {
		var id kbin.UUID
		for i := range id {
			id[i] = byte(c.rand.Uint32())
		}
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		if !strings.HasPrefix(id.String(), "-") {
			return id
		}
	}
}
