package kgo_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// fill appends n records to each partition of a topic, in batches, and returns how many in all.
func (s *stage) fill(topic string, partitions int32, n int) int {
	s.Helper()
	for p := range partitions {
		for at := 0; at < n; {
			var records []ktest.Record
			for range min(n-at, 1+at%7) {
				records = append(records, ktest.Record{Key: fmt.Appendf(nil, "key %d", at), Value: seedValue(p, at)})
				at++
			}
			if _, err := s.Produce(topic, p, records...); err != nil {
				s.Fatal(err)
			}
		}
	}
	return int(partitions) * n
}

func seedValue(p int32, at int) []byte { return fmt.Appendf(nil, "%d/%d", p, at) }

// consumer makes a consumer, which ends with its client.
func (s *stage) consumer(c *kgo.Client, opts ...kgo.ConsumerOption) *kgo.Consumer {
	s.Helper()
	o, err := c.NewConsumer(opts...)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

// A tally checks that each partition's records come in order, each once.
type tally struct {
	s    *stage
	next map[int32]int64
	n    int
}

func (l *tally) take(r *kgo.Record) {
	if l.next == nil {
		l.next = map[int32]int64{}
	}
	if want := l.next[r.Partition]; r.Offset != want || string(r.Value) != string(seedValue(r.Partition, int(want))) {
		l.s.Errorf("SKIP or REPEAT: %s[%d] offset %d %q, want offset %d", r.Topic, r.Partition, r.Offset, r.Value, want)
	}
	l.next[r.Partition] = r.Offset + 1
	l.n++
}

func TestConsume(t *testing.T) {
	for _, how := range []string{"records", "batches", "poll"} {
		t.Run(how, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 8)}, func(s *stage) {
				total := s.fill("orders", 8, 1000)
				s.with(nil, func(c *kgo.Client) {
					o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd())
					l := &tally{s: s}
					begin := time.Now()
					s.read(o, how, l)
					if l.n != total {
						t.Errorf("got %d records, want %d", l.n, total)
					}
					if took := time.Since(begin); took > time.Second {
						t.Errorf("it took %v", took)
					}
				})
			})
		})
	}
}

// read reads to the end.
func (s *stage) read(o *kgo.Consumer, how string, l *tally) {
	ctx := context.Background()
	switch how {
	case "records":
		for r, err := range o.Records(ctx) {
			if err != nil {
				s.Error(err)
				continue
			}
			l.take(r)
		}
	case "batches":
		for b, err := range o.Batches(ctx) {
			if err != nil {
				s.Error(err)
				continue
			}
			for r := range b.Records() {
				l.take(r)
			}
			b.Release()
		}
	case "poll":
		for {
			batches, err := o.Poll(ctx)
			if err != nil {
				s.Logf("%v", err)
				return
			}
			for _, b := range batches {
				for r := range b.Records() {
					l.take(r)
				}
			}
		}
	}
}

// Null and empty are not the same, wherever they stand.
func TestConsumeNullAndEmpty(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		some := [][]byte{nil, {}, []byte("x")}
		for _, key := range some {
			for _, value := range some {
				if _, err := s.Produce("orders", 0, ktest.Record{Key: key, Value: value, Headers: []ktest.Header{{Key: "", Value: value}, {Key: "k", Value: key}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.with(nil, func(c *kgo.Client) {
			var all []*kgo.Record
			for r, err := range s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd()).Records(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
			}
			for b, err := range s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd()).Batches(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				for r := range b.Records() {
					all = append(all, r.Clone())
				}
			}
			if len(all) != 18 {
				t.Fatalf("got %d records, want 18", len(all))
			}
			for i, r := range all {
				key, value := some[i%9/3], some[i%3]
				want := fmt.Sprintf("%#v %#v %#v", key, value, []kgo.Header{{Key: "", Value: value}, {Key: "k", Value: key}})
				if got := fmt.Sprintf("%#v %#v %#v", r.Key, r.Value, r.Headers); got != want {
					t.Errorf("record %d: got %s, want %s", i, got, want)
				}
			}
		})
	})
}

// A counted codec is one of one's own: Kafka's, which counts what it is asked for.
type counted struct {
	compress.Codecs
	compressed, decompressed atomic.Int32
}

func (c *counted) Compress(dst, src []byte, _ int) ([]byte, error) {
	c.compressed.Add(1)
	return c.Codecs.Compress(dst, src, compress.Settings{Codec: compress.Snappy})
}

func (c *counted) Decompress(dst, src []byte, limit int) ([]byte, error) {
	c.decompressed.Add(1)
	return c.Codecs.Decompress(dst, src, compress.Snappy, limit)
}

// Producers and consumers take the codecs that they are given.
func TestCodecs(t *testing.T) {
	own := new(counted)
	codecs, err := compress.New(compress.Replace(compress.Snappy, own))
	if err != nil {
		t.Fatal(err)
	}
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			value := bytes.Repeat([]byte("value "), 100)
			p := s.producer(c, kgo.Compression(compress.Snappy), kgo.Codecs(codecs))
			if _, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: value}); err != nil {
				t.Fatal(err)
			}
			for r, err := range s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd(), kgo.Codecs(codecs)).Records(ctx) {
				if err != nil || !bytes.Equal(r.Value, value) {
					t.Errorf("got %q and the error %v", r.Value, err)
				}
			}
		})
	})
	if c, d := own.compressed.Load(), own.decompressed.Load(); c != 1 || d != 1 {
		t.Errorf("compressed %d times and decompressed %d times, want once each", c, d)
	}
}
