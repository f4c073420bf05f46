package ktest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
)

// A Cluster is a cluster in memory. Its methods may be called concurrently.
//
// To name a broker, topic or partition that does not exist, or to ask for anything else that cannot
// be, is a mistake, unless the method returns an error of it: it ends the test of [NewCluster], and
// panics with a *[Mistake] in a cluster of [Start], which goes on if that is recovered.
type Cluster struct {
	cfg     *config
	tb      TB // nil in programs
	network memnet.Network
	nodes   []*node
	byID    map[int32]*node
	running sync.WaitGroup // accept loops, connections, flushes

	mu      sync.Mutex
	model   *broker.Cluster
	conns   map[broker.ConnID]*conn
	wires   map[net.Conn]bool // all connections, also those in a handshake
	full    map[*conn]bool    // of which so much is waiting that no more is taken
	timer   *time.Timer
	armed   time.Time     // when the timer fires, zero for never
	changed chan struct{} // closed at the next step; nil if nobody waits
	room    sync.Cond     // a connection's queue has become shorter, or something was closed
	closed  bool
}

// A node is where a broker listens.
type node struct {
	id     int32
	addr   string       // where it listens, with the port it got
	told   string       // what clients are told
	listen net.Listener // nil while it is down
}

// TB is what [NewCluster] needs of a test: *testing.T and *testing.B have it.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// NewCluster starts a cluster for a test, which ends with it. What is wrong with the options ends
// the test.
func NewCluster(tb TB, opts ...Option) *Cluster {
	tb.Helper()
	c, err := Start(opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	c.tb = tb
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Logf("closing the cluster: %v", err)
		}
	})
	return c
}

// Start starts a cluster. The caller must [Cluster.Close] it. The error lists everything that is
// wrong with the options, or says which address cannot be listened on.
func Start(opts ...Option) (*Cluster, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, byID: map[int32]*node{}, conns: map[broker.ConnID]*conn{}, wires: map[net.Conn]bool{}, full: map[*conn]bool{}}
	c.room.L = &c.mu
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start() error {
	for i := range c.cfg.brokers {
		n := &node{id: int32(i + 1)}
		n.addr = fmt.Sprintf("broker%d:9092", n.id)
		if c.cfg.sockets {
			n.addr = "127.0.0.1:0"
			if len(c.cfg.addrs) > 0 {
				n.addr = c.cfg.addrs[i]
			}
		}
		if err := c.listen(n); err != nil {
			return err
		}
		c.nodes = append(c.nodes, n)
		c.byID[n.id] = n
		n.told = n.addr
		if c.cfg.advertise != nil {
			n.told = c.cfg.advertise(n.id, n.addr)
		}
		host, port, err := splitAddr(n.told)
		if err != nil {
			return fmt.Errorf("ktest: what broker %d advertises: %w", n.id, err)
		}
		b := broker.Broker{ID: n.id, Listeners: []broker.Listener{{Host: host, Port: port, SASL: len(c.cfg.model.Auth.Mechanisms) > 0}}}
		if len(c.cfg.racks) > 0 {
			b.Rack = c.cfg.racks[i]
		}
		c.cfg.model.Brokers = append(c.cfg.model.Brokers, b)
	}
	if err := c.cfg.security.certify(c.Addrs()); err != nil {
		return err
	}
	model, err := broker.New(c.cfg.model, c.cfg.random())
	if err != nil {
		return err
	}
	c.model = model
	for _, t := range c.cfg.topics {
		if err := c.create(time.Now(), t); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		c.accept(n)
	}
	return nil
}

// listen opens a node's listener, at the address that it has or that it gets.
func (c *Cluster) listen(n *node) error {
	var err error
	if c.cfg.sockets {
		n.listen, err = net.Listen("tcp", n.addr)
	} else {
		n.listen, err = c.network.Listen(n.addr)
	}
	if err != nil {
		n.listen = nil
		return fmt.Errorf("ktest: broker %d: %w", n.id, err)
	}
	n.addr = n.listen.Addr().String()
	return nil
}

// Addrs returns the addresses that clients are told, by broker: what they start from.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.told
	}
	return addrs
}

// DialContext connects to a broker. It is the dialer for clients of a cluster whose connections
// are in memory, and dials sockets if the cluster listens on those.
func (c *Cluster) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.cfg.sockets {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	return c.network.DialContext(ctx, network, addr)
}

// Close ends the cluster: it closes listeners and connections and returns when nothing of it runs
// any more. Further calls do nothing.
func (c *Cluster) Close() error {
	var errs []error
	c.mu.Lock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, n := range c.nodes {
		if n.listen != nil {
			errs = append(errs, n.listen.Close())
			n.listen = nil
		}
	}
	for nc := range c.wires {
		nc.Close()
	}
	c.room.Broadcast()
	c.wake()
	c.mu.Unlock()
	c.running.Wait()
	return errors.Join(errs...)
}

// do runs a step of the model: it hands it the time and does what it says.
func (c *Cluster) do(step func(now time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	step(now)
	for _, cn := range c.perform(now) {
		c.running.Go(func() { c.flush(cn) })
	}
}

// perform does what the model says, under the lock: it hands bytes to connections, and returns
// those that have nobody to write them yet.
func (c *Cluster) perform(now time.Time) []*conn {
	var flush []*conn
	if c.closed {
		return nil
	}
	for {
		a, ok := c.model.Poll(now)
		if !ok {
			break
		}
		cn := c.conns[a.Conn]
		if cn == nil {
			continue
		}
		if a.Bytes != nil {
			cn.out = append(cn.out, a.Bytes)
		}
		if a.Close {
			cn.ends, cn.resets = true, a.Reset
			cn.wire.SetWriteDeadline(now.Add(lastWords))
		}
		if !cn.flushing {
			cn.flushing = true
			flush = append(flush, cn)
		}
	}
	if next := c.model.Deadline(); !next.IsZero() && (c.armed.IsZero() || next.Before(c.armed)) {
		c.armed = next
		if c.timer == nil {
			c.timer = time.AfterFunc(next.Sub(now), c.tick)
		} else {
			c.timer.Reset(next.Sub(now))
		}
	}
	c.makeRoom()
	c.wake()
	return flush
}

// lastWords is how long a client has to read what it was sent before its connection was closed.
const lastWords = time.Second

// tick is called when the model may have something to do.
func (c *Cluster) tick() {
	c.do(func(time.Time) { c.armed = time.Time{} })
}

// wake wakes those in Wait, under the lock.
func (c *Cluster) wake() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}
