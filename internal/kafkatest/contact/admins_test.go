//go:build kafka

package contact

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What administrators send; a controller serves most of it too.

func contactAPIVersions(x *talk) {
	x.ask(obj{"clientSoftwareName": "franzi", "clientSoftwareVersion": "1"})
}

func contactCreateTopics(x *talk) {
	x.ask(obj{"timeoutMs": timeout, "topics": list{obj{"name": x.rig.name("topic"), "numPartitions": 1, "replicationFactor": 1,
		"assignments": list{}, "configs": list{obj{"name": "cleanup.policy", "value": "compact"}}}}})
}

func contactDeleteTopics(x *talk) {
	name := x.topic().name
	x.ask(obj{"timeoutMs": timeout, "topicNames": list{name}, "topics": list{obj{"name": name}}})
}

func contactCreatePartitions(x *talk) {
	x.ask(obj{"timeoutMs": timeout, "topics": list{obj{"name": x.topic().name, "count": 2, "assignments": nil}}})
}

func contactDeleteRecords(x *talk) {
	x.ask(obj{"timeoutMs": timeout, "topics": list{obj{"name": x.filled().name, "partitions": list{obj{
		"partitionIndex": 0, "offset": 2}}}}})
}

func contactDescribeConfigs(x *talk) {
	x.ask(obj{"includeSynonyms": true, "includeDocumentation": true, "resources": list{
		obj{"resourceType": kmsg.ConfigResourceTopic, "resourceName": x.topic().name, "configurationKeys": nil},
		obj{"resourceType": kmsg.ConfigResourceBroker, "resourceName": "1", "configurationKeys": nil}}})
}

func contactAlterConfigs(x *talk) {
	x.ask(obj{"resources": list{obj{"resourceType": kmsg.ConfigResourceTopic, "resourceName": x.topic().name,
		"configs": list{obj{"name": "retention.ms", "value": "3600000"}}}}})
}

func contactIncrementalAlterConfigs(x *talk) {
	x.ask(x.retention(x.topic().name))
}

func (x *talk) retention(topic string) obj {
	return obj{"resources": list{obj{"resourceType": kmsg.ConfigResourceTopic, "resourceName": topic,
		"configs": list{obj{"name": "retention.ms", "configOperation": kmsg.ConfigOperationSet, "value": "3600000"}}}}}
}

func contactListConfigResources(x *talk) {
	name := x.rig.name("metrics")
	x.prepare(kmsg.KeyIncrementalAlterConfigs, obj{"resources": list{obj{"resourceType": kmsg.ConfigResourceClientMetrics,
		"resourceName": name, "configs": list{obj{"name": "interval.ms", "configOperation": kmsg.ConfigOperationSet, "value": "30000"}}}}})
	x.until(func() bool {
		resp := x.ask(obj{"resourceTypes": list{}}).(*kmsg.ListConfigResourcesResponse)
		return slices.ContainsFunc(resp.ConfigResources, func(r kmsg.ListConfigResourcesResponseConfigResource) bool { return r.ResourceName == name })
	})
}

// acl is a binding, or a filter that finds it.
func acl(topic string) obj {
	return obj{
		"resourceType": kmsg.ACLResourceTopic, "resourceTypeFilter": kmsg.ACLResourceTopic,
		"resourceName": topic, "resourceNameFilter": topic,
		"resourcePatternType": kmsg.ACLPatternLiteral, "patternTypeFilter": kmsg.ACLPatternLiteral,
		"principal": "User:alice", "principalFilter": "User:alice",
		"host": "*", "hostFilter": "*",
		"operation": kmsg.ACLOperationRead, "permissionType": kmsg.ACLPermissionAllow,
	}
}

func binding(topic string) obj {
	return only(acl(topic), "resourceType", "resourceName", "resourcePatternType", "principal", "host", "operation", "permissionType")
}

func filter(topic string) obj {
	return only(acl(topic), "resourceTypeFilter", "resourceNameFilter", "patternTypeFilter", "principalFilter", "hostFilter", "operation", "permissionType")
}

func contactCreateACLs(x *talk) {
	x.ask(obj{"creations": list{binding(x.rig.name("topic"))}})
}

func contactDescribeACLs(x *talk) {
	name := x.rig.name("topic")
	x.prepare(kmsg.KeyCreateACLs, obj{"creations": list{binding(name)}})
	x.until(func() bool {
		return len(x.ask(filter(name)).(*kmsg.DescribeACLsResponse).Resources) == 1
	})
}

func contactDeleteACLs(x *talk) {
	name := x.rig.name("topic")
	x.prepare(kmsg.KeyCreateACLs, obj{"creations": list{binding(name)}})
	x.until(func() bool {
		resp := x.ask(obj{"filters": list{filter(name)}})
		return len(resp.(*kmsg.DeleteACLsResponse).FilterResults[0].MatchingACLs) == 1
	})
}

func contactAlterReplicaLogDirs(x *talk) {
	x.ask(obj{"dirs": list{obj{"path": x.rig.cluster.Node(1).DataDir(), "topics": list{obj{
		"name": x.topic().name, "partitions": list{0}}}}}})
}

func contactDescribeLogDirs(x *talk) {
	x.topic()
	x.ask(obj{"topics": nil})
}

func contactElectLeaders(x *talk) {
	x.ask(obj{"electionType": kmsg.ElectionPreferred, "timeoutMs": timeout, "topicPartitions": list{obj{
		"topic": x.topic().name, "partitions": list{0}}}}, kmsg.ElectionNotNeeded)
}

func contactAlterPartitionReassignments(x *talk) {
	x.ask(obj{"timeoutMs": timeout, "topics": list{obj{"name": x.topic().name, "partitions": list{obj{
		"partitionIndex": 0, "replicas": list{1}}}}}})
}

func contactListPartitionReassignments(x *talk) {
	x.hollow = true // one broker has nowhere to reassign to
	x.ask(obj{"timeoutMs": timeout, "topics": nil})
}

func quota(user string) obj {
	return obj{"entries": list{obj{"entity": list{obj{"entityType": kmsg.QuotaEntityUser, "entityName": user}},
		"ops": list{obj{"key": "producer_byte_rate", "value": 1024, "remove": false}}}}, "validateOnly": false}
}

func contactAlterClientQuotas(x *talk) {
	x.ask(quota(x.rig.name("user")))
}

func contactDescribeClientQuotas(x *talk) {
	user := x.rig.name("user")
	x.prepare(kmsg.KeyAlterClientQuotas, quota(user))
	x.until(func() bool {
		resp := x.ask(obj{"strict": true, "components": list{obj{"entityType": kmsg.QuotaEntityUser,
			"matchType": kmsg.QuotaMatchExact, "match": user}}})
		return len(resp.(*kmsg.DescribeClientQuotasResponse).Entries) == 1
	})
}

func contactDescribeUserSCRAMCredentials(x *talk) {
	users := obj{"users": list{obj{"name": "alice"}}}
	if x.onController() {
		x.ask(users, kmsg.UnknownServerError) // which does not know: brokers do
		return
	}
	resp := x.ask(users)
	if r := resp.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results; len(r) != 1 || len(r[0].CredentialInfos) != 2 {
		x.Errorf("got no two mechanisms in %s", resp)
	}
}

func contactAlterUserSCRAMCredentials(x *talk) {
	x.ask(obj{"deletions": list{}, "upsertions": list{obj{"name": x.rig.name("user"), "mechanism": kmsg.SCRAMSHA256,
		"iterations": 4096, "salt": []byte("salt"), "saltedPassword": []byte("a salted password of 32 bytes ..")}}})
}

func contactUpdateFeatures(x *talk) {
	x.hollow = true
	if !x.rig.since("3.3") || x.rig.zooKeeper() {
		// No feature is known there.
		x.ask(obj{"timeoutMs": timeout, "featureUpdates": list{obj{"feature": "nothing", "maxVersionLevel": 1}}},
			kmsg.InvalidRequest, kmsg.InvalidUpdateVersion)
		return
	}
	level := x.features().finalized["metadata.version"]
	x.ask(obj{"timeoutMs": timeout, "validateOnly": true, "featureUpdates": list{obj{
		"feature": "metadata.version", "maxVersionLevel": level}}})
}

func contactDescribeCluster(x *talk) {
	endpoints := kmsg.EndpointBroker
	if x.onController() {
		endpoints = kmsg.EndpointController
	}
	var allowed []kmsg.ErrorCode
	if x.onController() && x.version == 0 {
		x.hollow = true // version 0 cannot ask a controller
		allowed = append(allowed, kmsg.InvalidRequest)
	}
	x.ask(obj{"includeClusterAuthorizedOperations": true, "endpointType": endpoints, "includeFencedBrokers": true}, allowed...)
}

func contactDescribeTopicPartitions(x *talk) {
	t := x.topic().name
	for _, cursor := range []any{nil, obj{"topicName": t, "partitionIndex": 0}} {
		x.ask(obj{"topics": list{obj{"name": t}}, "cursor": cursor})
	}
}

// SASL, and what needs it.

func contactSASLHandshake(x *talk) {
	if x.onController() {
		x.ask(obj{"mechanism": "PLAIN"}, kmsg.IllegalSASLState) // the listener has none
		return
	}
	x.to = x.sasl()
	x.ask(obj{"mechanism": "PLAIN"})
}

func contactSASLAuthenticate(x *talk) {
	if x.onController() {
		x.ask(plain("admin"), kmsg.IllegalSASLState)
		return
	}
	x.to = x.sasl()
	x.hollow = true // PLAIN answers nothing
	x.send(x.to, kmsg.KeySASLHandshake, 1, obj{"mechanism": "PLAIN"}, nil)
	x.ask(plain("admin"))
}

// sasl is a connection to the listener with SASL.
func (x *talk) sasl() *rawconn.Conn {
	return dial(x.T, x.rig.cluster.Listener("SASL_PLAINTEXT")[0])
}

// plain is what a user says of itself with the mechanism PLAIN.
func plain(user string) obj {
	return obj{"authBytes": fmt.Appendf(nil, "\x00%s\x00%s-secret", user, user)}
}

// login is a connection of a user.
func (x *talk) login(user string) *rawconn.Conn {
	x.Helper()
	w := x.sasl()
	x.send(w, kmsg.KeySASLHandshake, 1, obj{"mechanism": "PLAIN"}, nil)
	x.send(w, kmsg.KeySASLAuthenticate, x.rig.newest(x.T, kmsg.KeySASLAuthenticate), plain(user), nil)
	return w
}

// withToken exercises an API with a token. Only who has logged in may have one; a controller
// is told so by a broker.
func (x *talk) withToken(ask func(token *kmsg.CreateDelegationTokenResponse, allowed ...kmsg.ErrorCode)) {
	x.Helper()
	w := x.login("alice")
	resp := x.send(w, kmsg.KeyCreateDelegationToken, x.rig.newest(x.T, kmsg.KeyCreateDelegationToken), newToken, nil)
	if x.onController() {
		x.hollow = true
		ask(resp.(*kmsg.CreateDelegationTokenResponse), kmsg.DelegationTokenRequestNotAllowed, kmsg.DelegationTokenOwnerMismatch)
		return
	}
	x.to = w
	ask(resp.(*kmsg.CreateDelegationTokenResponse))
}

var newToken = obj{"ownerPrincipalType": nil, "ownerPrincipalName": nil, "renewers": list{}, "maxLifetimeMs": 3_600_000}

func contactCreateDelegationToken(x *talk) {
	x.withToken(func(_ *kmsg.CreateDelegationTokenResponse, allowed ...kmsg.ErrorCode) { x.ask(newToken, allowed...) })
}

func contactRenewDelegationToken(x *talk) {
	x.withToken(func(token *kmsg.CreateDelegationTokenResponse, allowed ...kmsg.ErrorCode) {
		x.ask(obj{"hmac": []byte(token.HMAC), "renewPeriodMs": 600_000}, allowed...)
	})
}

func contactExpireDelegationToken(x *talk) {
	x.withToken(func(token *kmsg.CreateDelegationTokenResponse, allowed ...kmsg.ErrorCode) {
		x.ask(obj{"hmac": []byte(token.HMAC), "expiryTimePeriodMs": 300_000}, allowed...)
	})
}

func contactDescribeDelegationToken(x *talk) {
	if x.onController() {
		x.hollow = true
		x.ask(obj{"owners": nil}, kmsg.UnknownServerError) // which does not know: brokers do
		return
	}
	x.withToken(func(token *kmsg.CreateDelegationTokenResponse, allowed ...kmsg.ErrorCode) {
		x.until(func() bool {
			resp := x.ask(obj{"owners": nil}, allowed...)
			return len(resp.(*kmsg.DescribeDelegationTokenResponse).Tokens) > 0
		})
	})
}
