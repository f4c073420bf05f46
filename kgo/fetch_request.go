package kgo

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// fetchLanes are the connections that a consumer fetches over: it does not share them, since a
// broker that waits for records of one consumer answers nobody else on that connection.
type fetchLanes struct {
	c *Consumer

	mu     sync.Mutex
	lanes  map[laneID]*fetchLane
	closed bool
}

type laneID struct {
	broker int32
	number int
}

// A fetchLane sends a lane's requests, one at a time.
type fetchLane struct {
	ownRequest
	c       *Consumer
	peer    *peer
	request *fetch.Request
	event   fetch.Answered
	message kmsg.FetchRequest
	answer  kmsg.FetchResponse
	frame   *frame // of the last answer
	room    func(int) []byte
	session atomic.Int32 // that the broker keeps for the lane, 0 for none
}

func (ls *fetchLanes) init(c *Consumer) {
	ls.c, ls.lanes = c, map[laneID]*fetchLane{}
}

// send sends a request over its lane.
func (ls *fetchLanes) send(r *fetch.Request) {
	l := ls.of(r)
	c := ls.c
	l.request = r
	l.Request = link.Request{
		Key: kmsg.KeyFetch, Min: r.MinVersion, Max: r.MaxVersion, Body: l, To: l, Room: l.room,
		Expect:  int(r.Reserved),
		Timeout: c.client.config.requestTimeout + r.MaxWait,
	}
	if l.lane == nil {
		l.Err = &link.Failure{Stage: link.StageQueue, Err: errLeft}
		l.Done(&l.Request)
		return
	}
	l.lane.conn.Send(&l.Request)
}

// of returns the lane of a request, with a connection to the broker as it is known now.
func (ls *fetchLanes) of(r *fetch.Request) *fetchLane {
	id := laneID{r.Broker, r.Lane}
	p := ls.c.client.peers.known(r.Broker)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lanes[id]
	if l == nil {
		l = &fetchLane{c: ls.c, room: ls.c.memory.get}
		ls.lanes[id] = l
	}
	if l.peer != p || ls.closed {
		if l.lane != nil {
			l.peer.dismiss(l.lane)
		}
		l.peer, l.lane = p, nil
		if p != nil && !ls.closed {
			l.lane = p.ownLane(route.FetchLane)
		}
	}
	return l
}

// frameOf returns the memory of the last answer to a request.
func (ls *fetchLanes) frameOf(r *fetch.Request) *frame {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.lanes[laneID{r.Broker, r.Lane}].frame
}

// close closes the connections, and waits for them.
func (ls *fetchLanes) close() {
	ls.mu.Lock()
	ls.closed = true
	var open []*lane
	for _, l := range ls.lanes {
		if l.lane != nil {
			l.peer.dismiss(l.lane)
			open = append(open, l.lane)
		}
	}
	ls.mu.Unlock()
	for _, l := range open {
		<-l.conn.Done()
	}
}

// drop gives back the memory of answers that came and were not handed out any more. The lanes are
// closed, and so is the cell.
func (ls *fetchLanes) drop() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.lanes {
		if f := l.frame; f != nil && !f.claimed.Swap(true) {
			ls.c.memory.change(-int64(cap(f.buf)), 0)
		}
	}
}

// endSessions tells brokers that the lanes' sessions are not needed any more, so that they have room
// for others (KIP-227), and waits a second for them at most. It does so where an ordinary connection
// stands; other brokers find out by themselves in some minutes. The lanes are closed.
func (ls *fetchLanes) endSessions() {
	ls.mu.Lock()
	all := slices.Collect(maps.Values(ls.lanes))
	ls.mu.Unlock()
	var waits sync.WaitGroup
	for _, l := range all {
		session := l.session.Load()
		if session == 0 || l.peer == nil {
			continue
		}
		to := l.peer.standing(route.Ordinary)
		if to == nil {
			continue
		}
		last := kmsg.NewFetchRequest()
		last.SessionID, last.SessionEpoch = session, -1
		r := link.NewRequest(last)
		r.Min, r.Deadline = 7, now().Add(time.Second)
		r.To = &farewell{&waits, ls.c.client, to}
		waits.Add(1)
		to.conn.Send(r)
	}
	waits.Wait()
}

// A farewell is who waits for the end of a session.
type farewell struct {
	waits  *sync.WaitGroup
	client *Client
	lane   *lane
}

// Done ends the wait. What the broker says makes no difference.
func (f *farewell) Done(r *link.Request) {
	f.client.requestEvent(r, f.lane)
	f.waits.Done()
}

// Encode writes the request.
func (l *fetchLane) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	l.request.Fill(&l.message, version)
	dst, err := link.AppendRequest(dst, h, &l.message)
	return dst, nil, err
}

// Done decodes the answer and tells the cell.
func (l *fetchLane) Done(*link.Request) {
	c, r := l.c, l.request
	e := &l.event
	*e = fetch.Answered{Request: r, Waited: c.hungry.of(l.Sent, l.Ended)}
	if l.Err == nil {
		l.answer.SetAPIVersion(l.Version)
		_, err := kmsg.DecodeResponseLenient(l.Frame, &l.answer)
		if err == nil {
			e.Response = &l.answer
			l.frame = &frame{memory: c.memory, buf: l.Frame}
			l.session.Store(l.answer.SessionID)
			if l.answer.ThrottleTimeMs > 0 {
				l.lane.conn.Throttled(&l.Request, time.Duration(l.answer.ThrottleTimeMs)*time.Millisecond)
			}
		}
		e.Failure = err
	} else {
		e.Failure = l.Err
		if l.lane != nil {
			e.Failure = locate(l.Err, l.lane)
			if unsupported, ok := errors.AsType[*link.UnsupportedError](l.Err); ok && l.Err.Stage == link.StageEncode {
				e.Failure = newUnsupportedError(l.lane.peer(), unsupported)
			}
		}
		e.Fatal = forGood(e.Failure)
	}
	if l.lane != nil {
		c.client.requestEvent(&l.Request, l.lane)
	}
	used := -r.Reserved
	if e.Response != nil {
		used += int64(cap(l.Frame)) // until it is consumed
	}
	l.Frame = nil
	c.memory.change(used, 0)
	c.loop.Post(e)
}
