package broker

import (
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) describeCluster(x *call, req *kmsg.DescribeClusterRequest) {
	resp := req.NewResponse()
	if req.Version >= 1 && req.EndpointType != kmsg.EndpointBroker {
		resp.ErrorCode, resp.EndpointType = kmsg.UnsupportedEndpointType, kmsg.EndpointBroker
		if req.EndpointType == kmsg.EndpointController {
			resp.ErrorCode = kmsg.MismatchedEndpointType
		}
		resp.ErrorMessage = kbin.Str("this is a broker, and answers for brokers")
		c.answer(x, resp)
		return
	}
	m := c.image(x.node())
	resp.ClusterID = c.cfg.ClusterID
	resp.ControllerID = c.controllerFor(m)
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = c.clusterOperations()
	}
	for _, n := range c.order {
		alive := slices.Contains(m.brokers, n)
		if !alive && !req.IncludeFencedBrokers {
			continue
		}
		l := n.Listeners[x.conn.listener]
		resp.Brokers = append(resp.Brokers, kmsg.DescribeClusterResponseBroker{BrokerID: n.ID, Host: l.Host, Port: l.Port, Rack: rack(n), IsFenced: !alive})
	}
	c.answer(x, resp)
}

// maxDescribed bounds how many partitions an answer of DescribeTopicPartitions has. Kafka:
// max.request.partition.size.limit.
const maxDescribed = 2000

func (c *Cluster) describeTopicPartitions(x *call, req *kmsg.DescribeTopicPartitionsRequest) {
	resp := req.NewResponse()
	m := c.image(x.node())
	names := m.names
	if len(req.Topics) > 0 {
		names = nil
		for i := range req.Topics {
			names = append(names, req.Topics[i].Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	left := maxDescribed
	if req.ResponsePartitionLimit > 0 {
		left = min(left, int(req.ResponsePartitionLimit))
	}
	first := 0
	if req.Cursor != nil {
		i, found := slices.BinarySearch(names, req.Cursor.TopicName)
		if !found && len(req.Topics) > 0 {
			c.answer(x, refusal(req, kmsg.InvalidRequest))
			return
		}
		names = names[i:]
		if first = max(0, int(req.Cursor.PartitionIndex)); !found {
			first = 0
		}
	}
	for _, name := range names {
		t := c.topicInfo(m, name)
		d := kmsg.NewDescribeTopicPartitionsResponseTopic()
		d.Name, d.TopicAuthorizedOperations = kbin.Str(name), c.topicOperations()
		code := x.refuses(name, -1)
		switch {
		case code != kmsg.None:
			d.ErrorCode = code
		case t == nil && !legalTopic(name):
			d.ErrorCode = kmsg.InvalidTopicException
		case t == nil:
			d.ErrorCode = kmsg.UnknownTopicOrPartition
		}
		if d.ErrorCode != kmsg.None {
			resp.Topics = append(resp.Topics, d)
			continue
		}
		if left == 0 {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseCursor{TopicName: name, PartitionIndex: int32(first)}
			break
		}
		c.describeSome(x, m, t, &d, first, left)
		resp.Topics = append(resp.Topics, d)
		left -= len(d.Partitions)
		if next := first + len(d.Partitions); next < len(t.partitions) {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseCursor{TopicName: name, PartitionIndex: int32(next)}
			break
		}
		first = 0
	}
	c.answer(x, resp)
}

// describeSome tells of some of a topic's partitions.
func (c *Cluster) describeSome(x *call, m *image, t *topicInfo, d *kmsg.DescribeTopicPartitionsResponseTopic, first, most int) {
	like := kmsg.NewMetadataRequest()
	like.Version = 12
	whole := c.describe(x, m, t, like)
	slices.SortFunc(whole.Partitions, func(a, b kmsg.MetadataResponsePartition) int { return int(a.PartitionIndex - b.PartitionIndex) })
	d.TopicID, d.IsInternal = t.id, t.internal
	for i := first; i < len(whole.Partitions) && len(d.Partitions) < most; i++ {
		p := &whole.Partitions[i]
		d.Partitions = append(d.Partitions, kmsg.DescribeTopicPartitionsResponsePartition{
			ErrorCode: p.ErrorCode, PartitionIndex: p.PartitionIndex, LeaderID: p.LeaderID, LeaderEpoch: p.LeaderEpoch,
			ReplicaNodes: p.ReplicaNodes, ISRNodes: p.ISRNodes, OfflineReplicas: p.OfflineReplicas,
			EligibleLeaderReplicas: []int32{}, LastKnownELR: []int32{},
		})
	}
}
