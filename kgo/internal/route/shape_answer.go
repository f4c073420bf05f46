package route

import (
	"reflect"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// newerAnswer puts an answer in the newer shape, see newerShape.
func (c *Call) newerAnswer(s *Shard, resp kmsg.Response) kmsg.Response {
	version := resp.APIVersion()
	switch r := resp.(type) {
	case *kmsg.OffsetFetchResponse:
		q, ok := s.req.(*kmsg.OffsetFetchRequest)
		if ok && version < 8 && len(q.Groups) == 1 {
			group := kmsg.OffsetFetchResponseGroup{GroupID: q.Groups[0].GroupID, ErrorCode: r.ErrorCode}
			for _, t := range r.Topics {
				topic := kmsg.OffsetFetchResponseTopics{Name: t.Name}
				for _, p := range t.Partitions {
					topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponsePartitions{
						PartitionIndex: p.PartitionIndex, CommittedOffset: p.CommittedOffset,
						CommittedLeaderEpoch: p.CommittedLeaderEpoch, Metadata: p.Metadata, ErrorCode: p.ErrorCode,
					})
					if version < 2 && group.ErrorCode == kmsg.None && ofCoordinator(p.ErrorCode) {
						group.ErrorCode = p.ErrorCode // there was no other place for it
					}
				}
				group.Topics = append(group.Topics, topic)
			}
			r.Groups, r.Topics, r.ErrorCode = []kmsg.OffsetFetchResponseGroup{group}, nil, kmsg.None
		}
		for i := range r.Groups {
			for j := range r.Groups[i].Topics {
				t := &r.Groups[i].Topics[j]
				if t.Name == "" {
					t.Name = c.names[t.TopicID]
				}
			}
		}
	case *kmsg.FindCoordinatorResponse:
		q, ok := s.req.(*kmsg.FindCoordinatorRequest)
		if ok && version < 4 && len(q.CoordinatorKeys) == 1 {
			r.Coordinators = []kmsg.FindCoordinatorResponseCoordinator{{
				Key: q.CoordinatorKeys[0], NodeID: r.NodeID, Host: r.Host, Port: r.Port,
				ErrorCode: r.ErrorCode, ErrorMessage: r.ErrorMessage,
			}}
			r.NodeID, r.Host, r.Port, r.ErrorCode, r.ErrorMessage = 0, "", 0, kmsg.None, kbin.NullString{}
		}
	case *kmsg.LeaveGroupResponse:
		q, ok := s.req.(*kmsg.LeaveGroupRequest)
		if ok && version < 3 && len(q.Members) == 1 {
			r.Members = []kmsg.LeaveGroupResponseMemberResponse{{MemberID: q.Members[0].MemberID, ErrorCode: r.ErrorCode}}
			if !ofCoordinator(r.ErrorCode) {
				r.ErrorCode = kmsg.None
			}
		}
	case *kmsg.AddPartitionsToTxnResponse:
		q, ok := s.req.(*kmsg.AddPartitionsToTxnRequest)
		if ok && version < 4 && len(q.Transactions) == 1 {
			r.ResultsByTransaction = []kmsg.AddPartitionsToTxnResponseResult{{
				TransactionalID: q.Transactions[0].TransactionalID, TopicResults: r.ResultsByTopicV3AndBelow,
			}}
			r.ResultsByTopicV3AndBelow = nil
		}
	case *kmsg.MetadataResponse:
		q, ok := c.req.(*kmsg.MetadataRequest)
		if ok && version < 4 && !q.AllowAutoTopicCreation && len(q.Topics) > 0 {
			onlyAsked(r, q)
		}
	}
	return resp
}

func ofCoordinator(code kmsg.ErrorCode) bool {
	return Meaning(code)&StaleCoordinator != 0 || code == kmsg.CoordinatorLoadInProgress
}

// onlyAsked takes out of an answer about all topics what was not asked for.
func onlyAsked(r *kmsg.MetadataResponse, q *kmsg.MetadataRequest) {
	byName := map[string]*kmsg.MetadataResponseTopic{}
	for i := range r.Topics {
		byName[r.Topics[i].Name.S] = &r.Topics[i]
	}
	topics := make([]kmsg.MetadataResponseTopic, 0, len(q.Topics))
	for _, t := range q.Topics {
		if found := byName[t.Name.S]; found != nil {
			topics = append(topics, *found)
			continue
		}
		missing := kmsg.NewMetadataResponseTopic()
		missing.Name, missing.ErrorCode = t.Name, kmsg.UnknownTopicOrPartition
		topics = append(topics, missing)
	}
	r.Topics = topics
}

// olderAnswer puts an answer in the shape of the user's request, and gives it the lowest version
// used, or the next that has that shape.
func (c *Call) olderAnswer(resp kmsg.Response, lowest int16) kmsg.Response {
	if c.plan.batch == 0 || c.raw || resp == nil {
		return resp
	}
	if !c.older {
		resp.SetAPIVersion(max(lowest, c.plan.batch))
		return resp
	}
	resp.SetAPIVersion(min(lowest, c.plan.batch-1))
	switch r := resp.(type) {
	case *kmsg.OffsetFetchResponse:
		if len(r.Groups) != 1 {
			break
		}
		g := r.Groups[0]
		for _, t := range g.Topics {
			topic := kmsg.OffsetFetchResponseTopic{Name: t.Name}
			for _, p := range t.Partitions {
				topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponsePartition{
					PartitionIndex: p.PartitionIndex, CommittedOffset: p.CommittedOffset,
					CommittedLeaderEpoch: p.CommittedLeaderEpoch, Metadata: p.Metadata, ErrorCode: p.ErrorCode,
				})
			}
			r.Topics = append(r.Topics, topic)
		}
		r.ErrorCode, r.Groups = g.ErrorCode, nil
	case *kmsg.FindCoordinatorResponse:
		if len(r.Coordinators) != 1 {
			break
		}
		f := r.Coordinators[0]
		r.NodeID, r.Host, r.Port, r.ErrorCode, r.ErrorMessage = f.NodeID, f.Host, f.Port, f.ErrorCode, f.ErrorMessage
		r.Coordinators = nil
	case *kmsg.LeaveGroupResponse:
		if len(r.Members) == 1 && r.ErrorCode == kmsg.None {
			r.ErrorCode, r.Members = r.Members[0].ErrorCode, nil
		}
	case *kmsg.AddPartitionsToTxnResponse:
		if len(r.ResultsByTransaction) == 1 {
			r.ResultsByTopicV3AndBelow, r.ResultsByTransaction = r.ResultsByTransaction[0].TopicResults, nil
			r.ErrorCode = kmsg.None
		}
	}
	return resp
}

// fillFailed fills in more of an element of an answer that there is none for than its keys.
func (c *Call) fillFailed(elem reflect.Value, it *item) {
	if r, ok := elem.Addr().Interface().(*kmsg.AddPartitionsToTxnResponseResult); ok { // its codes are further down
		t := c.plan.in.elem(c.value, it.in)[0].Addr().Interface().(*kmsg.AddPartitionsToTxnRequestTransaction)
		for _, topic := range t.Topics {
			result := kmsg.AddPartitionsToTxnResponseTopicResult{Name: topic.Name}
			for _, n := range topic.Partitions {
				result.ResultsByPartition = append(result.ResultsByPartition, kmsg.AddPartitionsToTxnResponsePartitionResult{PartitionIndex: n})
			}
			r.TopicResults = append(r.TopicResults, result)
		}
	}
}
