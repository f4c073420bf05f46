//go:build kafka

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// Batches that encode makes are taken by brokers of three eras: with message sets, without zstd,
// and new. Decode finds them in their files, in which it sees nothing wrong, and in their answers
// to Fetch.
func TestSegmentsOfBrokers(t *testing.T) {
	for _, tt := range []struct {
		release string
		magic   string
		codecs  []string
		produce string // a version of the time
		fetch   string
	}{
		{"0.10.2.2", "1", []string{"none", "gzip", "snappy", "lz4"}, "2", "3"},
		{"2.0.1", "2", []string{"none", "gzip", "snappy", "lz4"}, "3", "8"},
		{kafkatest.Newest(), "2", []string{"none", "gzip", "snappy", "lz4", "zstd"}, "9", "12"},
	} {
		t.Run(tt.release, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: tt.release, Properties: map[string]string{
				"auto.create.topics.enable": "true", "num.partitions": "1", "log.index.interval.bytes": "100",
			}})
			ask := func(args ...string) ran {
				return runWith(t.Context(), new(net.Dialer).DialContext, "", append(append([]string{"req"}, args...), "-b", cluster.Addrs()[0])...)
			}
			// The topic is created when metadata is asked for, and has a leader a little later.
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for ask("Metadata", "-v", "1", `{"topics":[{"name":"orders"}]}`).code != exitOK {
				select {
				case <-ctx.Done():
					t.Fatal("no leader of the topic")
				case <-time.After(50 * time.Millisecond):
				}
			}
			var want []string
			for _, codec := range tt.codecs {
				var records []string
				for i := range 20 {
					value := fmt.Sprintf("%s %d", codec, i)
					records = append(records, fmt.Sprintf(`{"timestamp":%d,"key":"k","value":%q}`, time.Now().UnixMilli(), value))
					want = append(want, value)
				}
				got := ask("Produce", "-v", tt.produce, `{"acks":-1,"timeoutMs":10000,"topicData":[{"name":"orders","partitionData":[{"records":[{"magic":`+tt.magic+`,"compression":"`+codec+`","records":[`+strings.Join(records, ",")+`]}]}]}]}`)
				if got.code != exitOK {
					t.Fatalf("%s: %s%s", codec, got.out, got.err)
				}
			}
			files, err := filepath.Glob(filepath.Join(cluster.Node(1).DataDir(), "orders-0", "*.log"))
			if err != nil || len(files) != 1 {
				t.Fatalf("got %v, %v", files, err)
			}
			const show = "template={{range .records}}{{.value}}\n{{end}}"
			got := run(t, "", "decode", "--segment", files[0], "-o", show)
			if lines := strings.Join(strings.Fields(strings.ReplaceAll(got.out, " ", "_")), "\n"); lines != strings.ReplaceAll(strings.Join(want, "\n"), " ", "_") || got.code != exitOK {
				t.Errorf("exit %d %s: got\n%s\nwant\n%s", got.code, got.err, lines, want)
			}
			sum := run(t, "", "decode", "--segment", files[0], "--summary", "-o", "template={{.records}} {{.baseOffset}} {{.lastOffset}} {{.badBatches}} {{.badBytes}} {{len .compression}} {{ge .index.entries 1}}")
			if want := fmt.Sprintf("%d 0 %d 0 0 %d true\n", len(want), len(want)-1, len(tt.codecs)); sum.out != want || sum.code != exitOK {
				t.Errorf("exit %d %s: got %swant %s", sum.code, sum.err, sum.out, want)
			}
			whole, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			got = ask("Fetch", "-v", tt.fetch, `{"maxWaitMs":1000,"minBytes":1,"maxBytes":10000000,"topics":[{"topic":"orders","partitions":[{"partition":0,"fetchOffset":0,"partitionMaxBytes":10000000}]}]}`,
				"-o", "template={{range .responses}}{{range .partitions}}{{range .records}}{{json .}}\n{{end}}{{end}}{{end}}")
			back := run(t, got.out, "encode", "records", "--format", "raw")
			again := run(t, back.out, "decode", "--segment", "-", "-o", show)
			if first := run(t, string(whole), "decode", "--segment", "-", "-o", show); again.out != first.out || got.code != exitOK {
				t.Errorf("exit %d %s: fetched\n%s\nwant\n%s", got.code, got.err, again.out, first.out)
			}
		})
	}
}
