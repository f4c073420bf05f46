package produce

import (
	"bytes"
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
