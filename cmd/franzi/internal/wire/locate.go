package wire

import (
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kbin"
)

// A Place is where bytes stop being a message.
type Place struct {
	Path   string // in JSON's names: "topics[1].name"; "" for the message itself
	Offset int    // of the byte, in all that the reader had
	Reason string
}

// Locate reads a message as its definition has it, slowly, and returns the first place where
// that fails, nil if it does not. The decoders of package kmsg tell the byte; Locate tells
// the field as well.
func Locate(m *model.Message, v int16, r *kbin.Reader) *Place {
	l := &locator{m: m.Def, v: v, r: r}
	l.fields("", m.Root)
	if m.Def.Kind != def.Header && r.Finish() != nil { // a body follows headers
		l.look("")
	}
	return l.place
}

type locator struct {
	m     *def.Message
	v     int16
	r     *kbin.Reader
	place *Place // once it was found
}

// look reports whether reading failed; if so, it was at the path.
func (l *locator) look(path string) bool {
	if l.place == nil {
		var e *kbin.Error
		if errors.As(l.r.Err(), &e) {
			l.place = &Place{path, e.Offset, e.Reason}
		}
	}
	return l.place != nil
}

// fields reads a struct and reports whether it failed.
func (l *locator) fields(path string, s *model.Struct) bool {
	body, tagged := InOrder(s, l.v)
	for _, f := range body {
		if l.field(path, f, false) {
			return true
		}
	}
	if !l.m.Flexible.Has(l.v) {
		return false
	}
	known := map[uint32]*model.Field{}
	for _, f := range tagged {
		known[uint32(f.Def.Tag)] = f
	}
	return l.tags(path, known)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (l *locator) tags(path string, known map[uint32]*model.Field) bool {
	var unknown kbin.Tags
	section := l.r.TagSection()
	for section.Next() {
		f := known[section.Number]
		if f == nil {
			section.Unknown(&unknown)
			continue
		}
		if l.field(path, f, true) {
			return true
		}
	}
	return l.look(join(path, "(tagged fields)"))
}

// field reads a field and reports whether it failed.
func (l *locator) field(path string, f *model.Field, tagged bool) bool {
	path = join(path, f.JSONName())
	r, flex, nullable := l.r, f.Def.FlexibleIn(l.m, l.v), f.Def.Nullable.Has(l.v)
	switch base := f.Def.Type.Base; {
	case f.Def.Type.Array:
		return l.array(path, f, flex, nullable)
	case base == def.IsStruct:
		present := true
		if nullable && tagged {
			present = r.Uvarint() != 0
		} else if nullable {
			present = r.Present()
		}
		return l.look(path) || present && l.fields(path, f.Struct)
	case base == def.String && nullable:
		r.FlexNullableString(new(kbin.NullString), flex)
	case nullable:
		r.FlexNullableBytes(flex)
	default:
		l.scalar(path, base, flex)
	}
	return l.look(path)
}

func (l *locator) array(path string, f *model.Field, flex, nullable bool) bool {
	if f.Def.Type.Base == def.Int32 { // as decoders do, whose reader counts what arrays claim
		if nullable {
			l.r.FlexNullableInt32s(nil, flex)
		} else {
			l.r.FlexInt32s(nil, flex)
		}
		return l.look(path)
	}
	length := l.r.FlexArrayLen
	if nullable {
		length = l.r.FlexNullableArrayLen
	}
	n := length(minElementSize(l.m, f, l.v), flex)
	if l.look(path) {
		return true
	}
	if size := f.Def.Type.Base.FixedSize(); size > 0 {
		l.r.Raw(max(n, 0) * size) // they are all there, as the length was accepted
		return l.look(path)
	}
	for i := range n {
		at := fmt.Sprintf("%s[%d]", path, i)
		if f.Struct != nil {
			if l.fields(at, f.Struct) {
				return true
			}
			continue
		}
		if l.scalar(at, f.Def.Type.Base, flex); l.look(at) {
			return true
		}
	}
	return false
}

// scalar reads a value that is neither array nor struct nor null.
func (l *locator) scalar(path string, base def.Base, flex bool) {
	switch base {
	case def.String:
		l.r.FlexString(new(string), flex)
	case def.Bytes, def.Records:
		l.r.FlexBytes(flex)
	default:
		size, remain := base.FixedSize(), l.r.Len()
		if remain < size && l.r.Err() == nil {
			l.place = &Place{path, l.r.Offset(), fmt.Sprintf("%s takes %d bytes where %d remain", base, size, remain)}
		}
		l.r.Raw(size)
	}
}
