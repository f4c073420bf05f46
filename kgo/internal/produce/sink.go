package produce

import (
	"math"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Port is a [Queue] as sinks see it: its owner takes the lock round each call.
type Port interface {
	Take(now time.Time, broker int32, identity Identity, eager bool, room int) Taken
	Resolve(now time.Time, b *Batch, r Result, jitter float64) Resolution
}

// An Event is what a [Sink] is told.
type Event interface{ sinkEvent() }

// Ready says that a queue may have something for the broker: its first record, a sealed batch,
// a batch that was prepared, or that the broker leads the partition now.
type Ready struct{ Port Port }

// Answered says what became of a request.
type Answered struct {
	Request *Request
	// Response is the broker's answer; nil without one, because of Failure or because acks 0
	// was asked for.
	Response *kmsg.ProduceResponse
	Failure  error
	// Written says that the broker may have the request in spite of Failure.
	Written bool
}

// Identified tells the producer's newest identity.
type Identified struct{ Identity Identity }

// Hurry says whether somebody waits for all records, so that none waits for others.
type Hurry struct{ On bool }

func (*Ready) sinkEvent()      {}
func (*Answered) sinkEvent()   {}
func (*Identified) sinkEvent() {}
func (*Hurry) sinkEvent()      {}

// An Action is what a [Sink] wants done.
type Action interface{ sinkAction() }

// A Request goes to the sink's broker; Answered tells how it went. It is an action itself.
type Request struct {
	Parts []Part
	Bytes int // of the batches
}

// A Part of a request is one batch, for one partition.
type Part struct {
	Port  Port
	Batch *Batch

	done bool
}

// Prepare wants a batch compressed and checksummed; then [Queue.Prepared] and Ready.
type Prepare struct {
	Port  Port
	Batch *Batch
}

// Outcomes are ends of batches, for who waits for them.
type Outcomes struct{ Outcomes []Outcome }

// Stale says that the broker does not lead a partition, though it was believed to. Leader and
// Epoch are what it said instead (KIP-951), -1 for nothing.
type Stale struct {
	Port   Port
	Batch  *Batch // for the names
	Leader int32
	Epoch  int32
	// Endpoints has the address of Leader, if it was told.
	Endpoints []kmsg.ProduceResponseNodeEndpoint
}

// Split wants a batch made into two, which go to [Queue.Replace]; then Ready.
type Split struct {
	Port  Port
	Batch *Batch
}

// Want says that a queue cannot go on without an identity, or one that is newer than Old.
type Want struct {
	Need Need
	Old  Identity
}

// Moved says that a queue has another leader, whose sink must be told.
type Moved struct{ Port Port }

func (*Request) sinkAction()  {}
func (*Prepare) sinkAction()  {}
func (*Outcomes) sinkAction() {}
func (*Stale) sinkAction()    {}
func (*Split) sinkAction()    {}
func (*Want) sinkAction()     {}
func (*Moved) sinkAction()    {}

// A Sink is the cell that sends batches to one broker. See package loop for how it is run.
type Sink struct {
	set    *Settings
	broker int32
	random func() float64

	identity Identity
	wanted   Want // what was asked for last
	hurry    int
	inFlight int

	lines   map[Port]*line
	ready   []*line // to be looked at, in this order
	later   []*line // with a time, in no order
	parked  []*line // without an identity
	due     time.Time
	actions []Action // actions[next:] are to be done
	next    int
}

// A line is a queue in a sink: in exactly one of its lists.
type line struct {
	port    Port
	at      time.Time // when in later
	lingers bool      // what it waits for in later is more records
	listed  bool      // in ready
}

// NewSink returns the sink of a broker. Random returns numbers from 0 to 1.
func NewSink(set *Settings, broker int32, random func() float64) *Sink {
	return &Sink{set: set, broker: broker, random: random, identity: NoIdentity, lines: map[Port]*line{}}
}

// Handle takes note of an event.
func (s *Sink) Handle(now time.Time, event Event) {
	switch e := event.(type) {
	case *Ready:
		s.list(e.Port)
	case *Answered:
		s.inFlight--
		s.answered(now, e)
	case *Identified:
		s.identity, s.wanted = e.Identity, Want{}
		for _, l := range s.parked {
			s.list(l.port)
		}
		s.parked = s.parked[:0]
	case *Hurry:
		if e.On {
			s.hurry++
			s.promote(func(l *line) bool { return l.lingers })
		} else {
			s.hurry--
		}
	}
}

// Deadline is when a queue has waited long enough.
func (s *Sink) Deadline() time.Time {
	if s.inFlight >= s.set.InFlight {
		return time.Time{} // nothing can be done before an answer
	}
	return s.due
}

// Poll says what to do.
func (s *Sink) Poll(now time.Time) (Action, bool) {
	for {
		if s.next < len(s.actions) {
			a := s.actions[s.next]
			s.actions[s.next] = nil
			s.next++
			return a, true
		}
		s.actions, s.next = s.actions[:0], 0
		if s.inFlight >= s.set.InFlight {
			return nil, false
		}
		if !s.due.IsZero() && !now.Before(s.due) {
			s.promote(func(l *line) bool { return !now.Before(l.at) })
		}
		if s.inFlight == 0 {
			s.promote(func(l *line) bool { return l.lingers })
		}
		if len(s.ready) == 0 {
			return nil, false
		}
		s.gather(now)
		if len(s.actions) == 0 {
			return nil, false
		}
	}
}

func (s *Sink) do(a Action) { s.actions = append(s.actions, a) }

// list puts a queue at the end of those that are looked at.
func (s *Sink) list(p Port) {
	l := s.lines[p]
	if l == nil {
		l = &line{port: p}
		s.lines[p] = l
	}
	if !l.listed {
		l.listed, l.at = true, time.Time{}
		s.ready = append(s.ready, l)
	}
}

// promote moves queues from later to ready, and finds out when the next one is due.
func (s *Sink) promote(is func(*line) bool) {
	kept := s.later[:0]
	s.due = time.Time{}
	for _, l := range s.later {
		switch {
		case l.listed || l.at.IsZero(): // listed meanwhile
		case is(l):
			s.list(l.port)
		default:
			kept = append(kept, l)
			if s.due.IsZero() || l.at.Before(s.due) {
				s.due = l.at
			}
		}
	}
	clear(s.later[len(kept):])
	s.later = kept
}

// gather looks at the queues in turn and makes a request of what they have.
func (s *Sink) gather(now time.Time) {
	var req *Request
	eager := s.hurry > 0 || s.inFlight == 0
	room := math.MaxInt
	for range len(s.ready) {
		l := s.ready[0]
		s.ready[0] = nil
		s.ready = s.ready[1:]
		l.listed = false
		t := l.port.Take(now, s.broker, s.identity, eager, room)
		if len(t.Given) > 0 {
			s.do(&Outcomes{t.Given})
		}
		if t.Prepare != nil {
			s.do(&Prepare{l.port, t.Prepare})
		}
		if t.Elsewhere {
			s.do(&Moved{l.port})
		}
		if t.Batch != nil {
			if req == nil {
				req = &Request{}
				room = s.set.RequestBytes
			}
			req.Parts = append(req.Parts, Part{Port: l.port, Batch: t.Batch})
			req.Bytes += t.Batch.Size()
			room -= t.Batch.Size()
		}
		s.settle(l, t)
		if req != nil && room <= 0 {
			break
		}
	}
	if len(s.ready) == 0 {
		s.ready = nil
	}
	if req != nil {
		s.inFlight++
		s.do(req)
	}
}

// settle says when to look at a queue again.
func (s *Sink) settle(l *line, t Taken) {
	switch {
	case t.More:
		s.list(l.port)
	case t.Need != NeedNothing:
		s.parked = append(s.parked, l)
		if want := (Want{t.Need, t.OldIdentity}); want != s.wanted {
			s.wanted = want
			s.do(&want)
		}
	case !t.Again.IsZero():
		l.at, l.lingers = t.Again, t.Lingers
		s.later = append(s.later, l)
		if s.due.IsZero() || l.at.Before(s.due) {
			s.due = l.at
		}
	default:
		delete(s.lines, l.port) // until it is told
	}
}

// answered resolves the parts of a request.
func (s *Sink) answered(now time.Time, e *Answered) {
	parts := e.Request.Parts
	if e.Response != nil {
		s.match(now, e)
	}
	for i := range parts {
		if parts[i].done {
			continue
		}
		r := Result{BaseOffset: -1, LogAppendTime: -1, Failure: e.Failure, Written: e.Written}
		if e.Response != nil {
			r.Failure, r.Written = ErrNoAnswer, true
		}
		s.resolve(now, &parts[i], r, nil, nil)
	}
}

// match finds the parts that an answer speaks of. Brokers mostly answer in the order of the
// request; they may leave parts out, repeat them, or make some up.
func (s *Sink) match(now time.Time, e *Answered) {
	parts, next := e.Request.Parts, 0
	for i := range e.Response.Responses {
		topic := &e.Response.Responses[i]
		for j := range topic.PartitionResponses {
			p := &topic.PartitionResponses[j]
			for k := range parts {
				part := &parts[(next+k)%len(parts)]
				if part.done || !part.is(topic.Name, topic.TopicID, p.Index) {
					continue
				}
				next = (next + k + 1) % len(parts)
				s.resolve(now, part, Result{
					Code:          p.ErrorCode,
					Message:       p.ErrorMessage.S,
					BaseOffset:    p.BaseOffset,
					LogAppendTime: p.LogAppendTimeMs,
				}, p, e.Response.NodeEndpoints)
				break
			}
		}
	}
}

// is reports whether the part is of a partition, named by the topic's name or its id.
func (p *Part) is(topic string, id kbin.UUID, partition int32) bool {
	q := p.Batch.queue
	if q.Partition != partition {
		return false
	}
	if topic != "" {
		return q.Topic == topic
	}
	return p.Batch.sentID == id
}

func (s *Sink) resolve(now time.Time, part *Part, r Result, p *kmsg.ProduceResponsePartitionProduceResponse, endpoints []kmsg.ProduceResponseNodeEndpoint) {
	part.done = true
	res := part.Port.Resolve(now, part.Batch, r, s.random())
	if len(res.Outcomes) > 0 {
		s.do(&Outcomes{res.Outcomes})
	}
	if res.Stale {
		stale := &Stale{Port: part.Port, Batch: part.Batch, Leader: -1, Epoch: -1}
		if p != nil {
			stale.Leader, stale.Epoch, stale.Endpoints = p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch, endpoints
		}
		s.do(stale)
	}
	switch {
	case res.Split != nil:
		s.do(&Split{part.Port, res.Split})
	case res.Ready:
		s.list(part.Port)
	}
}
