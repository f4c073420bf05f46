package kgo_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

func newClient(t *testing.T, c *ktest.Cluster, opts ...kgo.ClientOption) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.ClientOption{kgo.SeedBrokers(c.Addrs()...), kgo.Dialer(c.DialContext)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestProduce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ktest.NewCluster(t, ktest.Brokers(3), ktest.SeedTopic("orders", 8))
		client := newClient(t, c, kgo.Logger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))))
		p, err := client.NewProducer()
		if err != nil {
			t.Fatal(err)
		}
		const n = 10_000
		var acked atomic.Int64
		for i := range n {
			p.Produce(context.Background(), &kgo.Record{Topic: "orders", Value: fmt.Appendf(nil, "value %d", i)}, func(md kgo.RecordMetadata, err error) {
				if err != nil {
					t.Error(err)
				}
				acked.Add(1)
			})
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if acked.Load() != n {
			t.Errorf("got %d, want %d acknowledged", acked.Load(), n)
		}
		total := 0
		for i := range int32(8) {
			total += len(c.Log("orders", i))
		}
		if total != n {
			t.Errorf("got %d records in the log, want %d", total, n)
		}
		begin := time.Now()
		md, err := p.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("sync")})
		t.Log(md, err, time.Since(begin))
	})
}
