package kafkatest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

const (
	// startTime is how long a start may take when its context has no deadline.
	startTime = 90 * time.Second
	// startTries is how often a start is tried when ports turn out to be taken.
	startTries = 4
	// stopTime is how long Close lets brokers end by themselves.
	stopTime = 5 * time.Second
)

// A Cluster is a set of brokers that run. Its methods may be called concurrently.
type Cluster struct {
	layout *layout
	tools  toolbox
	certs  *certificates // nil without Options.Security
	guard  *guard
	free   func() // gives the ports back

	zooKeeper *process // nil with KRaft
	nodes     []*Node  // brokers by id, then the separate controller

	killAtOnce bool // Close does not ask first
	closing    sync.Once
	closed     chan struct{} // closed when Close begins
	closeErr   error
}

// A holder finds n free ports and keeps them until release is called.
type holder func(n int) (ports []int, release func(), err error)

// toolbox is what a cluster is run with.
type toolbox struct {
	jdk
	broker jars.Set
}

// Start starts a cluster and returns when all its nodes answer and know each other. It brings
// the release's jars first if they are not there, which can take a minute; the start itself
// then has to the context's deadline, or 90 seconds if there is none. The context does not
// bind the cluster once it runs: the caller must [Cluster.Close] it.
//
// The error says what was tried, and quotes the logs' ends.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	return startFor(ctx, opts, "", holdPorts)
}

// startFor starts a cluster on a test's behalf.
func startFor(ctx context.Context, opts Options, test string, hold holder) (*Cluster, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	var tools toolbox
	var err error
	if tools.jdk, err = findJDK(); err != nil {
		return nil, err
	}
	if tools.broker, err = jars.Broker(ctx, opts.Version); err != nil {
		return nil, err
	}
	ctx, cancel := withLimit(ctx, startTime)
	defer cancel()
	for try := 1; ; try++ {
		c, err := startOnce(ctx, opts, test, tools, hold)
		if err == nil {
			return c, nil
		}
		err = fmt.Errorf("starting Kafka %s: %w", opts.Version, err)
		if !errors.Is(err, errPortTaken) || try == startTries || ctx.Err() != nil {
			return nil, err
		}
	}
}

// withLimit gives the context a deadline if it has none.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ready after %v", limit))
}

// startOnce makes a cluster with ports and a folder of its own; nothing of it is left if it
// fails, also if Options.Advertise ends the goroutine, as a test's Fatal does.
func startOnce(ctx context.Context, opts Options, test string, tools toolbox, hold holder) (_ *Cluster, err error) {
	dir, err := os.MkdirTemp("", "franzi-kafka-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{layout: newLayout(opts, test, dir), tools: tools, closed: make(chan struct{})}
	if c.guard, err = newGuard(dir); err != nil {
		return nil, err
	}
	started := false
	defer func() {
		if !started {
			c.killAtOnce = true
			err = errors.Join(err, c.Close())
		}
	}()
	ports, free, err := hold(c.layout.portCount())
	if err != nil {
		return nil, err
	}
	c.free = free
	c.layout.setPorts(ports)
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	started = true
	return c, nil
}

// start writes what the processes read and starts them.
func (c *Cluster) start(ctx context.Context) error {
	for _, folder := range []string{"tmp", "data"} {
		if err := os.Mkdir(c.layout.path(folder), 0o700); err != nil {
			return err
		}
	}
	if err := writeLogConfigs(c.layout.dir); err != nil {
		return err
	}
	if c.layout.opts.Security {
		if err := c.secure(ctx); err != nil {
			return fmt.Errorf("certificates: %w", err)
		}
	}
	for _, s := range c.layout.specs {
		n := &Node{cluster: c, spec: s, jars: c.tools.broker}
		c.nodes = append(c.nodes, n)
		if err := n.writeProperties(); err != nil {
			return err
		}
	}
	if c.layout.opts.kraft() {
		if err := c.formatStorage(ctx); err != nil {
			return err
		}
	} else if err := c.startZooKeeper(ctx); err != nil {
		return err
	}
	for _, n := range c.nodes {
		turn, err := n.begin()
		if err == nil {
			_, err = n.launch(turn)
		}
		if err != nil {
			return err
		}
	}
	return c.awaitAll(ctx)
}

// together calls do for all items at the same time and waits for all.
func together[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { errs[i] = do(item) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close ends all processes and removes all data. It lets brokers shut down for at most 5
// seconds, and then kills them; clusters from [New] are killed at once. Further calls wait for
// the first and return the same.
func (c *Cluster) Close() error {
	c.closing.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Cluster) close() error {
	close(c.closed)
	var running []*process
	if c.zooKeeper != nil {
		running = append(running, c.zooKeeper)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	for _, n := range c.nodes {
		p := n.retire()
		if p == nil {
			continue
		}
		running = append(running, p)
		if !c.killAtOnce && n.spec.broker {
			resume(p.cmd.Process)
			terminate(p.cmd.Process)
		}
	}
	if !c.killAtOnce {
		for _, n := range c.nodes {
			if p := n.current(); p != nil && n.spec.broker {
				p.wait(ctx)
			}
		}
	}
	err := errors.Join(together(running, (*process).kill), c.guard.close())
	if c.free != nil {
		c.free()
	}
	return err
}

// Addrs are the addresses of the PLAINTEXT listeners, by broker: what a client starts from.
func (c *Cluster) Addrs() []string { return c.layout.advertised(plaintext) }

// Listener are the addresses of the listener "PLAINTEXT", "SSL", "SASL_PLAINTEXT" or
// "SASL_SSL", by broker; none if the cluster does not have it.
func (c *Cluster) Listener(name string) []string { return c.layout.advertised(name) }

// ControllerAddrs are the addresses of KRaft's controllers; none with ZooKeeper.
func (c *Cluster) ControllerAddrs() []string { return c.layout.controllerAddrs() }

// ZooKeeperAddr is where ZooKeeper listens; empty with KRaft.
func (c *Cluster) ZooKeeperAddr() string {
	if c.layout.zooKeeper == 0 {
		return ""
	}
	return loopback(c.layout.zooKeeper)
}

// Version is the release the cluster was started with.
func (c *Cluster) Version() string { return c.layout.opts.Version }

// CA has the authority that signed the brokers' certificates, which are for localhost and
// 127.0.0.1. It is nil without Options.Security; to crypto/tls nil means the system's.
func (c *Cluster) CA() *x509.CertPool {
	if c.certs == nil {
		return nil
	}
	return c.certs.pool
}

// ClientCertificate is a certificate that the brokers trust; to them its owner is
// "User:CN=alice". It is empty without Options.Security.
func (c *Cluster) ClientCertificate() tls.Certificate {
	if c.certs == nil {
		return tls.Certificate{}
	}
	return c.certs.client
}

// ExpiredCertificate is [Cluster.ClientCertificate] as one that was valid until a minute before the
// start.
func (c *Cluster) ExpiredCertificate() tls.Certificate {
	if c.certs == nil {
		return tls.Certificate{}
	}
	return c.certs.expired
}

// Users are those who may log in; none without SASL.
func (c *Cluster) Users() []User {
	if len(c.Mechanisms()) == 0 {
		return nil
	}
	return slices.Clone(users)
}

// Mechanisms are the SASL mechanisms that the brokers offer: of PLAIN, SCRAM-SHA-256,
// SCRAM-SHA-512 and OAUTHBEARER those that the release has, see [Options].
func (c *Cluster) Mechanisms() []string { return c.layout.opts.mechanisms() }

// Nodes are the brokers, by id.
func (c *Cluster) Nodes() []*Node {
	return slices.Clone(c.nodes[:c.layout.opts.nodes()])
}

// Node is the broker with the id, which counts from 1. There being no such broker is a mistake
// in the test, and panics.
func (c *Cluster) Node(id int32) *Node {
	brokers := c.layout.opts.nodes()
	if id < 1 || int(id) > brokers {
		panic(fmt.Sprintf("kafkatest: there is no node %d: the brokers' ids are 1 to %d", id, brokers))
	}
	return c.nodes[id-1]
}

// Controller is the node of Options.SeparateController; nil if there is none.
func (c *Cluster) Controller() *Node {
	if !c.layout.opts.SeparateController {
		return nil
	}
	return c.nodes[len(c.nodes)-1]
}
