package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A producer does what the shell of producers does, and has a user who keeps a book of records.
type producer struct {
	c      *client
	set    *produce.Settings
	codec  compress.Settings
	codecs compress.Codecs
	topics []*topic
	sinks  []*sink
	memory memory

	identity produce.Identity
	asking   bool
	fell     time.Time // when a broker seemed to be too old to give one

	records []record
	open    int // without an outcome
	closed  bool
}

// A record is one that the user has handed over.
type record struct {
	part    *part
	value   string
	ended   bool
	err     error
	written bool // though it failed, perhaps
	offset  int64
	logs    int // in how many places the log has it
}

// A topic has the queues of its partitions.
type topic struct {
	p     *producer
	name  string
	parts []*part
	seen  *cluster.Topic
	id    kbin.UUID
	lossy bool // brokers lost what they had

	read      int  // how many partitions are consumed
	recreated int  // how often
	replaced  bool // recreated where topics have no ids
}

// A part is a partition's queue, and its port.
type part struct {
	topic  *topic
	number int32
	core   *produce.Queue
	ready  produce.Ready
	told   int // the record whose outcome came last
	lossy  bool
	holes  map[int64]bool // offsets that never had a record, or have none any more
}

// A run is a batch with the numbers of its records and its memory.
type run struct {
	batch   produce.Batch
	records []int
	memory  []byte
	ended   bool
}

// memory gives buffers, and overwrites those that come back.
type memory struct {
	used, most int
	free       [][]byte
}

const (
	batchBytes = 700
	maxBuffers = 200 // in use, for records that are new
)

func (m *memory) take() []byte {
	m.used++
	m.most = max(m.most, m.used)
	if n := len(m.free) - 1; n >= 0 {
		b := m.free[n]
		m.free = m.free[:n]
		return b[:0]
	}
	return make([]byte, 0, 2*batchBytes)
}

func (m *memory) give(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = 0xdb
	}
	m.used--
	m.free = append(m.free, b)
}

func newProducer(c *client, set *produce.Settings, codec compress.Settings, topics []string, idempotent bool) *producer {
	p := &producer{c: c, set: set, codec: codec, identity: produce.NoIdentity}
	if !idempotent {
		p.identity = produce.Plain
	}
	for _, name := range topics {
		p.topics = append(p.topics, &topic{p: p, name: name})
		c.meta.post(&cluster.Want{Topics: []string{name}})
	}
	c.w.after(p.sweepEvery(), p.sweep)
	return p
}

func (p *producer) sweepEvery() time.Duration { return p.set.DeliveryTimeout / 16 }

// sweep gives up what has run out of time.
func (p *producer) sweep() {
	now := p.c.w.now
	for _, t := range p.topics {
		for _, q := range t.parts {
			q.core.Expire(now)
			q.ended()
			if q.core.Aged(now) {
				q.seal()
				p.tell(q)
			}
		}
	}
	if !p.closed {
		p.c.w.after(p.sweepEvery(), p.sweep)
	}
}

// update takes note of a new snapshot.
func (p *producer) update(s *cluster.Snapshot) {
	for _, t := range p.topics {
		known := s.Topic(t.name)
		if known == nil || known == t.seen || p.closed {
			continue
		}
		t.seen = known
		if len(known.Partitions) == 0 {
			continue
		}
		if !known.ID.IsZero() {
			t.id = known.ID
		}
		for i := len(t.parts); i < len(known.Partitions); i++ {
			q := &part{topic: t, number: int32(i), core: produce.NewQueue(p.set, t.name, t.id, int32(i)), told: -1, lossy: t.lossy}
			q.ready.Port = q
			t.parts = append(t.parts, q)
		}
		for i, q := range t.parts {
			leader := int32(-1)
			if i < len(known.Partitions) {
				leader = known.Partitions[i].Leader
			}
			q.core.SetTopicID(t.id)
			if !q.core.SetLeader(leader) {
				continue
			}
			p.c.w.tracef("%v: leader %d", q, leader)
			if away := q.core.Away(); away >= 0 {
				p.sink(away).post(&produce.Left{Port: q})
			}
			if leader >= 0 && !q.core.Idle() {
				p.sink(leader).post(&q.ready)
			}
		}
	}
}

func (q *part) String() string { return fmt.Sprintf("%s[%d]", q.topic.name, q.number) }

// append hands over a record. It reports false if there is no room.
func (p *producer) append(q *part, force bool) bool {
	w := p.c.w
	n := len(p.records)
	value := strconv.Itoa(n) + " " + "................................................................................................................................"[:w.rand.IntN(120)]
	for {
		b := q.core.Open()
		if b == nil {
			if p.memory.used >= maxBuffers && !force {
				return false
			}
			r := &run{memory: p.memory.take()}
			r.batch.Tag = r
			r.batch.Builder.Reset(r.memory, batch.V2)
			r.batch.Builder.SetLimit(batchBytes)
			q.core.Begin(w.now, &r.batch)
			b = q.core.Open()
		}
		if _, ok := b.Builder.TryAppend(w.now.UnixMilli(), nil, []byte(value), nil); ok {
			r := b.Tag.(*run)
			r.records = append(r.records, n)
			p.records = append(p.records, record{part: q, value: value, offset: -1})
			p.open++
			if len(r.records) == 1 {
				p.tell(q)
			}
			return true
		}
		q.seal()
		p.tell(q)
	}
}

// seal ends the open batch; a worker prepares it if that is wanted.
func (q *part) seal() {
	if b := q.core.Seal(); b != nil && q.topic.p.set.Prepare {
		q.topic.p.prepare(q, b)
	}
}

// tell says to the leader's sink that there is something.
func (p *producer) tell(q *part) {
	if leader := q.core.Leader(); leader >= 0 {
		p.sink(leader).post(&q.ready)
	}
}

// Take is for sinks.
func (q *part) Take(now time.Time, broker int32, identity produce.Identity, eager bool, room int) produce.Taken {
	t := q.core.Take(now, broker, identity, eager, room)
	if b := t.Prepare; b != nil && q.topic.p.c.w.chance(2) {
		q.topic.p.compress(q, b) // on the spot
		t = q.core.Take(now, broker, identity, eager, room)
	}
	if b := t.Batch; b != nil {
		q.topic.p.c.w.tracef("%v: taken by %d: records %v, try %d", q, broker, b.Tag.(*run).records, b.Tries())
	}
	q.ended()
	return t
}

// Resolve is for sinks.
func (q *part) Resolve(now time.Time, b *produce.Batch, r produce.Result, jitter float64) produce.Resolution {
	q.topic.p.c.w.tracef("%v: %v resolved by %d: %v at %d, %v, written %v", q, b.Tag.(*run).records, r.Broker, r.Code, r.BaseOffset, r.Failure, r.Written)
	res := q.core.Resolve(now, b, r, jitter)
	q.ended()
	return res
}

// prepare has a worker compress a batch.
func (p *producer) prepare(q *part, b *produce.Batch) {
	p.c.w.after(p.c.w.between(0, 3*time.Millisecond), func() {
		p.compress(q, b)
		p.tell(q)
	})
}

func (p *producer) compress(q *part, b *produce.Batch) {
	s, r := b.Sealed, b.Tag.(*run)
	room := p.memory.take()
	if _, err := s.Compress(&p.codecs, p.codec, room); err != nil {
		p.c.w.fail("a batch that cannot be compressed: %v", err)
		return
	}
	if &s.Bytes[0] == &room[:1][0] {
		r.memory, room = room, r.memory
	}
	p.memory.give(room)
	q.core.Prepared(b, s)
	q.ended()
}

// split makes two batches of one, as a worker does.
func (p *producer) split(q *part, b *produce.Batch) {
	old := b.Tag.(*run)
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() {
		p.c.w.fail("BYTES: our own batch cannot be read: %v", r.Err())
		return
	}
	payload, _, err := r.Batch.Payload(&p.codecs, nil, batch.DefaultLimit)
	if err != nil {
		p.c.w.fail("BYTES: our own batch cannot be read: %v", err)
		return
	}
	halves := [2]*run{{memory: p.memory.take()}, {memory: p.memory.take()}}
	for _, h := range halves {
		h.batch.Tag = h
		h.batch.Builder.Reset(h.memory, batch.V2)
	}
	if err := batch.Split(&r.Batch, payload, &halves[0].batch.Builder, &halves[1].batch.Builder); err != nil {
		p.c.w.fail("a batch that cannot be split: %v", err)
		return
	}
	for _, h := range halves {
		h.batch.Sealed = h.batch.Builder.Seal()
		h.batch.Sealed.Checksum()
	}
	n := halves[0].batch.Sealed.Count
	halves[0].records, halves[1].records = old.records[:n:n], old.records[n:]
	used := q.core.Replace(b, &halves[0].batch, &halves[1].batch)
	q.ended()
	if used {
		p.memory.give(old.memory)
	} else {
		p.memory.give(halves[0].memory)
		p.memory.give(halves[1].memory)
	}
	p.tell(q)
}

// ended takes note of outcomes.
func (q *part) ended() {
	p := q.topic.p
	for _, o := range q.core.Ended() {
		r := o.Batch.Tag.(*run)
		if !o.InUse {
			p.memory.give(r.memory)
		}
		if o.Released {
			if !r.ended {
				p.c.w.fail("PROMISE: %v: records %v were released before their outcome", q, r.records)
			}
			continue
		}
		if r.ended {
			p.c.w.fail("PROMISE: %v: records %v have a second outcome", q, r.records)
			continue
		}
		r.ended = true
		p.c.w.tracef("%v: outcome of %v: %v, offset %d, written %v", q, r.records, o.Err, o.BaseOffset, o.Written)
		for i, n := range r.records {
			x := &p.records[n]
			if x.ended || n < q.told {
				p.c.w.fail("PROMISE: %v: the outcome of record %d comes after that of %d, or again", q, n, q.told)
			}
			q.told = n
			x.ended, x.err, x.written = true, o.Err, o.Written
			if o.Err == nil && o.BaseOffset >= 0 {
				x.offset = o.BaseOffset + int64(i)
			}
			p.open--
		}
	}
}

// A sink does what a [produce.Sink] decides.
type sink struct {
	*host[produce.Event, produce.Action]
	p      *producer
	broker int32
}

func (p *producer) sink(broker int32) *sink {
	for _, s := range p.sinks {
		if s.broker == broker {
			return s
		}
	}
	w := p.c.w
	s := &sink{p: p, broker: broker}
	s.host = &host[produce.Event, produce.Action]{w: w, name: fmt.Sprintf("sink of %d", broker), cell: produce.NewSink(p.set, broker, w.rand.Float64), act: s.act}
	s.post(&produce.Identified{Identity: p.identity})
	p.sinks = append(p.sinks, s)
	w.hosts = append(w.hosts, s)
	return s
}

func (s *sink) act(a produce.Action) {
	p := s.p
	switch a := a.(type) {
	case *produce.Request:
		s.send(a)
	case *produce.Cancel:
		r := a.Request.Tag.(*produceRequest)
		p.c.w.tracef("%v: cancel", s)
		if r.lane != nil {
			r.lane.post(&link.Cancel{Request: &r.Request})
		}
	case *produce.Prepare:
		p.prepare(a.Port.(*part), a.Batch)
	case *produce.Split:
		p.c.w.after(p.c.w.between(0, 3*time.Millisecond), func() { p.split(a.Port.(*part), a.Batch) })
	case *produce.Hint:
		p.hint(a)
	case *produce.Stale:
		p.stale(a.Ports)
	case *produce.Want:
		p.want(a)
	case *produce.Moved:
		p.tell(a.Port.(*part))
	default:
		panic(fmt.Sprintf("sim: unknown action %T", a))
	}
}

// stale asks who leads partitions.
func (p *producer) stale(ports []produce.Port) {
	need := &cluster.Need{Newer: p.c.snapshot.Seq, Reason: "stale"}
	for _, port := range ports {
		if name := port.(*part).topic.name; !slices.Contains(need.Topics, name) {
			need.Topics = append(need.Topics, name)
		}
	}
	p.c.meta.post(need)
}

// hint passes on who is said to lead.
func (p *producer) hint(a *produce.Hint) {
	q := a.Port.(*part)
	e := &a.Endpoint
	_, known := p.c.snapshot.Broker(a.Leader)
	h := &cluster.LeaderHint{Topic: q.topic.name, TopicID: a.TopicID, Partition: q.number, Leader: a.Leader, Epoch: a.Epoch}
	if e.Host == "" && !known || !h.Helps(p.c.snapshot) {
		p.stale([]produce.Port{q})
		return
	}
	if e.Host != "" {
		h.Endpoint = &cluster.Broker{ID: e.NodeID, Host: e.Host, Port: e.Port}
	}
	p.c.meta.post(h)
}

// want gets what a queue lacks.
func (p *producer) want(a *produce.Want) {
	spent := p.identity.ID >= 0 && p.identity.Epoch == math.MaxInt16 && p.identity == a.Old
	switch {
	case p.asking:
		return
	case p.identity == produce.NoIdentity, a.Need == produce.NeedNewEpoch && spent:
		p.asking = true
		p.ask()
		return
	case a.Need == produce.NeedNewEpoch && p.identity == a.Old:
		p.identity.Epoch++
		p.c.w.tracef("epoch %d", p.identity.Epoch)
	}
	p.identified()
}

func (p *producer) identified() {
	for _, s := range p.sinks {
		s.post(&produce.Identified{Identity: p.identity})
	}
}

// ask asks for a producer id, until there is one.
func (p *producer) ask() {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID = kbin.NullString{}
	req.TransactionTimeoutMs = math.MaxInt32
	p.c.do(req, time.Minute, func(resp kmsg.Response, failures []route.Failure) {
		var unsupported *link.UnsupportedError
		if len(failures) > 0 && errors.As(failures[0].Err, &unsupported) {
			p.c.w.tracef("no producer id: a broker seems to be old")
			p.identity, p.asking, p.fell = produce.Plain, false, p.c.w.now
			p.c.w.plan().forgets = true // what is sent again meanwhile may be doubled
			p.identified()
			return
		}
		if len(failures) > 0 || resp == nil {
			if !p.closed {
				p.c.w.after(100*time.Millisecond, p.ask)
			}
			return
		}
		r := resp.(*kmsg.InitProducerIDResponse)
		p.identity, p.asking = produce.Identity{ID: r.ProducerID, Epoch: r.ProducerEpoch}, false
		p.c.w.tracef("producer id %d", r.ProducerID)
		p.identified()
	})
}

// speaks takes note of the version in which a broker has answered: it may show that brokers are not
// as old as one of them seemed to be.
func (p *producer) speaks(version int16) {
	if version >= 3 && !p.fell.IsZero() && !p.asking && p.c.w.now.Sub(p.fell) > 10*time.Second {
		p.fell, p.asking = time.Time{}, true
		p.ask()
	}
}

// A produceRequest is a request of a sink on its way.
type produceRequest struct {
	link.Request
	s       *sink
	request *produce.Request
	lane    *lane
	splices []link.Splice
}

func (s *sink) send(a *produce.Request) {
	r := &produceRequest{s: s, request: a}
	a.Tag = r
	r.Request = link.Request{Key: kmsg.KeyProduce, Max: a.Arrange(), Body: r, To: r, NoAnswer: s.p.set.Acks == kmsg.AcksNone}
	r.lane = s.p.c.lane(s.broker, "", forRecords)
	s.p.c.send(r.lane, &r.Request)
}

// Encode writes the request.
func (r *produceRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	start := len(dst)
	dst = link.AppendHeader(dst, h, kmsg.KeyProduce, version)
	form := func(b *produce.Batch, _ int16) ([]byte, error) { return b.Sealed.Bytes, nil }
	dst, err := r.request.Append(dst, r.s.p.set, version, requestTimeout*5/6, form, func(at int, records []byte) {
		r.splices = append(r.splices, link.Splice{At: at - start, Bytes: records})
	})
	if err != nil {
		return dst, nil, err
	}
	putSize(dst, start)
	return dst, r.splices, nil
}

// Done tells the sink.
func (r *produceRequest) Done(*link.Request) {
	event := &produce.Answered{Request: r.request}
	switch {
	case r.Err != nil:
		event.Failure, event.Written = r.Err, r.Written != link.WrittenNo
		var unsupported *link.UnsupportedError
		if errors.As(r.Err, &unsupported) {
			event.Failure = fmt.Errorf("%w: %w", produce.ErrFatal, r.Err)
		}
	case !r.NoAnswer:
		resp := kmsg.NewProduceResponse()
		resp.SetAPIVersion(r.Version)
		if _, err := kmsg.DecodeResponseLenient(r.Frame, resp); err != nil {
			r.s.w.fail("BYTES: an answer that cannot be read: %v", err)
			return
		}
		event.Response = resp
		r.s.p.speaks(r.Version)
		if d := time.Duration(resp.ThrottleTimeMs) * time.Millisecond; d > 0 {
			r.lane.post(&link.Throttle{Key: r.Key, Version: r.Version, For: d})
		}
	}
	r.s.post(event)
}
