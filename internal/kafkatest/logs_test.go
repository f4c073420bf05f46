package kafkatest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	for _, test := range []struct {
		text  string
		lines int
		want  string
	}{
		{"", 2, ""},
		{"a", 2, "a"},
		{"a\nb\n", 2, "a\nb"},
		{"a\nb\nc\n", 2, "b\nc"},
		{"a\nb\nc", 1, "c"},
		{"\n\nc", 2, "\nc"},
	} {
		if got := tail(test.text, test.lines); got != test.want {
			t.Errorf("tail(%q, %d): got %q, want %q", test.text, test.lines, got, test.want)
		}
	}
}

func TestQuote(t *testing.T) {
	info := strings.Repeat("[d] INFO a line (c)\n", tailLines)
	for _, test := range []struct{ log, want string }{
		{"", "its log is empty"},
		{"\n\n", "its log is empty"},
		{"[d] ERROR near the end\n", "its log ends with\n[d] ERROR near the end"},
		{"early\n" + info, "its log ends with\n" + info[:len(info)-1]},
		{"early\n[d] ERROR the cause\n\tat some place\n" + info, "its first error is\n[d] ERROR the cause\n\tat some place\nits log ends with\n" + info[:len(info)-1]},
		{"[d] FATAL one\n" + strings.Repeat("x\n", causeLines) + "[d] ERROR two\n" + info, "its first error is\n[d] FATAL one\n" + strings.Repeat("x\n", causeLines-1) + "its log ends with\n" + info[:len(info)-1]},
	} {
		if got := quote(test.log); got != test.want {
			t.Errorf("%q: got\n%s\nwant\n%s", test.log, got, test.want)
		}
	}
}

func TestOpenLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "node-1.log")
	write := func(wantBegin int64, text string) {
		t.Helper()
		f, begin, err := openLog(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if begin != wantBegin {
			t.Errorf("got the beginning %d, want %d", begin, wantBegin)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write(0, "first\n")
	write(6, "second\n")
	if got, want := readLog(name, 6), "second\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := readLog(name, 0), "first\nsecond\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	write(13, strings.Repeat("x", maxLog))
	write(0, "after\n") // the long one was put aside
	if got, want := readLog(name, 0), "after\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := os.Stat(name + ".old"); err != nil {
		t.Error(err)
	}
	if got := readLog(name+".none", 0); !strings.HasPrefix(got, "no log: ") {
		t.Errorf("got %q, want that there is no log", got)
	}
}

// What each era says when its port is taken.
func TestPortTaken(t *testing.T) {
	for log, want := range map[string]bool{
		"kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: Address already in use.":                                                                       true, // 0.8 to 3.x
		"org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: Address already in use.\nCaused by: java.net.BindException: Address already in use": true,
		"java.net.BindException: Address already in use\n\tat org.apache.zookeeper.server.NIOServerCnxnFactory":                                                                      true,
		"[2026-11-23] INFO Kafka Server started": false,
	} {
		if got := portTaken(log); got != want {
			t.Errorf("%q: got %v, want %v", log, got, want)
		}
	}
}

func TestFailed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	text := strings.Repeat("an early line\n", 100) + strings.Repeat("a late line\n", tailLines-1) +
		"Exception in thread \"main\" java.lang.UnsupportedClassVersionError: kafka/Kafka\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{name: "node-1", command: "java kafka.Kafka", logFile: name, done: make(chan struct{})}
	if err := p.failed(); err != nil {
		t.Errorf("got %v, want nothing while it runs", err)
	}
	close(p.done)
	got := p.failed().Error()
	for _, want := range []string{"node-1", "exit code 0", "java kafka.Kafka", "newer Java", "a late line"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to say %q", got, want)
		}
	}
	if err := os.WriteFile(name, []byte("java.net.BindException: Address already in use\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.failed(); !errors.Is(err, errPortTaken) || !errors.Is(err, errDied) {
		t.Errorf("got %v, want both what happened and why", err)
	}
	if strings.Contains(got, "an early line") {
		t.Errorf("got %q, want the last %d lines only", got, tailLines)
	}
}

func TestCommandLine(t *testing.T) {
	got := commandLine("/usr/bin/java", []string{"-cp", "/lib/*", "plain", "it's", ""})
	if want := `/usr/bin/java -cp '/lib/*' plain 'it'\''s' ''`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
