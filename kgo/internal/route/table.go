package route

import "github.com/franzi-kafka/franzi/kmsg"

// A row is what is known of an API. The names are of fields of its messages; those of items are
// paths, see path.
type row struct {
	to     Target
	lane   Lane
	repeat Repeat

	// in are the items of a request, and out those of the answer that tell what came of them. An
	// API without in is not split; what its out says counts for the request as a whole.
	in, out string
	// also are other codes of the answer. They are told, but nothing follows from them.
	also []string
	// key is the field that names the coordinator, if it is not that of each item.
	key string
	// member is the field that names a member, for IfMember.
	member string
	// collect are the lists that are joined when all brokers answer.
	collect []string
	// sparse says that the answer has only items that there is something to say about.
	sparse bool
	// ids is the first version with ids instead of names of topics.
	ids int16
	// batch is the first version with room for several items.
	batch int16
	// wait are fields with milliseconds for which the broker may hold the answer back: the first
	// that is not negative counts.
	wait []string
	// expect is a field with the bytes of data that may come.
	expect string
	// final are codes that are the last word here though they are retriable elsewhere.
	final []kmsg.ErrorCode
}

// Paths that many APIs have.
const (
	namedPartitions = "Topics[Name].Partitions[PartitionIndex]"
	idsOfPartitions = "Topics[TopicID].Partitions[Partition]"
	codesByID       = "Results[TopicID].Partitions[Partition]!ErrorCode"
	codesOfReplicas = "Topics[TopicName].Partitions[PartitionIndex]!ErrorCode"
	describedGroups = "Groups[GroupID]!ErrorCode"
)

// rows has all APIs by key.
var rows = [...]row{
	kmsg.KeyProduce: {
		to: ToLeaders, lane: ProduceLane, ids: 13,
		in:  "TopicData[Name|TopicID].PartitionData[Index]",
		out: "Responses[Name|TopicID].PartitionResponses[Index]!ErrorCode",
	},
	kmsg.KeyFetch: {
		to: ToLeaders, lane: FetchLane, repeat: Always, ids: 13, wait: []string{"MaxWaitMs"}, expect: "MaxBytes",
		in:  "Topics[Topic|TopicID].Partitions[Partition]",
		out: "Responses[Topic|TopicID].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyListOffsets: {
		to: ToLeaders, repeat: Always,
		in: namedPartitions, out: namedPartitions + "!ErrorCode",
	},
	kmsg.KeyMetadata: {
		repeat: Always,
		also:   []string{"Topics[Name|TopicID]!ErrorCode"},
	},
	kmsg.KeyLeaderAndISR: {
		to: ToNobody, also: []string{"PartitionErrors[TopicName+PartitionIndex]!ErrorCode", "Topics[TopicID].PartitionErrors[PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyStopReplica: {
		to: ToNobody, also: []string{"PartitionErrors[TopicName+PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyUpdateMetadata:     {to: ToNobody},
	kmsg.KeyControlledShutdown: {to: ToNobody},
	kmsg.KeyOffsetCommit: {
		to: ToGroupCoordinator, key: "GroupID", repeat: Always, ids: 10,
		in:  "Topics[Name|TopicID].Partitions[PartitionIndex]",
		out: "Topics[Name|TopicID].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyOffsetFetch: {
		to: ToGroupCoordinator, repeat: Always, batch: 8,
		in: "Groups[GroupID]", out: describedGroups,
		also: []string{"Groups[GroupID].Topics[Name|TopicID].Partitions[PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyFindCoordinator: {
		repeat: Always, batch: 4,
		in: "CoordinatorKeys[]", out: "Coordinators[Key]!ErrorCode",
	},
	kmsg.KeyJoinGroup: {
		to: ToGroupCoordinator, key: "GroupID", lane: WaitLane, repeat: IfMember, member: "MemberID",
		wait: []string{"RebalanceTimeoutMs", "SessionTimeoutMs"},
	},
	kmsg.KeyHeartbeat: {to: ToGroupCoordinator, key: "GroupID", repeat: Always},
	kmsg.KeyLeaveGroup: {
		to: ToGroupCoordinator, key: "GroupID", batch: 3,
		in: "Members[MemberID+GroupInstanceID]", out: "Members[MemberID+GroupInstanceID]!ErrorCode",
	},
	kmsg.KeySyncGroup: {to: ToGroupCoordinator, key: "GroupID", lane: WaitLane, repeat: Always},
	kmsg.KeyDescribeGroups: {
		to: ToGroupCoordinator, repeat: Always,
		in: "Groups[]", out: describedGroups,
	},
	kmsg.KeyListGroups:    {to: ToAll, repeat: Always, collect: []string{"Groups[GroupID]"}},
	kmsg.KeySASLHandshake: {to: ToNobody},
	kmsg.KeyAPIVersions:   {repeat: Always},
	kmsg.KeyCreateTopics: {
		to: ToController,
		in: "Topics[Name]", out: "Topics[Name]!ErrorCode",
	},
	kmsg.KeyDeleteTopics: {
		to: ToController,
		in: "Topics[Name|TopicID]", out: "Responses[Name|TopicID]!ErrorCode",
	},
	kmsg.KeyDeleteRecords: {
		to: ToLeaders, repeat: Always,
		in: namedPartitions, out: namedPartitions + "!ErrorCode",
	},
	// Whoever repeats InitProducerId gets another epoch, or another id: no harm.
	kmsg.KeyInitProducerID: {to: ToTransactionCoordinator, key: "TransactionalID", repeat: Always},
	kmsg.KeyOffsetForLeaderEpoch: {
		to: ToLeaders, repeat: Always,
		in: "Topics[Topic].Partitions[Partition]", out: "Topics[Topic].Partitions[Partition]!ErrorCode",
	},
	kmsg.KeyAddPartitionsToTxn: {
		to: ToTransactionCoordinator, repeat: Always, batch: 4,
		in: "Transactions[TransactionalID]", out: "ResultsByTransaction[TransactionalID]!TopicResults.ResultsByPartition.PartitionErrorCode",
		also: []string{"ResultsByTransaction[TransactionalID].TopicResults[Name].ResultsByPartition[PartitionIndex]!PartitionErrorCode"},
	},
	kmsg.KeyAddOffsetsToTxn: {to: ToTransactionCoordinator, key: "TransactionalID", repeat: Always},
	// A second EndTxn may end the transaction after the one that was meant (KIP-890).
	kmsg.KeyEndTxn: {to: ToTransactionCoordinator, key: "TransactionalID"},
	kmsg.KeyWriteTxnMarkers: {
		to: ToLeaders, repeat: Always,
		in:  "Markers[ProducerID].Topics[Name].PartitionIndexes[]",
		out: "Markers[ProducerID].Topics[Name].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyTxnOffsetCommit: {
		to: ToGroupCoordinator, key: "GroupID", repeat: Always, ids: 6,
		in:  "Topics[Name|TopicID].Partitions[PartitionIndex]",
		out: "Topics[Name|TopicID].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyDescribeACLs: {repeat: Always},
	kmsg.KeyCreateACLs:   {repeat: Always, out: "Results[]!ErrorCode"},
	kmsg.KeyDeleteACLs: {
		out: "FilterResults[]!ErrorCode", also: []string{"FilterResults[].MatchingACLs[ResourceName]!ErrorCode"},
	},
	kmsg.KeyDescribeConfigs: {
		to: ToResources, repeat: Always,
		in: "Resources[ResourceType+ResourceName]", out: "Results[ResourceType+ResourceName]!ErrorCode",
	},
	kmsg.KeyAlterConfigs: {
		to: ToResources, repeat: Always,
		in: "Resources[ResourceType+ResourceName]", out: "Responses[ResourceType+ResourceName]!ErrorCode",
	},
	kmsg.KeyAlterReplicaLogDirs: {
		to: ToReplicas, repeat: Always, collect: []string{"Results"},
		in: "Dirs[].Topics[Name].Partitions[]", also: []string{"Results[TopicName].Partitions[PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyDescribeLogDirs: {
		to: ToReplicas, repeat: Always, collect: []string{"Results"},
		in: "Topics[Topic].Partitions[]", also: []string{"Results[LogDir]!ErrorCode"},
	},
	kmsg.KeySASLAuthenticate: {to: ToNobody},
	kmsg.KeyCreatePartitions: {
		to: ToController,
		in: "Topics[Name]", out: "Results[Name]!ErrorCode",
	},
	kmsg.KeyCreateDelegationToken:   {},
	kmsg.KeyRenewDelegationToken:    {repeat: Always},
	kmsg.KeyExpireDelegationToken:   {},
	kmsg.KeyDescribeDelegationToken: {repeat: Always},
	kmsg.KeyDeleteGroups: {
		to: ToGroupCoordinator,
		in: "GroupsNames[]", out: "Results[GroupID]!ErrorCode",
	},
	kmsg.KeyElectLeaders: {
		to: ToController,
		in: "TopicPartitions[Topic].Partitions[]", out: "ReplicaElectionResults[Topic].PartitionResult[PartitionID]!ErrorCode",
		final: []kmsg.ErrorCode{kmsg.PreferredLeaderNotAvailable, kmsg.EligibleLeadersNotAvailable},
	},
	kmsg.KeyIncrementalAlterConfigs: {
		to: ToResources, repeat: Always,
		in: "Resources[ResourceType+ResourceName]", out: "Responses[ResourceType+ResourceName]!ErrorCode",
	},
	kmsg.KeyAlterPartitionReassignments: {
		to: ToController,
		in: namedPartitions, out: "Responses[Name].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyListPartitionReassignments: {to: ToController, repeat: Always},
	kmsg.KeyOffsetDelete: {
		to: ToGroupCoordinator, key: "GroupID", repeat: Always,
		in: namedPartitions, out: namedPartitions + "!ErrorCode",
	},
	kmsg.KeyDescribeClientQuotas:         {repeat: Always},
	kmsg.KeyAlterClientQuotas:            {repeat: Always, out: "Entries[]!ErrorCode"},
	kmsg.KeyDescribeUserSCRAMCredentials: {repeat: Always, also: []string{"Results[User]!ErrorCode"}},
	kmsg.KeyAlterUserSCRAMCredentials:    {to: ToController, out: "Results[User]!ErrorCode"},
	kmsg.KeyVote:                         {to: ToNobody, also: []string{codesOfReplicas}},
	kmsg.KeyBeginQuorumEpoch:             {to: ToNobody, also: []string{codesOfReplicas}},
	kmsg.KeyEndQuorumEpoch:               {to: ToNobody, also: []string{codesOfReplicas}},
	kmsg.KeyDescribeQuorum:               {repeat: Always, also: []string{codesOfReplicas}},
	kmsg.KeyAlterPartition:               {to: ToNobody, also: []string{"Topics[TopicName|TopicID].Partitions[PartitionIndex]!ErrorCode"}},
	kmsg.KeyUpdateFeatures:               {to: ToController, also: []string{"Results[Feature]!ErrorCode"}},
	kmsg.KeyEnvelope:                     {to: ToNobody},
	kmsg.KeyFetchSnapshot:                {to: ToNobody, also: []string{"Topics[Name].Partitions[Index]!ErrorCode"}},
	kmsg.KeyDescribeCluster:              {repeat: Always},
	kmsg.KeyDescribeProducers: {
		to: ToLeaders, repeat: Always,
		in: "Topics[Name].PartitionIndexes[]", out: namedPartitions + "!ErrorCode",
	},
	kmsg.KeyBrokerRegistration: {to: ToNobody},
	kmsg.KeyBrokerHeartbeat:    {to: ToNobody},
	kmsg.KeyUnregisterBroker:   {},
	kmsg.KeyDescribeTransactions: {
		to: ToTransactionCoordinator, repeat: Always,
		in: "TransactionalIDs[]", out: "TransactionStates[TransactionalID]!ErrorCode",
	},
	kmsg.KeyListTransactions: {
		to: ToAll, repeat: Always, collect: []string{"TransactionStates[TransactionalID]", "UnknownStateFilters[]"},
	},
	kmsg.KeyAllocateProducerIDs:    {to: ToNobody},
	kmsg.KeyConsumerGroupHeartbeat: {to: ToGroupCoordinator, key: "GroupID", repeat: IfMember, member: "MemberID"},
	kmsg.KeyConsumerGroupDescribe: {
		to: ToGroupCoordinator, repeat: Always,
		in: "GroupIDs[]", out: describedGroups,
	},
	kmsg.KeyControllerRegistration:    {to: ToNobody},
	kmsg.KeyGetTelemetrySubscriptions: {repeat: Always},
	kmsg.KeyPushTelemetry:             {},
	kmsg.KeyAssignReplicasToDirs: {
		to: ToNobody, also: []string{"Directories[].Topics[TopicID].Partitions[PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyListConfigResources:     {repeat: Always},
	kmsg.KeyDescribeTopicPartitions: {repeat: Always, also: []string{"Topics[Name|TopicID]!ErrorCode"}},
	kmsg.KeyShareGroupHeartbeat:     {to: ToGroupCoordinator, key: "GroupID", repeat: IfMember, member: "MemberID"},
	kmsg.KeyShareGroupDescribe: {
		to: ToGroupCoordinator, repeat: Always,
		in: "GroupIDs[]", out: describedGroups,
	},
	kmsg.KeyShareFetch: {
		to: ToLeaders, lane: FetchLane, wait: []string{"MaxWaitMs"}, expect: "MaxBytes", sparse: true,
		in:   "Topics[TopicID].Partitions[PartitionIndex]",
		out:  "Responses[TopicID].Partitions[PartitionIndex]!ErrorCode",
		also: []string{"Responses[TopicID].Partitions[PartitionIndex]!AcknowledgeErrorCode"},
	},
	kmsg.KeyShareAcknowledge: {
		to: ToLeaders,
		in: "Topics[TopicID].Partitions[PartitionIndex]", out: "Responses[TopicID].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyAddRaftVoter:    {},
	kmsg.KeyRemoveRaftVoter: {},
	kmsg.KeyUpdateRaftVoter: {to: ToNobody},
	kmsg.KeyInitializeShareGroupState: {
		to: ToShareCoordinator, key: "GroupID",
		in: idsOfPartitions, out: codesByID,
	},
	kmsg.KeyReadShareGroupState: {
		to: ToShareCoordinator, key: "GroupID", repeat: Always,
		in: idsOfPartitions, out: codesByID,
	},
	kmsg.KeyWriteShareGroupState: {
		to: ToShareCoordinator, key: "GroupID",
		in: idsOfPartitions, out: codesByID,
	},
	kmsg.KeyDeleteShareGroupState: {
		to: ToShareCoordinator, key: "GroupID",
		in: idsOfPartitions, out: codesByID,
	},
	kmsg.KeyReadShareGroupStateSummary: {
		to: ToShareCoordinator, key: "GroupID", repeat: Always,
		in: idsOfPartitions, out: codesByID,
	},
	kmsg.KeyStreamsGroupHeartbeat: {to: ToGroupCoordinator, key: "GroupID", repeat: IfMember, member: "MemberID"},
	kmsg.KeyStreamsGroupDescribe: {
		to: ToGroupCoordinator, repeat: Always,
		in: "GroupIDs[]", out: describedGroups,
	},
	kmsg.KeyDescribeShareGroupOffsets: {
		to: ToGroupCoordinator, repeat: Always,
		in: "Groups[GroupID]", out: describedGroups,
		also: []string{"Groups[GroupID].Topics[TopicName|TopicID].Partitions[PartitionIndex]!ErrorCode"},
	},
	kmsg.KeyAlterShareGroupOffsets: {
		to: ToGroupCoordinator, key: "GroupID", repeat: Always,
		in: "Topics[TopicName].Partitions[PartitionIndex]", out: "Responses[TopicName].Partitions[PartitionIndex]!ErrorCode",
	},
	kmsg.KeyDeleteShareGroupOffsets: {
		to: ToGroupCoordinator, key: "GroupID",
		in: "Topics[TopicName]", out: "Responses[TopicName]!ErrorCode",
	},
	kmsg.KeyStreamsGroupTopologyDescriptionUpdate: {to: ToGroupCoordinator, key: "GroupID", repeat: Always},
	kmsg.KeyUnregisterController:                  {},
}
