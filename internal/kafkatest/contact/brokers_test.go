//go:build kafka

package contact

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What brokers and controllers send each other.

const (
	self = 1 // the id of the only node
	// ghost is a broker that does not exist.
	ghost = 77
	// controllerEpoch is that of the first controller of a cluster with ZooKeeper.
	controllerEpoch = 1
)

func (r *rig) zooKeeper() bool { return r.cluster.ZooKeeperAddr() != "" }

func contactLeaderAndISR(x *talk) {
	host, port := x.address()
	x.ask(x.ghostPartition(obj{"liveLeaders": list{obj{"brokerId": self, "hostName": host, "port": port}}}))
}

// address is where the broker listens.
func (x *talk) address() (string, int) {
	x.Helper()
	host, port, err := net.SplitHostPort(x.rig.cluster.Addrs()[0])
	if err != nil {
		x.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		x.Fatal(err)
	}
	return host, n
}

// ghostPartition adds to a controller's request a partition of which only this request knows.
func (x *talk) ghostPartition(body obj) obj {
	name := x.rig.name("ghost")
	state := obj{"topicName": name, "partitionIndex": 0, "controllerEpoch": controllerEpoch, "leader": self, "leaderEpoch": 0,
		"isr": list{self}, "partitionEpoch": 0, "zkVersion": 0, "replicas": list{self}, "addingReplicas": list{},
		"removingReplicas": list{}, "offlineReplicas": list{}, "isNew": true}
	if x.key == kmsg.KeyLeaderAndISR {
		state = without(state, "zkVersion", "offlineReplicas")
	} else {
		state = without(state, "partitionEpoch", "addingReplicas", "removingReplicas", "isNew")
	}
	body["controllerId"], body["controllerEpoch"] = self, controllerEpoch
	body["ungroupedPartitionStates"] = list{state}
	body["topicStates"] = list{obj{"topicName": name, "topicId": kbin.UUID{1, byte(x.rig.names)}, "partitionStates": list{state}}}
	return body
}

func contactUpdateMetadata(x *talk) {
	x.hollow = true
	host, port := x.address()
	x.ask(x.ghostPartition(obj{"liveBrokers": list{obj{"id": self, "v0Host": host, "v0Port": port, "rack": nil,
		"endpoints": list{obj{"host": host, "port": port, "listener": "PLAINTEXT", "securityProtocol": 0}}}}}))
}

func contactStopReplica(x *talk) {
	t := x.topic().name
	x.ask(obj{"controllerId": self, "controllerEpoch": controllerEpoch, "deletePartitions": true,
		"ungroupedPartitions": list{obj{"topicName": t, "partitionIndex": 0}},
		"topics":              list{obj{"name": t, "partitionIndexes": list{0}}},
		"topicStates":         list{obj{"topicName": t, "partitionStates": list{obj{"partitionIndex": 0, "leaderEpoch": 1, "deletePartition": true}}}}})
}

func contactControlledShutdown(x *talk) {
	x.hollow = true
	x.ask(obj{"brokerId": ghost}, kmsg.BrokerNotAvailable, kmsg.UnknownServerError)
}

// The quorum of KRaft.

const quorumTopic = "__cluster_metadata"

var quorumTopicID = kbin.UUID{15: 1}

// A quorum is what its leader says of it.
type quorum struct {
	epoch     int32
	directory kbin.UUID // of the only voter, from 3.9 on
}

func (x *talk) quorum() quorum {
	x.Helper()
	resp := x.prepare(kmsg.KeyDescribeQuorum, describeQuorum).(*kmsg.DescribeQuorumResponse)
	p := resp.Topics[0].Partitions[0]
	return quorum{p.LeaderEpoch, p.CurrentVoters[0].ReplicaDirectoryID}
}

var describeQuorum = obj{"topics": list{obj{"topicName": quorumTopic, "partitions": list{obj{"partitionIndex": 0}}}}}

func contactDescribeQuorum(x *talk) {
	if x.rig.zooKeeper() {
		x.hollow = true
		x.ask(describeQuorum, kmsg.UnsupportedVersion)
		return
	}
	x.ask(describeQuorum)
}

func contactFetchQuorum(x *talk) {
	q := x.quorum()
	body := obj{"clusterId": x.clusterID(), "maxWaitMs": 500, "minBytes": 1, "sessionEpoch": 0, "topics": list{obj{
		"topic": quorumTopic, "topicId": quorumTopicID, "partitions": list{obj{
			"partition": 0, "currentLeaderEpoch": q.epoch, "fetchOffset": 0, "lastFetchedEpoch": 0, "partitionMaxBytes": 1 << 20}}}}}
	if x.version < 13 {
		x.hollow = true
		x.ask(body, kmsg.InvalidRequest) // the quorum knows its topic by its id only
		return
	}
	resp := x.ask(body)
	if p := resp.(*kmsg.FetchResponse).Responses[0].Partitions[0]; len(p.Records) == 0 && p.SnapshotID.EndOffset < 0 {
		x.Errorf("got neither records nor a snapshot in %s", resp)
	}
}

// The controller fails on requests for a snapshot that it does not have.
func contactFetchSnapshot(x *talk) {
	q := x.quorum()
	offset, epoch := x.snapshot()
	x.ask(obj{"clusterId": x.clusterID(), "topics": list{obj{"name": quorumTopic, "partitions": list{obj{
		"partition": 0, "currentLeaderEpoch": q.epoch, "snapshotId": obj{"endOffset": offset, "epoch": epoch}, "position": 0}}}}})
}

// snapshot finds the newest snapshot of the quorum's log on the disk.
func (x *talk) snapshot() (offset int64, epoch int32) {
	x.Helper()
	dir := filepath.Join(x.rig.cluster.Node(self).DataDir(), quorumTopic+"-0")
	x.until(func() bool {
		x.topic() // something to write down
		files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
		if err != nil {
			x.Fatal(err)
		}
		slices.Sort(files)
		for _, file := range slices.Backward(files) {
			if _, err := fmt.Sscanf(filepath.Base(file), "%d-%d.checkpoint", &offset, &epoch); err != nil {
				x.Fatalf("%s: %v", file, err)
			}
			return offset > 0
		}
		return false
	})
	return offset, epoch
}

// Whoever wants a vote in an epoch that has a leader is told who that is.
func contactVote(x *talk) {
	q := x.quorum()
	x.ask(obj{"clusterId": x.clusterID(), "voterId": self, "topics": list{obj{"topicName": quorumTopic, "partitions": list{obj{
		"partitionIndex": 0, "replicaEpoch": q.epoch, "replicaId": ghost, "voterDirectoryId": q.directory,
		"lastOffsetEpoch": 0, "lastOffset": 0}}}}})
}

func contactBeginQuorumEpoch(x *talk) {
	q := x.quorum()
	x.ask(obj{"clusterId": x.clusterID(), "voterId": self,
		"leaderEndpoints": list{obj{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1}},
		"topics": list{obj{"topicName": quorumTopic, "partitions": list{obj{
			"partitionIndex": 0, "voterDirectoryId": q.directory, "leaderId": ghost, "leaderEpoch": q.epoch - 1}}}}}, kmsg.FencedLeaderEpoch)
}

func contactEndQuorumEpoch(x *talk) {
	q := x.quorum()
	x.ask(obj{"clusterId": x.clusterID(),
		"leaderEndpoints": list{obj{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1}},
		"topics": list{obj{"topicName": quorumTopic, "partitions": list{obj{
			"partitionIndex": 0, "leaderId": ghost, "leaderEpoch": q.epoch - 1, "preferredSuccessors": list{self},
			"preferredCandidates": list{obj{"candidateId": self, "candidateDirectoryId": q.directory}}}}}}}, kmsg.FencedLeaderEpoch)
}

func contactAddRaftVoter(x *talk) {
	x.hollow = true
	x.ask(obj{"clusterId": x.clusterID(), "timeoutMs": timeout, "voterId": self, "voterDirectoryId": x.quorum().directory,
		"listeners": list{obj{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1}}}, kmsg.DuplicateVoter)
}

func contactRemoveRaftVoter(x *talk) {
	x.hollow = true
	x.ask(obj{"clusterId": x.clusterID(), "voterId": ghost, "voterDirectoryId": kbin.UUID{1}}, kmsg.VoterNotFound)
}

func contactUpdateRaftVoter(x *talk) {
	q := x.quorum()
	x.ask(obj{"clusterId": x.clusterID(), "currentLeaderEpoch": q.epoch, "voterId": ghost, "voterDirectoryId": kbin.UUID{1},
		"listeners":           list{obj{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1}},
		"kRaftVersionFeature": obj{"minSupportedVersion": 0, "maxSupportedVersion": 1}}, kmsg.VoterNotFound)
}

// What brokers send to KRaft's controller, as a broker that exists only here.

// features are the levels of what can be upgraded.
type features struct {
	supported []kmsg.APIVersionsResponseSupportedFeatureKey
	finalized map[string]int16
}

func (x *talk) features() features {
	x.Helper()
	resp := x.prepare(kmsg.KeyAPIVersions, obj{"clientSoftwareName": "franzi", "clientSoftwareVersion": "1"}).(*kmsg.APIVersionsResponse)
	f := features{resp.SupportedFeatures, map[string]int16{}}
	for _, k := range resp.FinalizedFeatures {
		f.finalized[k.Name] = k.MaxVersionLevel
	}
	return f
}

// ranges are the features as a node that registers tells them.
func (f features) ranges() list {
	var all list
	for _, k := range f.supported {
		all = append(all, obj{"name": k.Name, "minSupportedVersion": k.MinVersion, "maxSupportedVersion": k.MaxVersion})
	}
	return all
}

// registration is that of a broker that nobody knows yet.
func (x *talk) registration() (id int, body obj) {
	x.Helper()
	x.rig.names++
	id = 1000 + x.rig.names
	unique := kbin.UUID{0: 1, 14: byte(id >> 8), 15: byte(id)}
	return id, obj{"brokerId": id, "clusterId": x.clusterID(), "incarnationId": unique, "rack": nil,
		"listeners": list{obj{"name": "PLAINTEXT", "host": "127.0.0.1", "port": 1, "securityProtocol": 0}},
		"features":  x.features().ranges(), "logDirs": list{unique}}
}

// registered is a broker that registered just now.
func (x *talk) registered() (id int, epoch int64) {
	x.Helper()
	id, body := x.registration()
	resp := x.toController(kmsg.KeyBrokerRegistration, body).(*kmsg.BrokerRegistrationResponse)
	return id, resp.BrokerEpoch
}

// toController is prepare with a controller.
func (x *talk) toController(key kmsg.APIKey, body obj) kmsg.Response {
	x.Helper()
	target := x.rig.targets[1]
	for _, v := range target.apis {
		if v.Key == key {
			return x.send(dial(x.T, target.addr), key, min(v.Max, kmsg.LookupAPI(key).MaxVersion), body, nil)
		}
	}
	x.Fatalf("the controller has no %s", key)
	return nil
}

func contactBrokerRegistration(x *talk) {
	_, body := x.registration()
	if x.version < 2 && x.rig.since("3.7") {
		x.hollow = true
		x.ask(body, kmsg.InvalidRegistration) // the controller wants to hear of log directories
		return
	}
	x.ask(body)
}

func contactBrokerHeartbeat(x *talk) {
	id, epoch := x.registered()
	x.ask(obj{"brokerId": id, "brokerEpoch": epoch, "currentMetadataOffset": epoch, "wantFence": true, "wantShutDown": false})
}

func contactUnregisterBroker(x *talk) {
	x.hollow = true
	if x.rig.zooKeeper() {
		x.ask(obj{"brokerId": ghost}, kmsg.UnsupportedVersion)
		return
	}
	id, _ := x.registered()
	x.ask(obj{"brokerId": id})
}

// With ZooKeeper, which does not let just anybody be a broker, the epoch is wrong.
func (x *talk) registeredOr(code kmsg.ErrorCode) (id int, epoch int64, allowed []kmsg.ErrorCode) {
	x.Helper()
	if x.rig.zooKeeper() {
		x.hollow = true
		return self, 1, []kmsg.ErrorCode{kmsg.StaleBrokerEpoch}
	}
	id, epoch = x.registered()
	return id, epoch, []kmsg.ErrorCode{code}
}

func contactAllocateProducerIDs(x *talk) {
	id, epoch, allowed := x.registeredOr(kmsg.None)
	x.ask(obj{"brokerId": id, "brokerEpoch": epoch}, allowed...)
}

// The partition is not the broker's.
func contactAlterPartition(x *talk) {
	id, epoch, allowed := x.registeredOr(kmsg.InvalidRequest)
	t := x.topic()
	x.ask(obj{"brokerId": id, "brokerEpoch": epoch, "topics": list{obj{"topicName": t.name, "topicId": t.id, "partitions": list{obj{
		"partitionIndex": 0, "leaderEpoch": 0, "newIsr": list{self}, "partitionEpoch": 0,
		"newIsrWithEpochs": list{obj{"brokerId": self, "brokerEpoch": -1}}}}}}}, allowed...)
}

func contactAssignReplicasToDirs(x *talk) {
	id, epoch := x.registered()
	t := x.topic()
	x.ask(obj{"brokerId": id, "brokerEpoch": epoch, "directories": list{obj{"id": kbin.UUID{15: 200}, "topics": list{obj{
		"topicId": t.id, "partitions": list{obj{"partitionIndex": 0}}}}}}}, kmsg.NotLeaderOrFollower)
}

func (x *talk) controllerRegistration(id int) obj {
	x.Helper()
	return obj{"controllerId": id, "incarnationId": kbin.UUID{0: 2, 15: byte(id)}, "zkMigrationReady": false,
		"listeners": list{obj{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1, "securityProtocol": 0}},
		"features":  x.features().ranges()}
}

func contactControllerRegistration(x *talk) {
	x.hollow = true
	x.ask(x.controllerRegistration(ghost))
}

func contactUnregisterController(x *talk) {
	x.hollow = true
	x.toController(kmsg.KeyControllerRegistration, x.controllerRegistration(ghost+1))
	x.ask(obj{"controllerId": ghost + 1})
}

// An envelope holds what a broker passes on for its client.
func contactEnvelope(x *talk) {
	if x.rig.zooKeeper() {
		x.skip("with ZooKeeper the broker hangs up on it")
		return
	}
	inner, err := request(x.rig.protocol, kmsg.KeyIncrementalAlterConfigs, 1, x.retention(x.topic().name))
	if err != nil {
		x.Fatal(err)
	}
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 5, ClientID: kbin.Str("inner")}, inner)
	if err != nil {
		x.Fatal(err)
	}
	principal := kmsg.NewDefaultPrincipalData()
	principal.Type, principal.Name = "User", "ANONYMOUS"
	resp := x.ask(obj{"requestData": frame[4:], "requestPrincipal": principal.AppendTo([]byte{0, 0}), "clientHostAddress": []byte{127, 0, 0, 1}})
	answer, err := rawconn.Decode(resp.(*kmsg.EnvelopeResponse).ResponseData, inner)
	if err != nil {
		x.Fatal(err)
	}
	if codes := rawconn.ErrorCodes(answer); len(codes) > 0 || !tells(answer) {
		x.Errorf("got %s in the envelope", answer)
	}
}
