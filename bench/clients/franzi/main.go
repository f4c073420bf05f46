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
	adapter.Main(adapter.Adapter{Name: "franzi", Version: "checkout", Producer: newProducer})
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
