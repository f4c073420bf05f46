// Package conn has connections to brokers: it does what package link decides, with sockets, TLS
// and SASL.
//
// A [Conn] is a lane: it has at most one connection at a time, which it makes when a request
// needs it. An open connection has a goroutine that reads, which dialed before; without a
// connection there is none. What the system does not take at once has one while it is written, and
// a step of SASL while it runs.
package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/loop"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Options are what a [Conn] is made with.
type Options struct {
	// Addr is host and port, as the broker advertises them or the user wrote them. TLS expects
	// a certificate of this host, and SASL is told it.
	Addr string
	// DialAddr is where to dial instead, "" for Addr.
	DialAddr string

	// Dial makes connections. It gets the address as it is, unresolved, and a context with a
	// deadline. Close of the connection must end what Read and Write do, and its Write must
	// report how many bytes left.
	// If Dial is nil, the name is resolved and all of its addresses are tried in turn, the next
	// one first after a failure of TLS or SASL (KIP-302, KIP-602).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Lookup resolves names if Dial is nil; [net.DefaultResolver] does if Lookup is nil too.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// TLS is for connections over TLS, nil for none. It is not changed: if it has no ServerName,
	// a copy has the host of Addr.
	TLS *tls.Config
	// SASL authenticates connections, nil for none.
	SASL sasl.Mechanism
	// MaxFrame is the largest answer to accept, in bytes, [kmsg.MaxFrame] by default.
	MaxFrame int

	// Link is how the connection behaves. Mechanism is set from SASL, Random by default from
	// math/rand/v2.
	Link link.Config

	// Stage is told what dialing is about, which is [link.StageDial] and then [link.StageTLS], for
	// each address; nil if nobody wants to know. It is called by who dials, and must not block.
	Stage func(link.Stage)
	// Peer says what is known of the broker when a connection is made, nil for nothing.
	Peer func() link.Peer
	// Learned is told what connections teach about the broker, Note what happens. They are
	// called by whatever goroutine is at work, one call of both at a time, and must not block.
	Learned func(*link.Learned)
	Note    func(*link.Note)
}

// A Conn is a lane to a broker: one connection at a time, made when a request needs it, closed
// when nobody has used it for a while. Its methods may be called by any goroutine, and do not
// block.
type Conn struct {
	o    Options
	host string // of Addr
	loop *loop.Loop[link.Event, link.Action]

	// now is the attempt to connect or the connection of the moment, for actions alone.
	now    *attempt
	dialer dialer // for one dialing goroutine at a time
	dialIP func(ctx context.Context, network, addr string) (net.Conn, error)

	alive sync.WaitGroup // the goroutines
	done  chan struct{}

	versions atomic.Pointer[link.Versions]
	stats    stats
}

// New returns a lane. It does not connect yet.
func New(o Options) *Conn {
	o.DialAddr = cmp.Or(o.DialAddr, o.Addr)
	o.MaxFrame = cmp.Or(o.MaxFrame, kmsg.MaxFrame)
	o.Link.DialTimeout = cmp.Or(o.Link.DialTimeout, 10*time.Second)
	o.Link.RequestTimeout = cmp.Or(o.Link.RequestTimeout, 30*time.Second)
	if o.SASL != nil {
		o.Link.Mechanism = o.SASL.Name()
	}
	if o.Link.Random == nil {
		o.Link.Random = rand.Float64
	}
	c := &Conn{o: o, done: make(chan struct{}), dialIP: new(net.Dialer).DialContext}
	c.host = o.Addr
	if host, _, err := net.SplitHostPort(o.Addr); err == nil {
		c.host = host
	}
	if o.TLS != nil && o.TLS.ServerName == "" {
		c.o.TLS = o.TLS.Clone()
		c.o.TLS.ServerName = c.host
	}
	c.loop = loop.New[link.Event, link.Action](link.New(o.Link), c.act)
	return c
}

// Addr returns the address as it was given.
func (c *Conn) Addr() string { return c.o.Addr }

// Send hands over a request. Its owner is told when it is done, exactly once, perhaps before
// Send returns.
func (c *Conn) Send(r *link.Request) {
	c.stats.outstanding.Add(1)
	c.loop.Post(r)
}

// Cancel ends a request that was sent and that nobody waits for any more. It is done as soon as
// its bytes are not in use; if it is done already, nothing happens.
func (c *Conn) Cancel(r *link.Request) { c.loop.Post(&link.Cancel{Request: r}) }

// Throttled tells what an answer to the request said of throttling. The lane holds back if that
// version of the API wants it (KIP-219).
func (c *Conn) Throttled(r *link.Request, d time.Duration) {
	if d > 0 {
		c.loop.Post(&link.Throttle{Key: r.Key, Version: r.Version, For: d})
	}
}

// Close ends the lane, with err as the reason that requests get, which may be nil. It does not
// wait: see Done.
func (c *Conn) Close(err error) { c.loop.Post(&link.Close{Err: err}) }

// Done is closed when a lane that was closed has nothing left: no request, no socket, no
// goroutine, no timer.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Versions returns what the broker speaks, as the newest connection found out, nil if there was
// none.
func (c *Conn) Versions() *link.Versions { return c.versions.Load() }

// act does what the link decided. It does not block.
func (c *Conn) act(a link.Action) {
	switch a := a.(type) {
	case *link.Done:
		c.finish(a.Request)
	case *link.Write:
		c.now.send(a)
	case *link.Connect:
		c.stats.state.Store(int32(Connecting))
		c.now = newAttempt(c)
		c.alive.Add(1)
		go c.now.run(a)
	case *link.Authenticate:
		c.alive.Add(1)
		go c.now.step(a)
	case *link.Disconnect:
		c.now.end(a.Abrupt)
	case *link.Learned:
		if a.Versions != nil {
			c.versions.Store(a.Versions)
		}
		if c.o.Learned != nil {
			c.o.Learned(a)
		}
	case *link.Note:
		c.stats.note(a)
		if c.o.Note != nil {
			c.o.Note(a)
		}
	case *link.Closed:
		c.stats.state.Store(int32(Closed))
		go func() {
			c.alive.Wait()
			close(c.done)
		}()
	}
}

// finish tells the owner of a request that it is done.
func (c *Conn) finish(r *link.Request) {
	c.stats.requests.Add(1)
	if r.Err != nil {
		c.stats.failed.Add(1)
	}
	c.stats.outstanding.Add(-1)
	r.To.Done(r)
}

func (c *Conn) peer() link.Peer {
	if c.o.Peer == nil {
		return link.Peer{NodeID: -1}
	}
	return c.o.Peer()
}
