//go:build kafka

package contact

import (
	"github.com/franzi-kafka/franzi/kmsg"
)

// What producers and consumers send.

func contactProduce(x *talk) {
	if x.rig.since("4.0") && x.version < 3 {
		x.skip("offered to old clients, but not served (KIP-896)")
		return
	}
	x.ask(produce(x.topic(), nil, batch(x.T, magic(x.version))))
}

func contactFetch(x *talk) {
	if x.onController() {
		contactFetchQuorum(x)
		return
	}
	t := x.topicFor(x.version)
	resp := x.ask(obj{"maxWaitMs": 500, "minBytes": 1, "sessionEpoch": 0, "topics": list{obj{
		"topic": t.name, "topicId": t.id, "partitions": list{obj{
			"partition": 0, "fetchOffset": 0, "partitionMaxBytes": 1 << 20}}}}})
	if p := resp.(*kmsg.FetchResponse).Responses[0].Partitions[0]; len(p.Records) == 0 || p.HighWatermark != 3 {
		x.Errorf("got %d bytes of records below offset %d, want some below 3", len(p.Records), p.HighWatermark)
	}
}

// topicFor is a topic with records that the broker can give to a version of Fetch: 0.11 fails
// to take the headers away for versions that have none.
func (x *talk) topicFor(version int16) topic {
	x.Helper()
	if _, high, _ := x.rig.serves(kmsg.KeyProduce); version < 4 && high > 2 {
		return x.filledAt(2)
	}
	return x.filled()
}

func contactListOffsets(x *talk) {
	t := x.filled()
	x.ask(obj{"replicaId": -1, "timeoutMs": timeout, "topics": list{obj{"name": t.name, "partitions": list{obj{
		"partitionIndex": 0, "timestamp": kmsg.TimestampLatest, "maxNumOffsets": 5}}}}})
}

func contactMetadata(x *talk) {
	x.ask(obj{"topics": list{obj{"name": x.topic().name}},
		"includeClusterAuthorizedOperations": true, "includeTopicAuthorizedOperations": true})
}

func contactOffsetForLeaderEpoch(x *talk) {
	x.ask(obj{"replicaId": -1, "topics": list{obj{"topic": x.filled().name, "partitions": list{obj{
		"partition": 0, "leaderEpoch": 0}}}}})
}

func contactInitProducerID(x *talk) {
	x.ask(obj{"transactionalId": x.rig.name("transaction"), "transactionTimeoutMs": 60_000})
}

func contactAddPartitionsToTxn(x *talk) {
	p, t := x.begun()
	x.ask(x.addPartitions(p, t, true))
}

func contactAddOffsetsToTxn(x *talk) {
	x.hollow = true
	p, _ := x.begun()
	x.ask(x.addOffsets(p, x.rig.name("group")))
}

func (x *talk) addOffsets(p producer, group string) obj {
	return obj{"transactionalId": p.transactionalID, "producerId": p.id, "producerEpoch": p.epoch, "groupId": group}
}

func contactEndTxn(x *talk) {
	p, _ := x.begun()
	resp := x.ask(obj{"transactionalId": p.transactionalID, "producerId": p.id, "producerEpoch": p.epoch, "committed": true})
	if x.version >= 5 && resp.(*kmsg.EndTxnResponse).ProducerID < 0 {
		x.Errorf("got no producer id in %s", resp)
	}
}

func contactTxnOffsetCommit(x *talk) {
	p, _ := x.begun()
	t, group := x.topic(), x.rig.name("group")
	x.prepare(kmsg.KeyAddOffsetsToTxn, x.addOffsets(p, group))
	x.ask(obj{"transactionalId": p.transactionalID, "groupId": group, "producerId": p.id, "producerEpoch": p.epoch,
		"topics": list{obj{"name": t.name, "topicId": t.id, "partitions": list{obj{
			"partitionIndex": 0, "committedOffset": 2, "committedMetadata": "in a transaction"}}}}})
}

func contactWriteTxnMarkers(x *talk) {
	p, t := x.begun()
	x.ask(obj{"markers": list{obj{"producerId": p.id, "producerEpoch": p.epoch, "transactionResult": true,
		"coordinatorEpoch": 0, "transactionVersion": 1, "topics": list{obj{"name": t.name, "partitionIndexes": list{0}}}}}})
}

func contactDescribeProducers(x *talk) {
	_, t := x.begun()
	resp := x.ask(obj{"topics": list{obj{"name": t.name, "partitionIndexes": list{0}}}})
	if len(resp.(*kmsg.DescribeProducersResponse).Topics[0].Partitions[0].ActiveProducers) != 1 {
		x.Errorf("got no producer in %s", resp)
	}
}

func contactDescribeTransactions(x *talk) {
	p, _ := x.begun()
	x.ask(obj{"transactionalIds": list{p.transactionalID}})
}

func contactListTransactions(x *talk) {
	p, _ := x.begun()
	resp := x.ask(obj{"stateFilters": list{}, "producerIdFilters": list{p.id}})
	if len(resp.(*kmsg.ListTransactionsResponse).TransactionStates) != 1 {
		x.Errorf("got no transaction in %s", resp)
	}
}

func contactFindCoordinator(x *talk) {
	group := x.rig.name("group")
	x.ask(obj{"key": group, "keyType": kmsg.CoordinatorGroup, "coordinatorKeys": list{group}})
}

func contactOffsetCommit(x *talk) {
	t := x.topic()
	x.ask(commit(x.rig.name("group"), t), x.wantsZooKeeper()...)
}

// wantsZooKeeper is how the first version for offsets, which keeps them in ZooKeeper, fails
// without one.
func (x *talk) wantsZooKeeper() []kmsg.ErrorCode {
	if x.version == 0 && !x.rig.zooKeeper() {
		return []kmsg.ErrorCode{kmsg.UnsupportedVersion}
	}
	return nil
}

func contactOffsetFetch(x *talk) {
	group, t := x.committed()
	if x.version == 0 && x.rig.zooKeeper() { // it knows only what was committed there
		x.prepareAt(kmsg.KeyOffsetCommit, 0, commit(group, t))
	}
	x.ask(obj{"groupId": group, "topics": list{obj{"name": t.name, "partitionIndexes": list{0}}},
		"groups": list{obj{"groupId": group, "topics": list{obj{"name": t.name, "topicId": t.id, "partitionIndexes": list{0}}}}}},
		x.wantsZooKeeper()...)
}

func contactOffsetDelete(x *talk) {
	group, t := x.committed()
	x.ask(obj{"groupId": group, "topics": list{obj{"name": t.name, "partitions": list{obj{"partitionIndex": 0}}}}})
}

func contactJoinGroup(x *talk) {
	x.join(x.ask)
}

func contactSyncGroup(x *talk) {
	x.ask(x.sync(x.joined()))
}

func contactHeartbeat(x *talk) {
	m := x.stable()
	x.ask(obj{"groupId": m.group, "generationId": m.generation, "memberId": m.id})
}

func contactLeaveGroup(x *talk) {
	m := x.stable()
	x.ask(obj{"groupId": m.group, "memberId": m.id, "members": list{obj{"memberId": m.id, "reason": "enough"}}})
}

func contactDescribeGroups(x *talk) {
	x.ask(obj{"groups": list{x.stable().group}, "includeAuthorizedOperations": true})
}

func contactListGroups(x *talk) {
	x.stable()
	x.ask(obj{"statesFilter": list{}, "typesFilter": list{}})
}

func contactDeleteGroups(x *talk) {
	group, _ := x.committed()
	x.ask(obj{"groupsNames": list{group}})
}

// consumer is a member of a group of the new protocol (KIP-848).
func (x *talk) consumer(send func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response) (group string) {
	x.Helper()
	group = x.rig.name("group")
	send(obj{"groupId": group, "memberId": x.rig.name("member"), "memberEpoch": 0, "rebalanceTimeoutMs": 60_000,
		"subscribedTopicNames": list{x.topic().name}, "topicPartitions": list{}})
	return group
}

func contactConsumerGroupHeartbeat(x *talk) {
	if x.rig.zooKeeper() {
		x.hollow = true
		x.ask(obj{"groupId": "any"}, kmsg.UnsupportedVersion)
		return
	}
	x.consumer(x.ask)
}

func contactConsumerGroupDescribe(x *talk) {
	if x.rig.zooKeeper() {
		x.ask(obj{"groupIds": list{"any"}}, kmsg.UnsupportedVersion)
		return
	}
	group := x.consumer(x.preparing(kmsg.KeyConsumerGroupHeartbeat))
	x.ask(obj{"groupIds": list{group}, "includeAuthorizedOperations": true})
}

// preparing is prepare of an API.
func (x *talk) preparing(key kmsg.APIKey) func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
	return func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
		x.Helper()
		return x.prepare(key, body, allowed...)
	}
}

// streams is a member of a streams group (KIP-1071).
func (x *talk) streams(send func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response) (group, member string) {
	x.Helper()
	group, member = x.rig.name("group"), x.rig.name("member")
	source := x.topic().name
	send(obj{"groupId": group, "memberId": member, "memberEpoch": 0, "rebalanceTimeoutMs": 60_000, "processId": "process",
		"clientTags": list{}, "activeTasks": list{}, "standbyTasks": list{}, "warmupTasks": list{},
		"topology": obj{"epoch": 1, "subtopologies": list{obj{"subtopologyId": "0", "sourceTopics": list{source}, "sourceTopicRegex": list{},
			"stateChangelogTopics": list{}, "repartitionSinkTopics": list{}, "repartitionSourceTopics": list{}, "copartitionGroups": list{}}}}})
	return group, member
}

func contactStreamsGroupHeartbeat(x *talk) {
	x.streams(x.ask)
}

func contactStreamsGroupDescribe(x *talk) {
	group, _ := x.streams(x.preparing(kmsg.KeyStreamsGroupHeartbeat))
	x.ask(obj{"groupIds": list{group}, "includeAuthorizedOperations": true, "includeTopologyDescription": true})
}

func contactStreamsGroupTopologyDescriptionUpdate(x *talk) {
	x.hollow = true
	group, member := x.streams(x.preparing(kmsg.KeyStreamsGroupHeartbeat))
	x.ask(obj{"groupId": group, "memberId": member, "topologyEpoch": 1, "topologyDescription": obj{
		"globalStores": list{}, "subtopologies": list{obj{"subtopologyId": "0", "nodes": list{obj{
			"name": "source", "nodeType": kmsg.TopologyNodeSource, "sourceTopics": list{"a"}, "stores": list{}, "successors": list{}}}}}}},
		kmsg.UnsupportedVersion) // brokers have no place for it without a plugin
}
