package gen

import (
	"encoding/base64"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// defaultValue is the expression of a field's default.
func defaultValue(f *model.Field) *jen.Statement {
	d := f.Def.Default
	switch {
	case isArray(f) || isBytes(f):
		switch {
		case d == "null" || f.Def.Type.Base == def.Records && !isArray(f) || f.Def.Nullable.Empty():
			return jen.Nil()
		default: // nil would be null
			return goType(f).Values()
		}
	case isPointer(f):
		if d == "null" {
			return jen.Nil()
		}
		return jen.New(jen.Id("New" + f.Struct.GoName).Call())
	case isStruct(f):
		return jen.Id("New" + f.Struct.GoName).Call()
	case isNullString(f):
		if d == "null" {
			return kbin("NullString").Values()
		}
		return kbin("Str").Call(jen.Lit(d))
	case isString(f):
		return jen.Lit(d)
	case f.Def.Type.Base == def.Bool:
		return jen.Lit(d == "true")
	case f.Def.Type.Base == def.UUID:
		return uuidValue(d)
	case d == "":
		return jen.Lit(0)
	case f.Def.Type.Base == def.Float64:
		x, _ := strconv.ParseFloat(d, 64) // was checked
		return jen.Lit(x)
	}
	return jen.Op(d)
}

func uuidValue(d string) *jen.Statement {
	if d == "" {
		return kbin("UUID").Values()
	}
	raw, _ := base64.RawURLEncoding.DecodeString(d) // was checked
	return kbin("UUID").ValuesFunc(func(g *jen.Group) {
		for _, b := range raw {
			g.Lit(int(b))
		}
	})
}

// isZeroDefault reports whether the default is Go's zero value, so that literals can leave
// it out.
func isZeroDefault(f *model.Field) bool {
	d := f.Def.Default
	switch {
	case isArray(f) || isBytes(f):
		return d == "null" || f.Def.Nullable.Empty() || f.Def.Type.Base == def.Records && !isArray(f)
	case isPointer(f):
		return d == "null"
	case isStruct(f):
		return !hasDefaults(f.Struct)
	case isNullString(f):
		return d == "null"
	}
	return d == ""
}

// hasDefaults reports whether some field's default is not the zero value.
func hasDefaults(s *model.Struct) bool {
	for _, f := range s.Fields {
		if !isZeroDefault(f) {
			return true
		}
	}
	return false
}

// setDefault writes the statement that gives a field its default when a version without
// it is decoded. Arrays keep their memory.
func (sc *scope) setDefault(g *jen.Group, f *model.Field) {
	x := sc.field(f)
	switch {
	case isArray(f) && f.Def.Default != "null" && f.Def.Nullable.Empty():
		g.Add(x).Op("=").Add(x.Clone()).Index(jen.Op(":").Lit(0))
	case isArray(f) && f.Def.Default != "null":
		g.Add(x).Op("=").Add(kbin("Resize")).Call(x.Clone(), jen.Lit(0))
	case isStruct(f) && !isPointer(f) && !hasDefaults(f.Struct):
		g.Add(x).Op("=").Id(f.Struct.GoName).Values()
	default:
		g.Add(x).Op("=").Add(defaultValue(f))
	}
}

// nonDefault is the opposite of isDefault.
func (sc *scope) nonDefault(f *model.Field) *jen.Statement {
	d := f.Def.Default
	switch {
	case isNullableWithDefault(f), isStruct(f) && !isPointer(f):
		if isStruct(f) && !isPointer(f) {
			return jen.Op("!").Add(sc.isDefault(f))
		}
		return jen.Op("!").Parens(sc.isDefault(f))
	case isArray(f) || isBytes(f):
		if d == "null" || f.Def.Type.Base == def.Records && !isArray(f) {
			return sc.field(f).Op("!=").Nil()
		}
		return jen.Len(sc.field(f)).Op("!=").Lit(0)
	case isPointer(f):
		return sc.field(f).Op("!=").Nil()
	case isNullString(f) && d == "null":
		return sc.field(f).Dot("Valid")
	case f.Def.Type.Base == def.Bool:
		if d == "true" {
			return jen.Op("!").Add(sc.field(f))
		}
		return sc.field(f)
	}
	return sc.field(f).Op("!=").Add(defaultValue(f))
}

// isDefault is the expression that a field is as its default is.
func (sc *scope) isDefault(f *model.Field) *jen.Statement {
	d := f.Def.Default
	empty := jen.Len(sc.field(f)).Op("==").Lit(0)
	switch {
	case isArray(f) || isBytes(f):
		switch {
		case d == "null" || f.Def.Type.Base == def.Records && !isArray(f):
			return sc.field(f).Op("==").Nil()
		case f.Def.Nullable.Empty():
			return empty
		}
		return sc.field(f).Op("!=").Nil().Op("&&").Add(empty)
	case isPointer(f):
		if d == "null" {
			return sc.field(f).Op("==").Nil()
		}
		return sc.field(f).Op("!=").Nil().Op("&&").Add(callPointer("isDefault", f.Struct, sc.field(f)))
	case isStruct(f):
		return call("isDefault", f.Struct, sc.field(f))
	case isNullString(f) && d == "null":
		return jen.Op("!").Add(sc.field(f)).Dot("Valid")
	case f.Def.Type.Base == def.Bool:
		if d == "true" {
			return sc.field(f)
		}
		return jen.Op("!").Add(sc.field(f))
	}
	return sc.field(f).Op("==").Add(defaultValue(f))
}

// structNew writes the constructor of a struct inside a message.
func (w *writer) structNew(s *model.Struct) {
	w.Commentf("New%s returns a value with Kafka's defaults.", s.GoName)
	w.Func().Id("New" + s.GoName).Params().Id(s.GoName).Block(jen.Return(defaults(s, false)))
}

// defaults is a literal of the struct with its defaults.
func defaults(s *model.Struct, keepVersion bool) *jen.Statement {
	values := jen.Dict{}
	if keepVersion {
		values[jen.Id("Version")] = jen.Id("m").Dot("Version")
	}
	for _, f := range s.Fields {
		if !isZeroDefault(f) {
			values[jen.Id(f.GoName)] = defaultValue(f)
		}
	}
	return jen.Id(s.GoName).Values(values)
}

// comparedWithDefault reports whether code asks if the struct has its defaults: it is
// tagged somewhere, or a version lacks it and it may not be dropped, or a struct for which
// that is so holds it. One that is null by default is only asked whether it is null.
func comparedWithDefault(s *model.Struct) bool {
	for _, outer := range s.Message.Structs {
		for _, f := range outer.Fields {
			if f.Struct != s || f.Def.Type.Array || isPointer(f) && f.Def.Default == "null" {
				continue
			}
			if !f.Def.Tagged.Empty() || !f.Def.Ignorable && !unless(f.Def.Versions, outer.Versions).never || comparedWithDefault(outer) {
				return true
			}
		}
	}
	return false
}

func (w *writer) isDefault(s *model.Struct) {
	w.function("isDefault", s).Bool().BlockFunc(func(g *jen.Group) {
		sc := newScope(s)
		var same *jen.Statement
		and := func(x *jen.Statement) {
			if same == nil {
				same = x
			} else {
				same = same.Op("&&").Line().Add(x)
			}
		}
		for _, f := range s.Fields {
			and(sc.isDefault(f))
		}
		if hasTagSection(s) {
			and(jen.Id("m").Dot("UnknownTags").Dot("Len").Call().Op("==").Lit(0))
		}
		g.Return(same)
	})
}
