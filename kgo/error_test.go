package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// identityRequest begins a transaction.
func identityRequest(id string) *kmsg.InitProducerIDRequest {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMs = kbin.Str(id), 1000
	return req
}

// Who has no transactions has no coordinators of them either: the error is about what was asked.
func TestNoTransactions(t *testing.T) {
	for _, release := range []string{"0.8.2", "0.9.0", "0.10.2"} {
		onStage(t, []ktest.Option{ktest.Version(release), ktest.Brokers(2)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				if err := c.Ping(context.Background()); err != nil {
					t.Fatal(err)
				}
				end := kmsg.NewEndTxnRequest()
				end.TransactionalID = "tx"
				describe := kmsg.NewDescribeTransactionsRequest()
				describe.TransactionalIDs = []string{"tx", "ty"}
				for _, test := range []struct {
					req   kmsg.Request
					since string
				}{{identityRequest("tx"), "0.11"}, {end, "0.11"}, {describe, "3.0"}} {
					api := test.req.APIKey()
					_, err := c.Request(context.Background(), test.req)
					var lacks *kgo.UnsupportedError
					if !errors.As(err, &lacks) || lacks.API != api || !lacks.HasNone || !errors.Is(err, kmsg.UnsupportedVersion) {
						t.Errorf("%s, %v: got %v, want that it is not served", release, api, err)
					} else if want := fmt.Sprintf(" does not serve %v, which is there since Kafka %s", api, test.since); !strings.Contains(err.Error(), want) {
						t.Errorf("%s: got %q, want that it%s", release, err, want)
					}
				}
			})
		})
	}
}

// The address in an error is that of its broker, also if another one was the last to be asked.
func TestAddressOfAnotherBroker(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3)}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.CallTimeout(20 * time.Second)}, func(c *kgo.Client) {
			ctx := context.Background()
			id := "" // of which broker 1 is the coordinator
			for n := 0; id == ""; n++ {
				before := s.Requests(kmsg.KeyInitProducerID, 1)
				if _, err := kgo.Do(ctx, c, identityRequest(fmt.Sprint("t", n))); err != nil {
					t.Fatal(err)
				}
				if s.Requests(kmsg.KeyInitProducerID, 1) > before {
					id = fmt.Sprint("t", n)
				}
			}
			s.Fault(ktest.On(kmsg.KeyInitProducerID).Broker(1).Times(1), ktest.Answer(kmsg.NotCoordinator))
			s.Fault(ktest.On(kmsg.KeyFindCoordinator).Broker(1), ktest.Stall())
			s.Fault(ktest.On(kmsg.KeyFindCoordinator).Broker(2), ktest.CutBefore())
			s.Fault(ktest.On(kmsg.KeyFindCoordinator).Broker(3), ktest.CutBefore())
			_, err := kgo.Do(ctx, c, identityRequest(id))
			var e *kgo.Error
			if !errors.As(err, &e) || e.Broker != 1 || e.Addr != "broker1:9092" {
				t.Fatalf("got %v, want an error of broker 1 at broker1:9092", err)
			}
			t.Log(err)
		})
	})
}

// A limit that leaves nothing to speak of with a broker is what the error is about, at once.
func TestLimitedTooFar(t *testing.T) {
	for _, limit := range []string{"0.8.2", "0.9.0", "0.10.0"} {
		onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 2)}, func(s *stage) {
			s.with([]kgo.ClientOption{kgo.MaxVersions(limit)}, func(c *kgo.Client) {
				start := time.Now()
				_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1))
				var lacks *kgo.UnsupportedError
				if !errors.As(err, &lacks) || !lacks.Limited || lacks.API != kmsg.KeyListOffsets {
					t.Errorf("%s: got %v, want that the limit is in the way", limit, err)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("%s: it took %v", limit, took)
				}
				t.Log(err)
			})
		})
	}
}

// That time is up is told in the same words wherever it was noticed, and silence does not promise an
// answer from elsewhere.
func TestTimeIsUp(t *testing.T) {
	for name, wrong := range map[string]func(*stage){
		"no answer":   func(s *stage) { s.Fault(ktest.On(kmsg.KeyListOffsets), ktest.Stall()) },
		"no metadata": func(s *stage) { s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Stall()) },
		"no connection": func(s *stage) {
			s.Refuse(1, true)
			s.Refuse(2, true)
			s.CutConnections(1, true)
			s.CutConnections(2, true)
		},
		"no coordinator": func(s *stage) { s.Fault(ktest.On(kmsg.KeyFindCoordinator), ktest.Stall()) },
		"no leader": func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyListOffsets).AnyTopic(), ktest.Answer(kmsg.NotLeaderOrFollower))
		},
		"no answer from anybody": func(s *stage) { s.Fault(ktest.On(kmsg.KeyListGroups), ktest.Stall()) },
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 1)}, func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					if err := c.Ping(context.Background()); err != nil {
						t.Fatal(err)
					}
					wrong(s)
					for _, req := range []kmsg.Request{offsetsRequest("orders", 0), identityRequest("tx"), coordinatorRequest("billing"), kmsg.NewListGroupsRequest(), topicsRequest("orders")} {
						for _, after := range []time.Duration{time.Second, 7 * time.Second} {
							ctx, cancel := context.WithTimeout(context.Background(), after)
							_, err := c.Request(ctx, req)
							cancel()
							if err == nil || !errors.Is(err, context.DeadlineExceeded) {
								continue
							}
							text := err.Error()
							if !strings.Contains(text, "time is up") || strings.Contains(text, "the deadline") || strings.Contains(text, "context deadline") || strings.Contains(text, "try failed") || strings.Contains(text, "can give it") {
								t.Errorf("%v, after %v: got %q", req.APIKey(), after, text)
							}
							t.Log(err)
						}
					}
				})
			})
		})
	}
}
