//go:build kafka

package kgo_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What Java's producer has written, in all codecs that a release has, with headers and aborted
// transactions where it has those, is read on every release: all of it, and what is committed.
func TestKafkaConsume(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		t.Run(version, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: version, Properties: map[string]string{
				"num.partitions": "1", "log.retention.hours": "876000", // some of the records are years old
			}})
			client := kafkaClient(t, cluster)
			written := javaWrites(t, client, cluster)
			for _, level := range []kmsg.IsolationLevel{kmsg.IsolationReadCommitted, kmsg.IsolationReadUncommitted} {
				for topic, all := range written {
					var want []string
					for _, r := range all {
						if !r.aborted || level == kmsg.IsolationReadUncommitted {
							want = append(want, r.text)
						}
					}
					for _, opts := range [][]kgo.ConsumerOption{nil, {kgo.FetchPartitionBytes(1000)}} {
						got := readText(t, client, append(opts, kgo.Topics(topic), kgo.StopAtEnd(), kgo.Isolation(level))...)
						if diff := cmp.Diff(got, want); diff != "" {
							t.Errorf("%s, isolation level %d: got (-), want (+):\n%.3000s", topic, level, diff)
						}
					}
				}
			}
		})
	}
}

func kafkaClient(t *testing.T, cluster *kafkatest.Cluster, opts ...kgo.ClientOption) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.Addrs()...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// readText reads to the end.
func readText(t *testing.T, client *kgo.Client, opts ...kgo.ConsumerOption) (all []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o, err := client.NewConsumer(opts...)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range o.Records(ctx) {
		if err != nil {
			t.Error(err)
			continue
		}
		all = append(all, recordText(r))
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	return all
}

func recordText(r *kgo.Record) string {
	text := fmt.Sprintf("%d %s %s", r.Offset, hexText(r.Key), hexText(r.Value))
	if !r.Timestamp.IsZero() {
		text += fmt.Sprint(" ", r.Timestamp.UnixMilli())
	}
	for _, h := range r.Headers {
		text += fmt.Sprintf(" %s=%s", hexText([]byte(h.Key)), hexText(h.Value))
	}
	return text
}

func hexText(b []byte) string {
	if b == nil {
		return "-"
	}
	return "x" + hex.EncodeToString(b)
}

// A written is a record that another client has written.
type written struct {
	text    string
	offset  int64
	aborted bool
}

func olderThan(version, other string) bool {
	return slices.Compare(numbers(version), numbers(other)) < 0
}

func numbers(version string) (all []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part)
		all = append(all, n)
	}
	return all
}

// kafkaTopic creates a topic of one partition, or has the broker do so where there is no such request.
func kafkaTopic(t *testing.T, client *kgo.Client, name string) {
	t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	req.Topics = append(req.Topics, topic)
	if _, err := kgo.Do(t.Context(), client, req); err != nil && !errors.Is(err, kmsg.UnsupportedVersion) {
		t.Fatal(err)
	}
	ask := kmsg.NewMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // brokers learn of it one after the other
		_, err := kgo.Do(ctx, client, ask)
		switch {
		case err == nil:
			return
		case !errors.Is(err, kmsg.UnknownTopicOrPartition) && !errors.Is(err, kmsg.LeaderNotAvailable):
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// javaWrites lets Java's producer write topics, one for each codec.
func javaWrites(t *testing.T, client *kgo.Client, cluster *kafkatest.Cluster) map[string][]written {
	t.Helper()
	version := cluster.Version()
	codecs := []string{"none", "gzip", "snappy", "lz4"}
	if !olderThan(version, "2.1") {
		codecs = append(codecs, "zstd")
	}
	for _, codec := range codecs {
		kafkaTopic(t, client, "by-java-"+codec)
	}
	all := map[string][]written{}
	if olderThan(version, "0.10") {
		for _, codec := range codecs {
			var lines strings.Builder
			topic := "by-java-" + codec
			for i := range int64(60) {
				line := strings.Repeat(fmt.Sprintf("line %d ", i), 1+int(i)%9)
				fmt.Fprintln(&lines, line)
				all[topic] = append(all[topic], written{text: fmt.Sprintf("%d - %s", i, hexText([]byte(line))), offset: i})
			}
			if _, err := cluster.Java(t.Context(), strings.NewReader(lines.String()), "kafka.tools.ConsoleProducer",
				"--broker-list", cluster.Addrs()[0], "--topic", topic, "--compression-codec", codec, "--sync", "--request-required-acks", "-1"); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	features := ""
	if !olderThan(version, "0.11") {
		features = "headers,idempotence,transactions"
	}
	program, err := filepath.Abs(filepath.Join("..", "testdata", "java", "ProduceRecords.java"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := cluster.Tool(t.Context(), nil, program, cluster.Addrs()[0], strings.Join(codecs, ","), features)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 7 || !strings.HasPrefix(f[0], "by-java-") {
			continue // of the logger
		}
		w := written{text: fmt.Sprintf("%s %s %s %s", f[1], f[3], f[4], f[2]), aborted: f[6] == "aborted"}
		if w.offset, err = strconv.ParseInt(f[1], 10, 64); err != nil {
			t.Fatal(err)
		}
		for _, h := range strings.Fields(f[5]) {
			w.text += " " + h
		}
		all[f[0]] = append(all[f[0]], w)
	}
	if len(all) != len(codecs) {
		t.Fatalf("Java's producer told of %d topics:\n%.2000s", len(all), text)
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b written) int { return int(a.offset - b.offset) })
	}
	return all
}

// On three brokers the closest replica serves (KIP-392); when brokers are killed and come back, each
// record comes once and in order.
func TestKafkaConsumeThree(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true, Racks: []string{"a", "b", "c"}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	client := kafkaClient(t, cluster)
	if err := client.Admin().CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: 3, ReplicationFactor: 3}); err != nil {
		t.Fatal(err)
	}
	p, err := client.NewProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	const rounds, n = 4, 3000
	produced := make(chan error, 1)
	go func() {
		var failed error
		for round := range rounds {
			for i := range n {
				for part := range int32(3) {
					p.Produce(ctx, &kgo.Record{Topic: "orders", Partition: part, Value: fmt.Appendf(nil, "%d", round*n+i)}, func(_ kgo.RecordMetadata, err error) {
						if err != nil {
							failed = err
						}
					})
				}
			}
			if err := p.Flush(ctx); err != nil {
				failed = err
			}
			node := cluster.Node(int32(round%3) + 1)
			if err := errors.Join(node.Kill(), node.Start(ctx)); err != nil {
				failed = err
			}
		}
		produced <- failed
	}()
	reader := kafkaClient(t, cluster, kgo.ClientID("reader"))
	o, err := reader.NewConsumer(kgo.Topics("orders"), kgo.Rack("b"), kgo.RecheckReplica(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	next := map[int32]int{}
	total := 0
	for r, err := range o.Records(ctx) {
		if err != nil {
			t.Error(err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if want := next[r.Partition]; string(r.Value) != fmt.Sprint(want) {
			t.Fatalf("SKIP or REPEAT: orders[%d] offset %d is %q, want %d", r.Partition, r.Offset, r.Value, want)
		}
		next[r.Partition]++
		if total++; total == rounds*n*3 {
			break
		}
	}
	if err := <-produced; err != nil {
		t.Error(err)
	}
	if total != rounds*n*3 {
		t.Errorf("got %d records, want %d", total, rounds*n*3)
	}
	// When no broker has failed for a while, all long polls are at the replica in rack b.
	for {
		before := requestsOf(reader)
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
			t.Fatalf("not only broker 2 is asked: %v", before)
		}
		after := requestsOf(reader)
		if after[2]-before[2] > 10 && after[1]-before[1] < 10 && after[3]-before[3] < 10 {
			break
		}
	}
}

func requestsOf(c *kgo.Client) map[int32]int64 {
	all := map[int32]int64{}
	for _, b := range c.Stats().Brokers {
		all[b.ID] += b.Requests
	}
	return all
}
