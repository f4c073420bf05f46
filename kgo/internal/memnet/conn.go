// Package memnet is a network in memory: connections that behave as TCP's do where it matters to
// a client of Kafka, and that work in the virtual time of testing/synctest.
//
// A connection has a buffer each way, so that a write does not wait for a read until it is full;
// it has deadlines; an end can be closed for writing alone; and to close an end that has not
// read everything, or to write to one that is closed, resets the connection, as TCP does. What a
// broken connection had in its buffer can still be read.
package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// bufferBytes is how much a connection takes each way until writes wait.
const bufferBytes = 64 << 10

// An Addr is the address of one end, like "broker1:9092".
type Addr string

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the address.
func (a Addr) String() string { return string(a) }

// A wire is what the two ends of a connection share.
type wire struct {
	mu      sync.Mutex
	changed sync.Cond
}

// A Conn is one end of a connection. Its methods may be called by any goroutine.
type Conn struct {
	wire          *wire
	peer          *Conn
	local, remote Addr

	// Guarded by wire.mu.
	in            []byte // what the peer wrote, to be read here; at most limit bytes
	limit         int
	ended         bool // the peer will write no more
	closed        bool // by Close
	reset         bool // the other side does not know the connection any more
	read, written deadline
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the ends of a connection. Each takes 64 KiB until the other has to wait with
// writing.
func Pipe() (*Conn, *Conn) { return pipe("a:1", "b:1", bufferBytes) }

func pipe(a, b Addr, limit int) (*Conn, *Conn) {
	w := new(wire)
	w.changed.L = &w.mu
	ca := &Conn{wire: w, local: a, remote: b, limit: limit}
	cb := &Conn{wire: w, local: b, remote: a, limit: limit}
	ca.peer, cb.peer = cb, ca
	return ca, cb
}

// A deadline wakes those who wait.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set is called under the wire's lock.
func (d *deadline) set(t time.Time, w *wire) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed.Broadcast()
		})
	}
	w.changed.Broadcast()
}

// Read reads what the other end wrote. It waits until there is something, and returns io.EOF
// when that end writes no more.
func (c *Conn) Read(p []byte) (int, error) {
	w := c.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.opError("read", net.ErrClosed)
		case c.read.passed():
			return 0, c.opError("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case len(c.in) > 0:
			n := copy(p, c.in)
			c.in = c.in[n:]
			if len(c.in) == 0 {
				c.in = nil
			}
			w.changed.Broadcast()
			return n, nil
		case c.reset:
			return 0, c.opError("read", syscall.ECONNRESET)
		case c.ended:
			return 0, io.EOF
		}
		w.changed.Wait()
	}
}

// Write writes to the other end's buffer. It waits while that is full. On an error it returns
// how many bytes went there.
func (c *Conn) Write(p []byte) (int, error) {
	w := c.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for {
		switch {
		case c.closed || c.peer.ended:
			return n, c.opError("write", net.ErrClosed)
		case c.written.passed():
			return n, c.opError("write", os.ErrDeadlineExceeded)
		case c.reset:
			return n, c.opError("write", syscall.EPIPE)
		case c.peer.closed:
			// Nobody is there: the system takes the bytes, and learns only then.
			c.reset = true
			w.changed.Broadcast()
			return len(p), nil
		}
		room := min(c.peer.limit-len(c.peer.in), len(p)-n)
		if room > 0 {
			c.peer.in = append(c.peer.in, p[n:n+room]...)
			n += room
			w.changed.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		w.changed.Wait()
	}
}

// Close closes the end. What it has not read is lost, and resets the connection; what it wrote
// can be read at the other end.
func (c *Conn) Close() error {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.shut(len(c.in) > 0)
	return nil
}

// Reset closes the end, and the other end finds the connection reset.
func (c *Conn) Reset() {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.shut(true)
}

func (c *Conn) shut(reset bool) {
	c.closed = true
	c.in = nil
	c.peer.ended = true
	c.peer.reset = c.peer.reset || reset && !c.peer.closed
	c.read.set(time.Time{}, c.wire)
	c.written.set(time.Time{}, c.wire)
}

// CloseWrite says that this end writes no more; it can still read.
func (c *Conn) CloseWrite() error {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.peer.ended = true
	c.wire.changed.Broadcast()
	return nil
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets when reads fail, even those that wait already; zero for never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.read, t) }

// SetWriteDeadline sets when writes fail, even those that wait already; zero for never.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.written, t) }

func (c *Conn) setDeadline(d *deadline, t time.Time) error {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	d.set(t, c.wire)
	return nil
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}
