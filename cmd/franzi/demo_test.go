package main

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

func demoReportOf(t *testing.T, got ran) demoReport {
	t.Helper()
	var r demoReport
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatalf("%v: exit %d %s%s", err, got.code, got.out, got.err)
	}
	return r
}

// Without a cluster there is one in memory, whose broker is killed, and nothing is lost.
func TestDemo(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--rate", "0", "-z", "zstd", "--producers", "3", "--consumers", "5", "--partitions", "4"},
		{"--nodes", "1", "--size", "24"},
	} {
		got := run(t, "", append([]string{"demo", "--duration", "1s", "--rate", "2000", "-o", "json"}, args...)...)
		r := demoReportOf(t, got)
		if got.code != exitOK || !r.Right || r.Acked == 0 || r.Read < r.Acked || r.Lost+r.Doubled+r.OutOfOrder+r.Corrupt+r.Failed != 0 || r.ProduceMs == nil || r.WholeMs == nil {
			t.Errorf("%v: got exit %d %s%s", args, got.code, got.out, got.err)
		}
	}
}

// Where no terminal is, it is told in lines.
func TestDemoInLines(t *testing.T) {
	got := run(t, "", "demo", "--duration", "1500ms", "--rate", "1000")
	for _, want := range []string{
		`(?m)^ +\d+\.\d s   broker [123], which leads 4 partitions, is killed$`, `(?m)^ +\d+\.\d s   broker [123] is back$`, `leads 4 partitions again`,
		`(?m)^ +\d+\.\d s   written [\d,]+/s, p99 \S+ m?s   read [\d,]+/s, p99 \S+ m?s   lag \d+   in all [\d,]+$`,
		`all is written`, `(?m)^lost +0$`, `(?m)^doubled +0$`, `(?m)^out of order +0$`,
	} {
		if !regexp.MustCompile(want).MatchString(got.out) {
			t.Errorf("got no %s in\n%s", want, got.out)
		}
	}
	if got.code != exitOK {
		t.Errorf("got exit %d %s", got.code, got.err)
	}
}

// On a terminal it is a picture, drawn over the one before.
func TestDemoOnScreen(t *testing.T) {
	var out, errs bytes.Buffer
	a := testApp(strings.NewReader(""), &out, &errs, noNetwork)
	a.screen = true
	if code := a.run(t.Context(), []string{"demo", "--duration", "1200ms", "--rate", "1000"}); code != exitOK {
		t.Fatalf("got exit %d %s", code, errs.String())
	}
	for _, want := range []string{"franzi demo\x1b[m   3 brokers in memory, 12 partitions", "\x1b[8A\r", "is down\x1b[m", "0 doubled   0 out of order", "is killed", "█"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in %q", want, out.String())
		}
	}
}

// What is acknowledged and not there, what is there twice: it is counted, and an exit code, also on a
// cluster that was named. Its topic is gone at the end.
func TestDemoFindsWhatIsWrong(t *testing.T) {
	lie := ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
		for _, r := range resp.(*kmsg.ProduceResponse).Responses {
			for i := range r.PartitionResponses {
				r.PartitionResponses[i].ErrorCode = kmsg.None
			}
		}
	})
	for name, tt := range map[string]struct {
		acks   string
		fault  []ktest.Effect
		lost   bool
		double bool
	}{
		"lost":    {"1", []ktest.Effect{ktest.Answer(kmsg.InvalidRecord), lie}, true, false}, // the broker says that it has it
		"doubled": {"1", []ktest.Effect{ktest.CutAfter()}, false, true},                      // not idempotent, and sent again
	} {
		cluster := ktest.NewCluster(t, ktest.Brokers(2))
		cluster.Fault(ktest.On(kmsg.KeyProduce).Nth(3), tt.fault...)
		got := runWith(t.Context(), cluster.DialContext, "", "demo", "-b", "broker1", "--duration", "500ms", "--rate", "1000", "--acks", tt.acks, "-o", "json")
		r := demoReportOf(t, got)
		if got.code != exitFailed || r.Right || r.Lost > 0 != tt.lost || r.Doubled > 0 != tt.double || !strings.Contains(got.err, "not every record was read once and in order") {
			t.Errorf("%s: got exit %d %s%s", name, got.code, got.out, got.err)
		}
		if topics := cluster.Topics(); len(topics) != 0 {
			t.Errorf("%s: topics are left: %v", name, topics)
		}
	}
}

// Where nobody acknowledges a record, none can be lost: what is missing is counted and said, and no
// failure.
func TestDemoWithoutAcks(t *testing.T) {
	for _, output := range []string{"json", "table"} {
		cluster := ktest.NewCluster(t, ktest.Brokers(2))
		cluster.Fault(ktest.On(kmsg.KeyProduce).Nth(3), ktest.CutBefore()) // nobody asks whether it arrived
		got := runWith(t.Context(), cluster.DialContext, "", "demo", "-b", "broker1", "--duration", "500ms", "--rate", "1000", "--acks", "0", "-o", output)
		if got.code != exitOK || !regexp.MustCompile(`nobody acknowledges a record, so nothing was promised of the [1-9]\d* that are missing`).MatchString(got.err) {
			t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
		}
		if output == "table" {
			if !regexp.MustCompile(`(?m)^sent +\d+ records in [\d.]+ s, 0 failed\n(.*\n)?missing +[1-9]\d*$`).MatchString(got.out) || strings.Contains(got.out, "lost") {
				t.Errorf("got %s", got.out)
			}
			continue
		}
		if r := demoReportOf(t, got); !r.Right || r.Missing == 0 || r.Lost != 0 || r.Acked != 0 || r.Sent != r.Written {
			t.Errorf("got %+v", r)
		}
	}
}

// What goes wrong on the way is shown, but not without end, and records that fail are no lost ones.
func TestDemoShowsTrouble(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(2))
	cluster.Fault(ktest.On(kmsg.KeyProduce).After(5), ktest.Answer(kmsg.InvalidRecord))
	var out, errs bytes.Buffer
	a := testApp(strings.NewReader(""), &out, &errs, cluster.DialContext)
	a.screen, a.environ = true, []string{"NO_COLOR=1"}
	code := a.run(t.Context(), []string{"demo", "-b", "broker1", "--duration", "800ms", "--rate", "500", "--partitions", "2"})
	last := out.String()[strings.LastIndex(out.String(), "franzi demo"):]
	for _, want := range []string{"broker1:9092, 2 partitions", "2 brokers", "   produce, partition 1: INVALID_RECORD\x1b", "there are more errors", "0 doubled   0 out of order   0 changed", "lost                0\n"} {
		if !strings.Contains(last, want) {
			t.Errorf("got no %q in\n%s", want, last)
		}
	}
	for line := range strings.Lines(last) {
		if n := utf8.RuneCountInString(strings.Trim(line, "\r\n")) - len("\x1b[K"); strings.HasSuffix(line, "\x1b[K\n") && n > 79 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if code != exitFailed || !strings.Contains(errs.String(), "records failed, as their writers were told") || strings.Contains(last, "\x1b[31m") || !regexp.MustCompile(`[1-9]\d* failed\x1b`).MatchString(last) {
		t.Errorf("got exit %d %s\n%q", code, errs.String(), last)
	}
}

// Who ends it gets the count.
func TestDemoIsInterrupted(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(2))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		if cluster.Wait(ctx, func() bool { return cluster.Requests(kmsg.KeyProduce) > 20 }) == nil {
			cancel()
		}
	}()
	got := runWith(ctx, cluster.DialContext, "", "demo", "-b", "broker1", "--duration", "1h", "-o", "json")
	if r := demoReportOf(t, got); got.code != exitOK || !r.Right || r.Acked == 0 || r.Lost != 0 || r.Pending != 0 {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
	if topics := cluster.Topics(); len(topics) != 0 {
		t.Errorf("topics are left: %v", topics)
	}
}

func TestSparks(t *testing.T) {
	if got, want := sparks([]float64{9, 0, 1, 5, 9.9, 10}, 5), "▁▁▅██"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := sparks([]float64{0, 0}, 5) + sparks(nil, 5); got != "▁▁" {
		t.Errorf("got %s", got)
	}
}
