package kgo

import (
	"context"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A staged is a run of records of a topic whose partitions are not known, encoded one after the
// other. It is never sent as it is.
type staged struct {
	*tag
	since time.Time // when its first record came
}

// stage keeps a record until the topic's partitions are known.
func (t *produceTopic) stage(ctx context.Context, r *Record, s slot, block bool) error {
	p := t.p
	alone := sizeAlone(s.ts, r)
	if alone > p.config.batchBytes {
		return p.refusal(t.name, -1, kmsg.MessageTooLarge, errTooLarge(alone, p.config.batchBytes))
	}
	t.mu.Lock()
	for t.closed == nil {
		if parts := t.parts.Load(); parts != nil { // just now
			t.mu.Unlock()
			q, err := t.choose(parts, r)
			if err != nil {
				return err
			}
			return q.append(ctx, r, s, block)
		}
		if err := t.refused(); err != nil {
			t.mu.Unlock()
			return err
		}
		var b *tag
		need := alone
		if n := len(t.staged); n > 0 {
			b = t.staged[n-1].tag
			if (s.callback != nil || s.wait != nil) && b.full(b.batch.Builder.Len()) {
				if err := t.enlargeSlots(ctx, b, s.wait != nil, block); err != nil {
					return err
				}
				continue
			}
			var ok bool
			if need, ok = b.batch.Builder.TryAppend(s.ts, r.Key, r.Value, r.Headers); ok {
				i := b.batch.Builder.Len() - 1
				b.add(i, s)
				b.choose(i, r.Partition)
				t.mu.Unlock()
				return nil
			}
			if need > p.config.batchBytes {
				b, need = nil, alone // in a new one
			}
		}
		if err := t.enlarge(ctx, b, need, s.wait != nil, block); err != nil {
			return err
		}
	}
	err := t.closed
	t.mu.Unlock()
	return p.refusal(t.name, -1, kmsg.None, err)
}

// refused is why records of the topic are not accepted, as far as is known: nil for no reason.
func (t *produceTopic) refused() error {
	if t.seen == nil || t.seen.Err == kmsg.None || route.Meaning(t.seen.Err).Is(route.Retriable) {
		return nil
	}
	return t.p.refusal(t.name, -1, t.seen.Err, nil)
}

// enlarge gets memory for n bytes of the last run, or for a new one if tag is nil. On an error the
// lock is not held any more.
func (t *produceTopic) enlarge(ctx context.Context, tag *tag, n int, sync, block bool) error {
	p := t.p
	buf := p.memory.take(n, sync)
	if buf == nil {
		last := len(t.staged)
		t.mu.Unlock()
		var err error
		if buf, err = p.await(ctx, t.name, -1, n, sync, block); err != nil {
			return err
		}
		t.mu.Lock()
		if t.closed != nil || t.parts.Load() != nil || len(t.staged) != last ||
			tag != nil && (t.staged[last-1].tag != tag || cap(tag.buffer) >= cap(buf)) {
			p.memory.give(buf) // all is different
			return nil
		}
	}
	if tag != nil {
		tag.batch.Builder.Grow(buf)
		p.memory.give(tag.buffer)
		tag.buffer = buf
		return nil
	}
	tag = p.newTag()
	tag.buffer = buf
	tag.batch.Builder.Reset(buf, batch.V2)
	tag.batch.Builder.SetLimit(p.config.batchBytes)
	t.staged = append(t.staged, staged{tag, now()})
	p.begun()
	return nil
}

// enlargeSlots gets memory for more slots of the last run.
func (t *produceTopic) enlargeSlots(ctx context.Context, tag *tag, sync, block bool) error {
	p := t.p
	n := tag.growth(tag.batch.Builder.Len())
	if !p.memory.charge(n*slotBytes, sync) {
		t.mu.Unlock()
		if err := p.awaitSlots(ctx, t.name, -1, n, block); err != nil {
			return err
		}
		t.mu.Lock()
		if i := len(t.staged); i == 0 || t.staged[i-1].tag != tag || !tag.full(tag.batch.Builder.Len()) {
			p.memory.discharge(n * slotBytes)
			return nil
		}
	}
	tag.grow(n)
	return nil
}

// deal appends what is staged to the queues. The topic's lock is held, so that records that come
// now come after.
func (t *produceTopic) deal(parts *partitions) {
	for i := range t.staged {
		t.dealRun(parts, &t.staged[i])
	}
	t.staged = nil
}

func (t *produceTopic) dealRun(parts *partitions, b *staged) {
	p := t.p
	sealed := b.batch.Builder.Seal()
	sealed.Checksum()
	r := batch.NewReader(sealed.Bytes)
	if !r.Next() {
		panic(fmt.Sprintf("kgo: what was staged is no batch: %v", r.Err()))
	}
	payload, _, err := r.Batch.Payload(p.codecs, nil, batch.DefaultLimit) // not compressed
	if err != nil {
		panic(fmt.Sprintf("kgo: what was staged cannot be read: %v", err))
	}
	var headers []Header
	w := r.Batch.Walk(payload)
	for i := 0; w.Next(); i++ {
		headers = w.Record.Headers.AppendTo(headers[:0])
		rec := Record{Topic: t.name, Key: w.Record.Key, Value: w.Record.Value, Headers: headers, Partition: b.chosenOf(i), Timestamp: time.UnixMilli(w.Record.Timestamp)}
		s := b.slot(i)
		s.ts = w.Record.Timestamp
		q, err := t.choose(parts, &rec)
		if err == nil {
			err = q.adopt(&rec, s, b.since)
		}
		if err != nil && (s.callback != nil || s.wait != nil) {
			p.refuse(s, RecordMetadata{Topic: t.name, Partition: -1, Offset: -1, Timestamp: rec.Timestamp}, err)
		}
	}
	p.memory.give(b.buffer)
	b.buffer = nil
	for _, f := range b.flushes { // who waits for the run waits for the queues
		for _, q := range parts.all {
			q.watch(f)
		}
		p.barrier(f)
	}
	p.retire(b.tag, false)
}

// fail ends what is staged. The lock is not held.
func (t *produceTopic) fail(runs []staged, err *Error) {
	for i := range runs {
		tag := runs[i].tag
		t.p.memory.give(tag.buffer)
		tag.buffer = nil
		t.p.end(ended{p: t.p, tag: tag, log: -1, md: RecordMetadata{Topic: t.name, Partition: -1, Offset: -1}, err: err})
	}
}

// late takes the runs that have run out of time, and says why they fail. The lock is held.
func (t *produceTopic) late(at time.Time) ([]staged, *Error) {
	n := 0
	for n < len(t.staged) && at.Sub(t.staged[n].since) >= t.p.config.topicTimeout {
		n++
	}
	if n == 0 {
		return nil, nil
	}
	runs := t.staged[:n:n]
	t.staged = t.staged[n:]
	err := t.p.refusal(t.name, -1, kmsg.UnknownTopicOrPartition, fmt.Errorf("no broker told the topic's partitions in %v", t.p.config.topicTimeout))
	if t.seen != nil && t.seen.Err != kmsg.None {
		err.Code = t.seen.Err
	}
	err.Retriable = true
	return runs, err
}
