package ktest_test

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

var record = flag.Bool("record", false, "with the tag kafka: write what Kafka's brokers say into testdata")

// recorded lists the releases of which testdata has what Kafka's own brokers said, by
// TestKafkaSaysSo.
func recorded(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is recorded: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txt")
	}
	return files
}

// TestSaysWhatKafkaSays plays the scenarios on brokers of each recorded release.
func TestSaysWhatKafkaSays(t *testing.T) {
	for _, name := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(ownStage(t, name)) })
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "said.txt"), []byte(got), 0o644); err != nil {
				t.Error(err)
			}
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) {
					if diff := cmp.Diff(lines(got, s.name), lines(string(text), s.name)); diff != "" {
						t.Errorf("got (-), Kafka (+):\n%s", diff)
					}
				})
			}
		})
	}
}

// ownStage is a broker of this package.
func ownStage(t *testing.T, name string) *stage {
	release, mode, _ := strings.Cut(name, "-")
	versions, err := kmsg.Release(release)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{TB: t, release: versions, started: time.Now()}
	s.kraft = s.since("3.3") && mode != "zookeeper"
	opts := []ktest.Option{ktest.Version(release), ktest.Property("num.partitions", "3"), ktest.Property("min.insync.replicas", "1"), ktest.Property("num.io.threads", "2")}
	if mode == "zookeeper" {
		opts = append(opts, ktest.ZooKeeper())
	}
	if !s.kraft {
		opts = append(opts, ktest.AutoCreate(), ktest.Property("delete.topic.enable", "true"))
	}
	cluster := ktest.NewCluster(t, opts...)
	s.addr = cluster.Addrs()[0]
	dialers := map[string]*ktest.Cluster{s.addr: cluster}
	if s.since("0.10.0") {
		secured := ktest.NewCluster(t, append(opts, ktest.SASL(mechanisms(s)...), ktest.User(alice, secret))...)
		s.saslAddr = "sasl:9092"
		dialers[s.saslAddr] = secured
	}
	s.dialer = func(addr string) (net.Conn, error) {
		return dialers[addr].DialContext(context.Background(), "tcp", dialers[addr].Addrs()[0])
	}
	return s
}

// mechanisms are those that a release has, with KRaft or ZooKeeper.
func mechanisms(s *stage) []string {
	all := []string{"PLAIN"}
	if s.since("0.10.2") {
		all = append(all, "SCRAM-SHA-256", "SCRAM-SHA-512")
	}
	if s.since("2.0") {
		all = append(all, "OAUTHBEARER")
	}
	return all
}

// play plays all scenarios and returns what was said.
func play(s *stage) string {
	for _, sc := range scenarios {
		s.title("== %s", sc.name)
		s.known = map[string]string{}
		sc.play(s)
		if s.conn != nil {
			s.conn.Close()
			s.conn = nil
		}
	}
	return s.out.String()
}

// lines are those of one scenario.
func lines(text, name string) []string {
	_, rest, _ := strings.Cut("\n"+text, "\n== "+name+"\n")
	rest, _, _ = strings.Cut("\n"+rest, "\n== ")
	return strings.Split(strings.TrimSpace(rest), "\n")
}
