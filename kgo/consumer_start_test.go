package kgo_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// Where to start goes for the partitions that there are. One that is added later has nothing but new
// records, and is read from the first.
func TestConsumeStartOfLaterPartitions(t *testing.T) {
	for _, start := range []kgo.Start{kgo.AtOffset(5), kgo.Latest().Plus(-5)} {
		t.Run(start.String(), func(t *testing.T) {
			onStage(t, orders(1), func(s *stage) {
				s.fill("orders", 1, 10)
				s.with([]kgo.ClientOption{kgo.MetadataMaxAge(time.Minute)}, func(c *kgo.Client) {
					o := s.consumer(c, kgo.Topics("orders"), kgo.StartAt(start))
					for at := range int64(5) {
						s.nextAt(o, 5+at)
					}
					s.GrowTopic("orders", 2)
					for range 10 {
						if _, err := s.Produce("orders", 1, ktest.Record{}); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(2 * time.Minute)
					for at := range int64(10) {
						s.nextAt(o, at)
					}
				})
			})
		})
	}
}

// With a pattern the end is not known before the topics are: who begins to read at once gets all.
func TestConsumePatternToEnd(t *testing.T) {
	for pattern, want := range map[string]int{"^orders-": 50, "^none$": 0} {
		t.Run(pattern, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.SeedTopic("orders-a", 2), ktest.SeedTopic("orders-b", 3), ktest.SeedTopic("other", 1)}, func(s *stage) {
				s.fill("orders-a", 2, 10)
				s.fill("orders-b", 3, 10)
				s.fill("other", 1, 10)
				s.with(nil, func(c *kgo.Client) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					n := 0
					for _, err := range s.consumer(c, kgo.TopicPattern(regexp.MustCompile(pattern)), kgo.StopAtEnd()).Records(ctx) {
						if err != nil {
							t.Fatal(err)
						}
						n++
					}
					if n != want {
						t.Errorf("got %d records, want %d", n, want)
					}
				})
			})
		})
	}
}
