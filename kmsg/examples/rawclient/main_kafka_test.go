//go:build kafka

package main

import (
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// The client works with brokers of every era, also when the topic is there already.
func TestRun(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		t.Run(version, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: version, Properties: map[string]string{"num.partitions": "1"}})
			for _, want := range []string{
				"produced from offset 0\nfetched one at offset 0\nfetched two at offset 1\nfetched three at offset 2\n",
				"produced from offset 3\nfetched one at offset 3\nfetched two at offset 4\nfetched three at offset 5\n",
			} {
				var out strings.Builder
				if err := run(t.Context(), &out, cluster.Addrs()[0], "example"); err != nil {
					t.Fatal(err)
				}
				if out.String() != want {
					t.Errorf("got\n%swant\n%s", &out, want)
				}
			}
		})
	}
}
