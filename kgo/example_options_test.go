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

// Large batches and few requests, for what comes in bulk, with codecs that producers and consumers may share.
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

// Single partitions, each from a place of its own, with the markers of transactions.
func ExampleAssign() {
	consumer, stop := exampleConsumer(
		kgo.Assign(map[string][]int32{"orders": {0}}),
		kgo.StartAt(kgo.AtTime(time.Now().Add(-24*time.Hour))),
		kgo.StartPartitionAt("orders", 0, kgo.AtOffset(1).WithEpoch(0)), // as stored somewhere
		kgo.ResetTo(kgo.Earliest()),
		kgo.Isolation(kmsg.IsolationReadUncommitted),
		kgo.KeepControlRecords(),
		kgo.StopAtEnd(),
	)
	defer stop()
	for batch, err := range consumer.Batches(context.Background()) {
		if err != nil {
			panic(err)
		}
		if batch.Control() {
			continue
		}
		for record := range batch.Records() {
			fmt.Println(record.Offset, string(record.Value), "at the broker's time:", batch.LogAppendTime())
		}
		fmt.Println("then", batch.NextOffset())
	}
	// Output:
	// 1 coffee at the broker's time: false
	// then 2
	// 2 milk at the broker's time: false
	// then 3
}

// Consuming from brokers that are far away: from the closest replica, in few large answers.
func ExampleRack() {
	consumer, stop := exampleConsumer(
		kgo.Topics("orders"), kgo.StopAtEnd(),
		kgo.Rack("eu-west-1a"), kgo.RecheckReplica(time.Minute),
		kgo.FetchMinBytes(64<<10), kgo.FetchMaxWait(20*time.Millisecond),
		kgo.FetchPartitionBytes(4<<20), kgo.FetchLanes(2),
		kgo.VerifyChecksums(true), kgo.MaxDecompressedBatch(16<<20),
	)
	defer stop()
	records := 0
	for _, err := range consumer.Records(context.Background()) {
		if err != nil {
			panic(err)
		}
		records++
	}
	fmt.Println(records, "records")
	// Output: 3 records
}
