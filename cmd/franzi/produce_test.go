package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Records are in the log as they stand in the input, each once, those of a partition in order.
func TestProduceWrites(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(3), ktest.SeedTopic("orders", 3))
	const n = 5000
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, `{"key":"%d","value":"%d","headers":[{"key":"h","value":null}],"timestamp":%d,"partition":%d}`+"\n", i%7, i, 1_700_000_000_000+int64(i), i%3)
	}
	got := runWith(t.Context(), cluster.DialContext, in.String(), "produce", "orders", "-b", "broker1", "-z", "zstd", "-H", "source=test")
	if got.code != exitOK || got.out != "" || got.err != "" {
		t.Fatalf("got exit %d %s%s", got.code, got.out, got.err)
	}
	for partition := range 3 {
		log := cluster.Log("orders", int32(partition))
		if want := (n - partition + 2) / 3; len(log) != want {
			t.Errorf("partition %d: got %d records, want %d", partition, len(log), want)
		}
		for j, r := range log {
			i := j*3 + partition
			if string(r.Key) != fmt.Sprint(i%7) || string(r.Value) != fmt.Sprint(i) || r.Timestamp.UnixMilli() != int64(1_700_000_000_000+int64(i)) {
				t.Fatalf("partition %d, record %d: got %s=%s at %v", partition, j, r.Key, r.Value, r.Timestamp)
			}
			if len(r.Headers) != 2 || r.Headers[0].Key != "h" || r.Headers[0].Value != nil || string(r.Headers[1].Value) != "test" {
				t.Fatalf("record %d: got headers %v", i, r.Headers)
			}
		}
	}
}

// Records without a partition go where their keys belong, also beside such that name theirs.
func TestProduceByKey(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 5))
	in := `{"key":"a","partition":0}` + "\n" + `{"key":"a"}` + "\n"
	for _, args := range [][]string{{}, {"--partition", "key"}} {
		if got := runWith(t.Context(), cluster.DialContext, in, append([]string{"produce", "orders", "-b", "broker1"}, args...)...); got.code != exitOK {
			t.Fatalf("got exit %d %s", got.code, got.err)
		}
	}
	at := int32(4) // murmur2 of "a", modulo 5
	if n0, n := len(cluster.Log("orders", 0)), len(cluster.Log("orders", at)); n0 != 1 || n != 3 {
		t.Errorf("got %d records where one was sent, and %d where the key belongs, want 1 and 3", n0, n)
	}
}

// Who ends the command is told what is written, and what was read is written.
func TestProduceIsInterrupted(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdin, write := io.Pipe()
	var out, errs bytes.Buffer
	done := make(chan int)
	go func() {
		done <- testApp(stdin, &out, &errs, cluster.DialContext).run(ctx, []string{"produce", "orders", "-b", "broker1", "-f", "%v"})
	}()
	io.WriteString(write, "one\ntwo\n")
	if err := cluster.Wait(ctx, func() bool { return len(cluster.Log("orders", 0)) == 2 }); err != nil {
		t.Fatal(err) // lines are sent as they come
	}
	cancel()
	code := <-done
	if code != exitInterrupted || !strings.Contains(errs.String(), "2 records were written before that\nfranzi: interrupted\n") {
		t.Errorf("got exit %d %s", code, errs.String())
	}
}

// A broker that refuses many records does not fill the screen.
func TestProduceFailsOften(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	cluster.Fault(ktest.On(kmsg.KeyProduce).Topic("orders"), ktest.Answer(kmsg.InvalidRecord))
	got := runWith(t.Context(), cluster.DialContext, strings.Repeat("v\n", 25), "produce", "orders", "-b", "broker1", "-f", "%v")
	if lines := strings.Split(strings.TrimSpace(got.err), "\n"); got.code != exitFailed || len(lines) != saidMax+1 || lines[saidMax] != "franzi: 15 more records failed" {
		t.Errorf("got exit %d, %d lines\n%s", got.code, len(lines), got.err)
	}
}

// On a terminal it says at the end how much there was.
func TestSummaries(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1), ktest.SeedTopic("copy", 1))
	for _, tt := range []struct {
		in, want string
		args     []string
	}{
		{"one\ntwo\n", "franzi: 2 records written, 6 B in ", []string{"produce", "orders", "-f", "%v"}},
		{"", "franzi: 2 records written, 6 B in ", []string{"cp", "orders", "copy"}},
		{"", "franzi: 2 records read, 6 B in ", []string{"consume", "copy", "-e"}},
	} {
		var errs bytes.Buffer
		a := testApp(strings.NewReader(tt.in), io.Discard, &errs, cluster.DialContext)
		a.watched = true
		if code := a.run(t.Context(), append(tt.args, "-b", "broker1")); code != exitOK || !strings.Contains(errs.String(), tt.want) {
			t.Errorf("%v: got exit %d %q", tt.args, code, errs.String())
		}
	}
}

// On a terminal the line of progress gives way to what is said, and a summary ends it.
func TestProgress(t *testing.T) {
	var errs bytes.Buffer
	a := testApp(strings.NewReader(""), io.Discard, &errs, noNetwork)
	a.watched = true
	shown := make(chan struct{}, 1)
	end := a.follow(func() string {
		select {
		case shown <- struct{}{}:
		default:
		}
		return "half"
	})
	<-shown
	a.say("something")
	end()
	a.say("the end")
	if text := errs.String(); !strings.Contains(text, "\r\x1b[Kfranzi: something\n") || !strings.HasSuffix(text, "\r\x1b[Kfranzi: the end\n") {
		t.Errorf("got %q", text)
	}
	if got, want := many(-1234567)+" "+many(999)+" "+many(-123)+" "+volume(1_234_567), "-1,234,567 999 -123 1.23 MB"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := rate(5, 2*time.Second); got != 2.5 {
		t.Errorf("got %v", got)
	}
}

// What the client refuses is told in its own words, and no broker is blamed.
func TestProduceRefuses(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 2))
	for _, tt := range []struct {
		stdin, want string
		args        []string
	}{
		{`{"timestamp":-5}`, ": INVALID_TIMESTAMP: ", []string{"produce", "orders"}},
		{`{"timestamp":-5}`, " is before 1970\n", []string{"produce", "orders"}},
		{`{"value":"v"}`, ": UNKNOWN_TOPIC_OR_PARTITION: the topic has 2 partitions\n", []string{"produce", "orders", "--partition", "7"}},
		{strings.Repeat("v", 1_200_000), ": MESSAGE_TOO_LARGE: the record takes 1200074 bytes, the limit of --batch-bytes is 1000000\n", []string{"produce", "orders", "-f", "%v"}},
		{"", ": MESSAGE_TOO_LARGE: the record takes 2071 bytes, the limit of --batch-bytes is 2000\n", []string{"bench", "produce", "orders", "--size", "2001", "--batch-bytes", "2000"}},
	} {
		got := runWith(t.Context(), cluster.DialContext, tt.stdin, append(tt.args, "-b", "broker1")...)
		if got.code != exitFailed || !strings.Contains(got.err, tt.want) || strings.Contains(got.err, "broker") || strings.Contains(got.err, "The ") {
			t.Errorf("%v: got exit %d %s", tt.args, got.code, got.err)
		}
	}
}
