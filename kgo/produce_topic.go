package kgo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A produceTopic is a topic that is produced to. As long as its partitions are not known, records
// are staged: encoded one after the other, to be dealt out in their order.
type produceTopic struct {
	p      *Producer
	name   string
	sticky stickyPartition

	parts atomic.Pointer[[]*queue] // nil as long as the topic is not known

	mu     sync.Mutex // before the lock of any queue
	seen   *cluster.Topic
	id     kbin.UUID
	staged []*stagedBatch // oldest first
	closed error
}

// A stagedBatch is a run of staged records. It is never sent as it is.
type stagedBatch struct {
	produce.Batch
	until time.Time // when its records fail
}

func newProduceTopic(p *Producer, name string) *produceTopic { return &produceTopic{p: p, name: name} }

// stickyShare is how many bytes a partition gets before it is another's turn.
const stickyShare = 64 << 10

// choose returns the queue of a record's partition.
func (t *produceTopic) choose(parts []*queue, r *Record) (*queue, error) {
	n := int32(len(parts))
	i := int32(0)
	switch {
	case t.p.config.partitioner != nil:
		if i = t.p.config.partitioner.Partition(r, n); i < 0 || i >= n {
			return nil, t.p.refusal(t.name, i, kmsg.None, fmt.Errorf("the partitioner chose partition %d of %d: %w", i, n, kmsg.UnknownTopicOrPartition))
		}
	case r.Key != nil:
		i = KeyHash(r.Key) % n
	default:
		i = t.sticky.choose(len(r.Value), stickyShare, n, func(i int32) bool { return parts[i].led.Load() })
	}
	return parts[i], nil
}

// stage keeps a record until the topic's partitions are known.
func (t *produceTopic) stage(ctx context.Context, r *Record, ts int64, callback func(RecordMetadata, error), w *syncWait, block bool) error {
	p := t.p
	size := emptySize(ts, r.Key, r.Value, r.Headers)
	if size > p.config.batchBytes {
		return p.refusal(t.name, -1, kmsg.MessageTooLarge, errTooLarge(size, p.config.batchBytes))
	}
	t.mu.Lock()
	for t.closed == nil {
		if parts := t.parts.Load(); parts != nil { // just now
			t.mu.Unlock()
			q, err := t.choose(*parts, r)
			if err != nil {
				return err
			}
			return q.append(ctx, r.Key, r.Value, r.Headers, ts, callback, w, block)
		}
		need := size
		if n := len(t.staged); n > 0 {
			b := t.staged[n-1]
			var ok bool
			if need, ok = b.Builder.TryAppend(ts, r.Key, r.Value, r.Headers); ok {
				tag := b.Tag.(*tag)
				tag.add(b.Builder.Len()-1, ts, callback, w)
				tag.choose(b.Builder.Len()-1, r.Partition)
				t.mu.Unlock()
				return nil
			}
			if need > p.config.batchBytes {
				need = size // in a new one
			}
		}
		buf := p.memory.take(need)
		if buf == nil {
			t.mu.Unlock()
			if !block {
				return ErrBufferFull
			}
			var err error
			if buf, err = p.memory.wait(ctx, p.closed, need); err != nil {
				return p.refusal(t.name, -1, kmsg.None, err)
			}
			t.mu.Lock()
			if t.closed != nil || t.parts.Load() != nil {
				p.memory.give(buf)
				continue
			}
		}
		t.place(buf, need > size)
	}
	err := t.closed
	t.mu.Unlock()
	return p.refusal(t.name, -1, kmsg.None, err)
}

// place uses a buffer to go on with the last run of staged records, or to begin another.
func (t *produceTopic) place(buf []byte, grow bool) {
	p := t.p
	if n := len(t.staged); grow && n > 0 && cap(buf) > cap(t.staged[n-1].Tag.(*tag).buffer) {
		tag := t.staged[n-1].Tag.(*tag)
		t.staged[n-1].Builder.Grow(buf)
		p.memory.give(tag.buffer)
		tag.buffer = buf
		return
	}
	b := &stagedBatch{until: now().Add(p.config.topicTimeout)}
	b.Tag = &tag{buffer: buf}
	b.Builder.Reset(buf, batch.V2)
	b.Builder.SetLimit(p.config.batchBytes)
	t.staged = append(t.staged, b)
	if p.batches.Add(1) == 1 {
		p.sweeper.start()
	}
}

// update takes note of a snapshot of the cluster.
func (t *produceTopic) update(s *cluster.Snapshot) {
	known := s.Topic(t.name)
	if known == nil {
		return
	}
	t.mu.Lock()
	ready := t.learn(known)
	t.mu.Unlock()
	for _, q := range ready { // sinks may call back
		t.p.signal(q)
	}
}

// learn returns the queues whose sinks must be told.
func (t *produceTopic) learn(known *cluster.Topic) (ready []*queue) {
	if known == t.seen || t.closed != nil {
		return nil
	}
	t.seen = known
	if len(known.Partitions) == 0 {
		if known.Err != kmsg.None && !route.Meaning(known.Err).Is(route.Retriable) {
			t.fail(t.p.refusal(t.name, -1, known.Err, nil))
		}
		return nil
	}
	if !known.ID.IsZero() {
		t.id = known.ID
	}
	return t.lead(known)
}

// lead tells the queues their leaders, and makes those that are missing. Partitions never become
// fewer, unless the topic was made anew: then the queues that are too many keep their records until
// these have run out of time.
func (t *produceTopic) lead(known *cluster.Topic) (ready []*queue) {
	var parts []*queue
	if old := t.parts.Load(); old != nil {
		parts = *old
	}
	n := len(parts)
	if len(known.Partitions) > n {
		parts = append(make([]*queue, 0, len(known.Partitions)), parts...)
		for i := n; i < len(known.Partitions); i++ {
			parts = append(parts, newQueue(t, int32(i)))
		}
	}
	for i, q := range parts {
		leader := int32(-1)
		if i < len(known.Partitions) {
			leader = known.Partitions[i].Leader
		}
		if q.setLeader(leader) {
			ready = append(ready, q)
		}
	}
	if len(parts) == n {
		return ready
	}
	// Records that come now wait for the lock in stage, so those that are staged come first.
	if len(t.staged) > 0 {
		t.deal(parts)
		ready = parts
	}
	t.parts.Store(&parts)
	return ready
}

// deal appends what is staged to the queues.
func (t *produceTopic) deal(parts []*queue) {
	for _, b := range t.staged {
		b.Sealed = b.Builder.Seal()
		b.Sealed.Checksum()
		r := batch.NewReader(b.Sealed.Bytes)
		r.Next()
		payload, _, _ := r.Batch.Payload(nil, nil, 0) // not compressed
		tag := b.Tag.(*tag)
		var headers []Header
		w := r.Batch.Walk(payload)
		for i := 0; w.Next(); i++ {
			headers = w.Record.Headers.AppendTo(headers[:0])
			rec := Record{Topic: t.name, Key: w.Record.Key, Value: w.Record.Value, Headers: headers, Partition: tag.chosenOf(i), Timestamp: time.UnixMilli(w.Record.Timestamp)}
			s := tag.slot(i)
			q, err := t.choose(parts, &rec)
			if err == nil {
				err = q.adopt(&rec, w.Record.Timestamp, s)
			}
			if err != nil {
				t.p.ends.refuse(s.end, RecordMetadata{Topic: t.name, Partition: rec.Partition, Offset: -1, Timestamp: rec.Timestamp}, err)
			}
		}
		t.p.memory.give(tag.buffer)
		t.p.passOn(tag, parts)
	}
	t.staged = nil
}

// fail ends what is staged.
func (t *produceTopic) fail(err *Error) {
	for _, b := range t.staged {
		t.p.endStaged(t.name, b, err)
	}
	t.staged = nil
}

// expire gives up what has run out of time.
func (t *produceTopic) expire(at time.Time) {
	t.mu.Lock()
	n := 0
	for n < len(t.staged) && !at.Before(t.staged[n].until) {
		n++
	}
	late := t.staged[:n]
	t.staged = t.staged[n:]
	err := t.p.refusal(t.name, -1, kmsg.UnknownTopicOrPartition, fmt.Errorf("no broker told the topic's partitions in %v", t.p.config.topicTimeout))
	if t.seen != nil && t.seen.Err != kmsg.None {
		err.Code = t.seen.Err
	}
	t.mu.Unlock()
	for _, b := range late {
		t.p.endStaged(t.name, b, err)
	}
	for _, q := range t.queues() {
		q.expire(at)
	}
}

func (t *produceTopic) queues() []*queue {
	if parts := t.parts.Load(); parts != nil {
		return *parts
	}
	return nil
}

// watch returns channels that are closed when all records that are there now have had their end.
func (t *produceTopic) watch() (all []chan struct{}) {
	t.mu.Lock()
	for _, b := range t.staged {
		all = append(all, b.Tag.(*tag).watch())
	}
	t.mu.Unlock()
	for _, q := range t.queues() {
		if w := q.watch(); w != nil {
			all = append(all, w)
		}
	}
	return all
}

// abort fails all records; for good if the producer is closed.
func (t *produceTopic) abort(err error) {
	forGood := err == ErrClosed
	t.mu.Lock()
	if forGood {
		t.closed = err
	}
	staged := t.staged
	t.staged = nil
	t.mu.Unlock()
	for _, b := range staged {
		t.p.endStaged(t.name, b, t.p.refusal(t.name, -1, kmsg.None, err))
	}
	for _, q := range t.queues() {
		q.abort(err, forGood)
	}
}
