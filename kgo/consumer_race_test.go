package kgo_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// All methods at once, while brokers fail, until the consumer is closed at some moment: nothing races,
// blocks for ever or is left, and no memory is in use in the end.
func TestConsumeAllAtOnce(t *testing.T) {
	for seed := range uint64(40) {
		onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 4), ktest.SeedTopic("more", 2)}, func(s *stage) {
			s.pack("orders", 4, 500)
			s.pack("more", 2, 500)
			s.with(nil, func(c *kgo.Client) {
				how := []string{"records", "batches", "poll"}[seed%3]
				o := s.consumer(c, kgo.FetchPartitionBytes(2000), kgo.FetchBufferBytes(20_000))
				o.Poison()
				o.Decompressors(int(seed % 2))
				if err := o.AddTopics("orders"); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				var done sync.WaitGroup
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				work := func(n uint64, f func(r *rand.Rand, p int32)) {
					all.Go(func() {
						r := rand.New(rand.NewPCG(seed, n))
						for ctx.Err() == nil {
							f(r, r.Int32N(4))
							time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
						}
					})
				}
				known := func(err error) {
					if err != nil && !errors.Is(err, kgo.ErrNotConsumed) && !errors.Is(err, kgo.ErrNotStopped) && !errors.Is(err, kgo.ErrClosed) {
						t.Error(err)
					}
				}
				done.Go(func() {
					for ctx.Err() == nil {
						s.each(ctx, o, how, func(r *kgo.Record) bool {
							if want := seedValue(r.Partition, int(r.Offset)); string(r.Value) != string(want) {
								t.Errorf("BYTES: offset %d is %q", r.Offset, r.Value)
							}
							return r.Offset%50 != 0
						})
						if _, err := o.Poll(ctx); err == kgo.ErrClosed {
							return
						}
					}
				})
				work(1, func(r *rand.Rand, p int32) { known(o.Seek("orders", p, kgo.AtOffset(r.Int64N(500)))) })
				work(2, func(r *rand.Rand, p int32) { o.Pause(map[string][]int32{"orders": {p, p + 1}}) })
				work(3, func(r *rand.Rand, p int32) { o.Resume(map[string][]int32{"orders": {p}}) })
				work(4, func(r *rand.Rand, p int32) {
					_, err := o.Skip("orders", p)
					known(err)
					_, err = o.Lag("orders", p)
					known(err)
					o.Partitions()
					o.BufferedBytes()
				})
				work(5, func(r *rand.Rand, p int32) {
					if r.IntN(2) == 0 {
						known(o.AddPartitions(map[string][]int32{"more": {p % 2}}, kgo.Latest().Plus(-100)))
					} else {
						o.RemovePartitions(map[string][]int32{"more": {p % 2}})
					}
					if r.IntN(10) == 0 {
						o.RemoveTopics("orders")
						known(o.AddTopics("orders"))
					}
				})
				work(6, func(r *rand.Rand, p int32) {
					s.CutConnections(1+r.Int32N(3), r.IntN(2) == 0)
					if err := s.MoveLeader("orders", p, 1+r.Int32N(3)); err != nil {
						t.Log(err)
					}
				})
				time.Sleep(time.Duration(seed*37%1000) * time.Millisecond)
				if seed%4 == 0 {
					cancel()
				}
				if err := o.Close(); err != nil {
					t.Errorf("CLOSE: %v", err)
				}
				cancel()
				done.Wait()
				all.Wait()
				if used, waiting, _ := o.Memory(); used != 0 || waiting != 0 {
					t.Errorf("MEM: seed %d: %d bytes are in use in the end, %d wait", seed, used, waiting)
				}
			})
		})
	}
}

// An answer that comes while the consumer is closed is not counted for ever.
func TestConsumeCloseWithAnswer(t *testing.T) {
	for i := range 100 {
		onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				o := s.consumer(c, kgo.Topics("orders"))
				time.Sleep(time.Second)
				var both sync.WaitGroup
				both.Go(func() {
					for range i % 10 {
						runtime.Gosched()
					}
					if _, err := s.Produce("orders", 0, ktest.Record{Value: make([]byte, 100)}); err != nil {
						t.Error(err)
					}
				})
				both.Go(func() {
					if err := o.Close(); err != nil {
						t.Error(err)
					}
				})
				both.Wait()
				if _, err := o.Poll(context.Background()); err != kgo.ErrClosed {
					t.Errorf("got %v, want %v", err, kgo.ErrClosed)
				}
				if n := o.BufferedBytes(); n != 0 {
					t.Errorf("MEM: %d bytes are in use in the end", n)
				}
			})
		})
	}
}
