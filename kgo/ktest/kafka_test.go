//go:build kafka

package ktest_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// TestKafkaSaysSo plays the scenarios on Kafka's own brokers and compares what they say with
// testdata, which is what this package's brokers are held against. With -record it writes that.
func TestKafkaSaysSo(t *testing.T) {
	for _, name := range kafkaNames() {
		t.Run(name, func(t *testing.T) {
			got := play(kafkaStage(t, name))
			file := filepath.Join("testdata", shortName(name)+".txt")
			if *record {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(got, "\n"), strings.Split(string(text), "\n")); diff != "" {
				t.Errorf("Kafka (-), recorded (+):\n%s", diff)
			}
		})
	}
}

// kafkaNames are the clusters that are played on.
func kafkaNames() []string {
	names := kafkatest.Eras()
	if slices.Contains(names, "3.9.2") {
		names = append(names, "3.9.2-zookeeper")
	}
	return names
}

// shortName leaves out of a name which patch of a release it is.
func shortName(name string) string {
	full, mode, found := strings.Cut(name, "-")
	release, err := kmsg.Release(full)
	if err != nil {
		return name
	}
	if found {
		return release.Name + "-" + mode
	}
	return release.Name
}

// kafkaStage is a broker of Kafka's.
func kafkaStage(t *testing.T, name string) *stage {
	full, mode, _ := strings.Cut(name, "-")
	release, err := kmsg.Release(full)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{TB: t, release: release}
	cluster := kafkatest.New(t, kafkatest.Options{Version: full, ZooKeeper: mode == "zookeeper", Security: s.since("0.10.0")})
	s.started, s.addr = time.Now(), cluster.Addrs()[0]
	if listeners := cluster.Listener("SASL_PLAINTEXT"); len(listeners) > 0 {
		s.saslAddr = listeners[0]
	}
	s.kraft = s.since("3.3") && mode != "zookeeper"
	s.dialer = func(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, patience) }
	s.begin = s.addToTransaction
	return s
}

// addToTransaction lets a partition take part in a transaction, which begins if there is none.
func (s *stage) addToTransaction(transactionalID string, id int64, epoch int16, topic string, partition int32) {
	s.Helper()
	req := kmsg.NewAddPartitionsToTxnRequest()
	req.V3AndBelowTransactionalID, req.V3AndBelowProducerID, req.V3AndBelowProducerEpoch = transactionalID, id, epoch
	req.V3AndBelowTopics = []kmsg.AddPartitionsToTxnRequestTopic{{Name: topic, Partitions: []int32{partition}}}
	c := s.connect(s.addr)
	defer c.Close()
	resp := ask(c, req, min(s.mustNewest(kmsg.KeyAddPartitionsToTxn), 3))
	if code := resp.ResultsByTopicV3AndBelow[0].ResultsByPartition[0].PartitionErrorCode; code != kmsg.None {
		s.Fatalf("adding %s to a transaction: %v", topic, code)
	}
}

// TestKafkaTrioSaysSo plays the scenario of three brokers on Kafka's own, and compares what they
// say with testdata. With -record it writes that.
func TestKafkaTrioSaysSo(t *testing.T) {
	for _, name := range kafkatest.Eras() {
		release, err := kmsg.Release(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &trio{stage: stage{TB: t, release: release}}
		if !s.since("1.0") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: name, Nodes: 3, SeparateController: s.since("3.3"), Racks: trioRacks})
			s.TB, s.started, s.addrs = t, time.Now(), cluster.Addrs()
			s.addr = s.addrs[1]
			s.dialer = func(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, patience) }
			s.kill = func(broker int32) {
				if err := cluster.Node(broker).Kill(); err != nil {
					t.Fatal(err)
				}
			}
			s.start = func(broker int32) {
				if err := cluster.Node(broker).Start(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			playTrio(s)
			file := filepath.Join("testdata/trio", release.Name+".txt")
			if *record {
				if err := os.WriteFile(file, []byte(s.out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(s.out.String(), "\n"), strings.Split(string(text), "\n")); diff != "" {
				t.Errorf("Kafka (-), recorded (+):\n%s", diff)
			}
		})
	}
}
