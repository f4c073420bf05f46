package produce

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

var (
	seeds = flag.Int("seeds", 10_000, "how many random lives TestRandomLives plays")
	seed  = flag.Uint64("seed", 0, "play this one life alone, and tell it")
)

// TestRandomLives lets queues and sinks live with brokers and a network that go wrong in every way,
// and watches, by the names that the simulator uses:
//
//	LOSS     what was told as written is in the log, where it was told
//	DUP      no record is in the log twice, if the producer is idempotent
//	ORDER    the log has the records in the order in which they were appended
//	PROMISE  every batch has one outcome, in order; what certainly failed is not in the log
//	BYTES    nobody touches the bytes of a batch while they are in use
//	LIVE     when nothing goes wrong any more, everything comes to its end soon
func TestRandomLives(t *testing.T) {
	if *seed != 0 {
		l := newLife(*seed)
		err := l.live()
		for _, line := range l.trace {
			t.Log(line)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	n := *seeds
	if testing.Short() {
		n /= 10
	}
	var next atomic.Uint64
	var failed atomic.Bool
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for s := next.Add(1); s <= uint64(n) && !failed.Load(); s = next.Add(1) {
				l := newLife(s)
				if err := l.live(); err != nil {
					failed.Store(true)
					t.Errorf("seed %d: %v", s, err)
				}
			}
		})
	}
	all.Wait()
}

// A life is a producer's, with its brokers and its network, all at random.
type life struct {
	seed  uint64
	r     *rand.Rand
	set   *Settings
	now   time.Time
	trace []string
	err   error

	queues   []*lifeQueue
	sinks    []*Sink // by broker
	conns    []*lifeConn
	identity Identity
	latest   Identity // that was given out
	asked    bool     // for an identity
	hurry    bool
	healed   bool
	losses   bool // brokers may lose what was on all replicas, and forget producers
	zombies  bool // what a broken connection had on its way may arrive later
	posts    []func()
	posting  bool
	requests int
}

// A lifeQueue is a queue with its log and what became of its records.
type lifeQueue struct {
	l    *life
	core *Queue
	id   kbin.UUID
	log  modelLog

	known    int32 // the leader that the client knows
	appended int   // records so far
	told     int   // how many of them have had their outcome
	fates    []lifeFate
	working  []*Batch // with a worker
	held     map[*Batch]bool
	probe    int  // a record that must be written in the end
	unsure   bool // brokers forgot the producer while it was at work: see the package
}

// A lifeFate is what became of a record.
type lifeFate struct {
	told, ok, written bool
	offset            int
	deleted           int // which life of the topic it was written in, or told in
}

// A lifeTag is with a batch: its records.
type lifeTag struct {
	first, count int
	buffers      [][]byte // of its bytes
}

// A lifeConn is a connection to a broker, or one that is broken and has things on its way.
type lifeConn struct {
	broker int32
	queued []*lifeRequest // not written yet
	sent   []*lifeRequest // on their way to the broker
	done   []*lifeRequest // answers on their way back
	broken bool
}

type lifeRequest struct {
	req     *Request
	parts   []lifePart
	pending []lifePending
	answer  *kmsg.ProduceResponse
	version int16
}

type lifePart struct {
	q   *lifeQueue
	raw []byte
	id  kbin.UUID
}

// A lifePending is a part that is appended and not on all replicas.
type lifePending struct {
	part    int
	leader  int32
	end     int
	deleted int
}

const lifeBrokers = 3

func newLife(seed uint64) *life {
	r := rand.New(rand.NewPCG(seed, 1))
	l := &life{seed: seed, r: r, now: epoch, identity: NoIdentity}
	l.set = &Settings{
		Acks:            kmsg.AcksAll,
		Linger:          time.Duration(r.IntN(3)) * 5 * time.Millisecond,
		RequestBytes:    200 + r.IntN(2000),
		InFlight:        1 + r.IntN(6),
		DeliveryTimeout: time.Duration(1+r.IntN(60)) * time.Second,
		BackoffMin:      100 * time.Millisecond, BackoffMax: time.Second,
		Prepare: r.IntN(2) == 0,
	}
	if r.IntN(6) == 0 {
		l.set.Tries = 1 + r.IntN(4)
	}
	if r.IntN(6) == 0 {
		l.identity = Plain
		l.set.Acks = kmsg.Acks(-1 + r.IntN(3))
	}
	l.losses, l.zombies = r.IntN(4) == 0, r.IntN(2) == 0
	l.latest = Identity{int64(r.IntN(100)), -1}
	resumes := r.IntN(4) > 0
	for i := range 1 + r.IntN(4) {
		q := &lifeQueue{l: l, known: -1, held: map[*Batch]bool{}, probe: -1}
		q.log = modelLog{leader: int32(r.IntN(lifeBrokers)), state: map[int64]*modelProducer{}, resumes: resumes}
		if r.IntN(2) == 0 {
			q.id = kbin.UUID{1, byte(i)}
		}
		q.core = NewQueue(l.set, "topic"+strconv.Itoa(i), q.id, 0)
		if r.IntN(8) == 0 { // near the end of the numbers
			q.core.identity, q.core.sequence = Identity{l.latest.ID, 0}, 1<<31-1-int32(r.IntN(20))
		}
		l.queues = append(l.queues, q)
	}
	for b := range int32(lifeBrokers) {
		s := NewSink(l.set, b, r.Float64)
		s.Handle(l.now, &Identified{l.identity})
		l.sinks = append(l.sinks, s)
	}
	return l
}

func (l *life) note(format string, args ...any) {
	if *seed != 0 {
		l.trace = append(l.trace, fmt.Sprintf("%10v ", l.now.Sub(epoch))+fmt.Sprintf(format, args...))
	}
}

func (l *life) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
		l.note("FAILED %v", l.err)
	}
}

func (l *life) live() error {
	for range 100 + l.r.IntN(400) {
		l.step()
		l.check()
		if l.err != nil {
			return l.err
		}
	}
	l.heal()
	return l.err
}

func (q *lifeQueue) String() string { return q.core.Topic }

// Take is the port's.
func (q *lifeQueue) Take(now time.Time, broker int32, identity Identity, eager bool, room int) Taken {
	defer q.ended()
	t := q.core.Take(now, broker, identity, eager, room)
	if t.Batch != nil && broker != q.core.leader {
		q.l.fail("a batch of %v goes to broker %d, the leader is %d", q, broker, q.core.leader)
	}
	return t
}

// Resolve is the port's.
func (q *lifeQueue) Resolve(now time.Time, b *Batch, r Result, jitter float64) Resolution {
	defer q.ended()
	return q.core.Resolve(now, b, r, jitter)
}

// ended watches outcomes.
func (q *lifeQueue) ended() {
	l := q.l
	for _, o := range q.core.Ended() {
		tag := o.Batch.Tag.(*lifeTag)
		if o.Released {
			l.note("  released %v[%d-%d]", q, tag.first, tag.first+tag.count-1)
			if !q.held[o.Batch] {
				l.fail("PROMISE: %v[%d] is released and was not in use", q, tag.first)
			}
			delete(q.held, o.Batch)
			tag.poison()
			continue
		}
		l.note("  ended %v[%d-%d] err=%v offset=%d written=%v inuse=%v", q, tag.first, tag.first+tag.count-1, o.Err, o.BaseOffset, o.Written, o.InUse)
		if tag.first != q.told {
			l.fail("PROMISE: the outcome of %v[%d] comes when that of [%d] is next", q, tag.first, q.told)
		}
		q.told = tag.first + tag.count
		for i := range tag.count {
			f := &q.fates[tag.first+i]
			if f.told {
				l.fail("PROMISE: a second outcome for %v[%d]", q, tag.first+i)
			}
			if o.Err != nil {
				f.deleted = q.log.deleted
			}
			f.told, f.ok, f.written, f.offset = true, o.Err == nil, o.Written, -1
			if o.Err == nil && o.BaseOffset >= 0 {
				f.offset = int(o.BaseOffset) + i
			}
		}
		if o.InUse {
			q.held[o.Batch] = true
		} else {
			tag.poison()
		}
	}
}

// poison spoils the bytes of a batch that nobody uses any more.
func (t *lifeTag) poison() {
	for _, b := range t.buffers {
		for i := range b {
			b[i] = 0xee
		}
	}
}

// step does one thing at random.
func (l *life) step() {
	q := l.queues[l.r.IntN(len(l.queues))]
	switch n := l.r.IntN(100); {
	case n < 20:
		l.append(q, 1+l.r.IntN(3))
	case n < 23:
		l.seal(q)
	case n < 30:
		l.work(q)
	case n < 45:
		l.write()
	case n < 60:
		l.deliver()
	case n < 75:
		l.back()
	case n < 80:
		l.learn(q)
	case n < 83:
		l.identify()
	case n < 92:
		l.wait(time.Duration(l.r.ExpFloat64() * float64(50*time.Millisecond)))
	case n < 93:
		l.expire(q)
	default:
		l.trouble(q)
	}
}

func (l *life) append(q *lifeQueue, n int) {
	for range n {
		b := q.core.Open()
		if b == nil {
			b = &Batch{Tag: &lifeTag{first: q.appended}}
			b.Builder.Reset(make([]byte, 0, 1024), batch.V2)
			q.core.Begin(l.now, b)
		}
		tag := b.Tag.(*lifeTag)
		tag.count++
		b.Builder.Append(l.now.UnixMilli(), nil, strconv.AppendInt(nil, int64(q.appended), 10), nil)
		q.appended++
		q.fates = append(q.fates, lifeFate{})
		if b.Builder.Len() == 1 {
			l.post(q.core.Leader(), &Ready{q})
		}
	}
	l.note("append %v up to %d", q, q.appended-1)
}

// seal is what happens when a batch is full.
func (l *life) seal(q *lifeQueue) {
	if b := q.core.Seal(); b != nil {
		l.note("seal %v", q)
		if b.working {
			q.working = append(q.working, b)
		}
		l.post(q.core.Leader(), &Ready{q})
	}
}

// work lets a worker finish with a batch.
func (l *life) work(q *lifeQueue) {
	if len(q.working) == 0 {
		return
	}
	i := l.r.IntN(len(q.working))
	b := q.working[i]
	q.working = slices.Delete(q.working, i, i+1)
	tag := b.Tag.(*lifeTag)
	if b.tries == 0 {
		s := b.Sealed
		s.Bytes = bytes.Clone(s.Bytes) // as if compressed
		s.Checksum()
		tag.buffers = append(tag.buffers, b.Sealed.Bytes, s.Bytes)
		l.note("prepared %v[%d]", q, tag.first)
		q.core.Prepared(b, s)
	} else {
		left, right, err := l.halves(b)
		if err != nil {
			l.fail("BYTES: %v[%d] cannot be split: %v", q, tag.first, err)
			return
		}
		if l.r.IntN(10) == 0 {
			left, right = nil, nil
		}
		l.note("split %v[%d] %v", q, tag.first, left != nil)
		if q.core.Replace(b, left, right) {
			tag.poison()
		}
	}
	q.ended()
	l.post(q.core.Leader(), &Ready{q})
}

func (l *life) halves(b *Batch) (left, right *Batch, err error) {
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() {
		return nil, nil, r.Err()
	}
	payload, _, err := r.Batch.Payload(nil, nil, 0)
	if err != nil {
		return nil, nil, err
	}
	left, right = &Batch{}, &Batch{}
	left.Builder.Reset(nil, batch.V2)
	right.Builder.Reset(nil, batch.V2)
	if err := batch.Split(&r.Batch, payload, &left.Builder, &right.Builder); err != nil {
		return nil, nil, err
	}
	first := b.Tag.(*lifeTag).first
	for _, half := range []*Batch{left, right} {
		half.Sealed = half.Builder.Seal()
		half.Sealed.Checksum()
		half.Tag = &lifeTag{first: first, count: int(half.Sealed.Count), buffers: [][]byte{half.Sealed.Bytes}}
		first += int(half.Sealed.Count)
	}
	return left, right, nil
}

// post tells a sink.
func (l *life) post(broker int32, e Event) {
	if broker < 0 {
		return
	}
	l.posts = append(l.posts, func() {
		l.sinks[broker].Handle(l.now, e)
		l.poll(broker)
	})
	l.drain()
}

func (l *life) drain() {
	if l.posting {
		return
	}
	l.posting = true
	for len(l.posts) > 0 && l.err == nil {
		do := l.posts[0]
		l.posts = l.posts[1:]
		do()
	}
	l.posting = false
}

func (l *life) poll(broker int32) {
	s := l.sinks[broker]
	for n := 0; ; n++ {
		a, ok := s.Poll(l.now)
		if !ok {
			break
		}
		if n > 1000 {
			l.fail("LIVE: the sink never stops to want something")
			return
		}
		l.act(broker, a)
	}
	if d := s.Deadline(); !d.IsZero() && !d.After(l.now) {
		l.fail("LIVE: the deadline of a sink is %v ago", l.now.Sub(d))
	}
	if len(s.flights) > l.set.InFlight {
		l.fail("%d requests are in flight", len(s.flights))
	}
}

func (l *life) act(broker int32, a Action) {
	switch a := a.(type) {
	case *Request:
		l.send(broker, a)
	case *Cancel:
		l.note("cancel to %d", broker)
		l.cancel(broker, a.Request)
	case *Prepare:
		q := a.Port.(*lifeQueue)
		q.working = append(q.working, a.Batch)
	case *Split:
		q := a.Port.(*lifeQueue)
		q.working = append(q.working, a.Batch)
	case *Hint:
		if l.r.IntN(2) == 0 {
			l.setLeader(a.Port.(*lifeQueue), a.Leader)
		}
	case *Stale:
		for _, p := range a.Ports {
			if q := p.(*lifeQueue); l.healed || l.r.IntN(2) == 0 {
				l.setLeader(q, q.log.leader)
			}
		}
	case *Want:
		l.asked = true
		if l.healed {
			l.identify()
		}
	case *Moved:
		q := a.Port.(*lifeQueue)
		l.post(q.core.Leader(), &Ready{q})
	}
}

// conn returns the connection to a broker.
func (l *life) conn(broker int32) *lifeConn {
	for _, c := range l.conns {
		if c.broker == broker && !c.broken {
			return c
		}
	}
	c := &lifeConn{broker: broker}
	l.conns = append(l.conns, c)
	return c
}

func (l *life) send(broker int32, req *Request) {
	l.requests++
	x := &lifeRequest{req: req, version: 12}
	line := ""
	seen := map[Port]bool{}
	size := 0
	for i := range req.Parts {
		p := &req.Parts[i]
		q := p.Port.(*lifeQueue)
		if seen[q] {
			l.fail("two batches of %v in a request", q)
		}
		seen[q] = true
		flying := 0
		for _, b := range q.core.line {
			if b.state == stateFlying {
				flying++
			}
		}
		if flying > flyingMax || l.identity == Plain && flying > 1 {
			l.fail("%d batches of %v fly", flying, q)
		}
		b := p.Batch
		if b.Sealed.Bytes == nil {
			l.fail("a batch without bytes")
			return
		}
		size += len(b.Sealed.Bytes)
		if tag := b.Tag.(*lifeTag); !slices.ContainsFunc(tag.buffers, func(x []byte) bool { return &x[0] == &b.Sealed.Bytes[0] }) {
			tag.buffers = append(tag.buffers, b.Sealed.Bytes)
		}
		tag := b.Tag.(*lifeTag)
		line += fmt.Sprintf(" %v[%d-%d] numbered=%v seq=%d %v try=%d", q, tag.first, tag.first+tag.count-1, b.numbered, b.sequence, q.core.identity, b.tries)
		x.parts = append(x.parts, lifePart{q: q, id: b.sentID})
	}
	if size != req.Bytes || size > l.set.RequestBytes && len(req.Parts) > 1 {
		l.fail("a request of %d bytes, %d of them told", size, req.Bytes)
	}
	l.note("send to %d:%s", broker, line)
	c := l.conn(broker)
	c.queued = append(c.queued, x)
}

// busy returns a connection with something, at random.
func (l *life) busy(has func(*lifeConn) bool) *lifeConn {
	var some []*lifeConn
	for _, c := range l.conns {
		if has(c) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[l.r.IntN(len(some))]
}

// write lets a request leave the client: its bytes are copied from then on.
func (l *life) write() {
	c := l.busy(func(c *lifeConn) bool { return !c.broken && len(c.queued) > 0 })
	if c == nil {
		return
	}
	x := c.queued[0]
	c.queued = c.queued[1:]
	for i := range x.req.Parts {
		x.parts[i].raw = bytes.Clone(x.req.Parts[i].Batch.Sealed.Bytes)
	}
	c.sent = append(c.sent, x)
	if l.set.Acks == kmsg.AcksNone {
		l.post(c.broker, &Answered{Request: x.req})
	}
}

// deliver lets a broker serve the next request of a connection.
func (l *life) deliver() {
	c := l.busy(func(c *lifeConn) bool { return len(c.sent) > 0 })
	if c == nil {
		return
	}
	x := c.sent[0]
	c.sent = c.sent[1:]
	x.answer = kmsg.NewProduceResponse()
	x.answer.Version = x.version
	for i := range x.parts {
		l.serve(c, x, i)
	}
	if !c.broken {
		c.done = append(c.done, x)
	}
}

// refusals are codes with which a broker refuses without having done anything.
var refusals = []kmsg.ErrorCode{
	kmsg.NotEnoughReplicas, kmsg.NotEnoughReplicas, kmsg.CorruptMessage, kmsg.InvalidRecord, kmsg.TopicAuthorizationFailed,
	kmsg.InvalidTimestamp, kmsg.MessageTooLarge, kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition,
	kmsg.KafkaStorageError, kmsg.UnsupportedCompressionType, kmsg.ThrottlingQuotaExceeded, kmsg.LeaderNotAvailable,
}

// doubts are codes that a broker may answer although it has appended.
var doubts = []kmsg.ErrorCode{
	kmsg.RequestTimedOut, kmsg.NotEnoughReplicasAfterAppend, kmsg.UnknownServerError, kmsg.KafkaStorageError, 999,
}

func (l *life) serve(c *lifeConn, x *lifeRequest, i int) {
	p := &x.parts[i]
	q := p.q
	told := kmsg.ProduceResponseTopicProduceResponse{Name: q.core.Topic}
	part := kmsg.NewProduceResponsePartitionProduceResponse()
	part.BaseOffset = -1
	chance := l.r.IntN(100)
	if l.healed || c.broken {
		chance = 99
	}
	switch {
	case !p.id.IsZero() && p.id != q.id:
		part.ErrorCode = kmsg.UnknownTopicID
	case q.log.leader != c.broker:
		part.ErrorCode = kmsg.NotLeaderOrFollower
		if l.r.IntN(2) == 0 {
			part.CurrentLeader.LeaderID, part.CurrentLeader.LeaderEpoch = q.log.leader, 1
		}
	case chance < 4:
		part.ErrorCode = refusals[l.r.IntN(len(refusals))]
	default:
		w, err := q.log.append(p.raw)
		if err != nil {
			l.fail("%v: %v", q, err)
			return
		}
		part.ErrorCode = w.code
		if w.code == kmsg.None {
			part.BaseOffset = int64(w.base)
			if !w.again {
				l.appended(q, c.broken)
			}
			if w.end > q.log.hw {
				if chance < 10 {
					// Not on all replicas yet. The leader may go before.
					x.pending = append(x.pending, lifePending{i, c.broker, w.end, q.log.deleted})
				} else {
					q.log.hw = len(q.log.records)
				}
			}
			if chance >= 10 && chance < 13 {
				part.ErrorCode = doubts[l.r.IntN(len(doubts))]
				part.BaseOffset = -1
			}
		}
	}
	l.note("broker %d (broken %v) %v: %v at %d", c.broker, c.broken, q, part.ErrorCode.Name(), part.BaseOffset)
	if chance == 13 {
		return // left out
	}
	told.PartitionResponses = append(told.PartitionResponses, part)
	x.answer.Responses = append(x.answer.Responses, told)
}

// appended watches the log. Nothing can be done about what comes late, from a connection that broke,
// if it has no number, or that of a producer id whose epochs are used up; or, with acks 0, to a
// broker that leads again.
func (l *life) appended(q *lifeQueue, late bool) {
	b := q.log.bases[len(q.log.bases)-1]
	for at := b.base; at < b.base+b.count; at++ {
		n := q.log.records[at]
		l.note("  log %v %d: record %d (%d/%d:%d)", q, at, n, b.id, b.epoch, b.first)
		f := &q.fates[n]
		if f.told && !f.ok && !f.written {
			l.fail("PROMISE: %v[%d] is written, it was told that it is certainly not", q, n)
		}
		f.deleted = q.log.deleted
		if q.unsure {
			continue
		}
		again := slices.Contains(q.log.records[:at], n)
		if again && l.identity != Plain {
			l.fail("DUP: %v[%d] is in the log twice", q, n)
		}
		if late = late && b.id != l.identity.ID || late && b.id < 0 || l.set.Acks == kmsg.AcksNone; !again && !late && at > 0 && slices.Max(q.log.records[:at]) > n {
			l.fail("ORDER: %v[%d] comes after [%d]", q, n, slices.Max(q.log.records[:at]))
		}
	}
}

// back brings an answer back, as far as the replicas have what it is about.
func (l *life) back() {
	c := l.busy(func(c *lifeConn) bool { return !c.broken && len(c.done) > 0 })
	if c == nil {
		return
	}
	x := c.done[0]
	for _, p := range x.pending {
		log := &x.parts[p.part].q.log
		code := kmsg.None
		switch {
		case log.deleted != p.deleted:
			code = kmsg.UnknownTopicOrPartition
		case log.leader != p.leader || len(log.records) < p.end:
			code = kmsg.NotLeaderOrFollower
		case log.hw < p.end:
			if !l.healed && l.r.IntN(2) == 0 {
				return // still waiting
			}
			log.hw = len(log.records)
		}
		if code == kmsg.None {
			continue
		}
		name := x.parts[p.part].q.core.Topic
		for i := range x.answer.Responses {
			if t := &x.answer.Responses[i]; t.Name == name && t.PartitionResponses[0].ErrorCode == kmsg.None {
				t.PartitionResponses[0].ErrorCode, t.PartitionResponses[0].BaseOffset = code, -1
			}
		}
	}
	c.done = c.done[1:]
	if l.set.Acks == kmsg.AcksNone {
		return
	}
	l.note("answer from %d", c.broker)
	l.post(c.broker, &Answered{Request: x.req, Response: x.answer})
}

var errCut = errors.New("the connection is lost")

// cut breaks a connection.
func (l *life) cut(c *lifeConn) {
	l.note("cut the connection to %d", c.broker)
	c.broken = true
	lost := slices.Concat(c.done, c.sent)
	queued := c.queued
	c.done, c.queued = nil, nil
	if !l.zombies || l.r.IntN(2) == 0 {
		c.sent = nil
	} else {
		c.sent = slices.Clone(c.sent[:l.r.IntN(len(c.sent)+1)])
	}
	carried := l.r.IntN(2) == 0
	if carried { // they go over the next
		l.conn(c.broker).queued = queued
	}
	if l.set.Acks != kmsg.AcksNone {
		for _, x := range lost {
			l.post(c.broker, &Answered{Request: x.req, Failure: errCut, Written: true})
		}
	}
	if !carried {
		for _, x := range queued {
			l.post(c.broker, &Answered{Request: x.req, Failure: errCut})
		}
	}
}

// cancel ends a request, wherever it is.
func (l *life) cancel(broker int32, req *Request) {
	is := func(x *lifeRequest) bool { return x.req == req }
	for _, c := range l.conns {
		if i := slices.IndexFunc(c.queued, is); i >= 0 {
			c.queued = slices.Delete(c.queued, i, i+1)
			l.post(broker, &Answered{Request: req, Failure: errCut})
			return
		}
		if i := slices.IndexFunc(c.done, is); i >= 0 {
			c.done = slices.Delete(c.done, i, i+1)
			l.post(broker, &Answered{Request: req, Failure: errCut, Written: true})
			return
		}
		if i := slices.IndexFunc(c.sent, is); i >= 0 && !c.broken {
			// It arrives, and its answer is dropped.
			x := c.sent[i]
			c.sent = slices.Delete(c.sent, i, i+1)
			l.conns = append(l.conns, &lifeConn{broker: broker, broken: true, sent: []*lifeRequest{x}})
			l.post(broker, &Answered{Request: req, Failure: errCut, Written: true})
			return
		}
	}
}

// learn tells the client who leads a partition, if metadata comes.
func (l *life) learn(q *lifeQueue) {
	leader := q.log.leader
	switch l.r.IntN(10) {
	case 0:
		leader = -1
	case 1:
		leader = int32(l.r.IntN(lifeBrokers))
	}
	l.setLeader(q, leader)
}

func (l *life) setLeader(q *lifeQueue, leader int32) {
	if q.core.topicID != q.id {
		q.core.SetTopicID(q.id)
	}
	if !q.core.SetLeader(leader) {
		return
	}
	l.note("leader of %v is %d, it is told", q, leader)
	if away := q.core.Away(); away >= 0 {
		l.post(away, &Left{q})
	}
	if !q.core.Idle() {
		l.post(leader, &Ready{q})
	}
}

// identify gives the producer an identity that was asked for.
func (l *life) identify() {
	if !l.asked {
		return
	}
	l.asked = false
	l.latest.Epoch++
	if l.latest.Epoch > 3 {
		l.latest = Identity{l.latest.ID + 100, 0}
	}
	l.identity = l.latest
	l.note("identity %v", l.identity)
	for b := range l.sinks {
		l.post(int32(b), &Identified{l.identity})
	}
}

// wait lets time pass.
func (l *life) wait(d time.Duration) {
	until := l.now.Add(d)
	for l.err == nil {
		var first time.Time
		at := int32(-1)
		for b, s := range l.sinks {
			if d := s.Deadline(); !d.IsZero() && (first.IsZero() || d.Before(first)) {
				first, at = d, int32(b)
			}
		}
		if at < 0 || first.After(until) {
			break
		}
		l.now = first
		l.posts = append(l.posts, func() { l.poll(at) })
		l.drain()
	}
	l.now = until
}

func (l *life) expire(q *lifeQueue) {
	q.core.Expire(l.now)
	q.ended()
	if q.core.Aged(l.now) {
		l.seal(q)
	}
}

// trouble is what goes wrong of its own accord.
func (l *life) trouble(q *lifeQueue) {
	switch l.r.IntN(12) {
	case 0, 1:
		if c := l.busy(func(c *lifeConn) bool { return !c.broken }); c != nil {
			l.cut(c)
		}
	case 2, 3, 4:
		l.moveLeader(q)
	case 5:
		l.note("%v's broker starts again", q)
		q.log.restart()
		for _, c := range slices.Clone(l.conns) {
			if c.broker == q.log.leader && !c.broken {
				l.cut(c)
			}
		}
	case 6:
		l.wait(time.Duration(l.r.ExpFloat64() * float64(3*time.Second)))
	case 7:
		l.hurry = !l.hurry
		for b := range l.sinks {
			l.post(int32(b), &Hurry{On: l.hurry})
		}
	case 8:
		if l.r.IntN(4) == 0 {
			l.note("abort %v", q)
			q.core.GiveUp(errors.New("aborted"))
			q.ended()
		}
	case 9:
		if l.losses && l.r.IntN(2) == 0 {
			n := l.r.IntN(len(q.log.records) + 1)
			l.note("%v loses records from %d on", q, n)
			q.log.truncate(n)
			q.log.lost = true
			q.unsure = q.unsure || !q.core.Idle() && len(q.log.state) == 0
			q.log.leader = int32(l.r.IntN(lifeBrokers))
		} else if l.losses && q.core.Idle() {
			l.note("%v forgets producers", q)
			q.log.state = map[int64]*modelProducer{}
			q.log.lost = true
			l.wait(2 * time.Minute) // they were idle for long, and nothing is on its way for so long
			l.conns = slices.DeleteFunc(l.conns, func(c *lifeConn) bool { return c.broken })
		}
	case 10:
		if q.id[0] != 0 && l.r.IntN(3) == 0 {
			l.note("%v is made anew", q)
			q.id[2]++
			q.log.recreate()
		}
	case 11:
		l.wait(time.Duration(l.r.ExpFloat64() * float64(20*time.Second)))
	}
}

// moveLeader lets another broker lead. It has what all replicas have, and perhaps more.
func (l *life) moveLeader(q *lifeQueue) {
	q.log.leader = int32(l.r.IntN(lifeBrokers))
	keep := len(q.log.records)
	if keep > q.log.hw && l.r.IntN(2) == 0 {
		keep = q.log.hw + l.r.IntN(keep-q.log.hw)
	}
	l.note("%v moves to %d, with %d of %d records", q, q.log.leader, keep, len(q.log.records))
	q.log.truncate(keep)
	q.log.hw = len(q.log.records)
	if l.r.IntN(2) == 0 {
		q.log.restart()
	}
}

// check watches what must hold between any two events.
func (l *life) check() {
	for _, q := range l.queues {
		flying := 0
		for i, b := range q.core.line {
			if b.state == stateFlying {
				flying++
			}
			if b.state == stateEnded && !slices.ContainsFunc(q.core.line[:i], func(b *Batch) bool { return b.state != stateEnded && !b.reported }) {
				l.fail("PROMISE: the outcome of %v[%d] waits for nothing", q, b.Tag.(*lifeTag).first)
			}
		}
		if flying != q.core.flying {
			l.fail("%d batches of %v fly, %d are counted", flying, q, q.core.flying)
		}
	}
}

// heal lets everything go well, and waits for the end.
func (l *life) heal() {
	l.note("HEAL")
	l.healed = true
	begin := l.now
	requests := l.requests
	for _, c := range slices.Clone(l.conns) {
		if !c.broken {
			l.cut(c)
		}
	}
	for range 100 { // zombies arrive first of all
		l.deliver()
	}
	l.identify()
	for _, q := range l.queues {
		l.expire(q)
		l.setLeader(q, q.log.leader)
	}
	l.finish(begin)
	// What is sent now is written; where a batch has few tries, one may go for a number that was
	// wrong.
	for range 3 {
		for _, q := range l.queues {
			q.probe = q.appended
			l.append(q, 1)
		}
		l.finish(begin)
	}
	if n := l.requests - requests; l.err == nil && n > 50*len(l.queues) {
		l.fail("LIVE: %d requests were needed to come to an end", n)
	}
	if l.err != nil {
		return
	}
	l.wait(2 * l.set.BackoffMax) // what rests finds that there is nothing to do
	for _, q := range l.queues {
		l.judge(q)
	}
	for b, s := range l.sinks {
		if len(s.flights) > 0 || len(s.parked) > 0 || len(s.lingers) > 0 || len(s.resting) > 0 || s.ready.len() > 0 || !s.Deadline().IsZero() {
			l.fail("CLOSE: sink %d has something in the end", b)
		}
	}
}

// finish lets all that is under way come to its end.
func (l *life) finish(begin time.Time) {
	open := func() bool {
		return slices.ContainsFunc(l.queues, func(q *lifeQueue) bool { return q.told < q.appended || len(q.held) > 0 })
	}
	for l.err == nil && open() {
		for _, q := range l.queues {
			l.work(q)
			l.expire(q)
		}
		for range 20 {
			l.write()
			l.deliver()
			l.back()
		}
		l.check()
		l.wait(10 * time.Millisecond)
		if l.now.Sub(begin) > 15*time.Second {
			for _, q := range l.queues {
				l.fail("LIVE: 15 s after all is well, %d of %d records of %v have had their outcome", q.told, q.appended, q)
			}
		}
	}
}

// judge holds the log against what was told.
func (l *life) judge(q *lifeQueue) {
	for n := range q.fates {
		f := &q.fates[n]
		at := slices.Index(q.log.records, n)
		switch {
		case !f.told:
			l.fail("PROMISE: %v[%d] has no outcome", q, n)
		case f.deleted != q.log.deleted:
		case f.ok && at < 0 && !q.log.lost && l.set.Acks == kmsg.AcksAll:
			l.fail("LOSS: %v[%d] is not in the log", q, n)
		case f.ok && at >= 0 && f.offset >= 0 && l.identity != Plain && at != f.offset && !q.log.lost:
			l.fail("LOSS: %v[%d] is at %d, not at %d", q, n, at, f.offset)
		}
		if n == q.probe && !f.ok {
			l.fail("LIVE: %v[%d], sent when all was well, failed", q, n)
		}
	}
	if !q.core.Idle() {
		l.fail("CLOSE: %v is not idle in the end", q)
	}
}
