package kgo

import (
	"fmt"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/loop"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A sink does what a [produce.Sink] decides.
type sink struct {
	p      *Producer
	broker int32
	loop   *loop.Loop[produce.Event, produce.Action]

	mu    sync.Mutex
	spare []*kmsg.ProduceResponse // decoded into again
}

// sink returns the sink of a broker.
func (p *Producer) sink(broker int32) *sink {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sinks[broker]
	if s == nil {
		s = &sink{p: p, broker: broker}
		cell := sinkCell{produce.NewSink(p.set, broker, jitter), s}
		cell.Handle(now(), &produce.Identified{Identity: p.names.current()})
		cell.Handle(now(), &produce.Hurry{})
		s.loop = loop.New[produce.Event, produce.Action](cell, s.act)
		p.sinks[broker] = s
	}
	return s
}

// allSinks returns those that there are.
func (p *Producer) allSinks() []*sink {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*sink, 0, len(p.sinks))
	for _, s := range p.sinks {
		all = append(all, s)
	}
	return all
}

// A sinkCell takes answers back when the cell has read them, and says whether somebody waits.
type sinkCell struct {
	*produce.Sink
	s *sink
}

// Handle is the cell's.
func (c sinkCell) Handle(now time.Time, e produce.Event) {
	var resp *kmsg.ProduceResponse
	switch e := e.(type) {
	case *produce.Answered:
		resp = e.Response
	case *produce.Hurry: // two of them may come in the wrong order
		e.On = c.s.p.hurry.Load() > 0
	}
	c.Sink.Handle(now, e)
	if resp != nil {
		c.s.mu.Lock()
		c.s.spare = append(c.s.spare, resp) // as many as there are requests
		c.s.mu.Unlock()
	}
}

// response returns one to decode into.
func (s *sink) response() *kmsg.ProduceResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.spare) - 1
	if n < 0 {
		return kmsg.NewProduceResponse()
	}
	resp := s.spare[n]
	s.spare = s.spare[:n]
	return resp
}

// tell says to the sink of a partition's leader, if there is one, that there is something.
func (p *Producer) tell(leader int32, q *queue) {
	if leader >= 0 {
		p.sink(leader).loop.Post(&q.ready)
	}
}

// act performs an action. It does not block.
func (s *sink) act(a produce.Action) {
	p := s.p
	switch a := a.(type) {
	case *produce.Request:
		s.send(a)
	case *produce.Cancel:
		a.Request.Tag.(*produceRequest).cancel()
	case *produce.Prepare:
		p.workers.add(work{queue: a.Port.(*queue), batch: a.Batch})
	case *produce.Split:
		p.workers.add(work{queue: a.Port.(*queue), batch: a.Batch, split: true})
	case *produce.Hint:
		p.hint(a)
	case *produce.Stale:
		p.stale(a)
	case *produce.Want:
		p.names.want(a)
	case *produce.Moved:
		q := a.Port.(*queue)
		q.mu.Lock()
		leader := q.core.Leader()
		q.mu.Unlock()
		p.tell(leader, q)
	default:
		panic(fmt.Sprintf("kgo: unknown action %T", a))
	}
}

// stale asks who leads partitions.
func (p *Producer) stale(a *produce.Stale) {
	need := &cluster.Need{Newer: p.client.meta.snapshot().Seq, Reason: "a broker does not lead a partition"}
	if a.Slow {
		need.Reason = "a broker does not answer to Produce"
	}
	for _, port := range a.Ports {
		topic := port.(*queue).core.Topic
		if n := len(need.Topics); n == 0 || need.Topics[n-1] != topic {
			need.Topics = append(need.Topics, topic)
		}
	}
	p.client.meta.post(need)
}

// hint passes on what a broker said of a partition's leader, and asks if that does not help.
func (p *Producer) hint(a *produce.Hint) {
	q := a.Port.(*queue)
	meta := p.client.meta
	e := &a.Endpoint
	_, known := meta.snapshot().Broker(a.Leader)
	if e.Host == "" && !known {
		p.stale(&produce.Stale{Ports: []produce.Port{q}})
		return
	}
	hint := &cluster.LeaderHint{Topic: q.core.Topic, TopicID: a.TopicID, Partition: q.core.Partition, Leader: a.Leader, Epoch: a.Epoch}
	if e.Host != "" {
		hint.Endpoint = &cluster.Broker{ID: e.NodeID, Host: e.Host, Port: e.Port, Rack: e.Rack.S}
	}
	if !hint.Helps(meta.snapshot()) {
		p.stale(&produce.Stale{Ports: []produce.Port{q}})
		return
	}
	meta.post(hint)
}
