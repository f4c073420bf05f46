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
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kgo/ktest"
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

// A stage is what the commands of a transcript see of the world.
type stage struct {
	cluster  *ktest.Cluster
	terminal bool
}

// set follows a line that begins with a percent sign:
//
//	% cluster version=2.8 brokers=3 topic=orders:12 zookeeper property=key=value advertise=2:there:9092
//	% produce orders/0 5
//	% kill 2
//	% terminal
func (s *stage) set(t *testing.T, line string) {
	t.Helper()
	fields := strings.Fields(strings.TrimPrefix(line, "%"))
	switch fields[0] {
	case "cluster":
		var opts []ktest.Option
		for _, f := range fields[1:] {
			name, value, _ := strings.Cut(f, "=")
			switch name {
			case "version":
				opts = append(opts, ktest.Version(value))
			case "brokers":
				opts = append(opts, ktest.Brokers(number(t, value)))
			case "topic":
				topic, n, _ := strings.Cut(value, ":")
				opts = append(opts, ktest.SeedTopic(topic, number(t, n)))
			case "zookeeper":
				opts = append(opts, ktest.ZooKeeper())
			case "sasl":
				opts = append(opts, ktest.SASL(), ktest.User("alice", "secret"))
			case "property":
				key, v, _ := strings.Cut(value, "=")
				opts = append(opts, ktest.Property(key, v))
			case "advertise":
				id, there, _ := strings.Cut(value, ":")
				opts = append(opts, ktest.Advertise(func(broker int32, addr string) string {
					if broker == int32(number(t, id)) {
						return there
					}
					return addr
				}))
			default:
				t.Fatalf("%s: unknown word %q", line, f)
			}
		}
		s.cluster = ktest.NewCluster(t, opts...)
	case "produce":
		topic, partition, _ := strings.Cut(fields[1], "/")
		for range number(t, fields[2]) {
			if _, err := s.cluster.Produce(topic, int32(number(t, partition)), ktest.Record{Value: []byte("v"), Timestamp: time.UnixMilli(1_700_000_000_000)}); err != nil {
				t.Fatal(err)
			}
		}
	case "shrink":
		topic, partition, _ := strings.Cut(fields[1], "/")
		s.cluster.HoldReplication(topic, int32(number(t, partition)), int32(number(t, fields[2])), true)
		s.cluster.ShrinkISR(topic, int32(number(t, partition)), int32(number(t, fields[2])))
	case "terminal":
		s.terminal = true
	default:
		t.Fatalf("unknown line %q", line)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// run runs a command on the stage.
func (s *stage) run(t *testing.T, stdin string, args []string) ran {
	t.Helper()
	var out, err bytes.Buffer
	dial := dialer(noNetwork)
	if s.cluster != nil {
		dial = s.cluster.DialContext
	}
	a := testApp(strings.NewReader(stdin), &out, &err, dial)
	a.terminal = s.terminal
	code := a.run(t.Context(), args)
	return ran{out.String(), err.String(), code}
}

// TestTranscripts runs the commands of testdata/*.txt and compares what they say. After a
// line "$ franzi ..." come lines of stdin (<, or <x for bytes in hex, or <capture for one of
// captures), of stdout (>) and of stderr (!), and the exit code if it is not 0 (=). Lines
// with % set the stage.
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

// someBroker is whom an error is from, which may be any at times.
var someBroker = regexp.MustCompile(`\bbroker \d+( \(broker\d+:9092\))?`)

// replay runs the commands of a transcript and writes it anew.
func replay(t *testing.T, script string) string {
	t.Helper()
	var b strings.Builder
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	var on stage
	for i := 0; i < len(lines); i++ {
		if strings.HasPrefix(lines[i], "%") {
			on.set(t, lines[i])
			b.WriteString(lines[i] + "\n")
			continue
		}
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
		got := on.run(t, stdin.String(), words(t, command))
		b.WriteString(marked(">", got.out) + marked("!", someBroker.ReplaceAllString(got.err, "broker N")))
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
