//go:build kafka

package main

import (
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// Kafka's own producer and consumer work through the proxy, with a broker that advertises it.
func TestProxyOfKafka(t *testing.T) {
	for _, version := range []string{"1.1.1", kafkatest.Newest()} {
		t.Run(version, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var broker string
			cluster := kafkatest.New(t, kafkatest.Options{
				Version:   version,
				Advertise: func(_ int32, _, addr string) string { broker = addr; return l.Addr().String() },
				// Topics that are asked for are made, also with KRaft.
				Properties: map[string]string{"auto.create.topics.enable": "true"},
			})
			out, stop := run(t, l, broker)
			if _, err := cluster.Tool(t.Context(), nil, "org.apache.kafka.tools.VerifiableProducer",
				"--bootstrap-server", l.Addr().String(), "--topic", "orders", "--max-messages", "20", "--acks", "-1"); err != nil {
				t.Fatal(err)
			}
			if _, err := cluster.Tool(t.Context(), nil, "org.apache.kafka.tools.consumer.ConsoleConsumer",
				"--bootstrap-server", l.Addr().String(), "--topic", "orders", "--from-beginning", "--max-messages", "20"); err != nil {
				t.Fatal(err)
			}
			stop()
			apis, records := map[string]int{}, 0
			for _, l := range out.lines(t) {
				switch {
				case l.Error != "":
					t.Errorf("got the error %s", l.Error)
				case l.Record != nil:
					records++
				default:
					apis[l.API]++
				}
			}
			for _, api := range []string{"ApiVersions", "Metadata", "Produce", "FindCoordinator", "JoinGroup", "Fetch", "LeaveGroup"} {
				if apis[api] == 0 {
					t.Errorf("no %s was shown, but %v", api, apis)
				}
			}
			if records < 40 { // 20 each way
				t.Errorf("got %d records, want 40", records)
			}
		})
	}
}
