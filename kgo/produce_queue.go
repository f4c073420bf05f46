package kgo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A queue is a partition's [produce.Queue] behind its lock.
type queue struct {
	topic *produceTopic
	ready produce.Ready // what sinks are told

	led atomic.Bool // the partition has a leader

	mu     sync.Mutex
	core   *produce.Queue
	closed error // why no record is accepted any more
}

func newQueue(t *produceTopic, partition int32) *queue {
	q := &queue{topic: t, core: produce.NewQueue(t.p.set, t.name, t.id, partition)}
	q.ready.Port = q
	return q
}

// Take is for sinks.
func (q *queue) Take(now time.Time, broker int32, identity produce.Identity, eager bool, room int) produce.Taken {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.ended()
	return q.core.Take(now, broker, identity, eager, room)
}

// Resolve is for sinks.
func (q *queue) Resolve(now time.Time, b *produce.Batch, r produce.Result, jitter float64) produce.Resolution {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.ended()
	return q.core.Resolve(now, b, r, jitter)
}

// ended sees to the batches that are over, under the lock, so that outcomes keep their order.
func (q *queue) ended() { q.topic.p.finish(q.core.Ended()) }

// append encodes a record into the open batch.
func (q *queue) append(ctx context.Context, key, value []byte, headers []Header, ts int64, callback func(RecordMetadata, error), w *syncWait, block bool) error {
	p := q.topic.p
	q.mu.Lock()
	for q.closed == nil {
		need := 0
		b := q.core.Open()
		if b == nil {
			need = emptySize(ts, key, value, headers)
			if need > p.config.batchBytes {
				q.mu.Unlock()
				return p.refusal(q.core.Topic, q.core.Partition, kmsg.MessageTooLarge, errTooLarge(need, p.config.batchBytes))
			}
		} else {
			size, ok := b.Builder.TryAppend(ts, key, value, headers)
			if ok {
				t := b.Tag.(*tag)
				if callback != nil || w != nil {
					t.add(b.Builder.Len()-1, ts, callback, w)
				}
				first := b.Builder.Len() == 1
				q.mu.Unlock()
				if first {
					p.signal(q)
				}
				return nil
			}
			if size > p.config.batchBytes {
				q.core.Seal()
				q.mu.Unlock()
				p.signal(q)
				q.mu.Lock()
				continue
			}
			need = size
		}
		buf := p.memory.take(need)
		if buf == nil {
			q.mu.Unlock()
			if !block {
				return ErrBufferFull
			}
			var err error
			if buf, err = p.memory.wait(ctx, p.closed, need); err != nil {
				return p.refusal(q.core.Topic, q.core.Partition, kmsg.None, err)
			}
			q.mu.Lock()
			if q.closed != nil {
				p.memory.give(buf)
				continue
			}
		}
		q.place(buf)
	}
	err := q.closed
	q.mu.Unlock()
	return p.refusal(q.core.Topic, q.core.Partition, kmsg.None, err)
}

// place uses a buffer for the open batch, or a new one, if it is larger than what is there.
func (q *queue) place(buf []byte) {
	p := q.topic.p
	b := q.core.Open()
	switch {
	case b == nil:
		b = p.newBatch()
		b.Builder.Reset(buf, batch.V2)
		b.Builder.SetLimit(p.config.batchBytes)
		b.Tag.(*tag).buffer = buf
		q.core.Begin(now(), b)
		if p.batches.Add(1) == 1 {
			p.sweeper.start()
		}
	case cap(buf) > cap(b.Tag.(*tag).buffer):
		b.Builder.Grow(buf)
		p.memory.give(b.Tag.(*tag).buffer)
		b.Tag.(*tag).buffer = buf
	default:
		p.memory.give(buf)
	}
}

// emptySize is how large a batch of one record is.
func emptySize(ts int64, key, value []byte, headers []Header) int {
	var b batch.Builder
	b.Reset(nil, batch.V2)
	return b.SizeWith(ts, key, value, headers)
}

// signal tells the sink of the partition's leader that there is something, if there is a leader.
func (p *Producer) signal(q *queue) {
	q.mu.Lock()
	leader := q.core.Leader()
	q.mu.Unlock()
	if leader >= 0 {
		p.sink(leader).loop.Post(&q.ready)
	}
}

// watch returns a channel that is closed when all records that are in the queue now have had their
// end; nil if there are none.
func (q *queue) watch() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.core.Last()
	if b == nil {
		return nil
	}
	return b.Tag.(*tag).watch()
}

// abort fails all records.
func (q *queue) abort(err error, forGood bool) {
	q.mu.Lock()
	if forGood {
		q.closed = err
	}
	q.core.GiveUp(err)
	q.ended()
	q.mu.Unlock()
}

func (q *queue) expire(at time.Time) {
	q.mu.Lock()
	q.core.Expire(at)
	q.ended()
	q.mu.Unlock()
}

// setLeader says who leads the partition, and by which id the topic goes. It reports whether the
// leader's sink must be told.
func (q *queue) setLeader(leader int32) bool {
	q.led.Store(leader >= 0)
	q.mu.Lock()
	defer q.mu.Unlock()
	changed := q.core.SetLeader(leader)
	q.core.SetTopicID(q.topic.id)
	return changed && !q.core.Idle()
}

// adopt is append for a record that was staged: it takes memory beyond the limit if it must.
func (q *queue) adopt(r *Record, ts int64, s slot) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.closed == nil {
		need := emptySize(ts, r.Key, r.Value, r.Headers)
		if b := q.core.Open(); b != nil {
			size, ok := b.Builder.TryAppend(ts, r.Key, r.Value, r.Headers)
			if ok {
				b.Tag.(*tag).add(b.Builder.Len()-1, ts, s.callback, s.wait)
				return nil
			}
			if size > q.topic.p.config.batchBytes {
				q.core.Seal()
				continue
			}
			need = size
		}
		q.place(q.topic.p.memory.force(need))
	}
	return q.topic.p.refusal(q.core.Topic, q.core.Partition, kmsg.None, q.closed)
}
