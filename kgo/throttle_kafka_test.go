//go:build kafka

package kgo_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A quota of the broker holds producing back, and nothing else that the client wants of the broker.
// How long that takes is logged; in virtual time TestThrottleIsOfOneLane asserts it.
func TestKafkaThrottle(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest()})
	var throttles sync.Map
	c := kafkaClient(t, cluster, kgo.ClientID("limited"), kgo.Hooks(kgo.Hook{OnThrottle: func(e kgo.ThrottleEvent) {
		throttles.Store(time.Now(), e.For)
	}}))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	kafkaTopic(t, c, "orders")
	limit(t, c, 1000) // bytes a second
	p, err := c.NewProducer(kgo.Compression(compress.None))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	produce := func(size int) time.Duration {
		start := time.Now()
		if _, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: make([]byte, size)}); err != nil {
			t.Error(err)
		}
		return time.Since(start)
	}
	produce(13_500) // answered at once; the time to come is taken
	var calls sync.WaitGroup
	calls.Go(func() { t.Logf("the next record took %v", produce(10).Round(time.Millisecond)) })
	var others []time.Duration
	for range 100 {
		start := time.Now()
		if _, err := kgo.Do(ctx, c, topicsRequest("orders")); err != nil {
			t.Error(err)
		}
		if _, err := kgo.Do(ctx, c, offsetsRequest("orders", 0)); err != nil {
			t.Error(err)
		}
		others = append(others, time.Since(start))
		time.Sleep(10 * time.Millisecond)
	}
	held := func() bool {
		return slices.ContainsFunc(c.Stats().Brokers, func(b kgo.BrokerStats) bool { return !b.ThrottledUntil.IsZero() })
	}
	if !held() {
		t.Error("the throttle is over before the other requests are: they prove nothing")
	}
	calls.Wait()
	slices.Sort(others)
	throttles.Range(func(_, d any) bool {
		t.Logf("the broker asked for a pause of %v", d)
		return true
	})
	t.Logf("meanwhile Metadata and ListOffsets together took %v (median), %v at most", others[len(others)/2], others[len(others)-1])
}

// limit sets a quota on what the client may produce, and waits until the broker knows it.
func limit(t *testing.T, c *kgo.Client, bytesPerSecond float64) {
	t.Helper()
	req := kmsg.NewAlterClientQuotasRequest()
	e := kmsg.NewAlterClientQuotasRequestEntryData()
	e.Entity = []kmsg.AlterClientQuotasRequestEntityData{{EntityType: "client-id", EntityName: kbin.Str("limited")}}
	e.Ops = []kmsg.AlterClientQuotasRequestOpData{{Key: "producer_byte_rate", Value: bytesPerSecond}}
	req.Entries = append(req.Entries, e)
	if _, err := kgo.Do(t.Context(), c, req); err != nil {
		t.Fatal(err)
	}
	ask := kmsg.NewDescribeClientQuotasRequest()
	ask.Components = []kmsg.DescribeClientQuotasRequestComponentData{{EntityType: "client-id", MatchType: 0, Match: kbin.Str("limited")}}
	(&administrator{T: t}).settles("the quota is known", func() error {
		resp, err := kgo.Do(t.Context(), c, ask)
		if err == nil && len(resp.Entries) != 1 {
			err = kmsg.ResourceNotFound
		}
		return err
	})
}
