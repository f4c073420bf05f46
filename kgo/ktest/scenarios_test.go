package ktest_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// scenarios are played on brokers of this package and on Kafka's, of the same release, which must
// say the same. Each has topics of its own.
var scenarios = []struct {
	name string
	play func(*stage)
}{
	{"versions", playVersions},
	{"metadata", playMetadata},
	{"create topics", playCreateTopics},
	{"delete topics", playDeleteTopics},
	{"create partitions", playCreatePartitions},
	{"produce", playProduce},
	{"produce old", playProduceOld},
	{"idempotence", playIdempotence},
	{"fetch", playFetch},
	{"fetch sessions", playFetchSessions},
	{"list offsets", playListOffsets},
	{"leader epochs", playLeaderEpochs},
	{"delete records", playDeleteRecords},
	{"configs", playConfigs},
	{"config lists", playConfigLists},
	{"named twice", playNamedTwice},
	{"producer ids", playProducerIDs},
	{"coordinators", playCoordinators},
	{"open transaction", playOpenTransaction},
	{"cluster", playCluster},
	{"sasl", playSASL},
}

func playVersions(s *stage) {
	s.each(kmsg.KeyAPIVersions, func(v int16) {
		req := kmsg.NewAPIVersionsRequest()
		if v >= 3 {
			req.ClientSoftwareName, req.ClientSoftwareVersion = "franzi", "1.0"
		}
		s.hearVersions(req, v)
	})
	if v, ok := s.newest(kmsg.KeyAPIVersions); ok && v >= 3 {
		s.title("-- a bad name")
		req := kmsg.NewAPIVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "fränzi", "1.0"
		s.hear(req, v)
		req.ClientSoftwareName = ""
		s.hear(req, v)
	}
	if v, ok := s.newest(kmsg.KeyAPIVersions); ok && v >= 5 {
		s.title("-- another broker is expected")
		this := ask(s.conn, kmsg.NewMetadataRequest(), 12).ClusterID
		for _, expected := range []struct {
			cluster kbin.NullString
			node    int32
		}{{kbin.Str("other"), 1}, {this, 1}, {this, 2}, {this, -1}, {kbin.NullString{}, 1}, {kbin.NullString{}, 2}, {kbin.NullString{}, -1}} {
			req := kmsg.NewAPIVersionsRequest()
			req.ClientSoftwareName, req.ClientSoftwareVersion = "franzi", "1.0"
			req.ClusterID, req.NodeID = expected.cluster, expected.node
			s.hearVersions(req, v)
		}
	}
	s.title("-- a version that is not known")
	// A version from the future has a body that nobody can read.
	s.raw(kmsg.KeyAPIVersions, 99, 2, []byte{0xff, 0xff, 0xff})
	if v, ok := s.newest(kmsg.KeyMetadata); ok {
		s.raw(kmsg.KeyMetadata, v+1, 2, []byte{1, 0, 0})
	}
	s.title("-- an API that is not known")
	s.raw(1000, 0, 1, nil)
}

// hearVersions is hear for ApiVersions, of which only a part is written down: what the model has.
func (s *stage) hearVersions(req *kmsg.APIVersionsRequest, v int16) {
	s.Helper()
	if s.conn == nil {
		s.conn = s.connect(s.addr)
	}
	resp := ask(s.conn, req, v)
	s.title("ApiVersions v%d: %v", v, resp.ErrorCode.Name())
	for _, k := range resp.APIKeys {
		if modelled(kmsg.APIKey(k.APIKey)) {
			s.title("  %s %d-%d", kmsg.APIKey(k.APIKey), k.MinVersion, k.MaxVersion)
		}
	}
}

// modelled reports whether the model has an API.
func modelled(key kmsg.APIKey) bool {
	switch key {
	case kmsg.KeyProduce, kmsg.KeyFetch, kmsg.KeyListOffsets, kmsg.KeyMetadata, kmsg.KeyFindCoordinator, kmsg.KeySASLHandshake,
		kmsg.KeyAPIVersions, kmsg.KeyCreateTopics, kmsg.KeyDeleteTopics, kmsg.KeyDeleteRecords, kmsg.KeyInitProducerID,
		kmsg.KeyOffsetForLeaderEpoch, kmsg.KeyDescribeConfigs, kmsg.KeyAlterConfigs, kmsg.KeySASLAuthenticate, kmsg.KeyCreatePartitions,
		kmsg.KeyIncrementalAlterConfigs, kmsg.KeyDescribeCluster, kmsg.KeyDescribeTopicPartitions:
		return true
	}
	return false
}

// raw sends a request that kmsg does not write, on a connection of its own, and writes down the
// answer to ApiVersions, or how the connection is lost.
func (s *stage) raw(key kmsg.APIKey, version, headerVersion int16, body []byte) {
	s.Helper()
	c := s.connect(s.addr)
	defer c.Close()
	h := kmsg.RequestHeader{Version: headerVersion, RequestAPIKey: int16(key), RequestAPIVersion: version, CorrelationID: 7, ClientID: kbin.Str("tester")}
	frame := append(h.AppendTo(make([]byte, 4)), body...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := c.Write(frame); err != nil {
		s.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(silence))
	answer, err := kmsg.ReadFrame(c.Conn, nil, kmsg.MaxFrame)
	if err != nil {
		s.title("%s v%d: %s", key, version, lost(err))
		return
	}
	resp := kmsg.NewAPIVersionsResponse()
	if _, err := kmsg.DecodeResponse(answer, resp); err != nil {
		s.title("%s v%d: %x", key, version, answer)
		return
	}
	s.title("%s v%d: %v", key, version, resp.ErrorCode.Name())
	for _, k := range resp.APIKeys {
		s.title("  %s %d-%d", kmsg.APIKey(k.APIKey), k.MinVersion, k.MaxVersion)
	}
}

func playMetadata(s *stage) {
	s.topic("meta-known", 2)
	request := func(v int16, names ...string) *kmsg.MetadataRequest {
		req := kmsg.NewMetadataRequest()
		for _, name := range names {
			req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Name: kbin.Str(name)})
		}
		req.AllowAutoTopicCreation = v < 4
		return req
	}
	s.each(kmsg.KeyMetadata, func(v int16) {
		s.hear(request(v, "meta-known"), v)
		if v >= 1 {
			s.hear(request(v), v)
		}
		s.hear(request(v, "meta bad name"), v)
		if v >= 4 {
			s.hear(request(v, "meta-unknown", "meta-known"), v)
		}
		if v >= 8 {
			req := request(v, "meta-known")
			req.IncludeTopicAuthorizedOperations = true
			req.IncludeClusterAuthorizedOperations = v <= 10
			s.hear(req, v)
		}
	})
	if v, ok := s.newest(kmsg.KeyMetadata); ok && v >= 12 {
		s.title("-- by id")
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{TopicID: s.topicID("meta-known")}, {TopicID: kbin.UUID{15: 9}}}
		s.hear(req, v)
	}
	s.title("-- created by asking")
	s.hear(request(0, "meta-new"), 0)
	if s.kraft {
		return
	}
	s.topicThere("meta-new")
	s.hear(request(0, "meta-new"), 0)
	if v, ok := s.newest(kmsg.KeyMetadata); ok && v >= 4 {
		req := request(v, "meta-newer")
		req.AllowAutoTopicCreation = true
		s.hear(req, v)
	}
}

// topicThere waits until a topic has leaders.
func (s *stage) topicThere(name string) {
	s.Helper()
	s.eventually("topic "+name, func(c *client) bool {
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
		resp := ask(c, req, 0)
		t := &resp.Topics[0]
		for _, p := range t.Partitions {
			if p.ErrorCode != kmsg.None {
				return false
			}
		}
		return t.ErrorCode == kmsg.None && len(t.Partitions) > 0
	})
}

func playCreateTopics(s *stage) {
	topic := func(name string, partitions int32, replicas int16) kmsg.CreateTopicsRequestCreatableTopic {
		t := kmsg.NewCreateTopicsRequestCreatableTopic()
		t.Name, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
		return t
	}
	configured := func(name, key string, value kbin.NullString) kmsg.CreateTopicsRequestCreatableTopic {
		t := topic(name, 1, 1)
		t.Configs = []kmsg.CreateTopicsRequestCreatableTopicConfig{{Name: key, Value: value}}
		return t
	}
	assigned := func(name string, partitions int32, brokers ...int32) kmsg.CreateTopicsRequestCreatableTopic {
		t := topic(name, partitions, int16(partitions))
		t.Assignments = []kmsg.CreateTopicsRequestCreatableReplicaAssignment{{PartitionIndex: 0, BrokerIDs: brokers}}
		return t
	}
	s.each(kmsg.KeyCreateTopics, func(v int16) {
		name := "create-" + string('a'+rune(v))
		play := func(topics ...kmsg.CreateTopicsRequestCreatableTopic) {
			req := kmsg.NewCreateTopicsRequest()
			req.Topics = topics
			s.hearTopics(req, v)
		}
		if v >= 1 {
			req := kmsg.NewCreateTopicsRequest()
			req.Topics, req.ValidateOnly = []kmsg.CreateTopicsRequestCreatableTopic{topic(name, 2, 1)}, true
			s.hearTopics(req, v)
		}
		play(topic(name, 2, 1))
		s.topicThere(name)
		play(topic(name, 2, 1))
		play(topic("", 1, 1))
		play(topic("bad name", 1, 1))
		play(topic(strings.Repeat("x", 250), 1, 1))
		play(topic(name+"x", 0, 1))
		play(topic(name+"x", -2, 1))
		play(topic(name+"x", 1, 0))
		play(topic(name+"x", 1, 2))
		play(topic(name+"x", -1, -1))
		if v >= 4 {
			s.topicThere(name + "x")
		}
		play(topic(name+"y", 1, 1), topic(name+"y", 1, 1))
		play(configured(name+"y", "no.such.key", kbin.Str("1")))
		play(configured(name+"y", "retention.ms", kbin.Str("soon")))
		play(configured(name+"y", "cleanup.policy", kbin.Str("shred")))
		play(configured(name+"y", "retention.ms", kbin.NullString{}))
		play(configured(name+"z", "retention.ms", kbin.Str("86400000")))
		play(assigned(name+"w", -1, 1))
		if s.kraft {
			// The others accept it, and then wait for its leader.
			play(assigned(name+"u", -1, 7))
			play(assigned(name+"t", -1))
		}
		play(assigned(name+"v", -1, 1, 1))
		play(assigned(name+"s", 1, 1))
	})
}

// hearTopics is hear for CreateTopics: of the configuration only what was set.
func (s *stage) hearTopics(req *kmsg.CreateTopicsRequest, v int16) {
	s.Helper()
	req.TimeoutMs = 2000
	req.SetAPIVersion(v)
	c := s.connect(s.addr)
	defer c.Close()
	c.patience = 4 * time.Second
	c.send(req)
	resp := req.NewResponse()
	if err := c.receive(resp); err != nil {
		s.title("CreateTopics v%d %.20q: %s", v, req.Topics[0].Name, lost(err))
		return
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		text := t.ErrorCode.Name()
		if !t.TopicID.IsZero() {
			text += " id"
		}
		if v >= 5 {
			text += " " + t.TopicConfigErrorCode.Name()
		}
		s.title("CreateTopics v%d %.20q: %s partitions=%d replicas=%d", v, t.Name, text, t.NumPartitions, t.ReplicationFactor)
		for _, c := range t.Configs {
			if c.ConfigSource != kmsg.ConfigSourceDefault && c.Name != "min.insync.replicas" {
				s.title("  %s=%s %v", c.Name, c.Value, c.ConfigSource)
			}
		}
	}
}

func playDeleteTopics(s *stage) {
	s.each(kmsg.KeyDeleteTopics, func(v int16) {
		name := "delete-" + string('a'+rune(v))
		s.topic(name, 1)
		play := func(names ...string) {
			req := kmsg.NewDeleteTopicsRequest()
			req.TimeoutMs = 10000
			if v < 6 {
				req.TopicNames = names
			} else {
				for _, n := range names {
					req.Topics = append(req.Topics, kmsg.DeleteTopicsRequestDeleteTopicState{Name: kbin.Str(n)})
				}
			}
			s.hear(req, v)
		}
		play("delete-unknown")
		play("delete bad name")
		play(name, name)
		play(name)
		if v >= 6 {
			s.topic("delete-by-id", 1)
			id := s.topicID("delete-by-id")
			for _, t := range []kmsg.DeleteTopicsRequestDeleteTopicState{
				{TopicID: kbin.UUID{15: 9}},
				{Name: kbin.Str("delete-by-id"), TopicID: id},
				{TopicID: id},
			} {
				req := kmsg.NewDeleteTopicsRequest()
				req.TimeoutMs, req.Topics = 10000, []kmsg.DeleteTopicsRequestDeleteTopicState{t}
				s.hear(req, v)
			}
		}
	})
}

func playCreatePartitions(s *stage) {
	s.each(kmsg.KeyCreatePartitions, func(v int16) {
		name := "grow-" + string('a'+rune(v))
		s.topic(name, 2)
		play := func(validate bool, topics ...kmsg.CreatePartitionsRequestTopic) {
			req := kmsg.NewCreatePartitionsRequest()
			req.TimeoutMs, req.Topics, req.ValidateOnly = 10000, topics, validate
			s.hear(req, v)
		}
		grow := func(count int32, assignments ...[]int32) kmsg.CreatePartitionsRequestTopic {
			t := kmsg.CreatePartitionsRequestTopic{Name: name, Count: count}
			for _, a := range assignments {
				t.Assignments = append(t.Assignments, kmsg.CreatePartitionsRequestAssignment{BrokerIDs: a})
			}
			return t
		}
		play(false, kmsg.CreatePartitionsRequestTopic{Name: "grow-unknown", Count: 3})
		play(true, grow(3))
		play(false, grow(2))
		play(false, grow(1))
		play(false, grow(0))
		play(false, grow(3), grow(3))
		play(false, grow(4, []int32{1}))
		play(false, grow(3, []int32{7}))
		play(false, grow(3, []int32{1, 1}))
		play(false, grow(3))
		s.eventually("a third partition", func(c *client) bool {
			req := kmsg.NewMetadataRequest()
			req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
			return len(ask(c, req, 0).Topics[0].Partitions) == 3
		})
		play(false, grow(4, []int32{1}))
	})
}

func playLeaderEpochs(s *stage) {
	if !s.has(kmsg.KeyOffsetForLeaderEpoch) {
		return
	}
	s.topic("epochs", 1)
	s.fill("epochs", 0, []string{"a", "b"})
	s.each(kmsg.KeyOffsetForLeaderEpoch, func(v int16) {
		play := func(topic string, partition, current, epoch int32) {
			req := kmsg.NewOffsetForLeaderEpochRequest()
			if v >= 3 {
				req.ReplicaID = -1
			}
			p := kmsg.NewOffsetForLeaderEpochRequestOffsetForLeaderPartition()
			p.Partition, p.LeaderEpoch = partition, epoch
			if v >= 2 {
				p.CurrentLeaderEpoch = current
			}
			req.Topics = []kmsg.OffsetForLeaderEpochRequestOffsetForLeaderTopic{{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestOffsetForLeaderPartition{p}}}
			s.hear(req, v)
		}
		play("epochs", 0, -1, 0)
		play("epochs", 0, -1, 1)
		play("epochs", 0, -1, -1)
		play("epochs", 0, 0, 0)
		play("epochs", 0, 1, 0)
		play("epochs", 5, -1, 0)
		play("epochs-unknown", 0, -1, 0)
	})
}

func playDeleteRecords(s *stage) {
	if !s.has(kmsg.KeyDeleteRecords) {
		return
	}
	s.topic("trim", 1)
	s.topic("trim-compacted", 1, "cleanup.policy", "compact")
	s.fill("trim", 0, []string{"a", "b"}, []string{"c", "d"})
	s.each(kmsg.KeyDeleteRecords, func(v int16) {
		play := func(topic string, partition int32, offset int64) {
			req := kmsg.NewDeleteRecordsRequest()
			req.TimeoutMs = 10000
			req.Topics = []kmsg.DeleteRecordsRequestTopic{{Name: topic, Partitions: []kmsg.DeleteRecordsRequestPartition{{PartitionIndex: partition, Offset: offset}}}}
			s.hear(req, v)
		}
		play("trim-unknown", 0, 1)
		play("trim", 9, 1)
		play("trim", 0, 100)
		play("trim", 0, -2)
		play("trim-compacted", 0, 0)
		play("trim", 0, int64(1+v))
		play("trim", 0, 0)
	})
	fetch := fetchRequest("trim", 0, 0, 0)
	v := min(s.mustNewest(kmsg.KeyFetch), 12)
	s.hear(fetch, v)
	s.hear(fetchRequest("trim", 0, 3, 0), v)
	req := kmsg.NewDeleteRecordsRequest()
	req.TimeoutMs = 10000
	req.Topics = []kmsg.DeleteRecordsRequestTopic{{Name: "trim", Partitions: []kmsg.DeleteRecordsRequestPartition{{PartitionIndex: 0, Offset: -1}}}}
	s.hear(req, 0)
	s.hear(s.listRequest("trim", 0, kmsg.TimestampEarliest), 1)
}

func playProducerIDs(s *stage) {
	if !s.has(kmsg.KeyInitProducerID) {
		return
	}
	s.each(kmsg.KeyInitProducerID, func(v int16) {
		req := kmsg.NewInitProducerIDRequest()
		req.TransactionTimeoutMs = 1000
		s.hear(req, v)
		req.TransactionTimeoutMs = -1
		s.hear(req, v)
		req.TransactionalID = kbin.Str("")
		s.hear(req, v)
	})
}

func playCoordinators(s *stage) {
	if !s.has(kmsg.KeyFindCoordinator) {
		return
	}
	find := func(v int16, kind kmsg.CoordinatorType, key string) *kmsg.FindCoordinatorRequest {
		req := kmsg.NewFindCoordinatorRequest()
		if v >= 1 {
			req.KeyType = kind
		}
		if v < 4 {
			req.Key = key
		} else {
			req.CoordinatorKeys = []string{key}
		}
		return req
	}
	r, _ := s.release.Broker(kmsg.KeyFindCoordinator)
	for _, kind := range []kmsg.CoordinatorType{kmsg.CoordinatorGroup, kmsg.CoordinatorTransaction} {
		if kind == kmsg.CoordinatorTransaction && r.Max < 1 {
			continue
		}
		s.title("-- the first time, %v", kind)
		s.hear(find(r.Max, kind, "somebody"), r.Max)
		s.eventually("a coordinator", func(c *client) bool {
			resp := ask(c, find(r.Max, kind, "somebody"), r.Max)
			if r.Max >= 4 {
				return resp.Coordinators[0].ErrorCode == kmsg.None
			}
			return resp.ErrorCode == kmsg.None
		})
	}
	s.title("-- later")
	s.each(kmsg.KeyFindCoordinator, func(v int16) {
		s.hear(find(v, kmsg.CoordinatorGroup, "somebody"), v)
		s.hear(find(v, kmsg.CoordinatorGroup, ""), v)
		if v >= 1 {
			s.hear(find(v, kmsg.CoordinatorTransaction, "somebody"), v)
			s.hear(find(v, kmsg.CoordinatorTransaction, ""), v)
			s.hear(find(v, 9, "somebody"), v)
		}
		if v >= 4 {
			req := kmsg.NewFindCoordinatorRequest()
			req.CoordinatorKeys = []string{"a", "b"}
			s.hear(req, v)
			req.CoordinatorKeys = nil
			s.hear(req, v)
		}
	})
	if !s.has(kmsg.KeyInitProducerID) {
		return
	}
	s.title("-- transactional ids")
	s.eventually("coordinators", func(c *client) bool {
		for i := range 9 {
			req := kmsg.NewInitProducerIDRequest()
			req.TransactionalID, req.TransactionTimeoutMs = kbin.Str(fmt.Sprint("warm", i)), 60000
			if ask(c, req, 0).ErrorCode != kmsg.None {
				return false
			}
		}
		return true
	})
	s.each(kmsg.KeyInitProducerID, func(v int16) {
		req := kmsg.NewInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMs = kbin.Str("somebody"), 60000
		s.hear(req, v)
		req.TransactionTimeoutMs = 0
		s.hear(req, v)
		req.TransactionTimeoutMs = 1 << 30
		s.hear(req, v)
		if v >= 3 {
			req.TransactionTimeoutMs, req.ProducerID, req.ProducerEpoch = 60000, 4_000_000, 0
			s.hear(req, v)
		}
	})
}

func playCluster(s *stage) {
	s.topic("cluster-a", 3)
	s.topic("cluster-b", 2)
	s.each(kmsg.KeyDescribeCluster, func(v int16) {
		req := kmsg.NewDescribeClusterRequest()
		s.hear(req, v)
		req.IncludeClusterAuthorizedOperations = true
		s.hear(req, v)
		if v >= 1 {
			req.EndpointType = kmsg.EndpointController
			s.hear(req, v)
			req.EndpointType = 7
			s.hear(req, v)
		}
	})
	if !s.has(kmsg.KeyDescribeTopicPartitions) || !s.kraft {
		return
	}
	play := func(limit int32, cursor *kmsg.DescribeTopicPartitionsRequestCursor, names ...string) {
		req := kmsg.NewDescribeTopicPartitionsRequest()
		req.ResponsePartitionLimit, req.Cursor = limit, cursor
		for _, name := range names {
			req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopicRequest{Name: name})
		}
		s.hear(req, 0)
	}
	play(100, nil, "cluster-b", "cluster-a", "cluster-unknown", "bad name")
	play(2, nil, "cluster-a", "cluster-b")
	play(3, nil, "cluster-a", "cluster-b")
	play(100, &kmsg.DescribeTopicPartitionsRequestCursor{TopicName: "cluster-a", PartitionIndex: 2}, "cluster-a", "cluster-b")
	play(100, &kmsg.DescribeTopicPartitionsRequestCursor{TopicName: "cluster-b", PartitionIndex: 0}, "cluster-a", "cluster-b")
	play(100, &kmsg.DescribeTopicPartitionsRequestCursor{TopicName: "cluster-aa", PartitionIndex: 1}, "cluster-a", "cluster-b")
}
