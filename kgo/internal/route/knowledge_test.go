package route

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A knowledge is a cluster's cell that is told what it shall know.
type knowledge struct {
	cell     *cluster.Cell
	snapshot *cluster.Snapshot
}

func newKnowledge() *knowledge {
	return &knowledge{cluster.New(cluster.Config{Seeds: []string{"seed:1"}, Spacing: cluster.Backoff{Base: -1}}), cluster.Empty()}
}

// learn makes an answer to Metadata known.
func (k *knowledge) learn(now time.Time, resp *kmsg.MetadataResponse) {
	want := &cluster.Need{Newer: k.snapshot.Seq, All: true}
	k.tell(now, want, func(ask *cluster.AskMetadata) cluster.Event {
		return &cluster.MetadataAnswer{To: ask, Response: resp.Clone()}
	}, nil)
}

// coordinate makes it known who coordinates.
func (k *knowledge) coordinate(now time.Time, of kmsg.CoordinatorType, keys map[string]int32) *cluster.NeedCoordinators {
	find := &cluster.NeedCoordinators{Type: of, Not: -1}
	for key := range keys {
		if old, ok := k.snapshot.Coordinator(of, key); ok {
			k.tell(now, &cluster.CoordinatorLost{Type: of, Key: key, Broker: old}, nil, nil)
		}
		find.Keys = append(find.Keys, key)
	}
	k.tell(now, find, nil, func(ask *cluster.AskCoordinators) cluster.Event {
		answer := &cluster.CoordinatorsAnswer{To: ask}
		for _, key := range ask.Keys {
			b, _ := k.snapshot.Broker(keys[key])
			answer.Found = append(answer.Found, cluster.Coordinator{Key: key, Broker: b})
		}
		return answer
	})
	return find
}

func (k *knowledge) tell(now time.Time, e cluster.Event, metadata func(*cluster.AskMetadata) cluster.Event, coordinators func(*cluster.AskCoordinators) cluster.Event) {
	k.cell.Handle(now, e)
	for {
		a, ok := k.cell.Poll(now)
		if !ok {
			return
		}
		switch a := a.(type) {
		case *cluster.Publish:
			k.snapshot = a.Snapshot
		case *cluster.AskMetadata:
			if metadata != nil {
				k.cell.Handle(now, metadata(a))
			}
		case *cluster.AskCoordinators:
			if coordinators != nil {
				k.cell.Handle(now, coordinators(a))
			}
		}
	}
}

// metadataOf reads an answer to Metadata: brokers=1,2 controller=2 and lines like
// "orders id=A 0=1/5 1=-1/5!LEADER_NOT_AVAILABLE".
func metadataOf(args map[string]string, lines []string) *kmsg.MetadataResponse {
	resp := kmsg.NewMetadataResponse()
	resp.Version = int16(number(args["v"], 12))
	resp.ClusterID = kbin.Str("C")
	resp.ControllerID = number(args["controller"], 1)
	for s := range strings.SplitSeq(args["brokers"], ",") {
		if s != "" {
			resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: number(s, 0), Host: "h" + s, Port: 9092})
		}
	}
	for _, line := range lines {
		words := strings.Fields(line)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Name = kbin.Str(words[0])
		for _, w := range words[1:] {
			if code, ok := strings.CutPrefix(w, "!"); ok {
				topic.ErrorCode = codeOf(code)
				continue
			}
			key, value, _ := strings.Cut(w, "=")
			if key == "id" {
				topic.TopicID = idOf(value)
				continue
			}
			value, code, failed := strings.Cut(value, "!")
			leader, epoch, _ := strings.Cut(value, "/")
			p := kmsg.NewMetadataResponsePartition()
			p.PartitionIndex, p.LeaderID, p.LeaderEpoch = number(key, 0), number(leader, -1), number(epoch, -1)
			if failed {
				p.ErrorCode = codeOf(code)
			}
			for i := range int32(2) {
				p.ReplicaNodes = append(p.ReplicaNodes, max(p.LeaderID, 1)+i)
			}
			p.ISRNodes = p.ReplicaNodes
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// number reads a number, if there is one. A script that is wrong is not to be taken for another.
func number(s string, otherwise int32) int32 {
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

func codeOf(name string) kmsg.ErrorCode {
	c, ok := kmsg.ParseErrorCode(name)
	if !ok {
		panic(fmt.Sprintf("no error code %q", name))
	}
	return c
}

// idOf makes ids of letters.
func idOf(s string) kbin.UUID { return kbin.UUID{15: s[0]} }
