package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A group is what the vectors have of one message at one version: encodings that Kafka's own
// classes made of a default value and of random ones.
type group struct {
	name    string // "FetchResponse version 16"
	pairs   pairs
	unknown bool  // franz-go does not have the message or the version
	differs error // what franz-go read or wrote otherwise, of the first such encoding
}

// groups reads the requests and responses in testdata/vectors of the main module, and lets
// both libraries read and write each.
func groups() ([]group, error) {
	dir, err := moduleDir(ourModule)
	if err != nil {
		return nil, err
	}
	keys := map[string]kmsg.APIKey{}
	for _, api := range kmsg.APIs() {
		keys[api.Name] = api.Key
	}
	var all []group
	err = eachVector(filepath.Join(dir, "testdata", "vectors", "clients.tsv.gz"), func(name string, version int16, data []byte) error {
		api, isResponse := strings.CutSuffix(name, "Response")
		api, isRequest := strings.CutSuffix(api, "Request")
		key, ok := keys[api]
		if isResponse == isRequest || !ok {
			return nil // a header, or data
		}
		title := fmt.Sprintf("%s v%d", name, version)
		if len(all) == 0 || all[len(all)-1].name != title {
			all = append(all, group{name: title})
		}
		g := &all[len(all)-1]
		p, err := pairOfBytes(key, isResponse, version, data)
		switch {
		case err == nil:
			g.pairs = append(g.pairs, p)
		case errors.Is(err, errUnknown):
			g.unknown = true
		case errors.Is(err, errTheirs):
			if g.differs == nil {
				g.differs = err
			}
		default:
			return err
		}
		return nil
	})
	return all, err
}

// eachVector calls f for each line of a file of vectors: message, version, JSON, hex.
func eachVector(file string, f func(name string, version int16, data []byte) error) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	lines := bufio.NewReader(z)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 4 {
			return fmt.Errorf("%s: a line of %d cells", file, len(cells))
		}
		version, err := strconv.ParseInt(cells[1], 10, 16)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		data, err := hex.DecodeString(cells[3])
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := f(cells[0], int16(version), data); err != nil {
			return err
		}
	}
}

const ourModule = "github.com/franzi-kafka/franzi"

// moduleDir returns where the go command has a module.
func moduleDir(path string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		return "", fmt.Errorf("go list -m %s, which works inside bench/: %w%s", path, err, stderrOf(err))
	}
	return strings.TrimSpace(string(out)), nil
}

func stderrOf(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}

// sweep prints the table of all messages at all versions.
func sweep(ctx context.Context, out io.Writer, s settings) error {
	all, err := groups()
	if err != nil {
		return err
	}
	unknown, differ, partly := 0, 0, 0
	shared := all[:0:0]
	for _, g := range all {
		switch {
		case g.unknown:
			unknown++
			continue
		case g.differs != nil && len(g.pairs) == 0:
			differ++
			continue
		case g.differs != nil:
			partly++
		}
		shared = append(shared, g)
	}
	if _, err := fmt.Fprintf(out, "The test vectors have %d (message, version) pairs. franz-go lacks %d of them, reads or writes %d otherwise than Kafka does, and of %d some values; %d are compared, with the values that it shares.\n\n",
		len(all), unknown, differ, partly, len(shared)); err != nil {
		return err
	}
	t := measure.NewTable("operation", "pairs", "median ratio", "tenth to nine tenths", "slowest beside franz-go", "ratio of the sums", "most allocations", "to reach", "pairs that reach it")
	for _, op := range []struct {
		name         string
		ours, theirs func(pairs) measure.Operation
		reach        reach
	}{
		{"encode", pairs.encodeOurs, pairs.encodeTheirs, reach{ratio: encodeRatio, noAllocs: true}},
		{"decode again", pairs.decodeOursAgain, pairs.decodeTheirsAgain, reach{}},
	} {
		var ratios []float64
		var ours, theirs, most, slowest float64
		var which string
		met := 0
		for _, g := range shared {
			if !s.only.MatchString(op.name + ": " + g.name) {
				continue
			}
			r, err := measure.Compare(ctx, max(1, s.rounds/4), min(s.slice, 2*time.Millisecond), op.ours(g.pairs), op.theirs(g.pairs))
			if err != nil {
				return err
			}
			ratios = append(ratios, r.Ratio)
			ours += r.Ours.NS
			theirs += r.Theirs.NS
			most = max(most, r.Ours.Allocs)
			if r.Ratio > slowest {
				slowest, which = r.Ratio, g.name
			}
			if op.reach.met(r) {
				met++
			}
		}
		if len(ratios) == 0 {
			continue
		}
		slices.Sort(ratios)
		reached := ""
		if op.reach != (reach{}) {
			reached = fmt.Sprintf("%d of %d", met, len(ratios))
		}
		t.Row(op.name, strconv.Itoa(len(ratios)), fmt.Sprintf("**%.2f**", measure.Median(ratios)), fmt.Sprintf("%.2f-%.2f", ratios[len(ratios)/10], ratios[len(ratios)*9/10]),
			fmt.Sprintf("%s, %.2f", which, slowest), fmt.Sprintf("%.2f", ours/theirs), measure.Count(most), op.reach.String(), reached)
	}
	return t.Print(out, "Every message at every version, with the values of the test vectors")
}
