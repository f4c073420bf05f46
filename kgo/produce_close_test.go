package kgo_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// AbortBuffered fails what is there, whatever it waits for, and what comes later arrives.
func TestAbortBuffered(t *testing.T) {
	onStage(t, orders(3), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c)
			l := newLedger(s, "orders", 3)
			l.produce(p) // staged
			p.AbortBuffered()
			for range 10 {
				for range 30 {
					l.produceSized(p, 50_000)
				}
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				rule := s.Fault(ktest.On(kmsg.KeyProduce), ktest.Delay(time.Second))
				for range 30 {
					l.produceSized(p, 50_000)
				}
				p.AbortBuffered()
				rule.Remove()
			}
			failed := l.failed()
			for range 30 {
				l.produce(p)
			}
			s.flush(p, time.Minute)
			if n := l.failed(); n < 300 || n > failed+330 {
				t.Errorf("%d records failed", n)
			}
			for _, e := range l.entries[:100] {
				if e.err != nil && !errors.Is(e.err, kgo.ErrAborted) {
					t.Errorf("got %v, want %v", e.err, kgo.ErrAborted)
				}
			}
			for _, e := range l.entries[len(l.entries)-30:] {
				if e.err != nil {
					t.Errorf("after all: %v", e.err)
				}
			}
			l.check(allowance{failures: true, offsets: true})
		})
	})
}

// Close sends what is there; with a bound it fails what is left, and tells so. Nothing is accepted
// any more, and nothing is left of a thousand producers.
func TestProducerClose(t *testing.T) {
	onStage(t, orders(2), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			for range 1000 {
				p := s.producer(c)
				l := newLedger(s, "orders", 2)
				for range 4 {
					l.produce(p)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
				if l.failed() > 0 || l.entries[3].calls != 1 {
					t.Fatalf("record: %+v", l.entries[3])
				}
				if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}); !errors.Is(err, kgo.ErrClosed) {
					t.Fatalf("after Close: %v", err)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for _, fault := range []ktest.Effect{ktest.Stall(), ktest.Answer(kmsg.NotEnoughReplicas)} {
				p := s.producer(c)
				l := newLedger(s, "orders", 2)
				s.Fault(ktest.On(kmsg.KeyProduce), fault)
				for range 100 {
					l.produceSized(p, 50_000)
				}
				begin := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				if err := p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Shutdown: %v", err)
				}
				cancel()
				if took := time.Since(begin); took != 5*time.Second {
					t.Errorf("CLOSE: took %v", took)
				}
				for n, e := range l.entries {
					if !errors.Is(e.err, kgo.ErrClosed) || e.calls != 1 {
						t.Fatalf("PROMISE: record %d: %+v", n, e)
					}
				}
			}
		})
	})
}

// Closing while many produce: each record has its outcome, and none is accepted afterwards.
func TestProducerCloseRace(t *testing.T) {
	for range 20 {
		onStage(t, append(orders(4), ktest.SeedTopic("other", 3)), func(s *stage) {
			c := s.client()
			p, err := c.NewProducer(kgo.BufferBytes(1<<20), kgo.BatchBytes(20_000))
			if err != nil {
				t.Fatal(err)
			}
			var users sync.WaitGroup
			calls := make([][]int, 8)
			for u := range calls {
				calls[u] = make([]int, 2000)
				users.Go(func() {
					for i := range calls[u] {
						r := &kgo.Record{Topic: [...]string{"orders", "other", "nowhere"}[i%3], Value: bytes.Repeat([]byte{'v'}, i%500)}
						p.Produce(context.Background(), r, func(kgo.RecordMetadata, error) { calls[u][i]++ })
					}
				})
			}
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			p.AbortBuffered()
			s.GrowTopic("orders", 8)
			if rand.IntN(2) == 0 { // else by closing the client
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(2000))*time.Microsecond)
				defer cancel()
				if err := p.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}
			if err := c.Close(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err) // the topic that there is not takes longer
			}
			users.Wait()
			time.Sleep(time.Second)
			synctest.Wait()
			for u := range calls {
				for i, n := range calls[u] {
					if n != 1 {
						t.Fatalf("PROMISE: record %d of %d has %d calls", i, u, n)
					}
				}
			}
		})
	}
}
