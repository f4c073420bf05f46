package wire

import (
	"fmt"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// Encoding says how a field is written at version v of m, for people: "compact string",
// "array of int32", "tag 3: int64".
func Encoding(m *def.Message, f *def.Field, v int16) string {
	s := value(m, f, v)
	if f.Tagged.Has(v) {
		return fmt.Sprintf("tag %d: %s", f.Tag, s)
	}
	return s
}

func value(m *def.Message, f *def.Field, v int16) string {
	nullable, flex := f.Nullable.Has(v), f.FlexibleIn(m, v)
	if f.Type.Array {
		return prefix(flex, nullable) + "array of " + element(m, f, v)
	}
	switch f.Type.Base {
	case def.String, def.Bytes, def.Records:
		return prefix(flex, nullable) + string(f.Type.Base)
	case def.IsStruct:
		switch {
		case !nullable:
			return f.Type.StructName()
		case f.Tagged.Has(v):
			return "uvarint 0 (null) or 1, " + f.Type.StructName()
		}
		return "int8 -1 (null) or 1, " + f.Type.StructName()
	}
	return string(f.Type.Base)
}

func prefix(flex, nullable bool) string {
	s := ""
	if flex {
		s = "compact "
	}
	if nullable {
		s += "nullable "
	}
	return s
}

func element(m *def.Message, f *def.Field, v int16) string {
	switch f.Type.Base {
	case def.String, def.Bytes, def.Records:
		return prefix(f.FlexibleIn(m, v), false) + string(f.Type.Base)
	case def.IsStruct:
		return f.Type.StructName()
	}
	return string(f.Type.Base)
}

// InOrder returns the fields of a struct that version v has, in the order of the wire: those
// of the body, then the tagged ones by tag.
func InOrder(s *model.Struct, v int16) (body, tagged []*model.Field) {
	byTag := map[int]*model.Field{}
	for _, f := range s.Fields {
		switch {
		case !f.Def.Versions.Has(v):
		case f.Def.Tagged.Has(v):
			byTag[f.Def.Tag] = f
		default:
			body = append(body, f)
		}
	}
	for tag := 0; len(tagged) < len(byTag); tag++ {
		if f := byTag[tag]; f != nil {
			tagged = append(tagged, f)
		}
	}
	return body, tagged
}

// minSize returns the size of the shortest encoding of a struct.
func minSize(m *def.Message, s *model.Struct, v int16) int {
	size := 0
	body, _ := InOrder(s, v)
	for _, f := range body {
		size += minFieldSize(m, f, v)
	}
	if m.Flexible.Has(v) {
		size++ // no tags
	}
	return size
}

func minFieldSize(m *def.Message, f *model.Field, v int16) int {
	flex, base := f.Def.FlexibleIn(m, v), f.Def.Type.Base
	switch {
	case f.Def.Type.Array:
		if flex {
			return 1
		}
		return 4
	case base.FixedSize() > 0:
		return base.FixedSize()
	case base == def.IsStruct && f.Def.Nullable.Has(v), base != def.IsStruct && flex:
		return 1
	case base == def.IsStruct:
		return minSize(m, f.Struct, v)
	case base == def.String:
		return 2
	}
	return 4
}

// minElementSize returns the size of the shortest encoding of an element of an array.
func minElementSize(m *def.Message, f *model.Field, v int16) int {
	switch base := f.Def.Type.Base; {
	case base == def.IsStruct:
		return minSize(m, f.Struct, v)
	case base.FixedSize() > 0:
		return base.FixedSize()
	}
	return 1
}
