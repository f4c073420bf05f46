package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// TestMetadataRequest: what old brokers cannot be asked for, and what they must not be.
func TestMetadataRequest(t *testing.T) {
	topics := []string{"a", "b"}
	ids := []kbin.UUID{{1}}
	for _, c := range []struct {
		ask     AskMetadata
		version int16
		names   int // topics that are asked for by name, -1 for all
		ids     int
		create  bool
	}{
		{AskMetadata{Topics: topics}, 12, 2, 0, false},
		{AskMetadata{Topics: topics}, 4, 2, 0, false},
		{AskMetadata{Topics: topics}, 3, -1, 0, true}, // asking by name might create
		{AskMetadata{Topics: topics}, 0, -1, 0, true},
		{AskMetadata{Topics: topics, Create: true}, 3, 2, 0, true},
		{AskMetadata{Topics: topics, Create: true}, 12, 2, 0, true},
		{AskMetadata{Topics: topics, IDs: ids}, 12, 2, 1, false},
		{AskMetadata{Topics: topics, IDs: ids}, 11, 2, 0, false},
		{AskMetadata{All: true}, 12, -1, 0, false},
		{AskMetadata{}, 12, 0, 0, false}, // brokers only
		{AskMetadata{}, 1, 0, 0, true},
	} {
		req := c.ask.Request(c.version)
		if err := req.Check(); err != nil {
			t.Errorf("%+v: %v", c.ask, err)
		}
		names, ids := 0, 0
		if req.Topics == nil {
			names = -1
		}
		for _, topic := range req.Topics {
			if topic.Name.Valid {
				names++
			} else {
				ids++
			}
		}
		if names != c.names || ids != c.ids || req.AllowAutoTopicCreation != c.create || req.Version != c.version {
			t.Errorf("%+v at version %d: got %v", c.ask, c.version, req)
		}
	}
}

// TestCoordinators: old brokers take one key, and do not repeat it.
func TestCoordinators(t *testing.T) {
	ask := AskCoordinators{Type: kmsg.CoordinatorTransaction, Keys: []string{"a", "b", "c"}}
	req, unasked := ask.Request(4)
	if req.KeyType != kmsg.CoordinatorTransaction || len(req.CoordinatorKeys) != 3 || unasked != 0 || req.Check() != nil {
		t.Errorf("got %v, %v, want all keys", req, unasked)
	}
	req, unasked = ask.Request(3)
	if req.Key != "a" || unasked != 2 || req.Check() != nil {
		t.Errorf("got %v, %v, want one key", req, unasked)
	}
	resp := kmsg.NewFindCoordinatorResponse()
	resp.Version, resp.NodeID, resp.Host, resp.Port = 3, 7, "h7", 9092
	want := []Coordinator{{Key: "a", Broker: Broker{ID: 7, Host: "h7", Port: 9092}}}
	if diff := cmp.Diff(ReadCoordinators(resp, "a"), want); diff != "" {
		t.Errorf("got (-), want (+):\n%s", diff)
	}
	resp.Version = 4
	resp.Coordinators = []kmsg.FindCoordinatorResponseCoordinator{
		{Key: "a", NodeID: 7, Host: "h7", Port: 9092},
		{Key: "b", NodeID: -1, ErrorCode: kmsg.GroupAuthorizationFailed, ErrorMessage: kbin.Str("no")},
	}
	want = append(want, Coordinator{Key: "b", Broker: Broker{ID: -1}, Code: kmsg.GroupAuthorizationFailed, Message: "no"})
	if diff := cmp.Diff(ReadCoordinators(resp, "x"), want); diff != "" {
		t.Errorf("got (-), want (+):\n%s", diff)
	}
}

// TestManyCoordinators: the table keeps what it is given, in old snapshots too, and is bounded.
func TestManyCoordinators(t *testing.T) {
	var c *coordinators
	key := func(n int) coordinatorKey {
		return coordinatorKey{kmsg.CoordinatorGroup, string([]byte{byte(n), byte(n >> 8), byte(n >> 16)})}
	}
	var before *coordinators
	for n := range 1000 {
		e := c.edit()
		e.set(key(n), int32(n))
		e.set(key(n), int32(n+1)) // twice
		before, c = c, e.coordinators
	}
	if _, ok := before.get(kmsg.CoordinatorGroup, key(999).key); ok || before.n != 999 {
		t.Errorf("an old table has %d, and the newest key: %v", before.n, ok)
	}
	for n := range 1000 {
		if id, ok := c.get(kmsg.CoordinatorGroup, key(n).key); !ok || id != int32(n+1) {
			t.Fatalf("key %d: got %d, %v, want %d", n, id, ok, n+1)
		}
	}
	if c = c.without(key(5)); c.n != 999 {
		t.Errorf("got %d, want 999", c.n)
	}
	e := c.edit()
	for n := range coordinatorsMax + 10 {
		e.set(key(n), 1)
	}
	if e = e.edit(); e.n != 0 {
		t.Errorf("got %d coordinators, want the table to begin anew", e.n)
	}
}
