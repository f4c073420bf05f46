package ktest

import (
	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What follows speaks Kafka's protocol and is not quite Kafka. The options are about what clients
// meet: the APIs and versions that are served, and answers that Kafka would not give. Limits,
// prices, and what operators see are left out. They are used instead of [Version].

// EventHubs makes the cluster like Azure Event Hubs: old versions of few APIs, no transactions, no
// leader epochs in metadata, hardly anything to configure.
func EventHubs() Option {
	serves := []kmsg.VersionRange{
		{Key: kmsg.KeyProduce, Max: 7}, {Key: kmsg.KeyFetch, Min: 4, Max: 6}, {Key: kmsg.KeyListOffsets, Max: 2}, {Key: kmsg.KeyMetadata, Max: 5},
		{Key: kmsg.KeyFindCoordinator, Max: 1}, {Key: kmsg.KeySASLHandshake, Max: 1}, {Key: kmsg.KeySASLAuthenticate, Max: 1},
		{Key: kmsg.KeyAPIVersions, Max: 1}, {Key: kmsg.KeyCreateTopics, Max: 2}, {Key: kmsg.KeyDeleteTopics, Max: 2},
		{Key: kmsg.KeyInitProducerID, Max: 1}, {Key: kmsg.KeyOffsetForLeaderEpoch, Max: 0}, {Key: kmsg.KeyDescribeConfigs, Max: 2},
		{Key: kmsg.KeyCreatePartitions, Max: 1},
	}
	return personality("2.2", broker.Personality{
		Serves:   serves,
		Lacks:    []kmsg.APIKey{kmsg.KeyDeleteRecords, kmsg.KeyAlterConfigs, kmsg.KeyIncrementalAlterConfigs, kmsg.KeyDescribeCluster},
		NoEpochs: true,
	})
}

// MSKServerless makes the cluster like Amazon MSK Serverless: Kafka 2.8, which refuses producer
// ids (CLUSTER_AUTHORIZATION_FAILED) to whoever is allowed topics by name and not the cluster.
func MSKServerless() Option {
	return personality("2.8", broker.Personality{NoProducerIDs: kmsg.ClusterAuthorizationFailed})
}

// Redpanda makes the cluster like Redpanda while it does not know the leaders' epochs: it has not
// the newest versions of Metadata, so that topics have no ids for clients, and none of the APIs
// that came with Kafka 3.7 and later.
func Redpanda() Option {
	return personality("3.6", broker.Personality{
		Serves:   []kmsg.VersionRange{{Key: kmsg.KeyMetadata, Max: 8}, {Key: kmsg.KeyFetch, Min: 4, Max: 12}},
		NoEpochs: true,
	})
}

// WarpStream makes the cluster like WarpStream: every broker serves every partition, and metadata
// names one of them as the leader of all, another one each time.
func WarpStream() Option { return personality("3.6", broker.Personality{AnyLeads: true}) }

// personality sets what the cluster is, and the release of Kafka that comes nearest.
func personality(release string, p broker.Personality) Option {
	return func(c *config) error {
		c.model.Version, c.model.Personality = release, p
		return nil
	}
}
