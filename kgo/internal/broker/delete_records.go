package broker

import "github.com/franzi-kafka/franzi/kmsg"

func (c *Cluster) deleteRecords(x *call, req *kmsg.DeleteRecordsRequest) {
	resp := req.NewResponse()
	for i := range req.Topics {
		asked := &req.Topics[i]
		told := kmsg.DeleteRecordsResponseTopicResult{Name: asked.Name}
		for j := range asked.Partitions {
			a := &asked.Partitions[j]
			d := kmsg.DeleteRecordsResponsePartitionResult{PartitionIndex: a.PartitionIndex, LowWatermark: -1}
			p := c.find(asked.Name, a.PartitionIndex)
			switch code := x.refuses(asked.Name, a.PartitionIndex); {
			case code != kmsg.None:
				d.ErrorCode = code
			case p == nil:
				d.ErrorCode = kmsg.UnknownTopicOrPartition
			default:
				d.ErrorCode = c.deleteBefore(x.node(), p, a.Offset)
			}
			if d.ErrorCode == kmsg.None {
				d.LowWatermark = p.log.start
			}
			told.Partitions = append(told.Partitions, d)
		}
		resp.Topics = append(resp.Topics, told)
	}
	c.answer(x, resp)
}

// deleteBefore deletes the records of a partition before an offset, or all for -1.
func (c *Cluster) deleteBefore(n *node, p *partition, offset int64) kmsg.ErrorCode {
	if offset == -1 {
		offset = p.hw
	}
	switch {
	case p.topic.internal:
		return kmsg.InvalidTopicException
	case !c.leads(n, p):
		return kmsg.NotLeaderOrFollower
	case !p.topic.settings.deletes:
		return kmsg.PolicyViolation
	case offset < 0 || offset > p.hw:
		return kmsg.OffsetOutOfRange
	}
	c.trim(p, offset)
	return kmsg.None
}
