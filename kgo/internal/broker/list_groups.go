package broker

import "github.com/franzi-kafka/franzi/kmsg"

// listGroups tells of no groups: there are none. It is served by brokers of 0.9 alone, which
// clients know from those before by it.
func (c *Cluster) listGroups(x *call, req *kmsg.ListGroupsRequest) { c.answer(x, req.NewResponse()) }
