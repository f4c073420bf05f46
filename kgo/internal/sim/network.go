package sim

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

// A wire is a connection between a lane and a broker. The two ends live and die on their own:
// what one has sent may arrive when it is gone.
type wire struct {
	w    *world
	lane *lane
	id   broker.ConnID // zero when the broker's end is gone

	// The client's end.
	over  bool // it is gone
	write *link.Write
	sent  int // bytes of it

	// On the way. Bytes arrive in order, and not before a time while the network is stuck.
	up, down         []byte // arrived, not yet a whole frame
	upLast, downLast time.Time
	upStuck          time.Time
	downStuck        time.Time
}

var (
	errRefused = errors.New("sim: connection refused")
	errReset   = errors.New("sim: connection reset")
	errDial    = errors.New("sim: no route")
	errGivenUp = errors.New("sim: given up")
)

// latency draws how long bytes are on their way.
func (w *world) latency() time.Duration {
	switch {
	case w.chance(200):
		return w.between(0, time.Second)
	case w.chance(20):
		return w.between(0, 20*time.Millisecond)
	}
	return w.between(50*time.Microsecond, time.Millisecond)
}

// arrival is when what is sent now arrives.
func arrival(w *world, last *time.Time, stuck time.Time) time.Time {
	t := w.now
	if stuck.After(t) {
		t = stuck
	}
	if t = t.Add(w.latency()); t.Before(*last) {
		t = *last
	}
	*last = t
	return t
}

// begin takes a write of the lane.
func (c *wire) begin(a *link.Write) {
	c.write, c.sent = a, 0
	c.w.after(c.w.between(0, 100*time.Microsecond), c.send)
}

// send sends some of what is to be written: as a writer does, it reads the bytes only now.
func (c *wire) send() {
	if c.over || c.write == nil {
		return
	}
	n := c.write.Size - c.sent
	if c.w.chance(4) {
		n = min(n, 1+c.w.rand.IntN(300))
	}
	bytes := make([]byte, 0, n)
	at := 0
	for _, b := range c.write.Buffers {
		from, to := max(c.sent-at, 0), min(c.sent+n-at, len(b))
		if from < to {
			bytes = append(bytes, b[from:to]...)
		}
		at += len(b)
	}
	c.sent += n
	c.w.at(arrival(c.w, &c.upLast, c.upStuck), func() { c.arrive(bytes) })
	if c.sent < c.write.Size {
		c.w.after(c.w.between(0, 5*time.Millisecond), c.send)
		return
	}
	c.write = nil
	c.lane.post(&link.Wrote{})
}

// arrive is what the broker reads.
func (c *wire) arrive(bytes []byte) {
	if c.id == 0 {
		return
	}
	c.up = append(c.up, bytes...)
	for c.id != 0 && len(c.up) >= 4 {
		size := int(int32(binary.BigEndian.Uint32(c.up)))
		if size < 0 || size > c.w.cluster.MaxFrame() {
			c.w.fail("BYTES: a frame of %d bytes", size)
			return
		}
		if len(c.up) < 4+size {
			return
		}
		frame := c.up[4 : 4+size]
		c.lane.client.frames++
		c.w.cluster.Frame(c.w.now, c.id, frame)
		c.up = c.up[4+size:]
		c.w.serve()
	}
}

// answer sends what the broker writes.
func (c *wire) answer(bytes []byte) {
	bytes = slices.Clone(bytes)
	c.w.at(arrival(c.w, &c.downLast, c.downStuck), func() { c.read(bytes) })
}

// read is what the client reads.
func (c *wire) read(bytes []byte) {
	if c.over {
		return
	}
	c.down = append(c.down, bytes...)
	for len(c.down) >= 4 {
		size := int(binary.BigEndian.Uint32(c.down))
		if len(c.down) < 4+size {
			return
		}
		c.lane.post(&link.Frame{Bytes: slices.Clone(c.down[4 : 4+size])})
		c.down = c.down[4+size:]
	}
}

// hungUp is what follows when the broker closes the connection.
func (c *wire) hungUp(reset bool) {
	c.id = 0
	err := error(io.EOF)
	at := c.downLast
	if reset {
		err, at = errReset, c.w.now
	}
	if c.downStuck.After(at) {
		at = c.downStuck
	}
	c.w.at(at.Add(c.w.latency()), func() { c.end(err) })
}

// end ends the client's end, because of an error, or because the lane wants it.
func (c *wire) end(err error) {
	if c.over {
		return
	}
	c.over = true
	e := &link.Disconnected{Err: err, Ended: err == io.EOF || err == errReset}
	if c.write != nil {
		e.Written, e.Writing = c.sent, true
		c.write = nil
	}
	if c.lane.wire == c {
		c.lane.wire = nil
	}
	c.lane.post(e)
	if c.id == 0 {
		return
	}
	// The broker notices when what was sent has arrived, or before that.
	at := c.w.now.Add(c.w.latency())
	if c.w.chance(2) && c.upLast.After(at) {
		at = c.upLast
	}
	c.w.at(at, c.drop)
}

// drop ends the broker's end.
func (c *wire) drop() {
	if c.id != 0 {
		c.w.cluster.Disconnect(c.w.now, c.id)
		delete(c.w.wires, c.id)
		c.id = 0
	}
}
