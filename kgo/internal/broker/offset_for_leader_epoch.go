package broker

import "github.com/franzi-kafka/franzi/kmsg"

func (c *Cluster) offsetForLeaderEpoch(x *call, req *kmsg.OffsetForLeaderEpochRequest) {
	resp := req.NewResponse()
	for i := range req.Topics {
		asked := &req.Topics[i]
		told := kmsg.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: asked.Topic}
		for j := range asked.Partitions {
			a := &asked.Partitions[j]
			d := kmsg.NewOffsetForLeaderEpochResponseEpochEndOffset()
			d.Partition = a.Partition
			p := c.find(asked.Topic, a.Partition)
			switch code := x.refuses(asked.Topic, a.Partition); {
			case code != kmsg.None:
				d.ErrorCode = code
			case p == nil:
				d.ErrorCode = kmsg.UnknownTopicOrPartition
			case !c.leads(x.node(), p):
				d.ErrorCode = kmsg.NotLeaderOrFollower
			default:
				if d.ErrorCode = checkLeaderEpoch(p.info(), a.CurrentLeaderEpoch); d.ErrorCode == kmsg.None {
					d.LeaderEpoch, d.EndOffset = p.log.endOfEpoch(a.LeaderEpoch)
				}
			}
			told.Partitions = append(told.Partitions, d)
		}
		resp.Topics = append(resp.Topics, told)
	}
	c.answer(x, resp)
}
