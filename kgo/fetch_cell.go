package kgo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A fetchCell tells the cell what is true when it is told: events that several goroutines post may
// overtake each other.
type fetchCell struct {
	*fetch.Cell
	c *Consumer
}

// Handle is the cell's.
func (f *fetchCell) Handle(now time.Time, e fetch.Event) {
	switch e := e.(type) {
	case *fetch.Known:
		e.Snapshot = f.c.client.meta.snapshot()
	case *fetch.Assign:
		f.assign(now, e)
		return
	}
	f.Cell.Handle(now, e)
}

// assign assigns partitions as they are now: one may have been sought, paused or removed before the
// cell knew of it.
func (f *fetchCell) assign(now time.Time, e *fetch.Assign) {
	var paused []*fetch.Partition
	n := 0
	f.c.mu.Lock()
	for _, a := range e.Parts {
		p := a.Partition.Tag.(*consumed)
		if p.removed {
			continue
		}
		if p.paused {
			paused = append(paused, p.core)
		}
		a.Stamp, a.Start = p.stamp, p.start.at
		e.Parts[n] = a
		n++
	}
	f.c.mu.Unlock()
	e.Parts = e.Parts[:n]
	f.Cell.Handle(now, e)
	if len(paused) > 0 {
		f.Cell.Handle(now, &fetch.Pause{Parts: paused})
	}
}

// act does what the cell decided. It does not block.
func (c *Consumer) act(a fetch.Action) {
	switch a := a.(type) {
	case *fetch.Request:
		c.lanes.send(a)
	case *fetch.Deliver:
		c.deliver(a)
	case *fetch.Positioned:
		c.positioned(a)
	case *fetch.Ended:
		c.push(a.Partition.Tag.(*consumed), a.Stamp, event{ended: true, to: -1})
	case *fetch.Report:
		c.reported(a)
	case *fetch.Truncated:
		c.truncated(a)
	case *fetch.AskOffsets:
		c.question(func(ctx context.Context) { c.askOffsets(ctx, a) })
	case *fetch.AskEpochs:
		c.question(func(ctx context.Context) { c.askEpochs(ctx, a) })
	case *fetch.Stale:
		c.client.meta.post(&cluster.Need{Topics: a.Topics, Newer: c.client.meta.snapshot().Seq, Reason: a.Reason})
	case *fetch.Hint:
		c.hint(&a.LeaderHint)
	case *fetch.Short:
		c.makeRoom()
	default:
		panic(fmt.Sprintf("kgo: unknown action %T", a))
	}
}

// deliver hands out chunks.
func (c *Consumer) deliver(a *fetch.Deliver) {
	f := c.lanes.frameOf(a.Request)
	if f.claimed.Swap(true) {
		return // the consumer is closed
	}
	f.hold() // until all are handed out
	f.chunks.Add(1)
	c.mu.Lock()
	var waiting int64
	chunks := make([]chunk, len(a.Chunks))
	for i := range a.Chunks {
		k := &a.Chunks[i]
		p := k.Partition.Tag.(*consumed)
		if p.stamp != k.Stamp || c.closing {
			continue
		}
		p.note(k)
		if len(k.Records) == 0 && k.End == k.From {
			continue
		}
		waiting += int64(len(k.Records))
		chunks[i].init(p, f, k)
		if k.Compressed > 0 {
			c.ahead.add(&chunks[i], k)
		}
		c.enqueue(p, event{chunk: &chunks[i], to: -1})
	}
	if waiting > 0 {
		c.memory.change(0, waiting) // before any of it is consumed
		c.rouse()
	}
	c.mu.Unlock()
	f.consumed()
}

// note takes note of how far the partition goes.
func (p *consumed) note(k *fetch.Chunk) {
	p.high, p.stable, p.logStart = k.HighWatermark, k.LastStable, k.LogStart
}

// init makes a chunk of what came for a partition.
func (n *chunk) init(p *consumed, f *frame, k *fetch.Chunk) {
	n.of, n.stamp, n.frame, n.bytes = p, k.Stamp, f, int64(len(k.Records))
	n.end, n.epoch, n.limit, n.broken = k.End, k.Epoch, k.Limit, k.Broken
	n.high, n.stable, n.logStart = k.HighWatermark, k.LastStable, k.LogStart
	f.batches += k.Batches
	n.reader.Reset(k.Records)
	n.position.Store(k.From)
	if len(k.Aborted) > 0 {
		n.aborted.Reset(k.Aborted)
	}
	f.hold()
	f.chunks.Add(1)
}

// enqueue adds to what a partition has for the user.
func (c *Consumer) enqueue(p *consumed, e event) {
	if last := len(p.queue) - 1; last >= 0 && e.err != nil && e.to < 0 && p.queue[last].err != nil && p.queue[last].to < 0 {
		p.queue[last] = e // nobody has read what was wrong before
		return
	}
	p.queue = append(p.queue, e)
	c.list(p)
}

// list adds a partition to those that have something.
func (c *Consumer) list(p *consumed) {
	if !p.listed && !p.paused && !p.removed && len(p.queue) > 0 {
		p.listed = true
		c.ready = append(c.ready, p)
	}
}

// push adds what is not stale.
func (c *Consumer) push(p *consumed, stamp uint64, e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.stamp == stamp {
		c.enqueue(p, e)
		c.rouse()
	}
}

// positioned takes note of where a partition begins.
func (c *Consumer) positioned(a *fetch.Positioned) {
	p := a.Partition.Tag.(*consumed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.stamp != a.Stamp {
		return
	}
	p.position = a.Offset
	if e := p.lost; e != nil {
		p.lost, e.To = nil, a.Offset
		c.enqueue(p, event{err: c.failure(p, -1, kmsg.None, e), to: a.Offset})
		c.rouse()
	}
}

// reported passes on what is wrong.
func (c *Consumer) reported(a *fetch.Report) {
	err, to := c.report(a)
	if a.Partition == nil {
		c.client.log.Warn("cannot fetch", "broker", a.Broker, "error", err)
		c.tell(err)
		return
	}
	p := a.Partition.Tag.(*consumed)
	c.client.log.Warn("cannot fetch", "topic", p.topic.name, "partition", p.index, "error", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.stamp != a.Stamp {
		return
	}
	gone := a.Why == fetch.Failing && (a.Code == kmsg.UnknownTopicOrPartition || a.Code == kmsg.UnknownTopicID)
	if a.Why != fetch.Failing && to < 0 {
		p.stopped = true
		p.skipTo = -1
	}
	if !gone || !p.topic.matches { // what matched a pattern was deleted, which is nobody's fault
		c.enqueue(p, event{err: err, to: to})
	}
	if gone && c.config.stopAtEnd {
		c.enqueue(p, event{ended: true, to: -1})
	}
	c.rouse()
}

// truncated lets a partition go on where the log is another than that which was read. What was fetched
// and not shown is dropped: if the user has not seen any of what is no more, nothing has happened.
func (c *Consumer) truncated(a *fetch.Truncated) {
	p := a.Partition.Tag.(*consumed)
	c.mu.Lock()
	if p.stamp != a.Stamp || p.removed {
		c.mu.Unlock()
		return
	}
	untold, from, _ := p.untold()
	to := Start{fetch.Start{Place: fetch.Offset, Offset: a.Diverged, Epoch: a.Epoch}}
	lost := &PositionError{ErrTruncated, from, -1}
	switch {
	case a.Diverged >= 0 && from >= 0 && from <= a.Diverged:
		to.at.Offset, lost = from, nil // with the epoch: the log has had all before it
	case c.config.reset.at.Place == fetch.Nowhere:
		to = Nowhere()
	case a.Diverged < 0:
		to = c.config.reset
	}
	if untold != nil {
		lost = untold
	}
	seek := c.seek(p, to)
	if lost != nil {
		c.client.log.Warn("the log was truncated", "topic", p.topic.name, "partition", p.index, "position", from, "diverged", a.Diverged)
		if to.at.Place == fetch.Nowhere {
			p.position, p.skipTo = from, a.Diverged
			c.enqueue(p, event{err: c.failure(p, -1, kmsg.None, lost), to: -1})
			c.rouse()
		} else {
			p.lost = lost // it is told when it is known where to go on
		}
	}
	c.unlock()
	c.changes.Add(1)
	c.loop.Post(seek)
}

// untold returns a lost position that the user has not been told of, nil if there is none, where the
// user is, or will be when told, and the epoch to go back there with, -1 if it is not known.
func (p *consumed) untold() (lost *PositionError, from int64, epoch int32) {
	lost, from, epoch = p.lost, p.where(), -1
	chunks := p.now != nil
	for i := range p.queue {
		switch e := &p.queue[i]; {
		case e.chunk != nil:
			chunks, epoch = true, e.chunk.epoch
		case e.to >= 0:
			if lost == nil && errors.As(e.err, &lost) && chunks {
				lost.From = from // what comes before it goes as well
			}
			from, epoch = e.to, -1
		}
	}
	return lost, from, epoch
}

// hint passes on what a broker said of a partition's leader, and asks if that does not help.
func (c *Consumer) hint(h *cluster.LeaderHint) {
	meta := c.client.meta
	s := meta.snapshot()
	if !h.Helps(s) {
		meta.post(&cluster.Need{Topics: []string{h.Topic}, Newer: s.Seq, Reason: "a broker does not lead a partition"})
		return
	}
	meta.post(h)
}

// makeRoom drops what is kept for paused partitions; it will be fetched again. What comes before the
// end of those that wait for a Seek would not.
func (c *Consumer) makeRoom() {
	var seeks []*fetch.Seek
	c.mu.Lock()
	for _, t := range c.topics {
		for _, p := range t.parts {
			if p.paused && !p.stopped && hasChunk(p.queue) {
				untold, from, epoch := p.untold()
				seeks = append(seeks, c.seek(p, Start{fetch.Start{Place: fetch.Offset, Offset: from, Epoch: epoch}}))
				p.lost = untold
			}
		}
	}
	c.unlock()
	for _, s := range seeks {
		c.loop.Post(s)
	}
}

func hasChunk(queue []event) bool {
	for i := range queue {
		if queue[i].chunk != nil {
			return true
		}
	}
	return false
}

// askOffsets asks for offsets and tells the cell. Brokers before 0.11 have no transactions, and no
// field to say which records of them count.
func (c *Consumer) askOffsets(ctx context.Context, a *fetch.AskOffsets) {
	req := a.Request()
	opts := []DoOption{WithoutRetry()}
	if req.IsolationLevel != kmsg.IsolationReadUncommitted {
		opts = append(opts, atLeast(2))
	}
	resp, err := Do(ctx, c.client, req, opts...)
	if len(opts) > 1 && errors.Is(err, kmsg.UnsupportedVersion) {
		req.IsolationLevel = kmsg.IsolationReadUncommitted
		resp, err = Do(ctx, c.client, req, WithoutRetry())
	}
	if unanswered(err) {
		resp = nil
	}
	c.loop.Post(&fetch.Offsets{To: a, Response: resp, Err: err})
}

// askEpochs asks for the ends of leader epochs and tells the cell.
func (c *Consumer) askEpochs(ctx context.Context, a *fetch.AskEpochs) {
	resp, err := Do(ctx, c.client, a.Request(), WithoutRetry())
	if unanswered(err) {
		resp = nil
	}
	c.loop.Post(&fetch.Epochs{To: a, Response: resp, Err: err, Unsupported: resp == nil && errors.Is(err, kmsg.UnsupportedVersion)})
}

// unanswered reports whether an error is no code that a broker answered: then those in the answer are
// not its own.
func unanswered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == kmsg.None
}
