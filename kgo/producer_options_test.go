package kgo_test

import (
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Options that make no sense together, or at all, are told, all at once.
func TestProducerOptionsAreChecked(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			_, err := c.NewProducer(kgo.BatchBytes(0), kgo.Linger(-1), kgo.RequiredAcks(7), kgo.MaxInFlight(0), kgo.DeliveryTimeout(0),
				kgo.TopicTimeout(0), kgo.ProduceRetries(-1), kgo.Compression(compress.LZ4, 1, 2), kgo.Partitioning(nil))
			for _, option := range []string{"BatchBytes", "Linger", "RequiredAcks", "MaxInFlight", "DeliveryTimeout", "TopicTimeout", "ProduceRetries", "Compression", "Partitioning"} {
				if err == nil || !strings.Contains(err.Error(), option) {
					t.Errorf("got %v, want a word on %s", err, option)
				}
			}
			for _, opts := range [][]kgo.ProducerOption{
				{kgo.BufferBytes(100_000), kgo.BatchBytes(200_000)},
				{kgo.RequiredAcks(kmsg.AcksLeader), kgo.Idempotence(true)},
				{kgo.Compression(compress.Gzip, 99)},
			} {
				if _, err := c.NewProducer(opts...); err == nil {
					t.Errorf("%v: no error", opts)
				}
			}
		})
	})
}
