package importer

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// A source is what one release says.
type source struct {
	release  string
	messages map[string]*def.Message // by the name they have today
	folder   map[string]string       // of each message: the jar's name without "kafka-" and version
	errors   []ErrorCode             // nil if only kafka-clients was read
}

// read takes all definitions out of a release's jars.
func read(set jars.Set, names *names) (*source, error) {
	files, err := set.Kafka()
	if err != nil {
		return nil, err
	}
	src := &source{release: set.Version, messages: map[string]*def.Message{}, folder: map[string]string{}}
	for _, file := range files {
		folder := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "kafka-"), "-"+set.Version+".jar")
		messages, err := readJar(file, set.Version)
		if err != nil {
			return nil, err
		}
		if err := def.CheckSet(messages); err != nil {
			return nil, err
		}
		for _, m := range messages {
			if m, err = def.Normal(m); err != nil {
				return nil, err
			}
			names.modernise(m)
			if src.messages[m.Name] != nil {
				return nil, fmt.Errorf("%s: %s is described twice in this release", m.File, m.Name)
			}
			src.messages[m.Name] = m
			src.folder[m.Name] = folder
		}
	}
	if len(src.messages) == 0 {
		return nil, fmt.Errorf("the jars of Kafka %s have no message definitions: these start with 2.2", set.Version)
	}
	return src, nil
}

// maxDefinition bounds a definition file; the largest has 20 kB.
const maxDefinition = 1 << 20

func readJar(file, release string) ([]*def.Message, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove its folder to fetch it again", file, err)
	}
	defer z.Close()
	opts := def.Options{NoFlexible: jars.Before(release, "3.0"), Trailing: jars.Before(release, "3.0")}
	var messages []*def.Message
	var broken []error
	for _, entry := range z.File {
		dir := path.Dir(entry.Name)
		if path.Ext(entry.Name) != ".json" || dir != "common/message" && dir != "common/metadata" && dir != "message" {
			continue
		}
		data, err := readEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, entry.Name, err)
		}
		m, err := def.Parse(filepath.Base(file)+"/"+entry.Name, data, opts)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		messages = append(messages, m)
	}
	def.SortMessages(messages)
	return messages, errors.Join(broken...)
}

func readEntry(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxDefinition+1))
	if err == nil && len(data) > maxDefinition {
		err = fmt.Errorf("larger than %d bytes", maxDefinition)
	}
	return data, err
}

// ErrorCode is a row of Kafka's enumeration of errors.
type ErrorCode struct {
	Code      int16    `json:"code"`
	Name      string   `json:"name"`
	Retriable bool     `json:"retriable"`
	Exception []string `json:"exception,omitempty"` // Java's class and those above it
}

//go:embed KafkaErrors.java
var kafkaErrors []byte

// readErrors asks the release's own enumeration for its codes.
func readErrors(ctx context.Context, set jars.Set) ([]ErrorCode, error) {
	out, err := runJava(ctx, set, "KafkaErrors", kafkaErrors)
	if err != nil {
		return nil, err
	}
	var codes []ErrorCode
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(parts) != 4 {
			return nil, fmt.Errorf("the release %s: unexpected error code %q", set.Version, line)
		}
		code, err := strconv.ParseInt(parts[0], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("the release %s: unexpected error code %q", set.Version, line)
		}
		codes = append(codes, ErrorCode{int16(code), parts[1], parts[2] == "true", strings.Fields(parts[3])})
	}
	slices.SortFunc(codes, func(a, b ErrorCode) int { return int(a.Code) - int(b.Code) })
	return codes, nil
}

// runJava runs a program of one file against a release's jars and returns what it prints.
func runJava(ctx context.Context, set jars.Set, class string, program []byte, args ...string) ([]byte, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New("some facts are read by small Java programs, and there is no java in the PATH: install a JDK, 17 or later")
	}
	dir, err := os.MkdirTemp("", "franzi-import-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, class+".java")
	if err := os.WriteFile(file, program, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, java, append([]string{"-cp", set.ClassPath(), file}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s.java against Kafka %s: %w\n%s", class, set.Version, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
