package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// A condition is whether code runs, told by the version v.
type condition struct {
	test   *jen.Statement // nil if it always or never runs
	always bool
	never  bool
}

// when gives the condition that v is in versions, knowing that it is in reach.
func when(versions, reach def.Versions) condition {
	both := versions.Intersect(reach)
	switch {
	case both.Empty():
		return condition{never: true}
	case both == reach:
		return condition{always: true}
	case both.Max == reach.Max:
		return condition{test: jen.Id("v").Op(">=").Lit(int(both.Min))}
	case both.Min == reach.Min:
		return condition{test: jen.Id("v").Op("<=").Lit(int(both.Max))}
	case both.Min == both.Max:
		return condition{test: jen.Id("v").Op("==").Lit(int(both.Min))}
	}
	return condition{test: jen.Id("v").Op(">=").Lit(int(both.Min)).Op("&&").Id("v").Op("<=").Lit(int(both.Max))}
}

// unless gives the condition that v is not in versions.
func unless(versions, reach def.Versions) condition {
	c := when(versions, reach)
	if c.always || c.never {
		return condition{always: c.never, never: c.always}
	}
	both := versions.Intersect(reach)
	below := jen.Id("v").Op("<").Lit(int(both.Min))
	above := jen.Id("v").Op(">").Lit(int(both.Max))
	switch {
	case both.Max == reach.Max:
		return condition{test: below}
	case both.Min == reach.Min:
		return condition{test: above}
	}
	return condition{test: below.Op("||").Add(above)}
}

// emit writes then under the condition and otherwise under its opposite; otherwise may be
// nil.
func emit(g *jen.Group, c condition, then, otherwise func(*jen.Group)) {
	switch {
	case c.always:
		then(g)
	case c.never:
		if otherwise != nil {
			otherwise(g)
		}
	case otherwise == nil:
		g.If(c.test).BlockFunc(then)
	default:
		g.If(c.test).BlockFunc(then).Else().BlockFunc(otherwise)
	}
}

// inBody has the versions in which a field stands among the others, not in the tag section.
func inBody(f *model.Field) def.Versions {
	if f.Def.Tagged.Empty() {
		return f.Def.Versions
	}
	if f.Def.Tagged.Min == 0 {
		return def.None
	}
	return f.Def.Versions.Intersect(def.Versions{Min: 0, Max: f.Def.Tagged.Min - 1})
}

// A flexibility is how code knows whether lengths are compact.
type flexibility struct {
	expr     *jen.Statement // flex, true or false
	constant bool
	value    bool // of a constant
}

// flexOf tells the flexibility of a field in the body of a struct.
func flexOf(s *model.Struct, f *model.Field) flexibility {
	versions := s.Message.Def.Flexible
	if f != nil && f.Def.HasFlexible {
		versions = f.Def.Flexible
	}
	reach := s.Versions
	if f != nil {
		reach = f.Def.Versions.Intersect(s.Versions)
	}
	c := when(versions, reach)
	if c.always || c.never || reach.Empty() {
		return flexibility{expr: jen.Lit(c.always), constant: true, value: c.always}
	}
	if f != nil && f.Def.HasFlexible {
		return flexibility{expr: c.test}
	}
	return flexibility{expr: jen.Id("flex")}
}
