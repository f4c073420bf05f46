package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

var goTypes = map[def.Base]*jen.Statement{
	def.Bool: jen.Bool(), def.Int8: jen.Int8(), def.Int16: jen.Int16(), def.Uint16: jen.Uint16(),
	def.Int32: jen.Int32(), def.Uint32: jen.Uint32(), def.Int64: jen.Int64(), def.Float64: jen.Float64(),
	def.UUID: kbin("UUID"), def.String: jen.String(), def.Bytes: jen.Index().Byte(), def.Records: jen.Index().Byte(),
}

// elementType is the Go type of a field without its array.
func elementType(f *model.Field) *jen.Statement {
	switch {
	case f.Enum != nil:
		return kmsg(f.Enum.Name)
	case f.Struct != nil:
		return jen.Id(f.Struct.GoName)
	case f.Secret:
		return kbin("Secret")
	}
	return goTypes[f.Def.Type.Base].Clone()
}

// goType is the Go type of a field.
func goType(f *model.Field) *jen.Statement {
	switch t := elementType(f); {
	case f.Def.Type.Array:
		return jen.Index().Add(t)
	case isNullString(f):
		return kbin("NullString")
	case isPointer(f):
		return jen.Op("*").Add(t)
	default:
		return t
	}
}

func isArray(f *model.Field) bool  { return f.Def.Type.Array }
func isStruct(f *model.Field) bool { return f.Struct != nil && !f.Def.Type.Array }
func isPointer(f *model.Field) bool {
	return isStruct(f) && !f.Def.Nullable.Empty()
}
func isString(f *model.Field) bool { return f.Def.Type.Base == def.String && !f.Def.Type.Array }
func isNullString(f *model.Field) bool {
	return isString(f) && !f.Def.Nullable.Empty()
}
func isBytes(f *model.Field) bool {
	return !f.Def.Type.Array && (f.Def.Type.Base == def.Bytes || f.Def.Type.Base == def.Records)
}

// fixedSize is the size of a field that always has the same, else 0.
func fixedSize(f *model.Field) int {
	if f.Def.Type.Array {
		return 0
	}
	return f.Def.Type.Base.FixedSize()
}

// messageType writes the struct of a message.
func (w *writer) messageType() {
	d := w.message.Def
	doc := w.message.Doc
	if doc == "" {
		doc = "is a message in Kafka's protocol"
	}
	w.comment(w.message.GoName + " " + doc + ".")
	w.Comment("//")
	w.comment(facts(w.message))
	w.Type().Id(w.message.GoName).StructFunc(func(g *jen.Group) {
		g.Comment(fmt.Sprintf("Version is the version to read and write, %s.", versionsText(d.Valid)))
		g.Id("Version").Int16()
		g.Line()
		w.fields(g, w.message.Root)
	})
}

func (w *writer) structType(s *model.Struct) {
	w.comment(fmt.Sprintf("%s is part of [%s].", s.GoName, w.message.GoName))
	w.Type().Id(s.GoName).StructFunc(func(g *jen.Group) { w.fields(g, s) })
}

func (w *writer) fields(g *jen.Group, s *model.Struct) {
	for _, f := range s.Fields {
		if f.Doc != "" {
			for _, line := range fold(f.Doc, 88) {
				g.Comment(line)
			}
		}
		g.Id(f.GoName).Add(goType(f)).Tag(map[string]string{"kafka": tag(s, f)})
	}
	if hasTagSection(s) {
		g.Line()
		g.Comment("UnknownTags has the tagged fields that the definition does not know.")
		g.Id("UnknownTags").Add(kbin("Tags"))
	}
}

// tag says for JSON and for readers what the definition says of a field.
func tag(s *model.Struct, f *model.Field) string {
	d := f.Def
	parts := []string{f.JSONName(), d.Versions.String()}
	if !d.Tagged.Empty() {
		t := fmt.Sprintf("tag=%d", d.Tag)
		if d.Tagged != d.Versions {
			t += ":" + d.Tagged.String()
		}
		parts = append(parts, t)
	}
	if !d.Nullable.Empty() {
		n := "nullable"
		if !d.Nullable.Contains(d.Versions) {
			n += "=" + d.Nullable.String()
		}
		parts = append(parts, n)
	}
	if d.Ignorable {
		parts = append(parts, "ignorable")
	}
	if d.Type.Base == def.Records {
		parts = append(parts, "records")
	}
	if s.Config != nil && s.Config.Value == f {
		parts = append(parts, "config")
	}
	if d.Default != "" { // the last, for it may have commas
		parts = append(parts, "default="+d.Default)
	}
	return strings.Join(parts, ",")
}

// facts is the second paragraph of a message's doc.
func facts(m *model.Message) string {
	d := m.Def
	var b strings.Builder
	switch d.Kind {
	case def.Request, def.Response:
		fmt.Fprintf(&b, "API key %d, ", d.APIKey)
	case def.Metadata, def.CoordinatorKey, def.CoordinatorValue:
		fmt.Fprintf(&b, "Record type %d, ", d.APIKey)
	}
	b.WriteString(versionsText(d.Valid))
	switch {
	case d.Flexible.Intersect(d.Valid).Empty():
		b.WriteString(", none of them flexible")
		if d.Valid.Min == d.Valid.Max {
			return strings.Replace(b.String(), ", none of them flexible", ", not flexible", 1) + "."
		}
	case d.Flexible.Min <= d.Valid.Min:
		b.WriteString(", flexible")
	default:
		fmt.Fprintf(&b, ", flexible from version %d", d.Flexible.Min)
	}
	b.WriteString(".")
	if d.LatestUnstable {
		fmt.Fprintf(&b, " Version %d is unstable: brokers serve it only if told to.", d.Valid.Max)
	}
	return capital(b.String())
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func versionsText(v def.Versions) string {
	if v.Min == v.Max {
		return fmt.Sprintf("version %d", v.Min)
	}
	return fmt.Sprintf("versions %d–%d", v.Min, v.Max)
}

// comment writes a comment folded to the width of a page.
func (w *writer) comment(text string) {
	for _, line := range fold(text, 92) {
		w.Comment(line)
	}
}

// fold breaks text into lines of at most width columns.
func fold(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// hasTagSection reports whether some version of the struct ends with tagged fields.
func hasTagSection(s *model.Struct) bool {
	return !s.Message.Def.Flexible.Intersect(s.Versions).Empty()
}

func hasKnownTags(s *model.Struct) bool { return len(knownTags(s)) > 0 }

// knownTags returns the fields that are tagged in some version, by tag.
func knownTags(s *model.Struct) []*model.Field {
	var byTag []*model.Field
	for tag := 0; ; tag++ {
		found := false
		for _, f := range s.Fields {
			if !f.Def.Tagged.Empty() && f.Def.Tag == tag {
				byTag = append(byTag, f)
				found = true
			}
		}
		if !found {
			return byTag
		}
	}
}
