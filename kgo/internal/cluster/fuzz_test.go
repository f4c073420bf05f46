package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
)

// FuzzAnswer gives a cell the bytes of two answers. Whatever they say, the snapshot is in order,
// has all that was asked for, and is not much larger than they are.
func FuzzAnswer(f *testing.F) {
	r := newRefresher(f, 3, 4)
	f.Add(int16(12), r.frame, r.frame)
	r.truth.Version = 5
	f.Add(int16(5), r.truth.AppendTo(nil), []byte{})
	f.Fuzz(func(t *testing.T, version int16, first, second []byte) {
		now := time.Unix(1e9, 0)
		cell := New(Config{Seeds: []string{"a:1"}})
		answers := [][]byte{first, second}
		want := &Want{Topics: []string{"topic-00000", "topic-00001", "other"}, IDs: []kbin.UUID{{1, 0, 1}}, All: len(first)%2 == 0}
		cell.Handle(now, want)
		for range 20 {
			a, ok := cell.Poll(now)
			if !ok {
				now = now.Add(time.Hour)
				cell.Handle(now, &Touch{})
				continue
			}
			switch a := a.(type) {
			case *AskMetadata:
				if len(answers) == 0 {
					return
				}
				a.Into.Version = min(max(version, 0), 13)
				err := a.Into.DecodeFrom(kbin.NewReader(answers[0]))
				answers = answers[1:]
				if err != nil {
					cell.Handle(now, &MetadataFailed{To: a, Err: errors.Join(err)})
					continue
				}
				cell.Handle(now, &MetadataAnswer{To: a, Response: a.Into})
			case *Publish:
				look(t, a.Snapshot, len(first)+len(second))
			}
		}
	})
}

// look checks a snapshot that came of answers of some size.
func look(t *testing.T, s *Snapshot, size int) {
	partitions := 0
	for i, topic := range s.Topics {
		partitions += len(topic.Partitions)
		if i > 0 && compareTopics(s.Topics[i-1], topic) >= 0 {
			t.Fatalf("%q comes after %q", topic.Name, s.Topics[i-1].Name)
		}
		if topic.Name != "" && s.Topic(topic.Name) != topic {
			t.Fatalf("%q is not found", topic.Name)
		}
	}
	if len(s.byID) > len(s.Topics) {
		t.Fatalf("got %d ids of %d topics", len(s.byID), len(s.Topics))
	}
	for _, b := range s.Brokers {
		if got, ok := s.Broker(b.ID); !ok || got.ID != b.ID {
			t.Fatalf("broker %d is not found", b.ID)
		}
	}
	if limit := size + 16*len(s.Topics); partitions > limit {
		t.Fatalf("got %d partitions of %d bytes", partitions, size)
	}
}
