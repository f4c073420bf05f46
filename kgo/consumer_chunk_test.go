package kgo

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A marker before the position ends the transaction that the list names: what its producer wrote
// afterwards is committed, and shown.
func TestChunkMarkers(t *testing.T) {
	client, err := NewClient(SeedBrokers("localhost:9092"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := client.NewConsumer()
	if err != nil {
		t.Fatal(err)
	}
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
		c.mu.Lock()
		p := c.addPartition(c.addTopic(fmt.Sprint("orders", from)), 0, Earliest())
		f := &frame{memory: c.memory, buf: make([]byte, 0, 1000)}
		c.enqueue(p, event{to: -1, chunk: c.newChunk(p, f, &fetch.Chunk{
			Partition: p.core, Stamp: p.stamp, From: int64(from), End: 5, Limit: math.MaxInt64, Records: records, Batches: 3,
			Aborted:       []kmsg.FetchResponseAbortedTransaction{{ProducerID: 9, FirstOffset: 0}},
			HighWatermark: 5, LastStable: 5,
		})})
		c.mu.Unlock()
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
