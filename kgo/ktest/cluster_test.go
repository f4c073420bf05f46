package ktest_test

import (
	"crypto/tls"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

func TestWriteAndRead(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { writeAndRead(t) }) })
	t.Run("on sockets", func(t *testing.T) { writeAndRead(t, ktest.Listen()) })
}

func writeAndRead(t *testing.T, opts ...ktest.Option) {
	cluster := ktest.NewCluster(t, append(opts, ktest.Brokers(3), ktest.SeedTopic("orders", 2))...)
	c := dial(t, cluster, cluster.Addrs()[0])
	if resp := ask(c, kmsg.NewAPIVersionsRequest(), 0); len(resp.APIKeys) == 0 {
		t.Fatal("no versions")
	}
	meta := kmsg.NewMetadataRequest()
	meta.Topics = nil // all
	told := ask(c, meta, 9)
	if len(told.Brokers) != 3 || len(told.Topics) != 1 || len(told.Topics[0].Partitions) != 2 {
		t.Fatalf("got %v", told)
	}
	leader := told.Topics[0].Partitions[0].LeaderID
	c = dial(t, cluster, cluster.Addrs()[leader-1])

	produced := ask(c, produceRequest(kmsg.AcksAll, "orders", 0, records("a", "b")), 9)
	if p := produced.Responses[0].PartitionResponses[0]; p.ErrorCode != kmsg.None || p.BaseOffset != 0 {
		t.Fatalf("got %v", produced)
	}
	fetched := ask(c, fetchRequest("orders", 0, 0, time.Second), 12)
	if got, want := values(t, fetched.Responses[0].Partitions[0].Records), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A certificate of one's own names each host once, however many brokers are there.
func TestSelfSignedNamesHostsOnce(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(3), ktest.Listen(), ktest.SelfSigned())
	conn, err := tls.Dial("tcp", cluster.Addrs()[0], cluster.ClientTLS())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	leaf := conn.ConnectionState().PeerCertificates[0]
	if got, want := fmt.Sprint(leaf.DNSNames, leaf.IPAddresses), "[localhost] [127.0.0.1 ::1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
