package route

import (
	"fmt"
	"math"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Some messages got another shape in a later version: room for several groups instead of one.
// Calls work with the newer shape, whichever the user filled in; the answer gets the shape of
// the request again.

// newerShape returns a request in its newer shape, and whether it was in the older.
func newerShape(req kmsg.Request) (kmsg.Request, bool) {
	switch q := req.(type) {
	case *kmsg.OffsetFetchRequest:
		if len(q.Groups) == 0 {
			next := *q
			group := kmsg.NewOffsetFetchRequestGroup()
			group.GroupID, next.GroupID, next.Topics = q.GroupID, "", []kmsg.OffsetFetchRequestTopic{}
			group.Topics = nil // all
			if q.Topics != nil {
				group.Topics = make([]kmsg.OffsetFetchRequestTopics, len(q.Topics))
			}
			for i, t := range q.Topics {
				group.Topics[i] = kmsg.OffsetFetchRequestTopics{Name: t.Name, PartitionIndexes: t.PartitionIndexes}
			}
			next.Groups = []kmsg.OffsetFetchRequestGroup{group}
			return &next, true
		}
	case *kmsg.FindCoordinatorRequest:
		if len(q.CoordinatorKeys) == 0 {
			next := *q
			next.CoordinatorKeys, next.Key = []string{q.Key}, ""
			return &next, true
		}
	case *kmsg.LeaveGroupRequest:
		if len(q.Members) == 0 && q.MemberID != "" {
			next := *q
			member := kmsg.NewLeaveGroupRequestMemberIdentity()
			member.MemberID, next.MemberID = q.MemberID, ""
			next.Members = []kmsg.LeaveGroupRequestMemberIdentity{member}
			return &next, true
		}
	case *kmsg.DeleteTopicsRequest:
		if len(q.Topics) == 0 && len(q.TopicNames) > 0 {
			next := *q
			for _, name := range q.TopicNames {
				next.Topics = append(next.Topics, kmsg.DeleteTopicsRequestDeleteTopicState{Name: kbin.Str(name)})
			}
			next.TopicNames = nil
			return &next, false // the answer has one shape
		}
	case *kmsg.AddPartitionsToTxnRequest:
		if len(q.Transactions) == 0 {
			next := *q
			next.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{{
				TransactionalID: q.V3AndBelowTransactionalID,
				ProducerID:      q.V3AndBelowProducerID,
				ProducerEpoch:   q.V3AndBelowProducerEpoch,
				Topics:          q.V3AndBelowTopics,
			}}
			next.V3AndBelowTransactionalID, next.V3AndBelowProducerID, next.V3AndBelowProducerEpoch, next.V3AndBelowTopics = "", 0, 0, nil
			return &next, true
		}
	}
	return req, false
}

// boundsOf returns the versions that a request can be sent in by what is in it, besides what
// Check finds out. It may fill in ids.
func (c *Call) boundsOf(s *Shard, known *cluster.Snapshot) (low, high int16) {
	low, high = 0, math.MaxInt16
	need := func(version int16, needed bool) {
		if needed {
			low = max(low, version)
		}
	}
	switch q := s.req.(type) {
	case *kmsg.OffsetFetchRequest:
		need(8, len(q.Groups) > 1)
		if !c.fillGroups(s, q, known) {
			high = 9
		}
		for i := range q.Groups {
			need(2, q.Groups[i].Topics == nil)
		}
	case *kmsg.FetchRequest:
		for _, t := range q.ForgottenTopicsData {
			need(13, t.Topic == "")
			if t.TopicID.IsZero() {
				high = 12
			}
		}
	case *kmsg.FindCoordinatorRequest:
		need(4, len(q.CoordinatorKeys) > 1)
	case *kmsg.LeaveGroupRequest:
		need(3, len(q.Members) != 1 || q.Members[0].GroupInstanceID.Valid)
	case *kmsg.DeleteTopicsRequest:
		for i := range q.Topics {
			need(6, !q.Topics[i].TopicID.IsZero())
		}
	case *kmsg.AddPartitionsToTxnRequest:
		// From version 4 on it is for brokers, which verify for others (KIP-890).
		need(4, len(q.Transactions) > 1 || q.Transactions[0].VerifyOnly)
		if low == 0 {
			high = 3
		}
	case *kmsg.ListOffsetsRequest:
		for i := range q.Topics {
			for j := range q.Topics[i].Partitions {
				low = max(low, offsetsSince(q.Topics[i].Partitions[j].Timestamp))
			}
		}
	case *kmsg.MetadataRequest:
		need(1, q.Topics != nil && len(q.Topics) == 0) // at version 0 it would mean all
		for i := range q.Topics {
			need(12, !q.Topics[i].TopicID.IsZero())
		}
	}
	return low, high
}

// offsetsSince is the first version of ListOffsets in which a timestamp stands for something
// else than a time; to brokers before, it would be one.
func offsetsSince(t kmsg.ListOffsetsTimestamp) int16 {
	switch t {
	case kmsg.TimestampMax:
		return 7
	case kmsg.TimestampEarliestLocal:
		return 8
	case kmsg.TimestampLatestTiered:
		return 9
	case kmsg.TimestampEarliestPendingUpload:
		return 11
	}
	return 0
}

// fillGroups gives the topics of OffsetFetch their ids, which versions from 10 on want, and
// names. It reports false if not all ids are known; those of all topics are not.
func (c *Call) fillGroups(s *Shard, q *kmsg.OffsetFetchRequest, known *cluster.Snapshot) bool {
	for i := range q.Groups {
		if q.Groups[i].Topics == nil {
			return false
		}
	}
	if !s.own {
		next := *q
		q, s.req, s.own = &next, &next, true
	}
	all := true
	q.Groups = slices.Clone(q.Groups)
	for i := range q.Groups {
		g := &q.Groups[i]
		g.Topics = slices.Clone(g.Topics)
		for j := range g.Topics {
			t := &g.Topics[j]
			it := item{topic: c.addTopic(key{topic: t.Name, id: t.TopicID})}
			c.topicOf(&it, known)
			t.Name, t.TopicID = c.topics[it.topic].name, c.topics[it.topic].id
			all = all && !t.TopicID.IsZero()
		}
	}
	return all
}

// shapeFor puts a copy of a request, in the newer shape, in the shape of a version.
func shapeFor(req kmsg.Request, version int16) error {
	lacks := func(what string) error {
		return fmt.Errorf("version %d of %v cannot %s", version, req.APIKey(), what)
	}
	switch q := req.(type) {
	case *kmsg.OffsetFetchRequest:
		if version >= 8 || len(q.Groups) == 0 {
			break
		}
		if len(q.Groups) > 1 {
			return lacks("ask for several groups")
		}
		g := q.Groups[0]
		if g.Topics == nil && version < 2 {
			return lacks("ask for all topics")
		}
		q.GroupID, q.Topics, q.Groups = g.GroupID, nil, nil
		if g.Topics != nil {
			q.Topics = make([]kmsg.OffsetFetchRequestTopic, len(g.Topics))
		}
		for i, t := range g.Topics {
			q.Topics[i] = kmsg.OffsetFetchRequestTopic{Name: t.Name, PartitionIndexes: t.PartitionIndexes}
		}
	case *kmsg.FindCoordinatorRequest:
		if version >= 4 || len(q.CoordinatorKeys) == 0 {
			break
		}
		if len(q.CoordinatorKeys) > 1 {
			return lacks("find several coordinators")
		}
		q.Key, q.CoordinatorKeys = q.CoordinatorKeys[0], nil
	case *kmsg.LeaveGroupRequest:
		if version >= 3 || len(q.Members) == 0 {
			break
		}
		if len(q.Members) > 1 || q.Members[0].GroupInstanceID.Valid {
			return lacks("let several members leave, or one with an instance id")
		}
		q.MemberID, q.Members = q.Members[0].MemberID, nil
	case *kmsg.DeleteTopicsRequest:
		if version >= 6 || len(q.Topics) == 0 {
			break
		}
		q.TopicNames = make([]string, len(q.Topics))
		for i, t := range q.Topics {
			if !t.Name.Valid {
				return lacks("delete a topic by its id")
			}
			q.TopicNames[i] = t.Name.S
		}
		q.Topics = nil
	case *kmsg.AddPartitionsToTxnRequest:
		if version >= 4 || len(q.Transactions) == 0 {
			break
		}
		if len(q.Transactions) > 1 || q.Transactions[0].VerifyOnly {
			return lacks("verify, or add to several transactions")
		}
		t := q.Transactions[0]
		q.V3AndBelowTransactionalID, q.V3AndBelowProducerID, q.V3AndBelowProducerEpoch, q.V3AndBelowTopics = t.TransactionalID, t.ProducerID, t.ProducerEpoch, t.Topics
		q.Transactions = nil
	case *kmsg.MetadataRequest:
		if version == 0 && q.Topics != nil && len(q.Topics) == 0 {
			return lacks("ask for no topics: it would mean all")
		}
		if version < 4 && !q.AllowAutoTopicCreation {
			// Whatever is asked for by name may be created; nothing is if all are asked for.
			q.AllowAutoTopicCreation = true
			if len(q.Topics) > 0 {
				q.Topics = nil
			}
		}
	}
	return nil
}
