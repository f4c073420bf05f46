package def

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Format writes the facts of a message in their normal form: one field a line, ranges as
// the valid versions need them, defaults only where they are not the type's own, no prose.
// Parsing it gives the same facts, and formatting these the same bytes.
func Format(m *Message) []byte {
	var b bytes.Buffer
	put := func(name, value string) { fmt.Fprintf(&b, "  %q: %s,\n", name, value) }
	b.WriteString("{\n")
	put("name", quote(m.Name))
	if m.APIKey != NoKey {
		put("apiKey", fmt.Sprint(m.APIKey))
	}
	put("type", quote(string(m.Kind)))
	if len(m.Listeners) > 0 {
		quoted := make([]string, len(m.Listeners))
		for i, l := range m.Listeners {
			quoted[i] = quote(l)
		}
		put("listeners", "["+strings.Join(quoted, ", ")+"]")
	}
	if m.LatestUnstable {
		put("latestVersionUnstable", "true")
	}
	if len(m.HeaderVersions) > 0 {
		all := make([]string, len(m.HeaderVersions))
		for i, h := range m.HeaderVersions {
			all[i] = fmt.Sprintf("%q: %q", h.Versions, fmt.Sprint(h.Header))
		}
		put("headerVersions", "{"+strings.Join(all, ", ")+"}")
	}
	if m.Valid.Empty() {
		b.WriteString("  \"validVersions\": \"none\"\n}\n")
		return b.Bytes()
	}
	put("validVersions", quote(m.Valid.String()))
	if d := m.Deprecated.Intersect(m.Valid); !d.Empty() {
		put("deprecatedVersions", quote(d.String()))
	}
	put("flexibleVersions", quote(m.flexible().String()))
	b.WriteString("  \"fields\": [")
	formatFields(&b, m, m.Fields, "    ")
	b.WriteString("\n  ]")
	if commons := m.liveCommons(); len(commons) > 0 {
		b.WriteString(",\n  \"commonStructs\": [")
		for i, s := range commons {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, "\n    {\"name\": %q, \"versions\": %q, \"fields\": [", s.Name, s.Versions.within(m.Valid))
			formatFields(&b, m, s.Fields, "      ")
			b.WriteString("\n    ]}")
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// flexible returns the flexible versions that exist, or those from which on later ones will
// be.
func (m *Message) flexible() Versions {
	if m.Flexible.Min > m.Valid.Max {
		return m.Flexible
	}
	return m.Flexible.within(m.Valid)
}

// Normal returns the message as its normal form has it: without fields of no version that
// exists, with ranges that say no more than the valid versions need. What its fields are
// about stays.
func Normal(m *Message) (*Message, error) {
	normal, err := Parse(m.File, Format(m), Options{})
	if err != nil {
		return nil, fmt.Errorf("the normal form of %s breaks the rules: %w", m.File, err)
	}
	about := map[string]string{}
	for path, f := range m.Walk() {
		about[path] = f.About
	}
	for path, f := range normal.Walk() {
		f.About = about[path]
	}
	return normal, nil
}

func formatFields(b *bytes.Buffer, m *Message, fields []*Field, indent string) {
	first := true
	for _, f := range fields {
		versions := f.Versions.within(m.Valid)
		if versions.Empty() {
			continue // of no version that exists
		}
		if !first {
			b.WriteString(",")
		}
		first = false
		fmt.Fprintf(b, "\n%s{\"name\": %q, \"type\": %q, \"versions\": %q", indent, f.Name, f.Type, versions)
		if tagged := f.Tagged.within(m.Valid); !tagged.Empty() {
			fmt.Fprintf(b, ", \"taggedVersions\": %q, \"tag\": %d", tagged, f.Tag)
		}
		if n := f.Nullable.within(m.Valid).Intersect(versions); !n.Empty() {
			fmt.Fprintf(b, ", \"nullableVersions\": %q", n)
		}
		if f.HasFlexible {
			fmt.Fprintf(b, ", \"flexibleVersions\": %q", f.Flexible.within(m.Valid))
		}
		if f.Default != "" {
			b.WriteString(", \"default\": " + quote(f.Default))
		}
		if f.Ignorable {
			b.WriteString(", \"ignorable\": true")
		}
		if f.MapKey {
			b.WriteString(", \"mapKey\": true")
		}
		if f.EntityType != "" && f.EntityType != "unknown" {
			b.WriteString(", \"entityType\": " + quote(f.EntityType))
		}
		if f.ZeroCopy {
			b.WriteString(", \"zeroCopy\": true")
		}
		if s := f.Type.Struct; s != nil && !s.Common {
			b.WriteString(", \"fields\": [")
			formatFields(b, m, s.Fields, indent+"  ")
			b.WriteString("\n" + indent + "]")
		}
		b.WriteString("}")
	}
}

// liveCommons returns the common structs that some field of an existing version refers to.
func (m *Message) liveCommons() []*Struct {
	used := map[*Struct]bool{}
	var walk func([]*Field)
	walk = func(fields []*Field) {
		for _, f := range fields {
			if s := f.Type.Struct; s != nil && !f.Versions.Intersect(m.Valid).Empty() {
				used[s] = true
				walk(s.Fields)
			}
		}
	}
	walk(m.Fields)
	var live []*Struct
	for _, s := range m.Commons {
		if used[s] {
			live = append(live, s)
		}
	}
	return live
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("def: cannot quote %q: %v", s, err)) // strings always can be
	}
	return string(b)
}
