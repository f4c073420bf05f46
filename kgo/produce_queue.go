package kgo

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A queue is a partition's [produce.Queue] behind its lock. Whoever holds the lock holds it for a
// few lines, but for the time that encoding a record takes.
type queue struct {
	topic *produceTopic
	ready produce.Ready // what sinks are told

	led atomic.Bool // the partition has a leader

	mu     sync.Mutex
	core   *produce.Queue
	closed error // why no record is accepted any more

	limit      int       // of a batch, if less than the producer's: a larger one was refused
	limitUntil time.Time // when that is forgotten
}

// limitMemory is how long a queue believes that its leader takes no larger batches.
const limitMemory = 10 * time.Minute

// leastBatch is the least size that a batch may be limited to.
const leastBatch = 1 << 10

func newQueue(t *produceTopic, partition int32) *queue {
	q := &queue{topic: t, core: produce.NewQueue(t.p.set, t.name, t.id, partition)}
	q.ready.Port = q
	return q
}

// Take is for sinks. A batch that is small is compressed on the spot.
func (q *queue) Take(now time.Time, broker int32, identity produce.Identity, eager bool, room int) produce.Taken {
	q.mu.Lock()
	t := q.core.Take(now, broker, identity, eager, room)
	if b := t.Prepare; b != nil && len(b.Sealed.Bytes) <= smallBatch {
		q.mu.Unlock()
		q.topic.p.workers.compress(q, b)
		q.mu.Lock()
		t = q.core.Take(now, broker, identity, eager, room)
	}
	q.ended()
	q.mu.Unlock()
	return t
}

// Resolve is for sinks.
func (q *queue) Resolve(now time.Time, b *produce.Batch, r produce.Result, jitter float64) produce.Resolution {
	q.mu.Lock()
	defer q.mu.Unlock()
	res := q.core.Resolve(now, b, r, jitter)
	q.ended()
	return res
}

// ended sees to the batches that are over. The lock is held, so that outcomes keep their order.
func (q *queue) ended() { q.topic.p.finish(q.core.Ended()) }

// usualShare is the share of the producer's memory, as its reciprocal, that a batch may begin with
// before there is a record for it.
const usualShare = 16

// append encodes a record into the open batch.
func (q *queue) append(ctx context.Context, r *Record, s slot, block bool) error {
	p := q.topic.p
	q.mu.Lock()
	for q.closed == nil {
		b := q.core.Open()
		if b == nil {
			need := sizeAlone(s.ts, r)
			if need > p.config.batchBytes {
				q.mu.Unlock()
				return p.refusal(q.core.Topic, q.core.Partition, kmsg.MessageTooLarge, errTooLarge(need, p.config.batchBytes))
			}
			// Room for a batch like the one before saves copying it as it grows.
			usual := min(q.core.Usual(), int(p.config.bufferBytes/usualShare))
			if usual > need {
				if buf := p.memory.take(usual, s.wait != nil); buf != nil {
					q.place(buf, now())
					continue
				}
			}
			if err := q.enlarge(ctx, need, s.wait != nil, block); err != nil {
				return err
			}
			continue
		}
		t := tagOf(b)
		if (s.callback != nil || s.wait != nil) && t.full(b.Builder.Len()) {
			if err := q.enlargeSlots(ctx, b, s.wait != nil, block); err != nil {
				return err
			}
			continue
		}
		size, ok := b.Builder.TryAppend(s.ts, r.Key, r.Value, r.Headers)
		switch {
		case ok:
			n := b.Builder.Len()
			t.add(n-1, s)
			leader := q.core.Leader()
			q.mu.Unlock()
			if n == 1 {
				p.tell(leader, q)
			}
			return nil
		case q.full(b, size):
			q.seal()
			leader := q.core.Leader()
			q.mu.Unlock()
			p.tell(leader, q)
			runtime.Gosched() // it shall be sent while it is in the processor's caches
			q.mu.Lock()
		default:
			if err := q.enlarge(ctx, size, s.wait != nil, block); err != nil {
				return err
			}
		}
	}
	err := q.closed
	q.mu.Unlock()
	return p.refusal(q.core.Topic, q.core.Partition, kmsg.None, err)
}

// usual is how many bytes the batch that was sealed last had.
func (q *queue) usual() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.core.Usual()
}

// batchLimit is how large a batch may become, unless its first record alone is larger.
func (q *queue) batchLimit(now time.Time) int {
	if q.limit > 0 && now.After(q.limitUntil) {
		q.limit = 0
	}
	if q.limit > 0 {
		return q.limit
	}
	return q.topic.p.config.batchBytes
}

// full reports whether the open batch is not to have a record with which it would have so many
// bytes. The first it is to have in any case. What is the limit now is the batch's from now on, which
// may be older than what is known of limits. The lock is held.
func (q *queue) full(b *produce.Batch, size int) bool {
	limit := q.batchLimit(now())
	if b.Builder.Len() == 0 {
		limit = max(limit, size)
	}
	b.Builder.SetLimit(limit)
	return size > limit
}

// tooLarge takes note that the leader refused a batch that has so many bytes uncompressed. The lock is
// held.
func (q *queue) tooLarge(size int) {
	q.limit = min(q.batchLimit(now()), max(size/2, leastBatch))
	q.limitUntil = now().Add(limitMemory)
}

// seal ends the open batch and hands it to a worker if it is to be compressed. The lock is held.
func (q *queue) seal() {
	if b := q.core.Seal(); b != nil && q.topic.p.set.Prepare {
		q.topic.p.workers.add(work{queue: q, batch: b})
	}
}

// enlarge gets memory for n bytes of a batch, and uses it for the open one. If it has to wait it
// does so without the lock, so that afterwards all may be different. On an error the lock is not
// held any more.
func (q *queue) enlarge(ctx context.Context, n int, sync, block bool) error {
	p := q.topic.p
	buf := p.memory.take(n, sync)
	if buf == nil {
		q.mu.Unlock()
		var err error
		if buf, err = p.await(ctx, q.core.Topic, q.core.Partition, n, sync, block); err != nil {
			return err
		}
		q.mu.Lock()
	}
	q.place(buf, now())
	return nil
}

// enlargeSlots gets memory for more slots of the open batch, as enlarge does for its bytes.
func (q *queue) enlargeSlots(ctx context.Context, b *produce.Batch, sync, block bool) error {
	p, t := q.topic.p, tagOf(b)
	n := t.growth(b.Builder.Len())
	if !p.memory.charge(n*slotBytes, sync) {
		q.mu.Unlock()
		if err := p.awaitSlots(ctx, q.core.Topic, q.core.Partition, n, block); err != nil {
			return err
		}
		q.mu.Lock()
		if q.core.Open() != b || !t.full(b.Builder.Len()) {
			p.memory.discharge(n * slotBytes)
			return nil
		}
	}
	t.grow(n)
	return nil
}

// place uses a buffer for the open batch if it is larger than what is there, or for a new one
// whose first record came at some time. The lock is held.
func (q *queue) place(buf []byte, since time.Time) {
	p := q.topic.p
	b := q.core.Open()
	switch {
	case q.closed != nil:
		p.memory.give(buf)
	case b == nil:
		t := p.newTag()
		t.buffer = buf
		t.batch.Builder.Reset(buf, batch.V2)
		t.batch.Builder.SetLimit(q.batchLimit(since))
		q.core.Begin(since, &t.batch)
		p.begun()
	case cap(buf) > cap(tagOf(b).buffer):
		t := tagOf(b)
		b.Builder.Grow(buf)
		p.memory.give(t.buffer)
		t.buffer = buf
	default:
		p.memory.give(buf)
	}
}

// adopt is append for a record that was staged at some time: it has been accepted, so it takes
// memory beyond the limit if it must.
func (q *queue) adopt(r *Record, s slot, since time.Time) error {
	p := q.topic.p
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.closed == nil {
		b := q.core.Open()
		if b == nil {
			q.place(p.memory.force(sizeAlone(s.ts, r)), since)
			continue
		}
		t := tagOf(b)
		if (s.callback != nil || s.wait != nil) && t.full(b.Builder.Len()) {
			n := t.growth(b.Builder.Len())
			p.memory.charge(n*slotBytes, true)
			t.grow(n)
		}
		size, ok := b.Builder.TryAppend(s.ts, r.Key, r.Value, r.Headers)
		switch {
		case ok:
			t.add(b.Builder.Len()-1, s)
			return nil
		case q.full(b, size):
			q.seal()
		default:
			q.place(p.memory.force(size), since)
		}
	}
	return p.refusal(q.core.Topic, q.core.Partition, kmsg.None, q.closed)
}

// sizeAlone is how large a batch of one record is.
func sizeAlone(ts int64, r *Record) int {
	var b batch.Builder
	b.Reset(nil, batch.V2)
	return b.SizeWith(ts, r.Key, r.Value, r.Headers)
}

// watch lets a flush wait for all records that are in the queue now.
func (q *queue) watch(f *flush) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b := q.core.Last(); b != nil {
		tagOf(b).watch(f)
	}
}

// abort fails all records, and all that come if it is for good.
func (q *queue) abort(err error, forGood bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if forGood {
		q.closed = err
	}
	q.core.GiveUp(err)
	q.ended()
}

// expire gives up what has run out of time, and returns when there is more to do, zero for never.
func (q *queue) expire(at time.Time) time.Time {
	q.mu.Lock()
	next := q.core.Expire(at)
	q.ended()
	aged := q.core.Aged(at)
	if aged {
		q.seal()
	}
	leader := q.core.Leader()
	q.mu.Unlock()
	if aged {
		q.topic.p.tell(leader, q)
	}
	return next
}

// setLeader says who leads the partition, and by which id the topic goes. It adds to news what
// sinks have to be told.
func (q *queue) setLeader(leader int32, news []news) []news {
	q.led.Store(leader >= 0)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.core.SetTopicID(q.topic.id)
	if !q.core.SetLeader(leader) {
		return news
	}
	if away := q.core.Away(); away >= 0 {
		news = append(news, newsOf(away, &produce.Left{Port: q}))
	}
	if leader >= 0 && !q.core.Idle() {
		news = append(news, newsOf(leader, &q.ready))
	}
	return news
}

// news are what the sink of a broker is to be told. That may lead to much at once, so no lock is
// held.
type news struct {
	broker int32
	event  produce.Event
}

func newsOf(broker int32, event produce.Event) news { return news{broker, event} }
