package kgo

import (
	"fmt"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A tag is what the producer keeps with a batch: its memory, and who waits for which record.
type tag struct {
	buffer   []byte  // of the batch as it was built, counted in the producer's memory
	sealed   []byte  // of the batch as it goes out, if that is another one
	slots    []slot  // by record; shorter if nobody waits for the last ones
	chosen   []int32 // partitions that the user chose, of staged records
	watchers []chan struct{}
	charged  int // bytes of memory for slots
}

// A slot is who waits for a record: a callback, or somebody in ProduceSync.
type slot struct {
	callback func(RecordMetadata, error)
	wait     *syncWait
	ts       int64 // of the record
}

// slotSize is about how many bytes of memory a slot takes.
const slotSize = 32

// add notes who waits for record i, if anybody does.
func (t *tag) add(i int, ts int64, callback func(RecordMetadata, error), w *syncWait) {
	if callback == nil && w == nil {
		return
	}
	for len(t.slots) < i {
		t.slots = append(t.slots, slot{})
	}
	t.slots = append(t.slots, slot{callback, w, ts})
}

func (t *tag) slot(i int) slot {
	if i >= len(t.slots) {
		return slot{}
	}
	return t.slots[i]
}

// choose notes the partition that the user chose for record i.
func (t *tag) choose(i int, partition int32) {
	if partition == 0 && len(t.chosen) == 0 {
		return
	}
	for len(t.chosen) < i {
		t.chosen = append(t.chosen, 0)
	}
	t.chosen = append(t.chosen, partition)
}

func (t *tag) chosenOf(i int) int32 {
	if i >= len(t.chosen) {
		return 0
	}
	return t.chosen[i]
}

// watch returns a channel that is closed at the batch's end, after its callbacks.
func (t *tag) watch() chan struct{} {
	w := make(chan struct{})
	t.watchers = append(t.watchers, w)
	return w
}

// end tells who waits for a record.
func (s *slot) end(md RecordMetadata, err error) {
	switch {
	case s.wait != nil:
		s.wait.end(md, err)
	case s.callback != nil:
		s.callback(md, err)
	}
}

// A syncWait is somebody in ProduceSync.
type syncWait struct {
	done chan struct{}
	md   RecordMetadata
	err  error
}

func newSyncWait() *syncWait { return &syncWait{done: make(chan struct{}, 1)} }

func (w *syncWait) end(md RecordMetadata, err error) {
	w.md, w.err = md, err
	w.done <- struct{}{}
}

// completions calls callbacks, one after the other, on a goroutine that is there while there are
// any.
type completions struct {
	mu      sync.Mutex
	ended   []ended
	running bool
}

// An ended is a batch whose callbacks are to be called.
type ended struct {
	p    *Producer
	tag  *tag
	md   RecordMetadata // of the first record
	log  int64          // the time at which the broker appended it, -1 if timestamps are the records' own
	err  error
	call func() // instead of all that
}

func (c *completions) push(e ended) {
	c.mu.Lock()
	c.ended = append(c.ended, e)
	start := !c.running
	c.running = true
	c.mu.Unlock()
	if start {
		go c.run()
	}
}

func (c *completions) run() {
	var work []ended
	for {
		c.mu.Lock()
		if len(c.ended) == 0 {
			c.running = false
			c.mu.Unlock()
			return
		}
		work, c.ended = c.ended, work[:0]
		c.mu.Unlock()
		for i := range work {
			work[i].run()
			work[i] = ended{}
		}
	}
}

func (e *ended) run() {
	if e.call != nil {
		e.call()
		return
	}
	for i := range e.tag.slots {
		if s := &e.tag.slots[i]; s.callback != nil {
			s.callback(e.metadata(i, s.ts))
		}
	}
	e.p.retire(e.tag)
}

// metadata is what becomes of record i.
func (e *ended) metadata(i int, ts int64) (RecordMetadata, error) {
	md := e.md
	if md.Offset >= 0 {
		md.Offset += int64(i)
	}
	if e.log >= 0 {
		ts = e.log
	}
	md.Timestamp = time.UnixMilli(ts)
	return md, e.err
}

// refuse calls the callback of a record that was not accepted.
func (c *completions) refuse(callback func(RecordMetadata, error), md RecordMetadata, err error) {
	c.push(ended{call: func() { callback(md, err) }})
}

// newBatch returns a batch with a tag.
func (p *Producer) newBatch() *produce.Batch { return &produce.Batch{Tag: &tag{}} }

// finish ends batches: who waits in ProduceSync is told at once, memory is given back, and
// callbacks are left to the completions.
func (p *Producer) finish(outcomes []produce.Outcome) {
	for i := range outcomes {
		o := &outcomes[i]
		t := o.Batch.Tag.(*tag)
		if !o.InUse {
			p.memory.give(t.buffer)
			p.memory.give(t.sealed)
			t.buffer, t.sealed = nil, nil
		}
		if o.Released {
			continue // its end was told
		}
		e := ended{p: p, tag: t, log: -1, md: RecordMetadata{Topic: o.Batch.Queue().Topic, Partition: o.Batch.Queue().Partition, Offset: -1}}
		if o.Err == nil {
			e.md.Offset, e.log = o.BaseOffset, o.LogAppendTime
		} else {
			e.err = p.errorOf(o)
		}
		p.end(e)
	}
}

// end tells who waits, and leaves callbacks to the completions.
func (p *Producer) end(e ended) {
	callbacks := false
	for i := range e.tag.slots {
		s := &e.tag.slots[i]
		if s.wait != nil {
			s.wait.end(e.metadata(i, s.ts))
		}
		callbacks = callbacks || s.callback != nil
	}
	if callbacks {
		p.ends.push(e)
		return
	}
	p.retire(e.tag)
}

// retire is the last that happens to a batch.
func (p *Producer) retire(t *tag) {
	for _, w := range t.watchers {
		close(w)
	}
	t.watchers = nil
	p.batches.Add(-1)
}

// endStaged fails a run of staged records.
func (p *Producer) endStaged(topic string, b *stagedBatch, err *Error) {
	t := b.Tag.(*tag)
	p.memory.give(t.buffer)
	t.buffer = nil
	p.end(ended{p: p, tag: t, log: -1, md: RecordMetadata{Topic: topic, Partition: -1, Offset: -1}, err: err})
}

// errorOf says why a batch failed.
func (p *Producer) errorOf(o *produce.Outcome) *Error {
	q := o.Batch.Queue()
	e := p.refusal(q.Topic, q.Partition, kmsg.None, o.Err)
	if o.Written {
		e.Written = WrittenMaybe
	}
	last := &o.Last
	code, own := o.Err.(kmsg.ErrorCode)
	switch {
	case own: // what the broker said ends it
		e.Err, e.Code, e.Message = nil, code, last.Message
		if !o.Written {
			e.Written = WrittenNo
		}
	case last.Code != kmsg.None:
		e.Code, e.Message = last.Code, last.Message
	case last.Failure != nil && last.Failure != o.Err:
		e.Err = fmt.Errorf("%w; the last of %d attempts: %w", o.Err, o.Batch.Tries(), last.Failure)
	}
	e.Retriable = route.Meaning(e.Code).Is(route.Retriable) || e.Code == kmsg.None
	p.client.complete(e)
	return e
}

func errTooLarge(size, limit int) error {
	return fmt.Errorf("the record takes %d bytes, the limit of BatchBytes is %d", size, limit)
}

// passOn ends a run of staged records whose records are in queues now: who waits for it waits for
// them.
func (p *Producer) passOn(t *tag, parts []*queue) {
	if watchers := t.watchers; len(watchers) > 0 {
		var ends []chan struct{}
		for _, q := range parts {
			if w := q.watch(); w != nil {
				ends = append(ends, w)
			}
		}
		go func() {
			for _, end := range ends {
				<-end
			}
			for _, w := range watchers {
				close(w)
			}
		}()
	}
	p.batches.Add(-1)
}
