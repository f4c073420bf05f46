package kgo

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/loop"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A sink does what a [produce.Sink] decides.
type sink struct {
	p      *Producer
	broker int32
	loop   *loop.Loop[produce.Event, produce.Action]
	work   chan struct{} // has an element for each batch that is being compressed
}

// sink returns the sink of a broker.
func (p *Producer) sink(broker int32) *sink {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sinks[broker]
	if s == nil {
		s = &sink{p: p, broker: broker, work: make(chan struct{}, runtime.GOMAXPROCS(0))}
		cell := produce.NewSink(p.set, broker, jitter)
		cell.Handle(now(), &produce.Identified{Identity: p.names.current()})
		for range p.hurry {
			cell.Handle(now(), &produce.Hurry{On: true})
		}
		s.loop = loop.New(cell, s.act)
		p.sinks[broker] = s
	}
	return s
}

func (s *sink) quit() { s.loop.Stop() }

// act performs an action. It does not block.
func (s *sink) act(a produce.Action) {
	p := s.p
	switch a := a.(type) {
	case *produce.Request:
		s.send(a)
	case *produce.Prepare:
		s.prepare(a)
	case *produce.Stale:
		p.stale(a)
	case *produce.Hint:
		p.hint(a)
	case *produce.Cancel:
		r := a.Request.Tag.(*produceRequest)
		r.lane.conn.Cancel(&r.Request)
	case *produce.Split:
		go s.split(a)
	case *produce.Want:
		p.names.want(a)
	case *produce.Moved:
		p.signal(a.Port.(*queue))
	default:
		panic(fmt.Sprintf("kgo: unknown action %T", a))
	}
}

// smallBatch is how large a batch is at most that is compressed on the spot: to hand it over would
// take longer.
const smallBatch = 16 << 10

// prepare compresses a batch, on another goroutine unless it is small.
func (s *sink) prepare(a *produce.Prepare) {
	if len(a.Batch.Sealed.Bytes) <= smallBatch {
		s.compress(a)
		return
	}
	go func() {
		s.work <- struct{}{} // as many at a time as there are processors
		defer func() { <-s.work }()
		s.compress(a)
	}()
}

func (s *sink) compress(a *produce.Prepare) {
	p, t := s.p, a.Batch.Tag.(*tag)
	into := p.memory.force(len(a.Batch.Sealed.Bytes))
	sealed := a.Batch.Sealed
	unused, err := sealed.Compress(p.codecs, p.config.compression, into)
	switch {
	case err != nil: // of a codec of the user's own: the batch goes as it is
		p.client.log.Warn("cannot compress", "codec", p.config.compression.Codec, "error", err)
		sealed.Checksum()
		p.memory.give(into)
	case len(unused) > 0 && len(t.buffer) >= 0 && &unused[:1][0] == &t.buffer[:1][0]:
		t.sealed = into
		p.memory.give(t.buffer)
		t.buffer = nil
	default:
		p.memory.give(into)
	}
	q := a.Port.(*queue)
	q.mu.Lock()
	q.core.Prepared(a.Batch, sealed)
	q.ended()
	q.mu.Unlock()
	s.loop.Post(&q.ready)
}

// split makes two batches of one that is too large for the broker.
func (s *sink) split(a *produce.Split) {
	p, q := s.p, a.Port.(*queue)
	left, right, err := p.halves(a.Batch)
	if err != nil {
		p.client.log.Error("cannot split a batch", "topic", q.core.Topic, "partition", q.core.Partition, "error", err)
	}
	q.mu.Lock()
	replaced := q.core.Replace(a.Batch, left, right)
	q.ended()
	q.mu.Unlock()
	if !replaced {
		s.loop.Post(&q.ready)
		return
	}
	old := a.Batch.Tag.(*tag)
	p.memory.give(old.buffer)
	p.memory.give(old.sealed)
	s.loop.Post(&q.ready)
}

// halves encodes the two halves of a batch anew.
func (p *Producer) halves(b *produce.Batch) (left, right *produce.Batch, err error) {
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() {
		return nil, nil, fmt.Errorf("kgo: our own batch cannot be read: %w", r.Err())
	}
	payload, _, err := r.Batch.Payload(p.codecs, nil, batch.DefaultLimit)
	if err != nil {
		return nil, nil, err
	}
	old := b.Tag.(*tag)
	left, right = p.newBatch(), p.newBatch()
	for _, half := range []*produce.Batch{left, right} {
		buf := p.memory.force(len(payload) + batch.HeaderSize)
		half.Builder.Reset(buf, batch.V2)
		half.Tag.(*tag).buffer = buf
	}
	if err := batch.Split(&r.Batch, payload, &left.Builder, &right.Builder); err != nil {
		p.memory.give(left.Tag.(*tag).buffer)
		p.memory.give(right.Tag.(*tag).buffer)
		return nil, nil, err
	}
	n := left.Builder.Len()
	for i, s := range old.slots {
		if i < n {
			left.Tag.(*tag).add(i, s.ts, s.callback, s.wait)
		} else {
			right.Tag.(*tag).add(i-n, s.ts, s.callback, s.wait)
		}
	}
	right.Tag.(*tag).watchers = old.watchers
	for _, half := range []*produce.Batch{left, right} {
		half.Sealed = half.Builder.Seal()
		if _, err := half.Sealed.Compress(p.codecs, p.config.compression, nil); err != nil {
			half.Sealed.Checksum()
		}
	}
	p.batches.Add(1)
	return left, right, nil
}

// stale takes note that a broker does not lead a partition, and asks who does.
func (p *Producer) stale(a *produce.Stale) {
	meta := p.client.meta
	need := &cluster.Need{Newer: meta.snapshot().Seq, Reason: "a broker does not lead a partition"}
	for _, port := range a.Ports {
		need.Topics = append(need.Topics, port.(*queue).core.Topic)
	}
	meta.post(need)
}

func (p *Producer) hint(a *produce.Hint) {
	q := a.Port.(*queue)
	hint := &cluster.LeaderHint{Topic: q.core.Topic, Partition: q.core.Partition, Leader: a.Leader, Epoch: a.Epoch}
	if e := &a.Endpoint; e.Host != "" {
		hint.Endpoint = &cluster.Broker{ID: e.NodeID, Host: e.Host, Port: e.Port, Rack: e.Rack.S}
	}
	p.client.meta.post(hint)
}

// send hands a request to the broker's lane for producing.
func (s *sink) send(a *produce.Request) {
	r := &produceRequest{sink: s, request: a}
	a.Tag = r
	r.Key, r.Max = kmsg.KeyProduce, maxVersion
	r.Body, r.To = r, r
	r.NoAnswer = s.p.set.Acks == kmsg.AcksNone
	p := s.p.client.peers.get(s.broker, "")
	if p == nil {
		r.Err = &link.Failure{Stage: link.StageQueue, Err: errLeft}
		r.Done(&r.Request)
		return
	}
	r.lane = p.lane(route.ProduceLane)
	r.lane.conn.Send(&r.Request)
}

// A produceRequest is a request of a sink on its way.
type produceRequest struct {
	ownRequest
	sink    *sink
	request *produce.Request
}

// Done decodes the answer and tells the sink.
func (r *produceRequest) Done(*link.Request) {
	event := &produce.Answered{Request: r.request}
	switch {
	case r.Err != nil:
		event.Failure = r.Err
		event.Written = r.Written != link.WrittenNo
		var unsupported *link.UnsupportedError
		if errors.As(r.Err, &unsupported) {
			event.Failure = fmt.Errorf("%w: %w", produce.ErrFatal, r.Err)
		}
		r.sink.p.client.requestEvent(&r.Request, r.lane)
	case !r.NoAnswer:
		resp := kmsg.NewProduceResponse()
		if err := r.decode(resp); err != nil {
			event.Failure, event.Written = err, true
		} else {
			event.Response = resp
		}
	}
	r.sink.loop.Post(event)
}
