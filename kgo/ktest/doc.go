// Package ktest is a Kafka cluster in memory, for tests and demonstrations.
//
//	func TestOrders(t *testing.T) {
//		cluster := ktest.NewCluster(t, ktest.Brokers(3), ktest.SeedTopic("orders", 12))
//		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
//		...
//	}
//
// It speaks Kafka's protocol, every version of what it has, over connections in memory, which
// work in the virtual time of testing/synctest, or over sockets, see [Listen]. A program uses
// [Start]; package testing does not come along.
//
// [Version] lets its brokers be of any release from 0.8.2 on: they then serve the versions that
// that release serves, and say to others what it says. Clusters are the same from run to run,
// see [Seed].
//
// Things go wrong on demand. Whole brokers do by [Cluster.Kill], [Cluster.Pause],
// [Cluster.MoveLeader] and their like, single requests by rules:
//
//	cluster.Fault(ktest.On(kmsg.KeyProduce).Broker(2).Nth(3), ktest.Answer(kmsg.NotLeaderOrFollower))
//
// What came of it can be seen: [Cluster.Log] has the records of a partition,
// [Cluster.Requests] counts requests, [Cluster.Wait] waits until something holds.
//
// It is no Kafka: it has no disk, no authorization and no quotas, and only the APIs that
// ApiVersions lists. To a request of another one it says what a broker says that lacks it.
package ktest
