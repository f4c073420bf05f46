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

// A fetch waits until there is as much as it wants, or until its time is over.
func TestFetchWaitsForMinBytes(t *testing.T) {
	for _, test := range []struct {
		name    string
		batches int32 // that the fetch wants, all of one size
		after   time.Duration
		want    []string
	}{
		{"there is enough", 1, 0, []string{"a"}},
		{"one more is enough", 2, 1 * time.Second, []string{"a", "b"}},
		{"one more is not enough", 3, 2 * time.Second, []string{"a", "b", "c"}},
		{"it is never enough", 4, 10 * time.Second, []string{"a", "b", "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
				produce := func(value string) {
					if _, err := cluster.Produce("orders", 0, ktest.Record{Value: []byte(value)}); err != nil {
						t.Error(err)
					}
				}
				produce("a")
				for i, value := range []string{"b", "c"} {
					time.AfterFunc(time.Duration(i+1)*time.Second, func() { produce(value) })
				}
				req := fetchRequest("orders", 0, 0, 10*time.Second)
				req.MinBytes = test.batches * int32(len(records("a")))
				begin := time.Now()
				resp := ask(dial(t, cluster, cluster.Addrs()[0]), req, 12)
				if got := time.Since(begin); got != test.after {
					t.Errorf("answered after %v, want %v", got, test.after)
				}
				if got := values(t, resp.Responses[0].Partitions[0].Records); !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
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

// A client that hangs up is noticed though more of its requests wait than are taken from it; one that
// waits is answered all of them.
func TestFullConnections(t *testing.T) {
	const many = 500
	for _, opts := range map[string][]ktest.Option{"plain": nil, "TLS": {ktest.SelfSigned()}} {
		synctest.Test(t, func(t *testing.T) {
			cluster := ktest.NewCluster(t, append(opts, ktest.SeedTopic("orders", 1))...)
			begin := func(effect ktest.Effect) *client {
				cluster.Fault(ktest.On(kmsg.KeyMetadata).Times(1), effect)
				c := dial(t, cluster, cluster.Addrs()[0])
				if config := cluster.ClientTLS(); config != nil {
					config.ServerName = "broker1"
					c.Conn = tls.Client(c.Conn, config)
				}
				req := kmsg.NewMetadataRequest()
				req.SetAPIVersion(9)
				for range many {
					c.send(req)
				}
				synctest.Wait()
				return c
			}
			c := begin(ktest.Delay(time.Second))
			for c.next = 1; c.next <= many; c.next++ {
				resp := kmsg.NewMetadataResponse()
				resp.SetAPIVersion(9)
				if err := c.receive(resp); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				begin(ktest.Stall()).Close()
			}
			synctest.Wait()
			if got := cluster.Connections(); len(got) != 1 { // that which was answered
				t.Errorf("got %d connections, want one: %+v", len(got), got)
			}
		})
	}
}
