// Franzi, as its documentation shows it first: one Record that is used again, a callback a record.
//
// Variants of consuming: "" takes records one by one, "batches" batches and the records in them as
// views.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func main() {
	adapter.Main(adapter.Adapter{Name: "franzi", Version: "checkout", Producer: newProducer, Consumer: newConsumer})
}

type producer struct {
	client *kgo.Client
	*kgo.Producer
	topic string
}

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	codec, err := compress.ParseCodec(cfg.Compression)
	if err != nil {
		return nil, err
	}
	acks, ok := map[string]kmsg.Acks{"all": kmsg.AcksAll, "1": kmsg.AcksLeader, "0": kmsg.AcksNone}[cfg.Acks]
	if !ok {
		return nil, fmt.Errorf("acks %q", cfg.Acks)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return nil, err
	}
	opts := []kgo.ProducerOption{kgo.Compression(codec), kgo.Linger(cfg.Linger), kgo.BatchBytes(cfg.BatchBytes), kgo.RequiredAcks(acks)}
	if !cfg.Idempotent || acks != kmsg.AcksAll {
		opts = append(opts, kgo.Idempotence(false))
	}
	p, err := client.NewProducer(opts...)
	if err != nil {
		return nil, err
	}
	return &producer{client, p, cfg.Topic}, nil
}

func (p *producer) ProduceN(values [][]byte, n int64) error {
	ctx := context.Background()
	var acked atomic.Int64
	var first atomic.Pointer[error]
	fail := func(err error) { first.CompareAndSwap(nil, &err) } // so that err does not escape in callback
	callback := func(_ kgo.RecordMetadata, err error) {
		if err != nil {
			fail(err)
		}
		acked.Add(1)
	}
	r := kgo.Record{Topic: p.topic}
	at := 0
	for range n {
		r.Value = values[at]
		if at++; at == len(values) {
			at = 0
		}
		p.Produce(ctx, &r, callback)
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	if err := first.Load(); err != nil {
		return *err
	}
	if got := acked.Load(); got != n {
		return fmt.Errorf("%d callbacks of %d", got, n)
	}
	return nil
}

func (p *producer) ProduceOne(value []byte, done func(error)) {
	p.Produce(context.Background(), &kgo.Record{Topic: p.topic, Value: value}, func(_ kgo.RecordMetadata, err error) { done(err) })
}

func (p *producer) Close() {
	if err := errors.Join(p.Producer.Close(), p.client.Close()); err != nil {
		log.Print(err)
	}
}

type consumer struct {
	client *kgo.Client
	*kgo.Consumer
	batches bool
	sum     int64
}

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return nil, err
	}
	var all []int32
	for p := range cfg.Partitions {
		all = append(all, int32(p))
	}
	c, err := client.NewConsumer(kgo.Assign(map[string][]int32{cfg.Topic: all}), kgo.StartAt(kgo.AtOffset(0)), kgo.FetchPartitionBytes(cfg.FetchBytes))
	if err != nil {
		return nil, err
	}
	return &consumer{client: client, Consumer: c, batches: cfg.Variant == "batches"}, nil
}

func (c *consumer) ConsumeN(n int64) (records, bytes int64, err error) {
	ctx := context.Background()
	if !c.batches {
		for r, err := range c.Records(ctx) {
			if err != nil {
				return records, bytes, err
			}
			records++
			bytes += int64(len(r.Value))
			c.sum += int64(r.Value[0])
			if records >= n {
				break
			}
		}
		return records, bytes, nil
	}
	for b, err := range c.Batches(ctx) {
		if err != nil {
			return records, bytes, err
		}
		for r := range b.Records() {
			records++
			bytes += int64(len(r.Value))
			c.sum += int64(r.Value[0])
		}
		if err := b.Err(); err != nil {
			return records, bytes, err
		}
		b.Release()
		if records >= n {
			break
		}
	}
	return records, bytes, nil
}

func (c *consumer) Close() {
	if err := errors.Join(c.Consumer.Close(), c.client.Close()); err != nil {
		log.Print(err)
	}
}
