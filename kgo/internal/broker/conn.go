package broker

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A ConnID names a connection. Zero is none.
type ConnID int64

// A conn is a connection of a client.
type conn struct {
	id       ConnID
	node     *node
	listener int
	login    login
	software string // what ApiVersions said of the client

	queue       [][]byte // frames that wait: as many as the client has in flight
	current     *call    // being served
	muted       bool     // because of a throttle
	pumping     bool
	closing     bool // nothing is served any more
	closesAfter bool // the answer that is under way is the last

	used time.Time // when it last did something
	idle *timer
}

// busy reports whether the next frame has to wait.
func (cn *conn) busy() bool {
	return cn.current != nil || cn.muted || cn.closing || cn.pumping || cn.node.state == paused
}

// pump serves what waits, as far as it can.
func (c *Cluster) pump(cn *conn) {
	for len(cn.queue) > 0 && !cn.busy() {
		frame := cn.queue[0]
		cn.queue = cn.queue[1:]
		cn.used = c.now
		cn.pumping = true
		c.serve(cn, frame)
		cn.pumping = false
	}
}

// write sends bytes to a client.
func (c *Cluster) write(cn *conn, b []byte) {
	if c.conns[cn.id] == cn {
		c.out = append(c.out, Action{Conn: cn.id, Bytes: b})
	}
}

// hangUp closes a connection, after what was written.
func (c *Cluster) hangUp(cn *conn, reset bool) {
	if c.conns[cn.id] == cn {
		c.out = append(c.out, Action{Conn: cn.id, Close: true, Reset: reset})
		c.forget(cn)
	}
}

// forget drops a connection and what it waits for.
func (c *Cluster) forget(cn *conn) {
	delete(c.conns, cn.id)
	c.timers.stop(cn.idle)
	cn.closing = true
	cn.queue = nil
	if x := cn.current; x != nil {
		cn.current = nil
		x.abandon()
	}
}

// watchIdle closes a connection that is not used for long.
func (c *Cluster) watchIdle(cn *conn) {
	limit := c.properties.maxIdle
	if limit <= 0 {
		return
	}
	cn.idle = c.timers.set(cn.used.Add(limit), func() {
		if cn.current == nil && !cn.used.Add(limit).After(c.now) {
			c.hangUp(cn, false)
			return
		}
		if cn.current != nil {
			cn.used = c.now
		}
		c.watchIdle(cn)
	})
}

// A call is a request that is being served. Its connection serves nothing else until it is
// answered.
type call struct {
	conn    *conn
	key     kmsg.APIKey
	version int16
	header  kmsg.RequestHeader
	req     kmsg.Request
	fault   fault  // what is done to it
	stop    func() // what to undo if the client goes while it waits, nil for nothing
	done    bool
}

func (x *call) node() *node { return x.conn.node }

// abandon gives a call up.
func (x *call) abandon() {
	x.done = true
	if x.stop != nil {
		x.stop()
	}
}

// minHeader is what every header of a request begins with: key, version, correlation id.
const minHeader = 8

// serve serves a frame.
func (c *Cluster) serve(cn *conn, frame []byte) {
	if cn.login.raw {
		c.rawToken(cn, frame)
		return
	}
	if len(frame) < minHeader {
		c.hangUp(cn, false)
		return
	}
	x := &call{conn: cn, key: kmsg.APIKey(int16(binary.BigEndian.Uint16(frame))), version: int16(binary.BigEndian.Uint16(frame[2:]))}
	api := findAPI(x.key)
	if api == nil || !c.served[x.key].has(x.version) {
		// Nobody knows what its header looks like, but how it begins.
		x.header.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
		c.refuseVersion(x)
		return
	}
	h, r, err := kmsg.DecodeRequestHeader(frame)
	if err != nil {
		c.hangUp(cn, false)
		return
	}
	x.header = h
	may, told := c.mayAsk(x)
	if !may && !told {
		c.hangUp(cn, false)
		return
	}
	x.req = api.fresh()
	x.req.SetAPIVersion(x.version)
	if err := x.req.DecodeFrom(r); err != nil {
		c.hangUp(cn, false)
		return
	}
	cn.node.counts[x.key]++
	cn.current = x
	if !may {
		cn.closesAfter = true
		x.fault.delay = c.properties.failedAuthDelay
		c.answer(x, refusal(x.req, kmsg.IllegalSASLState))
		return
	}
	x.fault = c.faultsOf(x)
	if x.fault.hold > 0 { // the frame is the caller's again by then
		if _, r, err := kmsg.DecodeRequestHeader(slices.Clone(frame)); err != nil || x.req.DecodeFrom(r) != nil {
			panic("broker: a request that could be read cannot be read again")
		}
	}
	c.start(x, api)
}

// start serves a call whose faults are known: what they do before comes first.
func (c *Cluster) start(x *call, api *api) {
	f := &x.fault
	if f.hold > 0 {
		hold := f.hold
		f.hold = 0
		t := c.after(hold, func() { x.stop = nil; c.start(x, api) })
		x.stop = func() { c.timers.stop(t) }
		return
	}
	for _, do := range f.do {
		do(c.now)
	}
	switch {
	case x.done: // a connection that is gone
	case f.stall:
	case f.cut == CutBefore:
		c.hangUp(x.conn, f.reset)
	case f.code != kmsg.None && !f.parts:
		c.answer(x, refusal(x.req, f.code))
	default:
		api.handle(c, x)
	}
}

// answer ends a call with a response.
func (c *Cluster) answer(x *call, resp kmsg.Response) {
	if x.done {
		return
	}
	f := &x.fault
	for _, change := range f.change {
		change(x.req, resp)
	}
	if f.throttle > 0 {
		setThrottle(resp, int32(f.throttle.Milliseconds()))
	}
	header := kmsg.ResponseHeader{CorrelationID: x.header.CorrelationID + f.correlation}
	frame, err := kmsg.AppendResponse(c.buffer(sizeOf(resp)), header, resp)
	if err != nil {
		panic("broker: an answer that cannot be written: " + err.Error() + "\n" + resp.(interface{ String() string }).String())
	}
	late := f.delay
	if f.throttle > 0 && !c.muteThrottled {
		late += f.throttle
	}
	if late > 0 {
		t := c.after(late, func() { x.stop = nil; c.send(x, frame) })
		x.stop = func() { c.timers.stop(t) }
		return
	}
	c.send(x, frame)
}

// silent ends a call that gets no answer.
func (c *Cluster) silent(x *call) {
	if !x.done {
		c.finish(x)
	}
}

// send sends the frame that answers a call.
func (c *Cluster) send(x *call, frame []byte) {
	f := &x.fault
	switch {
	case f.cut == CutAfter:
		c.hangUp(x.conn, f.reset)
		return
	case f.cut == CutMidway:
		n := min(f.cutAt, len(frame)-1)
		if f.cutAt <= 0 {
			n = len(frame) / 2
		}
		c.write(x.conn, frame[:n])
		c.hangUp(x.conn, f.reset)
		return
	case f.trickle > 0:
		c.trickle(x, frame)
		return
	}
	c.write(x.conn, frame)
	if x.conn.closesAfter {
		c.hangUp(x.conn, false)
		return
	}
	c.finish(x)
}

// trickle sends a frame byte by byte.
func (c *Cluster) trickle(x *call, frame []byte) {
	c.write(x.conn, frame[:1:1])
	if len(frame) == 1 {
		x.stop = nil
		c.finish(x)
		return
	}
	t := c.after(x.fault.trickle, func() { c.trickle(x, frame[1:]) })
	x.stop = func() { c.timers.stop(t) }
}

// finish ends a call and goes on with the connection's next, now or when its throttle is over.
func (c *Cluster) finish(x *call) {
	cn := x.conn
	x.done = true
	cn.current = nil
	cn.used = c.now
	if x.fault.throttle > 0 && c.muteThrottled {
		cn.muted = true
		c.after(x.fault.throttle, func() {
			cn.muted = false
			c.pump(cn)
		})
		return
	}
	c.pump(cn)
}
