package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
)

// Load reads a folder of facts and overlays, laid out as spec/ is.
func Load(spec fs.FS) (*Model, error) {
	return LoadWith(spec, nil)
}

// LoadWith reads the folder spec, and takes the messages from another folder instead if
// definitions is not nil: files in Kafka's definition language, in any folders, as they are
// or as an import has written them. Names and types of the overlays apply to messages of the
// same name, where they fit; what fields are about is as the definitions say.
func LoadWith(spec, definitions fs.FS) (*Model, error) {
	l := &loader{model: &Model{Own: definitions != nil, byName: map[string]*Message{}}, docs: docs{}, own: definitions != nil}
	for _, file := range []struct {
		name string
		into any
	}{
		{"overlay/names.json", &l.names},
		{"overlay/enums.json", &l.enums},
		{"overlay/secrets.json", &l.secrets},
		{"overlay/docs.json", &l.docs},
		{"overlay/hot.json", &l.hot},
		{"overlay/errors.json", &l.sentences},
		{"errors.json", &l.codes},
		{"releases.json", &l.releases},
	} {
		if err := readJSON(spec, file.name, file.into); err != nil {
			return nil, err
		}
	}
	l.namer = newNamer(l.names.Initialisms)
	if definitions == nil {
		definitions = spec
	}
	if err := l.messages(definitions); err != nil {
		return nil, err
	}
	l.checkNames()
	l.joinErrors()
	l.joinReleases()
	l.model.Enums, l.model.Constants = l.enums.Enums, l.enums.Constants
	l.checkOverlays()
	return l.model, errors.Join(l.failed...)
}

func readJSON(fsys fs.FS, name string, into any) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: text after the end", name)
	}
	return nil
}

type docs struct {
	APIs     map[string]string `json:"apis"`
	Messages map[string]string `json:"messages"`
	Fields   map[string]string `json:"fields"`
	Paths    map[string]string `json:"paths"`
}

type loader struct {
	model *Model
	namer *namer
	own   bool // the definitions are not those of spec/
	names struct {
		Initialisms     []string                     `json:"initialisms"`
		RenamedMessages map[string]string            `json:"renamedMessages"`
		RenamedFields   map[string]map[string]string `json:"renamedFields"`
	}
	enums struct {
		Enums     []*Enum     `json:"enums"`
		Constants []*Constant `json:"constants"`
	}
	secrets struct {
		Bytes   []string `json:"bytes"`
		Configs []struct {
			Value string `json:"value"`
			Name  string `json:"name"`
			Flag  string `json:"flag"`
		} `json:"configs"`
	}
	docs  docs
	hot   []string // names of messages
	codes []struct {
		Code      int16    `json:"code"`
		Name      string   `json:"name"`
		Retriable bool     `json:"retriable"`
		Exception []string `json:"exception"`
	}
	sentences []struct {
		Code    int16  `json:"code"`
		Meaning string `json:"meaning"`
		Cause   string `json:"cause"`
		Remedy  string `json:"remedy"`
	}
	releases []struct {
		Release    string            `json:"release"`
		Source     string            `json:"source"`
		Note       string            `json:"note"`
		APIs       map[string]string `json:"apis"`
		Broker     []string          `json:"broker"`
		Controller []string          `json:"controller"`
		ZkBroker   []string          `json:"zkBroker"`
		Unstable   []string          `json:"unstable"`
		Records    map[string]string `json:"records"`
	}
	paths  map[string]*Field
	failed []error
}

func (l *loader) fail(format string, args ...any) {
	l.failed = append(l.failed, fmt.Errorf(format, args...))
}

// factFiles are the files of a spec that are no definitions.
var factFiles = []string{"releases.json", "errors.json", "differences.json"}

// messages reads all definitions of the folder.
func (l *loader) messages(definitions fs.FS) error {
	l.paths = map[string]*Field{}
	inFolder := map[string][]*def.Message{}
	err := fs.WalkDir(definitions, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder := path.Dir(name)
		if d.IsDir() || path.Ext(name) != ".json" || !l.own && folder == "." || folder == "overlay" || slices.Contains(factFiles, name) {
			return nil
		}
		data, err := fs.ReadFile(definitions, name)
		if err != nil {
			return err
		}
		m, err := def.Parse(name, data, def.Options{})
		if err == nil {
			m, err = def.Normal(m)
		}
		if err != nil {
			l.failed = append(l.failed, err)
			return nil
		}
		if other := l.model.byName[m.Name]; other != nil {
			l.fail("%s: %s is described in %s too; rename or remove one", name, m.Name, other.Def.File)
			return nil
		}
		inFolder[folder] = append(inFolder[folder], m)
		if !m.Valid.Empty() {
			l.message(folder, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, folder := range slices.Sorted(maps.Keys(inFolder)) {
		if len(l.failed) > 0 {
			break // what is missing in a set may be what could not be read
		}
		if err := def.CheckSet(inFolder[folder]); err != nil {
			return err
		}
	}
	slices.SortFunc(l.model.Messages, func(a, b *Message) int { return cmp.Compare(a.Def.Name, b.Def.Name) })
	if len(l.model.Messages) == 0 && len(l.failed) == 0 {
		return errors.New("there are no definitions in the folder")
	}
	return errors.Join(l.failed...)
}

// message builds the Go view of a definition.
func (l *loader) message(folder string, d *def.Message) {
	m := &Message{Def: d, Folder: folder, GoName: l.namer.name(d.Name), Doc: l.messageDoc(d)}
	m.Root = &Struct{GoName: m.GoName, Message: m, Versions: d.Valid}
	m.Structs = []*Struct{m.Root}
	known := map[*def.Struct]*Struct{}
	l.fields(m, m.Root, d.Name, d.Fields, known)
	l.model.Messages = append(l.model.Messages, m)
	l.model.byName[d.Name] = m
}

func (l *loader) messageDoc(d *def.Message) string {
	switch d.Kind {
	case def.Request:
		return l.docs.APIs[d.API()]
	case def.Response:
		return "answers " + l.namer.name(d.API()+"Request")
	}
	return l.docs.Messages[d.Name]
}

// fields fills the fields of a struct. A struct that is met again grows the versions in
// which it can be met.
func (l *loader) fields(m *Message, s *Struct, at string, fields []*def.Field, known map[*def.Struct]*Struct) {
	first := s.Fields == nil
	for i, d := range fields {
		var f *Field
		if first {
			f = l.field(m, s, at, d)
			s.Fields = append(s.Fields, f)
		} else {
			f = s.Fields[i]
		}
		p := at + "." + d.Name
		l.paths[p] = f
		if d.Type.Struct == nil {
			continue
		}
		inner := known[d.Type.Struct]
		versions := d.Versions.Intersect(s.Versions)
		if inner == nil {
			inner = &Struct{
				Def:      d.Type.Struct,
				GoName:   l.namer.name(structName(m.Def.Name, m.Def.API(), d.Type.Struct.Name)),
				Message:  m,
				Versions: versions,
			}
			known[d.Type.Struct] = inner
			m.Structs = append(m.Structs, inner)
		}
		inner.Versions = def.Versions{Min: min(inner.Versions.Min, versions.Min), Max: max(inner.Versions.Max, versions.Max)}
		inner.Elements = inner.Elements || d.Type.Array
		f.Struct = inner
		l.fields(m, inner, p, d.Type.Struct.Fields, known)
	}
}

func (l *loader) field(m *Message, s *Struct, at string, d *def.Field) *Field {
	f := &Field{Def: d, Path: at + "." + d.Name, GoName: l.namer.name(d.Name), Doc: l.fieldDoc(m, at+"."+d.Name, d)}
	if s.IsRoot() && ofMessages[f.GoName] || f.GoName == unknownTags {
		f.GoName = s.GoName + f.GoName
	}
	if d.Type.Base == def.Int16 && strings.HasSuffix(d.Name, "ErrorCode") {
		f.Enum = errorCodeEnum
	}
	return f
}

// fieldDoc finds a field's sentence: its own, or the one for all fields of its name. These
// need not be true of messages that are not Kafka's.
func (l *loader) fieldDoc(m *Message, path string, d *def.Field) string {
	switch doc := l.docs.Paths[path]; {
	case l.own && d.About != "":
		return d.About
	case doc != "":
		return doc
	case l.own && l.docs.APIs[m.Def.API()] == "" && l.docs.Messages[m.Def.Name] == "":
		return ""
	}
	return l.docs.Fields[d.Name]
}

// errorCodeEnum stands for the type ErrorCode.
var errorCodeEnum = &Enum{Name: "ErrorCode", Type: def.Int16}

// IsErrorCode reports whether the enumeration is that of error codes.
func (e *Enum) IsErrorCode() bool { return e == errorCodeEnum }

func (l *loader) joinErrors() {
	known := map[int16]bool{}
	for _, c := range l.codes {
		if known[c.Code] {
			l.fail("errors.json: the error code %d is there twice", c.Code)
		}
		known[c.Code] = true
	}
	sentences := map[int16]int{}
	for i, s := range l.sentences {
		if _, twice := sentences[s.Code]; twice {
			l.fail("overlay/errors.json: the error code %d is there twice", s.Code)
		}
		if !known[s.Code] {
			l.fail("overlay/errors.json: there is no error code %d", s.Code)
		}
		sentences[s.Code] = i
	}
	for _, c := range l.codes {
		e := &ErrorCode{Code: c.Code, Name: c.Name, GoName: l.namer.errorName(c.Name), Retriable: c.Retriable, Exception: c.Exception}
		if i, ok := sentences[c.Code]; ok {
			e.Meaning, e.Cause, e.Remedy = l.sentences[i].Meaning, l.sentences[i].Cause, l.sentences[i].Remedy
		}
		if e.Meaning == "" || e.Cause == "" || e.Remedy == "" {
			l.fail("overlay/errors.json: the error code %d %s needs a meaning, a cause and a remedy", c.Code, c.Name)
		}
		l.model.Errors = append(l.model.Errors, e)
	}
	slices.SortFunc(l.model.Errors, func(a, b *ErrorCode) int { return cmp.Compare(a.Code, b.Code) })
}

func (l *loader) joinReleases() {
	for _, r := range l.releases {
		row := &Release{Release: r.Release, Source: r.Source, Note: r.Note, APIs: map[string]def.Versions{},
			Broker: r.Broker, Controller: r.Controller, ZkBroker: r.ZkBroker, Unstable: r.Unstable}
		for api, text := range r.APIs {
			v, err := def.ParseVersions(text)
			if err != nil {
				l.fail("releases.json: %s of %s: %w", api, r.Release, err)
			}
			row.APIs[api] = v
			if !l.own && l.model.byName[api+"Request"] == nil {
				l.fail("releases.json: there is no API %s, which %s has", api, r.Release)
			}
		}
		for _, api := range slices.Concat(r.Broker, r.Controller, r.ZkBroker, r.Unstable) {
			if _, ok := row.APIs[api]; !ok {
				l.fail("releases.json: %s lists %s, but not which versions it has", r.Release, api)
			}
		}
		l.model.Releases = append(l.model.Releases, row)
	}
}

func sortByKey(messages []*Message) {
	slices.SortFunc(messages, func(a, b *Message) int { return cmp.Compare(a.Def.APIKey, b.Def.APIKey) })
}
