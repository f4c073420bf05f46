package broker

import (
	"github.com/franzi-kafka/franzi/kmsg"
)

// An api is one that the model serves.
type api struct {
	key    kmsg.APIKey
	fresh  func() kmsg.Request
	handle func(*Cluster, *call)
}

// serves makes an entry of the table.
func serves[R kmsg.Request](key kmsg.APIKey, fresh func() R, handle func(*Cluster, *call, R)) api {
	return api{
		key:    key,
		fresh:  func() kmsg.Request { return fresh() },
		handle: func(c *Cluster, x *call) { handle(c, x, x.req.(R)) },
	}
}

// apis has what the model serves, by key. An API that is not here is one that the brokers lack.
var apis [apiCount]api

const apiCount = kmsg.KeyUnregisterController + 1

func init() {
	for _, a := range []api{
		serves(kmsg.KeyProduce, kmsg.NewProduceRequest, (*Cluster).produce),
		serves(kmsg.KeyFetch, kmsg.NewFetchRequest, (*Cluster).fetch),
		serves(kmsg.KeyMetadata, kmsg.NewMetadataRequest, (*Cluster).metadata),
		serves(kmsg.KeySASLHandshake, kmsg.NewSASLHandshakeRequest, (*Cluster).saslHandshake),
		serves(kmsg.KeySASLAuthenticate, kmsg.NewSASLAuthenticateRequest, (*Cluster).saslAuthenticate),
		serves(kmsg.KeyAPIVersions, kmsg.NewAPIVersionsRequest, (*Cluster).apiVersionsRequest),
		serves(kmsg.KeyListOffsets, kmsg.NewListOffsetsRequest, (*Cluster).listOffsets),
		serves(kmsg.KeyFindCoordinator, kmsg.NewFindCoordinatorRequest, (*Cluster).findCoordinator),
		serves(kmsg.KeyListGroups, kmsg.NewListGroupsRequest, (*Cluster).listGroups),
		serves(kmsg.KeyCreateTopics, kmsg.NewCreateTopicsRequest, (*Cluster).createTopics),
		serves(kmsg.KeyDeleteTopics, kmsg.NewDeleteTopicsRequest, (*Cluster).deleteTopics),
		serves(kmsg.KeyDeleteRecords, kmsg.NewDeleteRecordsRequest, (*Cluster).deleteRecords),
		serves(kmsg.KeyInitProducerID, kmsg.NewInitProducerIDRequest, (*Cluster).initProducerID),
		serves(kmsg.KeyOffsetForLeaderEpoch, kmsg.NewOffsetForLeaderEpochRequest, (*Cluster).offsetForLeaderEpoch),
		serves(kmsg.KeyDescribeConfigs, kmsg.NewDescribeConfigsRequest, (*Cluster).describeConfigs),
		serves(kmsg.KeyAlterConfigs, kmsg.NewAlterConfigsRequest, (*Cluster).alterConfigs),
		serves(kmsg.KeyCreatePartitions, kmsg.NewCreatePartitionsRequest, (*Cluster).createPartitions),
		serves(kmsg.KeyIncrementalAlterConfigs, kmsg.NewIncrementalAlterConfigsRequest, (*Cluster).incrementalAlterConfigs),
		serves(kmsg.KeyDescribeCluster, kmsg.NewDescribeClusterRequest, (*Cluster).describeCluster),
		serves(kmsg.KeyDescribeTopicPartitions, kmsg.NewDescribeTopicPartitionsRequest, (*Cluster).describeTopicPartitions),
	} {
		apis[a.key] = a
	}
}

func findAPI(key kmsg.APIKey) *api {
	if key < 0 || int(key) >= len(apis) || apis[key].handle == nil {
		return nil
	}
	return &apis[key]
}

// versions are those of an API that brokers serve, and what they say that they do.
type versions struct {
	min, max, stated int16
	ok               bool
}

func (v versions) has(version int16) bool { return v.ok && version >= v.min && version <= v.max }

// servedAPIs tells which versions of what the brokers serve.
func (c *Cluster) servedAPIs() (served [apiCount]versions) {
	for key := range apis {
		key := kmsg.APIKey(key)
		r, ok := c.release.Broker(key)
		if findAPI(key) == nil || !ok {
			continue
		}
		served[key] = versions{r.Min, r.Max, r.Min, true}
	}
	if c.since("4.0") {
		// For the sake of old clients, which believe that produce requests of version 0
		// serve compression (KAFKA-18659).
		served[kmsg.KeyProduce].stated = 0
	}
	if c.zooKeeper {
		served[kmsg.KeyDescribeTopicPartitions].ok = false
	}
	if !c.is("0.9.0") {
		served[kmsg.KeyListGroups].ok = false
	}
	c.cfg.Personality.limit(&served)
	return served
}

// refuseVersion answers a request of an API or a version that the brokers lack.
func (c *Cluster) refuseVersion(x *call) {
	if x.key == kmsg.KeyAPIVersions && c.apiVersions {
		resp := kmsg.NewAPIVersionsResponse()
		resp.ErrorCode = kmsg.UnsupportedVersion
		if c.since("2.4") { // KIP-511
			v := c.served[kmsg.KeyAPIVersions]
			resp.APIKeys = []kmsg.APIVersionsResponseAPIVersion{{APIKey: int16(x.key), MinVersion: v.stated, MaxVersion: v.max}}
		}
		x.conn.current = x
		c.answer(x, resp)
		return
	}
	if c.is("0.9.0") {
		x.conn.current = x // it fails inside, and never answers
		return
	}
	c.hangUp(x.conn, false)
}
