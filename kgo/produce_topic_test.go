package kgo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The delivery timeout begins when a record is handed over, also while its topic is not known.
func TestProduceDeliveryTimeoutOfStaged(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.DeliveryTimeout(10*time.Second), kgo.TopicTimeout(time.Minute))
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Stall())
			begin := time.Now()
			var took time.Duration
			var failed error
			p.Produce(context.Background(), &kgo.Record{Topic: "orders"}, func(_ kgo.RecordMetadata, err error) {
				took, failed = time.Since(begin), err
			})
			time.Sleep(6 * time.Second)
			if err := s.CreateTopic("orders", 1); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			if failed == nil || took < 10*time.Second || took > 12*time.Second {
				t.Errorf("after %v: %v; want that it fails after 10s", took, failed)
			}
			if s.Requests(kmsg.KeyProduce) == 0 {
				t.Error("nothing was sent")
			}
		})
	})
}

// A topic that was made anew may have fewer partitions: no record goes to one of those that are no
// more.
func TestProduceToFewerPartitions(t *testing.T) {
	onStage(t, orders(4), func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MetadataMaxAge(10 * time.Second)}, func(c *kgo.Client) {
			p, err := c.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			partitions := int32(4)
			burst := func() {
				for i := range 200 {
					r := &kgo.Record{Topic: "orders", Value: make([]byte, 2_000)}
					if i%2 == 0 {
						r.Key = fmt.Append(nil, i)
					}
					p.Produce(context.Background(), r, func(md kgo.RecordMetadata, err error) {
						if err != nil || md.Partition >= partitions || r.Key != nil && md.Partition != kgo.KeyHash(r.Key)%partitions {
							t.Errorf("record %d is in partition %d of %d: %v", i, md.Partition, partitions, err)
						}
					})
				}
				s.flush(p, time.Minute)
			}
			burst()
			s.DeleteTopic("orders")
			partitions = 2
			if err := s.CreateTopic("orders", 2); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // it is known
			burst()
		})
	})
}
