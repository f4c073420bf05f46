package kgo

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Client holds the connections to a cluster, what is known of it, and security. [Do] sends any
// request through it, [Client.Admin] has the common tasks of administration. One client serves a
// whole program; its methods may be called concurrently.
type Client struct {
	config *clientConfig
	log    *slog.Logger
	router *route.Router
	meta   *metadata
	peers  *peers
	codecs compress.Codecs

	drivers drivers // of calls, to be used again

	mu     sync.Mutex // held for a few lines
	roles  []role     // producers and consumers
	ending bool       // no role is accepted any more

	closing sync.Once
	closed  chan struct{} // closed when Close begins
	done    chan struct{} // closed when nothing is left
}

// A role is a producer or consumer of the client.
type role interface {
	update(*cluster.Snapshot) // does not block
	Shutdown(context.Context) error
}

// enlist adds a role, which is told of every new snapshot, and closed with the client.
func (c *Client) enlist(r role) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return ErrClosed
	}
	c.roles = append(c.roles, r)
	return nil
}

func (c *Client) dismiss(r role) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roles = slices.DeleteFunc(c.roles, func(other role) bool { return other == r })
}

func (c *Client) allRoles() []role {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.roles)
}

// ErrClosed is the error of what a closed client was asked to do.
var ErrClosed = errors.New("kgo: the client is closed")

// NewClient makes a client. It does no I/O: connections are made when they are needed, and
// [Client.Ping] finds out whether they can be. Every mistake in the options is in the error.
func NewClient(opts ...ClientOption) (*Client, error) {
	config := newClientConfig()
	for _, o := range opts {
		if o != nil {
			o.applyClient(config)
		}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	c := &Client{
		config: config,
		log:    config.logger,
		router: route.New(route.Config{
			Timeout:        config.callTimeout,
			RequestTimeout: config.requestTimeout,
			Backoff:        config.backoff(),
			Retries:        config.retries,
			ForGood:        forGood,
		}),
		closed: make(chan struct{}),
		done:   make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.peers = newPeers(c)
	c.meta = newMetadata(c)
	return c, nil
}

func (c *clientConfig) backoff() cluster.Backoff {
	return cluster.Backoff{Base: c.backoffMin, Max: c.backoffMax, Jitter: cluster.DefaultBackoff.Jitter}
}

// Close ends the client: what is under way fails with [ErrClosed], connections are closed. It
// returns when all of it is gone, or after 30 seconds. Further calls do nothing.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultCloseTimeout)
	defer cancel()
	return c.Shutdown(ctx)
}

// Shutdown is [Client.Close] with a bound of one's own: if it returns early, because the context
// ends, the rest is done in the background.
func (c *Client) Shutdown(ctx context.Context) error {
	c.closing.Do(func() {
		c.mu.Lock()
		c.ending = true
		c.mu.Unlock()
		go c.end(ctx)
	})
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end closes producers and consumers first, which need the rest.
func (c *Client) end(ctx context.Context) {
	var roles sync.WaitGroup
	for _, r := range c.allRoles() {
		roles.Go(func() {
			if err := r.Shutdown(ctx); err != nil {
				c.log.Warn("closed before all was done", "error", err)
			}
		})
	}
	roles.Wait()
	close(c.closed)
	c.meta.close()
	c.peers.close()
	close(c.done)
}

// Ping finds out whether the cluster can be reached: it gets metadata from one of its brokers,
// without that of topics. The error says why not, see [Error].
func (c *Client) Ping(ctx context.Context) error {
	return c.refresh(ctx, &cluster.Need{Newer: anyNewer(c.meta.snapshot()), Now: true, Reason: "ping"})
}

// RefreshMetadata asks for the metadata of topics, or of the brokers alone if none are named, and
// returns when [Client.Metadata] has the answer. Topics that do not exist are no error here. Who calls
// it all the time waits for its turn: requests are a [Backoff] apart then.
func (c *Client) RefreshMetadata(ctx context.Context, topics ...string) error {
	return c.refresh(ctx, &cluster.Need{Topics: topics, Newer: anyNewer(c.meta.snapshot()), Now: true, Reason: "the user asked"})
}

// anyNewer asks for an answer of its own, also where nothing is known yet.
func anyNewer(s *cluster.Snapshot) uint64 { return s.Seq }

// UpdateSeeds replaces the addresses of [SeedBrokers]. It does not block. The error says which
// addresses are none, or is [ErrClosed].
func (c *Client) UpdateSeeds(addrs ...string) error {
	select {
	case <-c.closed:
		return ErrClosed
	default:
	}
	var config clientConfig
	SeedBrokers(addrs...).applyClient(&config)
	if len(config.seeds) == 0 && len(config.errs) == 0 {
		config.wrong("UpdateSeeds: no brokers")
	}
	if err := errors.Join(config.errs...); err != nil {
		return err
	}
	c.meta.seedAddrs.Store(&config.seeds)
	c.meta.post(&cluster.UpdateSeeds{Seeds: config.seeds})
	return nil
}

// refresh asks the cluster's cell and waits for the reply.
func (c *Client) refresh(ctx context.Context, need *cluster.Need) error {
	select {
	case <-c.closed:
		return c.errorOf(kmsg.KeyMetadata, ErrClosed)
	default:
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	if ctx.Err() != nil {
		return c.errorOf(kmsg.KeyMetadata, causeOf(ctx))
	}
	told := make(chan struct{})
	need.Notify = func() { close(told) }
	c.meta.post(need)
	select {
	case <-told:
		if need.Err != nil {
			return c.errorOf(kmsg.KeyMetadata, need.Err)
		}
		return nil
	case <-ctx.Done():
		return c.errorOf(kmsg.KeyMetadata, route.GivenUp(causeOf(ctx), c.meta.trouble()))
	}
}

// jitter is a random number from 0 to 1.
func jitter() float64 { return rand.Float64() }

// moduleVersion is the version of this module in the program, for ApiVersions.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	const path = "github.com/franzi-kafka/franzi"
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == path && m.Version != "" && !strings.HasPrefix(m.Version, "(") {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return "devel"
}
