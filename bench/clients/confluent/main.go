// confluent-kafka-go adapter (librdkafka through CGO, statically linked from
// the module's own bundle).
//
// Produce(msg, nil) with delivery reports read from Events(); Poll consume on
// assigned partitions. go.delivery.report.fields=none is its documented way
// to cheaper reports. Variant "batch" uses ProduceChannel with
// go.batch.producer. Allocations counted are Go's only.
package main

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	_, v := kafka.LibraryVersion()
	adapter.Main(adapter.Adapter{
		Name:     "confluent-kafka-go",
		Module:   "github.com/confluentinc/confluent-kafka-go/v2",
		Note:     "librdkafka " + v + "; C allocations are not counted; check.crcs is off by default",
		Producer: newProducer,
		Consumer: newConsumer,
	})
}

type producer struct {
	p     *kafka.Producer
	cfg   *adapter.Config
	topic string
	once  sync.Once
}

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	m := kafka.ConfigMap{
		"bootstrap.servers":            cfg.Brokers[0],
		"linger.ms":                    strconv.FormatFloat(float64(cfg.Linger.Microseconds())/1000, 'f', -1, 64),
		"batch.size":                   cfg.BatchBytes,
		"batch.num.messages":           1000000,
		"message.max.bytes":            max(cfg.BatchBytes, 1000000),
		"queue.buffering.max.messages": int(cfg.MaxInflight),
		"queue.buffering.max.kbytes":   1 << 20,
		"compression.type":             cfg.Compression,
		"go.delivery.report.fields":    "none",
		"go.events.channel.size":       100000,
	}
	switch cfg.Acks {
	case "all":
		m["acks"] = -1
	case "1":
		m["acks"] = 1
	case "0":
		m["acks"] = 0
	}
	if cfg.Idempotent && cfg.Acks == "all" {
		m["enable.idempotence"] = true
	}
	if cfg.Variant == "batch" {
		m["go.batch.producer"] = true
	}
	p, err := kafka.NewProducer(&m)
	if err != nil {
		return nil, err
	}
	return &producer{p: p, cfg: cfg, topic: cfg.Topic}, nil
}

func (p *producer) Close() { p.p.Close() }

func (p *producer) ProduceN(values [][]byte, n int64) error {
	var wg sync.WaitGroup
	var first error
	room := make(chan struct{}, 1)
	wg.Add(1)
	go func() {
		defer wg.Done()
		for got := int64(0); got < n; {
			switch e := (<-p.p.Events()).(type) {
			case *kafka.Message:
				if e.TopicPartition.Error != nil {
					first = e.TopicPartition.Error
				}
				if got++; got&1023 == 0 {
					select {
					case room <- struct{}{}:
					default:
					}
				}
			case kafka.Error:
				if e.IsFatal() {
					first = e
					return
				}
			}
		}
	}()
	tp := kafka.TopicPartition{Topic: &p.topic, Partition: kafka.PartitionAny}
	vi := 0
	if p.cfg.Variant == "batch" {
		ch := p.p.ProduceChannel()
		for i := int64(0); i < n; i++ {
			ch <- &kafka.Message{TopicPartition: tp, Value: values[vi]}
			if vi++; vi == len(values) {
				vi = 0
			}
		}
		wg.Wait()
		return first
	}
	for i := int64(0); i < n; i++ {
		m := &kafka.Message{TopicPartition: tp, Value: values[vi]}
		for {
			err := p.p.Produce(m, nil)
			if err == nil {
				break
			}
			if e, ok := err.(kafka.Error); ok && e.Code() == kafka.ErrQueueFull {
				<-room // a thousand reports later
				continue
			}
			return err
		}
		if vi++; vi == len(values) {
			vi = 0
		}
	}
	wg.Wait()
	return first
}

func (p *producer) ProduceOne(v []byte, done func(error)) {
	p.once.Do(func() {
		go func() {
			for ev := range p.p.Events() {
				if m, ok := ev.(*kafka.Message); ok {
					m.Opaque.(func(error))(m.TopicPartition.Error)
				}
			}
		}()
	})
	err := p.p.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &p.topic, Partition: kafka.PartitionAny}, Value: v, Opaque: done}, nil)
	if err != nil {
		done(err)
	}
}

type consumer struct {
	c   *kafka.Consumer
	sum int64
}

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	m := kafka.ConfigMap{
		"bootstrap.servers":        cfg.Brokers[0],
		"group.id":                 "bench",
		"enable.auto.commit":       false,
		"enable.auto.offset.store": false,
		"fetch.message.max.bytes":  cfg.FetchBytes,
		"queued.min.messages":      100000,
		"auto.offset.reset":        "earliest",
		"fetch.wait.max.ms":        500,
		"enable.partition.eof":     false,
		"allow.auto.create.topics": false,
	}
	if cfg.Variant == "crc" {
		m["check.crcs"] = true
	}
	c, err := kafka.NewConsumer(&m)
	if err != nil {
		return nil, err
	}
	var tps []kafka.TopicPartition
	for i := 0; i < cfg.Partitions; i++ {
		tps = append(tps, kafka.TopicPartition{Topic: &cfg.Topic, Partition: int32(i), Offset: 0})
	}
	return &consumer{c: c}, c.Assign(tps)
}

func (k *consumer) Close() { k.c.Close() }

func (k *consumer) ConsumeN(n int64) (records, bytes int64, err error) {
	for records < n {
		switch e := k.c.Poll(100).(type) {
		case *kafka.Message:
			records++
			bytes += int64(len(e.Value))
			k.sum += int64(e.Value[0])
		case kafka.Error:
			if e.IsFatal() {
				return records, bytes, e
			}
		case nil:
		default:
			return records, bytes, fmt.Errorf("event %v", e)
		}
	}
	return records, bytes, nil
}
