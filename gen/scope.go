package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/model"
)

// Structs are read, written and checked in the method of their message, as loops inside
// loops. A function for each of them would be shorter to generate, but each function costs
// two kilobytes of tables in the archive, which is most of what a small one takes. Structs
// that a message has in several places do get functions.
//
// Code of hot messages is for speed: runs of fields of fixed size go across versions, with code
// for each set of them, and empty tags inline. Most messages are not hot, and their code is for
// size: each call that inlines takes some hundred bytes of the archive, most of it for the
// debugger.

// A scope is where code for one struct stands.
type scope struct {
	*function
	s     *model.Struct
	recv  *jen.Statement // what has the fields
	index []string       // variables of the loops around

	isPointer bool // recv is one
}

// A function is what the scopes of one function share.
type function struct {
	runs     int // of fixed-size fields, each of which has a variable
	sections int // of tags, likewise
	names    map[string]bool
}

func newScope(s *model.Struct) *scope {
	return &scope{function: &function{names: map[string]bool{}}, s: s, recv: jen.Id("m"), isPointer: true}
}

// isTaken reports whether a name means something in every function: to Go, as a package, or
// as a variable. Of these, some are numbered.
func isTaken(name string) bool {
	switch strings.TrimRight(name, "0123456789") {
	case "m", "r", "v", "n", "w", "ok", "err", "dst", "count", "known", "flex", "kbin", "kmsg", "binary", "math", "fmt",
		"b", "s", "i", "j", "k", "l":
		return true
	}
	return token.IsKeyword(name) || types.Universe.Lookup(name) != nil
}

// field is the expression of a field.
func (sc *scope) field(f *model.Field) *jen.Statement { return sc.recv.Clone().Dot(f.GoName) }

// inside is the scope of a struct that is a field.
func (sc *scope) inside(f *model.Field) *scope {
	return &scope{sc.function, f.Struct, sc.field(f), sc.index, isPointer(f)}
}

// element writes the loop over an array of structs, and the scope of its body.
func (sc *scope) element(g *jen.Group, f *model.Field, body func(*jen.Group, *scope)) {
	i := sc.indexName()
	name := sc.elementName(f)
	defer delete(sc.names, name)
	inner := &scope{sc.function, f.Struct, jen.Id(name), append(sc.index[:len(sc.index):len(sc.index)], i), true}
	g.For(jen.Id(i).Op(":=").Range().Add(sc.field(f))).BlockFunc(func(g *jen.Group) {
		g.Id(name).Op(":=").Op("&").Add(sc.field(f)).Index(jen.Id(i))
		body(g, inner)
	})
}

// indexName is the variable of a loop inside those that are around.
func (sc *scope) indexName() string {
	if depth := len(sc.index); depth < 4 {
		return string("ijkl"[depth])
	}
	return fmt.Sprintf("i%d", len(sc.index)+1)
}

// elementName finds a name for an element: topic for Topics.
func (sc *scope) elementName(f *model.Field) string {
	name := f.GoName
	capitals := len(name) - len(strings.TrimLeft(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	switch rest := name[capitals:]; {
	case rest == "" || rest == "s": // ACLs -> acls
		name = strings.ToLower(name)
	case capitals > 1: // APIKeys -> apiKeys
		name = strings.ToLower(name[:capitals-1]) + name[capitals-1:]
	default:
		name = strings.ToLower(name[:1]) + name[1:]
	}
	switch {
	case strings.HasSuffix(name, "ies"):
		name = strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "sses") || strings.HasSuffix(name, "ches"):
		name = strings.TrimSuffix(name, "es")
	case len(name) > 1 && strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss") && !strings.HasSuffix(name, "us"):
		name = strings.TrimSuffix(name, "s")
	}
	for isTaken(name) || sc.names[name] {
		name = "inner" + strings.ToUpper(name[:1]) + name[1:]
	}
	sc.names[name] = true
	return name
}

// run names the variable of a run of fixed-size fields.
func (f *function) run() string {
	f.runs++
	if f.runs == 1 {
		return "b"
	}
	return fmt.Sprintf("b%d", f.runs)
}

// section names the variable of a tag section.
func (f *function) section() string {
	f.sections++
	if f.sections == 1 {
		return "s"
	}
	return fmt.Sprintf("s%d", f.sections)
}

// hasFunctions reports whether a struct has functions of its own: it stands in several
// places of its message.
func hasFunctions(s *model.Struct) bool {
	places := 0
	for _, outer := range s.Message.Structs {
		for _, f := range outer.Fields {
			if f.Struct == s {
				places++
			}
		}
	}
	return places > 1
}

// usesFlexVariable reports whether code for the struct, and those inside it that have no
// functions, needs the variable flex.
func usesFlexVariable(s *model.Struct, tags bool) bool {
	if tags && hasTagSection(s) && when(s.Message.Def.Flexible, s.Versions).test != nil {
		return true
	}
	for _, f := range s.Fields {
		body := inBody(f).Intersect(s.Versions)
		if body.Empty() {
			continue
		}
		if fixedSize(f) == 0 && !isStruct(f) && !f.Def.HasFlexible && !flexOf(s, f).constant {
			return true
		}
		if f.Struct != nil && !hasFunctions(f.Struct) && usesFlexVariable(f.Struct, tags) {
			return true
		}
	}
	return false
}

// flexTest is the condition that the struct is flexible, by the variable.
func flexTest(s *model.Struct) condition {
	c := when(s.Message.Def.Flexible, s.Versions)
	if c.test != nil {
		c.test = jen.Id("flex")
	}
	return c
}

// flexValue is the variable or true, for a struct with a tag section.
func flexValue(s *model.Struct) *jen.Statement {
	if c := flexTest(s); c.test != nil {
		return c.test
	}
	return jen.True()
}

// flexVariable writes "flex := v >= 9".
func flexVariable(g *jen.Group, s *model.Struct) {
	g.Id("flex").Op(":=").Id("v").Op(">=").Lit(int(s.Message.Def.Flexible.Min))
}
