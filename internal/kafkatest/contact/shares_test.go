//go:build kafka

package contact

import (
	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Share groups (KIP-932): their members, their coordinator, and the keeper of their state.

// A sharer is a member of a share group that reads a topic with records.
type sharer struct {
	group, id string
	topic     topic
}

// sharer joins by send. The offset that a new share group starts from is set to the earliest,
// which the broker has to have heard of before the group begins.
func (x *talk) sharer(send func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response) sharer {
	x.Helper()
	s := sharer{group: x.rig.name("group"), id: x.rig.name("member"), topic: x.filled()}
	x.prepare(kmsg.KeyIncrementalAlterConfigs, obj{"resources": list{obj{"resourceType": kmsg.ConfigResourceGroup, "resourceName": s.group,
		"configs": list{obj{"name": "share.auto.offset.reset", "configOperation": kmsg.ConfigOperationSet, "value": "earliest"}}}}})
	x.until(func() bool {
		resp := x.prepare(kmsg.KeyDescribeConfigs, obj{"resources": list{obj{"resourceType": kmsg.ConfigResourceGroup,
			"resourceName": s.group, "configurationKeys": list{"share.auto.offset.reset"}}}})
		configs := resp.(*kmsg.DescribeConfigsResponse).Results[0].Configs
		return len(configs) == 1 && configs[0].Value == kbin.Str("earliest")
	})
	send(obj{"groupId": s.group, "memberId": s.id, "memberEpoch": 0, "subscribedTopicNames": list{s.topic.name}})
	return s
}

func (x *talk) sharing() sharer {
	x.Helper()
	return x.sharer(x.preparing(kmsg.KeyShareGroupHeartbeat))
}

func contactShareGroupHeartbeat(x *talk) {
	x.sharer(x.ask)
}

func contactShareGroupDescribe(x *talk) {
	x.ask(obj{"groupIds": list{x.sharing().group}, "includeAuthorizedOperations": true})
}

func (s *sharer) fetch(epoch int) obj {
	return obj{"groupId": s.group, "memberId": s.id, "shareSessionEpoch": epoch, "maxWaitMs": 500, "minBytes": 1,
		"maxRecords": 100, "batchSize": 100, "forgottenTopicsData": list{}, "topics": list{obj{"topicId": s.topic.id,
			"partitions": list{obj{"partitionIndex": 0, "partitionMaxBytes": 1 << 20, "acknowledgementBatches": list{}}}}}}
}

// acquire fetches by send until records come, and returns the session's next epoch. The group
// takes a moment to begin: until its state has been written down, what a broker knows of the
// partition cannot be read, and fetching ends in UNKNOWN_SERVER_ERROR. Then the session begins
// again.
func (x *talk) acquire(s sharer, send func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response) (epoch int) {
	x.Helper()
	x.until(func() bool {
		resp := send(s.fetch(epoch), kmsg.UnknownServerError).(*kmsg.ShareFetchResponse)
		if codes := rawconn.ErrorCodes(resp); len(codes) > 0 {
			x.Logf("not yet: %s", resp)
			epoch = 0
			return false
		}
		epoch++
		return len(resp.Responses) > 0 && len(resp.Responses[0].Partitions[0].Records) > 0
	})
	return epoch
}

func contactShareFetch(x *talk) {
	x.acquire(x.sharing(), x.ask)
}

func contactShareAcknowledge(x *talk) {
	s := x.sharing()
	// The session belongs to the connection.
	x.to = dial(x.T, x.target.addr)
	epoch := x.acquire(s, func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
		return x.send(x.to, kmsg.KeyShareFetch, x.rig.newest(x.T, kmsg.KeyShareFetch), body, allowed)
	})
	x.ask(obj{"groupId": s.group, "memberId": s.id, "shareSessionEpoch": epoch, "topics": list{obj{"topicId": s.topic.id,
		"partitions": list{obj{"partitionIndex": 0, "acknowledgementBatches": list{obj{
			"firstOffset": 0, "lastOffset": 2, "acknowledgeTypes": list{kmsg.AcknowledgeAccept}}}}}}}})
}

// empty is a share group that has offsets, but no members.
func (x *talk) empty() sharer {
	x.Helper()
	s := x.sharing()
	x.acquire(s, x.preparing(kmsg.KeyShareFetch))
	x.prepare(kmsg.KeyShareGroupHeartbeat, obj{"groupId": s.group, "memberId": s.id, "memberEpoch": -1})
	return s
}

func contactDescribeShareGroupOffsets(x *talk) {
	s := x.empty()
	x.ask(obj{"groups": list{obj{"groupId": s.group, "topics": list{obj{"topicName": s.topic.name, "partitions": list{0}}}}}})
}

func contactAlterShareGroupOffsets(x *talk) {
	s := x.empty()
	x.ask(obj{"groupId": s.group, "topics": list{obj{"topicName": s.topic.name, "partitions": list{obj{
		"partitionIndex": 0, "startOffset": 1}}}}})
}

func contactDeleteShareGroupOffsets(x *talk) {
	s := x.empty()
	x.ask(obj{"groupId": s.group, "topics": list{obj{"topicName": s.topic.name}}})
}

// shareState is the state of a partition for a group, kept for nobody.
func (x *talk) shareState() (group string, of func(partition obj) obj) {
	x.Helper()
	group, t := x.rig.name("group"), x.topic()
	of = func(partition obj) obj {
		partition["partition"] = 0
		return obj{"groupId": group, "topics": list{obj{"topicId": t.id, "partitions": list{partition}}}}
	}
	return group, of
}

func contactInitializeShareGroupState(x *talk) {
	_, of := x.shareState()
	x.ask(of(obj{"stateEpoch": 1, "startOffset": 0}))
}

// initialized is shareState that was begun.
func (x *talk) initialized() (of func(partition obj) obj) {
	x.Helper()
	_, of = x.shareState()
	x.prepare(kmsg.KeyInitializeShareGroupState, of(obj{"stateEpoch": 1, "startOffset": 0}))
	return of
}

func contactWriteShareGroupState(x *talk) {
	x.ask(x.initialized()(written))
}

var written = obj{"stateEpoch": 1, "leaderEpoch": 0, "startOffset": 0, "stateBatches": list{obj{
	"firstOffset": 0, "lastOffset": 2, "deliveryState": kmsg.ShareDeliveryAcknowledged, "deliveryCount": 1}}}

func contactReadShareGroupState(x *talk) {
	of := x.initialized()
	x.prepare(kmsg.KeyWriteShareGroupState, of(written))
	x.ask(of(obj{"leaderEpoch": 0}))
}

func contactReadShareGroupStateSummary(x *talk) {
	of := x.initialized()
	x.prepare(kmsg.KeyWriteShareGroupState, of(written))
	x.ask(of(obj{"leaderEpoch": 0}))
}

func contactDeleteShareGroupState(x *talk) {
	x.ask(x.initialized()(obj{}))
}
