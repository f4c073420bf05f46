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
	var broken []error
	for _, file := range files {
		folder := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "kafka-"), "-"+set.Version+".jar")
		messages, faults, err := readJar(file, set.Version)
		if err != nil {
			return nil, err
		}
		if faults == nil {
			faults = def.CheckSet(messages)
		}
		broken = append(broken, faults)
		for _, m := range messages {
			m, err := def.Normal(m)
			if err != nil {
				broken = append(broken, err)
				continue
			}
			names.modernise(m)
			if other := src.messages[m.Name]; other != nil {
				broken = append(broken, fmt.Errorf("%s: %s is described in %s too", m.File, m.Name, other.File))
			}
			src.messages[m.Name] = m
			src.folder[m.Name] = folder
		}
	}
	if err := errors.Join(broken...); err != nil {
		return nil, fmt.Errorf("the definitions of Kafka %s break the rules of their language:\n%w", set.Version, err)
	}
	if len(src.messages) == 0 {
		return nil, fmt.Errorf("there are no message definitions in the jars in %s; remove the folder to fetch it again", set.Dir)
	}
	return src, nil
}

// firstDefinitions is the first release whose jars have definitions.
const firstDefinitions = "2.2"

// maxDefinition bounds a definition file; the largest has 20 kB.
const maxDefinition = 1 << 20

// readJar reads the definitions in a jar. Those that break rules are faults; the error is
// that the jar cannot be read.
func readJar(file, release string) (messages []*def.Message, faults, err error) {
	unreadable := func(err error) error {
		return fmt.Errorf("%s: %w; remove its folder to fetch it again", file, err)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	defer z.Close()
	opts := def.Options{NoFlexible: jars.Before(release, "3.0"), Trailing: jars.Before(release, "3.0")}
	var broken []error
	for _, entry := range z.File {
		dir := path.Dir(entry.Name)
		if path.Ext(entry.Name) != ".json" || dir != "common/message" && dir != "common/metadata" && dir != "message" {
			continue
		}
		data, err := readEntry(entry)
		if err != nil {
			return nil, nil, unreadable(fmt.Errorf("%s: %w", entry.Name, err))
		}
		m, err := def.Parse(filepath.Base(file)+"/"+entry.Name, data, opts)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		messages = append(messages, m)
	}
	def.SortMessages(messages)
	return messages, errors.Join(broken...), nil
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

func (e ErrorCode) equal(o ErrorCode) bool {
	return e.Code == o.Code && e.Name == o.Name && e.Retriable == o.Retriable && slices.Equal(e.Exception, o.Exception)
}

//go:embed KafkaErrors.java
var kafkaErrors []byte

// readErrors asks the release's own enumeration for its codes.
func readErrors(ctx context.Context, set jars.Set) ([]ErrorCode, error) {
	out, err := runJava(ctx, set, "KafkaErrors", kafkaErrors)
	if err != nil {
		return nil, err
	}
	codes, err := parseErrors(out)
	if err != nil {
		return nil, fmt.Errorf("KafkaErrors.java against Kafka %s: %w", set.Version, err)
	}
	return codes, nil
}

// parseErrors reads what KafkaErrors.java prints.
func parseErrors(printed []byte) ([]ErrorCode, error) {
	var codes []ErrorCode
	for line := range strings.Lines(string(printed)) {
		line = strings.TrimRight(line, "\r\n")
		parts := strings.Split(line, "\t")
		if len(parts) != 4 {
			return nil, fmt.Errorf("it prints %q, which is no error code", line)
		}
		code, err := strconv.ParseInt(parts[0], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("it prints %q, which is no error code", line)
		}
		codes = append(codes, ErrorCode{int16(code), parts[1], parts[2] == "true", strings.Fields(parts[3])})
	}
	if len(codes) == 0 {
		return nil, errors.New("it prints nothing")
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
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s.java against Kafka %s: %w\n%s", class, set.Version, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
