package kgo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// pack appends batches of compressed records to each partition of a topic, some not compressed, and
// returns how many records in all.
func (s *stage) pack(topic string, partitions int32, n int) int {
	s.Helper()
	var codecs compress.Codecs
	for p := range partitions {
		for at := 0; at < n; {
			b := batch.NewBuilder(nil, batch.V2)
			b.BaseOffset = int64(at)
			for range min(n-at, 1+at%97) {
				b.Append(1_700_000_000_000, fmt.Appendf(nil, "key %d", at), seedValue(p, at), []batch.RecordHeader{{Key: "at", Value: fmt.Appendf(nil, "%d", at)}})
				at++
			}
			sealed := b.Seal()
			if _, err := sealed.Compress(&codecs, compress.Settings{Codec: compress.Codec(at % 4)}, nil); err != nil {
				s.Fatal(err)
			}
			if err := s.AppendBatch(topic, p, sealed.Bytes); err != nil {
				s.Fatal(err)
			}
		}
	}
	return int(partitions) * n
}

// Compressed batches are decompressed ahead of the user or by it, into memory that is overwritten
// when it is given back: what is shown is right as long as it may be looked at, and what is kept for
// ever. In the end no memory is in use.
func TestConsumeMemory(t *testing.T) {
	for _, workers := range []int{0, 1, 3} {
		for _, how := range []string{"records", "batches", "poll"} {
			for _, budget := range []int64{100_000, 64 << 20} {
				t.Run(fmt.Sprint(workers, how, budget), func(t *testing.T) {
					onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 4)}, func(s *stage) {
						total := s.pack("orders", 4, 1500)
						s.with(nil, func(c *kgo.Client) {
							o := s.consumer(c, kgo.StopAtEnd(), kgo.FetchBufferBytes(budget), kgo.FetchPartitionBytes(20_000))
							o.Poison()
							o.Decompressors(workers)
							if err := o.AddTopics("orders"); err != nil {
								t.Fatal(err)
							}
							l := &tally{s: s}
							var kept []*kgo.Record
							most := int64(0)
							look := func(r *kgo.Record) {
								l.take(r)
								if len(r.Headers) != 1 || r.Headers[0].Key != "at" || string(r.Headers[0].Value) != fmt.Sprint(r.Offset) {
									t.Fatalf("headers of offset %d are %v", r.Offset, r.Headers)
								}
								used, _, kept := o.Memory()
								most = max(most, used+kept)
							}
							switch how {
							case "records":
								for r, err := range o.Records(context.Background()) {
									if err != nil {
										t.Fatal(err)
									}
									look(r)
									kept = append(kept, r)
								}
							case "batches":
								for b, err := range o.Batches(context.Background()) {
									if err != nil {
										t.Fatal(err)
									}
									for range b.Records() { // it may be walked again
									}
									for r := range b.Records() {
										look(r)
										if r.Offset%7 == 0 {
											kept = append(kept, r.Clone())
										}
									}
									if err := b.Err(); err != nil {
										t.Fatal(err)
									}
									if b.NextOffset()%3 > 0 {
										b.Release()
										b.Release() // which does nothing
									}
								}
							case "poll":
								var held []*kgo.Batch
								for {
									all, err := o.Poll(context.Background())
									if err != nil {
										break
									}
									for _, b := range all {
										for r := range b.Records() {
											look(r)
										}
									}
									held = append(held, all...)
								}
								for _, b := range held { // without Release they are good for ever
									for r := range b.Records() {
										kept = append(kept, r.Clone())
									}
									b.Release()
									for range b.Records() {
										t.Error("a released batch has records")
									}
								}
							}
							if l.n != total {
								t.Errorf("SKIP: got %d records, want %d", l.n, total)
							}
							for _, r := range kept {
								if string(r.Value) != string(seedValue(r.Partition, int(r.Offset))) {
									t.Fatalf("BYTES: offset %d has changed to %q", r.Offset, r.Value)
								}
							}
							if limit := budget + 100_000; most > limit { // a batch comes whole
								t.Errorf("MEM: %d bytes were in use, of %d", most, budget)
							}
							time.Sleep(time.Minute) // long polls of what is read are under way
							if err := o.Close(); err != nil {
								t.Error(err)
							}
							if used, waiting, _ := o.Memory(); used != 0 || waiting != 0 {
								t.Errorf("MEM: %d bytes are in use in the end, %d wait", used, waiting)
							}
						})
					})
				})
			}
		}
	}
}

// A consumer that nobody reads from stops fetching when its memory is full, and goes on when it is
// read.
func TestConsumeSlowly(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 4)}, func(s *stage) {
		total := s.pack("orders", 4, 5_000)
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd(), kgo.FetchBufferBytes(50_000), kgo.FetchPartitionBytes(10_000))
			time.Sleep(time.Hour)
			if used, _, _ := o.Memory(); used > 70_000 {
				t.Errorf("MEM: %d bytes are in use", used)
			}
			l := &tally{s: s}
			for r, err := range o.Records(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if l.take(r); l.n%4_000 == 0 {
					time.Sleep(time.Minute)
				}
			}
			if l.n != total {
				t.Errorf("got %d records, want %d", l.n, total)
			}
		})
	})
}

// Paused partitions that hold all memory give it back to the others, and lose nothing.
func TestConsumePausedMemory(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 4)}, func(s *stage) {
		total := s.pack("orders", 4, 5_000)
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd(), kgo.FetchBufferBytes(30_000), kgo.FetchPartitionBytes(10_000))
			time.Sleep(time.Second)
			paused := map[string][]int32{"orders": {0, 1, 2}}
			o.Pause(paused)
			l := &tally{s: s}
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			for r, err := range o.Records(ctx) {
				if err != nil {
					t.Fatalf("LIVE: %v: %+v", err, o.Partitions())
				}
				if l.take(r); l.next[3] < 5_000 && r.Partition != 3 {
					t.Fatalf("a record of a paused partition is shown: %v", r)
				}
				if l.next[3] == 5_000 {
					o.Resume(paused)
				}
			}
			if l.n != total {
				t.Errorf("got %d records, want %d", l.n, total)
			}
		})
	})
}

// What is opened is closed, as often as one likes.
func TestConsumeOpenClose(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 6)}, func(s *stage) {
		s.fill("orders", 6, 10)
		s.with(nil, func(c *kgo.Client) {
			for i := range 200 {
				o := s.consumer(c, kgo.Topics("orders"))
				switch i % 4 {
				case 0:
					if _, err := next(o); err != nil {
						t.Error(err)
					}
				case 1:
					time.Sleep(time.Duration(i) * time.Millisecond)
				case 2:
					o.Pause(map[string][]int32{"orders": {0}})
				}
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Second)
			if open := len(s.Connections()); open > 3 {
				t.Errorf("%d connections are open", open)
			}
		})
	})
}
