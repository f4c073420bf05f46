package kgo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// bareConsumer makes a consumer of no cluster.
func bareConsumer(t *testing.T, opts ...ConsumerOption) *Consumer {
	t.Helper()
	client, err := NewClient(SeedBrokers("localhost:9092"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.NewConsumer(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bare adds a topic with one partition.
func (c *Consumer) bare(topic string) *consumed {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.addTopic(topic)
	t.found = true
	return c.addPartition(t, 0, Earliest())
}

// hand hands a chunk of a partition to the user.
func (c *Consumer) hand(p *consumed, k fetch.Chunk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.Partition, k.Stamp = p.core, p.stamp
	f := &frame{memory: c.memory, buf: make([]byte, 0, 1000)}
	c.enqueue(p, event{to: -1, chunk: c.newChunk(p, f, &k)})
}

// fiveRecords is a batch with the offsets 0 to 4.
func fiveRecords() []byte {
	b := batch.NewBuilder(nil, batch.V2)
	for range 5 {
		b.Append(1, nil, []byte("value"), nil)
	}
	s := b.Seal()
	s.Checksum()
	return s.Bytes
}

// A marker before the position ends the transaction that the list names: what its producer wrote
// afterwards is committed, and shown.
func TestChunkMarkers(t *testing.T) {
	c := bareConsumer(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // if it shows nothing it waits
	defer cancel()
	var records []byte
	add := func(control bool, base int64, keys ...[]byte) {
		b := batch.NewBuilder(nil, batch.V2)
		b.BaseOffset, b.Transactional, b.Control = base, true, control
		for _, key := range keys {
			b.Append(1, key, []byte{0, 0, 0, 0, 0, 0}, nil)
		}
		s := b.Seal()
		s.Checksum()
		s.Number(9, 0, int32(base))
		records = append(records, s.Bytes...)
	}
	abort := []byte{0, 0, 0, 0} // version and type
	add(false, 0, []byte("a"), []byte("b"))
	add(true, 2, abort)
	add(false, 3, []byte("c"), []byte("d"))
	for from, want := range []string{"[3 4]", "[3 4]", "[3 4]", "[3 4]", "[4]"} {
		c.hand(c.bare(fmt.Sprint("orders", from)), fetch.Chunk{
			From: int64(from), End: 5, Limit: math.MaxInt64, Records: records, Batches: 3,
			Aborted:       []kmsg.FetchResponseAbortedTransaction{{ProducerID: 9, FirstOffset: 0}},
			HighWatermark: 5, LastStable: 5,
		})
		all, err := c.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, b := range all {
			for r := range b.Records() {
				got = append(got, r.Offset)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("from offset %d: got %v, want %s", from, got, want)
		}
	}
}

// A batch that goes beyond where to stop, as one may that was written after the log had been cut off,
// is shown up to there.
func TestChunkLimit(t *testing.T) {
	for _, how := range []string{"records", "batches"} {
		t.Run(how, func(t *testing.T) {
			c := bareConsumer(t, StopAtEnd())
			p := c.bare("orders")
			c.hand(p, fetch.Chunk{End: 5, Limit: 3, Records: fiveRecords(), Batches: 1, HighWatermark: 5, LastStable: 5})
			c.push(p, p.stamp, event{ended: true, to: -1})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var got []int64
			if how == "records" {
				for r, err := range c.Records(ctx) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, r.Offset)
				}
			} else {
				for b, err := range c.Batches(ctx) {
					if err != nil {
						t.Fatal(err)
					}
					for r := range b.Records() {
						got = append(got, r.Offset)
					}
				}
			}
			if fmt.Sprint(got) != "[0 1 2]" {
				t.Errorf("got %v, want what is before 3", got)
			}
		})
	}
}

// A batch that cannot be read may lie about its offsets as well: what is beyond the end of the
// partition is not skipped.
func TestChunkLies(t *testing.T) {
	for delta, want := range map[byte]int64{4: 5, 5: 1, 200: 1} { // the last offset
		c := bareConsumer(t)
		records := fiveRecords()
		records[26] = delta // and so the checksum is wrong
		records[len(records)-1]++
		c.hand(c.bare("orders"), fetch.Chunk{End: int64(delta) + 1, Limit: math.MaxInt64, Records: records, Batches: 1, HighWatermark: 5, LastStable: 5})
		_, err := c.Poll(context.Background())
		var bad *BatchError
		if !errors.As(err, &bad) || bad.Offset != 0 {
			t.Errorf("got %v, want that the batch at 0 cannot be read", err)
		}
		if at, err := c.Skip("orders", 0); at != want || err != nil {
			t.Errorf("the last offset is %d of 5: it goes on at %d, want %d: %v", delta, at, want, err)
		}
	}
}
