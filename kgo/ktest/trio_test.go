package ktest_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A trio is a stage with three brokers, which can be killed and started again.
type trio struct {
	stage
	addrs       []string
	kill, start func(broker int32)
}

// trioRacks are where the brokers of a trio are.
var trioRacks = []string{"a", "b", "c"}

// at opens a connection to a broker.
func (s *trio) at(broker int32) *client { return s.connect(s.addrs[broker-1]) }

// hearAt asks a broker and writes down what it says.
func (s *trio) hearAt(broker int32, req kmsg.Request, version int16) {
	s.Helper()
	c := s.at(broker)
	defer c.Close()
	_, said := s.answer(c, req, version)
	s.title("broker %d, %s v%d: %s", broker, req.APIKey(), version, said)
}

// partition returns what a broker knows of the topic's only partition.
func (s *trio) partition(broker int32) (p kmsg.MetadataResponsePartition, ok bool) {
	c := s.at(broker)
	defer c.Close()
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("trio")}}
	v, _ := s.newest(kmsg.KeyMetadata)
	resp := ask(c, req, v)
	if t := &resp.Topics[0]; len(t.Partitions) == 1 {
		return t.Partitions[0], true
	}
	return p, false
}

// settle waits until a broker says what is wanted of the partition, and then writes it down.
func (s *trio) settle(broker int32, what string, want func(*kmsg.MetadataResponsePartition) bool) {
	s.Helper()
	var last kmsg.MetadataResponsePartition
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); ; <-tick.C {
		p, ok := s.partition(broker)
		if last = p; ok && want(&p) {
			break
		}
		if time.Now().After(end) {
			s.Fatalf("%s: broker %d says %+v", what, broker, last)
		}
	}
	slices.Sort(last.ISRNodes)
	if s.vague && last.LeaderEpoch > 0 {
		last.LeaderEpoch = 1
	}
	s.title("%s: %v leader=%d epoch=%d replicas=%v isr=%v offline=%v", what, last.ErrorCode.Name(), last.LeaderID, last.LeaderEpoch, last.ReplicaNodes, last.ISRNodes, last.OfflineReplicas)
}

// leads waits until a broker acts as the leader. That it tells who leads comes a moment before.
func (s *trio) leads(broker int32) {
	s.Helper()
	c := s.at(broker)
	defer c.Close()
	v, _ := s.newest(kmsg.KeyListOffsets)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, said := s.answer(c, s.listRequest("trio", 0, kmsg.TimestampLatest), min(v, 1))
		if !strings.Contains(said, kmsg.NotLeaderOrFollower.Name()) {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("broker %d does not lead: %s", broker, said)
		}
	}
}

// readFrom reads as somebody in a rack does, who may be told of a replica that is nearer (KIP-392).
func (s *trio) readFrom(broker int32, rack string, version int16) {
	s.Helper()
	s.title("from rack %s", rack)
	req := fetchRequest("trio", 0, 0, 0)
	req.RackID = rack
	s.hearAt(broker, req, version)
}

// write appends a record on a broker and writes down what it says.
func (s *trio) write(broker int32, acks kmsg.Acks, value string) {
	s.Helper()
	v := min(s.mustNewest(kmsg.KeyProduce), 12)
	req := produceRequest(acks, "trio", 0, s.batchFor(v, value))
	req.TimeoutMs = 15_000
	s.hearAt(broker, req, v)
}

func (s *trio) epochRequest(current, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	p := kmsg.NewOffsetForLeaderEpochRequestOffsetForLeaderPartition()
	p.LeaderEpoch, p.CurrentLeaderEpoch = epoch, current
	req.Topics = []kmsg.OffsetForLeaderEpochRequestOffsetForLeaderTopic{{Topic: "trio", Partitions: []kmsg.OffsetForLeaderEpochRequestOffsetForLeaderPartition{p}}}
	return req
}

// playTrio is the scenario: brokers that do not lead are asked, leaders die and come back.
func playTrio(s *trio) {
	s.known = map[string]string{}
	s.vague = !s.since("3.3")
	t := kmsg.NewCreateTopicsRequestCreatableTopic()
	t.Name, t.NumPartitions, t.ReplicationFactor = "trio", -1, -1
	t.Assignments = []kmsg.CreateTopicsRequestCreatableReplicaAssignment{{PartitionIndex: 0, BrokerIDs: []int32{1, 2, 3}}}
	t.Configs = []kmsg.CreateTopicsRequestCreatableTopicConfig{{Name: "min.insync.replicas", Value: kbin.Str("2")}}
	create := kmsg.NewCreateTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestCreatableTopic{t}
	created := 0
	for id := int32(1); id <= 3; id++ {
		c := s.at(id)
		if ask(c, create, s.mustNewest(kmsg.KeyCreateTopics)).Topics[0].ErrorCode == kmsg.None {
			created++
		} else {
			s.title("a broker does not create the topic")
		}
	}
	s.title("created: %d", created)
	all := func(p *kmsg.MetadataResponsePartition) bool { return len(p.ISRNodes) == 3 }
	s.settle(2, "new", all)
	s.settle(1, "new", all)
	s.eventually("the leader", func(*client) bool {
		c := s.at(1)
		defer c.Close()
		return ask(c, s.listRequest("trio", 0, kmsg.TimestampLatest), 1).Topics[0].Partitions[0].ErrorCode == kmsg.None
	})
	fetches, _ := s.newest(kmsg.KeyFetch)
	fetches = min(fetches, 12)

	s.write(1, kmsg.AcksAll, "a")
	s.title("-- brokers that do not lead")
	s.write(2, kmsg.AcksAll, "b")
	s.write(2, kmsg.AcksLeader, "b")
	s.hearAt(2, fetchRequest("trio", 0, 0, 0), 4)
	s.hearAt(2, s.listRequest("trio", 0, kmsg.TimestampLatest), 1)
	if v, ok := s.newest(kmsg.KeyOffsetForLeaderEpoch); ok && v >= 3 {
		s.hearAt(2, s.epochRequest(-1, 0), v)
	}
	if v, _ := s.newest(kmsg.KeyFetch); v >= 16 {
		req := fetchRequest("trio", 0, 0, 0)
		req.Topics[0].TopicID, req.Topics[0].Topic = s.topicID("trio"), ""
		req.Topics[0].Partitions[0].CurrentLeaderEpoch = 7
		s.hearAt(2, req, v)
	}
	if fetches >= 11 {
		s.title("-- a follower that is read from")
		s.eventually("the follower's high watermark", func(*client) bool {
			c := s.at(2)
			defer c.Close()
			return ask(c, fetchRequest("trio", 0, 0, 0), fetches).Responses[0].Partitions[0].HighWatermark == 1
		})
		s.hearAt(2, fetchRequest("trio", 0, 0, 0), fetches)
		s.hearAt(2, fetchRequest("trio", 0, 1, 0), fetches)
		s.hearAt(2, fetchRequest("trio", 0, 2, 0), fetches)
		s.title("-- readers in racks")
		for _, rack := range append(trioRacks, "d") {
			s.readFrom(1, rack, fetches)
		}
		s.readFrom(2, "c", fetches)
	}

	s.title("-- the leader dies")
	s.kill(1)
	s.settle(2, "moved", func(p *kmsg.MetadataResponsePartition) bool { return p.LeaderID == 2 && len(p.ISRNodes) == 2 })
	s.leads(2)
	s.write(2, kmsg.AcksAll, "c")
	if fetches >= 11 {
		s.readFrom(2, "a", fetches)
		s.readFrom(2, "c", fetches)
	}
	if fetches >= 9 {
		old := fetchRequest("trio", 0, 0, 0)
		old.Topics[0].Partitions[0].CurrentLeaderEpoch = 0
		s.hearAt(2, old, fetches)
	}
	if v, ok := s.newest(kmsg.KeyOffsetForLeaderEpoch); ok && v >= 3 {
		s.hearAt(2, s.epochRequest(-1, 0), v)
		s.hearAt(2, s.epochRequest(0, 0), v)
	}
	if fetches >= 12 {
		diverging := fetchRequest("trio", 0, 2, 0)
		diverging.Topics[0].Partitions[0].LastFetchedEpoch = 0
		s.hearAt(2, diverging, fetches)
	}

	s.title("-- one is left")
	s.kill(3)
	s.write(2, kmsg.AcksAll, "lonely") // which nobody knows yet
	s.settle(2, "alone", func(p *kmsg.MetadataResponsePartition) bool { return len(p.ISRNodes) == 1 })
	s.write(2, kmsg.AcksAll, "d")
	s.write(2, kmsg.AcksLeader, "e")
	s.hearAt(2, s.listRequest("trio", 0, kmsg.TimestampLatest), 1)

	s.title("-- all are back")
	s.start(1)
	s.start(3)
	s.settle(2, "whole", all)
	s.write(2, kmsg.AcksAll, "f")
	s.hearAt(2, fetchRequest("trio", 0, 0, 0), min(fetches, 4))
}

// TestTrioSaysWhatKafkaSays plays the scenario of three brokers.
func TestTrioSaysWhatKafkaSays(t *testing.T) {
	files, err := filepath.Glob("testdata/trio/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is recorded: %v", err)
	}
	for _, file := range files {
		release := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(release, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) {
				s := ownTrio(t, release)
				playTrio(s)
				got = s.out.String()
			})
			if diff := cmp.Diff(strings.Split(got, "\n"), strings.Split(string(text), "\n")); diff != "" {
				t.Errorf("got (-), Kafka (+):\n%s", diff)
			}
		})
	}
}

func ownTrio(t *testing.T, release string) *trio {
	versions, err := kmsg.Release(release)
	if err != nil {
		t.Fatal(err)
	}
	cluster := ktest.NewCluster(t, ktest.Version(release), ktest.Brokers(3), ktest.AutoCreate(), ktest.Racks(trioRacks...))
	s := &trio{stage: stage{TB: t, release: versions, started: time.Now()}, addrs: cluster.Addrs()}
	s.addr = s.addrs[1]
	s.dialer = func(addr string) (net.Conn, error) {
		return cluster.DialContext(context.Background(), "tcp", addr)
	}
	s.kill = cluster.Kill
	s.start = func(broker int32) {
		if err := cluster.Start(broker); err != nil {
			t.Error(err)
		}
	}
	return s
}
