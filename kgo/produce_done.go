package kgo

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A tag is a batch with what the producer keeps with it: its memory, and who waits for which
// record.
type tag struct {
	batch   produce.Batch
	buffer  []byte   // of the batch, from the producer's memory
	slots   []slot   // by record; shorter if nobody waits for the last ones
	charged int      // bytes of memory for slots
	chosen  []int32  // partitions that the user chose, of staged records
	flushes []*flush // who waits for all of it
}

// A slot is who waits for a record: a callback, or somebody in ProduceSync.
type slot struct {
	callback func(RecordMetadata, error)
	wait     *syncWait
	ts       int64 // of the record
}

// slotBytes is how many bytes of memory a slot takes.
const slotBytes = 24

// tagOf returns what the producer keeps with a batch.
func tagOf(b *produce.Batch) *tag { return b.Tag.(*tag) }

// full reports whether a slot for record i needs memory.
func (t *tag) full(i int) bool { return i >= cap(t.slots) }

// growth is how many more slots are made room for, for record i.
func (t *tag) growth(i int) int { return max(i+1-cap(t.slots), cap(t.slots)) }

// grow makes room for n more slots, which are charged.
func (t *tag) grow(n int) {
	slots := make([]slot, len(t.slots), cap(t.slots)+n)
	copy(slots, t.slots)
	t.slots = slots
	t.charged += n * slotBytes
}

// add notes who waits for record i, if anybody does. There is room for it.
func (t *tag) add(i int, s slot) {
	if s.callback == nil && s.wait == nil {
		return
	}
	for len(t.slots) < i {
		t.slots = append(t.slots, slot{})
	}
	t.slots = append(t.slots, s)
}

// slot returns who waits for record i.
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

// watch lets a flush wait for the batch.
func (t *tag) watch(f *flush) {
	f.left.Add(1)
	t.flushes = append(t.flushes, f)
}

// tags are kept for other batches, so that a batch costs no garbage.
type tags struct {
	mu    sync.Mutex
	free  []*tag
	bytes int64 // of the slots in free
}

const (
	maxTags  = 64 // that are kept
	minSlots = 4
	// slotsShare is the share of the producer's memory, as its reciprocal, that the slots of those
	// may take.
	slotsShare = 16
)

// newTag returns one with an empty batch, and room for some slots: a batch has memory that was
// waited for, and does not wait a second time while it is empty.
func (p *Producer) newTag() *tag {
	t := p.tags.take()
	if t.slots == nil {
		t.slots = make([]slot, 0, minSlots)
	}
	t.charged = cap(t.slots) * slotBytes
	p.memory.charge(t.charged, true)
	return t
}

func (ts *tags) take() *tag {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	n := len(ts.free) - 1
	if n < 0 {
		t := &tag{}
		t.batch.Tag = t
		return t
	}
	t := ts.free[n]
	ts.free[n] = nil
	ts.free = ts.free[:n]
	ts.bytes -= int64(cap(t.slots) * slotBytes)
	return t
}

// keep takes a tag that nobody has to do with any more.
func (p *Producer) keep(t *tag) {
	p.memory.discharge(t.charged)
	clear(t.slots)
	*t = tag{slots: t.slots[:0]}
	t.batch.Tag = t
	p.tags.keep(t, p.config.bufferBytes/slotsShare)
}

// keep keeps a tag, with its slots if those that are kept then take no more than some bytes.
func (ts *tags) keep(t *tag, most int64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.free) == maxTags {
		return
	}
	if n := int64(cap(t.slots) * slotBytes); ts.bytes+n <= most {
		ts.bytes += n
	} else {
		t.slots = nil
	}
	ts.free = append(ts.free, t)
}

// A syncWait is somebody in ProduceSync.
type syncWait struct {
	done chan struct{} // has an element when md and err are there
	md   RecordMetadata
	err  error
}

func (w *syncWait) end(md RecordMetadata, err error) {
	w.md, w.err = md, err
	w.done <- struct{}{}
}

// waits are kept for other calls.
type waits struct {
	mu   sync.Mutex
	free []*syncWait
}

func (w *waits) take() *syncWait {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.free) - 1
	if n < 0 {
		return &syncWait{done: make(chan struct{}, 1)}
	}
	s := w.free[n]
	w.free = w.free[:n]
	return s
}

func (w *waits) give(s *syncWait) {
	s.md, s.err = RecordMetadata{}, nil
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < maxTags {
		w.free = append(w.free, s)
	}
}

// A flush waits for the ends of batches.
type flush struct {
	left atomic.Int64
	done chan struct{}
}

func newFlush() *flush {
	f := &flush{done: make(chan struct{})}
	f.left.Store(1) // for who makes it
	return f
}

func (f *flush) end() {
	if f.left.Add(-1) == 0 {
		close(f.done)
	}
}

// completions calls callbacks, one after the other, on a goroutine that is there while there are
// any. What it has is bounded by the memory that slots take.
type completions struct {
	mu      sync.Mutex
	ended   []ended
	running bool
}

// An ended is a batch whose callbacks are to be called.
type ended struct {
	p     *Producer
	tag   *tag
	md    RecordMetadata // of the first record
	log   int64          // the time at which the broker appended it, -1 if timestamps are the records' own
	err   error
	inUse bool   // somebody still reads the batch
	call  func() // instead of all that
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
			if cap(work) <= maxTags {
				c.ended = work[:0]
			}
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
	e.p.retire(e.tag, e.inUse)
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

// refuse tells who waits for a record that it was not accepted. Who waits in ProduceSync may do so
// in a callback, and is told at once.
func (p *Producer) refuse(s slot, md RecordMetadata, err error) {
	if s.wait != nil {
		s.wait.end(md, err)
		return
	}
	p.memory.charge(slotBytes, true)
	p.refuseCharged(s, md, err)
}

// refuseCharged is refuse for a callback that has its memory.
func (p *Producer) refuseCharged(s slot, md RecordMetadata, err error) {
	p.ends.push(ended{call: func() {
		s.callback(md, err)
		p.memory.discharge(slotBytes)
	}})
}

// finish ends batches: memory is given back, who waits in ProduceSync is told at once, and
// callbacks are left to the completions. The caller holds the lock of the queue.
func (p *Producer) finish(outcomes []produce.Outcome) {
	for i := range outcomes {
		o := &outcomes[i]
		t := tagOf(o.Batch)
		if !o.InUse {
			p.memory.give(t.buffer)
			t.buffer = nil
		}
		if o.Released {
			continue // its end was told
		}
		q := o.Batch.Queue()
		e := ended{p: p, tag: t, log: -1, inUse: o.InUse, md: RecordMetadata{Topic: q.Topic, Partition: q.Partition, Offset: -1}}
		if o.Err == nil {
			e.md.Offset, e.log = o.BaseOffset, o.LogAppendTime
		} else {
			e.err = p.errorOf(o)
		}
		p.end(e)
	}
}

// end tells who waits, and leaves callbacks to the completions. A flush waits for the callbacks of
// all batches before too, so it is left to them as well.
func (p *Producer) end(e ended) {
	callbacks := len(e.tag.flushes) > 0
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
	p.retire(e.tag, e.inUse)
}

// retire is the last that happens to a batch, but for the release of one that is in use.
func (p *Producer) retire(t *tag, inUse bool) {
	flushes := t.flushes
	p.batches.Add(-1)
	if inUse {
		p.memory.discharge(t.charged)
	} else {
		p.keep(t)
	}
	for _, f := range flushes {
		f.end()
	}
}

// errorOf says why a batch failed.
func (p *Producer) errorOf(o *produce.Outcome) *Error {
	q := o.Batch.Queue()
	e := p.refusal(q.Topic, q.Partition, kmsg.None, o.Err)
	if o.Batch.Tries() > 0 {
		e.Broker, e.Version = o.Last.Broker, o.Last.Version
		if o.Last.Failure != nil {
			e.Version = -1
		}
	}
	if o.Written {
		e.Written = WrittenMaybe
	}
	last := &o.Last
	code, own := o.Err.(kmsg.ErrorCode)
	switch {
	case own: // what the broker said ends it
		e.Err, e.Code, e.Message = nil, code, last.Message
	case last.Code != kmsg.None:
		e.Code, e.Message = last.Code, last.Message
	case last.Failure != nil && last.Failure != o.Err:
		e.Err = fmt.Errorf("%w; the last of %d attempts: %w", o.Err, o.Batch.Tries(), last.Failure)
	}
	if e.Code != kmsg.None {
		e.Retriable = route.Meaning(e.Code).Is(route.Retriable)
	} else {
		e.Retriable = !errors.Is(o.Err, produce.ErrFatal) && !errors.Is(o.Err, ErrAborted) && !forGood(o.Err)
	}
	p.client.complete(e)
	return e
}

func errTooLarge(size, limit int) error {
	return fmt.Errorf("the record takes %d bytes, the limit of BatchBytes is %d", size, limit)
}
