package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

var whoseRecord = cmpopts.IgnoreFields(ktest.Record{}, "ProducerID", "ProducerEpoch", "Sequence", "LeaderEpoch")

// fill writes different records into a topic of n partitions.
func fill(t *testing.T, cluster *ktest.Cluster, topic string, n int32, records int) {
	t.Helper()
	for i := range records {
		r := ktest.Record{Key: []byte{byte(i)}, Value: []byte(strings.Repeat("v", i%50)), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))}
		if _, err := cluster.Produce(topic, int32(i)%n, r); err != nil {
			t.Fatal(err)
		}
	}
}

// Records get from one cluster to another, named by their profiles, each once and in order, though a
// broker answers that it failed when it did not.
func TestCpBetweenClusters(t *testing.T) {
	here := ktest.NewCluster(t, ktest.SeedTopic("orders", 3))
	there := ktest.NewCluster(t, ktest.Seed(2), ktest.Brokers(2), ktest.SeedTopic("orders", 3), ktest.Advertise(func(broker int32, addr string) string { return "there-" + addr }))
	fill(t, here, "orders", 3, 500)
	there.Fault(ktest.On(kmsg.KeyProduce).Nth(1), ktest.CutAfter())
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if to, ok := strings.CutPrefix(addr, "there-"); ok {
			return there.DialContext(ctx, network, to)
		}
		return here.DialContext(ctx, network, addr)
	}
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("[profiles.here]\nbrokers = \"broker1\"\n[profiles.there]\nbrokers = \"there-broker1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	a := testApp(strings.NewReader(""), &out, &errs, dial)
	a.environ = []string{"FRANZI_CONFIG=" + config}
	if code := a.run(t.Context(), []string{"cp", "here:orders", "there:orders", "-o", "json"}); code != exitOK {
		t.Fatalf("got exit %d %s", code, errs.String())
	}
	var parts []copiedPartition
	if err := json.Unmarshal(out.Bytes(), &parts); err != nil || len(parts) != 3 {
		t.Fatalf("got %v %s", err, out.String())
	}
	for p := range int32(3) {
		log := here.Log("orders", p)
		if d := cmp.Diff(there.Log("orders", p), log, whoseRecord); d != "" {
			t.Errorf("partition %d (-got +want):\n%s", p, d)
		}
		if want := (copiedPartition{p, 0, int64(len(log)), int64(len(log))}); parts[p] != want {
			t.Errorf("got %+v, want %+v", parts[p], want)
		}
	}
}

// What cannot be written ends it, and it says where to go on.
func TestCpFails(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1), ktest.SeedTopic("copy", 1))
	fill(t, cluster, "orders", 1, 40)
	cluster.Fault(ktest.On(kmsg.KeyProduce).Topic("copy"), ktest.Answer(kmsg.InvalidRecord))
	got := runWith(t.Context(), cluster.DialContext, "", "cp", "orders", "copy", "-b", "broker1", "-o", "jsonl")
	if got.code != exitFailed || got.out != `{"partition":0,"from":0,"next":0,"records":0}`+"\n" || !strings.Contains(got.err, "INVALID_RECORD") {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
}

// With --follow it goes on until it is interrupted, and says how far it came.
func TestCpFollows(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1), ktest.SeedTopic("copy", 1))
	fill(t, cluster, "orders", 1, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := func(n int) {
		if cluster.Wait(ctx, func() bool { return len(cluster.Log("copy", 0)) == n }) != nil {
			t.Errorf("there are not %d", n)
		}
	}
	done := make(chan ran)
	go func() {
		done <- runWith(ctx, cluster.DialContext, "", "cp", "orders", "copy", "--follow", "-b", "broker1", "-o", "jsonl")
	}()
	wait(5)
	fill(t, cluster, "orders", 1, 5)
	wait(10)
	cancel()
	if got := <-done; got.code != exitInterrupted || got.out != `{"partition":0,"from":0,"next":10,"records":10}`+"\n" {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
}
