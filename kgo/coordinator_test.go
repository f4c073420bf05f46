package kgo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// beginTransactions makes a request for the coordinator of a transactional id, which may be repeated.
func beginTransactions(ctx context.Context, c *kgo.Client) error {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMs = kbin.Str("t"), 60_000
	_, err := kgo.Do(ctx, c, req)
	return err
}

// coordinatorOf returns the partition that the transactional id belongs to, and who leads it.
func (s *stage) coordinatorOf() (partition, leader int32) {
	const topic = "__transaction_state" // of which "t" has number 116 modulo the partitions
	all := s.Partitions(topic)
	partition = 't' % int32(len(all))
	return partition, all[partition].Leader
}

var replicated = ktest.Property("transaction.state.log.replication.factor", "3")

// A coordinator that is killed is left at the first failure: who coordinates is asked anew each time,
// and the dead one is dialed no more often than the backoff says, until the cluster has noticed.
func TestKilledCoordinator(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), replicated, ktest.SessionTimeout(6 * time.Second)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			for range 2 {
				if err := beginTransactions(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			asked := s.Requests(kmsg.KeyFindCoordinator)
			_, dead := s.coordinatorOf()
			s.Kill(dead)
			took := s.took(func() error { return beginTransactions(ctx, c) })
			if took < 6*time.Second || took > 7500*time.Millisecond {
				t.Errorf("it took %v, want little more than the 6 s in which the cluster notices", took)
			}
			if n := s.Requests(kmsg.KeyFindCoordinator) - asked; n < 5 || n > 15 {
				t.Errorf("the coordinator was asked for %d times, want once for each failure", n)
			}
			if _, now := s.coordinatorOf(); now == dead {
				t.Error("nobody took over")
			}
		})
	})
}

// A coordinator that does not answer any more, though it lives, is left when another has taken over.
func TestSilentCoordinator(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), replicated}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			for range 2 {
				if err := beginTransactions(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			partition, silent := s.coordinatorOf()
			s.Fault(ktest.OnAny().Broker(silent), ktest.Stall())
			for _, id := range s.Partitions("__transaction_state")[partition].Replicas {
				if id != silent {
					if err := s.MoveLeader("__transaction_state", partition, id); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
			if took := s.took(func() error { return beginTransactions(ctx, c) }); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	})
}

// A coordinator that says once that it is not is asked who is, if nobody else can be reached.
func TestCoordinatorOfTheLastResort(t *testing.T) {
	for _, how := range []string{"silent", "silent and gone"} {
		onStage(t, []ktest.Option{ktest.Brokers(3), replicated, ktest.SessionTimeout(time.Hour)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				if err := beginTransactions(context.Background(), c); err != nil {
					t.Fatal(err)
				}
				_, coordinator := s.coordinatorOf()
				first := coordinator%3 + 1
				s.Pause(first)
				if second := first%3 + 1; how == "silent" {
					s.Pause(second)
				} else {
					s.Kill(second)
				}
				s.Fault(ktest.On(kmsg.KeyInitProducerID).Times(1), ktest.Answer(kmsg.NotCoordinator))
				if took := s.took(func() error { return beginTransactions(context.Background(), c) }); took > 3500*time.Millisecond {
					t.Errorf("with the others %s it took %v, want a second of patience, or three, and a pause", how, took)
				}
			})
		})
	}
}

// A broker that does not answer is not waited for when it is asked who coordinates.
func TestSilentBrokerIsAskedForCoordinator(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), replicated}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			if err := beginTransactions(ctx, c); err != nil { // creates the topic
				t.Fatal(err)
			}
		})
		silent := int32(1) // and the only one that the client has a connection to, so that it is asked
		if _, coordinator := s.coordinatorOf(); coordinator == silent {
			silent = 2
		}
		s.Fault(ktest.On(kmsg.KeyFindCoordinator).Broker(silent), ktest.Stall())
		s.with([]kgo.ClientOption{kgo.SeedBrokers(s.Addrs()[silent-1])}, func(c *kgo.Client) {
			if err := c.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			took := s.took(func() error { return beginTransactions(context.Background(), c) })
			if took != time.Second {
				t.Errorf("it took %v, want a second of patience with the broker that was asked first", took)
			}
		})
	})
}

// Brokers before 3.0 are asked for one coordinator after the other, and for none twice, however long that
// takes in all.
func TestManyCoordinators(t *testing.T) {
	for _, test := range []struct {
		release string
		want    int
	}{{"2.8", 100}, {"4.4", 1}} {
		onStage(t, []ktest.Option{ktest.Version(test.release), ktest.Brokers(3)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				ctx := context.Background()
				if _, err := kgo.Do(ctx, c, coordinatorRequest("g")); err != nil { // creates the topic
					t.Fatal(err)
				}
				asked := s.Requests(kmsg.KeyFindCoordinator)
				s.Fault(ktest.On(kmsg.KeyFindCoordinator), ktest.Delay(40*time.Millisecond))
				req := kmsg.NewDescribeGroupsRequest()
				for i := range 100 {
					req.Groups = append(req.Groups, fmt.Sprint("g", i))
				}
				kgo.Do(ctx, c, req) // these brokers know nothing of groups, but of their coordinators
				if n := s.Requests(kmsg.KeyFindCoordinator) - asked; n != test.want {
					t.Errorf("%s: 100 groups took %d requests for coordinators, want %d", test.release, n, test.want)
				}
			})
		})
	}
}
