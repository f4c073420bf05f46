package importer

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// owners are the releases that spec/ is made of: each version is as the newest release says
// that has it. Importing them alone gives the same definitions as importing all.
func (s *spec) owners() map[string]bool {
	owners := map[string]bool{}
	for _, m := range s.messages {
		m.Valid.Each(func(v int16) { owners[s.releases.newest(m, v, "")] = true })
	}
	owners[s.releases.newestWithDefinitions()] = true
	delete(owners, "") // of a version that no release has
	return owners
}

// readAll reads a release whole: all of its jars, and its error codes.
func readAll(ctx context.Context, set jars.Set, names *names) (*source, error) {
	src, err := read(set, names)
	if err != nil {
		return nil, err
	}
	src.errors, err = readErrors(ctx, set)
	return src, err
}

// rebuild imports releases into an empty folder in memory, with the names and known
// differences of this one.
func (s *spec) rebuild(sources []*source) (map[string][]byte, error) {
	empty := &spec{dir: s.dir, messages: map[string]*def.Message{}, folder: map[string]string{}, names: s.names, known: s.known}
	for _, src := range sources {
		if err := empty.merge(src); err != nil {
			return nil, fmt.Errorf("importing %s: %w", src.release, err)
		}
	}
	files := empty.format()
	files["releases.json"] = s.releases.format() // whose rows are compared one by one
	return files, nil
}

// files holds the folder against what importing its releases anew gives, byte for byte:
// defaults, flags, listeners, entity types and whatever else does not show in layouts.
func (c *checker) files(sources []*source) {
	var names []string
	for _, src := range sources {
		names = append(names, src.release)
	}
	from := strings.Join(names, ", ")
	want, err := c.spec.rebuild(sources)
	if err != nil {
		c.fail("%s cannot be made again: %w", c.spec.dir, err)
		return
	}
	got := maps.Clone(c.spec.files)
	for name := range got {
		if strings.HasPrefix(name, "overlay/") || name == "differences.json" {
			delete(got, name) // ours
		}
	}
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		file := filepath.Join(c.spec.dir, filepath.FromSlash(name))
		switch {
		case got[name] == nil:
			c.fail("%s is missing: import %s", file, from)
		case want[name] == nil:
			c.fail("%s: importing %s gives no such file", file, from)
		default:
			if line, is, was := firstDifference(got[name], want[name]); line > 0 {
				c.fail("%s:%d: it says\n\t%s\nbut importing %s gives\n\t%s", file, line, is, from, was)
			}
		}
	}
}

// firstDifference returns the first line, from 1, in which two texts differ, or 0.
func firstDifference(got, want []byte) (line int, is, was string) {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(g), len(w)) {
		is, was = "nothing more", "nothing more"
		if i < len(g) {
			is = strings.TrimSpace(string(g[i]))
		}
		if i < len(w) {
			was = strings.TrimSpace(string(w[i]))
		}
		if i >= len(g) || i >= len(w) || !bytes.Equal(g[i], w[i]) {
			return i + 1, is, was
		}
	}
	return 0, "", ""
}
