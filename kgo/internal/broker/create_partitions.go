package broker

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) createPartitions(x *call, req *kmsg.CreatePartitionsRequest) {
	resp := req.NewResponse()
	for i := range req.Topics {
		asked := &req.Topics[i]
		same := func(o kmsg.CreatePartitionsRequestTopic) bool { return o.Name == asked.Name }
		if slices.IndexFunc(req.Topics, same) < i {
			continue
		}
		assignment, f := c.planPartitions(x, asked)
		if slices.ContainsFunc(req.Topics[i+1:], same) {
			f = failure{kmsg.InvalidRequest, "the request names the topic more than once"}
		}
		if f.code == kmsg.None && !req.ValidateOnly {
			c.addPartitions(c.topics[asked.Name], assignment)
		}
		resp.Results = append(resp.Results, kmsg.CreatePartitionsResponseTopicResult{Name: asked.Name, ErrorCode: f.code, ErrorMessage: f.words()})
	}
	c.answer(x, resp)
}

// planPartitions checks what is asked for and chooses the brokers of the new partitions.
func (c *Cluster) planPartitions(x *call, asked *kmsg.CreatePartitionsRequestTopic) ([][]int32, failure) {
	t := c.topics[asked.Name]
	code := x.refuses(asked.Name, -1)
	switch {
	case c.zooKeeper && x.node().ID != c.controller:
		return nil, failure{kmsg.NotController, ""}
	case code != kmsg.None:
		return nil, failure{code, "as the fault says"}
	case t == nil:
		return nil, failure{kmsg.UnknownTopicOrPartition, ""}
	case asked.Assignments == nil || !t.canGrow(asked.Count):
		return c.planGrowth(t, asked.Count)
	}
	more := int(asked.Count) - len(t.logs)
	replicas := len(t.partitions[0].replicas)
	if len(asked.Assignments) != more {
		return nil, failure{kmsg.InvalidReplicaAssignment, fmt.Sprintf("%d assignments for %d new partitions", len(asked.Assignments), more)}
	}
	var all [][]int32
	for _, a := range asked.Assignments {
		if f := c.checkReplicas(a.BrokerIDs); f.code != kmsg.None {
			return nil, f
		}
		if len(a.BrokerIDs) != replicas {
			return nil, failure{kmsg.InvalidReplicaAssignment, fmt.Sprintf("%d replicas where the topic has %d", len(a.BrokerIDs), replicas)}
		}
		all = append(all, slices.Clone(a.BrokerIDs))
	}
	return all, failure{}
}

// canGrow reports whether a topic can get to a number of partitions.
func (t *topic) canGrow(partitions int32) bool {
	return int(partitions) > len(t.logs) && partitions <= maxPartitions
}

// planGrowth chooses the brokers of new partitions, until a topic has as many as are named.
func (c *Cluster) planGrowth(t *topic, partitions int32) ([][]int32, failure) {
	replicas := len(t.partitions[0].replicas)
	alive := len(c.truth().brokers)
	switch {
	case !t.canGrow(partitions):
		return nil, failure{kmsg.InvalidPartitions, fmt.Sprintf("the topic has %d partitions and cannot get to %d", len(t.logs), partitions)}
	case alive < replicas:
		return nil, failure{kmsg.InvalidReplicationFactor, fmt.Sprintf("%d replicas where %d brokers are alive", replicas, alive)}
	}
	return c.assign(partitions-int32(len(t.logs)), int16(replicas), len(t.logs)), failure{}
}
