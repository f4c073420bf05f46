package kgo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// A partition that is paused in the middle of what came at once stays there, and goes on from there
// and in order, also if its memory was needed meanwhile.
func TestConsumePauseInChunk(t *testing.T) {
	for _, budget := range []int64{10_000, 64 << 20} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.SeedTopic("orders", 2)}, func(s *stage) {
				const n = 5_000
				total := s.pack("orders", 2, n)
				s.with(nil, func(c *kgo.Client) {
					o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd(), kgo.FetchBufferBytes(budget), kgo.FetchPartitionBytes(3_000))
					time.Sleep(time.Second) // much is there
					paused := map[string][]int32{"orders": {0}}
					l := &tally{s: s}
					pauses, resumeAt := 0, int64(-1) // of partition 1
					for r, err := range o.Records(context.Background()) {
						if err != nil {
							t.Fatal(err)
						}
						l.take(r)
						switch {
						case resumeAt < 0 && r.Partition == 0 && r.Offset%500 == 123 && l.next[1] < n-100:
							o.Pause(paused)
							pauses++
							resumeAt = l.next[1] + 100
						case resumeAt < 0:
						case r.Partition == 0:
							t.Fatalf("offset %d is shown though its partition is paused", r.Offset)
						case r.Offset == resumeAt:
							o.Resume(paused)
							resumeAt = -1
						default:
							if at, err := o.Position("orders", 0); at != l.next[0] || err != nil {
								t.Fatalf("the position of what is paused is %d, want %d: %v", at, l.next[0], err)
							}
						}
					}
					if l.n != total || pauses < 3 {
						t.Errorf("got %d records and %d pauses, want %d and 3 at least", l.n, pauses, total)
					}
				})
			})
		})
	}
}
