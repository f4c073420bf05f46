package main

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What is measured was written, and the figures belong together.
func TestBenchProduce(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 3))
	got := runWith(t.Context(), cluster.DialContext, "", "bench", "produce", "orders", "-b", "broker1", "--duration", "300ms", "--warmup", "50ms", "--rate", "2000", "-o", "json")
	var r benchReport
	if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != exitOK {
		t.Fatalf("got exit %d %v %s%s", got.code, err, got.out, got.err)
	}
	written := 0
	for p := range 3 {
		written += len(cluster.Log("orders", int32(p)))
	}
	if r.Records == 0 || r.Records > int64(written) || r.Failed != 0 || r.Bytes != 100*r.Records || r.Partitions != 3 || r.Topic != "orders" {
		t.Errorf("%d in the log; got %+v", written, r)
	}
	if l := r.LatencyMs; l == nil || l.P50 <= 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
		t.Errorf("got latencies %+v", l)
	}
	if r.Seconds <= 0 || r.PerSecond <= 0 || r.Volume < 99*r.PerSecond {
		t.Errorf("got %+v", r)
	}
}

// Records that fail are counted, said, and an exit code.
func TestBenchProduceFails(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	cluster.Fault(ktest.On(kmsg.KeyProduce).Topic("orders").After(1), ktest.Answer(kmsg.InvalidRecord))
	got := runWith(t.Context(), cluster.DialContext, "", "bench", "produce", "orders", "-b", "broker1", "--records", "50", "-o", "template={{.records}} {{.failed}}")
	if got.code != exitFailed || got.out != "0 50\n" || !strings.Contains(got.err, "50 records failed, the first: produce of orders/0 on broker 1") || !strings.Contains(got.err, "INVALID_RECORD") {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
}

// Who interrupts it is told what was measured until then.
func TestBenchIsInterrupted(t *testing.T) {
	for _, args := range [][]string{{"produce", "orders", "--duration", "1h", "--warmup", "0s"}, {"consume", "orders", "--api", "records"}} {
		cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 2))
		fill(t, cluster, "orders", 1, 100)
		cluster.Fault(ktest.On(kmsg.KeyFetch).Partition("orders", 1), ktest.Stall()) // or else it ends by itself
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			if cluster.Wait(ctx, func() bool {
				return cluster.Requests(kmsg.KeyProduce) > 20 || cluster.Requests(kmsg.KeyFetch) > 0
			}) == nil {
				cancel()
			}
		}()
		got := runWith(ctx, cluster.DialContext, "", append(append([]string{"bench"}, args...), "-b", "broker1", "-o", "json")...)
		var r benchReport
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != exitInterrupted || r.Topic != "orders" || args[0] == "produce" && r.Records == 0 {
			t.Errorf("%v: got exit %d %v %s%s", args, got.code, err, got.out, got.err)
		}
	}
}

// Values are of the size that was asked for, and of what was asked for.
func TestValues(t *testing.T) {
	for _, size := range []int{0, 1, 7, 1000} {
		for _, payload := range payloads {
			all, err := values(payload, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range all {
				if len(v) != size {
					t.Fatalf("%s: got %d bytes, want %d", payload, len(v), size)
				}
			}
			if size == 1000 && payload != "zeros" && string(all[0]) == string(all[1]) {
				t.Errorf("%s: values are the same", payload)
			}
		}
	}
}

// For people there is a table, and on a terminal a line that says how far it is.
func TestBenchForPeople(t *testing.T) {
	cluster := ktest.NewCluster(t)
	for _, tt := range []struct {
		args []string
		want []string // patterns
	}{
		{[]string{"produce", "--duration", "500ms", "--warmup", "250ms", "--rate", "500", "--keys", "7"}, []string{
			`(?m)^topic +franzi-bench-[0-9a-f]{8}, 6 partitions$`, `(?m)^keys +7$`, `(?m)^rate +500 records/s$`, `(?m)^records +\d+$`,
			`(?m)^rate +\d+ records/s, [\d.]+ kB/s$`, `(?m)^latency +p50 \S+ ms, p95 \S+, p99 \S+, p99.9 \S+, max \S+$`,
		}},
		{[]string{"consume", "--records", "50", "--api", "records"}, []string{`(?m)^api +records$`, `(?m)^values +100 bytes of text$`, `(?m)^records +50$`}},
	} {
		var out, errs bytes.Buffer
		a := testApp(strings.NewReader(""), &out, &errs, cluster.DialContext)
		a.watched = true
		if code := a.run(t.Context(), append(append([]string{"bench"}, tt.args...), "-b", "broker1", "--replicas", "1")); code != exitOK {
			t.Errorf("%v: got exit %d %s", tt.args, code, errs.String())
		}
		for _, want := range tt.want {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("%v: got no %s in\n%s", tt.args, want, out.String())
			}
		}
		if tt.args[0] == "produce" && !strings.Contains(errs.String(), "warming up") {
			t.Errorf("the progress does not say that it warms up: %q", errs.String())
		}
	}
}
