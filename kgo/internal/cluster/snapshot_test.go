package cluster

import (
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// TestSharing: what did not change is the same memory in the next snapshot.
func TestSharing(t *testing.T) {
	r := newRefresher(t, 50, 20)
	was := r.refresh()
	is := r.refresh()
	if was == is || is.Seq != was.Seq+1 {
		t.Fatalf("got seq %d after %d, want a new snapshot", is.Seq, was.Seq)
	}
	if &was.Topics[0] != &is.Topics[0] || &was.Brokers[0] != &is.Brokers[0] || &was.byID[0] != &is.byID[0] {
		t.Error("nothing changed, yet topics, brokers or ids were copied")
	}
	was = is
	r.changeLeader()
	is = r.refresh()
	if &was.Brokers[0] != &is.Brokers[0] || &was.byID[0] != &is.byID[0] {
		t.Error("a leader changed, yet brokers or ids were copied")
	}
	for i, topic := range is.Topics {
		switch changed := topic.Name == "topic-00025"; {
		case changed == (topic == was.Topics[i]):
			t.Errorf("%s: got the same topic: %v, want %v", topic.Name, topic == was.Topics[i], !changed)
		case changed && topic.Partitions[0].LeaderEpoch != was.Topics[i].Partitions[0].LeaderEpoch+1:
			t.Errorf("got %+v after %+v", topic.Partitions[0], was.Topics[i].Partitions[0])
		case changed && &topic.Partitions[1].Replicas[0] != &was.Topics[i].Partitions[1].Replicas[0]:
			t.Error("another partition's replicas were copied")
		}
	}
}

// TestRefreshAllocations: the answer about 100,000 partitions of which one changed takes memory
// for the topic that changed and the list of topics, and next to nothing else.
func TestRefreshAllocations(t *testing.T) {
	r := newRefresher(t, 1000, 100)
	r.changeLeader()
	r.refresh()
	n := testing.AllocsPerRun(10, func() {
		r.changeLeader()
		r.refresh()
	})
	if n > 40 {
		t.Errorf("got %v allocations, want at most 40", n)
	}
}

func TestEmpty(t *testing.T) {
	s := Empty()
	if _, ok := s.Broker(0); ok || s.Topic("") != nil || s.Topic("orders") != nil || s.TopicByID(idOf("A")) != nil {
		t.Errorf("the empty snapshot knows something: %+v", s)
	}
	if id, ok := s.Coordinator(kmsg.CoordinatorGroup, "g"); ok || id != -1 {
		t.Errorf("got coordinator %d, %v, want none", id, ok)
	}
}

func TestBrokerAddr(t *testing.T) {
	for _, c := range []struct {
		broker Broker
		want   string
	}{
		{Broker{Host: "localhost", Port: 9092}, "localhost:9092"},
		{Broker{Host: "::1", Port: 9092}, "[::1]:9092"},
	} {
		if got := c.broker.Addr(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	b := DefaultBackoff
	for _, c := range []struct {
		n      int
		random float64
		want   time.Duration
	}{
		{1, 0.5, 100 * time.Millisecond},
		{2, 0.5, 200 * time.Millisecond},
		{4, 0.5, 800 * time.Millisecond},
		{5, 0.5, time.Second},
		{1 << 30, 0.5, time.Second}, // no overflow
		{0, 0.5, 100 * time.Millisecond},
		{1, 0, 80 * time.Millisecond},
		{9, 1, 1200 * time.Millisecond},
	} {
		if got := b.After(c.n, c.random); got != c.want {
			t.Errorf("after %d failures with %v: got %v, want %v", c.n, c.random, got, c.want)
		}
	}
}
