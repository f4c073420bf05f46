package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// A ran is what a command left behind.
type ran struct {
	out, err string
	code     int
}

// run runs a command in this process, without a network.
func run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	return runWith(t.Context(), noNetwork, stdin, args...)
}

func runWith(ctx context.Context, dial dialer, stdin string, args ...string) ran {
	var out, err bytes.Buffer
	code := testApp(strings.NewReader(stdin), &out, &err, dial).run(ctx, args)
	return ran{out.String(), err.String(), code}
}

// definitions are read once for all tests.
var definitions = sync.OnceValues(func() (*model.Model, error) { return model.Load(spec.FS) })

func testApp(in io.Reader, out, err io.Writer, dial dialer) *app {
	a := newApp(in, out, err, dial)
	a.model, a.environ = definitions, nil
	return a
}

func noNetwork(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("the test has no network")
}

var update = flag.Bool("update", false, "write what commands say into testdata/*.txt")

// TestTranscripts runs the commands of testdata/*.txt and compares what they say. After a
// line "$ franzi ..." come lines of stdin (<, or <x for bytes in hex, or <capture for one of
// captures), of stdout (>) and of stderr (!), and the exit code if it is not 0 (=).
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			is := replay(t, string(was))
			if *update {
				if err := os.WriteFile(file, []byte(is), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(is, string(was)); d != "" {
				t.Errorf("(-got +want):\n%s", d)
			}
		})
	}
}

// replay runs the commands of a transcript and writes it anew.
func replay(t *testing.T, script string) string {
	t.Helper()
	var b strings.Builder
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		command, ok := strings.CutPrefix(lines[i], "$ franzi")
		if !ok {
			if line := lines[i]; line == "" || line[0] == '#' {
				b.WriteString(line + "\n")
			}
			continue
		}
		b.WriteString(lines[i] + "\n")
		var stdin strings.Builder
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "<") {
			i++
			b.WriteString(lines[i] + "\n")
			if digits, ok := strings.CutPrefix(lines[i], "<x "); ok {
				raw, err := parseHex(digits)
				if err != nil {
					t.Fatalf("%s: %v", lines[i], err)
				}
				stdin.Write(raw)
				continue
			}
			if name, ok := strings.CutPrefix(lines[i], "<capture "); ok {
				stdin.Write(captureOf(t, name))
				continue
			}
			stdin.WriteString(strings.TrimPrefix(strings.TrimPrefix(lines[i], "<"), " ") + "\n")
		}
		got := run(t, stdin.String(), words(t, command)...)
		b.WriteString(marked(">", got.out) + marked("!", got.err))
		if got.code != exitOK {
			b.WriteString("= " + strconv.Itoa(got.code) + "\n")
		}
	}
	return b.String()
}

// marked puts a mark before each line.
func marked(mark, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(mark+" "+line, " \n") + "\n")
	}
	return b.String()
}

// words splits a command as a shell does, with single quotes only.
func words(t *testing.T, command string) []string {
	t.Helper()
	var all []string
	word, open := "", false // open: a word has begun
	for rest := command; rest != ""; rest = rest[1:] {
		switch rest[0] {
		case ' ':
			if open {
				all, word, open = append(all, word), "", false
			}
		case '\'':
			quoted, after, ok := strings.Cut(rest[1:], "'")
			if !ok {
				t.Fatalf("a quote is open in %q", command)
			}
			word, open, rest = word+quoted, true, "'"+after
		default:
			word, open = word+rest[:1], true
		}
	}
	if open {
		all = append(all, word)
	}
	return all
}

// failingWriter is a stdout that is full.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// What cannot be written is an error, not silence.
func TestStdoutFails(t *testing.T) {
	var err bytes.Buffer
	code := testApp(strings.NewReader(""), failingWriter{}, &err, noNetwork).run(t.Context(), []string{"error", "3"})
	if code != exitFailed || !strings.Contains(err.String(), "short write") {
		t.Errorf("got exit %d, %q", code, err.String())
	}
}
