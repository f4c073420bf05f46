package kgo

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Records walks records as they come, and blocks while there are none. Records are the user's, to
// keep: each keeps some of its neighbours alive, up to 240 with 64 KiB or two of their bytes; to keep a
// few of many for long, see [Record.Clone]. Those of one partition come in order; partitions take turns.
//
// An error stands in the place of a record and does not end the loop, unless it is the last: that
// of ctx, or [ErrConcurrentPoll]. Without one the loop ends after [Consumer.Close], or with
// [StopAtEnd]. A new loop goes on behind the last record that was shown, so that breaking loses
// nothing.
func (c *Consumer) Records(ctx context.Context) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		c.each(ctx, func(err error) bool { return yield(nil, err) }, func(k *chunk) bool { return c.walk(k, yield) })
	}
}

// Batches walks batches of records as they come, and blocks while there are none. This is the fast
// way: nothing is copied, and nothing allocated for a record. The batches are the user's; who calls
// [Batch.Release] on those that are not needed any more spares the garbage collector.
//
// Errors and the end are as in [Consumer.Records]. If the records of a batch turned out to be
// malformed when they were walked, its partition goes back to where they are; that is told after
// the batch, and the partition waits for a [Consumer.Skip] or [Consumer.Seek].
func (c *Consumer) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		c.each(ctx, func(err error) bool { return yield(nil, err) }, func(k *chunk) bool { return yield(c.show(k), nil) })
	}
}

// each calls show with every chunk that has a batch to show, and fail with what goes wrong in
// between, until one of them has had enough or there will be no more.
func (c *Consumer) each(ctx context.Context, fail func(error) bool, show func(*chunk) bool) {
	stop, ok := c.startConsuming(ctx)
	if !ok {
		fail(ErrConcurrentPoll)
		return
	}
	defer stop()
	for {
		k, err := c.step(ctx, true)
		switch {
		case err != nil:
			if !c.yieldError(err, fail) {
				return
			}
		case !show(k):
			return
		}
	}
}

// Poll returns the batches that are there, at most as many as one answer of a broker brought for
// each partition, and blocks while there are none. It is for those who have a loop of their own; all
// that is said of [Consumer.Batches] goes for it as well. If records turn out to be malformed, what
// follows them in the same answer is shown again after a [Consumer.Skip].
//
// There may be batches and an error. The error joins those of partitions and that of ctx; it is
// [ErrClosed] after [Consumer.Close], and io.EOF at the end with [StopAtEnd].
func (c *Consumer) Poll(ctx context.Context) ([]*Batch, error) {
	stop, ok := c.startConsuming(ctx)
	if !ok {
		return nil, ErrConcurrentPoll
	}
	defer stop()
	var all []*Batch
	var errs []error
	var last *chunk
	turns := -1 // how many chunks may still be begun
	for wait := true; turns != 0; wait = false {
		if used, _ := c.memory.inUse(); used > c.memory.limit && len(all) > 0 {
			break
		}
		k, err := c.step(ctx, wait)
		switch {
		case err == nil:
		case c.final(err):
			if len(all) == 0 && len(errs) == 0 {
				return nil, err
			}
			return all, errors.Join(errs...) // the end comes again
		default:
			errs = append(errs, err)
			continue
		}
		if k != last {
			if last == nil {
				c.mu.Lock()
				if turns = len(c.ready) + 1; k.of.listed {
					turns-- // it has more, which is not for this call
				}
				c.mu.Unlock()
			} else if turns--; turns == 0 {
				break // its first batch waits for the next call
			}
			last = k
		}
		all = append(all, c.show(k))
	}
	return all, errors.Join(errs...)
}

// errNothing says that there is nothing at the moment.
var errNothing = errors.New("nothing to read")

// final reports whether an error ends it all.
func (c *Consumer) final(err error) bool {
	_, of := err.(*Error)
	return !of
}

// yieldError shows an error, and reports whether to go on.
func (c *Consumer) yieldError(err error, yield func(error) bool) bool {
	switch {
	case err == io.EOF, err == ErrClosed:
		return false
	case c.final(err):
		yield(err)
		return false
	}
	return yield(err)
}

// startConsuming lets nobody else consume, and returns what ends that.
func (c *Consumer) startConsuming(ctx context.Context) (stop func(), ok bool) {
	if !c.consuming.CompareAndSwap(false, true) {
		return nil, false
	}
	unwatch := context.AfterFunc(ctx, func() { c.changes.Add(1) })
	return func() {
		unwatch()
		c.consuming.Store(false)
	}, true
}

// step returns the chunk whose open batch is to be shown next. Without wait it returns errNothing
// instead of blocking.
func (c *Consumer) step(ctx context.Context, wait bool) (*chunk, error) {
	if wait {
		c.settle()
	}
	for {
		select {
		case <-c.closed:
			c.forgetNow()
			return nil, ErrClosed
		default:
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		k, err := c.pick()
		if err != nil {
			return nil, err
		}
		if k != nil {
			if k, err := c.open(k); k != nil || err != nil {
				return k, err
			}
			continue
		}
		if !wait {
			return nil, errNothing
		}
		if err := c.await(ctx); err != nil {
			return nil, err
		}
	}
}

// settle takes note of what became of the batches that were shown last.
func (c *Consumer) settle() {
	for i, b := range c.shown {
		if f := b.failed.Load(); f != nil && f.err != ErrReleased {
			c.halt(b.of, b.stamp, f.at, b.NextOffset(), c.failure(b.of, -1, kmsg.None, &BatchError{f.at, f.err}))
		}
		c.memory.change(-b.counted, 0)
		c.shown[i] = nil
	}
	c.shown = c.shown[:0]
}

// await blocks until there may be something to read.
func (c *Consumer) await(ctx context.Context) error {
	c.mu.Lock()
	if len(c.ready) > 0 || len(c.errs) > 0 {
		c.mu.Unlock()
		return nil
	}
	if c.over() {
		c.mu.Unlock()
		return io.EOF
	}
	c.wake = true
	c.mu.Unlock()
	c.hungry.begin()
	select {
	case <-c.signal:
	case <-ctx.Done():
	case <-c.closed:
	}
	c.hungry.end()
	return nil
}

// hunger is since when somebody waits for records, in nanoseconds, 0 if nobody does.
type hunger struct{ since atomic.Int64 }

func (h *hunger) begin() { h.since.Store(now().UnixNano()) }
func (h *hunger) end()   { h.since.Store(0) }

// of returns for how long somebody has waited of the time from begin to end, which is about now.
func (h *hunger) of(begin, end time.Time) time.Duration {
	since := h.since.Load()
	if since == 0 {
		return 0
	}
	return min(end.Sub(begin), time.Duration(end.UnixNano()-since))
}

// pick returns what to read from: what is being read, unless that is stale or paused, or that of the
// next partition; nil if there is nothing.
func (c *Consumer) pick() (*chunk, error) {
	c.mu.Lock()
	if k := c.now; k != nil {
		p := k.of
		switch {
		case p.stamp != k.stamp:
			c.now = nil
			c.mu.Unlock()
			c.free(k)
			c.mu.Lock()
		case p.paused:
			p.position, p.now, c.now = k.position.Load(), nil, nil
			p.queue = append([]event{{chunk: k, to: -1}}, p.queue...)
			if c.memory.isStarved() {
				c.mu.Unlock()
				c.makeRoom()
				c.mu.Lock()
			}
		default:
			c.mu.Unlock()
			return k, nil
		}
	}
	defer c.mu.Unlock()
	if len(c.errs) > 0 {
		err := c.errs[0]
		c.errs = c.errs[1:]
		return nil, err
	}
	for len(c.ready) > 0 {
		p := c.ready[0]
		c.ready[0] = nil
		c.ready = c.ready[1:]
		p.listed = false
		if p.paused || p.removed || len(p.queue) == 0 {
			continue
		}
		e := p.queue[0]
		p.queue[0] = event{}
		p.queue = p.queue[1:]
		c.list(p)
		switch {
		case e.ended:
			p.ended = true
		case e.err != nil:
			if e.to >= 0 {
				p.position = e.to
			}
			return nil, e.err
		default:
			p.now, c.now = e.chunk, e.chunk
			return e.chunk, nil
		}
	}
	return nil, nil
}

// end lets go of a chunk that was read.
func (c *Consumer) end(k *chunk) {
	c.now = nil
	c.mu.Lock()
	if p := k.of; p.now == k {
		p.position, p.now = k.end, nil
	}
	c.mu.Unlock()
	c.free(k)
}

// free gives back the memory of a chunk.
func (c *Consumer) free(k *chunk) {
	c.closeBatch(k)
	c.ahead.forget(k)
	k.frame.consumed()
	c.memory.change(0, -k.bytes)
}

// forgetNow drops what is being read, because the consumer is closed.
func (c *Consumer) forgetNow() {
	if k := c.now; k != nil {
		c.end(k)
	}
}

// halt stops a partition because of what its records turned out to be, unless it has been moved, and
// reports which. An error to be told comes as an event.
func (c *Consumer) halt(p *consumed, stamp uint64, at, skipTo int64, tell error) bool {
	c.mu.Lock()
	if p.stamp != stamp || p.removed {
		c.mu.Unlock()
		return false
	}
	c.restamp(p)
	p.position, p.stopped, p.skipTo = at, true, max(skipTo, at+1)
	if tell != nil {
		c.enqueue(p, event{err: tell, to: -1})
	}
	e := &fetch.Halt{Partition: p.core, Stamp: p.stamp}
	c.unlock()
	c.changes.Add(1)
	c.loop.Post(e)
	return true
}

// open makes the chunk's next batch ready to be shown, unless one is, and returns the chunk. At its
// end, and if it cannot be read on, it is gone.
func (c *Consumer) open(k *chunk) (*chunk, error) {
	r := &k.reader
	b := &r.Batch
	for !k.open {
		from := k.position.Load()
		if !r.Next() {
			err := r.Err()
			if err == nil && k.broken {
				err = errBroken
			}
			if err != nil {
				return nil, c.spoil(k, from, err)
			}
			c.end(k)
			return nil, nil
		}
		if err := c.prepare(k); err != nil {
			return nil, c.spoil(k, from, err)
		}
		if last := b.LastOffset(); !k.open && last >= from {
			k.position.Store(last + 1)
		}
	}
	return k, nil
}

var errBroken = errors.New("what follows is no batch")

// spoil stops the partition of a chunk that cannot be read.
func (c *Consumer) spoil(k *chunk, at int64, err error) error {
	skipTo := at + 1
	if last := k.reader.Batch.LastOffset(); k.reader.Err() == nil && last < k.high {
		skipTo = max(skipTo, last+1)
	}
	halted := c.halt(k.of, k.stamp, at, skipTo, nil)
	c.now = nil
	c.free(k)
	if !halted {
		return nil
	}
	return c.failure(k.of, -1, kmsg.None, &BatchError{at, err})
}

// prepare opens the reader's batch if there is anything in it to be shown.
func (c *Consumer) prepare(k *chunk) error {
	u := k.unit()
	done := c.ahead.claim(u)
	if done {
		k.payload, k.room = u.payload, u.room
	}
	show, err := c.wanted(k, u, done)
	if err == nil && show && !done {
		err = c.payload(k)
	}
	if k.open = err == nil && show; !k.open {
		c.closeBatch(k)
	}
	k.walking = false
	return err
}

// wanted reports whether there is anything to be shown in the reader's batch.
func (c *Consumer) wanted(k *chunk, u *unit, done bool) (bool, error) {
	b := &k.reader.Batch
	if b.LastOffset() < k.position.Load() {
		_, err := k.aborted.Drop(b) // it may end a transaction
		return false, err
	}
	if b.Magic == batch.V2 && b.BaseOffset >= k.limit {
		return false, b.Check()
	}
	if done {
		if u.err != nil {
			return false, u.err
		}
	} else if !c.config.unverified {
		if err := b.Verify(); err != nil {
			return false, err
		}
	}
	drop, err := k.aborted.Drop(b)
	if err != nil {
		return false, err
	}
	if drop && !(c.config.control && b.Attributes.Control()) {
		return false, nil
	}
	return b.Magic != batch.V2 || b.Count > 0, nil
}

// payload decompresses the reader's batch, if it is compressed.
func (c *Consumer) payload(k *chunk) (err error) {
	b := &k.reader.Batch
	codec := b.Attributes.Codec()
	var room []byte
	if codec != compress.None {
		room = c.memory.get(c.predict(b))
	}
	k.payload, room, err = b.Payload(c.codecs, room, c.config.batchLimit)
	if err != nil {
		c.memory.put(room)
		return err
	}
	if codec != compress.None {
		k.room = room
		c.memory.change(int64(cap(room)), 0)
	}
	return nil
}

// closeBatch ends the open batch, whose records nobody looks at any more.
func (c *Consumer) closeBatch(k *chunk) {
	if k.room != nil {
		c.memory.change(-int64(cap(k.room)), 0)
		c.memory.put(k.room)
		k.room = nil
	}
	k.open, k.payload = false, nil
}

// walk shows the records of the open batch, as copies, and reports whether to go on.
func (c *Consumer) walk(k *chunk, yield func(*Record, error) bool) bool {
	changes := c.changes.Load()
	if !k.walking {
		k.walking = true
		k.walker = k.reader.Batch.Walk(k.payload)
		k.walker.SkipTo(k.position.Load())
		k.walker.CopyAhead(slabBytes)
		k.slab.begin(&k.reader.Batch, len(k.payload))
	}
	w := &k.walker
	r := &w.Record
	for w.Next() && r.Offset < k.limit {
		rec := k.slab.make(k, r, &c.keys)
		k.position.Store(r.Offset + 1)
		if !yield(rec, nil) {
			return false
		}
		if c.changes.Load() != changes {
			return true // to be looked at
		}
	}
	at := k.position.Load()
	if err := w.Err(); err != nil {
		if told := c.spoil(k, at, err); told != nil {
			return yield(nil, told)
		}
		return true
	}
	if last := k.reader.Batch.LastOffset(); last >= at {
		k.position.Store(last + 1)
	}
	c.closeBatch(k)
	return true
}

// show makes a batch of the open one, which is closed by that.
func (c *Consumer) show(k *chunk) *Batch {
	b := k.frame.newBatch()
	p := k.of
	b.Topic, b.Partition = p.topic.name, p.index
	b.HighWatermark, b.LastStableOffset, b.LogStartOffset = k.high, k.stable, k.logStart
	b.c, b.of, b.stamp, b.frame = c, p, k.stamp, k.frame
	b.batch, b.payload, b.room = k.reader.Batch, k.payload, k.room
	b.from, b.limit = k.position.Load(), k.limit
	b.counted = int64(cap(k.room))
	k.frame.hold() // until Release
	if last := b.batch.LastOffset(); last >= b.from {
		k.position.Store(last + 1)
	}
	k.open, k.payload, k.room = false, nil, nil
	c.shown = append(c.shown, b)
	return b
}
