package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"regexp"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// exampleConsumer makes a consumer of a cluster in memory, with some records in the topic orders.
func exampleConsumer(opts ...kgo.ConsumerOption) (o *kgo.Consumer, stop func()) {
	cluster, err := ktest.Start(ktest.SeedTopic("orders", 1))
	if err != nil {
		log.Fatal(err)
	}
	for _, value := range []string{"tea", "coffee", "milk"} {
		if _, err := cluster.Produce("orders", 0, ktest.Record{Key: []byte("shop"), Value: []byte(value)}); err != nil {
			log.Fatal(err)
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		log.Fatal(err)
	}
	o, err = client.NewConsumer(opts...)
	if err != nil {
		log.Fatal(err)
	}
	return o, func() {
		if err := errors.Join(client.Close(), cluster.Close()); err != nil {
			log.Fatal(err)
		}
	}
}

func ExampleConsumer_Records() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	defer stop()
	for record, err := range consumer.Records(context.Background()) {
		if err != nil {
			log.Print(err) // of a partition; the loop goes on
			continue
		}
		fmt.Printf("%s[%d]@%d %s: %s\n", record.Topic, record.Partition, record.Offset, record.Key, record.Value)
	}
	// Output:
	// orders[0]@0 shop: tea
	// orders[0]@1 shop: coffee
	// orders[0]@2 shop: milk
}

func ExampleConsumer_Batches() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	defer stop()
	for batch, err := range consumer.Batches(context.Background()) {
		if err != nil {
			log.Print(err)
			continue
		}
		for record := range batch.Records() { // valid until the next step
			fmt.Println(record.Offset, string(record.Value))
		}
		batch.Release() // nobody needs its records any more
	}
	// Output:
	// 0 tea
	// 1 coffee
	// 2 milk
}

func ExampleConsumer_Poll() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	defer stop()
	for {
		batches, err := consumer.Poll(context.Background())
		for _, batch := range batches {
			for record := range batch.Records() {
				fmt.Println(string(record.Value))
			}
			batch.Release()
		}
		if errors.Is(err, io.EOF) || errors.Is(err, kgo.ErrClosed) {
			return
		}
	}
	// Output:
	// tea
	// coffee
	// milk
}

func ExampleConsumer_Seek() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"))
	defer stop()
	times := 0
	for record, err := range consumer.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(record.Value))
		if record.Offset < 2 {
			continue
		}
		if times++; times == 2 {
			break
		}
		if err := consumer.Seek("orders", 0, kgo.Latest().Plus(-2)); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// tea
	// coffee
	// milk
	// coffee
	// milk
}

func ExampleConsumer_Pause() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"))
	defer stop()
	for record, err := range consumer.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(record.Value))
		if record.Offset == 2 {
			break
		}
		consumer.Pause(map[string][]int32{"orders": {0}})
		time.AfterFunc(time.Millisecond, func() { // when there is time for more
			consumer.Resume(map[string][]int32{"orders": {0}})
		})
	}
	// Output:
	// tea
	// coffee
	// milk
}

// A batch that cannot be read stops its partition, and is skipped.
func ExampleConsumer_Skip() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	defer stop()
	for record, err := range consumer.Records(context.Background()) {
		if bad, ok := errors.AsType[*kgo.BatchError](err); ok {
			where, _ := errors.AsType[*kgo.Error](err)
			log.Printf("lost the batch at offset %d: %v", bad.Offset, err)
			if _, err := consumer.Skip(where.Topic, where.Partition); err != nil {
				log.Fatal(err)
			}
			continue
		} else if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(string(record.Value))
	}
	// Output:
	// tea
	// coffee
	// milk
}

func ExampleConsumer_Partitions() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"))
	defer stop()
	for range consumer.Records(context.Background()) {
		break
	}
	for _, p := range consumer.Partitions() {
		fmt.Printf("%s[%d] is read up to %d, %d are left\n", p.Topic, p.Partition, p.Position, p.Lag)
	}
	// Output: orders[0] is read up to 1, 2 are left
}

func ExampleConsumer_Lag() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"))
	defer stop()
	for record := range consumer.Records(context.Background()) {
		lag, err := consumer.Lag(record.Topic, record.Partition)
		if err != nil {
			log.Fatal(err)
		}
		position, err := consumer.Position(record.Topic, record.Partition)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(position, lag)
		if lag == 0 {
			break
		}
	}
	// Output:
	// 1 2
	// 2 1
	// 3 0
}

func ExampleConsumer_AddTopics() {
	consumer, stop := exampleConsumer()
	defer stop()
	if err := consumer.AddTopics("orders"); err != nil {
		log.Fatal(err)
	}
	for record := range consumer.Records(context.Background()) {
		fmt.Println(string(record.Value))
		break
	}
	consumer.RemoveTopics("orders")
	fmt.Println(len(consumer.Partitions()))
	// Output:
	// tea
	// 0
}

func ExampleConsumer_AddPartitions() {
	consumer, stop := exampleConsumer()
	defer stop()
	if err := consumer.AddPartitions(map[string][]int32{"orders": {0}}, kgo.AtOffset(1)); err != nil {
		log.Fatal(err)
	}
	for record := range consumer.Records(context.Background()) {
		fmt.Println(string(record.Value))
		break
	}
	consumer.RemovePartitions(map[string][]int32{"orders": {0}})
	// Output: coffee
}

func ExampleConsumer_Shutdown() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"))
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := consumer.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	_, err := consumer.Poll(ctx)
	fmt.Println(err == kgo.ErrClosed)
	// Output: true
}

func ExampleRecord_Clone() {
	consumer, stop := exampleConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	defer stop()
	var kept []*kgo.Record
	for batch, err := range consumer.Batches(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		for record := range batch.Records() {
			if record.Offset == 1 {
				kept = append(kept, record.Clone())
			}
		}
		batch.Release()
	}
	fmt.Println(string(kept[0].Value))
	// Output: coffee
}

func ExampleClient_NewConsumer() {
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	consumer, err := client.NewConsumer(
		kgo.TopicPattern(regexp.MustCompile("^orders-.*$")),
		kgo.StartAt(kgo.Ago(24*time.Hour)), // what is older is not read
		kgo.ResetTo(kgo.Nowhere()),         // what is lost stops its partition
		kgo.FetchBufferBytes(16<<20),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer consumer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for record, err := range consumer.Records(ctx) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(string(record.Value))
	}
}

func ExampleStart_Plus() {
	fmt.Println(kgo.Latest().Plus(-10))
	fmt.Println(kgo.AtOffset(7).Plus(3))
	fmt.Println(kgo.Ago(time.Hour))
	// Output:
	// latest-10
	// offset 10
	// 1h0m0s ago
}
