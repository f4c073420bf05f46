//go:build kafka

package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// What is produced to every release, with every codec, Java's consumer reads, and ours, with
// offsets and times as the producer was told.
func TestKafkaProduce(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		t.Run(version, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: version})
			client := kafkaClient(t, cluster)
			for _, codec := range []compress.Codec{compress.None, compress.Gzip, compress.Snappy, compress.LZ4, compress.Zstd} {
				topic := "by-us-" + codec.String()
				kafkaTopic(t, client, topic)
				values, texts := produceKafka(t, client, topic, !olderThan(version, "0.11"), kgo.Compression(codec))
				if diff := cmp.Diff(javaReads(t, cluster, topic, len(values)), values); diff != "" {
					t.Errorf("%s: Java's consumer got (-), want (+):\n%.2000s", topic, diff)
				}
				got := readText(t, client, kgo.Topics(topic), kgo.StopAtEnd())
				if olderThan(version, "0.10") { // where records have no time
					for i := range texts {
						texts[i] = strings.Join(strings.Fields(texts[i])[:3], " ")
					}
				}
				if diff := cmp.Diff(got, texts); diff != "" {
					t.Errorf("%s: our consumer got (-), want (+):\n%.2000s", topic, diff)
				}
			}
		})
	}
}

// produceKafka produces some records to a topic of one partition, and returns their values, and
// all of them as recordText has them.
func produceKafka(t *testing.T, client *kgo.Client, topic string, headers bool, opts ...kgo.ProducerOption) (values, texts []string) {
	t.Helper()
	p, err := client.NewProducer(append(opts, kgo.Partitioning(kgo.ManualPartitioner()))...) // old brokers make three partitions
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 300 {
		r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key %d", i), Value: fmt.Appendf(nil, "value %d %s", i, strings.Repeat("again ", i)), Timestamp: time.Now()}
		if i%3 == 0 {
			r.Key = nil
		}
		if headers {
			r.Headers = []kgo.Header{{Key: "h", Value: []byte("1")}, {Key: "h"}}
		}
		values = append(values, string(r.Value))
		p.Produce(ctx, r, func(md kgo.RecordMetadata, err error) {
			if err != nil || md.Partition != 0 {
				t.Errorf("%s: %+v, %v", topic, md, err)
			}
			told := *r
			told.Offset, told.Timestamp = md.Offset, md.Timestamp
			texts = append(texts, recordText(&told))
		})
		if i%50 == 49 {
			if err := p.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return values, texts
}

// javaReads returns the values of the first n records of a topic.
func javaReads(t *testing.T, cluster *kafkatest.Cluster, topic string, n int) (values []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var text string
	var err error
	if olderThan(cluster.Version(), "0.10") {
		text, err = cluster.Java(ctx, nil, "kafka.tools.ConsoleConsumer",
			"--zookeeper", cluster.ZooKeeperAddr(), "--topic", topic, "--from-beginning", "--max-messages", fmt.Sprint(n))
	} else {
		text, err = cluster.Tool(ctx, nil, "org.apache.kafka.tools.consumer.ConsoleConsumer",
			"--bootstrap-server", cluster.Addrs()[0], "--topic", topic, "--from-beginning", "--max-messages", fmt.Sprint(n))
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "value ") {
			values = append(values, strings.TrimSuffix(line, "\n"))
		}
	}
	return values
}

// Three brokers of the newest release, of which one after the other is killed or halted, or loses
// what it leads: nothing is lost, doubled or out of order.
func TestKafkaProduceThroughFaults(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true})
	client := kafkaClient(t, cluster)
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = "orders", 6, 3
	req.Topics = append(req.Topics, topic)
	if _, err := kgo.Do(t.Context(), client, req); err != nil {
		t.Fatal(err)
	}
	p, err := client.NewProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	where := map[int32][]string{} // by partition, by offset
	var failures []error
	stop := make(chan struct{})
	var sending sync.WaitGroup
	n := 0
	sending.Go(func() {
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			r := &kgo.Record{Topic: "orders", Partition: int32(n % 6), Value: valueOf(n)}
			value := string(r.Value)
			p.Produce(t.Context(), r, func(md kgo.RecordMetadata, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failures = append(failures, err)
				}
				where[md.Partition] = append(where[md.Partition], value)
			})
			if n%100 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
	for round, node := range slices.Concat(cluster.Nodes()[:3], cluster.Nodes()[:3]) {
		time.Sleep(2 * time.Second)
		if round < 3 {
			if err := errors.Join(node.Kill(), node.Start(t.Context())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := node.Pause(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if err := node.Continue(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	sending.Wait()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range failures {
		t.Fatalf("%d records failed: %v", len(failures), err)
	}
	o, err := client.NewConsumer(kgo.Topics("orders"), kgo.StopAtEnd())
	if err != nil {
		t.Fatal(err)
	}
	log := map[int32][]string{}
	for r, err := range o.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		log[r.Partition] = append(log[r.Partition], string(r.Value))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for partition := range int32(6) {
		total += len(log[partition])
		if !slices.Equal(log[partition], where[partition]) {
			t.Errorf("partition %d: the log has %d records, produced were %d, or their order differs", partition, len(log[partition]), len(where[partition]))
		}
	}
	t.Logf("%d records", total)
	if total != n {
		t.Errorf("got %d records, want %d", total, n)
	}
}
