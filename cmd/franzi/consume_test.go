package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What is consumed and produced again is the same: partitions, timestamps, keys, headers, null and
// empty, bytes.
func TestConsumeAndProduceAgain(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(3), ktest.SeedTopic("orders", 3), ktest.SeedTopic("copy", 3))
	odd := [][]byte{nil, {}, []byte("text"), []byte("line\nand \"quotes\""), {0xff, 0}, []byte("\x1b[31m")}
	for i := range 200 {
		r := ktest.Record{Key: odd[i%len(odd)], Value: odd[i/len(odd)%len(odd)], Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))}
		for j := range i % 3 {
			r.Headers = append(r.Headers, ktest.Header{Key: "h" + string(odd[2+i%4]), Value: odd[(i+j)%len(odd)]})
		}
		if _, err := cluster.Produce("orders", int32(i%3), r); err != nil {
			t.Fatal(err)
		}
	}
	read := runWith(t.Context(), cluster.DialContext, "", "consume", "orders", "-e", "-b", "broker1")
	if read.code != exitOK || strings.Count(read.out, "\n") != 200 {
		t.Fatalf("got exit %d %s", read.code, read.err)
	}
	if got := runWith(t.Context(), cluster.DialContext, read.out, "produce", "copy", "-b", "broker1"); got.code != exitOK {
		t.Fatalf("got exit %d %s", got.code, got.err)
	}
	whose := cmpopts.IgnoreFields(ktest.Record{}, "ProducerID", "ProducerEpoch", "Sequence")
	for p := range int32(3) {
		if d := cmp.Diff(cluster.Log("copy", p), cluster.Log("orders", p), whose); d != "" {
			t.Errorf("partition %d (-got +want):\n%s", p, d)
		}
	}
}

// Without -e records are shown as they come, until somebody ends it.
func TestConsumeFollows(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := newLine()
	var errs bytes.Buffer
	done := make(chan int)
	go func() {
		done <- testApp(strings.NewReader(""), out, &errs, cluster.DialContext).run(ctx, []string{"consume", "orders", "-b", "broker1", "-f", "%o %v"})
	}()
	for i := range 3 {
		if _, err := cluster.Produce("orders", 0, ktest.Record{Value: []byte("v")}); err != nil {
			t.Fatal(err)
		}
		if got, want := <-out.lines, fmt.Sprintf("%d v\n", i); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	cancel()
	if code := <-done; code != exitInterrupted {
		t.Errorf("got exit %d %s", code, errs.String())
	}
}

// A range ends where it is to, whatever comes later, and however the batches are cut.
func TestConsumeRange(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 2))
	for p := range int32(2) {
		for range 10 {
			if _, err := cluster.Produce("orders", p, ktest.Record{Value: []byte("a")}, ktest.Record{Value: []byte("b")}, ktest.Record{Value: []byte("c")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := runWith(t.Context(), cluster.DialContext, "", "consume", "orders", "-b", "broker1", "-f", "%p/%o", "-O", "4..8")
	lines := strings.Fields(got.out)
	slices.Sort(lines)
	if want := "0/4 0/5 0/6 0/7 1/4 1/5 1/6 1/7"; strings.Join(lines, " ") != want || got.code != exitOK {
		t.Errorf("got exit %d %v %s, want %s", got.code, lines, got.err, want)
	}
}

// Records behind a batch that cannot be read are shown; that something is missing is told, and an exit
// code.
func TestConsumeSkipsWhatIsCorrupt(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	for _, v := range []string{"one", "two", "three"} {
		if _, err := cluster.Produce("orders", 0, ktest.Record{Value: []byte(v)}); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Fault(ktest.On(kmsg.KeyFetch), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
		for _, topic := range resp.(*kmsg.FetchResponse).Responses {
			for i := range topic.Partitions {
				topic.Partitions[i].Records = bytes.Replace(topic.Partitions[i].Records, []byte("two"), []byte("owt"), 1)
			}
		}
	}))
	got := runWith(t.Context(), cluster.DialContext, "", "consume", "orders", "-e", "-b", "broker1", "-f", "%v")
	if got.out != "one\nthree\n" || got.code != exitFailed || !strings.Contains(got.err, "orders/0") || !strings.Contains(got.err, "it goes on at offset 2") {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
}

// A full stdout ends it.
func TestConsumeCannotWrite(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 1))
	if _, err := cluster.Produce("orders", 0, ktest.Record{Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	code := testApp(strings.NewReader(""), failingWriter{}, &errs, cluster.DialContext).run(t.Context(), []string{"consume", "orders", "-b", "broker1"})
	if code != exitFailed || !strings.Contains(errs.String(), io.ErrShortWrite.Error()) {
		t.Errorf("got exit %d %s", code, errs.String())
	}
}

func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		"text":                           "text",
		"\xff\x00":                       "0xff00",
		strings.Repeat("ä", 81):          strings.Repeat("ä", 80) + "...",
		strings.Repeat("\xff", 41):       "0x" + strings.Repeat("ff", 40) + "...",
		strings.Repeat("ä", 80):          strings.Repeat("ä", 80),
		strings.Repeat("\U0001f600", 90): strings.Repeat("\U0001f600", 80) + "...",
	} {
		if got := cell([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := cell(nil); got != "-" {
		t.Errorf("null: got %q", got)
	}
}
