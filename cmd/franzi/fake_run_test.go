package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
