package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A quorumReport is the state of the quorum of controllers.
type quorumReport struct {
	Leader        int32           `json:"leader"`
	Epoch         int32           `json:"epoch"`
	HighWatermark int64           `json:"highWatermark"`
	Replicas      []quorumReplica `json:"replicas"`
}

// A quorumReplica is a voter or an observer.
type quorumReplica struct {
	ID           int32    `json:"id"`
	Role         string   `json:"role"` // leader, voter, observer
	LogEndOffset int64    `json:"logEndOffset"`
	Lag          int64    `json:"lag"`          // records behind the leader
	LastFetch    *string  `json:"lastFetch"`    // null if it is not known
	LastCaughtUp *string  `json:"lastCaughtUp"` // null if it is not known
	Endpoints    []string `json:"endpoints"`    // of controllers, from 3.9 on
}

// quorumRequest asks for the state of the quorum.
func quorumRequest() *kmsg.DescribeQuorumRequest {
	req := kmsg.NewDescribeQuorumRequest()
	p := kmsg.NewDescribeQuorumRequestPartitionData()
	t := kmsg.NewDescribeQuorumRequestTopicData()
	t.TopicName, t.Partitions = "__cluster_metadata", []kmsg.DescribeQuorumRequestPartitionData{p}
	req.Topics = []kmsg.DescribeQuorumRequestTopicData{t}
	return req
}

func (a *app) clusterQuorum(s *session) error {
	resp, err := kgo.Do(s.ctx, s.client, quorumRequest())
	if unserved(err) {
		return failed("the brokers have no quorum to tell of: it is a cluster with ZooKeeper, or older than Kafka 2.8, or not Kafka's own")
	}
	if err != nil {
		return s.wrap(err)
	}
	if len(resp.Topics) == 0 || len(resp.Topics[0].Partitions) == 0 {
		return failed("the answer to DescribeQuorum is empty")
	}
	p := &resp.Topics[0].Partitions[0]
	endpoints := map[int32][]string{}
	for _, n := range resp.Nodes {
		for _, l := range n.Listeners {
			endpoints[n.NodeID] = append(endpoints[n.NodeID], l.Name+"://"+l.Host+":"+strconv.Itoa(int(l.Port)))
		}
	}
	var end int64
	for _, v := range p.CurrentVoters {
		if v.ReplicaID == p.LeaderID {
			end = v.LogEndOffset
		}
	}
	r := &quorumReport{Leader: p.LeaderID, Epoch: p.LeaderEpoch, HighWatermark: p.HighWatermark, Replicas: []quorumReplica{}}
	add := func(role string, states []kmsg.DescribeQuorumResponseReplicaState) {
		for _, v := range states {
			one := quorumReplica{ID: v.ReplicaID, Role: role, LogEndOffset: v.LogEndOffset, Lag: max(0, end-v.LogEndOffset),
				LastFetch: millisText(v.LastFetchTimestamp), LastCaughtUp: millisText(v.LastCaughtUpTimestamp), Endpoints: endpoints[v.ReplicaID]}
			if v.ReplicaID == p.LeaderID {
				one.Role = "leader"
			}
			if one.Endpoints == nil {
				one.Endpoints = []string{}
			}
			r.Replicas = append(r.Replicas, one)
		}
	}
	add("voter", p.CurrentVoters)
	add("observer", p.Observers)
	return a.write(output.TableFormat, output.Result{Value: r, Table: func(t *output.Table) {
		t.Row("leader", strconv.Itoa(int(r.Leader)))
		t.Row("epoch", strconv.Itoa(int(r.Epoch)))
		t.Row("high watermark", strconv.FormatInt(r.HighWatermark, 10))
		t.Line("")
		t.Heading("ID", "ROLE", "LOG END", "LAG", "LAST FETCH", "LAST CAUGHT UP", "ENDPOINTS")
		for _, v := range r.Replicas {
			t.Row(strconv.Itoa(int(v.ID)), v.Role, strconv.FormatInt(v.LogEndOffset, 10), strconv.FormatInt(v.Lag, 10),
				dashIfNull(v.LastFetch), dashIfNull(v.LastCaughtUp), dash(strings.Join(v.Endpoints, ",")))
		}
	}})
}

// millisText shows a time in milliseconds since 1970, nil if there is none.
func millisText(ms int64) *string {
	if ms < 0 {
		return nil
	}
	text := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	return &text
}
