//go:build kafka

package batch_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

var update = flag.Bool("update", false, "write the vectors again")

func java(t *testing.T, stdin io.Reader, set jars.Set, args ...string) string {
	t.Helper()
	program := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		program = filepath.Join(home, "bin", "java")
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-cp", set.ClassPath()}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("java %s with Kafka %s: %v\n%s", args, set.Version, err, &stderr)
	}
	return stdout.String()
}

// recordBatches runs RecordBatches.java with a release's jars. From 4.2 on most classes are
// internal.
func recordBatches(t *testing.T, release, mode string, stdin io.Reader) string {
	t.Helper()
	set, err := jars.Broker(t.Context(), release)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join("..", "..", "testdata", "java", "RecordBatches.java"))
	if err != nil {
		t.Fatal(err)
	}
	if !jars.Before(release, "4.2") {
		program = []byte(strings.NewReplacer(
			"import org.apache.kafka.common.record.*;", "import org.apache.kafka.common.record.*; import org.apache.kafka.common.record.internal.*;",
			"org.apache.kafka.common.record.Record ", "org.apache.kafka.common.record.internal.Record ",
		).Replace(string(program)))
	}
	file := filepath.Join(t.TempDir(), "RecordBatches.java")
	if err := os.WriteFile(file, program, 0o644); err != nil {
		t.Fatal(err)
	}
	return java(t, stdin, set, file, mode)
}

func writeVectors(t *testing.T, file, text string) {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "..", "testdata", "vectors", "batch", file), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lines(vectors []javaVector) (all []string) {
	for _, v := range vectors {
		all = append(all, fmt.Sprintf("%s\t%x\t%s", v.name, v.bytes, v.reads))
	}
	return all
}

// The vectors are what Kafka's classes write: all of 3.9, the last release that writes the old
// formats, and what differs in 4.4. With -update they are written again.
func TestJavaVectors(t *testing.T) {
	made := parseVectors(t, recordBatches(t, "3.9.2", "make", nil))
	known := map[string]bool{}
	for _, line := range lines(made) {
		known[line] = true
	}
	for _, v := range parseVectors(t, recordBatches(t, "4.4.0", "make", nil)) {
		if !known[lines([]javaVector{v})[0]] {
			v.name += ", by 4.4"
			made = append(made, v)
		}
	}
	if *update {
		writeVectors(t, byJavaFile, strings.Join(lines(made), "\n")+"\n")
	}
	if diff := cmp.Diff(lines(vectors(t, byJavaFile)), lines(made)); diff != "" {
		t.Errorf("the vectors differ, -file +made; run with -update\n%s", diff)
	}
}

// Kafka's own classes read what we write: those of 3.9, whose answers become the vectors with
// -update, and those of 4.4.
func TestJavaReadsOursNow(t *testing.T) {
	for _, release := range []string{"3.9.2", "4.4.0"} {
		var in strings.Builder
		all := ours(t)
		for _, v := range all {
			fmt.Fprintf(&in, "%s\t%x\n", v.name, v.bytes)
		}
		text := recordBatches(t, release, "read", strings.NewReader(in.String()))
		answers := parseVectors(t, text)
		if len(answers) != len(all) {
			t.Fatalf("%s: got %d answers, want %d", release, len(answers), len(all))
		}
		for _, v := range answers {
			got, err := describe(v.bytes)
			if err != nil || !sameText(got, v.reads) {
				t.Errorf("%s with %s: we read (%v)\n%s\nKafka reads\n%s", v.name, release, err, got, v.reads)
			}
		}
		if *update && release == "3.9.2" {
			writeVectors(t, byUsFile, text)
		}
	}
}

// Kafka's classes read the loose offsets that we read, and refuse those that we refuse.
func TestJavaRefusesLooseOffsets(t *testing.T) {
	var in strings.Builder
	for _, l := range loose {
		fmt.Fprintf(&in, "%s\t%x\n", l, l.message(t))
	}
	for i, v := range parseVectors(t, recordBatches(t, "3.9.2", "read", strings.NewReader(in.String()))) {
		_, err := describe(v.bytes)
		if javas := !strings.HasPrefix(v.reads, "error"); javas != loose[i].good || (err == nil) != javas {
			t.Errorf("%s: we say %v, Kafka %s", v.name, err, v.reads)
		}
	}
}

// A broker's own class makes what the vectors have of message sets in newer logs.
func TestJavaConvertsUp(t *testing.T) {
	set, err := jars.Broker(t.Context(), "3.9.2")
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	for _, up := range upConversions(t) {
		fmt.Fprintf(&in, "%s\t%d\t%d\t%x\n", up.name, up.to, up.first, up.bytes)
	}
	text := java(t, strings.NewReader(in.String()), set, filepath.Join("..", "..", "testdata", "java", "UpConvertRecords.java"))
	if *update {
		writeVectors(t, upFile, text)
	}
	if diff := cmp.Diff(lines(vectors(t, upFile)), lines(parseVectors(t, text))); diff != "" {
		t.Errorf("the vectors differ, -file +made; run with -update\n%s", diff)
	}
}

// A segment of a log that we write is one to Kafka's DumpLogSegments, record by record.
func TestDumpLogSegments(t *testing.T) {
	var log []byte
	var want []string
	offset := int64(1000)
	for seed := range uint64(40) {
		c := newChance(seed)
		f := formats[c.IntN(len(formats))]
		b := batch.NewBuilder(nil, f.magic)
		b.BaseOffset = offset
		for range 1 + c.IntN(20) {
			value := []byte(strings.Repeat(string(rune('a'+c.IntN(26))), 10+c.IntN(50)))
			key := []byte(fmt.Sprint("key-", offset))
			b.Append(1_700_000_000_000+offset, key, value, nil)
			want = append(want, fmt.Sprintf("%d %s %s", offset, key, value))
			offset++
		}
		s := b.Seal()
		if _, err := s.Compress(codecs, compress.Settings{Codec: f.codec}, nil); err != nil {
			t.Fatal(err)
		}
		log = append(log, s.Bytes...)
	}
	file := filepath.Join(t.TempDir(), fmt.Sprintf("%020d.log", 1000))
	if err := os.WriteFile(file, log, 0o644); err != nil {
		t.Fatal(err)
	}
	for version, class := range map[string]string{"3.9.2": "kafka.tools.DumpLogSegments", "4.3.1": "org.apache.kafka.tools.DumpLogSegments"} {
		set, err := jars.Tools(t.Context(), version)
		if version == "3.9.2" {
			set, err = jars.Broker(t.Context(), version)
		}
		if err != nil {
			t.Fatal(err)
		}
		text := java(t, nil, set, class, "--deep-iteration", "--print-data-log", "--files", file)
		var got []string
		for _, m := range regexp.MustCompile(`(?m)^\| offset: (\d+) .*? key: (\S+) payload: (\S+)$`).FindAllStringSubmatch(text, -1) {
			got = append(got, strings.Join(m[1:], " "))
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: records, got (-), want (+):\n%s\nin\n%.3000s", version, diff, text)
		}
		batches := regexp.MustCompile(`(?m)^(?:baseO|o)ffset: .*isvalid: (\w+)`).FindAllStringSubmatch(text, -1)
		for _, m := range batches {
			if valid, err := strconv.ParseBool(m[1]); err != nil || !valid {
				t.Errorf("%s: a batch is not valid: %s", version, m[0])
			}
		}
		n := 0
		for r := batch.NewReader(log); r.Next(); n++ {
		}
		if len(batches) != n {
			t.Errorf("%s: got %d batches, want %d", version, len(batches), n)
		}
	}
}
