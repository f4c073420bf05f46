package main

import (
	"encoding/binary"
	"fmt"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The messages of the cases, as a cluster of three brokers with three replicas of everything
// would see them.

func topicName(i int) string { return fmt.Sprintf("orders.created.v1.%03d", i) }

func topicID(i int) (id kbin.UUID) {
	binary.BigEndian.PutUint64(id[:], 0x9e3779b97f4a7c15*uint64(i+1))
	binary.BigEndian.PutUint64(id[8:], 0xbf58476d1ce4e5b9*uint64(i+1))
	return id
}

// recordBytes stand for a record batch: both libraries take them as they are.
func recordBytes(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

// metadata has 100 topics of 10 partitions.
func metadata(version int16) *kmsg.MetadataResponse {
	m := kmsg.NewMetadataResponse()
	m.Version = version
	m.ClusterID = kbin.Str("4L6g3nShT-eMCtK--X86sw")
	m.ControllerID = 1
	for i := range int32(3) {
		m.Brokers = append(m.Brokers, kmsg.MetadataResponseBroker{
			NodeID: i + 1,
			Host:   fmt.Sprintf("broker-%d.kafka.example.com", i+1),
			Port:   9092,
			Rack:   kbin.Str(fmt.Sprintf("eu-west-1%c", 'a'+i)),
		})
	}
	for i := range 100 {
		t := kmsg.NewMetadataResponseTopic()
		t.Name = kbin.Str(topicName(i))
		if version >= 10 {
			t.TopicID = topicID(i)
		}
		for p := range int32(10) {
			leader := (int32(i) + p) % 3
			replicas := []int32{leader + 1, (leader+1)%3 + 1, (leader+2)%3 + 1}
			part := kmsg.NewMetadataResponsePartition()
			part.PartitionIndex = p
			part.LeaderID = leader + 1
			part.LeaderEpoch = 17
			part.ReplicaNodes = replicas
			part.ISRNodes = replicas
			t.Partitions = append(t.Partitions, part)
		}
		m.Topics = append(m.Topics, t)
	}
	return m
}

// fetch has 10 topics of 10 partitions, each with one batch of the given size.
func fetch(version int16, size int) *kmsg.FetchResponse {
	m := kmsg.NewFetchResponse()
	m.Version = version
	m.SessionID = 1_234_567
	records := recordBytes(size)
	for i := range 10 {
		var t kmsg.FetchResponseFetchableTopicResponse
		if version >= 13 {
			t.TopicID = topicID(i)
		} else {
			t.Topic = topicName(i)
		}
		for p := range int32(10) {
			part := kmsg.NewFetchResponsePartitionData()
			part.PartitionIndex = p
			part.HighWatermark = 1_000_000 + int64(p)
			part.LastStableOffset = part.HighWatermark
			part.LogStartOffset = 500_000
			part.Records = records
			t.Partitions = append(t.Partitions, part)
		}
		m.Responses = append(m.Responses, t)
	}
	return m
}

// produce has 5 topics of 10 partitions, each with one batch of the given size.
func produce(version int16, size int) *kmsg.ProduceRequest {
	m := kmsg.NewProduceRequest()
	m.Version = version
	m.Acks = -1
	m.TimeoutMs = 30_000
	records := recordBytes(size)
	for i := range 5 {
		t := kmsg.ProduceRequestTopicProduceData{Name: topicName(i)}
		for p := range int32(10) {
			t.PartitionData = append(t.PartitionData, kmsg.ProduceRequestPartitionProduceData{Index: p, Records: records})
		}
		m.TopicData = append(m.TopicData, t)
	}
	return m
}

// offsetCommit has 10 topics of 10 partitions.
func offsetCommit(version int16) *kmsg.OffsetCommitRequest {
	m := kmsg.NewOffsetCommitRequest()
	m.Version = version
	m.GroupID = "billing"
	m.GenerationIDOrMemberEpoch = 42
	m.MemberID = "consumer-billing-1-6f9c2a5e-8d0b-4c58-9f0e-2b7d4c1e3a90"
	for i := range 10 {
		t := kmsg.OffsetCommitRequestTopic{Name: topicName(i)}
		for p := range int32(10) {
			part := kmsg.NewOffsetCommitRequestPartition()
			part.PartitionIndex = p
			part.CommittedOffset = 1_000_000 + int64(p)
			part.CommittedLeaderEpoch = 17
			part.CommittedMetadata = kbin.Str("")
			t.Partitions = append(t.Partitions, part)
		}
		m.Topics = append(m.Topics, t)
	}
	return m
}

// offsetFetch answers offsetCommit's group.
func offsetFetch(version int16) *kmsg.OffsetFetchResponse {
	m := kmsg.NewOffsetFetchResponse()
	m.Version = version
	g := kmsg.OffsetFetchResponseGroup{GroupID: "billing"}
	for i := range 10 {
		t := kmsg.OffsetFetchResponseTopics{Name: topicName(i)}
		for p := range int32(10) {
			t.Partitions = append(t.Partitions, kmsg.OffsetFetchResponsePartitions{
				PartitionIndex:       p,
				CommittedOffset:      1_000_000 + int64(p),
				CommittedLeaderEpoch: 17,
				Metadata:             kbin.Str(""),
			})
		}
		g.Topics = append(g.Topics, t)
	}
	m.Groups = append(m.Groups, g)
	return m
}

// listOffsets asks for the ends of 10 topics of 10 partitions.
func listOffsets(version int16) *kmsg.ListOffsetsRequest {
	m := kmsg.NewListOffsetsRequest()
	m.Version = version
	m.ReplicaID = -1
	m.IsolationLevel = kmsg.IsolationReadCommitted
	for i := range 10 {
		t := kmsg.ListOffsetsRequestTopic{Name: topicName(i)}
		for p := range int32(10) {
			part := kmsg.NewListOffsetsRequestPartition()
			part.PartitionIndex = p
			part.CurrentLeaderEpoch = 17
			part.Timestamp = kmsg.TimestampLatest
			t.Partitions = append(t.Partitions, part)
		}
		m.Topics = append(m.Topics, t)
	}
	return m
}

// apiVersions is the answer of a broker that serves all APIs.
func apiVersions(version int16) *kmsg.APIVersionsResponse {
	m := kmsg.NewAPIVersionsResponse()
	m.Version = version
	for _, api := range kmsg.APIs() {
		m.APIKeys = append(m.APIKeys, kmsg.APIVersionsResponseAPIVersion{
			APIKey:     int16(api.Key),
			MinVersion: api.MinVersion,
			MaxVersion: api.MaxVersion,
		})
	}
	for _, f := range []string{"group.version", "kraft.version", "metadata.version", "transaction.version"} {
		m.SupportedFeatures = append(m.SupportedFeatures, kmsg.APIVersionsResponseSupportedFeatureKey{Name: f, MaxVersion: 2})
		m.FinalizedFeatures = append(m.FinalizedFeatures, kmsg.APIVersionsResponseFinalizedFeatureKey{Name: f, MaxVersionLevel: 1, MinVersionLevel: 1})
	}
	m.FinalizedFeaturesEpoch = 77
	return m
}

// heartbeat is among the smallest of messages.
func heartbeat(version int16) *kmsg.HeartbeatRequest {
	m := kmsg.NewHeartbeatRequest()
	m.Version = version
	m.GroupID = "billing"
	m.GenerationID = 42
	m.MemberID = "consumer-billing-1-6f9c2a5e-8d0b-4c58-9f0e-2b7d4c1e3a90"
	return m
}
