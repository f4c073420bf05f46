//go:build kafka

package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Two brokers of each era are asked for everything that goes to one of them in particular, or to
// both, with nothing set by hand. What an era lacks is told as that.
func TestKafkaEras(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		t.Run(version, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: version, Nodes: 2, Properties: map[string]string{"num.partitions": "4"}})
			e := &era{t, kafkaClient(t, cluster), version}
			e.any()
			e.leaders()
			e.named()
			e.controller()
			e.coordinator()
			e.all()
		})
	}
}

type era struct {
	*testing.T
	client  *kgo.Client
	version string
}

// ask sends a request that brokers serve since some release. It returns nil if they are older, and
// the error says so, and how much is missing.
func (e *era) ask(since string, req kmsg.Request, opts ...kgo.DoOption) kmsg.Response {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 30*time.Second)
	defer cancel()
	start := time.Now()
	resp, err := e.client.Request(ctx, req, opts...)
	if !olderThan(e.version, since) {
		if err != nil {
			e.Errorf("%v: %+v, %v", req.APIKey(), resp, err)
			return nil
		}
		return resp
	}
	var unsupported *kgo.UnsupportedError
	if !errors.As(err, &unsupported) || !errors.Is(err, kmsg.UnsupportedVersion) || unsupported.API != req.APIKey() {
		e.Errorf("%v: got %v, want an UnsupportedError", req.APIKey(), err)
	}
	if took := time.Since(start); took > hangs {
		e.Errorf("%v: it took %v to say that there is no such API", req.APIKey(), took)
	}
	return nil
}

// any asks what every broker knows.
func (e *era) any() {
	if err := e.client.Ping(e.Context()); err != nil {
		e.Fatalf("Ping: %v", err)
	}
	e.create()
	all := kmsg.NewMetadataRequest()
	all.Topics = nil
	for _, req := range []*kmsg.MetadataRequest{all, topicsRequest("orders")} {
		resp, _ := e.ask("0", req).(*kmsg.MetadataResponse)
		if resp == nil || len(resp.Brokers) != 2 {
			e.Fatalf("Metadata: %+v", resp)
		}
		n := slices.IndexFunc(resp.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Name.S == "orders" })
		if n < 0 || len(resp.Topics[n].Partitions) != 4 {
			e.Errorf("Metadata: %+v", resp)
		}
	}
}

// create creates the topic of four partitions, and waits until both brokers know of it, and lead.
func (e *era) create() {
	if olderThan(e.version, "0.10.1") {
		kafkaTopic(e.T, e.client, "orders")
	} else if err := e.client.Admin().CreateTopic(e.Context(), kgo.NewTopic{Name: "orders", Partitions: 4, ReplicationFactor: 2}); err != nil {
		e.Fatal(err)
	}
	(&administrator{T: e.T}).settles("all partitions are led", func() error {
		for id := int32(1); id <= 2; id++ {
			if _, err := kgo.Do(e.Context(), e.client, topicsRequest("orders"), kgo.ToBroker(id)); err != nil {
				return err
			}
		}
		_, err := kgo.Do(e.Context(), e.client, offsetsRequest("orders", 0, 1, 2, 3))
		return err
	})
}

// leaders asks for what is split between the brokers that lead, and merged again.
func (e *era) leaders() {
	leaders := map[int32]bool{}
	resp, _ := e.ask("0", topicsRequest("orders")).(*kmsg.MetadataResponse)
	for _, p := range resp.Topics[0].Partitions {
		leaders[p.LeaderID] = true
	}
	if len(leaders) != 2 {
		e.Errorf("the leaders are %v, want two: nothing is split", leaders)
	}
	before := e.requests()
	offsets, _ := e.ask("0", offsetsRequest("orders", 3, 1, 0, 2)).(*kmsg.ListOffsetsResponse)
	var got []int32
	for _, p := range offsets.Topics[0].Partitions {
		got = append(got, p.PartitionIndex)
	}
	if !slices.Equal(got, []int32{3, 1, 0, 2}) {
		e.Errorf("ListOffsets: got partitions %v, want them as they were asked for", got)
	}
	for id, n := range e.requests() {
		if id > 0 && n == before[id] {
			e.Errorf("broker %d was not asked", id)
		}
	}
	trim := kmsg.NewDeleteRecordsRequest()
	trim.TimeoutMs = 10_000
	topic := kmsg.DeleteRecordsRequestTopic{Name: "orders"}
	for n := range int32(4) {
		topic.Partitions = append(topic.Partitions, kmsg.DeleteRecordsRequestPartition{PartitionIndex: n, Offset: -1})
	}
	trim.Topics = append(trim.Topics, topic)
	if resp, ok := e.ask("0.11", trim).(*kmsg.DeleteRecordsResponse); ok && len(resp.Topics[0].Partitions) != 4 {
		e.Errorf("DeleteRecords: %+v", resp)
	}
	// A partition that there is not is told beside those that there are.
	ctx, cancel := context.WithTimeout(e.Context(), 10*time.Second)
	defer cancel()
	some, err := kgo.Do(ctx, e.client, offsetsRequest("orders", 0, 77))
	failed, _ := errors.AsType[*kgo.Error](err)
	if failed == nil || failed.Topic != "orders" || failed.Partition != 77 || some == nil || some.Topics[0].Partitions[0].ErrorCode != kmsg.None {
		e.Errorf("ListOffsets with a partition that there is not: %+v, %v", some, err)
	}
}

// requests returns how many requests each broker has answered.
func (e *era) requests() map[int32]int64 {
	all := map[int32]int64{}
	for _, b := range e.client.Stats().Brokers {
		all[b.ID] = b.Requests
	}
	return all
}

// named asks one broker, and one that there is not.
func (e *era) named() {
	for id := int32(1); id <= 2; id++ {
		before := e.requests()[id]
		e.ask("0", topicsRequest("orders"), kgo.ToBroker(id))
		req := topicsRequest("orders")
		req.Version = 0
		req.AllowAutoTopicCreation = true
		if resp, err := e.client.Broker(id).Request(e.Context(), req); err != nil || resp.APIVersion() != 0 {
			e.Errorf("broker %d: %v", id, err)
		}
		if got := e.requests()[id] - before; got < 2 {
			e.Errorf("broker %d has answered %d requests, want two", id, got)
		}
	}
	if _, err := e.client.Request(e.Context(), topicsRequest("orders"), kgo.ToBroker(77)); !errors.Is(err, kgo.ErrUnknownBroker) {
		e.Errorf("a broker that there is not: %v", err)
	}
}

// controller asks the controller, whichever it is.
func (e *era) controller() {
	for n := range 3 {
		req := kmsg.NewCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestCreatableTopic()
		topic.Name, topic.NumPartitions, topic.ReplicationFactor = fmt.Sprint("more-", n), 1, 1
		req.Topics = append(req.Topics, topic)
		if resp, ok := e.ask("0.10.1", req).(*kmsg.CreateTopicsResponse); ok && len(resp.Topics) != 1 {
			e.Errorf("CreateTopics: %+v", resp)
		}
	}
}

// coordinator asks the coordinators of groups.
func (e *era) coordinator() {
	for n := range 3 {
		group := fmt.Sprint("group-", n)
		req := kmsg.NewOffsetFetchRequest()
		req.GroupID = group
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Name: "orders", PartitionIndexes: []int32{0, 1}}}
		e.ask("0", req)
		describe := kmsg.NewDescribeGroupsRequest()
		describe.Groups = []string{group, "other-" + group}
		ctx, cancel := context.WithTimeout(e.Context(), 20*time.Second)
		resp, err := kgo.Do(ctx, e.client, describe)
		cancel()
		var unsupported *kgo.UnsupportedError
		switch {
		case olderThan(e.version, "0.9"):
			if !errors.As(err, &unsupported) {
				e.Errorf("DescribeGroups: %v", err)
			}
		case err != nil && !errors.Is(err, kmsg.GroupIDNotFound), // version 6 says so
			resp == nil || len(resp.Groups) != 2 || resp.Groups[0].GroupID != group || resp.Groups[0].GroupState != "Dead":
			e.Errorf("DescribeGroups: %+v, %v", resp, err)
		}
	}
}

// all asks all brokers, and merges what they say.
func (e *era) all() {
	before := e.requests()
	e.ask("0.9", kmsg.NewListGroupsRequest())
	if resp, ok := e.ask("1.0", kmsg.NewDescribeLogDirsRequest()).(*kmsg.DescribeLogDirsResponse); ok && len(resp.Results) != 2 {
		e.Errorf("DescribeLogDirs: %+v, want a directory of each broker", resp)
	}
	for id, n := range e.requests() {
		if id > 0 && n == before[id] && !olderThan(e.version, "0.9") {
			e.Errorf("broker %d was not asked", id)
		}
	}
	if resp, ok := e.ask("2.8", kmsg.NewDescribeClusterRequest()).(*kmsg.DescribeClusterResponse); ok && len(resp.Brokers) != 2 {
		e.Errorf("DescribeCluster: %+v", resp)
	}
}
