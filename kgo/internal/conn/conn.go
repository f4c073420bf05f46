// Package conn has connections to brokers: it does what package link decides, with sockets, TLS
// and SASL.
package conn

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// Options are what a [Conn] is made with.
type Options struct {
	// Addr is host and port, as the broker advertises them or the user wrote them. TLS expects
	// a certificate of this host, and SASL is told it.
	Addr string
	// DialAddr is where to dial instead, "" for Addr.
	DialAddr string

	// Dial makes connections. It gets the address as it is, unresolved, and a context with a
	// deadline. The connection must have deadlines, and Close must end what Read and Write do.
	// If it is nil, the name is resolved and all of its addresses are tried in turn, the next
	// one first after a failure of TLS or SASL (KIP-302, KIP-602).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Lookup resolves names if Dial is nil; [net.DefaultResolver] if Lookup is nil too.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// TLS is for connections over TLS, nil for none. It is not changed: if it has no ServerName,
	// each connection has a copy with the host of Addr.
	TLS *tls.Config
	// SASL authenticates connections, nil for none.
	SASL sasl.Mechanism
	// MaxFrame is the largest answer to accept, in bytes, [kmsg.MaxFrame] by default.
	MaxFrame int
	// FirstRead is how much memory an answer gets before any of it has arrived, beyond what
	// its request expected: 1 MiB by default.
	FirstRead int

	// Link is how the connection behaves. Mechanism is set from SASL, Random by default from
	// math/rand/v2.
	Link link.Config

	// Peer says what is known of the broker when a connection is made, nil for nothing. Like
	// the functions below it is called by whatever goroutine is at work, one call at a time,
	// and must not block.
	Peer func() link.Peer
	// Learned is told what connections teach about the broker.
	Learned func(*link.Learned)
	// Note is told what happens.
	Note func(*link.Note)
}

// A Conn is a lane to a broker: one connection at a time, made when a request needs it, closed
// when nobody has used it for a while. Its methods may be called by any goroutine, and do not
// block.
type Conn struct{}

// New returns a lane. It does not connect yet.
func New(o Options) *Conn { return new(Conn) }

// Addr returns the address as it was given.
func (c *Conn) Addr() string { return "" }

// Send hands over a request. Its owner is told when it is done, exactly once, perhaps before
// Send returns.
func (c *Conn) Send(*link.Request) {}

// Cancel ends a request that nobody waits for any more. It is done as soon as its bytes are not
// in use; if it is done already, nothing happens.
func (c *Conn) Cancel(*link.Request) {}

// Throttled tells what an answer to the request said of throttling, if it said anything. The
// lane holds back if that version of the API wants it (KIP-219).
func (c *Conn) Throttled(r *link.Request, d time.Duration) {}

// Close ends the lane, with err as the reason that requests get, which may be nil. It does not
// wait: see Done.
func (c *Conn) Close(err error) {}

// Done is closed when a lane that was closed has nothing left: no request, no socket, no
// goroutine, no timer.
func (c *Conn) Done() <-chan struct{} { return nil }

// Stats is a snapshot of what a lane is and did.
type Stats struct {
	// State is what the lane is doing.
	State State
	// Outstanding is how many requests are not done.
	Outstanding int64
	// Requests is how many requests are done, Failed how many of them without an answer.
	Requests, Failed int64
	// Connects is how many connections were made, ConnectFailures how many tries came to
	// nothing.
	Connects, ConnectFailures int64
	// BytesIn and BytesOut are what was read and written, without TLS.
	BytesIn, BytesOut int64
	// ThrottledUntil is when the lane may write again, zero or past if it may.
	ThrottledUntil time.Time
}

// A State is what a lane is doing.
type State uint8

const (
	Idle       State = iota // no connection, and none wanted
	Connecting              // dialing, negotiating, authenticating
	Ready
	Closed
)

// Stats returns a snapshot.
func (c *Conn) Stats() Stats { return Stats{} }
