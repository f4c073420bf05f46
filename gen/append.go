package gen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// appendTo writes the method that appends a message's encoding.
func (w *writer) appendTo() {
	root := w.message.Root
	w.Comment("AppendTo appends the encoding of a message that Check has found good.")
	w.method(root, "AppendTo").Params(jen.Id("dst").Index().Byte()).Index().Byte().BlockFunc(func(g *jen.Group) {
		if usesVersion(root) {
			g.Id("v").Op(":=").Id("m").Dot("Version")
		}
		w.appendBody(g, root)
	})
}

// appendFunction writes the function that appends a struct that has functions.
func (w *writer) appendFunction(s *model.Struct) {
	w.function("append", s, jen.Id("dst").Index().Byte(), jen.Id("v").Int16()).Index().Byte().BlockFunc(func(g *jen.Group) {
		w.appendBody(g, s)
	})
}

func (w *writer) appendBody(g *jen.Group, s *model.Struct) {
	if usesFlexVariable(s, true) {
		flexVariable(g, s)
	}
	newScope(s).append(g)
	g.Return(jen.Id("dst"))
}

// usesVersion reports whether writing a struct depends on the version.
func usesVersion(s *model.Struct) bool {
	if when(s.Message.Def.Flexible, s.Versions).test != nil || hasKnownTags(s) {
		return true
	}
	for _, f := range s.Fields {
		if when(f.Def.Versions, s.Versions).test != nil || when(inBody(f), s.Versions).test != nil ||
			when(f.Def.Nullable, f.Def.Versions.Intersect(s.Versions)).test != nil {
			return true
		}
		if f.Struct != nil && (hasFunctions(f.Struct) || usesVersion(f.Struct)) {
			return true
		}
	}
	return false
}

// append writes the fields of a struct, then its tags.
func (sc *scope) append(g *jen.Group) {
	s := sc.s
	body := fieldsWithBody(s)
	for len(body) > 0 {
		n := fixedRun(body)
		if s.Message.Hot && n > 0 {
			sc.fixed(g, body[:n], s.Versions, 0, sc.appendRun, nil)
		} else {
			n = sc.together(body)
			group := body[:n]
			emit(g, when(inBody(group[0]), s.Versions), func(g *jen.Group) { inOrder(g, group, sc.appendRun, sc.appendVariable) }, nil)
		}
		body = body[n:]
	}
	if !hasTagSection(s) {
		return
	}
	emit(g, flexTest(s), func(g *jen.Group) {
		if !hasKnownTags(s) {
			setDst(g, kbin("AppendTags").Call(jen.Id("dst"), sc.recv.Clone().Dot("UnknownTags")))
			return
		}
		address := jen.Op("&").Add(sc.recv.Clone())
		if sc.isPointer {
			address = sc.recv.Clone()
		}
		setDst(g, callPointer("appendTags", s, address, jen.Id("dst"), jen.Id("v")))
	}, nil)
}

func setDst(g *jen.Group, x *jen.Statement) { g.Id("dst").Op("=").Add(x) }

// appendFixed is dst with a value of fixed size appended.
func appendFixed(f *model.Field, x *jen.Statement) *jen.Statement {
	if bytes := bytesOf(f, x); bytes != nil {
		return appendBytes(bytes)
	}
	if f.Def.Type.Base == def.UUID {
		return jen.Append(jen.Id("dst"), x.Index(jen.Op(":")).Op("..."))
	}
	return kbin("AppendFloat64").Call(jen.Id("dst"), x)
}

// bytesOf has the bytes of a boolean or an integer, which the compiler writes at once; nil for
// other types. A call that inlines, as encoding/binary's do, takes more of the archive.
func bytesOf(f *model.Field, x *jen.Statement) []jen.Code {
	var bytes []jen.Code
	switch f.Def.Type.Base {
	case def.UUID, def.Float64:
	case def.Bool:
		bytes = append(bytes, kbin("BoolByte").Call(x))
	default:
		size := f.Def.Type.Base.FixedSize()
		unsigned := x // of shifts to the right, the compiler only joins those of unsigned values
		if base := f.Def.Type.Base; base != def.Uint16 && base != def.Uint32 {
			unsigned = jen.Id(fmt.Sprintf("uint%d", 8*size)).Call(x)
		}
		for shift := 8 * (size - 1); shift > 0; shift -= 8 {
			bytes = append(bytes, jen.Byte().Call(unsigned.Clone().Op(">>").Lit(shift)))
		}
		bytes = append(bytes, jen.Byte().Call(x))
	}
	return bytes
}

// appendBytes is dst with the bytes of numbers appended, a line each, and two for eight bytes.
func appendBytes(numbers ...[]jen.Code) *jen.Statement {
	if len(numbers) == 1 && len(numbers[0]) <= 4 {
		return jen.Append(append([]jen.Code{jen.Id("dst")}, numbers[0]...)...)
	}
	var lines []jen.Code
	for _, bytes := range numbers {
		for line := range slices.Chunk(bytes, 4) {
			lines = append(lines, jen.List(line...))
		}
	}
	return jen.Id("append").Custom(jen.Options{Open: "(dst,", Close: ")", Separator: ",", Multi: true}, lines...)
}

// stringValue turns a string of an enumeration into what kbin takes.
func stringValue(f *model.Field, x *jen.Statement) *jen.Statement {
	if f.Enum == nil {
		return x
	}
	return jen.String().Call(x)
}

// appendRun writes fields of fixed size; dst grows once for neighbours that the compiler writes
// each at once. In one append it joins the bytes of a number only if the number is longer than all
// before it, or has eight; of those that it does not join, two bytes are as good as an append.
func (sc *scope) appendRun(g *jen.Group, fields []*model.Field) {
	var numbers [][]jen.Code
	n, size := 0, 0
	for ; n < len(fields); n++ {
		bytes := bytesOf(fields[n], sc.field(fields[n]))
		if bytes == nil || len(bytes) == 4 && size >= 4 {
			break
		}
		size = max(size, len(bytes))
		numbers = append(numbers, bytes)
	}
	if n > 0 {
		setDst(g, appendBytes(numbers...))
	} else {
		setDst(g, appendFixed(fields[0], sc.field(fields[0])))
		n = 1
	}
	if n < len(fields) {
		sc.appendRun(g, fields[n:])
	}
}

// appendVariable writes a field that is no number, in the body of a struct.
func (sc *scope) appendVariable(g *jen.Group, f *model.Field) {
	flex := flexOf(sc.s, f)
	nullable := when(f.Def.Nullable, inBody(f).Intersect(sc.s.Versions))
	if isArray(f) {
		sc.appendArray(g, f, flex, nullable)
		return
	}
	emit(g, nullable,
		func(g *jen.Group) { sc.appendNullable(g, f, flex) },
		func(g *jen.Group) { sc.appendPlain(g, f, flex) })
}

// flexCall calls kbin's AppendFlexString and its like. If the form of lengths is known, it is
// a constant: the names that kbin has for that inline, which takes room.
func flexCall(flex flexibility, what string, args ...jen.Code) *jen.Statement {
	return kbin("AppendFlex" + what).Call(append(args, flex.expr)...)
}

func (sc *scope) appendNullable(g *jen.Group, f *model.Field, flex flexibility) {
	dst, x := jen.Id("dst"), sc.field(f)
	switch {
	case isNullString(f):
		setDst(g, flexCall(flex, "NullableString", dst, x))
	case isBytes(f):
		setDst(g, flexCall(flex, "NullableBytes", dst, x))
	default:
		sc.appendPointer(g, f, 0xff)
	}
}

// appendPointer writes a struct after the mark that it is there, or the mark of null.
func (sc *scope) appendPointer(g *jen.Group, f *model.Field, null int) {
	g.If(sc.field(f).Op("!=").Nil()).BlockFunc(func(g *jen.Group) {
		setDst(g, jen.Append(jen.Id("dst"), jen.Lit(1)))
		sc.appendStruct(g, f)
	}).Else().Block(jen.Id("dst").Op("=").Append(jen.Id("dst"), jen.Lit(null)))
}

// appendStruct writes a struct that is a field.
func (sc *scope) appendStruct(g *jen.Group, f *model.Field) {
	switch {
	case !hasFunctions(f.Struct):
		sc.inside(f).append(g)
	case isPointer(f):
		setDst(g, callPointer("append", f.Struct, sc.field(f), jen.Id("dst"), jen.Id("v")))
	default:
		setDst(g, call("append", f.Struct, sc.field(f), jen.Id("dst"), jen.Id("v")))
	}
}

func (sc *scope) appendPlain(g *jen.Group, f *model.Field, flex flexibility) {
	dst, x := jen.Id("dst"), sc.field(f)
	switch {
	case isNullString(f):
		setDst(g, flexCall(flex, "String", dst, x.Dot("S")))
	case isString(f):
		setDst(g, flexCall(flex, "String", dst, stringValue(f, x)))
	case isBytes(f):
		setDst(g, flexCall(flex, "Bytes", dst, x))
	default:
		sc.appendStruct(g, f)
	}
}

// appendArray writes an array, whose nil is null where it is nullable.
func (sc *scope) appendArray(g *jen.Group, f *model.Field, flex flexibility, nullable condition) {
	dst := jen.Id("dst")
	x := func() *jen.Statement { return sc.field(f) }
	if f.Def.Type.Base == def.Int32 {
		emit(g, nullable,
			func(g *jen.Group) { setDst(g, flexCall(flex, "NullableInt32s", dst, x())) },
			func(g *jen.Group) { setDst(g, flexCall(flex, "Int32s", dst, x())) })
		return
	}
	if nullable.never {
		setDst(g, flexCall(flex, "ArrayLen", dst, jen.Len(x())))
	} else {
		null := x().Op("==").Nil()
		if nullable.test != nil {
			null = nullable.test.Clone().Op("&&").Add(null)
		}
		setDst(g, flexCall(flex, "NullableArrayLen", dst, jen.Len(x()), null))
	}
	i := sc.indexName()
	each := func(value *jen.Statement) {
		g.For(jen.Id(i).Op(":=").Range().Add(x())).Block(jen.Id("dst").Op("=").Add(value))
	}
	switch base := f.Def.Type.Base; base {
	case def.Int8, def.Int16, def.Int64, def.UUID:
		setDst(g, kbin("Append"+accessor[base]+"s").Call(dst, x()))
	case def.IsStruct:
		if hasFunctions(f.Struct) {
			each(call("append", f.Struct, x().Index(jen.Id(i)), dst, jen.Id("v")))
			return
		}
		sc.element(g, f, func(g *jen.Group, inner *scope) { inner.append(g) })
	case def.String:
		each(flexCall(flex, "String", dst, stringValue(f, x().Index(jen.Id(i)))))
	case def.Bytes, def.Records:
		each(flexCall(flex, "Bytes", dst, x().Index(jen.Id(i))))
	default:
		each(appendFixed(f, x().Index(jen.Id(i))))
	}
}

// appendTags writes the method that appends the tag section of a struct with tagged fields
// of its own: those that differ from their default, between unknown ones, in order.
func (w *writer) appendTags(s *model.Struct) {
	sc := newScope(s)
	known := knownTags(s)
	flexible := s.Message.Def.Flexible.Intersect(s.Versions)
	w.function("appendTags", s, jen.Id("dst").Index().Byte(), jen.Id("v").Int16()).Index().Byte().BlockFunc(func(g *jen.Group) {
		g.Id("count").Op(":=").Id("m").Dot("UnknownTags").Dot("Len").Call()
		for _, f := range known {
			g.Id("has" + f.GoName).Op(":=").Add(sc.isWritten(f, flexible))
			g.If(jen.Id("has" + f.GoName)).Block(jen.Id("count").Op("++"))
		}
		g.If(jen.Id("count").Op("==").Lit(0)).Block(jen.Return(jen.Append(jen.Id("dst"), jen.Lit(0))))
		g.Id("w").Op(":=").Id("m").Dot("UnknownTags").Dot("Writer").Call(jen.Id("dst"), jen.Id("count"))
		for _, f := range known {
			g.If(jen.Id("has" + f.GoName)).BlockFunc(func(g *jen.Group) {
				g.Id("dst").Op("=").Id("w").Dot("Begin").Call(jen.Lit(f.Def.Tag))
				sc.appendTagged(g, f)
				g.Id("w").Dot("End").Call(jen.Id("dst"))
			})
		}
		g.Return(jen.Id("w").Dot("Finish").Call())
	})
}

// isWritten is the expression that a tagged field is in the tag section.
func (sc *scope) isWritten(f *model.Field, flexible def.Versions) *jen.Statement {
	test := sc.nonDefault(f)
	if c := when(f.Def.Tagged, flexible); c.test != nil {
		return c.test.Op("&&").Add(test)
	}
	return test
}

// isNullableWithDefault reports whether a field can be null but is something else by default.
func isNullableWithDefault(f *model.Field) bool {
	return f.Def.Default != "null" && !f.Def.Nullable.Empty() && (isArray(f) || isBytes(f) || isPointer(f))
}

func (sc *scope) appendTagged(g *jen.Group, f *model.Field) {
	compact := flexibility{expr: jen.True(), constant: true, value: true}
	nullable := !f.Def.Nullable.Intersect(f.Def.Tagged).Empty()
	switch {
	case fixedSize(f) > 0:
		setDst(g, appendFixed(f, sc.field(f)))
	case isPointer(f) && nullable:
		sc.appendPointer(g, f, 0)
	case isArray(f):
		sc.appendArray(g, f, compact, condition{always: nullable, never: !nullable})
	case nullable:
		sc.appendNullable(g, f, compact)
	default:
		sc.appendPlain(g, f, compact)
	}
}
