package kgo

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Who reads the newest snapshot finds each of its brokers, at any time. One that is elsewhere may be
// found there a moment early.
func TestSnapshotHasItsPeers(t *testing.T) {
	c, err := NewClient(SeedBrokers("nowhere"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := func(id int32, host string) cluster.Broker { return cluster.Broker{ID: id, Host: host, Port: 9092} }
	snapshots := []*cluster.Snapshot{
		{Seq: 1, Brokers: []cluster.Broker{at(1, "a"), at(2, "b")}},
		{Seq: 2, Brokers: []cluster.Broker{at(3, "c")}},
		{Seq: 3, Brokers: []cluster.Broker{at(1, "d"), at(2, "b"), at(4, "e")}}, // 1 is elsewhere
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := c.meta.snapshot()
				for _, b := range s.Brokers {
					if c.peers.known(b.ID) == nil && c.meta.snapshot() == s {
						t.Errorf("snapshot %d has broker %d, the peers have not", s.Seq, b.ID)
						return
					}
				}
			}
		})
	}
	for n := range 30_000 {
		s := *snapshots[n%len(snapshots)]
		c.meta.publish(&s)
	}
	close(done)
	readers.Wait()
}

// A snapshot is not shown before its brokers can be found.
func TestPeersComeFirst(t *testing.T) {
	c, err := NewClient(SeedBrokers("nowhere"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &cluster.Snapshot{Seq: 1, Brokers: []cluster.Broker{{ID: 1, Host: "a", Port: 9092}}}
	published := make(chan struct{})
	c.peers.mu.Lock() // nobody is added meanwhile
	go func() {
		c.meta.publish(s)
		close(published)
	}()
	for range 10_000 {
		if runtime.Gosched(); c.meta.snapshot() == s {
			t.Error("the snapshot is there, and its broker is not")
			break
		}
	}
	c.peers.mu.Unlock()
	<-published
	if c.meta.snapshot() != s || c.peers.known(1) == nil {
		t.Error("it was not published")
	}
}

// Who will do with any broker gets one that is not to be avoided, as long as there is one.
func TestAnyAvoids(t *testing.T) {
	c, err := NewClient(SeedBrokers("nowhere"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &cluster.Snapshot{Seq: 1}
	for id := int32(1); id <= 3; id++ {
		s.Brokers = append(s.Brokers, cluster.Broker{ID: id, Host: "h", Port: id})
	}
	c.meta.publish(s)
	c.peers.known(1).ready.Store(true)
	for range 100 {
		if p := c.peers.any([]int32{1, 2}); p.info.ID != 3 {
			t.Fatalf("got broker %d, want the one that is not to be avoided", p.info.ID)
		}
		if p := c.peers.any([]int32{1, 2, 3}); p.info.ID != 1 {
			t.Fatalf("got broker %d, want the one that is connected, since all are to be avoided", p.info.ID)
		}
	}
}

// AddressMap is called without a lock, so that it may ask the client what that knows.
func TestAddressMapIsCalledWithoutLocks(t *testing.T) {
	var c *Client
	asked := 0
	c, err := NewClient(SeedBrokers("nowhere"), AddressMap(func(b BrokerInfo) string {
		asked++
		if !c.peers.mu.TryLock() {
			t.Error("the lock of the peers is held")
			return ""
		}
		c.peers.mu.Unlock()
		p := c.peers.get(b.ID, b.Addr)
		if !p.mu.TryLock() {
			t.Error("the lock of the peer is held")
			return ""
		}
		p.mu.Unlock()
		c.Stats()
		return ""
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.meta.publish(&cluster.Snapshot{Seq: 1, Brokers: []cluster.Broker{{ID: 1, Host: "a", Port: 9092}}})
	for _, p := range []*peer{c.peers.known(1), c.peers.get(-1, "nowhere:9092")} {
		l := p.lane(route.Ordinary)
		if p.lane(route.Ordinary) != l || len(p.open()) != 1 {
			t.Errorf("got %d lanes of %+v, want one", len(p.open()), p.info)
		}
		p.dismiss(p.ownLane(route.FetchLane))
	}
	if asked != 4 {
		t.Errorf("asked %d times, want once for each lane", asked)
	}
}

// A plainRequest asks for the brokers, over whatever lane.
type plainRequest struct {
	link.Request
	done chan struct{}
}

func (r *plainRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	req := kmsg.NewMetadataRequest()
	req.Version = version
	dst, err := link.AppendRequest(dst, h, req)
	return dst, nil, err
}

func (r *plainRequest) Done(*link.Request) { close(r.done) }

// When one lane finds that a broker is not as old as it seemed, the others do not go on speaking to
// it as to an old one until they look themselves.
func TestLanesAreUndeceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ktest.NewCluster(t)
		c, err := NewClient(SeedBrokers(s.Addrs()...), Dialer(s.DialContext))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.peers.old[s.Addrs()[0]] = oldBroker{"0.8.2", now().Add(time.Hour)}
		if err := c.Ping(context.Background()); err != nil {
			t.Fatal(err)
		}
		p := c.peers.known(1)
		time.Sleep(5 * time.Second) // so that the other lane looks later
		other := p.lane(route.FetchLane)
		r := &plainRequest{done: make(chan struct{})}
		r.Key, r.Body, r.To = kmsg.KeyMetadata, r, r
		other.conn.Send(&r.Request)
		<-r.done
		for _, l := range p.open() {
			if v := l.conn.Versions(); v == nil || v.Old != "0.8.2" {
				t.Fatalf("got %+v, want a lane to a broker that is taken for 0.8.2", v)
			}
		}
		time.Sleep(7 * time.Second) // the first looks after 10 s
		if err := c.Ping(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if v := p.lane(route.Ordinary).conn.Versions(); v == nil || v.Old != "" {
			t.Fatalf("got %+v, want what the broker says itself", v)
		}
		select {
		case <-other.conn.Done():
		default:
			t.Error("the other lane still takes it for 0.8.2")
		}
		if p.lane(route.FetchLane) == other {
			t.Error("nothing has taken the other lane's place")
		}
	})
}
