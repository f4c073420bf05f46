package link

import "github.com/franzi-kafka/franzi/kmsg"

// throttlesFrom is the first version of each API whose answers come before the time for which
// they ask to be spared, for those where that is not the first of all: brokers before Kafka 2.0
// held the answers back, and those since then do it for the versions from before (KIP-219). It
// is what the Java client's classes of responses say in shouldClientThrottle.
var throttlesFrom = [...]int8{
	kmsg.KeyProduce:                 6,
	kmsg.KeyFetch:                   8,
	kmsg.KeyListOffsets:             3,
	kmsg.KeyMetadata:                6,
	kmsg.KeyOffsetCommit:            4,
	kmsg.KeyOffsetFetch:             4,
	kmsg.KeyFindCoordinator:         2,
	kmsg.KeyJoinGroup:               3,
	kmsg.KeyHeartbeat:               2,
	kmsg.KeyLeaveGroup:              2,
	kmsg.KeySyncGroup:               2,
	kmsg.KeyDescribeGroups:          2,
	kmsg.KeyListGroups:              2,
	kmsg.KeyAPIVersions:             2,
	kmsg.KeyCreateTopics:            3,
	kmsg.KeyDeleteTopics:            2,
	kmsg.KeyDeleteRecords:           1,
	kmsg.KeyInitProducerID:          1,
	kmsg.KeyOffsetForLeaderEpoch:    1,
	kmsg.KeyAddPartitionsToTxn:      1,
	kmsg.KeyAddOffsetsToTxn:         1,
	kmsg.KeyEndTxn:                  1,
	kmsg.KeyTxnOffsetCommit:         1,
	kmsg.KeyDescribeACLs:            1,
	kmsg.KeyCreateACLs:              1,
	kmsg.KeyDeleteACLs:              1,
	kmsg.KeyDescribeConfigs:         2,
	kmsg.KeyAlterConfigs:            1,
	kmsg.KeyAlterReplicaLogDirs:     1,
	kmsg.KeyDescribeLogDirs:         1,
	kmsg.KeyCreatePartitions:        1,
	kmsg.KeyCreateDelegationToken:   1,
	kmsg.KeyRenewDelegationToken:    1,
	kmsg.KeyExpireDelegationToken:   1,
	kmsg.KeyDescribeDelegationToken: 1,
	kmsg.KeyDeleteGroups:            1,
}

// Throttles reports whether a client has to hold back by itself when an answer of this version
// says for how long (KIP-219). For older versions the broker does it, by holding the answer
// back. The broker takes nothing from a throttled connection anyway; who holds back keeps its
// requests from going stale there.
func Throttles(key kmsg.APIKey, version int16) bool {
	return key >= 0 && (int(key) >= len(throttlesFrom) || version >= int16(throttlesFrom[key]))
}
