package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// exampleProducer makes a producer to a cluster in memory that has the topic orders.
func exampleProducer(opts ...kgo.ProducerOption) (*kgo.Producer, func()) {
	cluster, err := ktest.Start(ktest.SeedTopic("orders", 3))
	if err != nil {
		panic(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		panic(err)
	}
	p, err := client.NewProducer(opts...)
	if err != nil {
		panic(err)
	}
	return p, func() {
		client.Close()
		cluster.Close()
	}
}

func ExampleClient_NewProducer() {
	cluster, err := ktest.Start(ktest.SeedTopic("orders", 3))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	p, err := client.NewProducer(kgo.Compression(compress.Zstd, 3), kgo.Linger(20*time.Millisecond))
	if err != nil {
		panic(err)
	}
	defer p.Close()
	if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Value: []byte("12 pencils")}); err != nil {
		panic(err)
	}
	// Output:
}

func ExampleProducer_ProduceSync() {
	p, end := exampleProducer()
	defer end()
	md, err := p.ProduceSync(context.Background(), &kgo.Record{
		Topic:   "orders",
		Key:     []byte("customer 7"),
		Value:   []byte("12 pencils"),
		Headers: []kgo.Header{{Key: "source", Value: []byte("web")}},
	})
	fmt.Println(md.Topic, md.Partition, md.Offset, err)
	// Output: orders 2 0 <nil>
}

// Records of one partition keep their order, whether or not one waits for each.
func ExampleProducer_Produce() {
	p, end := exampleProducer()
	defer end()
	ctx := context.Background()
	for _, what := range []string{"12 pencils", "1 eraser"} {
		r := &kgo.Record{Topic: "orders", Key: []byte("customer 7"), Value: []byte(what)}
		p.Produce(ctx, r, func(md kgo.RecordMetadata, err error) {
			fmt.Println(what, md.Offset, err)
		})
	}
	if err := p.Flush(ctx); err != nil {
		panic(err)
	}
	// Output:
	// 12 pencils 0 <nil>
	// 1 eraser 1 <nil>
}

// An error tells what failed, and whether the record may have been written nevertheless.
func ExampleProducer_Produce_error() {
	p, end := exampleProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	defer end()
	r := &kgo.Record{Topic: "orders", Partition: 7, Value: []byte("12 pencils")}
	p.Produce(context.Background(), r, func(_ kgo.RecordMetadata, err error) {
		var e *kgo.Error
		if errors.As(err, &e) {
			fmt.Println(e.Topic, e.Partition, e.Code == kmsg.UnknownTopicOrPartition, e.Written == kgo.WrittenNo)
		}
		fmt.Println(errors.Is(err, kmsg.UnknownTopicOrPartition))
	})
	if err := p.Close(); err != nil {
		panic(err)
	}
	// Output:
	// orders 7 true true
	// true
}

// A server that must not wait sheds records instead when the buffer is full.
func ExampleProducer_TryProduce() {
	p, end := exampleProducer(kgo.BufferBytes(1_000_000))
	defer end()
	shed := 0
	for range 10_000 {
		err := p.TryProduce(&kgo.Record{Topic: "orders", Value: make([]byte, 1000)}, nil)
		if errors.Is(err, kgo.ErrBufferFull) {
			shed++
		}
	}
	fmt.Println(shed > 0)
	// Output: true
}

func ExampleProducer_Flush() {
	p, end := exampleProducer()
	defer end()
	p.Produce(context.Background(), &kgo.Record{Topic: "orders"}, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(p.Flush(ctx), p.BufferedBytes())
	// Output: <nil> 0
}

// What is not written in time is failed, and its callbacks are called, before Shutdown returns.
func ExampleProducer_Shutdown() {
	p, end := exampleProducer()
	defer end()
	p.Produce(context.Background(), &kgo.Record{Topic: "orders"}, func(_ kgo.RecordMetadata, err error) { fmt.Println("written:", err) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(p.Shutdown(ctx))
	// Output:
	// written: <nil>
	// <nil>
}

func ExampleProducer_Close() {
	p, end := exampleProducer()
	defer end()
	fmt.Println(p.Close())
	_, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"})
	fmt.Println(errors.Is(err, kgo.ErrClosed))
	// Output:
	// <nil>
	// true
}

func ExampleProducer_AbortBuffered() {
	p, end := exampleProducer()
	defer end()
	p.Produce(context.Background(), &kgo.Record{Topic: "nowhere"}, func(_ kgo.RecordMetadata, err error) {
		fmt.Println(errors.Is(err, kgo.ErrAborted))
	})
	p.AbortBuffered()
	if err := p.Flush(context.Background()); err != nil {
		panic(err)
	}
	// Output: true
}

// byCountry keeps the records of a country together.
type byCountry struct{}

func (byCountry) Partition(r *kgo.Record, n int32) int32 {
	for _, h := range r.Headers {
		if h.Key == "country" {
			return kgo.KeyHash(h.Value) % n
		}
	}
	return 0
}

func ExamplePartitioner() {
	p, end := exampleProducer(kgo.Partitioning(byCountry{}))
	defer end()
	md, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Headers: []kgo.Header{{Key: "country", Value: []byte("no")}}})
	fmt.Println(md.Partition == kgo.KeyHash([]byte("no"))%3, err)
	// Output: true <nil>
}

func ExampleKeyHash() {
	fmt.Println(kgo.KeyHash([]byte("customer 7")) % 12)
	// Output: 2
}

// The user says which partition.
func ExampleManualPartitioner() {
	p, end := exampleProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	defer end()
	md, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Partition: 2})
	fmt.Println(md.Partition, err)
	// Output: 2 <nil>
}

// Some records belong to a partition, others go where their keys do.
func ExampleAnyPartition() {
	p, end := exampleProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	defer end()
	first, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Partition: 1, Key: []byte("customer 9")})
	if err != nil {
		panic(err)
	}
	then, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Partition: kgo.AnyPartition, Key: []byte("customer 9")})
	fmt.Println(first.Partition, then.Partition == kgo.KeyHash([]byte("customer 9"))%3, err)
	// Output: 1 true <nil>
}

func ExampleRoundRobinPartitioner() {
	p, end := exampleProducer(kgo.Partitioning(kgo.RoundRobinPartitioner()))
	defer end()
	seen := map[int32]bool{}
	for range 3 {
		md, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Key: []byte("customer 7")})
		if err != nil {
			panic(err)
		}
		seen[md.Partition] = true
	}
	fmt.Println(len(seen))
	// Output: 3
}
