package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// exampleRecords starts a cluster with a topic orders of one partition, which has three records, a
// second apart, and makes a client of it.
func exampleRecords(first time.Time) (client *kgo.Client, stop func()) {
	cluster := exampleCluster(ktest.SeedTopic("orders", 1))
	for n := range 3 {
		if _, err := cluster.Produce("orders", 0, ktest.Record{Timestamp: first.Add(time.Duration(n) * time.Second), Value: []byte("v")}); err != nil {
			panic(err)
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		panic(err)
	}
	return client, func() {
		client.Close()
		cluster.Close()
	}
}

func ExampleClient_Admin() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 3), ktest.SeedTopic("payments", 1))
	defer stop()
	topics, err := client.Admin().ListTopics(context.Background())
	if err != nil {
		panic(err)
	}
	for _, t := range topics {
		fmt.Println(t.Name, len(t.Partitions))
	}
	// Output:
	// orders 3
	// payments 1
}

func ExampleAdmin_CreateTopic() {
	client, stop := exampleClient(ktest.Brokers(3))
	defer stop()
	fmt.Println(client.Admin().CreateTopic(context.Background(), kgo.NewTopic{
		Name: "orders", Partitions: 12, ReplicationFactor: 3,
		Configs: map[string]string{"retention.ms": "604800000", "min.insync.replicas": "2"},
	}))
	// Output: <nil>
}

// Each topic has an outcome of its own.
func ExampleAdmin_CreateTopics() {
	client, stop := exampleClient(ktest.Brokers(3), ktest.SeedTopic("payments", 1))
	defer stop()
	created, err := client.Admin().CreateTopics(context.Background(), []kgo.NewTopic{
		{Name: "orders"}, // as the brokers think best
		{Name: "payments"},
		{Name: "audit", Assignment: [][]int32{{1, 2}, {2, 3}}},
	})
	if err != nil && created == nil {
		panic(err)
	}
	for _, t := range created {
		switch {
		case errors.Is(t.Err, kmsg.TopicAlreadyExists):
			fmt.Println(t.Name, "was there")
		case t.Err != nil:
			fmt.Println(t.Name, t.Err)
		default:
			fmt.Println(t.Name, t.Partitions, t.ReplicationFactor)
		}
	}
	// Output:
	// orders 1 1
	// payments was there
	// audit 2 2
}

func ExampleValidateOnly() {
	client, stop := exampleClient()
	defer stop()
	admin, ctx := client.Admin(), context.Background()
	err := admin.CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: 1, ReplicationFactor: 3}, kgo.ValidateOnly())
	fmt.Println(errors.Is(err, kmsg.InvalidReplicationFactor))
	// Output: true
}

func ExampleAdmin_DeleteTopics() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	deleted, err := client.Admin().DeleteTopics(context.Background(), "orders", "nowhere")
	fmt.Println(deleted[0].Name, deleted[0].Err)
	fmt.Println(errors.Is(err, kmsg.UnknownTopicOrPartition))
	// Output:
	// orders <nil>
	// true
}

// A topic that was described is deleted, and none that somebody creates meanwhile under its name.
func ExampleAdmin_DeleteTopicsByID() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	admin, ctx := client.Admin(), context.Background()
	topics, err := admin.DescribeTopics(ctx, "orders")
	if err != nil {
		panic(err)
	}
	_, err = admin.DeleteTopicsByID(ctx, topics[0].ID)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAdmin_CreatePartitions() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 3))
	defer stop()
	_, err := client.Admin().CreatePartitions(context.Background(), []kgo.NewPartitions{{Topic: "orders", Count: 6}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAdmin_DescribeTopics() {
	client, stop := exampleClient(ktest.Brokers(3), ktest.SeedTopic("orders", 1))
	defer stop()
	topics, err := client.Admin().DescribeTopics(context.Background(), "orders")
	if err != nil {
		panic(err)
	}
	for _, p := range topics[0].Partitions {
		fmt.Println(p.Partition, len(p.Replicas), "replicas,", len(p.ISR), "in sync")
	}
	// Output: 0 3 replicas, 3 in sync
}

func ExampleAdmin_DescribeTopicsByID() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	admin, ctx := client.Admin(), context.Background()
	all, err := admin.ListTopics(ctx)
	if err != nil {
		panic(err)
	}
	topics, err := admin.DescribeTopicsByID(ctx, all[0].ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(topics[0].Name)
	// Output: orders
}

func ExampleAdmin_DescribeConfigs() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1, ktest.Config("retention.ms", "3600000")))
	defer stop()
	all, err := client.Admin().DescribeConfigs(context.Background(), []kgo.ConfigResource{
		{Type: kmsg.ConfigResourceTopic, Name: "orders"},
		{Type: kmsg.ConfigResourceBroker, Name: "1"},
	})
	if err != nil {
		panic(err)
	}
	if c, ok := all[0].Get("retention.ms"); ok {
		fmt.Println(c.Value.S, c.Source)
	}
	// Output: 3600000 DynamicTopic
}

func ExampleConfigKeys() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	orders := kgo.ConfigResource{Type: kmsg.ConfigResourceTopic, Name: "orders"}
	all, err := client.Admin().DescribeConfigs(context.Background(), []kgo.ConfigResource{orders}, kgo.ConfigKeys("cleanup.policy", "segment.bytes"), kgo.ConfigDocs())
	if err != nil {
		panic(err)
	}
	for _, c := range all[0].Configs {
		fmt.Println(c.Name, c.Value.S, c.Type)
	}
	// Output:
	// cleanup.policy delete List
	// segment.bytes 1073741824 Int
}

func ExampleAdmin_AlterConfigs() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	_, err := client.Admin().AlterConfigs(context.Background(), []kgo.ConfigChange{{
		Resource: kgo.ConfigResource{Type: kmsg.ConfigResourceTopic, Name: "orders"},
		Set:      map[string]string{"retention.ms": "86400000"},
		Append:   map[string]string{"cleanup.policy": "compact"},
		Delete:   []string{"flush.ms"},
	}, {
		Resource: kgo.ConfigResource{Type: kmsg.ConfigResourceBroker}, // all brokers
		Set:      map[string]string{"log.retention.ms": "604800000"},
	}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAdmin_ListConfigResources() {
	client, stop := exampleClient(ktest.Version("3.9"))
	defer stop()
	_, err := client.Admin().ListConfigResources(context.Background(), kmsg.ConfigResourceGroup)
	fmt.Println(errors.Is(err, kmsg.UnsupportedVersion))
	// Output: true
}

func ExampleAdmin_ListOffsets() {
	first := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	client, stop := exampleRecords(first)
	defer stop()
	admin, ctx := client.Admin(), context.Background()
	show := func(at kmsg.ListOffsetsTimestamp, opts ...kgo.OffsetOption) {
		offsets, err := admin.ListOffsets(ctx, at, map[string][]int32{"orders": nil}, opts...)
		if err != nil {
			panic(err)
		}
		for _, o := range offsets {
			fmt.Println(o.Topic, o.Partition, o.Offset)
		}
	}
	show(kmsg.TimestampEarliest)
	show(kmsg.TimestampLatest, kgo.LastStable())
	show(kgo.TimestampOf(first.Add(time.Second)))
	// Output:
	// orders 0 0
	// orders 0 3
	// orders 0 1
}

func ExampleAdmin_DeleteRecords() {
	client, stop := exampleRecords(time.Now())
	defer stop()
	deleted, err := client.Admin().DeleteRecords(context.Background(), []kgo.RecordsToDelete{{Topic: "orders", Partition: 0, Before: 2}})
	if err != nil {
		panic(err)
	}
	fmt.Println("the first record is", deleted[0].LowWatermark)
	// Output: the first record is 2
}

func ExampleAdmin_DescribeCluster() {
	client, stop := exampleClient(ktest.Brokers(3), ktest.Racks("a", "b", "c"))
	defer stop()
	cluster, err := client.Admin().DescribeCluster(context.Background())
	if err != nil {
		panic(err)
	}
	for _, b := range cluster.Brokers {
		fmt.Println(b.ID, b.Addr, b.Rack, b.Fenced)
	}
	// Output:
	// 1 broker1:9092 a false
	// 2 broker2:9092 b false
	// 3 broker3:9092 c false
}

func ExampleAdmin_DescribeFeatures() {
	client, stop := exampleClient()
	defer stop()
	features, err := client.Admin().DescribeFeatures(context.Background())
	if err != nil {
		panic(err)
	}
	for _, f := range features {
		if f.Name == "metadata.version" {
			fmt.Println(f.Name, f.Level > 0, f.Level <= f.Supported.Max)
		}
	}
	// Output: metadata.version true true
}

// A cluster whose brokers are all upgraded gets the features of the new release.
func ExampleAdmin_UpdateFeatures() {
	client, stop := exampleClient(ktest.Version("2.6"))
	defer stop()
	err := client.Admin().UpdateFeatures(context.Background(), []kgo.FeatureUpdate{{Name: "transaction.version", Level: 2}}, kgo.ValidateOnly())
	fmt.Println(errors.Is(err, kmsg.UnsupportedVersion)) // brokers that old have none
	// Output: true
}

func ExampleAdmin_DescribeQuorum() {
	client, stop := exampleClient(ktest.Version("2.8"))
	defer stop()
	_, err := client.Admin().DescribeQuorum(context.Background())
	if errors.Is(err, kmsg.UnsupportedVersion) {
		fmt.Println("this cluster is run with ZooKeeper")
	}
	// Output: this cluster is run with ZooKeeper
}
