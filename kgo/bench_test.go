//go:build unix

package kgo_test

import (
	"context"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/internal/yardstick"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The round trip of a lone request for the metadata of one topic.
func BenchmarkDo(b *testing.B) {
	client, err := kgo.NewClient(kgo.SeedBrokers(yardstick.Broker(b)))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	if err := client.Ping(ctx); err != nil {
		b.Fatal(err)
	}
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	b.ReportAllocs()
	start := yardstick.CPU()
	for b.Loop() {
		if _, err := kgo.Do(ctx, client, req); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
}
