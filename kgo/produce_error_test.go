package kgo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The error of a record names the broker that has it, or had it, and says whether the same may
// succeed later.
func TestProduceErrors(t *testing.T) {
	ctx := context.Background()
	record := kgo.Record{Topic: "orders", Value: []byte("a")}
	wait := func(p *kgo.Producer, r kgo.Record, meanwhile func()) error {
		failed := make(chan error, 1)
		p.Produce(ctx, &r, func(_ kgo.RecordMetadata, err error) { failed <- err })
		time.Sleep(time.Second)
		meanwhile()
		return <-failed
	}
	for _, test := range []struct {
		name      string
		release   string
		fail      func(s *stage, p *kgo.Producer) error
		is        error
		broker    int32
		retriable bool
	}{
		{"time", "4.4", func(s *stage, p *kgo.Producer) error {
			s.Pause(2)
			defer s.Continue(2)
			return wait(p, record, func() {})
		}, kgo.ErrDeliveryTimeout, 2, true},
		{"aborted", "4.4", func(s *stage, p *kgo.Producer) error {
			s.Pause(2)
			defer s.Continue(2)
			return wait(p, record, p.AbortBuffered)
		}, kgo.ErrAborted, 2, false},
		{"closed", "4.4", func(s *stage, p *kgo.Producer) error {
			s.Pause(2)
			defer s.Continue(2)
			return wait(p, record, func() {
				ended, cancel := context.WithCancel(ctx)
				cancel()
				if err := p.Shutdown(ended); !errors.Is(err, context.Canceled) {
					s.Errorf("Shutdown: %v", err)
				}
			})
		}, kgo.ErrClosed, 2, false},
		{"refused", "4.4", func(s *stage, p *kgo.Producer) error {
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Answer(kmsg.TopicAuthorizationFailed))
			return wait(p, record, func() {})
		}, kmsg.TopicAuthorizationFailed, 2, false},
		{"headers", "0.10.2", func(s *stage, p *kgo.Producer) error {
			r := record
			r.Headers = []kgo.Header{{Key: "a"}}
			return wait(p, r, func() {})
		}, kmsg.UnsupportedForMessageFormat, 2, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := []ktest.Option{ktest.Brokers(3), ktest.SessionTimeout(time.Hour), ktest.SeedTopic("orders", 1), ktest.Version(test.release)}
			onStage(t, opts, func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					if err := s.MoveLeader("orders", 0, 2); err != nil {
						t.Fatal(err)
					}
					p := s.producer(c, kgo.DeliveryTimeout(5*time.Second))
					if _, err := p.ProduceSync(ctx, &record); err != nil {
						t.Fatal(err)
					}
					err := test.fail(s, p)
					e, ok := errors.AsType[*kgo.Error](err)
					if !ok || !errors.Is(err, test.is) {
						t.Fatalf("got %v, want %v", err, test.is)
					}
					if e.Broker != test.broker || e.Retriable != test.retriable {
						t.Errorf("got broker %d and retriable %v, want %d and %v: %v", e.Broker, e.Retriable, test.broker, test.retriable, err)
					}
				})
			})
		})
	}
}

// A record that is none is refused like others, not a panic.
func TestProduceNil(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c)
			_, sync := p.ProduceSync(context.Background(), nil)
			calls := make(chan error, 1)
			p.Produce(context.Background(), nil, func(_ kgo.RecordMetadata, err error) { calls <- err })
			for _, err := range []error{sync, <-calls, p.TryProduce(nil, nil)} {
				if e, ok := errors.AsType[*kgo.Error](err); !ok || e.Retriable || !strings.Contains(err.Error(), "nil") {
					t.Errorf("got %v", err)
				}
			}
		})
	})
}
