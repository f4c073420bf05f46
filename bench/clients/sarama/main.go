// sarama adapter: AsyncProducer with Successes on; one PartitionConsumer and
// goroutine per partition.
//
// Settings: metrics off, Version 3.6, larger ChannelBufferSize (its README's advice for
// throughput), Flush.Frequency as linger and Flush.Bytes as batch size,
// MaxMessageBytes as the batch cap. Idempotence requires MaxOpenRequests=1.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
)

func main() {
	metrics.UseNilMetrics = true // documented: disables its metrics
	adapter.Main(adapter.Adapter{
		Name:     "sarama",
		Module:   "github.com/IBM/sarama",
		Producer: newProducer,
		Consumer: newConsumer,
	})
}

func base(cfg *adapter.Config) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	c.ChannelBufferSize = 4096
	c.Metadata.Full = false
	return c
}

type producer struct {
	p     sarama.AsyncProducer
	topic string
}

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	c := base(cfg)
	codecs := map[string]sarama.CompressionCodec{"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	cc, ok := codecs[cfg.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q", cfg.Compression)
	}
	c.Producer.Compression = cc
	switch cfg.Acks {
	case "all":
		c.Producer.RequiredAcks = sarama.WaitForAll
	case "1":
		c.Producer.RequiredAcks = sarama.WaitForLocal
	case "0":
		c.Producer.RequiredAcks = sarama.NoResponse
	}
	if cfg.Idempotent && cfg.Acks == "all" {
		c.Producer.Idempotent = true
		c.Net.MaxOpenRequests = 1
	}
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
	c.Producer.Flush.Frequency = cfg.Linger
	c.Producer.Flush.Bytes = cfg.BatchBytes
	c.Producer.MaxMessageBytes = cfg.BatchBytes
	if cfg.Rate > 0 { // latency mode: no batching beyond what is in flight
		c.Producer.Flush.Bytes = 0
	}
	p, err := sarama.NewAsyncProducer(cfg.Brokers, c)
	if err != nil {
		return nil, err
	}
	return &producer{p, cfg.Topic}, nil
}

func (p *producer) Close() { p.p.Close() }

func (p *producer) ProduceN(values [][]byte, n int64) error {
	var wg sync.WaitGroup
	var first error
	wg.Add(1)
	go func() {
		defer wg.Done()
		for got := int64(0); got < n; got++ {
			select {
			case <-p.p.Successes():
			case e := <-p.p.Errors():
				first = e.Err
			}
		}
	}()
	in := p.p.Input()
	vi := 0
	for i := int64(0); i < n; i++ {
		in <- &sarama.ProducerMessage{Topic: p.topic, Value: sarama.ByteEncoder(values[vi])}
		if vi++; vi == len(values) {
			vi = 0
		}
	}
	wg.Wait()
	return first
}

var once sync.Once

func (p *producer) ProduceOne(v []byte, done func(error)) {
	once.Do(func() {
		go func() {
			for {
				select {
				case m, ok := <-p.p.Successes():
					if !ok {
						return
					}
					m.Metadata.(func(error))(nil)
				case e, ok := <-p.p.Errors():
					if !ok {
						return
					}
					e.Msg.Metadata.(func(error))(e.Err)
				}
			}
		}()
	})
	p.p.Input() <- &sarama.ProducerMessage{Topic: p.topic, Value: sarama.ByteEncoder(v), Metadata: done}
}

type consumer struct {
	c     sarama.Consumer
	parts []sarama.PartitionConsumer
}

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	c := base(cfg)
	c.Consumer.Fetch.Default = int32(cfg.FetchBytes)
	c.Consumer.Return.Errors = false
	cons, err := sarama.NewConsumer(cfg.Brokers, c)
	if err != nil {
		return nil, err
	}
	k := &consumer{c: cons}
	for p := 0; p < cfg.Partitions; p++ {
		pc, err := cons.ConsumePartition(cfg.Topic, int32(p), 0)
		if err != nil {
			return nil, err
		}
		k.parts = append(k.parts, pc)
	}
	return k, nil
}

func (k *consumer) Close() {
	for _, p := range k.parts {
		p.AsyncClose()
	}
}

func (k *consumer) ConsumeN(n int64) (int64, int64, error) {
	var total, bytes, sum atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var once sync.Once
	for _, pc := range k.parts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			// Counted locally; the shared counter is touched every 256.
			var lr, lb, ls int64
			flush := func() {
				bytes.Add(lb)
				sum.Add(ls)
				if total.Add(lr) >= n {
					once.Do(func() { close(stop) })
				}
				lr, lb, ls = 0, 0, 0
			}
			defer flush()
			for {
				if lr == 256 {
					flush()
					select {
					case <-stop:
						return
					default:
					}
				}
				select {
				case m := <-pc.Messages():
					lr++
					lb += int64(len(m.Value))
					ls += int64(m.Value[0])
				case <-stop:
					return
				}
			}
		}()
	}
	wg.Wait()
	return total.Load(), bytes.Load(), nil
}
