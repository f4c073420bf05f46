package def

import (
	"fmt"
	"strings"
)

// A Line is a field as it stands in the bytes of one version: its name does not count.
type Line struct {
	Path     string // "Topics.Partitions.Index"
	Depth    int
	Type     string // records and structs are named bytes and struct
	Nullable bool
	Compact  bool   // lengths are compact, structs end with tags
	Tag      int    // -1 without
	Default  string // of tagged fields, which are not written when they have it
}

// String shows a line for people.
func (l Line) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", l.Path, l.Type)
	if l.Nullable {
		b.WriteString(" nullable")
	}
	if l.Tag >= 0 {
		fmt.Fprintf(&b, " tag %d", l.Tag)
		if l.Default != "" {
			b.WriteString(" default " + l.Default)
		}
	}
	return b.String()
}

// LayoutOf lists the fields that version v of m has, in wire order: tagged fields follow
// the others of their struct, by tag.
func LayoutOf(m *Message, v int16) []Line {
	var lines []Line
	var walk func(path string, depth int, fields []*Field)
	walk = func(path string, depth int, fields []*Field) {
		tagged := map[int]*Field{}
		add := func(f *Field, tag int) {
			l := Line{
				Path:     path + f.Name,
				Depth:    depth,
				Type:     layoutType(f.Type),
				Nullable: f.Nullable.Has(v),
				Compact:  f.FlexibleIn(m, v),
				Tag:      tag,
			}
			if tag >= 0 {
				l.Default = f.Default
			}
			lines = append(lines, l)
			if s := f.Type.Struct; s != nil {
				walk(path+f.Name+".", depth+1, s.Fields)
			}
		}
		for _, f := range fields {
			switch {
			case !f.Versions.Has(v):
			case f.Tagged.Has(v):
				tagged[f.Tag] = f
			default:
				add(f, -1)
			}
		}
		for tag, left := 0, len(tagged); left > 0; tag++ {
			if f := tagged[tag]; f != nil {
				add(f, tag)
				left--
			}
		}
	}
	walk("", 0, m.Fields)
	return lines
}

func layoutType(t Type) string {
	s := string(t.Base)
	if t.Base == Records {
		s = string(Bytes)
	}
	if t.Array {
		s = "[]" + s
	}
	return s
}

// Difference says where two layouts part, or "" if their bytes are the same.
func Difference(got, want []Line) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%v is missing", want[i])
		case i >= len(want):
			return fmt.Sprintf("%v is new", got[i])
		}
		g, w := got[i], want[i]
		g.Path, w.Path = "", ""
		if g != w {
			return fmt.Sprintf("%v%s instead of %v%s", got[i], apart(g, w), want[i], apart(w, g))
		}
	}
	return ""
}

// apart says what String leaves out, where l differs from other in nothing else.
func apart(l, other Line) string {
	switch {
	case l.String() != other.String():
	case l.Compact && !other.Compact:
		return " compact"
	case !l.Compact && other.Compact:
		return " classic"
	case l.Depth != other.Depth:
		return fmt.Sprintf(" in level %d", l.Depth)
	}
	return ""
}
