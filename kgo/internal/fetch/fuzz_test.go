package fetch

import (
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// FuzzAnswer lets a broker answer whatever it likes: nothing panics, positions do not go back, chunks
// follow each other, and each answer makes a bounded number of requests.
func FuzzAnswer(f *testing.F) {
	for version := int16(4); version <= 17; version++ {
		resp := kmsg.NewFetchResponse()
		resp.Version, resp.SessionID = version, 7
		if version < 7 {
			resp.SessionID = 0
		}
		d := kmsg.NewFetchResponsePartitionData()
		d.HighWatermark, d.LastStableOffset = 100, 90
		b := batch.NewBuilder(nil, batch.V2)
		for range 10 {
			b.Append(1, nil, []byte("value"), nil)
		}
		sealed := b.Seal()
		sealed.Checksum()
		d.Records = sealed.Bytes
		t := kmsg.FetchResponseFetchableTopicResponse{Partitions: []kmsg.FetchResponsePartitionData{d}}
		if version >= versionIDs {
			t.TopicID = kbin.UUID{1}
		} else {
			t.Topic = "orders"
		}
		resp.Responses = append(resp.Responses, t)
		f.Add(resp.AppendTo(nil), uint8(version))
	}
	f.Fuzz(func(t *testing.T, answer []byte, version uint8) {
		now := time.Unix(1e9, 0)
		c := NewCell(Config{
			Isolation: kmsg.IsolationReadCommitted, Rack: "a", MaxWait: 500 * time.Millisecond, MinBytes: 1,
			Bite: 1000, PartitionBytes: 4000, BufferBytes: 1 << 20, FrameBytes: 1 << 20, Lanes: 1, Recheck: time.Minute,
			Reset: Start{Place: Earliest}, Patience: 5 * time.Second, Backoff: cluster.DefaultBackoff,
			Random: func() float64 { return 0.5 }, Budget: &purse{limit: 1 << 20},
		})
		p := New("orders", 0, nil)
		at := int64(0)
		var flight *Request
		poll := func() {
			for n := 0; ; n++ {
				a, ok := c.Poll(now)
				if !ok {
					return
				}
				if n > 100 {
					t.Fatal("LIVE: there is no end of actions")
				}
				switch a := a.(type) {
				case *Request:
					if a.Lane == 0 && a.Broker == 1 {
						flight = a
					}
				case *Deliver:
					for i := range a.Chunks {
						k := &a.Chunks[i]
						if k.From != at || k.End < k.From {
							t.Fatalf("SKIP or REPEAT: a chunk from %d to %d comes at %d", k.From, k.End, at)
						}
						at = k.End
					}
				}
			}
		}
		c.Handle(now, &Known{&cluster.Snapshot{
			ControllerID: -1, Brokers: []cluster.Broker{{ID: 1, Host: "a", Port: 1}, {ID: 2, Host: "b", Port: 1}},
			Topics: []*cluster.Topic{{Name: "orders", ID: kbin.UUID{1}, Partitions: []cluster.Partition{{Leader: 1, LeaderEpoch: 3}}}},
		}})
		c.Handle(now, &Assign{[]Assigned{{p, 1, Start{Place: Offset, Epoch: -1}}}})
		poll()
		for range 3 {
			if flight == nil {
				return
			}
			r := flight
			flight = nil
			resp := kmsg.NewFetchResponse()
			resp.Version = min(max(int16(version)%18, r.MinVersion), r.MaxVersion)
			rd := kbin.NewReader(answer)
			rd.Lenient = true
			e := &Answered{Request: r, Response: resp}
			r.Fill(&kmsg.FetchRequest{}, resp.Version)
			if err := resp.DecodeFrom(rd); err != nil {
				e.Response, e.Failure = nil, err
			}
			c.Handle(now, e)
			poll()
			now = now.Add(2 * time.Second)
			poll()
		}
	})
}
