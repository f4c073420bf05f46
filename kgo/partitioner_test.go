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

// The values are those of org.apache.kafka.common.utils.Utils.murmur2.
func TestKeyHash(t *testing.T) {
	for key, java := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got, want := kgo.KeyHash([]byte(key)), java&0x7fffffff; got != want {
			t.Errorf("KeyHash(%q) = %d, want %d", key, got, want)
		}
	}
}

// spread produces records and returns how many each partition has.
func spread(s *stage, n int, record func(i int) *kgo.Record, opts ...kgo.ProducerOption) (counts []int) {
	s.Helper()
	s.with(nil, func(c *kgo.Client) {
		p, err := c.NewProducer(opts...)
		if err != nil {
			s.Fatal(err)
		}
		for i := range n {
			p.Produce(context.Background(), record(i), func(_ kgo.RecordMetadata, err error) {
				if err != nil {
					s.Error(err)
				}
			})
		}
		if err := p.Flush(context.Background()); err != nil {
			s.Fatal(err)
		}
	})
	for i := range s.Partitions("orders") {
		counts = append(counts, len(s.Log("orders", int32(i))))
	}
	return counts
}

// Records without a key go to one partition for a while, and to all in the end, as many to each.
func TestStickyPartitions(t *testing.T) {
	onStage(t, orders(4), func(s *stage) {
		const n = 100_000
		for i, count := range spread(s, n, func(int) *kgo.Record { return &kgo.Record{Topic: "orders", Value: make([]byte, 100)} }) {
			if count < n/16 {
				t.Errorf("partition %d has %d of %d", i, count, n)
			}
		}
	})
}

// Who writes faster than batches are sent fills one after the other; else all partitions come to
// their turn soon.
func TestStickyPartitionsFollowBatches(t *testing.T) {
	for _, test := range []struct {
		name        string
		flush       int // after so many records
		least, most int // changes of the partition
	}{
		{"large batches", 200_000, 20, 200},
		{"small batches", 100, 300, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, orders(4), func(s *stage) {
				const n, size = 200_000, 100
				partitions := make([]int32, n)
				s.with(nil, func(c *kgo.Client) {
					p, err := c.NewProducer(kgo.Compression(compress.None))
					if err != nil {
						s.Fatal(err)
					}
					if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}); err != nil {
						s.Fatal(err)
					}
					if test.flush == n {
						s.Pause(1) // so that batches are sent when they are full
						time.AfterFunc(time.Second, func() { s.Continue(1) })
					}
					for i := range n {
						p.Produce(context.Background(), &kgo.Record{Topic: "orders", Value: make([]byte, size)}, func(md kgo.RecordMetadata, err error) {
							if partitions[i] = md.Partition; err != nil {
								s.Error(err)
							}
						})
						if i%test.flush == test.flush-1 {
							s.flush(p, time.Minute)
						}
					}
				})
				changes := 0
				for i := range n - 1 {
					if partitions[i] != partitions[i+1] {
						changes++
					}
				}
				if changes < test.least || changes > test.most {
					t.Errorf("the partition changed %d times in %d MB, want %d to %d", changes, n*size/1_000_000, test.least, test.most)
				}
			})
		})
	}
}

// Records without a value move on as well, only later: they are small.
func TestStickyPartitionsWithoutValue(t *testing.T) {
	onStage(t, orders(4), func(s *stage) {
		used := 0
		for _, count := range spread(s, 100_000, func(int) *kgo.Record { return &kgo.Record{Topic: "orders"} }) {
			if count > 0 {
				used++
			}
		}
		if used < 2 {
			t.Error("all went to one partition")
		}
	})
}

// Records with a key go where Java's client sends them, the empty key too, and those that came
// before the topic was known.
func TestKeyPartitions(t *testing.T) {
	onStage(t, orders(7), func(s *stage) {
		spread(s, 1000, func(i int) *kgo.Record {
			key := []byte(fmt.Sprint(i))
			if i == 0 {
				key = []byte{}
			}
			return &kgo.Record{Topic: "orders", Key: key}
		})
		for i := range int32(7) {
			for _, r := range s.Log("orders", i) {
				if want := kgo.KeyHash(r.Key) % 7; want != i {
					t.Errorf("key %q is in %d, want %d", r.Key, i, want)
				}
			}
		}
	})
}

// No records go by choice where no broker leads.
func TestStickyAvoidsPartitionsWithoutLeader(t *testing.T) {
	onStage(t, append([]ktest.Option{ktest.Brokers(2)}, orders(4, ktest.Replicas(1))...), func(s *stage) {
		s.Kill(2)
		time.Sleep(time.Minute) // the cluster knows
		counts := spread(s, 10_000, func(int) *kgo.Record { return &kgo.Record{Topic: "orders", Value: make([]byte, 100)} })
		for i, info := range s.Partitions("orders") {
			if led := info.Leader >= 0; led != (counts[i] > 2000) {
				t.Errorf("got %v", counts)
			}
		}
	})
}

// A partition that loses its leader has no more records, though it has not had its share.
func TestStickyLeavesPartitionsWithoutLeader(t *testing.T) {
	onStage(t, append([]ktest.Option{ktest.Brokers(2)}, orders(4, ktest.Replicas(1))...), func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MetadataMaxAge(10 * time.Second)}, func(c *kgo.Client) {
			p, err := c.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			r := &kgo.Record{Topic: "orders"}
			was, err := p.ProduceSync(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			s.Kill(s.Partitions("orders")[was.Partition].Leader)
			time.Sleep(time.Minute) // the client knows
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if is, err := p.ProduceSync(ctx, r); err != nil || s.Partitions("orders")[is.Partition].Leader < 0 {
				t.Errorf("it went from %v to %v: %v", was.Partition, is.Partition, err)
			}
		})
	})
}

func TestRoundRobinPartitioner(t *testing.T) {
	onStage(t, orders(4), func(s *stage) {
		counts := spread(s, 400, func(int) *kgo.Record { return &kgo.Record{Topic: "orders", Key: []byte("k")} }, kgo.Partitioning(kgo.RoundRobinPartitioner()))
		if fmt.Sprint(counts) != "[100 100 100 100]" {
			t.Errorf("got %v, want 100 each", counts)
		}
	})
}
