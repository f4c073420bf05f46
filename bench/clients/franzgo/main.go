// franz-go adapter.
//
// Variants: "" allocates one kgo.Record per record and consumes without
// recycling, which is what its documentation shows first; "pool" recycles
// produced records through a sync.Pool in the promise, and consumes with
// kgo.WithPools plus Record.Recycle.
package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	adapter.Main(adapter.Adapter{
		Name:     "franz-go",
		Module:   "github.com/twmb/franz-go",
		Producer: newProducer,
		Consumer: newConsumer,
	})
}

func codec(s string) (kgo.CompressionCodec, error) {
	switch s {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("compression %q", s)
}

type producer struct {
	cl   *kgo.Client
	pool bool
}

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	c, err := codec(cfg.Compression)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.DefaultProduceTopic(cfg.Topic),
		kgo.ProducerLinger(cfg.Linger),
		kgo.ProducerBatchMaxBytes(int32(cfg.BatchBytes)),
		kgo.MaxBufferedRecords(int(cfg.MaxInflight)),
		kgo.ProducerBatchCompression(c),
	}
	switch cfg.Variant {
	case "", "pool":
	case "stream":
		opts = append(opts, kgo.StreamingCompression())
	case "sticky":
		opts = append(opts, kgo.RecordPartitioner(kgo.StickyPartitioner()))
	default:
		return nil, fmt.Errorf("variant %q", cfg.Variant)
	}
	switch cfg.Acks {
	case "all":
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()))
	}
	if !cfg.Idempotent || cfg.Acks != "all" {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &producer{cl, cfg.Variant == "pool"}, nil
}

func (p *producer) Close() { p.cl.Close() }

func (p *producer) ProduceN(values [][]byte, n int64) error {
	ctx := context.Background()
	var acked atomic.Int64
	var first atomic.Pointer[error]
	fail := func(err error) { first.CompareAndSwap(nil, &err) } // apart, so that a promise's err stays on the stack
	vi := 0
	if p.pool {
		recs := sync.Pool{New: func() any { return new(kgo.Record) }}
		promise := func(r *kgo.Record, err error) {
			if err != nil {
				fail(err)
			}
			acked.Add(1)
			*r = kgo.Record{}
			recs.Put(r)
		}
		for i := int64(0); i < n; i++ {
			r := recs.Get().(*kgo.Record)
			r.Value = values[vi]
			if vi++; vi == len(values) {
				vi = 0
			}
			p.cl.Produce(ctx, r, promise)
		}
	} else {
		promise := func(_ *kgo.Record, err error) {
			if err != nil {
				fail(err)
			}
			acked.Add(1)
		}
		for i := int64(0); i < n; i++ {
			p.cl.Produce(ctx, &kgo.Record{Value: values[vi]}, promise)
			if vi++; vi == len(values) {
				vi = 0
			}
		}
	}
	if err := p.cl.Flush(ctx); err != nil {
		return err
	}
	if e := first.Load(); e != nil {
		return *e
	}
	if got := acked.Load(); got != n {
		return fmt.Errorf("%d of %d acknowledged", got, n)
	}
	return nil
}

func (p *producer) ProduceOne(v []byte, done func(error)) {
	p.cl.Produce(context.Background(), &kgo.Record{Value: v}, func(_ *kgo.Record, err error) { done(err) })
}

type consumer struct {
	cl   *kgo.Client
	pool bool
	sum  int64
}

// pools hands out record and decompression slices again.
type pools struct {
	recs sync.Pool
	dec  sync.Pool
}

func (p *pools) GetRecords(n int) []kgo.Record {
	if s, _ := p.recs.Get().(*[]kgo.Record); s != nil && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

func (p *pools) PutRecords(s []kgo.Record) { p.recs.Put(&s) }

func (p *pools) GetDecompressBytes(src []byte, _ kgo.CompressionCodecType) []byte {
	if s, _ := p.dec.Get().(*[]byte); s != nil {
		return (*s)[:0]
	}
	return make([]byte, 0, 4*len(src))
}

func (p *pools) PutDecompressBytes(s []byte) { p.dec.Put(&s) }

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	offs := map[int32]kgo.Offset{}
	for p := 0; p < cfg.Partitions; p++ {
		offs[int32(p)] = kgo.NewOffset().At(0)
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{cfg.Topic: offs}),
		kgo.FetchMaxPartitionBytes(int32(cfg.FetchBytes)),
	}
	if cfg.Variant == "pool" {
		opts = append(opts, kgo.WithPools(&pools{}))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &consumer{cl: cl, pool: cfg.Variant == "pool"}, nil
}

func (c *consumer) Close() { c.cl.Close() }

func (c *consumer) ConsumeN(n int64) (records, bytes int64, err error) {
	ctx := context.Background()
	for records < n {
		fs := c.cl.PollFetches(ctx)
		if errs := fs.Errors(); len(errs) > 0 {
			return records, bytes, errs[0].Err
		}
		for r := range fs.RecordsAll() {
			records++
			bytes += int64(len(r.Value))
			c.sum += int64(r.Value[0])
			if c.pool {
				r.Recycle()
			}
		}
	}
	return records, bytes, nil
}
