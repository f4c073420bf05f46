package produce

import (
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A batch whose leader does not know the topic's id goes by name in the end, also if metadata goes
// on telling that id, and by id again when there is another.
func TestUnknownTopicID(t *testing.T) {
	now := time.Unix(1000, 0)
	set := &Settings{Acks: kmsg.AcksAll, RequestBytes: 1000, InFlight: 5, DeliveryTimeout: time.Hour, BackoffMin: time.Second, BackoffMax: time.Second}
	old, id := kbin.UUID{1}, kbin.UUID{2}
	q := NewQueue(set, "orders", old, 0)
	q.SetLeader(1)
	b := new(Batch)
	b.Builder.Reset(nil, batch.V2)
	b.Builder.Append(0, nil, nil, nil)
	q.Begin(now, b)
	try := func(want kbin.UUID) {
		t.Helper()
		now = now.Add(time.Minute)
		taken := q.Take(now, 1, Identity{ID: 7}, true, 1000)
		if taken.Batch != b || b.SentID() != want {
			t.Fatalf("try %d: sent by %v, want %v", b.Tries(), b.SentID(), want)
		}
		if res := q.Resolve(now, b, Result{Code: kmsg.UnknownTopicID}, 0); !res.Stale {
			t.Error("metadata is not asked for")
		}
		q.SetTopicID(old)
	}
	for range idTries {
		try(old)
	}
	for range 3 {
		try(kbin.UUID{})
	}
	q.SetTopicID(id)
	now = now.Add(time.Minute)
	if q.Take(now, 1, Identity{ID: 7}, true, 1000); b.SentID() != id {
		t.Errorf("sent by %v, want %v", b.SentID(), id)
	}
}
