//go:build kafka

package compress_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

var update = flag.Bool("update", false, "write the vectors again")

// runJava runs Compression.java with a release's jars.
func runJava(t *testing.T, release, mode string, stdin io.Reader) string {
	t.Helper()
	set, err := jars.Broker(t.Context(), release)
	if err != nil {
		t.Fatal(err)
	}
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	cmd := exec.CommandContext(t.Context(), java, "-cp", set.ClassPath(), "../../testdata/java/Compression.java", mode)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("Compression.java %s with Kafka %s: %v\n%s", mode, release, err, &stderr)
	}
	return stdout.String()
}

// The vectors are what Java writes: the first release with Java's classes for it, one of the
// middle and the newest. With -update they are written again.
func TestJavaVectors(t *testing.T) {
	var made []vector
	known := map[vector]bool{}
	for _, release := range []string{"4.4.0", "2.8.2", "0.8.2.2"} {
		text := runJava(t, release, "make", nil)
		for line := range strings.Lines(text) {
			v := parseVectors(t, release+"\t"+line)[0]
			bare := v
			bare.release = ""
			if !known[bare] { // often it is the same as in another release
				known[bare] = true
				made = append(made, v)
			}
		}
	}
	if *update {
		var b strings.Builder
		for _, v := range made {
			fmt.Fprintln(&b, v)
		}
		if err := os.WriteFile(vectorsFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(vectors []vector) (all []string) {
		for _, v := range vectors {
			all = append(all, v.String())
		}
		return all
	}
	if diff := cmp.Diff(lines(vectors(t)), lines(made)); diff != "" {
		t.Errorf("the vectors differ, -file +made; run with -update\n%s", diff)
	}
}

// Kafka's own classes of every era read what we write, and those of before 0.10 refuse the right
// header checksum of LZ4.
func TestJavaReadsOurs(t *testing.T) {
	c := new(compress.Codecs)
	payloads := [][]byte{{}, payload("text:1"), payload("text:100"), payload("noise:1000"), payload("zeros:300000"), payload("text:100000"), records(largeRecord, 1_000_000, 1)}
	for _, release := range []string{"0.8.2.2", "0.9.0.1", "0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.2", "4.4.0"} {
		t.Run(release, func(t *testing.T) {
			var in bytes.Buffer
			var want, names []string
			for _, s := range allSettings {
				if s.Codec == compress.None || s.Codec == compress.Zstd && jars.Before(release, "2.1") {
					continue
				}
				refused := s.Codec == compress.LZ4 && !s.MessageSetV0 && jars.Before(release, "0.10.0")
				magic := 2
				if s.MessageSetV0 {
					magic = 0
				}
				for _, src := range payloads {
					packed, err := c.Compress(nil, src, s.Settings)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&in, "%v\t%d\t%x\n", s.Codec, magic, packed)
					if refused {
						want = append(want, "error\tjava.io.IOException: Stream frame descriptor corrupted")
					} else {
						want = append(want, fmt.Sprintf("%d\t%x", len(src), sha256.Sum256(src)))
					}
					names = append(names, fmt.Sprintf("%s, %d bytes", s.name, len(src)))
				}
			}
			got := slices.Collect(strings.Lines(runJava(t, release, "read", &in)))
			if len(got) != len(want) {
				t.Fatalf("got %d answers, want %d", len(got), len(want))
			}
			for i := range got {
				if strings.TrimSpace(got[i]) != want[i] {
					t.Errorf("%s: got %s, want %s", names[i], strings.TrimSpace(got[i]), want[i])
				}
			}
		})
	}
}
