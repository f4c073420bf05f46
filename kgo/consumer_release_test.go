package kgo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// What our producer writes is read from brokers of every release, in every format, from wherever one
// begins.
func TestConsumeReleases(t *testing.T) {
	for _, release := range ktest.Releases() {
		t.Run(release, func(t *testing.T) {
			opts := []ktest.Option{ktest.Version(release), ktest.Brokers(2), ktest.SeedTopic("orders", 3)}
			onStage(t, opts, func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
					defer cancel()
					const n = 300
					for _, codec := range []compress.Codec{compress.None, compress.LZ4, compress.Gzip} {
						p, err := c.NewProducer(kgo.Compression(codec), kgo.Partitioning(kgo.ManualPartitioner()))
						if err != nil {
							t.Fatal(err)
						}
						from := int(codec) * 10_000
						for i := range n {
							p.Produce(ctx, &kgo.Record{Topic: "orders", Partition: int32(i % 3), Value: fmt.Appendf(nil, "%d", from+i/3)}, func(_ kgo.RecordMetadata, err error) {
								if err != nil {
									t.Error(err)
								}
							})
						}
						if err := p.Close(); err != nil {
							t.Fatal(err)
						}
					}
					for _, test := range []struct {
						start kgo.Start
						want  int
					}{
						{kgo.Earliest(), 900}, {kgo.AtOffset(150), 450}, {kgo.Latest().Plus(-7), 21}, {kgo.Ago(time.Hour), 900}, {kgo.AtTime(time.UnixMilli(1)), 900},
					} {
						o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd(), kgo.StartAt(test.start))
						next, total := map[int32]int64{}, 0
						for r, err := range o.Records(ctx) {
							if err != nil {
								t.Fatal(err)
							}
							if want, seen := next[r.Partition]; seen && r.Offset != want {
								t.Fatalf("orders[%d]: offset %d comes where %d should", r.Partition, r.Offset, want)
							}
							next[r.Partition] = r.Offset + 1
							codec := []compress.Codec{compress.None, compress.LZ4, compress.Gzip}[r.Offset/100]
							if want := fmt.Sprint(int(codec)*10_000 + int(r.Offset%100)); string(r.Value) != want {
								t.Fatalf("orders[%d] offset %d is %q, want %s", r.Partition, r.Offset, r.Value, want)
							}
							total++
						}
						if total != test.want {
							t.Errorf("from %v: got %d records, want %d", test.start, total, test.want)
						}
						if err := o.Close(); err != nil {
							t.Error(err)
						}
					}
				})
			})
		})
	}
}
