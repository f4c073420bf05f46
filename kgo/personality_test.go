package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What speaks Kafka's protocol and is not quite Kafka is written and read with nothing set.
func TestAlmostKafka(t *testing.T) {
	for _, test := range []struct {
		name string
		is   ktest.Option
		opts []kgo.ProducerOption
		// says is the error of a producer without opts.
		says error
	}{
		{"EventHubs", ktest.EventHubs(), nil, nil},
		{"MSKServerless", ktest.MSKServerless(), []kgo.ProducerOption{kgo.Idempotence(false)}, kmsg.ClusterAuthorizationFailed},
		{"Redpanda", ktest.Redpanda(), nil, nil},
		{"WarpStream", ktest.WarpStream(), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, []ktest.Option{test.is, ktest.Brokers(3), ktest.SeedTopic("orders", 6)}, func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					ctx := context.Background()
					if err := produceSome(ctx, c, 0); !errors.Is(err, test.says) {
						t.Fatalf("got %v, want %v", err, test.says)
					}
					const many = 500
					if err := produceSome(ctx, c, many, test.opts...); err != nil {
						t.Fatal(err)
					}
					consumer, err := c.NewConsumer(kgo.Topics("orders"), kgo.StartAt(kgo.Earliest()), kgo.StopAtEnd())
					if err != nil {
						t.Fatal(err)
					}
					seen := map[string]int{}
					for r, err := range consumer.Records(ctx) {
						if err != nil {
							t.Fatal(err)
						}
						seen[string(r.Value)]++
					}
					for i := range many {
						if n := seen[fmt.Sprint(i)]; n != 1 {
							t.Errorf("record %d was read %d times", i, n)
						}
					}
					if err := consumer.Close(); err != nil {
						t.Error(err)
					}
				})
			})
		})
	}
}

// produceSome writes records with numbers, or one to see whether that is possible.
func produceSome(ctx context.Context, c *kgo.Client, n int, opts ...kgo.ProducerOption) (err error) {
	p, err := c.NewProducer(opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if n == 0 {
		_, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("first")})
		return err
	}
	errs := make(chan error, n)
	for i := range n {
		p.Produce(ctx, &kgo.Record{Topic: "orders", Key: fmt.Append(nil, i), Value: fmt.Append(nil, i)}, func(_ kgo.RecordMetadata, err error) { errs <- err })
	}
	for range n {
		err = errors.Join(err, <-errs)
	}
	return err
}

// What the personalities are.
func TestPersonalities(t *testing.T) {
	describe := func(t *testing.T, s *stage) (first, second *kmsg.MetadataResponse, versions map[kmsg.APIKey]int16) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			versions = map[kmsg.APIKey]int16{}
			leaders := map[int32]bool{}
			for len(leaders) < 2 || first == nil {
				req := kmsg.NewMetadataRequest()
				req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
				resp, err := kgo.Do(ctx, c, req, kgo.ToBroker(1))
				if err != nil {
					t.Fatal(err)
				}
				first, second = second, resp
				for _, p := range resp.Topics[0].Partitions {
					leaders[p.LeaderID] = true
				}
			}
			for _, v := range c.Versions(1) {
				versions[v.Key] = v.Max
			}
		})
		return first, second, versions
	}
	for name, test := range map[string]struct {
		is    ktest.Option
		check func(t *testing.T, first, second *kmsg.MetadataResponse, versions map[kmsg.APIKey]int16)
	}{
		"EventHubs": {ktest.EventHubs(), func(t *testing.T, _, second *kmsg.MetadataResponse, versions map[kmsg.APIKey]int16) {
			if _, ok := versions[kmsg.KeyIncrementalAlterConfigs]; ok || versions[kmsg.KeyProduce] != 7 || second.Version != 5 {
				t.Errorf("got %v", versions)
			}
		}},
		"Redpanda": {ktest.Redpanda(), func(t *testing.T, _, second *kmsg.MetadataResponse, versions map[kmsg.APIKey]int16) {
			if p := second.Topics[0].Partitions[0]; p.LeaderEpoch != -1 || second.Version != 8 {
				t.Errorf("got epoch %d in version %d", p.LeaderEpoch, second.Version)
			}
		}},
		"WarpStream": {ktest.WarpStream(), func(t *testing.T, first, second *kmsg.MetadataResponse, _ map[kmsg.APIKey]int16) {
			for _, resp := range []*kmsg.MetadataResponse{first, second} {
				for _, p := range resp.Topics[0].Partitions {
					if p.LeaderID != resp.Topics[0].Partitions[0].LeaderID || p.LeaderEpoch != 0 {
						t.Errorf("got leader %d in epoch %d", p.LeaderID, p.LeaderEpoch)
					}
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, []ktest.Option{test.is, ktest.Brokers(3), ktest.SeedTopic("orders", 6)}, func(s *stage) {
				first, second, versions := describe(t, s)
				test.check(t, first, second, versions)
			})
		})
	}
}
