package kgo_test

import (
	"context"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Measurements that may be lost, and are worth nothing when they are late.
func ExampleClient_NewProducer_lossy() {
	client, stop := exampleClient(ktest.SeedTopic("measurements", 1))
	defer stop()
	producer, err := client.NewProducer(
		kgo.RequiredAcks(kmsg.AcksLeader),
		kgo.Idempotence(false),
		kgo.DeliveryTimeout(5*time.Second),
		kgo.TopicTimeout(2*time.Second),
		kgo.ProduceRetries(1),
		kgo.Partitioning(kgo.RoundRobinPartitioner()),
	)
	if err != nil {
		panic(err)
	}
	defer producer.Close()
	md, err := producer.ProduceSync(context.Background(), &kgo.Record{Topic: "measurements", Value: []byte("21.5")})
	fmt.Println(md.Offset, err)
	// Output: 0 <nil>
}

// Large batches and few requests, for what comes in bulk, with codecs that producers share.
func ExampleClient_NewProducer_bulk() {
	client, stop := exampleClient(ktest.SeedTopic("archive", 1))
	defer stop()
	codecs := new(compress.Codecs)
	producer, err := client.NewProducer(
		kgo.BatchBytes(1<<20-1024), // brokers take 1 MiB by default
		kgo.RequestBytes(4<<20),
		kgo.MaxInFlight(2),
		kgo.Linger(50*time.Millisecond),
		kgo.Compression(compress.Zstd, 3),
		kgo.Codecs(codecs),
	)
	if err != nil {
		panic(err)
	}
	defer producer.Close()
	fmt.Println(producer.Flush(context.Background()))
	// Output: <nil>
}
