package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// check writes the method that finds what a version cannot carry. It only finds that there
// is something; which field it is, kmsg.Refuse finds out by reflection, for an error is rare
// and its text would be half of the method.
func (w *writer) check() {
	root := w.message.Root
	w.Comment("Check returns an error if the version does not exist, or cannot carry what is in the message.")
	w.method(root, "Check").Params().Error().BlockFunc(func(g *jen.Group) {
		w.versionOrReturn(g)
		if needsCheck(root) {
			newScope(root).check(g, true)
			g.If(jen.Op("!").Id("ok")).Block(jen.Return(kmsg("Refuse").Call(jen.Id("m"))))
		}
		g.Return(jen.Nil())
	})
}

// checkFunction writes the function that checks a struct that has functions.
func (w *writer) checkFunction(s *model.Struct) {
	w.function("check", s, jen.Id("v").Int16()).Bool().BlockFunc(func(g *jen.Group) {
		newScope(s).check(g, true)
		g.Return(jen.Id("ok"))
	})
}

// needsCheck reports whether there is anything in a struct that its versions may not be
// able to carry.
func needsCheck(s *model.Struct) bool {
	if hasTagSection(s) {
		return true
	}
	for _, f := range s.Fields {
		if f.Def.Type.Base == def.String || !notCarried(s, f).never || mayBeNilWrongly(s, f) || f.Struct != nil && needsCheck(f.Struct) {
			return true
		}
	}
	return false
}

// notCarried is the condition that a version lacks a field that may not be dropped.
func notCarried(s *model.Struct, f *model.Field) condition {
	if f.Def.Ignorable {
		return condition{never: true}
	}
	return unless(f.Def.Versions, s.Versions)
}

// mayBeNilWrongly reports whether a field cannot be null in some version, though its Go
// type can. Arrays and bytes do not count: their nil is empty then.
func mayBeNilWrongly(s *model.Struct, f *model.Field) bool {
	return (isNullString(f) || isPointer(f)) && !unless(f.Def.Nullable, f.Def.Versions.Intersect(s.Versions)).never
}

// fail returns an error that kmsg makes.
func fail(name string, args ...jen.Code) *jen.Statement { return jen.Return(kmsg(name).Call(args...)) }

// check writes the tests of a struct's fields and of its unknown tags into the variable ok,
// which it declares if it is asked to. The tests of neighbours are one expression.
func (sc *scope) check(g *jen.Group, declare bool) {
	var tests []*jen.Statement
	flush := func() {
		var all *jen.Statement
		switch {
		case !declare && len(tests) == 0:
			return
		case !declare:
			all = jen.Id("ok").Op("&&").Add(tests[0])
		case len(tests) > 0:
			all = tests[0]
		default:
			all = jen.True()
		}
		for _, t := range tests[min(1, len(tests)):] {
			all = all.Op("&&").Line().Add(t)
		}
		if declare {
			g.Id("ok").Op(":=").Add(all)
		} else {
			g.Id("ok").Op("=").Add(all)
		}
		tests, declare = nil, false
	}
	for _, f := range sc.s.Fields {
		tests = append(tests, sc.tests(f)...)
		if f.Struct != nil && needsCheck(f.Struct) {
			flush()
			emit(g, when(f.Def.Versions, sc.s.Versions), func(g *jen.Group) { sc.checkInside(g, f) }, nil)
		}
	}
	if hasTagSection(sc.s) {
		tests = append(tests, sc.unknownTagsFit())
	}
	flush()
}

// tests are the conditions under which a field is good.
func (sc *scope) tests(f *model.Field) []*jen.Statement {
	var tests []*jen.Statement
	if c := notCarried(sc.s, f); !c.never {
		isDefault := sc.isDefault(f)
		if present := when(f.Def.Versions, sc.s.Versions); present.test != nil {
			if isNullableWithDefault(f) {
				isDefault = jen.Parens(isDefault)
			}
			isDefault = jen.Parens(present.test.Op("||").Add(isDefault))
		}
		tests = append(tests, isDefault)
	}
	if mayBeNilWrongly(sc.s, f) {
		notNil := sc.field(f).Dot("Valid")
		if isPointer(f) {
			notNil = sc.field(f).Op("!=").Nil()
		}
		reach := f.Def.Versions.Intersect(sc.s.Versions)
		for _, c := range []condition{when(f.Def.Nullable, reach), unless(f.Def.Versions, sc.s.Versions)} {
			if c.test != nil {
				notNil = c.test.Op("||").Add(notNil)
			}
		}
		tests = append(tests, jen.Parens(notNil))
	}
	switch x := sc.field(f); {
	case f.Def.Type.Base == def.String && isArray(f):
		tests = append(tests, kbin("StringsFit").Call(x))
	case isNullString(f):
		tests = append(tests, jen.Len(x.Dot("S")).Op("<=").Add(kbin("MaxString")))
	case isString(f):
		tests = append(tests, jen.Len(x).Op("<=").Add(kbin("MaxString")))
	}
	return tests
}

// checkInside tests the structs of a field.
func (sc *scope) checkInside(g *jen.Group, f *model.Field) {
	good := func(x *jen.Statement) *jen.Statement { return jen.Id("ok").Op("=").Id("ok").Op("&&").Add(x) }
	functions := hasFunctions(f.Struct)
	switch {
	case isArray(f) && functions:
		i := sc.indexName()
		g.For(jen.Id(i).Op(":=").Range().Add(sc.field(f))).Block(good(call("check", f.Struct, sc.field(f).Index(jen.Id(i)), jen.Id("v"))))
	case isArray(f):
		sc.element(g, f, func(g *jen.Group, inner *scope) { inner.check(g, false) })
	case isPointer(f):
		g.If(sc.field(f).Op("!=").Nil()).BlockFunc(func(g *jen.Group) {
			if functions {
				g.Add(good(callPointer("check", f.Struct, sc.field(f), jen.Id("v"))))
			} else {
				sc.inside(f).check(g, false)
			}
		})
	case functions:
		g.Add(good(call("check", f.Struct, sc.field(f), jen.Id("v"))))
	default:
		sc.inside(f).check(g, false)
	}
}

// unknownTagsFit is the condition that the version has tags, and none of the unknown ones
// has a number that it knows.
func (sc *scope) unknownTagsFit() *jen.Statement {
	s := sc.s
	tags := knownTags(s)
	known := jen.Lit(1<<len(tags) - 1)
	switch {
	case len(tags) > 0 && tagsVary(s, tags):
		known = jen.Id("knownTags" + s.GoName).Call(jen.Id("v"))
	case len(tags) > 62: // no int
		known = jen.Lit(uint64(1)<<len(tags) - 1)
	}
	flexible := when(s.Message.Def.Flexible, s.Versions)
	flex := jen.Lit(flexible.always)
	if flexible.test != nil {
		flex = flexible.test
	}
	if !s.Message.Hot {
		return kbin("TagsFit").Call(sc.recv.Clone().Dot("UnknownTags"), flex, known)
	}
	return sc.recv.Clone().Dot("UnknownTags").Dot("Fits").Call(flex, known)
}

// knownTagsFunction writes the function that tells, as bits, which tags a version knows, if
// versions differ.
func (w *writer) knownTagsFunction(s *model.Struct) {
	tags := knownTags(s)
	if len(tags) == 0 || !tagsVary(s, tags) {
		return
	}
	flexible := s.Message.Def.Flexible.Intersect(s.Versions)
	w.Line()
	w.Commentf("knownTags%s has a bit for each tag that the version knows.", s.GoName)
	w.Func().Id("knownTags" + s.GoName).Params(jen.Id("v").Int16()).Params(jen.Id("known").Uint64()).BlockFunc(func(g *jen.Group) {
		for _, f := range tags {
			emit(g, when(f.Def.Tagged, flexible), func(g *jen.Group) {
				g.Id("known").Op("|=").Lit(1).Op("<<").Lit(f.Def.Tag)
			}, nil)
		}
		g.Return(jen.Id("known"))
	})
}
