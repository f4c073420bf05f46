package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// An attempt is what comes of one Connect: a goroutine that dials, and with luck a connection,
// which the same goroutine then reads. What is not written at once another one writes, which lives
// as long as that takes: at rest a connection has one goroutine.
type attempt struct {
	c      *Conn
	ctx    context.Context // ends with the attempt; for dialing and SASL
	cancel context.CancelFunc

	dialed // from opened on

	// There is one Write at a time.
	next    *link.Write // the writer's work
	writer  func()      // write, once for all
	writing atomic.Bool // a Write is not done
	wrote   link.Wrote
	direct  direct // for actions
	ahead   int    // bytes of the Write that left before the writer had it
	scratch []byte // the writer's, to join small buffers

	session sasl.Session // for one step at a time

	mu      sync.Mutex
	open    bool
	over    bool // the link wants no connection any more
	closed  bool
	first   *link.Disconnected // what went wrong first
	written int                // bytes that left of the last Write, if it is not done
	special []link.Answer      // answers to come that want room, in order
	writers int                // goroutines that write, or have just done so
	broken  bool               // a Write failed
	unread  bool               // the reader has ended
}

func newAttempt(c *Conn) *attempt {
	a := &attempt{c: c}
	a.writer = a.write
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// run is the goroutine that dials and reads.
func (a *attempt) run(to *link.Connect) {
	c := a.c
	defer c.alive.Done()
	start := time.Now()
	ctx, cancel := context.WithTimeout(a.ctx, to.Timeout)
	d, err := c.dial(ctx, to.To)
	cancel()
	if err == nil && !a.opened(d) {
		d.raw.Close()
		err = context.Canceled
	}
	if err != nil {
		a.cancel()
		c.loop.Post(connectFailed(err, time.Since(start)))
		return
	}
	c.loop.Post(&link.Connected{
		TLS: c.o.TLS != nil, Took: time.Since(start), More: d.more, Peer: c.peer(),
		Local: d.conn.LocalAddr().String(), Remote: d.conn.RemoteAddr().String(),
	})
	a.failed(a.read())
	a.close(false)
	a.mu.Lock()
	a.unread = true
	a.leave()
}

// opened takes the connection over, unless the link does not want it any more.
func (a *attempt) opened(d dialed) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dialed, a.open = d, true
	a.direct.init(d.conn)
	return !a.over
}

// end does what a Disconnect wants. It does not wait.
func (a *attempt) end(abrupt bool) {
	a.cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if !a.open || a.unread {
		return // whoever dials will notice, or it is closed
	}
	a.c.alive.Add(1)
	farewell := !abrupt && !a.writing.Load()
	go func() { // Close may take time: it is not ours, perhaps
		defer a.c.alive.Done()
		a.close(farewell)
	}()
}

// close closes the connection, which ends reader and writer. With a farewell, TLS tells the
// other side.
func (a *attempt) close(farewell bool) {
	a.mu.Lock()
	first := !a.closed
	a.closed = true
	a.mu.Unlock()
	if !first && farewell {
		return
	}
	if farewell {
		a.conn.Close()
	} else {
		a.raw.Close()
	}
}

// failed notes what went wrong, if it is the first.
func (a *attempt) failed(d *link.Disconnected) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.first == nil {
		a.first = d
	}
}

// leave is the last that reader and writers do. The last of them says that the connection is
// gone: then all frames were told, and no bytes of a Write are read any more. The lock is held, and
// given back.
func (a *attempt) leave() {
	last := a.unread && a.writers == 0
	d := a.first
	if last {
		d.Written = a.written
	}
	a.mu.Unlock()
	if last {
		a.cancel()
		a.c.loop.Post(d)
	}
}

// step takes a step of the SASL mechanism, which may take time.
func (a *attempt) step(s *link.Authenticate) {
	defer a.c.alive.Done()
	e := &link.AuthStep{Attempt: s.Attempt}
	var challenge []byte
	if s.First {
		ctx, cancel := context.WithTimeout(a.ctx, a.c.o.Link.RequestTimeout)
		defer cancel()
		a.session, e.Err = a.c.o.SASL.Start(ctx, sasl.Endpoint{Addr: a.c.o.Addr, TLS: s.TLS})
	} else {
		challenge = s.Challenge
		if challenge == nil {
			challenge = []byte{} // nil is for the first step
		}
	}
	if e.Err == nil {
		e.Response, e.Done, e.Err = a.session.Step(challenge)
	}
	a.c.loop.Post(e)
}

// ended reports whether an error says that the other side ended the connection.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err)
}

// isTLS reports whether an error is one of TLS itself.
func isTLS(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	var record tls.RecordHeaderError
	return errors.As(err, &record)
}
