// Package tap lets one see the requests and answers that a client exchanges, and keeps requests
// from leaving. It stands between the client and its connections, which must not be ciphered any
// more.
package tap

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"

	"github.com/franzi-kafka/franzi/kmsg"
)

// An Exchange is a request, and its answer if it came.
type Exchange struct {
	Addr    string // as it was dialed
	Header  kmsg.RequestHeader
	Request kmsg.Request
	Frame   []byte // the request as it is sent, without its size
	Answer  []byte // nil if there is none yet, without its size
	Kept    bool   // it did not leave
}

// Key is the API of the request.
func (e *Exchange) Key() kmsg.APIKey { return e.Request.APIKey() }

// A Tap sees what its connections carry. Its methods may be called concurrently.
type Tap struct {
	mu        sync.Mutex
	keep      func(*Exchange) bool
	exchanges []*Exchange
}

// New returns a tap that lets everything pass.
func New() *Tap { return new(Tap) }

// Keep sets which requests do not leave. The connection that one would have gone over ends.
func (t *Tap) Keep(keep func(*Exchange) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = keep
}

// Exchanges returns what was exchanged so far, in the order of the requests.
func (t *Tap) Exchanges() []Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Exchange, len(t.exchanges))
	for i, e := range t.exchanges {
		all[i] = *e
	}
	return all
}

// Dialer returns a dialer whose connections are seen.
func (t *Tap) Dialer(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, tap: t, addr: addr, waiting: map[int32]*Exchange{}}, nil
	}
}

// A conn is a connection that is seen. It has one reader and one writer.
type conn struct {
	net.Conn
	tap  *Tap
	addr string

	out, in frames
	waiting map[int32]*Exchange // guarded by Tap.mu
}

// Write writes, but for requests that are kept.
func (c *conn) Write(b []byte) (int, error) {
	kept := false
	c.out.add(b, func(frame []byte) {
		if c.request(frame) {
			kept = true
		}
	})
	if kept {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// Read reads.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.add(b[:n], c.answer)
	return n, err
}

// request takes note of a request, and reports whether it is kept. What is none, like the tokens
// of SASL that have no header, passes.
func (c *conn) request(frame []byte) bool {
	h, req, err := kmsg.DecodeRequest(frame)
	if err != nil {
		return false
	}
	e := &Exchange{Addr: c.addr, Header: h, Request: req, Frame: frame}
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	e.Kept = c.tap.keep != nil && c.tap.keep(e)
	c.tap.exchanges = append(c.tap.exchanges, e)
	c.waiting[h.CorrelationID] = e
	return e.Kept
}

// answer takes note of an answer.
func (c *conn) answer(frame []byte) {
	id, ok := kmsg.CorrelationID(frame)
	if !ok {
		return
	}
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	if e := c.waiting[id]; e != nil {
		e.Answer = frame
		delete(c.waiting, id)
	}
}

// frames cuts a stream into frames. After one of an impossible size it gives up.
type frames struct {
	buf  bytes.Buffer
	over bool
}

// add takes bytes of the stream and calls see for each frame that is whole then, without its size.
func (f *frames) add(b []byte, see func([]byte)) {
	if f.over {
		return
	}
	f.buf.Write(b)
	for f.buf.Len() >= 4 {
		size := int32(binary.BigEndian.Uint32(f.buf.Bytes()))
		if size < 0 || size > kmsg.MaxFrame {
			f.over = true
			return
		}
		if f.buf.Len() < 4+int(size) {
			return
		}
		see(bytes.Clone(f.buf.Next(4 + int(size))[4:]))
	}
}
