// segmentio/kafka-go adapter: async Writer fed in slices of 1000 messages
// (its documented way to throughput), with Completion counting every message;
// one Reader per partition. It has no idempotent producer, and an async
// Writer never blocks, so the adapter bounds what is in flight itself.
package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"

	"github.com/segmentio/kafka-go"
)

func main() {
	adapter.Main(adapter.Adapter{
		Name:     "kafka-go",
		Module:   "github.com/segmentio/kafka-go",
		Note:     "no idempotent producer; batches limited by count too",
		Producer: newProducer,
		Consumer: newConsumer,
	})
}

type producer struct {
	w    *kafka.Writer
	cfg  *adapter.Config
	mu   sync.Mutex
	cond *sync.Cond
	out  int64 // in flight
	err  error
}

const slice = 1000

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	p := &producer{cfg: cfg}
	p.cond = sync.NewCond(&p.mu)
	codecs := map[string]kafka.Compression{"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	cc, ok := codecs[cfg.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q", cfg.Compression)
	}
	acks := kafka.RequireAll
	switch cfg.Acks {
	case "1":
		acks = kafka.RequireOne
	case "0":
		acks = kafka.RequireNone
	}
	linger := cfg.Linger
	if linger <= 0 {
		linger = time.Millisecond // 0 means its default of a second
	}
	p.w = &kafka.Writer{
		Addr:         kafka.TCP(cfg.Brokers...),
		Topic:        cfg.Topic,
		Balancer:     &kafka.RoundRobin{},
		BatchSize:    max(1, cfg.BatchBytes/(cfg.Size+10)),
		BatchBytes:   int64(cfg.BatchBytes),
		BatchTimeout: linger,
		RequiredAcks: acks,
		Async:        true,
		Compression:  cc,
		Completion: func(msgs []kafka.Message, err error) {
			for i := range msgs {
				if f, ok := msgs[i].WriterData.(func(error)); ok {
					f(err)
				}
			}
			p.mu.Lock()
			p.out -= int64(len(msgs))
			if err != nil {
				p.err = err
			}
			p.cond.Signal()
			p.mu.Unlock()
		},
	}
	return p, nil
}

func (p *producer) Close() { p.w.Close() }

func (p *producer) wait(lim int64) error {
	p.mu.Lock()
	for p.out > lim && p.err == nil {
		p.cond.Wait()
	}
	defer p.mu.Unlock()
	return p.err
}

func (p *producer) ProduceN(values [][]byte, n int64) error {
	ctx := context.Background()
	msgs := make([]kafka.Message, 0, slice)
	vi := 0
	for i := int64(0); i < n; {
		msgs = msgs[:0]
		for ; i < n && len(msgs) < slice; i++ {
			msgs = append(msgs, kafka.Message{Value: values[vi]})
			if vi++; vi == len(values) {
				vi = 0
			}
		}
		if err := p.wait(p.cfg.MaxInflight - slice); err != nil {
			return err
		}
		p.mu.Lock()
		p.out += int64(len(msgs))
		p.mu.Unlock()
		if err := p.w.WriteMessages(ctx, msgs...); err != nil {
			return err
		}
	}
	return p.wait(0)
}

func (p *producer) ProduceOne(v []byte, done func(error)) {
	p.mu.Lock()
	p.out++
	p.mu.Unlock()
	if err := p.w.WriteMessages(context.Background(), kafka.Message{Value: v, WriterData: done}); err != nil {
		done(err)
	}
}

type consumer struct{ rs []*kafka.Reader }

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	k := &consumer{}
	for i := 0; i < cfg.Partitions; i++ {
		r := kafka.NewReader(kafka.ReaderConfig{
			Brokers:         cfg.Brokers,
			Topic:           cfg.Topic,
			Partition:       i,
			MinBytes:        1,
			MaxBytes:        cfg.FetchBytes,
			QueueCapacity:   4096,
			MaxWait:         500 * time.Millisecond,
			ReadLagInterval: -1,
		})
		k.rs = append(k.rs, r)
	}
	return k, nil
}

func (k *consumer) Close() {
	for _, r := range k.rs {
		r.Close()
	}
}

func (k *consumer) ConsumeN(n int64) (int64, int64, error) {
	var total, bytes, sum atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	var first atomic.Pointer[error]
	fail := func(err error) { first.CompareAndSwap(nil, &err) }
	for _, r := range k.rs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var lr, lb, ls int64
			for {
				m, err := r.ReadMessage(ctx)
				if err != nil {
					if ctx.Err() == nil {
						fail(err)
					}
					bytes.Add(lb)
					sum.Add(ls)
					total.Add(lr)
					return
				}
				lr++
				lb += int64(len(m.Value))
				ls += int64(m.Value[0])
				if lr == 256 {
					bytes.Add(lb)
					sum.Add(ls)
					t := total.Add(lr)
					lr, lb, ls = 0, 0, 0
					if t >= n {
						cancel() // a reader at the end of its partition waits
						return
					}
				}
			}
		}()
	}
	wg.Wait()
	if e := first.Load(); e != nil {
		return total.Load(), bytes.Load(), *e
	}
	return total.Load(), bytes.Load(), nil
}
