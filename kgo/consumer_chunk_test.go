package kgo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
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
	n := new(chunk)
	n.init(p, f, &k)
	c.enqueue(p, event{to: -1, chunk: n})
}

// fiveRecords is a batch with that offset and the four after it.
func fiveRecords(base int64) []byte {
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset = base
	for range 5 {
		b.Append(1, nil, []byte("value"), nil)
	}
	s := b.Seal()
	s.Checksum()
	return s.Bytes
}

// pollSoon polls what is there.
func pollSoon(c *Consumer) ([]*Batch, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c.Poll(ctx)
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
// is shown up to there, and none behind it.
func TestChunkLimit(t *testing.T) {
	for _, how := range []string{"records", "batches"} {
		t.Run(how, func(t *testing.T) {
			c := bareConsumer(t, StopAtEnd())
			p := c.bare("orders")
			c.hand(p, fetch.Chunk{End: 10, Limit: 3, Records: append(fiveRecords(0), fiveRecords(5)...), Batches: 2, HighWatermark: 5, LastStable: 5})
			c.push(p, p.stamp, event{ended: true, to: -1})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var got []int64
			batches := 0
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
					batches++
					for r := range b.Records() {
						got = append(got, r.Offset)
					}
				}
			}
			if fmt.Sprint(got) != "[0 1 2]" || batches > 1 {
				t.Errorf("got %v in %d batches, want what is before 3", got, batches)
			}
		})
	}
}

// A batch that cannot be read may lie about its offsets as well: what is beyond the end of the
// partition is not skipped.
func TestChunkLies(t *testing.T) {
	for delta, want := range map[byte]int64{4: 5, 5: 1, 200: 1} { // the last offset
		c := bareConsumer(t)
		records := fiveRecords(0)
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

// Of a batch that compaction has emptied nothing is shown.
func TestChunkEmptyBatch(t *testing.T) {
	c := bareConsumer(t)
	empty := fiveRecords(0)[:batch.HeaderSize]
	binary.BigEndian.PutUint32(empty[8:], batch.HeaderSize-12) // the length
	binary.BigEndian.PutUint32(empty[57:], 0)                  // the number of records
	binary.BigEndian.PutUint32(empty[17:], crc32.Checksum(empty[21:], crc32.MakeTable(crc32.Castagnoli)))
	c.hand(c.bare("orders"), fetch.Chunk{End: 10, Limit: math.MaxInt64, Records: append(empty, fiveRecords(5)...), Batches: 2, HighWatermark: 10, LastStable: 10})
	all, err := pollSoon(c)
	if err != nil || len(all) != 1 || all[0].Header().BaseOffset != 5 {
		t.Errorf("got %d batches and %v, want the one at 5", len(all), err)
	}
}

// Poll returns what one answer brought for each partition, and leaves the next to another call.
func TestPollTakesTurns(t *testing.T) {
	c := bareConsumer(t)
	for topic, chunks := range map[string]int64{"orders": 4, "visits": 2} {
		p := c.bare(topic)
		for i := range chunks {
			c.hand(p, fetch.Chunk{From: 5 * i, End: 5*i + 5, Limit: math.MaxInt64, Records: fiveRecords(5 * i), Batches: 1, HighWatermark: 20, LastStable: 20})
		}
	}
	for turn, want := range []string{"[orders 0 visits 0]", "[orders 5 visits 5]", "[orders 10]", "[orders 15]"} {
		all, err := pollSoon(c)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range all {
			got = append(got, fmt.Sprint(b.Topic, " ", b.Header().BaseOffset))
		}
		slices.Sort(got)
		if fmt.Sprint(got) != want {
			t.Errorf("turn %d: got %v, want %s", turn, got, want)
		}
	}
}

// Records are made as many at a time as have about 64 KiB, so that one that is kept keeps no more.
func TestRecordSlab(t *testing.T) {
	for _, test := range []struct{ count, size, most int }{
		{1, 70, 1}, {10_000, 1_000_000, 240}, {1000, 1 << 20, 62}, {10, 10 << 20, 1}, {3, 30, 3}, {1 << 30, 10, 240}, {-1, 100, 1},
	} {
		var s recordSlab
		b := &batch.Batch{Header: batch.Header{Count: int32(test.count)}}
		s.begin(b, test.size)
		k := &chunk{of: &consumed{topic: &consumedTopic{}}}
		s.make(k, &batch.Record{}, new(headerKeys))
		if got := len(s.records) + 1; got != test.most {
			t.Errorf("%d records in %d bytes: made %d at once, want %d", test.count, test.size, got, test.most)
		}
	}
}
