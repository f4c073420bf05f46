package kgo

import (
	"cmp"
	"slices"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
)

// find returns a partition, nil if it is not consumed.
func (c *Consumer) find(topic string, partition int32) *consumed {
	t := c.topics[topic]
	if t == nil {
		return nil
	}
	return t.parts[partition]
}

// unlock unlocks mu and lets go of chunks that nobody will read.
func (c *Consumer) unlock() {
	trash := c.trash
	c.trash = nil
	c.mu.Unlock()
	for _, k := range trash {
		c.free(k)
	}
}

// restamp makes all stale that was asked for before.
func (c *Consumer) restamp(p *consumed) {
	p.stamp++
	for i := range p.queue {
		if k := p.queue[i].chunk; k != nil {
			c.trash = append(c.trash, k)
		}
	}
	p.queue = nil
	p.now = nil // who reads it finds out by the stamp
	p.lost = nil
}

// seek moves a partition, and returns what to tell the cell.
func (c *Consumer) seek(p *consumed, to Start) *fetch.Seek {
	c.restamp(p)
	p.start, p.ended, p.skipTo = to, false, -1
	p.stopped = to.at.Place == fetch.Nowhere
	p.position = -1
	if to.at.Place == fetch.Offset {
		p.position = to.at.Offset
	}
	return &fetch.Seek{Partition: p.core, Stamp: p.stamp, Start: to.at}
}

// where is the position of the user.
func (p *consumed) where() int64 {
	if p.now != nil {
		return p.now.position.Load()
	}
	return p.position
}

// missing is the error of a partition that is not consumed.
func notConsumed(op, topic string, partition int32) error {
	return &Error{Op: op, Broker: -1, Topic: topic, Partition: partition, API: kmsg.NoAPIKey, Version: -1, Err: ErrNotConsumed}
}

// Seek goes on reading a partition from somewhere else. Nothing from before is shown any more, but
// for a record that another goroutine is being shown just now. It wakes a partition that waits
// because of an error. It does not block: an offset that is not in the log is told later. The error
// is [ErrNotConsumed].
func (c *Consumer) Seek(topic string, partition int32, to Start) error {
	c.mu.Lock()
	p := c.find(topic, partition)
	if p == nil {
		c.mu.Unlock()
		return notConsumed("seek", topic, partition)
	}
	e := c.seek(p, to)
	c.rouse()
	c.unlock()
	c.changes.Add(1)
	c.loop.Post(e)
	return nil
}

// Skip goes on with a partition that waits for a [Consumer.Seek]: behind the batch that could not be
// read, or where the log was found to be another one. It returns the offset, -1 if that is not known
// yet. The error is [ErrNotConsumed] or [ErrNotStopped].
func (c *Consumer) Skip(topic string, partition int32) (offset int64, err error) {
	c.mu.Lock()
	p := c.find(topic, partition)
	if p == nil || !p.stopped {
		c.mu.Unlock()
		if p == nil {
			return -1, notConsumed("skip", topic, partition)
		}
		return -1, &Error{Op: "skip", Broker: -1, Topic: topic, Partition: partition, API: kmsg.NoAPIKey, Version: -1, Err: ErrNotStopped}
	}
	to := Earliest()
	switch {
	case p.skipTo >= 0:
		to = AtOffset(p.skipTo)
	case p.position >= 0:
		to = AtOffset(p.position + 1)
	}
	offset = to.at.Offset
	if to.at.Place != fetch.Offset {
		offset = -1
	}
	e := c.seek(p, to)
	c.unlock()
	c.changes.Add(1)
	c.loop.Post(e)
	return offset, nil
}

// Pause stops showing and fetching records of partitions, from the next one on. What was fetched is
// kept as long as its memory is not needed. Partitions that are not consumed do not count.
func (c *Consumer) Pause(partitions map[string][]int32) {
	e := &fetch.Pause{Parts: c.setPaused(partitions, true)}
	c.changes.Add(1)
	c.loop.Post(e)
	if c.memory.isStarved() {
		c.makeRoom()
	}
}

// Resume takes [Consumer.Pause] back.
func (c *Consumer) Resume(partitions map[string][]int32) {
	c.loop.Post(&fetch.Resume{Parts: c.setPaused(partitions, false)})
}

func (c *Consumer) setPaused(partitions map[string][]int32, paused bool) (parts []*fetch.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, list := range partitions {
		for _, index := range list {
			if p := c.find(topic, index); p != nil {
				p.paused = paused
				parts = append(parts, p.core)
				c.list(p)
			}
		}
	}
	c.rouse()
	return parts
}

// Position returns the offset of the next record to be shown of a partition, -1 if it is not known
// yet. In a loop over [Consumer.Records] that is behind the record at hand, in one over
// [Consumer.Batches] behind the batch. The error is [ErrNotConsumed].
func (c *Consumer) Position(topic string, partition int32) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.find(topic, partition)
	if p == nil {
		return -1, notConsumed("position", topic, partition)
	}
	return p.where(), nil
}

// Lag returns how far the position of a partition is from its end, as of the last answer of the
// broker, in offsets; -1 if it is not known yet. With read_committed the end is the last stable
// offset. The error is [ErrNotConsumed].
func (c *Consumer) Lag(topic string, partition int32) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.find(topic, partition)
	if p == nil {
		return -1, notConsumed("lag", topic, partition)
	}
	return c.lag(p), nil
}

func (c *Consumer) lag(p *consumed) int64 {
	end := p.high
	if c.config.isolation == kmsg.IsolationReadCommitted && p.stable >= 0 {
		end = min(end, p.stable)
	}
	at := p.where()
	if at < 0 || end < 0 {
		return -1
	}
	return max(0, end-at)
}

// ConsumedPartition is how a partition of a consumer is.
type ConsumedPartition struct {
	Topic     string
	Partition int32
	// Position and Lag are those of [Consumer.Position] and [Consumer.Lag].
	Position, Lag int64
	// HighWatermark, LastStableOffset and LogStartOffset are those of the last answer, -1 if
	// there was none, or the broker does not tell.
	HighWatermark, LastStableOffset, LogStartOffset int64
	// Paused is set by [Consumer.Pause]; Stopped says that the partition waits for a
	// [Consumer.Seek]; Ended that it was read to its end, with [StopAtEnd].
	Paused, Stopped, Ended bool
}

// Partitions returns what is consumed, by topic and partition.
func (c *Consumer) Partitions() []ConsumedPartition {
	var all []ConsumedPartition
	c.mu.Lock()
	for _, t := range c.topics {
		for _, p := range t.parts {
			all = append(all, ConsumedPartition{
				Topic: t.name, Partition: p.index,
				Position: p.where(), Lag: c.lag(p),
				HighWatermark: p.high, LastStableOffset: p.stable, LogStartOffset: p.logStart,
				Paused: p.paused, Stopped: p.stopped, Ended: p.ended,
			})
		}
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b ConsumedPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}
