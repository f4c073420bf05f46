package kgo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// leads returns the partitions that a broker leads.
func (s *stage) leads(topic string, broker int32) (all []int32) {
	for i, p := range s.Partitions(topic) {
		if p.Leader == broker {
			all = append(all, int32(i))
		}
	}
	return all
}

// took returns how long a call takes, which is to work.
func (s *stage) took(call func() error) time.Duration {
	s.Helper()
	start := time.Now()
	if err := call(); err != nil {
		s.Error(err)
	}
	return time.Since(start)
}

// A broker that accepts and does not answer delays nobody who wants something of others. What any
// broker can answer is asked of others after a while, and not of that one any more; and what it led
// is asked of who has taken over.
func TestSilentBroker(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 6)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			all := offsetsRequest("orders", 0, 1, 2, 3, 4, 5)
			if _, err := kgo.Do(ctx, c, all); err != nil {
				t.Fatal(err)
			}
			silent := int32(2)
			for silent == s.Controller() {
				silent--
			}
			led := s.leads("orders", silent)
			if len(led) == 0 {
				t.Fatal("the broker leads nothing")
			}
			s.Pause(silent)
			var calls sync.WaitGroup
			defer calls.Wait()
			calls.Go(func() { // others take over in the meantime
				took := s.took(func() error { _, err := kgo.Do(ctx, c, offsetsRequest("orders", led...)); return err })
				if took < 3*time.Second || took > 8*time.Second { // 3 s until the cluster notices
					t.Errorf("what the broker led took %v", took)
				}
			})
			var late int
			for range 100 {
				for id := int32(1); id <= 3; id++ {
					if id == silent {
						continue
					}
					if took := s.took(func() error { _, err := kgo.Do(ctx, c, offsetsRequest("orders", s.leads("orders", id)...)); return err }); took > time.Millisecond {
						t.Errorf("ListOffsets to broker %d took %v", id, took)
					}
				}
				switch took := s.took(func() error { _, err := kgo.Do(ctx, c, topicsRequest("orders")); return err }); {
				case took > 2*time.Second+time.Millisecond:
					t.Errorf("Metadata took %v", took)
				case took > time.Millisecond:
					late++
				}
			}
			if late > 1 {
				t.Errorf("%d of 100 Metadata were late, want one at most", late)
			}
		})
	})
}

// A throttle of one connection holds back that one. Requests of other kinds to the same broker go
// over others (KIP-219).
func TestThrottleIsOfOneLane(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			p, err := c.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			produce := func() error {
				_, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("v")})
				return err
			}
			s.took(produce)
			s.took(func() error { _, err := kgo.Do(ctx, c, coordinatorRequest("group")); return err }) // creates a topic
			s.Fault(ktest.On(kmsg.KeyProduce).Times(1), ktest.Throttle(3*time.Second))
			s.took(produce)
			var calls sync.WaitGroup
			calls.Go(func() {
				if took := s.took(produce); took < 2900*time.Millisecond {
					t.Errorf("producing took %v: there was no throttle", took)
				}
			})
			for range 10 {
				for what, call := range map[string]func() error{
					"Metadata":        func() error { _, err := kgo.Do(ctx, c, topicsRequest("orders")); return err },
					"ListOffsets":     func() error { _, err := kgo.Do(ctx, c, offsetsRequest("orders", 0)); return err },
					"FindCoordinator": func() error { _, err := kgo.Do(ctx, c, coordinatorRequest("group")); return err },
					"CreateTopics": func() error {
						return c.Admin().CreateTopic(ctx, kgo.NewTopic{Name: "more", Partitions: 1}, kgo.ValidateOnly())
					},
				} {
					if took := s.took(call); took > 5*time.Millisecond {
						t.Errorf("%s took %v", what, took)
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
			calls.Wait()
		})
	})
}

func coordinatorRequest(group string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewFindCoordinatorRequest()
	req.CoordinatorKeys = []string{group}
	return req
}
