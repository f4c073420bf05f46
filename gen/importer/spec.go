package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/internal/replace"
	builtin "github.com/franzi-kafka/franzi/spec"
)

// A spec is what the folder spec/ holds of Kafka's facts.
type spec struct {
	dir      string
	messages map[string]*def.Message
	folder   map[string]string
	errors   []ErrorCode
	releases releases
	names    *names
	known    differences
	files    map[string][]byte // what is on disk, by path in dir
}

// load reads the folder. A folder without facts is an empty spec; where it says nothing of
// names and known differences, what is built in counts.
func load(dir string) (*spec, error) {
	s := &spec{dir: dir, messages: map[string]*def.Message{}, folder: map[string]string{}, names: &names{}, files: map[string][]byte{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() || filepath.Ext(name) != ".json" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return s.add(filepath.ToSlash(name), data)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s: run this at the root of the repository, or name the folder", dir)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"overlay/names.json", "differences.json"} {
		if s.files[name] != nil {
			continue
		}
		data, err := fs.ReadFile(builtin.FS, name)
		if err != nil {
			return nil, err
		}
		if err := s.add(name, data); err != nil {
			return nil, err
		}
		delete(s.files, name)
	}
	return s, nil
}

// clone returns a copy that can be merged into.
func (s *spec) clone() *spec {
	c := *s
	c.messages, c.folder, c.errors = maps.Clone(s.messages), maps.Clone(s.folder), slices.Clone(s.errors)
	return &c
}

func (s *spec) add(name string, data []byte) (err error) {
	folder, _, inFolder := strings.Cut(name, "/")
	switch {
	case name == "overlay/names.json":
		err = json.Unmarshal(data, s.names) // which has more
	case folder == "overlay":
		return nil
	case name == "differences.json":
		s.known, err = parseDifferences(data)
	case name == "releases.json":
		s.releases, err = parseReleases(data)
	case name == "errors.json":
		err = readJSON(data, &s.errors)
	case inFolder:
		var m *def.Message
		if m, err = def.Parse(filepath.Join(s.dir, name), data, def.Options{}); err != nil {
			return err // which names the file
		}
		s.messages[m.Name] = m
		s.folder[m.Name] = folder
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(s.dir, name), err)
	}
	s.files[name] = data
	return nil
}

// readJSON reads a file of facts, which must be what it is taken for.
func readJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text after the end")
	}
	return nil
}

// merge brings in what a release says.
func (s *spec) merge(src *source) error {
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(src.messages)) {
		m := src.messages[name]
		if s.known.isDropped(name) {
			continue
		}
		merged, err := s.mergeMessage(src.release, s.messages[name], m)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if s.messages[name] == nil || s.isNewest(src, m) {
			s.folder[name] = src.folder[name]
		}
		s.messages[name] = merged
	}
	s.mergeErrors(src)
	s.releases = s.releases.with(rowOf(src))
	return errors.Join(failed...)
}

// isNewest reports whether no newer release has the message at all.
func (s *spec) isNewest(src *source, m *def.Message) bool {
	return !slices.ContainsFunc(s.releases, func(r Release) bool {
		return r.Source == fromDefinitions && newer(r.Release, src.release) && !r.versions(m).Empty()
	})
}

// mergeMessage joins what is there of a message with what a release says.
func (s *spec) mergeMessage(release string, have, says *def.Message) (*def.Message, error) {
	switch {
	case have == nil || have.Valid.Empty():
		return says, nil
	case says.Valid.Empty():
		return have, nil
	case isKeyOf(have, says):
		return have, nil
	case isKeyOf(says, have):
		return says, nil
	}
	// A version is the business of the newest release that has it.
	ofRelease := func(v int16) bool {
		owner := s.releases.newest(have, v, release)
		return says.Valid.Has(v) && (owner == "" || newer(release, owner))
	}
	top := s.releases.newestOf(have, release)
	alias := s.names.field(have.Name)
	if newer(release, top) {
		return def.Merge(says, have, func(v int16) bool { return !ofRelease(v) }, alias)
	}
	owns := false
	says.Valid.Each(func(v int16) { owns = owns || ofRelease(v) })
	if !owns {
		return have, nil
	}
	return def.Merge(have, says, ofRelease, alias)
}

// isKeyOf reports whether m is the key of a coordinator's record as it is told since 4.1, and
// old the same as it was told before: with the record type as its version, which is m's
// apiKey, while m's version is 0. The bytes are the same.
func isKeyOf(m, old *def.Message) bool {
	return m.Kind == def.CoordinatorKey && old.Kind == def.Data
}

// mergeErrors takes each code as the newest release has it.
func (s *spec) mergeErrors(src *source) {
	if src.errors == nil {
		return
	}
	isNewest := !slices.ContainsFunc(s.releases, func(r Release) bool {
		return r.Source == fromDefinitions && newer(r.Release, src.release)
	})
	for _, e := range src.errors {
		i, found := slices.BinarySearchFunc(s.errors, e, func(a, b ErrorCode) int { return int(a.Code) - int(b.Code) })
		if !found {
			s.errors = slices.Insert(s.errors, i, e)
		} else if isNewest {
			s.errors[i] = e
		}
	}
}

// check holds the merged facts against all rules, as if they had been read anew.
func (s *spec) check(files map[string][]byte) error {
	inFolder := map[string][]*def.Message{}
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		folder, _, ok := strings.Cut(name, "/")
		if !ok {
			continue
		}
		m, err := def.Parse(name, files[name], def.Options{})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		inFolder[folder] = append(inFolder[folder], m)
	}
	for _, folder := range slices.Sorted(maps.Keys(inFolder)) {
		failed = append(failed, def.CheckSet(inFolder[folder]))
	}
	return errors.Join(failed...)
}

// format writes all facts, by path in the folder.
func (s *spec) format() map[string][]byte {
	files := map[string][]byte{"releases.json": s.releases.format(), "errors.json": formatErrors(s.errors)}
	for name, m := range s.messages {
		files[s.folder[name]+"/"+name+".json"] = def.Format(m)
	}
	return files
}

func formatErrors(codes []ErrorCode) []byte {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, e := range codes {
		fmt.Fprintf(&b, "  {\"code\": %d, \"name\": %q, \"retriable\": %v", e.Code, e.Name, e.Retriable)
		if len(e.Exception) > 0 {
			fmt.Fprintf(&b, ", \"exception\": [%s]", strings.Join(quoted(e.Exception), ", "))
		}
		b.WriteString("}")
		if i < len(codes)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	return b.Bytes()
}

// write brings the folder to the state of files, all or nothing. An import that is killed
// while it replaces them is made whole by the next one.
func (s *spec) write(files map[string][]byte) error {
	changed := map[string][]byte{}
	for name, data := range files {
		if !bytes.Equal(s.files[name], data) {
			changed[name] = data
		}
	}
	var gone []string
	for name := range s.files {
		if _, ok := files[name]; !ok && !strings.HasPrefix(name, "overlay/") && name != "differences.json" {
			gone = append(gone, name)
		}
	}
	return replace.Files(s.dir, changed, gone)
}
