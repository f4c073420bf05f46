package kgo

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A log that is truncated again before the user has heard of the first time: what was shown and is
// lost is told once, with the offset that the user had reached.
func TestTruncatedTwice(t *testing.T) {
	for _, positioned := range []bool{false, true} {
		c := bareConsumer(t)
		p := c.bare("orders")
		p.position = 10
		c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 12, Diverged: 5, Epoch: 3})
		if positioned {
			c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 5})
		}
		c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 8, Diverged: 6, Epoch: 4})
		if at := p.start.at; at.Offset != 5 || at.Epoch != 4 {
			t.Errorf("it goes on at %d with epoch %d, not at 5 with 4", at.Offset, at.Epoch)
		}
		c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 5})
		_, err := c.Poll(context.Background())
		var lost *PositionError
		if !errors.As(err, &lost) || !errors.Is(err, ErrTruncated) || lost.From != 10 || lost.To != 5 {
			t.Errorf("told is %v, not that all from 5 to 10 is lost", err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What was fetched before a loss, and has not been shown when the log is truncated again, is lost as
// well: it is told from where the user is.
func TestTruncatedTwiceBeforeShown(t *testing.T) {
	c := bareConsumer(t)
	p := c.bare("orders")
	p.position = 10
	c.hand(p, fetch.Chunk{From: 10, End: 20, Limit: math.MaxInt64, HighWatermark: 20, LastStable: 20})
	c.push(p, p.stamp, event{err: c.failure(p, -1, kmsg.None, &PositionError{ErrOutOfRange, 20, 30}), to: 30})
	c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 40, Diverged: 5, Epoch: 3})
	c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 5})
	_, err := c.Poll(context.Background())
	var lost *PositionError
	if !errors.As(err, &lost) || !errors.Is(err, ErrOutOfRange) || lost.From != 10 || lost.To != 5 {
		t.Errorf("told is %v, not that it goes on from 10 at 5", err)
	}
}

// Who seeks is not told afterwards that a position from before is lost.
func TestSeekForgetsWhatIsLost(t *testing.T) {
	c := bareConsumer(t)
	p := c.bare("orders")
	p.position = 10
	c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 10, Diverged: 5, Epoch: 3})
	if err := c.Seek("orders", 0, Latest()); err != nil {
		t.Fatal(err)
	}
	c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 7})
	if len(p.queue) > 0 || p.position != 7 {
		t.Errorf("the position is %d, want 7; told is %v", p.position, p.queue)
	}
}

// A log that is cut off where the user is has lost nothing that was shown.
func TestTruncatedWhereTheUserIs(t *testing.T) {
	c := bareConsumer(t)
	p := c.bare("orders")
	p.position = 10
	c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 12, Diverged: 10, Epoch: 3})
	c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 10})
	if at := p.start.at; at.Offset != 10 || at.Epoch != 3 || len(p.queue) > 0 {
		t.Errorf("it goes on at %d with epoch %d, and told is %v; want 10 with 3, and nothing", at.Offset, at.Epoch, p.queue)
	}
}

// What is kept for a paused partition goes when its memory is needed, but not what was lost, nor what
// comes before the place where the partition waits for a Seek: nobody would fetch that again.
func TestMakeRoom(t *testing.T) {
	c := bareConsumer(t)
	for _, stopped := range []bool{false, true} {
		topic := map[bool]string{false: "goes-on", true: "stopped"}[stopped]
		p := c.bare(topic)
		p.paused, p.stopped, p.position = true, stopped, 10
		stamp := p.stamp
		c.hand(p, fetch.Chunk{From: 10, End: 20, Limit: math.MaxInt64, HighWatermark: 20, LastStable: 20})
		c.push(p, stamp, event{err: c.failure(p, -1, kmsg.None, &PositionError{ErrOutOfRange, 20, 30}), to: 30})
		c.makeRoom()
		if stopped {
			if len(p.queue) != 2 || p.stamp != stamp {
				t.Errorf("of a stopped partition %d events are left, want 2", len(p.queue))
			}
			continue
		}
		if hasChunk(p.queue) || p.start.at.Offset != 30 {
			t.Errorf("it goes on at %d, with %v; want 30, and no chunk", p.start.at.Offset, p.queue)
		}
		c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 30})
		var lost *PositionError
		if len(p.queue) != 1 || !errors.As(p.queue[0].err, &lost) || lost.From != 10 || lost.To != 30 {
			t.Errorf("told is %v, want that it goes on from 10 at 30", p.queue)
		}
	}
}

// Nobody reads, and things keep going wrong: of a partition the last is kept, of the rest some.
func TestErrorsAreBound(t *testing.T) {
	c := bareConsumer(t)
	p := c.bare("orders")
	for range 2 * maxErrors {
		c.reported(&fetch.Report{Partition: p.core, Stamp: p.stamp, Why: fetch.Failing, Code: kmsg.TopicAuthorizationFailed})
		c.reported(&fetch.Report{Why: fetch.Failing, Broker: 1, Code: kmsg.ClusterAuthorizationFailed})
	}
	if len(p.queue) != 1 || len(c.errs) != maxErrors {
		t.Errorf("MEM: %d errors of the partition and %d of others wait, want 1 and %d", len(p.queue), len(c.errs), maxErrors)
	}
}

// With read_committed a partition ends where its last stable offset is.
func TestLagCommitted(t *testing.T) {
	for level, want := range map[kmsg.IsolationLevel]int64{kmsg.IsolationReadCommitted: 3, kmsg.IsolationReadUncommitted: 9} {
		c := bareConsumer(t, Isolation(level))
		p := c.bare("orders")
		p.position, p.high, p.stable = 1, 10, 4
		if n, err := c.Lag("orders", 0); n != want || err != nil {
			t.Errorf("%v: the lag is %d, want %d: %v", level, n, want, err)
		}
	}
}

// A batch that is too large to be fetched is skipped record by record: nobody has seen where it ends.
func TestSkipTooLarge(t *testing.T) {
	c := bareConsumer(t)
	p := c.bare("orders")
	p.position = 7
	c.reported(&fetch.Report{Partition: p.core, Stamp: p.stamp, Why: fetch.TooLarge, Code: kmsg.MessageTooLarge, From: 7, To: -1})
	if at, err := c.Skip("orders", 0); at != 8 || err != nil {
		t.Errorf("it goes on at %d, want 8: %v", at, err)
	}
}

// The cell may hear of partitions when they have been removed again.
func TestAssignLeavesOutWhatIsRemoved(t *testing.T) {
	c := bareConsumer(t)
	stays, goes := c.bare("stays"), c.bare("goes")
	c.RemovePartitions(map[string][]int32{"goes": {0}})
	e := &fetch.Assign{Parts: []fetch.Assigned{{Partition: goes.core}, {Partition: stays.core}}}
	f := &fetchCell{fetch.NewCell(c.config.core(c.client.config, c.memory)), c}
	f.Handle(time.Now(), e)
	if len(e.Parts) != 1 || e.Parts[0].Partition != stays.core {
		t.Errorf("got %d partitions, want the one that was not removed", len(e.Parts))
	}
}
