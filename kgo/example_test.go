package kgo_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// exampleCluster starts a cluster in memory, for an example.
func exampleCluster(opts ...ktest.Option) *ktest.Cluster {
	cluster, err := ktest.Start(opts...)
	if err != nil {
		panic(err)
	}
	return cluster
}

// exampleClient starts a cluster in memory and makes a client of it. Stop ends both.
func exampleClient(opts ...ktest.Option) (client *kgo.Client, stop func()) {
	cluster := exampleCluster(opts...)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		panic(err)
	}
	return client, func() {
		client.Close()
		cluster.Close()
	}
}

// A client of a cluster in memory, as tests have it: a topic is created and looked at.
func Example() {
	cluster, err := ktest.Start(ktest.Brokers(3))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx := context.Background()
	admin := client.Admin()
	if err := admin.CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: 12, ReplicationFactor: 3}); err != nil {
		panic(err)
	}
	topics, err := admin.DescribeTopics(ctx, "orders")
	if err != nil {
		panic(err)
	}
	fmt.Println(topics[0].Name, "has", len(topics[0].Partitions), "partitions")
	// Output: orders has 12 partitions
}

func ExampleNewClient() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers("kafka-1.example.com:9092", "kafka-2.example.com:9092"),
		kgo.ClientID("billing"),
		kgo.Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))),
	)
	if err != nil {
		panic(err)
	}
	fmt.Println(client.Close())
	// Output: <nil>
}

// All mistakes in the options are reported at once.
func ExampleNewClient_mistakes() {
	_, err := kgo.NewClient(kgo.SeedBrokers("kafka://example.com"), kgo.DialTimeout(-1), kgo.MaxVersions("2.99"))
	fmt.Println(strings.Count(err.Error(), "\n")+1, "mistakes")
	// Output: 4 mistakes
}

func ExampleSeedBrokers() {
	// One address is enough; the port is 9092 if it is left out, and a list may come from a file.
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split("kafka-1.example.com, kafka-2.example.com:9093", ",")...))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	// Output:
}

func ExampleTLS() {
	cluster := exampleCluster(ktest.SelfSigned())
	defer cluster.Close()
	config := &tls.Config{
		RootCAs: cluster.ClientTLS().RootCAs, // nil for those of the system
		// Certificates or GetClientCertificate have the client's own, if brokers ask for one.
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext), kgo.TLS(config))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}

func ExampleSASL() {
	cluster := exampleCluster(ktest.SASL("SCRAM-SHA-512"), ktest.User("alice", "secret"))
	defer cluster.Close()
	connect := func(password string) error {
		mechanism := &sasl.ScramSHA512{Credentials: sasl.Password("alice", password)}
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext), kgo.SASL(mechanism))
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Ping(context.Background())
	}
	fmt.Println(connect("secret"))
	fmt.Println(errors.Is(connect("guessed"), kmsg.SASLAuthenticationFailed))
	// Output:
	// <nil>
	// true
}

// A dialer of one's own gets the address that a broker advertises: to go through a proxy, or to a
// cluster in memory.
func ExampleDialer() {
	cluster := exampleCluster()
	defer cluster.Close()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.Addrs()...),
		kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			fmt.Println("to", addr)
			return cluster.DialContext(ctx, network, addr)
		}),
	)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
	// Output:
	// to broker1:9092
	// <nil>
}

// Brokers behind forwarded ports advertise names that do not resolve here.
func ExampleAddressMap() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers("localhost:30001"),
		kgo.AddressMap(func(b kgo.BrokerInfo) string {
			if b.ID < 0 {
				return "" // a seed is where it says
			}
			return fmt.Sprintf("localhost:%d", 30000+b.ID)
		}),
	)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	// Output:
}

// Timeouts and pauses, for brokers that are far away.
func ExampleCallTimeout() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers("kafka.example.com:9092"),
		kgo.CallTimeout(2*time.Minute),                   // for calls whose context has no deadline
		kgo.RequestTimeout(45*time.Second),               // for one answer of one broker
		kgo.DialTimeout(20*time.Second),                  // for one connection
		kgo.Backoff(200*time.Millisecond, 5*time.Second), // between attempts
		kgo.Retries(10), // after the first
	)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	// Output:
}

// When connections and what is known of the cluster are given up.
func ExampleMetadataMaxAge() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers("kafka.example.com:9092"),
		kgo.MetadataMaxAge(time.Minute),
		kgo.RebootstrapAfter(2*time.Minute),
		kgo.IdleTimeout(3*time.Minute),
		kgo.MaxFrameBytes(64<<20),
	)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	// Output:
}

// A client that tells brokers what it is part of, and speaks as a client of Kafka 2.8 does.
func ExampleMaxVersions() {
	cluster := exampleCluster(ktest.SeedTopic("orders", 1))
	defer cluster.Close()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext),
		kgo.MaxVersions("2.8"), kgo.SoftwareNameAndVersion("billing", "1.4.0"),
	)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	resp, err := kgo.Do(context.Background(), client, kmsg.NewMetadataRequest())
	if err != nil {
		panic(err)
	}
	fmt.Println("Metadata", resp.Version)
	// Output: Metadata 11
}

// Versions that Kafka has not finished are for brokers with unstable.api.versions.enable.
func ExampleUnstableVersions() {
	client, err := kgo.NewClient(kgo.SeedBrokers("test.example.com:9092"), kgo.UnstableVersions())
	if err != nil {
		panic(err)
	}
	defer client.Close()
	// Output:
}

// Producing to a topic creates it, if brokers allow that too.
func ExampleAllowAutoTopicCreation() {
	cluster := exampleCluster(ktest.AutoCreate())
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext), kgo.AllowAutoTopicCreation())
	if err != nil {
		panic(err)
	}
	defer client.Close()
	producer, err := client.NewProducer()
	if err != nil {
		panic(err)
	}
	if _, err := producer.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Value: []byte("v")}); err != nil {
		panic(err)
	}
	fmt.Println(cluster.Topics())
	// Output: [orders]
}

// Hooks feed metrics: here, how often which API was used.
func ExampleHooks() {
	cluster := exampleCluster(ktest.SeedTopic("orders", 1))
	defer cluster.Close()
	requests := make(chan kgo.RequestEvent, 100)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext),
		kgo.Hooks(kgo.Hook{
			OnRequest:  func(e kgo.RequestEvent) { requests <- e },
			OnThrottle: func(e kgo.ThrottleEvent) { fmt.Println("held back for", e.For) },
		}),
	)
	if err != nil {
		panic(err)
	}
	if err := client.Ping(context.Background()); err != nil {
		panic(err)
	}
	client.Close()
	close(requests)
	count := map[kmsg.APIKey]int{}
	for e := range requests {
		count[e.API]++
	}
	fmt.Println(count)
	// Output: map[Metadata:1]
}

// Any request of Kafka's protocol goes where it belongs.
func ExampleDo() {
	client, stop := exampleClient(ktest.Brokers(3), ktest.SeedTopic("orders", 3))
	defer stop()

	req := kmsg.NewListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Name = "orders"
	for n := range int32(3) { // partitions of three brokers
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex, p.Timestamp = n, kmsg.TimestampLatest
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := kgo.Do(context.Background(), client, req)
	if err != nil {
		panic(err)
	}
	for _, p := range resp.Topics[0].Partitions {
		fmt.Println(p.PartitionIndex, p.Offset)
	}
	// Output:
	// 0 0
	// 1 0
	// 2 0
}

// Parts that failed are joined errors, beside an answer that has the others.
func ExampleDo_parts() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()

	req := kmsg.NewMetadataRequest()
	req.AllowAutoTopicCreation = false
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}, {Name: kbin.Str("nowhere")}}
	resp, err := kgo.Do(context.Background(), client, req)
	fmt.Println(len(resp.Topics), errors.Is(err, kmsg.UnknownTopicOrPartition))
	if e, ok := errors.AsType[*kgo.Error](err); ok {
		fmt.Println(e.Op, e.Topic, e.Code.Name(), e.Written)
	}
	// Output:
	// 2 true
	// Metadata nowhere UNKNOWN_TOPIC_OR_PARTITION yes
}

func ExampleToBroker() {
	client, stop := exampleClient(ktest.Brokers(3))
	defer stop()
	// Each broker has its own view of the cluster.
	resp, err := kgo.Do(context.Background(), client, kmsg.NewMetadataRequest(), kgo.ToBroker(2), kgo.WithoutRetry())
	if err != nil {
		panic(err)
	}
	fmt.Println(len(resp.Brokers), "brokers")
	// Output: 3 brokers
}

func ExampleAtVersion() {
	client, stop := exampleClient(ktest.Version("2.8"))
	defer stop()
	_, err := kgo.Do(context.Background(), client, kmsg.NewMetadataRequest(), kgo.AtVersion(12))
	if u, ok := errors.AsType[*kgo.UnsupportedError](err); ok {
		fmt.Println(u.API, "up to", u.Offered.Max)
	}
	// Output: Metadata up to 11
}

// A request whose type is not known before it is there, in a proxy for example.
func ExampleClient_Request() {
	client, stop := exampleClient()
	defer stop()
	var req kmsg.Request = kmsg.NewDescribeClusterRequest()
	resp, err := client.Request(context.Background(), req)
	if err != nil {
		panic(err)
	}
	fmt.Println(resp.APIKey())
	// Output: DescribeCluster
}

// At the low level a request goes as it is, to one broker, once.
func ExampleClient_Broker() {
	client, stop := exampleClient(ktest.Brokers(2))
	defer stop()
	ctx := context.Background()
	if err := client.Ping(ctx); err != nil { // so that brokers are known
		panic(err)
	}
	req := kmsg.NewMetadataRequest()
	req.Version = 5
	resp, err := client.Broker(2).Request(ctx, req)
	if err != nil {
		panic(err)
	}
	fmt.Println(resp.APIVersion())
	// Output: 5
}

func ExampleClient_Ping() {
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no way there")
	}))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(client.Ping(context.Background()))
	// Output: kgo: Metadata at localhost:9092: dialing: localhost:9092: no way there
}

func ExampleClient_Shutdown() {
	client, stop := exampleClient()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(client.Shutdown(ctx))
	fmt.Println(errors.Is(client.Ping(ctx), kgo.ErrClosed))
	// Output:
	// <nil>
	// true
}

func ExampleClient_Metadata() {
	client, stop := exampleClient(ktest.Brokers(3), ktest.SeedTopic("orders", 6))
	defer stop()
	if err := client.RefreshMetadata(context.Background(), "orders"); err != nil {
		panic(err)
	}
	known := client.Metadata()
	if _, ok := known.Controller(); ok && known.ClusterID() != "" {
		fmt.Println(len(known.Brokers()), "brokers,", len(known.Topics()), "topic")
	}
	if topic, ok := known.Topic("orders"); ok && topic.Err == kmsg.None {
		fmt.Println(topic.Name, "has", len(topic.Partitions), "partitions")
	}
	if leader, ok := known.Leader("orders", 0); ok {
		b, _ := known.Broker(leader.ID)
		fmt.Println(b == leader)
	}
	// Output:
	// 3 brokers, 1 topic
	// orders has 6 partitions
	// true
}

// Addresses that come from somewhere else, when they change.
func ExampleClient_UpdateSeeds() {
	client, stop := exampleClient()
	defer stop()
	fmt.Println(client.UpdateSeeds("kafka-7.example.com", "kafka-8.example.com"))
	// Output: <nil>
}

// What brokers serve, once there is a connection to them.
func ExampleClient_Versions() {
	client, stop := exampleClient(ktest.Version("3.9"))
	defer stop()
	if _, err := kgo.Do(context.Background(), client, kmsg.NewMetadataRequest(), kgo.ToBroker(1)); err != nil {
		panic(err)
	}
	for _, v := range client.Versions(1) {
		if v.Key == kmsg.KeyMetadata {
			fmt.Println(v.Key, v.Min, v.Max)
		}
	}
	fmt.Println(client.Features(1)["metadata.version"] > 0)
	// Output:
	// Metadata 0 12
	// true
}

func ExampleClient_Stats() {
	client, stop := exampleClient()
	defer stop()
	if err := client.Ping(context.Background()); err != nil {
		panic(err)
	}
	for _, b := range client.Stats().Brokers {
		fmt.Println(b.Addr, b.Connections, b.Failed, b.BytesIn > 0)
	}
	// Output: broker1:9092 1 0 true
}

func ExampleError() {
	client, stop := exampleClient(ktest.SeedTopic("orders", 1))
	defer stop()
	err := client.Admin().CreateTopic(context.Background(), kgo.NewTopic{Name: "orders", Partitions: 1, ReplicationFactor: 1})
	if errors.Is(err, kmsg.TopicAlreadyExists) {
		fmt.Println("it is there already")
	}
	if e, ok := errors.AsType[*kgo.Error](err); ok {
		fmt.Println(e.Op, e.Topic, e.Broker, e.Code.Name(), e.Retriable)
	}
	// Output:
	// it is there already
	// CreateTopics orders 1 TOPIC_ALREADY_EXISTS false
}

func ExampleUnsupportedError() {
	client, stop := exampleClient(ktest.Version("0.10.0"))
	defer stop()
	err := client.Admin().CreateTopic(context.Background(), kgo.NewTopic{Name: "orders", Partitions: 1, ReplicationFactor: 1})
	if u, ok := errors.AsType[*kgo.UnsupportedError](err); ok {
		fmt.Println(u.API, "is missing:", u.HasNone)
	}
	// Output: CreateTopics is missing: true
}
