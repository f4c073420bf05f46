package broker

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Cluster is the model of a cluster. It is made by [New], and for one goroutine at a time. The
// time that its methods are given must not run backwards.
type Cluster struct {
	cfg     Config
	rand    *rand.Rand
	release *kmsg.ReleaseVersions
	era
	now    time.Time
	timers timers

	nodes      map[int32]*node
	order      []*node // by id
	controller int32   // with ZooKeeper; -1 while there is none
	served     [apiCount]versions
	auth       *authenticator

	topics        map[string]*topic
	byID          map[kbin.UUID]*topic
	names         []string          // of topics, sorted
	defaults      map[string]string // what all brokers are configured with at run time
	properties    *settings         // of the brokers
	producerID    int64             // the next one
	transactional map[string]*transactional

	conns    map[ConnID]*conn
	nextConn ConnID
	out      []Action
	rules    []*Fault
	free     [][]byte // buffers for answers

	room    []byte // for decompressing
	builder batch.Builder
}

// A node is one broker.
type node struct {
	Broker
	state    nodeState
	alive    bool   // as the controller sees it: it takes time to notice
	expiry   *timer // when it is noticed
	epoch    int64  // counts its lives
	configs  map[string]string
	stale    *image // the metadata that it is held at, nil for the truth
	sessions fetchSessions
	counts   [apiCount]int
}

type nodeState int8

const (
	up nodeState = iota
	paused
	down
)

func newNode(b Broker) *node {
	b.Listeners = slices.Clone(b.Listeners)
	return &node{Broker: b, alive: true, sessions: newFetchSessions()}
}

// An Action is something to be done with a connection: to write bytes, and after that perhaps to
// close it.
type Action struct {
	Conn  ConnID
	Bytes []byte // the caller's, see [Cluster.Recycle]
	Close bool
	Reset bool // close so that what is on its way is lost, as when the process dies
}

// Connect takes note of a client that has connected to a listener of a broker, which it names by
// its place in Broker.Listeners. It returns zero if the broker is down or does not exist: then
// the connection is to be refused.
func (c *Cluster) Connect(now time.Time, broker int32, listener int) ConnID {
	c.advance(now)
	n := c.nodes[broker]
	if n == nil || n.state == down || listener < 0 || listener >= len(n.Listeners) {
		return 0
	}
	c.nextConn++
	cn := &conn{id: c.nextConn, node: n, listener: listener, used: c.now}
	cn.login.needed = n.Listeners[listener].SASL
	c.conns[cn.id] = cn
	c.watchIdle(cn)
	return cn.id
}

// Disconnect takes note of a client that is gone.
func (c *Cluster) Disconnect(now time.Time, id ConnID) {
	c.advance(now)
	if cn := c.conns[id]; cn != nil {
		c.forget(cn)
	}
}

// Frame takes a frame that a client has sent, without its size. The bytes are the caller's again
// when it returns.
func (c *Cluster) Frame(now time.Time, id ConnID, frame []byte) {
	c.advance(now)
	cn := c.conns[id]
	switch {
	case cn == nil:
	case cn.busy() || len(cn.queue) > 0:
		cn.queue = append(cn.queue, slices.Clone(frame))
	default:
		cn.used = c.now
		c.serve(cn, frame)
		c.pump(cn)
	}
}

// Queued returns how many frames of a connection wait to be served. Who hands in frames stops
// reading from a client that has many.
func (c *Cluster) Queued(id ConnID) int {
	if cn := c.conns[id]; cn != nil {
		return len(cn.queue)
	}
	return 0
}

// MaxFrame returns how large a frame may be, in bytes: who sends a larger one is to be
// disconnected. Kafka: socket.request.max.bytes.
func (c *Cluster) MaxFrame() int { return c.properties.maxRequest }

// Poll returns what is to be done now, in order, until ok is false.
func (c *Cluster) Poll(now time.Time) (action Action, ok bool) {
	c.advance(now)
	if len(c.out) == 0 {
		return Action{}, false
	}
	action = c.out[0]
	c.out[0] = Action{}
	c.out = c.out[1:]
	return action, true
}

// Deadline is when Poll may have something to do without an event; zero for never.
func (c *Cluster) Deadline() time.Time {
	if len(c.out) > 0 {
		return c.now
	}
	return c.timers.next()
}

// maxFree bounds what is kept of buffers.
const (
	maxFree     = 64
	maxFreeSize = 4 << 20
)

// Recycle gives the bytes of an action back, for another answer.
func (c *Cluster) Recycle(b []byte) {
	if len(c.free) < maxFree && cap(b) <= maxFreeSize {
		c.free = append(c.free, b[:0])
	}
}

// buffer returns an empty buffer for about size bytes.
func (c *Cluster) buffer(size int) []byte {
	if n := len(c.free); n > 0 {
		b := c.free[n-1]
		if cap(b) >= size {
			c.free = c.free[:n-1]
			return b
		}
		c.free[0], c.free[n-1] = b, c.free[0]
	}
	return make([]byte, 0, size+256)
}

// advance moves the time on and does what was due.
func (c *Cluster) advance(now time.Time) {
	for t := c.timers.due(now); t != nil; t = c.timers.due(now) {
		if t.at.After(c.now) {
			c.now = t.at
		}
		t.do()
	}
	if now.After(c.now) {
		c.now = now
	}
}

// after does something later.
func (c *Cluster) after(d time.Duration, do func()) *timer {
	return c.timers.set(c.now.Add(d), do)
}

// nowMs is the time in milliseconds since 1970.
func (c *Cluster) nowMs() int64 { return c.now.UnixMilli() }
