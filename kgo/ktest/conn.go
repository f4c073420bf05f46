package ktest

import (
	"bufio"
	"errors"
	"net"
	"os"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A conn is a connection of a client. One goroutine reads from it. Whoever has something to write
// does so if nobody else does at the moment: mostly the one that reads.
type conn struct {
	id   broker.ConnID
	wire net.Conn // what goes over it may be TLS
	net  net.Conn

	// Guarded by Cluster.mu.
	out      [][]byte
	flushing bool
	ends     bool // close when out is written
	resets   bool
	woken    bool // by makeRoom
}

const (
	// maxQueued is how many requests of a connection wait until it is no longer read from.
	maxQueued = 64
	// readBuffer is that of a connection, and maxKept how large a buffer for frames is kept.
	readBuffer = 64 << 10
	maxKept    = 2 << 20
)

// accept takes connections of a node, until its listener is closed.
func (c *Cluster) accept(n *node) {
	l := n.listen
	c.running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { c.serve(n, nc) })
		}
	})
}

// serve serves a connection, until it ends.
func (c *Cluster) serve(n *node, nc net.Conn) {
	defer nc.Close()
	if !c.admit(n, nc) {
		return
	}
	defer c.dismiss(nc)
	secured, err := c.secure(nc)
	if err != nil {
		return
	}
	cn := &conn{wire: nc, net: secured}
	limit := 0
	c.do(func(now time.Time) {
		if c.closed {
			return
		}
		if cn.id = c.model.Connect(now, n.id, 0); cn.id != 0 {
			limit = c.model.MaxFrame()
			c.conns[cn.id] = cn
		}
	})
	if cn.id == 0 {
		reset(nc)
		return
	}
	c.read(cn, limit)
	c.do(func(now time.Time) {
		delete(c.conns, cn.id)
		delete(c.full, cn)
		c.model.Disconnect(now, cn.id)
	})
}

// admit takes note of a connection, so that Close can end it, and waits while its broker is
// paused.
func (c *Cluster) admit(n *node, nc net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wires[nc] = true
	for c.model.Paused(n.id) && !c.closed {
		c.room.Wait()
	}
	return !c.closed
}

func (c *Cluster) dismiss(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.wires, nc)
}

// read hands what a client sends to the model.
func (c *Cluster) read(cn *conn, limit int) {
	r := bufio.NewReaderSize(cn.net, readBuffer)
	var buf []byte
	for c.await(cn, r) {
		frame, err := kmsg.ReadFrame(r, buf, limit)
		if err != nil {
			return
		}
		if buf = frame; cap(buf) > maxKept {
			buf = nil
		}
		mine, ok := c.hand(cn, frame)
		if !ok {
			return
		}
		if mine {
			c.flush(cn)
		}
	}
}

// await waits while much of a connection is waiting already. It returns false if the client is gone
// or the cluster was closed.
//
// That a client is gone shows when one reads on, which ends where the buffer is full: of one that
// sent more than that and then hung up nothing is known until there is room.
func (c *Cluster) await(cn *conn, r *bufio.Reader) bool {
	for c.isFull(cn) {
		switch _, err := r.Peek(r.Size()); {
		case err == nil:
			c.awaitRoom(cn)
		case !errors.Is(err, os.ErrDeadlineExceeded): // which is makeRoom's
			return false
		}
	}
	return true
}

// isFull reports whether a connection is not to be read further. If so, makeRoom ends the reading
// when that has changed.
func (c *Cluster) isFull(cn *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.model.Queued(cn.id) >= maxQueued && !c.closed {
		c.full[cn] = true
		return true
	}
	if cn.woken {
		cn.woken = false
		cn.wire.SetReadDeadline(time.Time{})
	}
	return false
}

func (c *Cluster) awaitRoom(cn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.full[cn] && !c.closed {
		c.room.Wait()
	}
}

// makeRoom wakes those whose connections are not full any more, under the lock.
func (c *Cluster) makeRoom() {
	for cn := range c.full {
		if c.model.Queued(cn.id) < maxQueued {
			delete(c.full, cn)
			cn.woken = true
			cn.wire.SetReadDeadline(time.Unix(1, 0))
		}
	}
	c.room.Broadcast()
}

// hand hands a frame to the model. Mine says that the caller has to flush the connection, ok whether
// to go on.
func (c *Cluster) hand(cn *conn, frame []byte) (mine, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, false
	}
	now := time.Now()
	c.model.Frame(now, cn.id, frame)
	for _, other := range c.perform(now) {
		if other == cn {
			mine = true
		} else {
			c.running.Go(func() { c.flush(other) })
		}
	}
	return mine, true
}

// flush writes what is to be written to a connection. The caller has set flushing.
func (c *Cluster) flush(cn *conn) {
	var batch [][]byte
	for {
		c.mu.Lock()
		for _, b := range batch {
			c.model.Recycle(b)
		}
		if len(cn.out) == 0 {
			cn.flushing = false
			ends, resets := cn.ends, cn.resets
			c.mu.Unlock()
			if ends && resets {
				reset(cn.wire)
			} else if ends {
				cn.net.Close()
			}
			return
		}
		batch, cn.out = append(batch[:0], cn.out...), cn.out[:0]
		c.mu.Unlock()
		for _, b := range batch {
			if _, err := cn.net.Write(b); err != nil {
				cn.wire.Close() // so that the reader notices
			}
		}
	}
}

// reset closes a connection so that what is on its way is lost.
func reset(nc net.Conn) {
	switch nc := nc.(type) {
	case *memnet.Conn:
		nc.Reset()
	case *net.TCPConn:
		nc.SetLinger(0)
		nc.Close()
	default:
		nc.Close()
	}
}
