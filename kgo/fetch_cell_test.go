package kgo

import (
	"context"
	"errors"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
)

// A log that is truncated again before the user has heard of the first time: what was shown and is
// lost is told once, with the offset that the user had reached.
func TestTruncatedTwice(t *testing.T) {
	client, err := NewClient(SeedBrokers("localhost:9092"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, positioned := range []bool{false, true} {
		c, err := client.NewConsumer()
		if err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		p := c.addPartition(c.addTopic("orders"), 0, Earliest())
		p.position = 10
		c.mu.Unlock()
		c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 12, Diverged: 5, Epoch: 3})
		if positioned {
			c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 5})
		}
		c.truncated(&fetch.Truncated{Partition: p.core, Stamp: p.stamp, Position: 8, Diverged: 6, Epoch: 4})
		if at := p.start.at; at.Offset != 5 || at.Epoch != 4 {
			t.Errorf("it goes on at %d with epoch %d, not at 5 with 4", at.Offset, at.Epoch)
		}
		c.positioned(&fetch.Positioned{Partition: p.core, Stamp: p.stamp, Offset: 5})
		_, err = c.Poll(context.Background())
		var lost *PositionError
		if !errors.As(err, &lost) || !errors.Is(err, ErrTruncated) || lost.From != 10 || lost.To != 5 {
			t.Errorf("told is %v, not that all from 5 to 10 is lost", err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
