package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// A fake cluster listens on sockets, with TLS and SASL, and does what its script says; its record
// has what was asked. It ends well when it is interrupted.
func TestFake(t *testing.T) {
	dir := t.TempDir()
	ca, script, record := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "faults.txt"), filepath.Join(dir, "record.jsonl")
	if err := os.WriteFile(script, []byte("# one\non CreateTopics broker=1 nth=1: answer POLICY_VIOLATION\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := newLine()
	var errs bytes.Buffer
	done := make(chan int)
	go func() {
		a := testApp(strings.NewReader(""), out, &errs, nil)
		done <- a.run(ctx, []string{"fake", "--seed-topic", "orders:2", "--tls-ca", ca, "--user", "alice:secret", "--fault", script, "--record", record})
	}()
	var addr string
	select {
	case addr = <-out.lines:
	case code := <-done:
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	ask := func(args ...string) ran {
		return runWith(ctx, nil, "", append(args, "-b", strings.TrimSpace(addr), "--tls-ca", ca, "--sasl", "PLAIN", "--user", "alice", "-X", "sasl.password=secret")...)
	}
	if got := ask("topic", "list", "-o", "raw"); got.code != exitOK || !strings.HasPrefix(got.out, "orders\t2\t1") {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
	if got := ask("topic", "create", "a"); got.code != exitFailed || !strings.Contains(got.err, "POLICY_VIOLATION") {
		t.Errorf("the fault: got exit %d %s%s", got.code, got.out, got.err)
	}
	if got := ask("topic", "create", "a"); got.code != exitOK {
		t.Errorf("after the fault: got exit %d %s%s", got.code, got.out, got.err)
	}
	if got := ask("req", "Metadata", "--explain"); got.code != exitOK || !strings.Contains(got.out, "Metadata") {
		t.Errorf("explained over TLS: got exit %d %s%s", got.code, got.out, got.err)
	}
	cancel()
	if code := <-done; code != exitOK && code != exitInterrupted {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	text, err := os.ReadFile(record)
	if err != nil || !strings.Contains(string(text), `"api":"CreateTopics"`) {
		t.Errorf("the record lacks CreateTopics: %v %s", err, text)
	}
	if strings.Contains(string(text), "secret\"") {
		t.Error("the record has the password")
	}
}

// A lineWriter is a stdout whose first write can be waited for.
type lineWriter struct{ lines chan string }

func newLine() *lineWriter { return &lineWriter{make(chan string, 8)} }

func (w *lineWriter) Write(b []byte) (int, error) {
	w.lines <- string(b)
	return len(b), nil
}

// What is wrong with a script is told with its line.
func TestFaultScripts(t *testing.T) {
	for text, want := range map[string]string{
		"on Produce: answer NOT_LEADER_OR_FOLLOWER":                            "",
		"on any client=x topic=a partition=a/1 times=2 after=1: delay 1s, cut": "",
		"at 1s: kill 1\nat 2s: start 1\nat 3s: move a/0 2\nat 4s: create b:3":  "",
		"on Prodcue: cut":            "f:1: unknown API \"Prodcue\": did you mean Produce?",
		"\non Produce: explode":      "f:2: \"explode\" is none of answer CODE",
		"on Produce brokr=1: cut":    "\"brokr=1\" is none of broker=N",
		"on Produce: answer NONSENS": "unknown error \"NONSENS\"",
		"at soon: kill 1":            "\"soon\" is no time like 10s",
		"at 1s: kill":                "\"kill\" is none of kill N",
		"when 1s: kill 1":            "\"when\" is neither on nor at",
		"nothing":                    "is neither on API WORDS: EFFECTS nor at TIME: ACT",
	} {
		_, err := parseFaults("f", text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// What a script does to brokers and topics that are not there is told, and the cluster goes on.
func TestFaultsOfWhatIsNotThere(t *testing.T) {
	for act, want := range map[string]string{
		"kill 9": "no broker 9", "stop 9": "no broker 9", "start 9": "no broker 9", "pause 9": "no broker 9", "continue 9": "no broker 9", "cut 9": "no broker 9",
		"delete nope": `no topic "nope"`, "recreate nope": `no topic "nope"`, "move nope/0 1": "nope", "create orders:1": "orders", "kill 1": "", "delete orders": "",
	} {
		t.Run(act, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster, err := ktest.Start(ktest.Brokers(2), ktest.SeedTopic("orders", 1))
				if err != nil {
					t.Fatal(err)
				}
				defer cluster.Close()
				script, err := parseFaults("f", "at 1s: "+act)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				var said []string
				script.run(ctx, cluster, func(err error) { said = append(said, err.Error()) })
				<-ctx.Done()
				synctest.Wait()
				if want == "" && len(said) > 0 || want != "" && (len(said) != 1 || !strings.Contains(said[0], want)) {
					t.Errorf("got %q, want %q", said, want)
				}
				cluster.Topics() // which waits for its lock
			})
		})
	}
}

// A cluster that there cannot be is a mistake in the command line.
func TestFakeMisused(t *testing.T) {
	for _, args := range [][]string{{"--brokers", "0"}, {"--brokers", "5000"}, {"--as-version", "7"}, {"--brokers", "2", "--listen", "127.0.0.1:0"}} {
		if got := run(t, "", append([]string{"fake"}, args...)...); got.code != exitUsage || got.err == "" || got.out != "" {
			t.Errorf("%v: got exit %d %s%s", args, got.code, got.out, got.err)
		}
	}
}
