package exchange

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
)

// A Tracker finds exchanges in segments. It is plain data, for one goroutine at a time.
type Tracker struct {
	capture.Stats     // of connections of Kafka's protocol that have ended
	Connections   int // of Kafka's protocol
	Others        int // connections of other protocols
	Skipped       int // bytes in which no frame was found

	emit  func(*Exchange)
	conns map[[2]netip.AddrPort]*conn // nil are those that are over, or of no interest
	tls   map[netip.AddrPort]int
}

// NewTracker returns a tracker that calls emit with each exchange when it is complete. What
// emit is given is its own.
func NewTracker(emit func(*Exchange)) *Tracker {
	return &Tracker{emit: emit, conns: map[[2]netip.AddrPort]*conn{}, tls: map[netip.AddrPort]int{}}
}

// Add takes a segment.
func (t *Tracker) Add(g *capture.Segment, at time.Time) {
	key, from := [2]netip.AddrPort{g.Src, g.Dst}, 0
	if g.Dst.Compare(g.Src) < 0 {
		key, from = [2]netip.AddrPort{g.Dst, g.Src}, 1
	}
	c, known := t.conns[key]
	switch {
	case c != nil && g.SYN && c.anew(from, g):
		c.over(NoteEnded)
		c = t.begin(key)
	case c == nil && (g.SYN || !known && len(g.Payload)+g.Missing > 0):
		c = t.begin(key)
	case c == nil:
		return
	}
	c.segment(from, g, at)
	if t.conns[key] = c; c.state > kafka {
		t.conns[key] = nil
	}
}

func (t *Tracker) begin(key [2]netip.AddrPort) *conn {
	c := &conn{t: t, ends: key, client: -1}
	for i := range c.sides {
		c.sides[i].stream.Stats = &c.stats
	}
	return c
}

// anew reports whether a SYN begins another connection between the same ends.
func (c *conn) anew(from int, g *capture.Segment) bool {
	s := &c.sides[from]
	return s.stream.Started() && !s.opens(g.Seq) || c.client < 0
}

// segment takes a segment that an end has sent.
func (c *conn) segment(from int, g *capture.Segment, at time.Time) {
	me, you := &c.sides[from], &c.sides[1-from]
	if g.SYN && !me.stream.Started() {
		me.stream.Start(g.Seq + 1)
		me.first = g.Seq
		c.synced(from, g)
	}
	if g.ACK {
		you.stream.Acked(g.Ack, at, func(k capture.Chunk) { c.chunk(1-from, k) })
	}
	if c.state <= kafka {
		me.stream.Add(g, at, func(k capture.Chunk) { c.chunk(from, k) })
	}
	if c.state > kafka {
		return
	}
	me.finished = me.finished || g.FIN
	if g.RST || me.finished && you.finished {
		c.over(NoteEnded)
	}
}

// synced takes note that the beginning of the connection was seen.
func (c *conn) synced(from int, g *capture.Segment) {
	if c.client >= 0 {
		return
	}
	c.client = from
	if g.ACK { // from the server
		c.client = 1 - from
		c.sides[1-from].stream.Start(g.Ack)
		c.sides[1-from].first = g.Ack - 1
	}
	c.sides[0].mode, c.sides[1].mode = opened, opened
}

// opens reports whether a sequence number is that of the SYN.
func (s *side) opens(seq uint32) bool { return s.first == seq }

// Close ends all connections that have not ended.
func (t *Tracker) Close() {
	for _, c := range t.open() {
		c.over(NoteCaptureEnd)
	}
}

// open lists the connections that are not over, in order of their ends.
func (t *Tracker) open() []*conn {
	var all []*conn
	for _, c := range t.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *conn) int {
		return cmp.Or(a.ends[0].Compare(b.ends[0]), a.ends[1].Compare(b.ends[1]))
	})
	return all
}

// A Listener is an address with the number of its connections.
type Listener struct {
	Addr        netip.AddrPort
	Connections int
}

// TLS lists the addresses that speak TLS, by address. Of a connection that was there before the
// capture, it is the end with the lower port.
func (t *Tracker) TLS() []Listener {
	var all []Listener
	for addr, n := range t.tls {
		all = append(all, Listener{addr, n})
	}
	slices.SortFunc(all, func(a, b Listener) int { return a.Addr.Compare(b.Addr) })
	return all
}

func (t *Tracker) sawTLS(c *conn) {
	server := c.ends[0]
	switch {
	case c.client >= 0:
		server = c.ends[1-c.client]
	case c.ends[1].Port() < server.Port():
		server = c.ends[1]
	}
	t.tls[server]++
}
