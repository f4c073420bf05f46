package exchange

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A state is what is known of a connection.
type state int

const (
	unknown state = iota
	kafka
	tls
	other // another protocol, or over
)

// What a connection keeps at most.
const (
	maxWaiting      = 1024     // requests without a response
	maxWaitingBytes = 64 << 20 // of these requests
	maxSearched     = 16 << 20 // bytes without a frame, until it is of another protocol
	maxAwaited      = 4 << 20  // size of a frame that is not certain and is waited for
	maxCandidates   = 64       // beginnings of frames that are waited for
)

// A conn is a connection.
type conn struct {
	t      *Tracker
	ends   [2]netip.AddrPort
	sides  [2]side // what ends send
	state  state
	stats  capture.Stats
	client int  // which end it is, -1 if that is not known
	spoken bool // some bytes went by

	waiting      []*Exchange // requests in their order, that have no response yet
	waitingBytes int
	mechanism    string // of tokens that go by without headers; "" if none do
	searched     int    // bytes, by both sides
	tlsSeen      int    // chunks that begin like TLS
}

// chunk takes what comes next from one end.
func (c *conn) chunk(from int, k capture.Chunk) {
	if len(k.Data) > 0 {
		c.data(from, k.Data, k.Time)
	}
	if k.Missing > 0 && c.state <= kafka {
		c.miss(from, k)
	}
}

// miss goes over bytes of an end that were not captured.
func (c *conn) miss(from int, k capture.Chunk) {
	if s := &c.sides[from]; s.mode == opened {
		if from == c.client && len(s.kept) >= opening {
			c.trust() // the rest of the first request is missing
		} else { // what the connection began with is not known
			c.sides[0].mode, c.sides[1].mode = searching, searching
		}
		if c.state > kafka {
			return
		}
	}
	c.sides[from].miss(k.Missing, c.each(from))
	c.search()
}

func (c *conn) each(from int) func(*Frame) bool {
	if from == c.client {
		return c.request
	}
	return c.response
}

func (c *conn) data(from int, data []byte, at time.Time) {
	s := &c.sides[from]
	c.spoken = true
	switch {
	case c.state > kafka:
		return
	case s.mode == framing:
		s.cut(data, at, c.each(from))
	case s.mode == opened:
		c.open(from, data, at)
	default:
		s.keep(data, at)
		c.seekTLS(data)
	}
	c.search()
}

// open recognises what a connection speaks by its first bytes.
func (c *conn) open(from int, data []byte, at time.Time) {
	s := &c.sides[from]
	if from != c.client {
		c.become(other) // Kafka's clients speak first
		return
	}
	s.keep(data, at)
	switch b := s.kept; {
	case isHello(b):
		c.become(tls)
	case len(b) < opening:
	case isKerberos(b):
		c.mechanism = "GSSAPI"
		c.speaksKafka()
	case !looksLikeRequest(b, false):
		c.become(other)
	case binary.BigEndian.Uint32(b) > maxAwaited:
		c.trust()
	default:
		frame, _, err := kmsg.SplitFrame(b, maxAwaited)
		switch {
		case err != nil || frame == nil:
		case isRequest(frame):
			c.speaksKafka()
		default:
			c.trust()
		}
	}
}

// trust believes that a connection begins with a request though it cannot be decoded, if that
// names its client: other protocols have zeros there.
func (c *conn) trust() {
	if b := c.sides[c.client].kept; binary.BigEndian.Uint16(b[12:]) == 0 || int16(binary.BigEndian.Uint16(b[12:])) < 0 {
		c.become(other)
		return
	}
	c.speaksKafka()
}

// speaksKafka begins to cut frames from the beginning on.
func (c *conn) speaksKafka() {
	c.become(kafka)
	c.sides[1-c.client].mode = framing
	c.sides[c.client].frames(c.request)
}

// become says what the connection is.
func (c *conn) become(s state) {
	c.state = s
	switch s {
	case kafka:
		c.t.Connections++
	case tls:
		c.t.sawTLS(c)
	case other:
		c.t.Others++
	}
	if s > kafka {
		c.sides = [2]side{} // what they keep is of no use
	}
}

// seekTLS recognises TLS on a connection that was there before the capture.
func (c *conn) seekTLS(data []byte) {
	if c.state != unknown || !looksLikeTLS(data) {
		return
	}
	if c.tlsSeen++; c.tlsSeen >= 2 {
		c.become(tls)
	}
}

// search looks for frames where one side has lost them.
func (c *conn) search() {
	for from := range c.sides {
		if s := &c.sides[from]; c.state <= kafka && s.mode == searching && len(s.kept) > 0 {
			c.searchSide(from)
		}
	}
	if c.state == unknown && c.searched > maxSearched {
		c.become(other)
	}
}

func (c *conn) searchSide(from int) {
	s := &c.sides[from]
	for s.mode == searching && len(s.kept) > 0 {
		var skipped int
		var found bool
		if c.state == kafka && from != c.client {
			skipped, found = s.find(8, c.looksLikeResponse, c.isResponse)
		} else {
			skipped, found = s.find(opening, looksLikeKnownRequest, isRequest)
		}
		c.searched += skipped
		if c.state == kafka {
			c.t.Skipped += skipped
		}
		if !found {
			return
		}
		if c.state == unknown {
			c.client = from
			c.become(kafka)
		}
		s.frames(c.each(from))
	}
}

// looksLikeResponse reports whether bytes, which begin with a size, may be the beginning of the
// response to a request that waits.
func (c *conn) looksLikeResponse(b []byte) bool {
	return c.asked(int32(binary.BigEndian.Uint32(b[4:]))) >= 0
}

// isResponse reports whether a frame is the response to a request that waits.
func (c *conn) isResponse(frame []byte) bool {
	id, ok := kmsg.CorrelationID(frame)
	n := c.asked(id)
	return ok && n >= 0 && isResponse(frame, c.waiting[n])
}

// asked returns which of the requests that wait has a correlation id, -1 if none has.
func (c *conn) asked(correlationID int32) int {
	for i, e := range c.waiting {
		if e.SASL == "" && e.Known && e.Header.CorrelationID == correlationID {
			return i
		}
	}
	return -1
}

// request takes a frame of the client, and reports whether it makes sense.
func (c *conn) request(f *Frame) bool {
	e := &Exchange{Client: c.ends[c.client], Broker: c.ends[1-c.client], Request: *f}
	if c.mechanism != "" {
		if !isRequest(f.Bytes) {
			e.SASL = c.mechanism
			c.wait(e)
			return true
		}
		c.mechanism = ""
	}
	if f.Missing == 0 && len(f.Bytes) < minRequest {
		return false
	}
	h, _, err := kmsg.DecodeRequestHeader(f.Bytes)
	e.Header, e.Known = h, err == nil
	if !e.Known && f.Missing == 0 {
		return false
	}
	switch r := e.matters().(type) {
	case *kmsg.ProduceRequest:
		if r.Acks == kmsg.AcksNone {
			e.Note = NoteNoAcks
			c.t.emit(e)
			return true
		}
	case *kmsg.SASLHandshakeRequest:
		if r.Version == 0 {
			c.mechanism = r.Mechanism
		}
	}
	c.wait(e)
	return true
}

// matters returns the request if what follows on the connection depends on what is in it, and
// else nil.
func (e *Exchange) matters() kmsg.Request {
	key := kmsg.APIKey(e.Header.RequestAPIKey)
	if !e.Known || e.Request.Missing > 0 || key != kmsg.KeyProduce && key != kmsg.KeySASLHandshake {
		return nil
	}
	_, req, err := kmsg.DecodeRequest(e.Request.Bytes)
	if err != nil {
		return nil
	}
	return req
}

// wait puts a request in the line of those that wait for a response.
func (c *conn) wait(e *Exchange) {
	c.waiting = append(c.waiting, e)
	c.waitingBytes += len(e.Request.Bytes)
	for len(c.waiting) > maxWaiting || c.waitingBytes > maxWaitingBytes {
		c.leave(1, NoteUnanswered)
	}
}

// leave gives up on the first requests that wait.
func (c *conn) leave(n int, note string) {
	for _, e := range c.waiting[:n] {
		c.waitingBytes -= len(e.Request.Bytes)
		e.Note = note
		c.t.emit(e)
	}
	c.waiting = slices.Delete(c.waiting, 0, n)
}

// response takes a frame of the broker, and reports whether it makes sense.
func (c *conn) response(f *Frame) bool {
	id, ok := kmsg.CorrelationID(f.Bytes)
	n := -1
	if ok {
		n = c.asked(id)
	}
	if len(c.waiting) > 0 && (c.waiting[0].SASL != "" || !c.waiting[0].Known) && !c.isResponse(f.Bytes) {
		return c.answer(f) // where there is no correlation id, the order tells
	}
	if !ok {
		return false
	}
	if n >= 0 {
		c.leave(n, NoteUnanswered)
		return c.answer(f)
	}
	e := &Exchange{Client: c.ends[c.client], Broker: c.ends[1-c.client], Response: *f, Note: NoteUnasked}
	e.Header.CorrelationID = id
	c.t.emit(e)
	return true
}

// answer gives a response to the first request that waits.
func (c *conn) answer(f *Frame) bool {
	e := c.waiting[0]
	c.waiting = slices.Delete(c.waiting, 0, 1)
	c.waitingBytes -= len(e.Request.Bytes)
	e.Response = *f
	c.t.emit(e)
	return true
}

// over ends the connection.
func (c *conn) over(note string) {
	for from := range c.sides {
		c.sides[from].stream.End(func(k capture.Chunk) { c.chunk(from, k) })
	}
	if c.state == unknown && c.spoken {
		c.become(other)
	}
	c.leave(len(c.waiting), note)
	if c.state == kafka {
		c.t.Stats.Add(c.stats)
	}
	c.state = other
}
