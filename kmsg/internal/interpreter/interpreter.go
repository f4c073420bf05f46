// Package interpreter is a second opinion on Kafka's messages, for tests: it reads and
// writes them by walking their definitions, slowly and plainly. It shares no code with the
// generator, with what that generates, or with package kbin, so that a mistake would have to
// be made twice to go unseen.
//
// Values are what encoding/json makes of the JSON form: objects, arrays, strings, booleans,
// nil, and json.Number for all numbers.
package interpreter

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A Spec is a set of definitions by message name.
type Spec map[string]*Message

// A Message is a definition.
type Message struct {
	Name             string   `json:"name"`
	Type             string   `json:"type"`
	ValidVersions    string   `json:"validVersions"`
	FlexibleVersions string   `json:"flexibleVersions"`
	Fields           []Field  `json:"fields"`
	CommonStructs    []Struct `json:"commonStructs"`
}

// A Struct is a struct that several fields share.
type Struct struct {
	Name   string  `json:"name"`
	Fields []Field `json:"fields"`
}

// A Field is a field of a definition.
type Field struct {
	Name             string  `json:"name"`
	Type             string  `json:"type"`
	Versions         string  `json:"versions"`
	NullableVersions string  `json:"nullableVersions"`
	TaggedVersions   string  `json:"taggedVersions"`
	Tag              *int    `json:"tag"`
	FlexibleVersions string  `json:"flexibleVersions"`
	Default          *string `json:"default"`
	Ignorable        bool    `json:"ignorable"`
	Fields           []Field `json:"fields"`
}

var comments = regexp.MustCompile(`(?m)^\s*//.*$`)

// Load reads all definitions of a folder and its subfolders.
func Load(dir fs.FS) (Spec, error) {
	spec := Spec{}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		var m Message
		if err := json.Unmarshal(comments.ReplaceAll(data, nil), &m); err != nil || m.Name == "" || m.Type == "" {
			return nil // an overlay or a table
		}
		spec[m.Name] = &m
		return nil
	})
	return spec, err
}

// Versions returns the first and last version of a message.
func (m *Message) Versions() (low, high int) {
	r := rangeOf(m.ValidVersions)
	return r.low, r.high
}

type versions struct{ low, high int }

func (v versions) has(n int) bool { return v.low <= n && n <= v.high }

func rangeOf(s string) versions {
	switch {
	case s == "" || s == "none":
		return versions{1, 0}
	case strings.HasSuffix(s, "+"):
		return versions{atoi(strings.TrimSuffix(s, "+")), 1 << 20}
	case strings.Contains(s, "-"):
		low, high, _ := strings.Cut(s, "-")
		return versions{atoi(low), atoi(high)}
	}
	return versions{atoi(s), atoi(s)}
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("interpreter: a definition has the version %q", s))
	}
	return n
}

// Present reports whether a version has the field.
func (f *Field) Present(v int) bool {
	if f.Versions == "" {
		return f.tagged(v)
	}
	return rangeOf(f.Versions).has(v)
}

func (f *Field) tagged(v int) bool { return rangeOf(f.TaggedVersions).has(v) }

// Nullable reports whether the field may be null in a version.
func (f *Field) Nullable(v int) bool { return rangeOf(f.NullableVersions).has(v) }

// compact reports whether lengths of the field are varints.
func (m *Message) compact(f *Field, v int) bool {
	if f.FlexibleVersions != "" {
		return rangeOf(f.FlexibleVersions).has(v)
	}
	return m.flexible(v)
}

func (m *Message) flexible(v int) bool { return rangeOf(m.FlexibleVersions).has(v) }

// Inner returns the fields of a struct type, none for other types.
func (m *Message) Inner(f *Field) []Field {
	name := strings.TrimPrefix(f.Type, "[]")
	for _, s := range m.CommonStructs {
		if s.Name == name {
			return s.Fields
		}
	}
	return f.Fields
}

func jsonName(f *Field) string { return strings.ToLower(f.Name[:1]) + f.Name[1:] }

func isStruct(t string) bool { return t[0] >= 'A' && t[0] <= 'Z' }

// unknownTags is the key of tagged fields that the definition does not know.
const unknownTags = "_unknownTaggedFields"
