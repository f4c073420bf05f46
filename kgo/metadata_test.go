package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A snapshot has what was asked for, and does not change.
func TestMetadata(t *testing.T) {
	opts := []ktest.Option{ktest.Brokers(3), ktest.Racks("a", "b", "c"), ktest.SeedTopic("orders", 2), ktest.SeedTopic("payments", 1)}
	onStage(t, opts, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			before := c.Metadata()
			if _, ok := before.Controller(); ok || before.ClusterID() != "" || len(before.Brokers()) > 0 || len(before.Topics()) > 0 {
				t.Errorf("it knows something already: %+v", before)
			}
			if err := c.RefreshMetadata(context.Background(), "orders", "nowhere"); err != nil {
				t.Fatal(err)
			}
			m := c.Metadata()
			if m.ClusterID() != s.ClusterID() || len(m.Brokers()) != 3 || len(before.Brokers()) != 0 {
				t.Errorf("got %q, %v", m.ClusterID(), m.Brokers())
			}
			if b, ok := m.Broker(2); !ok || b != (kgo.BrokerInfo{ID: 2, Addr: s.Addrs()[1], Rack: "b"}) {
				t.Errorf("got broker %+v", b)
			}
			if b, ok := m.Broker(4); ok || b.ID != -1 {
				t.Errorf("got broker %+v, want none", b)
			}
			if b, ok := m.Controller(); !ok || b.ID < 1 {
				t.Errorf("got controller %+v", b)
			}
			orders, ok := m.Topic("orders")
			if !ok || orders.Name != "orders" || orders.ID != s.TopicID("orders") || orders.Err != kmsg.None || len(orders.Partitions) != 2 {
				t.Errorf("got topic %+v", orders)
			}
			for n, p := range orders.Partitions {
				want := s.Partitions("orders")[n]
				if p.Partition != int32(n) || p.Leader != want.Leader || p.LeaderEpoch != want.Epoch || !slices.Equal(p.Replicas, want.Replicas) || len(p.ISR) != 3 || p.Err != kmsg.None {
					t.Errorf("got partition %+v, want %+v", p, want)
				}
				if b, ok := m.Leader("orders", int32(n)); !ok || b.ID != want.Leader {
					t.Errorf("got leader %+v, want %d", b, want.Leader)
				}
			}
			if nowhere, ok := m.Topic("nowhere"); !ok || nowhere.Err != kmsg.UnknownTopicOrPartition {
				t.Errorf("got %+v, want that it does not exist", nowhere)
			}
			if _, ok := m.Topic("payments"); ok {
				t.Error("it knows a topic that nobody asked for")
			}
			if _, ok := m.Leader("payments", 0); ok {
				t.Error("it knows the leader of a topic that nobody asked for")
			}
			if names := fmt.Sprint(topicNames(m)); names != "[nowhere orders]" {
				t.Errorf("got topics %s", names)
			}
			if err := s.MoveLeader("orders", 0, orders.Partitions[0].Replicas[1]); err != nil {
				t.Fatal(err)
			}
			if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
				t.Fatal(err)
			}
			moved, _ := c.Metadata().Leader("orders", 0)
			was, _ := m.Leader("orders", 0)
			if moved.ID != orders.Partitions[0].Replicas[1] || was.ID != orders.Partitions[0].Leader {
				t.Errorf("got leader %d, and %d in the old snapshot", moved.ID, was.ID)
			}
			if v := c.Versions(4); v != nil {
				t.Errorf("it knows what a broker serves that there is not: %v", v)
			}
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Fatal(err)
			}
			if v := c.Versions(moved.ID); len(v) < 10 {
				t.Errorf("broker %d serves %v", moved.ID, v)
			}
			if f := c.Features(moved.ID); f["metadata.version"] == 0 {
				t.Errorf("broker %d has features %v", moved.ID, f)
			}
		})
	})
	var zero kgo.Metadata
	if _, ok := zero.Controller(); ok || zero.ClusterID() != "" || len(zero.Topics()) > 0 {
		t.Errorf("the zero value knows something: %+v", zero)
	}
}

func topicNames(m kgo.Metadata) (names []string) {
	for _, t := range m.Topics() {
		names = append(names, t.Name)
	}
	return names
}

// Each refresh has an answer of its own, and those that wait at the same time share it.
func TestRefreshMetadata(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(1), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			for n := range 3 {
				if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
					t.Fatal(err)
				}
				if got := s.Requests(kmsg.KeyMetadata); got != n+1 {
					t.Errorf("got %d requests, want %d", got, n+1)
				}
			}
			s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Delay(50*time.Millisecond))
			var users sync.WaitGroup
			for range 100 {
				users.Go(func() {
					if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
						t.Error(err)
					}
				})
			}
			users.Wait()
			if got := s.Requests(kmsg.KeyMetadata); got > 5 {
				t.Errorf("got %d requests, want one or two more than 3", got)
			}
		})
	})
}

// What is in use is refreshed with age; an idle client asks nobody.
func TestMetadataAge(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MetadataMaxAge(time.Minute)}, func(c *kgo.Client) {
			do := func() {
				if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
					t.Fatal(err)
				}
			}
			do()
			for range 10 {
				time.Sleep(30 * time.Second)
				do()
			}
			busy := s.Requests(kmsg.KeyMetadata)
			if busy < 4 || busy > 7 {
				t.Errorf("got %d requests in 5 minutes, want one a minute", busy)
			}
			time.Sleep(time.Hour)
			if idle := s.Requests(kmsg.KeyMetadata) - busy; idle > 2 {
				t.Errorf("got %d requests in an idle hour", idle)
			}
			if open := s.Connections(); len(open) > 0 {
				t.Errorf("got %v, want the connections to be closed", open)
			}
			do()
		})
	})
}

// A client has one connection to each broker that it speaks to: that to the seed becomes one of
// them.
func TestSeedIsTakenOver(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 6, ktest.Replicas(1))}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.SeedBrokers(s.Addrs()[1])}, func(c *kgo.Client) {
			if err := c.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if _, err := kgo.Do(context.Background(), c, topicsRequest("orders")); err != nil {
					t.Fatal(err)
				}
			}
			if open := s.Connections(); len(open) != 1 || open[0].Broker != 2 {
				t.Errorf("got %v, want the one to broker 2", open)
			}
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1, 2, 3, 4, 5)); err != nil {
				t.Fatal(err)
			}
			if open := s.Connections(); len(open) != 3 {
				t.Errorf("got %v, want one a broker", open)
			}
			for _, b := range c.Stats().Brokers {
				if b.ID < 1 || b.Connections != 1 || b.Connects != 1 {
					t.Errorf("got %+v, want a broker with one connection", b)
				}
			}
		})
	})
	// A seed by another name is left when the brokers are known.
	onStage(t, []ktest.Option{ktest.Brokers(1), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "bootstrap:9092" {
				addr = s.Addrs()[0]
			}
			return s.DialContext(ctx, network, addr)
		}
		s.with([]kgo.ClientOption{kgo.SeedBrokers("bootstrap"), kgo.Dialer(dial)}, func(c *kgo.Client) {
			for range 3 {
				if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if open := s.Connections(); len(open) != 1 {
					t.Errorf("got %v, want one", open)
				}
			}
			if b := c.Stats().Brokers; len(b) != 1 || b[0].ID != 1 {
				t.Errorf("got %+v, want broker 1 alone", b)
			}
		})
	})
}

// Seeds that do not answer are passed over.
func TestSeeds(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.Pause(1)
		if err := s.Refuse(2, true); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			s.with([]kgo.ClientOption{kgo.SeedBrokers("nowhere", s.Addrs()[0], s.Addrs()[1], s.Addrs()[2])}, func(c *kgo.Client) {
				start := time.Now()
				if err := c.Ping(context.Background()); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
		s.Continue(1)
		time.Sleep(time.Second) // it notices what was closed meanwhile
	})
	onStage(t, nil, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.SeedBrokers("nowhere", "elsewhere")}, func(c *kgo.Client) {
			err := c.Ping(context.Background())
			var e *kgo.Error
			if !errors.As(err, &e) || e.Addr == "" || e.Hint == "" || e.Broker != -1 || !e.Retriable {
				t.Errorf("got %+v", err)
			}
			t.Log(err)
			if err := c.UpdateSeeds("here and there", ""); err == nil {
				t.Error("UpdateSeeds took anything")
			}
			if err := c.UpdateSeeds(); err == nil {
				t.Error("UpdateSeeds took nothing")
			}
			if err := c.UpdateSeeds(s.Addrs()...); err != nil {
				t.Error(err)
			}
			if err := c.Ping(context.Background()); err != nil {
				t.Errorf("with other seeds: %v", err)
			}
			if b := c.Stats().Brokers; len(b) != 1 {
				t.Errorf("got %+v, want nothing of the old seeds", b)
			}
		})
	})
}

// When all brokers that are known are gone, the seeds lead to those that took their place
// (KIP-899).
func TestAllBrokersReplaced(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(6), ktest.SeedTopic("orders", 6)}, func(s *stage) {
		for id := int32(4); id <= 6; id++ {
			s.Kill(id)
		}
		time.Sleep(10 * time.Second)
		lead := 0 // which broker the bootstrap name leads to
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "bootstrap:9092" {
				addr = s.Addrs()[lead]
			}
			return s.DialContext(ctx, network, addr)
		}
		s.with([]kgo.ClientOption{kgo.SeedBrokers("bootstrap"), kgo.Dialer(dial)}, func(c *kgo.Client) {
			if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
				t.Fatal(err)
			}
			if n := len(c.Metadata().Brokers()); n != 3 {
				t.Fatalf("got %d brokers, want 3", n)
			}
			lead = 3
			for id := int32(4); id <= 6; id++ {
				if err := s.Start(id); err != nil {
					t.Fatal(err)
				}
				s.Kill(id - 3)
			}
			time.Sleep(10 * time.Second)
			start := time.Now()
			if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if b := c.Metadata().Brokers(); len(b) != 3 || b[0].ID != 4 {
				t.Errorf("got %v, want the new brokers", b)
			}
		})
	})
}

// Brokers that are there but know nothing of the cluster any more are left after a while
// (KIP-1102).
func TestRebootstrapAfter(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(4), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.Kill(4)
		time.Sleep(10 * time.Second)
		lead := 0
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "bootstrap:9092" {
				addr = s.Addrs()[lead]
			}
			return s.DialContext(ctx, network, addr)
		}
		s.with([]kgo.ClientOption{kgo.SeedBrokers("bootstrap"), kgo.Dialer(dial), kgo.RebootstrapAfter(time.Minute)}, func(c *kgo.Client) {
			if err := c.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := s.Start(4); err != nil {
				t.Fatal(err)
			}
			lead = 3
			for id := int32(1); id <= 3; id++ {
				s.Fault(ktest.On(kmsg.KeyMetadata).Broker(id), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
					r := kmsg.NewMetadataResponse()
					r.Version, r.ErrorCode = resp.APIVersion(), kmsg.UnknownServerError
					*resp.(*kmsg.MetadataResponse) = *r
				}))
			}
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
			defer cancel()
			if _, err := kgo.Do(ctx, c, offsetsRequest("orders", 0)); err != nil {
				t.Error(err)
			}
			if n := s.Requests(kmsg.KeyMetadata, 4); n == 0 {
				t.Error("the seed was not asked")
			}
		})
	})
}

// A broker that is not the one that was meant says so, and the client starts over (KIP-1242).
func TestMisrouted(t *testing.T) {
	for _, release := range []string{"4.3", "4.4"} {
		t.Run(release, func(t *testing.T) {
			opts := []ktest.Option{ktest.Version(release), ktest.Brokers(2), ktest.SeedTopic("orders", 2, ktest.Replicas(1))}
			onStage(t, opts, func(s *stage) {
				swapped := true
				dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
					if addr == s.Addrs()[1] && swapped {
						addr = s.Addrs()[0]
					}
					return s.DialContext(ctx, network, addr)
				}
				s.with([]kgo.ClientOption{kgo.SeedBrokers(s.Addrs()[0]), kgo.Dialer(dial), kgo.CallTimeout(10 * time.Second)}, func(c *kgo.Client) {
					n := int32(slices.IndexFunc(s.Partitions("orders"), func(p ktest.Partition) bool { return p.Leader == 2 }))
					_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", n))
					var e *kgo.Error
					if !errors.As(err, &e) || e.Broker != 2 {
						t.Fatalf("got %+v", err)
					}
					t.Log(err)
					if release == "4.3" { // it notices only that the other one does not lead
						if e.Code != kmsg.NotLeaderOrFollower {
							t.Errorf("got %v", err)
						}
						return
					}
					if !errors.Is(err, kmsg.RebootstrapRequired) || e.Hint == "" || !e.Retriable {
						t.Errorf("got %+v, want REBOOTSTRAP_REQUIRED and what to look at", e)
					}
					if n := s.Requests(kmsg.KeyAPIVersions); n > 60 {
						t.Errorf("it connected %d times in 10 s", n)
					}
					swapped = false
					if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", n)); err != nil {
						t.Errorf("when it leads to the right broker again: %v", err)
					}
				})
			})
		})
	}
}

// A broker at another address than before is found there.
func TestBrokerMoves(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 2, ktest.Replicas(1))}, func(s *stage) {
		moved := false
		s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
			for i := range resp.(*kmsg.MetadataResponse).Brokers {
				if b := &resp.(*kmsg.MetadataResponse).Brokers[i]; b.NodeID == 2 && moved {
					b.Host = "moved"
				}
			}
		}))
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			switch {
			case addr == "moved:9092" && moved:
				addr = s.Addrs()[1]
			case addr == s.Addrs()[1] && moved:
				return nil, errors.New("nobody is here any more")
			}
			return s.DialContext(ctx, network, addr)
		}
		s.with([]kgo.ClientOption{kgo.Dialer(dial)}, func(c *kgo.Client) {
			do := func() {
				t.Helper()
				if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1)); err != nil {
					t.Error(err)
				}
			}
			do()
			moved = true
			s.CutConnections(2, true)
			time.Sleep(time.Second)
			do()
			if b, _ := c.Metadata().Broker(2); b.Addr != "moved:9092" {
				t.Errorf("got %+v", b)
			}
		})
	})
}

// A seed that leads to another cluster than before brings that cluster, and nothing of the old.
func TestOtherCluster(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		other := ktest.NewCluster(s.T, ktest.Seed(7), ktest.Brokers(3), ktest.SeedTopic("orders", 3))
		now := s.Cluster
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			return now.DialContext(ctx, network, addr)
		}
		s.with([]kgo.ClientOption{kgo.Dialer(dial)}, func(c *kgo.Client) {
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Fatal(err)
			}
			now = other
			s.CutConnections(1, true)
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1, 2)); err != nil {
				t.Error(err)
			}
			if got := c.Metadata().ClusterID(); got != other.ClusterID() {
				t.Errorf("got cluster %s, want %s", got, other.ClusterID())
			}
		})
		synctest.Wait() // until brokers have noticed
		if open := other.Connections(); len(open) > 0 {
			t.Errorf("connections are left: %v", open)
		}
	})
}

// A topic that was used once is forgotten after twice the age of metadata, also if the client is busy
// with others.
func TestForgottenTopic(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1), ktest.SeedTopic("once", 1)}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MetadataMaxAge(time.Minute)}, func(c *kgo.Client) {
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("once", 0)); err != nil {
				t.Fatal(err)
			}
			var gone time.Duration
			for at := time.Duration(0); at < 10*time.Minute; at += 10 * time.Second {
				if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
					t.Fatal(err)
				}
				if _, known := c.Metadata().Topic("once"); !known && gone == 0 {
					gone = at
				}
				time.Sleep(10 * time.Second)
			}
			if gone < 2*time.Minute || gone > 3*time.Minute+30*time.Second {
				t.Errorf("it was forgotten after %v, want 2 minutes and the time to the next refresh", gone)
			}
			if _, known := c.Metadata().Topic("orders"); !known {
				t.Error("a topic in use was forgotten")
			}
		})
	})
}

// A large answer to Metadata is read aside: what comes after it on the connection does not wait.
func TestLargeMetadataIsReadAside(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("large", 20_000), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		var armed atomic.Bool
		reading, goOn := make(chan struct{}), make(chan struct{})
		hook := kgo.Hook{OnRequest: func(e kgo.RequestEvent) { // it comes while the answer is read
			if e.API == kmsg.KeyMetadata && armed.Swap(false) {
				close(reading)
				<-goOn
			}
		}}
		s.with([]kgo.ClientOption{kgo.Hooks(hook)}, func(c *kgo.Client) {
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			refreshed := make(chan error)
			go func() { refreshed <- c.RefreshMetadata(context.Background(), "large") }()
			<-reading
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if _, err := kgo.Do(ctx, c, offsetsRequest("orders", 0)); err != nil {
				t.Errorf("beside a large answer: %v", err)
			}
			close(goOn)
			if err := <-refreshed; err != nil {
				t.Error(err)
			}
			if open := s.Connections(); len(open) != 1 {
				t.Errorf("got %v, want that all went over one connection", open)
			}
		})
	})
}

// A late answer to a batch says who leads the topic that it was for, and nothing of the one that has the
// name by then.
func TestHintOfFormerTopic(t *testing.T) {
	for _, release := range []string{"3.9", "4.4"} { // by name, and by id
		onStage(t, []ktest.Option{ktest.Version(release), ktest.Brokers(3), ktest.SeedTopic("orders", 1)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				ctx := context.Background()
				leader := func() int32 { return s.Partitions("orders")[0].Leader }
				for range 20 { // epochs of the new topic will be lower
					s.MoveLeader("orders", 0, leader()%3+1)
				}
				p, err := c.NewProducer(kgo.Idempotence(false))
				if err != nil {
					t.Fatal(err)
				}
				produce := func() {
					if _, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("x")}); err != nil {
						t.Error(err)
					}
				}
				produce()
				next := leader()%3 + 1
				s.MoveLeader("orders", 0, next)
				s.Fault(ktest.On(kmsg.KeyProduce).Times(1), ktest.Delay(2*time.Second))
				done := make(chan bool)
				go func() {
					defer close(done)
					produce()
				}()
				time.Sleep(time.Second)
				s.RecreateTopic("orders")
				s.MoveLeader("orders", 0, next%3+1)
				if err := c.RefreshMetadata(ctx, "orders"); err != nil {
					t.Fatal(err)
				}
				<-done
				topic, _ := c.Metadata().Topic("orders")
				if got := topic.Partitions[0]; got.Leader != leader() {
					t.Errorf("%s: %d leads, got %+v", release, leader(), got)
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
