package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// vectorsPerVersion is how many vectors each version gets: an empty one, a full one, and one
// that may be anything.
const vectorsPerVersion = 3

// batchesRelease is the release that Batches.java runs with.
const batchesRelease = "3.9.2"

// Vectors runs the Java programs in the folder java against releases, newest first, until
// each version of each message in the folder dir has its vectors, and writes them to out: a
// compressed file for each folder of dir, with lines of message, version, JSON and hex,
// separated by tabs. Beside them go records.tsv, with records of Kafka's own topics as the
// newest release writes them, and batches.tsv, with a batch of records of each format.
func Vectors(ctx context.Context, dir, java, out string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(java, "Vectors.java"))
	if err != nil {
		return err
	}
	newest := s.releases.newestWithDefinitions()
	if newest == "" {
		return fmt.Errorf("%s knows no release with definitions: import one first", dir)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := writeOutput(ctx, newest, java, "Records", filepath.Join(out, "records.tsv")); err != nil {
		return err
	}
	if err := writeOutput(ctx, batchesRelease, java, "Batches", filepath.Join(out, "batches.tsv")); err != nil {
		return err
	}
	lines := map[string][]string{} // by "message version"
	for _, release := range slices.Backward(s.releases) {
		if release.Source != fromDefinitions || !s.lacks(&release, lines) {
			continue
		}
		set, err := jars.Broker(ctx, release.Release)
		if err != nil {
			return err
		}
		printed, err := runJava(ctx, set, "Vectors", program, fmt.Sprint(vectorsPerVersion))
		if err != nil {
			return err
		}
		s.addVectors(lines, string(printed))
	}
	return s.writeVectors(lines, out)
}

// writeOutput runs a Java program with a release's jars and writes what it prints to a file.
func writeOutput(ctx context.Context, release, java, class, file string) error {
	program, err := os.ReadFile(filepath.Join(java, class+".java"))
	if err != nil {
		return err
	}
	set, err := jars.Broker(ctx, release)
	if err != nil {
		return err
	}
	printed, err := runJava(ctx, set, class, program)
	if err != nil {
		return err
	}
	return os.WriteFile(file, printed, 0o644)
}

// lacks reports whether a release has a version that has no vectors yet.
func (s *spec) lacks(release *Release, lines map[string][]string) bool {
	for name, m := range s.messages {
		lacking := false
		release.versions(m).Each(func(v int16) {
			lacking = lacking || m.Valid.Has(v) && len(lines[key(name, v)]) == 0
		})
		if lacking {
			return true
		}
	}
	return false
}

// addVectors takes the lines of versions that had none before.
func (s *spec) addVectors(lines map[string][]string, printed string) {
	fresh := map[string][]string{}
	for line := range strings.Lines(printed) {
		name, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		version, vector, _ := strings.Cut(rest, "\t")
		name = s.names.today(name)
		m, v := s.messages[name], version
		versions, err := def.ParseVersions(v)
		if m == nil || err != nil || !m.Valid.Contains(versions) {
			continue // keys of before 4.1, and what spec/ knowingly leaves out
		}
		id := name + " " + version
		if len(lines[id]) == 0 {
			fresh[id] = append(fresh[id], name+"\t"+version+"\t"+vector)
		}
	}
	for id, vectors := range fresh {
		lines[id] = vectors
	}
}

// today is the name that a message of an old release has now.
func (n *names) today(name string) string {
	for _, suffix := range []string{"Request", "Response", ""} {
		api := strings.TrimSuffix(name, suffix)
		if today, ok := n.Messages[api]; ok && strings.HasSuffix(name, suffix) {
			return today + suffix
		}
	}
	return name
}

func (s *spec) writeVectors(lines map[string][]string, out string) error {
	files := map[string][]string{}
	var messages []*def.Message
	for _, m := range s.messages {
		messages = append(messages, m)
	}
	def.SortMessages(messages)
	for _, m := range messages {
		var missing error
		m.Valid.Each(func(v int16) {
			vectors := lines[key(m.Name, v)]
			if len(vectors) != vectorsPerVersion {
				missing = fmt.Errorf("%s version %d has %d vectors, not %d: no release that is known makes them", m.Name, v, len(vectors), vectorsPerVersion)
			}
			files[s.folder[m.Name]] = append(files[s.folder[m.Name]], vectors...)
		})
		if missing != nil {
			return missing
		}
	}
	for folder, vectors := range files {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write([]byte(strings.Join(vectors, "\n") + "\n")); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, folder+".tsv.gz"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
