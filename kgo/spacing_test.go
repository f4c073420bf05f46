package kgo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Many callers that get the answers of stale leaders have the cluster asked a few times a second, and
// when a new leader is told, they find it soon.
func TestStaleLeaders(t *testing.T) {
	const callers = 1000
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 20)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			all := make([]int32, 20)
			for i := range all {
				all[i] = int32(i)
			}
			if _, err := kgo.Do(ctx, c, offsetsRequest("orders", all...)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			for id := int32(1); id <= 3; id++ {
				s.FreezeMetadata(id, true)
			}
			for n, p := range s.Partitions("orders") {
				if err := s.MoveLeader("orders", int32(n), p.Replicas[1]); err != nil {
					t.Fatal(err)
				}
			}
			before, start := s.Requests(kmsg.KeyMetadata), time.Now()
			const stale = 10 * time.Second
			var users sync.WaitGroup
			var mu sync.Mutex
			var last time.Duration
			for n := range callers {
				users.Go(func() {
					time.Sleep(time.Duration(n) * time.Millisecond) // each at a time of its own
					if _, err := kgo.Do(ctx, c, offsetsRequest("orders", int32(n%20))); err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					last = max(last, time.Since(start))
				})
			}
			time.Sleep(stale)
			asked := s.Requests(kmsg.KeyMetadata) - before
			t.Logf("%d requests for metadata in %v", asked, stale)
			if asked > 70 || asked < 30 {
				t.Errorf("got %d requests for metadata in %v, want some 5 a second", asked, stale)
			}
			for id := int32(1); id <= 3; id++ {
				s.FreezeMetadata(id, false)
			}
			known := make(chan time.Duration)
			go func() { // when the client knows
				for {
					m := c.Metadata()
					if b, ok := m.Leader("orders", 0); ok && b.ID == s.Partitions("orders")[0].Leader {
						known <- time.Since(start) - stale
						return
					}
					time.Sleep(time.Millisecond)
				}
			}()
			if took := <-known; took > 250*time.Millisecond {
				t.Errorf("the new leaders were found after %v", took)
			}
			users.Wait()
			if last -= stale; last > 1500*time.Millisecond {
				t.Errorf("the last caller had its answer after %v, want the pauses of its own at most", last)
			}
		})
	})
}

// A single leader that moves is followed at once, and so is one that moves soon after another.
func TestMovedLeader(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 2)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			do := func() time.Duration {
				return s.took(func() error { _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1)); return err })
			}
			move := func(to int) {
				if err := s.MoveLeader("orders", 0, s.Partitions("orders")[0].Replicas[to]); err != nil {
					t.Fatal(err)
				}
			}
			do()
			for range 3 {
				time.Sleep(time.Second)
				move(1)
				if took := do(); took > 0 {
					t.Errorf("one that moves took %v", took)
				}
				move(0)
				if took := do(); took > 120*time.Millisecond {
					t.Errorf("one that moves back took %v", took)
				}
			}
		})
	})
}

// What nothing is known of is asked for whatever was asked before; and so is, within limits, what
// somebody wants to know as of now.
func TestNothingNewWaits(t *testing.T) {
	var opts []ktest.Option
	topics := make([]string, 100)
	for i := range topics {
		topics[i] = "topic-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		opts = append(opts, ktest.SeedTopic(topics[i], 1))
	}
	onStage(t, opts, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			start := time.Now()
			for _, topic := range topics {
				if _, err := kgo.Do(context.Background(), c, offsetsRequest(topic, 0)); err != nil {
					t.Fatal(err)
				}
			}
			for range 10 {
				if err := c.Ping(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("it took %v", took)
			}
			before := s.Requests(kmsg.KeyMetadata)
			start = time.Now()
			for time.Since(start) < 10*time.Second {
				if err := c.Ping(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if n := s.Requests(kmsg.KeyMetadata) - before; n > 160 {
				t.Errorf("got %d requests for metadata in 10 s", n)
			}
		})
	})
}
