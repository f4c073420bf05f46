package broker

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) createTopics(x *call, req *kmsg.CreateTopicsRequest) {
	resp := req.NewResponse()
	if !c.since("0.11.0") && slices.ContainsFunc(req.Topics, func(t kmsg.CreateTopicsRequestCreatableTopic) bool {
		return slices.ContainsFunc(t.Configs, func(set kmsg.CreateTopicsRequestCreatableTopicConfig) bool { return !set.Value.Valid })
	}) {
		c.hangUp(x.conn, false) // null cannot be read
		return
	}
	seen := map[string]int{}
	for i := range req.Topics {
		seen[req.Topics[i].Name]++
	}
	for i := range req.Topics {
		asked := &req.Topics[i]
		if seen[asked.Name] == 0 && !c.tellsTwice() {
			continue // told already
		}
		d := kmsg.NewCreateTopicsResponseCreatableTopicResult()
		d.Name = asked.Name
		plan, f := c.planTopic(x, asked)
		switch {
		case c.zooKeeper && x.node().ID != c.controller:
			f = failure{kmsg.NotController, ""}
		case x.refuses(asked.Name, -1) != kmsg.None:
			f = failure{x.refuses(asked.Name, -1), "as the fault says"}
		case seen[asked.Name] != 1:
			f = failure{kmsg.InvalidRequest, "the request names the topic more than once"}
		}
		if seen[asked.Name] > 1 {
			seen[asked.Name] = 0
		}
		if f.code != kmsg.None {
			d.ErrorCode, d.ErrorMessage = f.code, f.words()
			resp.Topics = append(resp.Topics, d)
			continue
		}
		switch {
		case !req.ValidateOnly:
			d.TopicID = c.addTopic(asked.Name, plan.assignment, plan.configs).id
		case c.hasTopicIDs && !c.zooKeeper:
			d.TopicID = c.newUUID() // which nobody will have
		}
		if req.Version >= 5 {
			d.NumPartitions = int32(len(plan.assignment))
			d.ReplicationFactor = int16(len(plan.assignment[0]))
			d.Configs = c.describeNewTopic(plan.configs)
		}
		resp.Topics = append(resp.Topics, d)
	}
	c.answer(x, resp)
}

// tellsTwice reports whether what is named twice is in the answer twice.
func (c *Cluster) tellsTwice() bool { return c.zooKeeper && c.since("2.4") }

// A topicPlan is a topic that can be created.
type topicPlan struct {
	assignment [][]int32
	configs    map[string]string
}

// planTopic checks what is asked for and fills in what is left to the brokers.
func (c *Cluster) planTopic(x *call, asked *kmsg.CreateTopicsRequestCreatableTopic) (topicPlan, failure) {
	plan := topicPlan{configs: map[string]string{}}
	if f := c.checkNewName(asked.Name); f.code != kmsg.None {
		return plan, f
	}
	for _, set := range asked.Configs {
		if !set.Value.Valid {
			code := kmsg.InvalidConfig
			switch {
			case !c.since("2.4"):
				code = kmsg.UnknownServerError
			case !c.since("3.3"):
				code = kmsg.InvalidRequest
			}
			return plan, failure{code, "the value of " + set.Name + " is null"}
		}
		plan.configs[set.Name] = set.Value.S
	}
	if f := c.checkTopicConfigs(plan.configs); f.code != kmsg.None {
		return plan, f
	}
	if len(asked.Assignments) > 0 {
		if asked.NumPartitions != -1 || asked.ReplicationFactor != -1 {
			return plan, failure{kmsg.InvalidRequest, "an assignment beside a number of partitions or a replication factor"}
		}
		var f failure
		plan.assignment, f = c.checkAssignment(asked.Assignments)
		return plan, f
	}
	partitions, replication := asked.NumPartitions, asked.ReplicationFactor
	if c.since("2.4") { // KIP-464
		if partitions == -1 {
			partitions = c.properties.partitions
		}
		if replication == -1 {
			replication = c.properties.replication
		}
	}
	return c.plan(plan, partitions, replication)
}

func (c *Cluster) plan(plan topicPlan, partitions int32, replication int16) (topicPlan, failure) {
	alive := len(c.truth().brokers)
	switch {
	case partitions <= 0 || int(partitions) > maxPartitions:
		return plan, failure{kmsg.InvalidPartitions, fmt.Sprintf("%d partitions", partitions)}
	case replication <= 0:
		return plan, failure{kmsg.InvalidReplicationFactor, fmt.Sprintf("a replication factor of %d", replication)}
	case int(replication) > alive:
		return plan, failure{kmsg.InvalidReplicationFactor, fmt.Sprintf("a replication factor of %d where %d brokers are alive", replication, alive)}
	}
	plan.assignment = c.assign(partitions, replication, 0)
	return plan, failure{}
}

// maxPartitions bounds what a request can make the model allocate.
const maxPartitions = 1_000_000

// checkNewName says whether a topic of that name can be created.
func (c *Cluster) checkNewName(name string) failure {
	switch other := c.collides(name); {
	case !legalTopic(name):
		return failure{kmsg.InvalidTopicException, fmt.Sprintf("no topic can have the name %q", name)}
	case c.topics[name] != nil:
		return failure{kmsg.TopicAlreadyExists, fmt.Sprintf("there is a topic %q", name)}
	case other != "":
		return failure{kmsg.InvalidTopicException, fmt.Sprintf("the name collides with that of %q", other)}
	}
	return failure{}
}

// checkTopicConfigs checks the keys and values of a topic's own configuration.
func (c *Cluster) checkTopicConfigs(configs map[string]string) failure {
	for _, name := range sortedKeys(configs) {
		d := c.findConfig(topicConfigs, name)
		if d == nil {
			return failure{kmsg.InvalidConfig, fmt.Sprintf("topics have no %s", name)}
		}
		if err := d.check(configs[name]); err != nil {
			if !c.since("2.1") {
				return failure{kmsg.UnknownServerError, err.Error()}
			}
			return failure{kmsg.InvalidConfig, err.Error()}
		}
	}
	return failure{}
}

// checkAssignment checks which brokers a client wants replicas to be on.
func (c *Cluster) checkAssignment(asked []kmsg.CreateTopicsRequestCreatableReplicaAssignment) ([][]int32, failure) {
	all := make([][]int32, len(asked))
	for _, a := range asked {
		if a.PartitionIndex < 0 || int(a.PartitionIndex) >= len(all) || all[a.PartitionIndex] != nil {
			return nil, failure{kmsg.InvalidReplicaAssignment, "the partitions are not those from 0 on, each once"}
		}
		if f := c.checkReplicas(a.BrokerIDs); f.code != kmsg.None {
			return nil, f
		}
		all[a.PartitionIndex] = slices.Clone(a.BrokerIDs)
	}
	for _, brokers := range all {
		if len(brokers) != len(all[0]) {
			return nil, failure{kmsg.InvalidReplicaAssignment, "the partitions have different numbers of replicas"}
		}
	}
	return all, failure{}
}

func (c *Cluster) checkReplicas(brokers []int32) failure {
	if len(brokers) == 0 {
		return failure{kmsg.InvalidReplicaAssignment, "a partition without replicas"}
	}
	for i, id := range brokers {
		if c.nodes[id] == nil {
			return failure{kmsg.InvalidReplicaAssignment, fmt.Sprintf("there is no broker %d", id)}
		}
		if slices.Contains(brokers[:i], id) {
			return failure{kmsg.InvalidReplicaAssignment, fmt.Sprintf("broker %d twice", id)}
		}
	}
	return failure{}
}

// autoCreate creates a topic because somebody asked for it.
func (c *Cluster) autoCreate(name string) failure {
	if f := c.checkNewName(name); f.code != kmsg.None {
		return f
	}
	partitions, replication := c.properties.partitions, c.properties.replication
	configs := map[string]string{}
	switch name {
	case offsetsTopic:
		partitions, replication = c.properties.offsetPartitions, c.properties.offsetReplicas
		configs = map[string]string{"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": "104857600"}
	case txnTopic:
		partitions, replication = c.properties.txnPartitions, c.properties.txnReplicas
		configs = map[string]string{"cleanup.policy": "compact", "compression.type": "uncompressed", "segment.bytes": "104857600"}
	}
	plan, f := c.plan(topicPlan{}, partitions, replication)
	if f.code != kmsg.None {
		return f
	}
	c.addTopic(name, plan.assignment, configs)
	return failure{}
}

// describeNewTopic is what CreateTopics tells of a topic's configuration (KIP-525).
func (c *Cluster) describeNewTopic(configs map[string]string) []kmsg.CreateTopicsResponseCreatableTopicConfigs {
	all := []kmsg.CreateTopicsResponseCreatableTopicConfigs{}
	for i := range topicConfigs {
		d := &topicConfigs[i]
		if !c.hasConfig(d) {
			continue
		}
		e := kmsg.NewCreateTopicsResponseCreatableTopicConfigs()
		e.Name, e.Value, e.ConfigSource = d.name, kbin.Str(c.defaultOf(d)), kmsg.ConfigSourceDefault
		if values := c.topicValues(d, configs, -1); len(values) > 0 {
			e.Value, e.ConfigSource = kbin.Str(values[0].value), values[0].source
		}
		all = append(all, e)
	}
	return all
}
