package kgo

import (
	"runtime"
	"sync"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
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
