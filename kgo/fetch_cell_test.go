package kgo

import (
	"context"
	"errors"
	"math"
	"testing"

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
