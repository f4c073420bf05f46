package kgo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A ClientOption is for [NewClient].
type ClientOption interface{ applyClient(*clientConfig) }

// clientConfig is what options say.
type clientConfig struct {
	seeds            []string
	clientID         string
	softwareName     string
	softwareVersion  string
	dial             func(ctx context.Context, network, addr string) (net.Conn, error)
	addressMap       func(BrokerInfo) string
	tls              *tls.Config
	sasl             sasl.Mechanism
	release          *kmsg.ReleaseVersions
	unstable         bool
	dialTimeout      time.Duration
	requestTimeout   time.Duration
	callTimeout      time.Duration
	retries          int  // 0 for as many as there is time for
	once             bool // none
	idleTimeout      time.Duration
	metadataMaxAge   time.Duration
	rebootstrapAfter time.Duration
	backoffMin       time.Duration
	backoffMax       time.Duration
	maxFrame         int
	autoCreate       bool
	logger           *slog.Logger
	hooks            []Hook

	errs []error
}

func newClientConfig() *clientConfig {
	return &clientConfig{
		clientID:         defaultClientID,
		softwareName:     defaultSoftwareName,
		softwareVersion:  moduleVersion(),
		dialTimeout:      defaultDialTimeout,
		requestTimeout:   defaultRequestTimeout,
		callTimeout:      defaultCallTimeout,
		idleTimeout:      defaultIdleTimeout,
		metadataMaxAge:   defaultMetadataMaxAge,
		rebootstrapAfter: defaultRebootstrapAfter,
		backoffMin:       defaultBackoffMin,
		backoffMax:       defaultBackoffMax,
		maxFrame:         defaultMaxFrame,
	}
}

type clientOption func(*clientConfig)

func (o clientOption) applyClient(c *clientConfig) { o(c) }

// wrong notes a mistake in the options.
func (c *clientConfig) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// check returns all mistakes.
func (c *clientConfig) check() error {
	if len(c.seeds) == 0 {
		c.wrong("no brokers: say where to begin with SeedBrokers(\"host:9092\")")
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"DialTimeout", c.dialTimeout}, {"RequestTimeout", c.requestTimeout}, {"CallTimeout", c.callTimeout},
		{"MetadataMaxAge", c.metadataMaxAge}, {"RebootstrapAfter", c.rebootstrapAfter}, {"Backoff", c.backoffMin},
	} {
		if d.d <= 0 {
			c.wrong("%s: %v is no time, it must be above 0", d.name, d.d)
		}
	}
	if c.backoffMax < c.backoffMin {
		c.wrong("Backoff: the longest pause, %v, is shorter than the first, %v", c.backoffMax, c.backoffMin)
	}
	if c.maxFrame < 1<<10 || c.maxFrame > math.MaxInt32 {
		c.wrong("MaxFrameBytes: %d bytes are not between 1024 and %d, the protocol's limit", c.maxFrame, math.MaxInt32)
	}
	if len(c.clientID) > 32767 {
		c.wrong("ClientID: %d bytes, the protocol carries 32767", len(c.clientID))
	}
	if check, ok := c.sasl.(sasl.Checker); ok {
		if err := check.Check(c.tls != nil); err != nil {
			c.wrong("SASL: %w", err)
		}
	}
	return errors.Join(c.errs...)
}

// limit is what the client speaks, nil for all it knows.
func (c *clientConfig) limit() link.Limit {
	if c.release == nil {
		return nil
	}
	return link.LimitTo(c.release)
}

// SeedBrokers sets the brokers to begin with, as host:port; the port is 9092 if it is left out.
// One that answers is enough: the others of the cluster are found through it. They are used again
// when all brokers that are known fail. Java: bootstrap.servers. There is no default.
func SeedBrokers(addrs ...string) ClientOption {
	return clientOption(func(c *clientConfig) {
		c.seeds = nil
		for _, a := range addrs {
			for one := range strings.SplitSeq(a, ",") {
				addr, err := seedAddr(strings.TrimSpace(one))
				if err != nil {
					c.wrong("SeedBrokers: %w", err)
					continue
				}
				c.seeds = append(c.seeds, addr)
			}
		}
	})
}

// seedAddr completes an address.
func seedAddr(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "9092"
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("%q is not host:port", s)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
		return "", fmt.Errorf("%q is not host:port", s)
	}
	return net.JoinHostPort(host, port), nil
}

// ClientID sets the name that the client gives itself in every request; brokers use it for logs,
// metrics and quotas. The default is "franzi". Java: client.id.
func ClientID(id string) ClientOption {
	return clientOption(func(c *clientConfig) {
		if !utf8.ValidString(id) {
			c.wrong("ClientID: %q is not UTF-8", id)
		}
		c.clientID = id
	})
}

// SoftwareNameAndVersion sets what the client tells brokers about the software that it is part
// of, for their metrics (KIP-511). Characters that brokers refuse become hyphens. The default is
// franzi and its version.
func SoftwareNameAndVersion(name, version string) ClientOption {
	return clientOption(func(c *clientConfig) { c.softwareName, c.softwareVersion = name, version })
}

// Dialer sets how connections are made. It gets "tcp" and the address as the broker advertises
// it, unresolved (or as [AddressMap] changes it), and must obey the context. TLS is put on top if
// [TLS] is set. The connections must have deadlines. Without this option names are resolved and
// all their addresses are tried in turn.
func Dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) ClientOption {
	return clientOption(func(c *clientConfig) { c.dial = dial })
}

// AddressMap sets where to find a broker instead of the address that it advertises: for brokers
// behind a tunnel or a forwarded port. TLS still expects a certificate of the advertised host.
// The function must not block, and may be called several times for a broker, also at the same time.
// An empty result leaves the address as it is.
func AddressMap(f func(BrokerInfo) string) ClientOption {
	return clientOption(func(c *clientConfig) { c.addressMap = f })
}

// TLS makes all connections use TLS. The config is not changed, and must not be while the client
// lives; nil stands for Go's defaults, which verify brokers against the system's authorities. If
// it has no ServerName, each broker's certificate must be of the host that it advertises. Client
// certificates that change on disk are served by its GetClientCertificate. Java:
// security.protocol=SSL or SASL_SSL.
func TLS(config *tls.Config) ClientOption {
	return clientOption(func(c *clientConfig) {
		if config == nil {
			config = &tls.Config{}
		}
		c.tls = config
	})
}

// SASL makes all connections authenticate with a mechanism of package sasl, or of the user's own.
// No other mechanism is ever tried. Java: security.protocol=SASL_SSL, or SASL_PLAINTEXT without
// [TLS].
func SASL(m sasl.Mechanism) ClientOption {
	return clientOption(func(c *clientConfig) {
		if isNil(m) {
			c.wrong("SASL: the mechanism is nil")
			return
		}
		c.sasl = m
	})
}

// MaxVersions makes the client speak as a client of a release of Kafka does, "2.8" for example,
// and no newer versions. It is not needed for old brokers, which are recognised.
func MaxVersions(release string) ClientOption {
	return clientOption(func(c *clientConfig) {
		r, err := kmsg.Release(release)
		if err != nil {
			c.wrong("MaxVersions: %w", err)
			return
		}
		c.release = r
	})
}

// UnstableVersions lets the client use versions of requests that Kafka has not finished yet, with
// brokers that are set up to serve them (unstable.api.versions.enable).
func UnstableVersions() ClientOption {
	return clientOption(func(c *clientConfig) { c.unstable = true })
}

// DialTimeout sets how long connecting may take, with TLS and for all addresses of a broker
// together. The default is 10 s. Java: socket.connection.setup.timeout.ms.
func DialTimeout(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.dialTimeout = d })
}

// RequestTimeout sets how long a broker may take for an answer. One that takes longer is taken
// for dead, and its connection is closed. Requests that a broker may hold back have their own
// wait on top. The default is 30 s. Java: request.timeout.ms.
func RequestTimeout(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.requestTimeout = d })
}

// CallTimeout sets how long a call, with all attempts, may take whose context has no deadline. The
// default is 60 s. Java: default.api.timeout.ms.
func CallTimeout(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.callTimeout = d })
}

// Retries sets how often a request that failed is tried again; 0 is never. The default is as often
// as the time of the call allows. Java: retries.
func Retries(n int) ClientOption {
	return clientOption(func(c *clientConfig) {
		if n < 0 {
			c.wrong("Retries: %d is no number of times", n)
		}
		c.retries, c.once = n, n == 0
	})
}

// Backoff sets the pause after a failure, of a request or a connection: it doubles from min to
// max, and varies by 20 % (KIP-580). So far apart, twice min at most, are also the requests for
// metadata of a client that has reason to ask all the time. The defaults are 100 ms and 1 s. Java:
// retry.backoff.ms, retry.backoff.max.ms, reconnect.backoff.ms, reconnect.backoff.max.ms.
func Backoff(min, max time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.backoffMin, c.backoffMax = min, max })
}

// IdleTimeout sets when a connection that nobody uses is closed; negative is never. The default
// is 9 minutes, one less than brokers have. Java: connections.max.idle.ms.
func IdleTimeout(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) {
		c.idleTimeout = d
		if d == 0 {
			c.wrong("IdleTimeout: 0 would close every connection at once; a negative time is never")
		}
	})
}

// MetadataMaxAge sets when what is known of the cluster is asked for again, though nothing has
// gone wrong. The default is 5 minutes. Java: metadata.max.age.ms.
func MetadataMaxAge(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.metadataMaxAge = d })
}

// RebootstrapAfter sets after how long without an answer from any broker the client forgets them
// all and begins with its seeds again (KIP-899, KIP-1102). The default is 5 minutes. Java:
// metadata.recovery.rebootstrap.trigger.ms.
func RebootstrapAfter(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.rebootstrapAfter = d })
}

// MaxFrameBytes sets the largest answer that is accepted. The default is 100 MiB.
func MaxFrameBytes(n int) ClientOption {
	return clientOption(func(c *clientConfig) { c.maxFrame = n })
}

// AllowAutoTopicCreation lets brokers create a topic that is produced to or consumed and does not
// exist, if they are set up to do so (auto.create.topics.enable). The default is not to. Java:
// allow.auto.create.topics.
func AllowAutoTopicCreation() ClientOption {
	return clientOption(func(c *clientConfig) { c.autoCreate = true })
}

// Logger sets where the client logs what happens to it: connections at debug, trouble at warn.
// The default is nowhere.
func Logger(l *slog.Logger) ClientOption {
	return clientOption(func(c *clientConfig) { c.logger = l })
}

// Hooks adds hooks, see [Hook].
func Hooks(hooks ...Hook) ClientOption {
	return clientOption(func(c *clientConfig) { c.hooks = append(c.hooks, hooks...) })
}
