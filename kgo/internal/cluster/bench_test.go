package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// BenchmarkRefresh is what it takes to refresh what is known of 100,000 partitions on 30 brokers
// of which one got another leader: from the answer as bytes to the new snapshot.
func BenchmarkRefresh(b *testing.B) {
	for _, topics := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("topics=%d", topics), func(b *testing.B) {
			r := newRefresher(b, topics, 100000/topics)
			b.ReportAllocs()
			b.SetBytes(int64(len(r.frame)))
			for b.Loop() {
				r.changeLeader()
				r.refresh()
			}
		})
	}
}

// BenchmarkFirst is the same for the first answer.
func BenchmarkFirst(b *testing.B) {
	r := newRefresher(b, 1000, 100)
	b.ReportAllocs()
	for b.Loop() {
		r.start()
		r.refresh()
	}
}

// BenchmarkLookup is finding a partition's leader by topic name.
func BenchmarkLookup(b *testing.B) {
	r := newRefresher(b, 1000, 10)
	s := r.refresh()
	b.ReportAllocs()
	for b.Loop() {
		if s.Topic("topic-00777").Partition(7).Leader < 0 {
			b.Fatal("no leader")
		}
	}
}

// A refresher is a cell that wants all topics of a large cluster, and the answer it gets.
type refresher struct {
	tb        testing.TB
	now       time.Time
	cell      *Cell
	truth     *kmsg.MetadataResponse
	frame     []byte
	epochAt   int // of the partition whose leader changes, in frame
	published *Snapshot
}

func newRefresher(tb testing.TB, topics, partitions int) *refresher {
	r := &refresher{tb: tb, now: time.Unix(1e9, 0), truth: kmsg.NewMetadataResponse()}
	r.truth.Version, r.truth.ClusterID, r.truth.ControllerID = 12, kbin.Str("C"), 1
	for id := range int32(30) {
		r.truth.Brokers = append(r.truth.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: fmt.Sprintf("broker-%d.example.org", id), Port: 9092, Rack: kbin.Str("rack")})
	}
	for i := range topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Name, topic.TopicID = kbin.Str(fmt.Sprintf("topic-%05d", i)), kbin.UUID{byte(i), byte(i >> 8), 1}
		for n := range int32(partitions) {
			p := kmsg.NewMetadataResponsePartition()
			a := (int32(i) + n) % 30
			p.PartitionIndex, p.LeaderID, p.LeaderEpoch = n, a, 5
			p.ReplicaNodes = []int32{a, (a + 1) % 30, (a + 2) % 30}
			p.ISRNodes = []int32{a, (a + 2) % 30, (a + 1) % 30}
			topic.Partitions = append(topic.Partitions, p)
		}
		r.truth.Topics = append(r.truth.Topics, topic)
	}
	r.frame = r.truth.AppendTo(nil)
	moves := &r.truth.Topics[topics/2].Partitions[0] // one more shows where it is in the frame
	moves.LeaderEpoch++
	for marked := r.truth.AppendTo(nil); r.frame[r.epochAt] == marked[r.epochAt]; {
		r.epochAt++
	}
	moves.LeaderEpoch--
	r.epochAt -= 3
	r.start()
	r.refresh()
	return r
}

func (r *refresher) start() {
	r.cell = New(Config{Seeds: []string{"a:1"}})
	want := &Want{}
	for i := range r.truth.Topics {
		want.Topics = append(want.Topics, r.truth.Topics[i].Name.S)
	}
	r.cell.Handle(r.now, want)
}

// changeLeader moves the leader of one partition.
func (r *refresher) changeLeader() {
	p := &r.truth.Topics[len(r.truth.Topics)/2].Partitions[0]
	p.LeaderEpoch++
	p.LeaderID = (p.LeaderID + 1) % 30
	at := r.frame[r.epochAt-4 : r.epochAt-4]
	for _, n := range []int32{p.LeaderID, p.LeaderEpoch} {
		at = append(at, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

// refresh lets the metadata get old, and answers.
func (r *refresher) refresh() *Snapshot {
	r.now = r.now.Add(time.Hour)
	for {
		a, ok := r.cell.Poll(r.now)
		if !ok {
			return r.published
		}
		switch a := a.(type) {
		case *Publish:
			r.published = a.Snapshot
		case *AskMetadata:
			a.Into.Version = 12
			if err := a.Into.DecodeFrom(kbin.NewReader(r.frame)); err != nil {
				r.tb.Fatal(err)
			}
			r.cell.Handle(r.now, &MetadataAnswer{To: a, Response: a.Into})
		}
	}
}
