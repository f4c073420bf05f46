package gen

import (
	"math"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

const binaryPath = "encoding/binary"

// maxRun is the longest run of fixed-size fields that one bounds check covers; kbin.MaxNext
// is not smaller.
const maxRun = 128

// decodeFrom writes the method that reads a message. Fields of fixed size that stand
// together are read as one run; what a version lacks gets its default.
func (w *writer) decodeFrom() {
	root, d := w.message.Root, w.message.Def
	w.Comment("DecodeFrom reads the message at Version, reusing the memory it has. Byte fields are views.")
	w.method(root, "DecodeFrom").Params(jen.Id("r").Op("*").Add(kbin("Reader"))).Error().BlockFunc(func(g *jen.Group) {
		w.versionOrReturn(g)
		w.decodeBody(g, root)
		if d.Kind == def.Header { // the body follows
			g.Return(kmsg("Decoded").Call(jen.Id("m"), jen.Id("r").Dot("Err").Call()))
		} else {
			g.Return(kmsg("Finished").Call(jen.Id("m"), jen.Id("r")))
		}
	})
}

// versionOrReturn writes "v := m.Version" and returns an error if there is no such version.
func (w *writer) versionOrReturn(g *jen.Group) {
	low, high := int(w.message.Def.Valid.Min), int(w.message.Def.Valid.Max)
	g.Id("v").Op(":=").Id("m").Dot("Version")
	outside := jen.Id("v").Op("<").Lit(low).Op("||").Id("v").Op(">").Lit(high)
	if low == high {
		outside = jen.Id("v").Op("!=").Lit(low)
	}
	g.If(outside).Block(fail("NoVersion", jen.Id("m"), jen.Lit(low), jen.Lit(high)))
}

// decodeFunction writes the function that reads a struct that has functions.
func (w *writer) decodeFunction(s *model.Struct) {
	w.function("decode", s, jen.Id("r").Op("*").Add(kbin("Reader")), jen.Id("v").Int16()).BlockFunc(func(g *jen.Group) {
		w.decodeBody(g, s)
	})
}

func (w *writer) decodeBody(g *jen.Group, s *model.Struct) {
	if usesFlexVariable(s, true) {
		flexVariable(g, s)
	}
	newScope(s).decode(g)
}

// decode reads the fields of a struct, then its tags.
func (sc *scope) decode(g *jen.Group) {
	s := sc.s
	body := fieldsWithBody(s)
	for len(body) > 0 {
		n := fixedRun(body)
		if s.Message.Hot && n > 0 {
			sc.fixed(g, body[:n], s.Versions, 0, sc.decodeRun, sc.setDefaults)
		} else {
			n = sc.together(body)
			group := body[:n]
			emit(g, when(inBody(group[0]), s.Versions), func(g *jen.Group) { inOrder(g, group, sc.decodeRun, sc.decodeVariable) }, sc.setDefaults(group))
		}
		body = body[n:]
	}
	sc.decodeTags(g)
}

// fieldsWithBody returns the fields that some version has outside of the tag section.
func fieldsWithBody(s *model.Struct) []*model.Field {
	var fields []*model.Field
	for _, f := range s.Fields {
		if !inBody(f).Intersect(s.Versions).Empty() {
			fields = append(fields, f)
		}
	}
	return fields
}

// fixedRun counts the fields of fixed size at the start.
func fixedRun(fields []*model.Field) int {
	for i, f := range fields {
		if fixedSize(f) == 0 {
			return i
		}
	}
	return len(fields)
}

// inOrder handles fields that the same versions have: neighbours of fixed size as runs, others
// each alone.
func inOrder(g *jen.Group, fields []*model.Field, run func(*jen.Group, []*model.Field), variable func(*jen.Group, *model.Field)) {
	for len(fields) > 0 {
		n := fixedRun(fields)
		if n > 0 {
			run(g, fields[:n])
		} else {
			n = 1
			variable(g, fields[0])
		}
		fields = fields[n:]
	}
}

// together counts the fields at the start that the same versions have; those of fixed size
// stand apart in hot messages.
func (sc *scope) together(fields []*model.Field) int {
	s := sc.s
	for i, f := range fields {
		if s.Message.Hot && fixedSize(f) > 0 || inBody(f).Intersect(s.Versions) != inBody(fields[0]).Intersect(s.Versions) {
			return i
		}
	}
	return len(fields)
}

func (sc *scope) setDefaults(fields []*model.Field) func(*jen.Group) {
	return func(g *jen.Group) {
		for _, f := range fields {
			if f.Def.Tagged.Empty() { // tagged fields get theirs before the tags are read
				sc.setDefault(g, f)
			}
		}
	}
}

// fixed handles neighbours of fixed size. The newest versions come first, as one run;
// older ones, which have fewer of the fields, follow. absent, which may be nil, handles the
// fields that a version lacks.
func (sc *scope) fixed(g *jen.Group, fields []*model.Field, reach def.Versions, depth int, run func(*jen.Group, []*model.Field), absent func([]*model.Field) func(*jen.Group)) {
	without := func(fields []*model.Field) func(*jen.Group) {
		if absent == nil {
			return nil
		}
		return absent(fields)
	}
	if n := sameVersions(fields, reach); n == len(fields) || depth > 1 {
		group := fields[:n]
		emit(g, when(inBody(group[0]), reach), func(g *jen.Group) { run(g, group) }, without(group))
		if n < len(fields) {
			sc.fixed(g, fields[n:], reach, depth, run, absent)
		}
		return
	}
	var present, missing []*model.Field
	newest := reach.Min // from here on the fields are the same as in the last version
	for _, f := range fields {
		if v := inBody(f); v.Has(reach.Max) {
			present = append(present, f)
			newest = max(newest, v.Min)
		} else {
			missing = append(missing, f)
			newest = max(newest, v.Intersect(reach).Max+1)
		}
	}
	if newest <= reach.Min { // what is missing is missing in all of reach
		run(g, present)
		if f := without(missing); f != nil {
			f(g)
		}
		return
	}
	older := def.Versions{Min: reach.Min, Max: newest - 1}
	otherwise := func(g *jen.Group) { sc.fixed(g, fields, older, depth+1, run, absent) }
	if len(present) == 0 && absent == nil {
		g.If(jen.Id("v").Op("<").Lit(int(newest))).BlockFunc(otherwise)
		return
	}
	g.If(jen.Id("v").Op(">=").Lit(int(newest))).BlockFunc(func(g *jen.Group) {
		if len(present) > 0 {
			run(g, present)
		}
		if f := without(missing); f != nil {
			f(g)
		}
	}).Else().BlockFunc(otherwise)
}

// sameVersions counts the fields at the start that the same versions have.
func sameVersions(fields []*model.Field, reach def.Versions) int {
	for i, f := range fields {
		if inBody(f).Intersect(reach) != inBody(fields[0]).Intersect(reach) {
			return i
		}
	}
	return len(fields)
}

// decodeRun reads fields of fixed size under one bounds check.
func (sc *scope) decodeRun(g *jen.Group, fields []*model.Field) {
	size, n := 0, 0
	for n < len(fields) && size+fixedSize(fields[n]) <= maxRun {
		size += fixedSize(fields[n])
		n++
	}
	if n < len(fields) {
		sc.decodeRun(g, fields[:n])
		sc.decodeRun(g, fields[n:])
		return
	}
	if len(fields) == 1 {
		g.Add(sc.field(fields[0])).Op("=").Add(readFixed(fields[0]))
		return
	}
	run := sc.run()
	next := "Next"
	if len(sc.index) == 0 { // once a message: not worth to be inlined
		next = "Run"
	}
	g.Id(run).Op(":=").Parens(jen.Op("*").Index(jen.Lit(size)).Byte()).Call(jen.Id("r").Dot(next).Call(jen.Lit(size)))
	at := 0
	for _, f := range fields {
		g.Add(sc.field(f)).Op("=").Add(fromBytes(f, run, at))
		at += fixedSize(f)
	}
}

// accessor has the Reader's method for each type of fixed size.
var accessor = map[def.Base]string{
	def.Bool: "Bool", def.Int8: "Int8", def.Int16: "Int16", def.Uint16: "Uint16", def.Int32: "Int32",
	def.Uint32: "Uint32", def.Int64: "Int64", def.Float64: "Float64", def.UUID: "UUID",
}

// convert turns a primitive into the field's enumeration, if it has one.
func convert(f *model.Field, x *jen.Statement) *jen.Statement {
	if f.Enum == nil {
		return x
	}
	return kmsg(f.Enum.Name).Call(x)
}

// readFixed reads the value of a field of fixed size.
func readFixed(f *model.Field) *jen.Statement {
	return convert(f, jen.Id("r").Dot(accessor[f.Def.Type.Base]).Call())
}

// fromBytes is the value of a field at an offset of the array run. The compiler reads the bytes
// of a number at once.
func fromBytes(f *model.Field, run string, at int) *jen.Statement {
	switch f.Def.Type.Base {
	case def.Bool:
		return jen.Id(run).Index(jen.Lit(at)).Op("!=").Lit(0)
	case def.Float64:
		return jen.Qual("math", "Float64frombits").Call(jen.Qual(binaryPath, "BigEndian").Dot("Uint64").Call(jen.Id(run).Index(jen.Lit(at), jen.Lit(at+8))))
	case def.UUID:
		return kbin("UUID").Call(jen.Id(run).Index(jen.Lit(at), jen.Lit(at+16)))
	}
	x := jen.Null()
	for i, size := 0, fixedSize(f); i < size; i++ {
		if i > 0 {
			x.Op("|")
		}
		x.Add(elementType(f)).Call(jen.Id(run).Index(jen.Lit(at + i)))
		if shift := 8 * (size - 1 - i); shift > 0 {
			x.Op("<<").Lit(shift)
		}
	}
	return x
}

// decodeVariable reads a field that is no number, in the body of a struct.
func (sc *scope) decodeVariable(g *jen.Group, f *model.Field) {
	flex := flexOf(sc.s, f).expr
	reach := inBody(f).Intersect(sc.s.Versions)
	emit(g, when(f.Def.Nullable, reach),
		func(g *jen.Group) { sc.decodeNullable(g, f, flex) },
		func(g *jen.Group) { sc.decodePlain(g, f, flex) })
}

// decodeNullable reads a string, bytes, array or struct that may be null.
func (sc *scope) decodeNullable(g *jen.Group, f *model.Field, flex *jen.Statement) {
	x := sc.field(f)
	switch {
	case isNullString(f):
		g.Id("r").Dot("FlexNullableString").Call(jen.Op("&").Add(x), flex)
	case isBytes(f):
		g.Add(x).Op("=").Id("r").Dot("FlexNullableBytes").Call(flex)
	case isArray(f):
		sc.decodeArray(g, f, flex, "FlexNullableArrayLen")
	default:
		sc.decodePointer(g, f, jen.Id("r").Dot("Present").Call())
	}
}

// decodePointer reads a struct that is there if present.
func (sc *scope) decodePointer(g *jen.Group, f *model.Field, present *jen.Statement) {
	x := sc.field(f)
	g.If(present).BlockFunc(func(g *jen.Group) { sc.decodeStruct(g, f) }).Else().Block(x.Op("=").Nil())
}

// decodeStruct reads a struct that is a field, made before if it is a pointer.
func (sc *scope) decodeStruct(g *jen.Group, f *model.Field) {
	x := sc.field(f)
	if isPointer(f) {
		g.If(x.Clone().Op("==").Nil()).Block(x.Clone().Op("=").New(jen.Id(f.Struct.GoName)))
	}
	switch {
	case !hasFunctions(f.Struct):
		sc.inside(f).decode(g)
	case isPointer(f):
		g.Add(callPointer("decode", f.Struct, x, jen.Id("r"), jen.Id("v")))
	default:
		g.Add(call("decode", f.Struct, x, jen.Id("r"), jen.Id("v")))
	}
}

// decodePlain reads a string, bytes, array or struct that cannot be null in this version.
func (sc *scope) decodePlain(g *jen.Group, f *model.Field, flex *jen.Statement) {
	x := sc.field(f)
	switch {
	case isNullString(f):
		g.Id("r").Dot("FlexString").Call(jen.Op("&").Add(x.Clone()).Dot("S"), flex)
		g.Add(x).Dot("Valid").Op("=").True()
	case isString(f):
		address := jen.Op("&").Add(x)
		if f.Enum != nil {
			address = jen.Parens(jen.Op("*").String()).Call(address)
		}
		g.Id("r").Dot("FlexString").Call(address, flex)
	case isBytes(f):
		g.Add(x).Op("=").Id("r").Dot("FlexBytes").Call(flex)
	case isArray(f):
		sc.decodeArray(g, f, flex, "FlexArrayLen")
	default:
		sc.decodeStruct(g, f)
	}
}

// decodeArray reads the count with the Reader's method length, then the elements.
func (sc *scope) decodeArray(g *jen.Group, f *model.Field, flex *jen.Statement, length string) {
	x := sc.field(f)
	count := func(minSize jen.Code) *jen.Statement { return jen.Id("r").Dot(length).Call(minSize, flex) }
	base := f.Def.Type.Base
	size := base.FixedSize()
	into := func(value *jen.Statement) { g.Add(x.Clone()).Op("=").Add(value) }
	each := func(value *jen.Statement) {
		i := sc.indexName()
		g.For(jen.Id(i).Op(":=").Range().Add(x.Clone())).Block(x.Clone().Index(jen.Id(i)).Op("=").Add(value))
	}
	switch base {
	case def.Int32:
		name := "FlexInt32s"
		if length == "FlexNullableArrayLen" {
			name = "FlexNullableInt32s"
		}
		into(jen.Id("r").Dot(name).Call(x.Clone(), flex))
	case def.Int8, def.Int16, def.Int64:
		into(kbin(accessor[base]+"s").Call(jen.Id("r"), x.Clone(), count(jen.Lit(size))))
	case def.UUID:
		into(jen.Id("r").Dot("UUIDs").Call(x.Clone(), count(jen.Lit(size))))
	case def.String:
		into(kbin("Strings").Call(jen.Id("r"), x.Clone(), count(jen.Lit(1)), flex))
	case def.IsStruct:
		sc.resizeStructs(g, f, count(minSizeOf(f.Struct)))
		if hasFunctions(f.Struct) {
			i := sc.indexName()
			g.For(jen.Id(i).Op(":=").Range().Add(x)).Block(call("decode", f.Struct, x.Clone().Index(jen.Id(i)), jen.Id("r"), jen.Id("v")))
			return
		}
		sc.element(g, f, func(g *jen.Group, inner *scope) { inner.decode(g) })
	case def.Bytes, def.Records:
		into(kbin("Resize").Call(x.Clone(), count(jen.Lit(1))))
		each(jen.Id("r").Dot("FlexBytes").Call(flex))
	default:
		into(kbin("Resize").Call(x.Clone(), count(jen.Lit(size))))
		each(jen.Id("r").Dot(accessor[base]).Call())
	}
}

// resizeStructs gives an array of structs the length that was read. If there is room, the
// elements that it had stay, for the memory they hold. It is not a generic function, for
// hundreds of these in a package cost more to compile than all else.
func (sc *scope) resizeStructs(g *jen.Group, f *model.Field, count *jen.Statement) {
	x := func() *jen.Statement { return sc.field(f) }
	n := func() *jen.Statement { return jen.Id("n") }
	grow := jen.If(n().Op(">").Cap(x()).Op("||").Add(x()).Op("==").Nil()).Block(x().Op("=").Make(goType(f), n()))
	cut := x().Op("=").Add(x()).Index(jen.Op(":").Add(n()))
	if length := x(); f.Def.Nullable.Empty() {
		g.If(n().Op(":=").Add(count), n().Op(">").Cap(length).Op("||").Add(x()).Op("==").Nil()).Block(
			x().Op("=").Make(goType(f), n()),
		).Else().Block(cut)
		return
	}
	g.If(n().Op(":=").Add(count), n().Op("<").Lit(0)).Block(x().Op("=").Nil()).Else().Block(grow, cut)
}

// decodeTags reads the tag section.
func (sc *scope) decodeTags(g *jen.Group) {
	s := sc.s
	if !hasTagSection(s) {
		return
	}
	known := knownTags(s)
	unknown := func() *jen.Statement { return sc.recv.Clone().Dot("UnknownTags") }
	if len(known) == 0 && !s.Message.Hot {
		g.Id("r").Dot("FlexTags").Call(jen.Op("&").Add(unknown()), flexValue(s))
		return
	}
	if len(known) == 0 {
		emit(g, flexTest(s),
			func(g *jen.Group) { g.Id("r").Dot("Tags").Call(jen.Op("&").Add(unknown())) },
			func(g *jen.Group) { g.Add(unknown()).Op("=").Add(kbin("Tags")).Values() })
		return
	}
	for _, f := range known {
		// A field that was untagged once has been read in the body of old versions.
		emit(g, unless(inBody(f), s.Versions), func(g *jen.Group) { sc.setDefault(g, f) }, nil)
	}
	g.Add(unknown()).Op("=").Add(kbin("Tags")).Values()
	section := sc.section()
	hasTags := jen.Id("r").Dot("HasTags").Call()
	if c := flexTest(s); c.test != nil {
		hasTags = c.test.Op("&&").Add(hasTags)
	}
	g.If(hasTags).BlockFunc(func(g *jen.Group) {
		g.For(jen.Id(section).Op(":=").Id("r").Dot("TagSection").Call(), jen.Id(section).Dot("Next").Call(), jen.Empty()).Block(
			jen.Switch(tagSwitch(s, known, section)).BlockFunc(func(g *jen.Group) {
				for _, f := range known {
					g.Case(tagCase(s, known, f, section)).BlockFunc(func(g *jen.Group) { sc.decodeTagged(g, f) })
				}
				g.Default().Block(jen.Id(section).Dot("Unknown").Call(jen.Op("&").Add(unknown())))
			}))
	})
}

// tagsVary reports whether some flexible version lacks a known tag: its number may then
// stand for something unknown.
func tagsVary(s *model.Struct, known []*model.Field) bool {
	for _, f := range known {
		if !when(f.Def.Tagged, s.Message.Def.Flexible.Intersect(s.Versions)).always {
			return true
		}
	}
	return false
}

func tagSwitch(s *model.Struct, known []*model.Field, section string) jen.Code {
	if tagsVary(s, known) {
		return jen.Empty()
	}
	return jen.Id(section).Dot("Number")
}

func tagCase(s *model.Struct, known []*model.Field, f *model.Field, section string) jen.Code {
	if !tagsVary(s, known) {
		return jen.Lit(f.Def.Tag)
	}
	test := jen.Id(section).Dot("Number").Op("==").Lit(f.Def.Tag)
	if c := when(f.Def.Tagged, s.Message.Def.Flexible.Intersect(s.Versions)); c.test != nil {
		test = test.Op("&&").Add(c.test)
	}
	return test
}

// decodeTagged reads a field from the tag section, where all is compact and structs that
// may be null have a varint before them.
func (sc *scope) decodeTagged(g *jen.Group, f *model.Field) {
	nullable := !f.Def.Nullable.Intersect(f.Def.Tagged).Empty()
	switch {
	case fixedSize(f) > 0:
		g.Add(sc.field(f)).Op("=").Add(readFixed(f))
	case isPointer(f) && nullable:
		sc.decodePointer(g, f, jen.Id("r").Dot("Uvarint").Call().Op("!=").Lit(0))
	case nullable:
		sc.decodeNullable(g, f, jen.True())
	default:
		sc.decodePlain(g, f, jen.True())
	}
}

// minSizeTable writes the smallest encoding of an array's element by version, if versions
// differ.
func (w *writer) minSizeTable(s *model.Struct) {
	sizes := minSizes(s)
	if sizes.constant() {
		return
	}
	w.Line()
	w.Commentf("minSize%s is the size of the shortest encoding by version.", s.GoName)
	number := jen.Uint8()
	if sizes.largest() > math.MaxUint8 {
		number = jen.Int()
	}
	w.Var().Id("minSize" + s.GoName).Op("=").Index(jen.Op("...")).Add(number).ValuesFunc(func(g *jen.Group) {
		for v := s.Versions.Min; v <= s.Versions.Max; v++ {
			size := jen.Lit(sizes[v])
			if v == s.Versions.Min && v > 0 {
				size = jen.Lit(int(v)).Op(":").Add(size)
			}
			g.Add(size)
		}
	})
}

func minSizeOf(s *model.Struct) *jen.Statement {
	if sizes := minSizes(s); sizes.constant() {
		return jen.Lit(sizes[s.Versions.Min])
	}
	size := jen.Id("minSize" + s.GoName).Index(jen.Id("v"))
	if minSizes(s).largest() > math.MaxUint8 {
		return size
	}
	return jen.Int().Call(size)
}

// perVersion has a number for each version of a struct.
type perVersion map[int16]int

func (p perVersion) constant() bool {
	first, same := -1, true
	for _, n := range p {
		same = same && (first < 0 || n == first)
		first = n
	}
	return same
}

func (p perVersion) largest() int {
	largest := 0
	for _, n := range p {
		largest = max(largest, n)
	}
	return largest
}

// minSizes computes the smallest encoding of a struct in each version.
func minSizes(s *model.Struct) perVersion {
	sizes := perVersion{}
	s.Versions.Each(func(v int16) {
		flexible := s.Message.Def.Flexible.Has(v)
		size := 0
		if flexible {
			size = 1 // the count of tags
		}
		for _, f := range s.Fields {
			if inBody(f).Has(v) {
				size += minFieldSize(f, v, f.Def.FlexibleIn(s.Message.Def, v))
			}
		}
		sizes[v] = size
	})
	return sizes
}

func minFieldSize(f *model.Field, v int16, flexible bool) int {
	switch {
	case fixedSize(f) > 0:
		return fixedSize(f)
	case isStruct(f) && f.Def.Nullable.Has(v):
		return 1
	case isStruct(f):
		return minSizes(f.Struct)[v]
	case flexible:
		return 1
	case isString(f):
		return 2
	}
	return 4
}
