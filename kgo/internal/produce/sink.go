package produce

import (
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Port is a [Queue] as sinks see it: its owner takes the lock round each call, and sees to the
// outcomes while it has it, so that they keep their order. An owner may prepare a small batch
// within Take, and take again.
type Port interface {
	Take(now time.Time, broker int32, identity Identity, eager bool, room int) Taken
	Resolve(now time.Time, b *Batch, r Result, jitter float64) Resolution
}

// An Event is what a [Sink] is told.
type Event interface{ sinkEvent() }

// Ready says that a queue may have something for the broker: its first record, a sealed batch,
// a batch that was prepared or split, or that the broker leads the partition now.
type Ready struct{ Port Port }

// Left says that another broker leads the partition of a queue, of which this one has batches. It
// gets a moment to answer, see [Cancel].
type Left struct{ Port Port }

// Answered says what became of a request. It and the request are the sink's from then on.
type Answered struct {
	Request *Request
	// Response is the broker's answer; nil without one, because of Failure or because acks 0
	// was asked for. It is the caller's again when Handle returns.
	Response *kmsg.ProduceResponse
	Failure  error
	// Written says that the broker may have the request in spite of Failure.
	Written bool
}

// Identified tells the producer's newest identity.
type Identified struct{ Identity Identity }

// Hurry says whether somebody waits for all records, or for their memory, so that none waits for
// others.
type Hurry struct{ On bool }

func (*Ready) sinkEvent()      {}
func (*Left) sinkEvent()       {}
func (*Answered) sinkEvent()   {}
func (*Identified) sinkEvent() {}
func (*Hurry) sinkEvent()      {}

// An Action is what a [Sink] wants done.
type Action interface{ sinkAction() }

// A Request goes to the sink's broker; Answered tells how it went. It is an action itself.
//
// It is used again after the answer, with its Tag.
type Request struct {
	Parts []Part
	Bytes int // of the batches
	Tag   any // the owner's

	sent     time.Time
	cancelAt time.Time // when it is cancelled, zero for never
}

// A Part of a request is one batch, for one partition.
type Part struct {
	Port  Port
	Batch *Batch
	// Err is set by who sends the request if this part cannot be sent, and is the reason why the
	// request failed. The others are sent again.
	Err error

	done   bool
	queue  *Queue
	sentID kbin.UUID
}

// Cancel wants a request ended that is not answered, and whose partitions another broker leads
// by now.
type Cancel struct{ Request *Request }

// Prepare wants a batch compressed and checksummed; then [Queue.Prepared], and Ready.
type Prepare struct {
	Port  Port
	Batch *Batch
}

// Split wants a batch made into two, which go to [Queue.Replace]; then Ready.
type Split struct {
	Port  Port
	Batch *Batch
}

// Hint says that the broker does not lead a partition, and who does (KIP-951).
type Hint struct {
	Port          Port
	TopicID       kbin.UUID // by which the batch was sent, or could have been; zero if none was known
	Leader, Epoch int32
	// Endpoint has the address of Leader, no host if it was not told.
	Endpoint kmsg.ProduceResponseNodeEndpoint
}

// Stale says that what is known of the leaders of partitions is not so, or may not be.
type Stale struct {
	Ports []Port
	// Slow says that the broker has not answered for a while.
	Slow bool
}

// Want says that a queue cannot go on without an identity, or one that is newer than Old.
type Want struct {
	Need Need
	Old  Identity
}

// Moved says that a queue has another leader, whose sink must be told.
type Moved struct{ Port Port }

func (*Request) sinkAction() {}
func (*Cancel) sinkAction()  {}
func (*Prepare) sinkAction() {}
func (*Split) sinkAction()   {}
func (*Hint) sinkAction()    {}
func (*Stale) sinkAction()   {}
func (*Want) sinkAction()    {}
func (*Moved) sinkAction()   {}

// A Sink is the cell that sends batches to one broker. See package loop for how it is run.
type Sink struct {
	set    *Settings
	broker int32
	random func() float64

	identity Identity
	wanted   Want // what was asked for last
	hurry    bool
	flights  []*Request // not answered, oldest first; at most Settings.InFlight
	slowAt   time.Time  // when Stale said so last
	spare    []*Request // answered

	lines
	turn    uint64 // counts requests
	actions []Action
	polled  int // actions[polled:] are to be done
}

// NewSink returns the sink of a broker. Random returns numbers from 0 to 1.
func NewSink(set *Settings, broker int32, random func() float64) *Sink {
	return &Sink{set: set, broker: broker, random: random, identity: NoIdentity, lines: lines{byPort: map[Port]*line{}}}
}

// Handle takes note of an event.
func (s *Sink) Handle(now time.Time, event Event) {
	switch e := event.(type) {
	case *Ready:
		s.put(s.line(e.Port), placeReady)
	case *Left:
		s.left(now, e.Port)
	case *Answered:
		s.answered(now, e)
	case *Identified:
		s.identity, s.wanted = e.Identity, Want{}
		s.release(placeParked)
	case *Hurry:
		s.hurry = e.On
	}
}

// Poll says what to do.
func (s *Sink) Poll(now time.Time) (Action, bool) {
	for {
		if s.polled < len(s.actions) {
			a := s.actions[s.polled]
			s.actions[s.polled] = nil
			s.polled++
			return a, true
		}
		s.actions, s.polled = s.actions[:0], 0
		s.watch(now)
		if len(s.flights) < s.set.InFlight {
			s.wake(now)
			eager := s.hurry || len(s.flights) == 0 || passed(now, s.lingerDue)
			if eager {
				s.release(placeLinger)
			}
			if s.ready.len() > 0 {
				s.gather(now, eager)
			}
		}
		if len(s.actions) == 0 {
			return nil, false
		}
	}
}

// Deadline is when Poll may have something to do without an event.
func (s *Sink) Deadline() time.Time {
	var d time.Time
	if len(s.flights) > 0 {
		d = s.slowDue()
		for _, r := range s.flights {
			d = sooner(d, r.cancelAt)
		}
	}
	if len(s.flights) < s.set.InFlight { // else nothing can be sent before an answer
		d = sooner(sooner(d, s.lingerDue), s.restDue())
	}
	return d
}

func (s *Sink) do(a Action) { s.actions = append(s.actions, a) }

// slowDue is when the oldest request has been without an answer for long, again.
func (s *Sink) slowDue() time.Time {
	since := s.flights[0].sent
	if s.slowAt.After(since) {
		since = s.slowAt
	}
	return since.Add(patience)
}

// watch looks after requests that are not answered.
func (s *Sink) watch(now time.Time) {
	if len(s.flights) == 0 {
		return
	}
	if !now.Before(s.slowDue()) {
		s.slowAt = now
		stale := &Stale{Slow: true}
		for i := range s.flights[0].Parts {
			stale.Ports = append(stale.Ports, s.flights[0].Parts[i].Port)
		}
		s.do(stale)
	}
	for _, r := range s.flights {
		if passed(now, r.cancelAt) {
			r.cancelAt = time.Time{}
			s.do(&Cancel{r})
		}
	}
}

// left limits how long the broker may keep what it has of a partition.
func (s *Sink) left(now time.Time, p Port) {
	for _, r := range s.flights {
		for i := range r.Parts {
			if r.Parts[i].Port == p && r.cancelAt.IsZero() {
				r.cancelAt = now.Add(farewell)
			}
		}
	}
}

// gather looks at the queues in turn and makes a request of what they have. Once there is
// something to send, all that there is goes along, whether or not it would wait for more.
func (s *Sink) gather(now time.Time, eager bool) {
	s.turn++
	req := s.visit(now, nil, eager)
	if req != nil && !eager && req.Bytes < s.set.RequestBytes {
		s.release(placeLinger)
		s.visit(now, req, true)
	}
	if req != nil {
		req.sent = now
		s.flights = append(s.flights, req)
		s.do(req)
	}
}

// fresh returns a request without parts.
func (s *Sink) fresh() *Request {
	n := len(s.spare) - 1
	if n < 0 {
		return &Request{}
	}
	req := s.spare[n]
	s.spare[n] = nil
	s.spare = s.spare[:n]
	return req
}

// recycle keeps an answered request for another use.
func (s *Sink) recycle(req *Request) {
	clear(req.Parts)
	*req = Request{Parts: req.Parts[:0], Tag: req.Tag}
	s.spare = append(s.spare, req)
}

// visit takes from the queues that are ready, each once, and adds to a request.
func (s *Sink) visit(now time.Time, req *Request, eager bool) *Request {
	for range s.ready.len() {
		l := s.ready.pop()
		l.place = placeNone
		if l.turn == s.turn {
			s.put(l, placeReady) // it has a batch in the request
			continue
		}
		room := 1<<31 - 1
		if req != nil {
			if room = s.set.RequestBytes - req.Bytes; room <= 0 {
				s.ready.unpop(l)
				l.place = placeReady
				break
			}
		}
		t := l.port.Take(now, s.broker, s.identity, eager, room)
		if t.Batch != nil {
			if req == nil {
				req = s.fresh()
			}
			l.turn = s.turn
			req.Parts = append(req.Parts, Part{Port: l.port, Batch: t.Batch, queue: t.Batch.queue, sentID: t.Batch.sentID})
			req.Bytes += len(t.Batch.Sealed.Bytes)
		}
		s.follow(l, &t)
	}
	return req
}

// follow does what a queue says besides, and says when to look at it again.
func (s *Sink) follow(l *line, t *Taken) {
	switch {
	case t.Prepare != nil:
		s.do(&Prepare{l.port, t.Prepare})
	case t.Elsewhere:
		s.do(&Moved{l.port})
		delete(s.byPort, l.port)
	case t.More:
		s.put(l, placeReady)
	case t.Need != NeedNothing:
		s.put(l, placeParked)
		if want := (Want{t.Need, t.OldIdentity}); want != s.wanted {
			s.wanted = want
			s.do(&want)
		}
	case !t.Again.IsZero():
		l.at = t.Again
		if t.Lingers {
			s.put(l, placeLinger)
		} else {
			s.put(l, placeResting)
		}
	}
}
