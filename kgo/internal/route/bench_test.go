package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// BenchmarkLone is what a call costs that goes to one broker and comes back, beside the answer.
func BenchmarkLone(b *testing.B) {
	router, known := New(Config{}), benchKnowledge(1, 1)
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("topic-0")}}
	resp := req.NewResponse()
	resp.Version = 12
	resp.Topics = []kmsg.MetadataResponseTopic{{Name: kbin.Str("topic-0")}}
	benchCall(b, router, known, req, func(kmsg.Request) kmsg.Response { return resp })
}

// BenchmarkCoordinated is the same for a request to a coordinator with codes in its answer.
func BenchmarkCoordinated(b *testing.B) {
	known := benchKnowledge(3, 100)
	known.coordinate(time.Unix(1e9, 0), kmsg.CoordinatorGroup, map[string]int32{"g": 1})
	req := kmsg.NewHeartbeatRequest()
	req.GroupID = "g"
	resp := req.NewResponse()
	benchCall(b, New(Config{}), known, req, func(kmsg.Request) kmsg.Response { return resp })
}

// BenchmarkSplit is a request about 100 partitions that goes to the leaders of them, with three
// answers that are merged.
func BenchmarkSplit(b *testing.B) {
	known := benchKnowledge(3, 100)
	req := kmsg.NewListOffsetsRequest()
	topic := kmsg.ListOffsetsRequestTopic{Name: "topic-0"}
	for n := range int32(100) {
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex = n
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = []kmsg.ListOffsetsRequestTopic{topic}
	benchCall(b, New(Config{}), known, req, func(sent kmsg.Request) kmsg.Response {
		resp := kmsg.NewListOffsetsResponse()
		resp.Version = sent.APIVersion()
		for _, t := range sent.(*kmsg.ListOffsetsRequest).Topics {
			result := kmsg.ListOffsetsResponseTopicResponse{Name: t.Name, Partitions: make([]kmsg.ListOffsetsResponsePartitionResponse, len(t.Partitions))}
			for i, p := range t.Partitions {
				result.Partitions[i].PartitionIndex = p.PartitionIndex
			}
			resp.Topics = append(resp.Topics, result)
		}
		return resp
	})
}

func benchKnowledge(brokers int32, partitions int) *knowledge {
	known := newKnowledge()
	resp := kmsg.NewMetadataResponse()
	resp.Version = 12
	for id := range brokers {
		resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: fmt.Sprint("h", id), Port: 9092})
	}
	topic := kmsg.NewMetadataResponseTopic()
	topic.Name, topic.TopicID = kbin.Str("topic-0"), kbin.UUID{1}
	for n := range int32(partitions) {
		p := kmsg.NewMetadataResponsePartition()
		p.PartitionIndex, p.LeaderID = n, n%brokers
		topic.Partitions = append(topic.Partitions, p)
	}
	resp.Topics = append(resp.Topics, topic)
	known.learn(time.Unix(1e9, 0), resp)
	return known
}

func benchCall(b *testing.B, router *Router, known *knowledge, req kmsg.Request, answer func(kmsg.Request) kmsg.Response) {
	now := time.Unix(1e9, 0)
	b.ReportAllocs()
	for b.Loop() {
		if step := benchOne(router, known.snapshot, now, req, answer); step.Response == nil || step.Failures != nil {
			b.Fatalf("got %+v", step)
		}
	}
}

func benchOne(router *Router, known *cluster.Snapshot, now time.Time, req kmsg.Request, answer func(kmsg.Request) kmsg.Response) Step {
	call := router.Call(now, req, Options{Deadline: now.Add(time.Second)})
	for {
		switch step := call.Next(now, known); step.Do {
		case Send:
			for _, s := range step.Shards {
				sent, err := s.Prepare(s.Max)
				if err != nil {
					return Step{}
				}
				call.Answered(now, s, answer(sent), nil)
			}
		case Done, Wait:
			return step
		}
	}
}
