package def

import (
	"fmt"
	"slices"
)

// Merge joins two definitions of one message: the versions for which fromOther is true
// are as other says, all the rest as base says. What is not told by version (order, names,
// ignorable, defaults) is base's, of fields all of whose versions are other's it is other's;
// fields that only other has come after those that they follow there. alias translates a field name of other to base's; it may be nil.
//
// The result says, for each version, exactly what its source said, or Merge fails.
func Merge(base, other *Message, fromOther func(int16) bool, alias func(string) string) (*Message, error) {
	g := &merger{base: base, other: other, fromOther: fromOther, alias: alias, structs: map[*Struct]*Struct{}}
	if alias == nil {
		g.alias = func(name string) string { return name }
	}
	all := Versions{min(base.Valid.Min, other.Valid.Min), max(base.Valid.Max, other.Valid.Max)}
	if base.Valid.Empty() {
		all = other.Valid
	}
	valid, ok := rangeOf(all, func(v int16) bool { return g.ofBase(v) || g.ofOther(v) })
	if !ok {
		return nil, fmt.Errorf("%s: versions %s and %s leave a gap: merge a release that has those between first", base.Name, base.Valid, other.Valid)
	}
	g.valid = valid.Intersect(all)

	m := *base
	m.Valid = g.valid
	m.Flexible = g.join("flexibleVersions", base.Flexible, other.Flexible)
	if m.Flexible.Empty() && base.Flexible.Min > m.Valid.Max {
		m.Flexible = base.Flexible // flexible from a version on that does not exist yet
	}
	m.Commons = nil
	for _, s := range base.Commons {
		m.Commons = append(m.Commons, g.structOf(s, g.named(other, s.Name)))
	}
	m.Fields = g.fields(base.Fields, other.Fields)
	m.Commons = append(m.Commons, g.lost...)
	if g.err != nil {
		return nil, g.err
	}
	return &m, g.verify(&m)
}

type merger struct {
	base, other *Message
	fromOther   func(int16) bool
	alias       func(string) string
	valid       Versions
	structs     map[*Struct]*Struct // of base, or of other where base lacks them: merged
	lost        []*Struct           // common structs that only other has
	err         error
}

func (g *merger) ofOther(v int16) bool { return g.other.Valid.Has(v) && g.fromOther(v) }
func (g *merger) ofBase(v int16) bool  { return g.base.Valid.Has(v) && !g.ofOther(v) }

// join makes one range of what both sides say, each for its versions.
func (g *merger) join(what string, ofBase, ofOther Versions) Versions {
	r, ok := rangeOf(g.valid, func(v int16) bool {
		return g.ofBase(v) && ofBase.Has(v) || g.ofOther(v) && ofOther.Has(v)
	})
	if !ok && g.err == nil {
		g.err = fmt.Errorf("%s: %s %s and %s leave a gap: if a field was renamed, give it an alias", g.base.Name, what, ofBase, ofOther)
	}
	return r
}

func (g *merger) common(m *Message, name string) *Struct {
	for _, s := range m.Commons {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// named returns the struct of that name, which may stand inside a field.
func (g *merger) named(m *Message, name string) *Struct {
	if s := g.common(m, name); s != nil {
		return s
	}
	for _, s := range m.Structs() {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (g *merger) fields(ofBase, ofOther []*Field) []*Field {
	var fields []*Field
	for _, b := range ofBase {
		i := slices.IndexFunc(ofOther, func(o *Field) bool { return g.alias(o.Name) == b.Name })
		var o *Field
		if i >= 0 {
			o = ofOther[i]
		}
		fields = append(fields, g.field(b, o))
	}
	after := 0 // where a field goes that base lacks
	for _, o := range ofOther {
		if i := slices.IndexFunc(fields, func(f *Field) bool { return f.Name == g.alias(o.Name) }); i >= 0 {
			after = i + 1
			continue
		}
		fields = slices.Insert(fields, after, g.field(nil, o))
		after++
	}
	return slices.DeleteFunc(fields, func(f *Field) bool { return f.Versions.Empty() })
}

// field joins a field of base with its like of other; one of them may be nil.
func (g *merger) field(b, o *Field) *Field {
	missing := &Field{Versions: None, Nullable: None, Tagged: None, Flexible: None}
	f := *missing
	switch {
	case b == nil:
		f, b = *o, missing
		f.Name = g.alias(o.Name)
		f.Type.Struct = g.structOf(nil, o.Type.Struct)
	case o == nil:
		f, o = *b, missing
		f.Type.Struct = g.structOf(b.Type.Struct, nil)
	default:
		f = *b
		if !g.has(g.ofBase, b) && g.has(g.ofOther, o) { // nothing that base says of it is left
			f = *o
			f.Name = b.Name
		}
		if layoutType(b.Type) != layoutType(o.Type) && g.has(g.ofBase, b) && g.has(g.ofOther, o) && g.err == nil {
			g.err = fmt.Errorf("%s: the field %s is %s in one release and %s in another", g.base.Name, b.Name, b.Type, o.Type)
		}
		f.Type.Struct = g.structOf(b.Type.Struct, o.Type.Struct)
	}
	f.Versions = g.join("the versions of "+f.Name, b.Versions, o.Versions)
	f.Nullable = g.join("the nullableVersions of "+f.Name, b.Nullable, o.Nullable)
	f.Tagged = g.join("the taggedVersions of "+f.Name, b.Tagged, o.Tagged)
	if f.Tagged.Empty() {
		f.Tag = -1
	} else if b.Tagged.Empty() {
		f.Tag = o.Tag
	}
	f.HasFlexible = b.HasFlexible || o.HasFlexible
	if f.HasFlexible {
		flexible := func(f *Field, m *Message) Versions {
			if f.HasFlexible {
				return f.Flexible
			}
			return m.Flexible
		}
		f.Flexible = g.join("the flexibleVersions of "+f.Name, flexible(b, g.base), flexible(o, g.other))
	}
	return &f
}

// has reports whether a side brings any version of a field.
func (g *merger) has(side func(int16) bool, f *Field) bool {
	found := false
	g.valid.Each(func(v int16) { found = found || side(v) && f.Versions.Has(v) })
	return found
}

// structOf joins a struct of base with its like of other; either may be nil.
func (g *merger) structOf(b, o *Struct) *Struct {
	key := b
	if b == nil {
		key = o
	}
	if key == nil {
		return nil
	}
	if b == nil && o.Common {
		if known := g.common(g.base, o.Name); known != nil {
			return g.structOf(known, o)
		}
	}
	if merged := g.structs[key]; merged != nil {
		return merged
	}
	merged := *key
	g.structs[key] = &merged
	var ofBase, ofOther []*Field
	inBase, inOther := None, None
	if b != nil {
		ofBase, inBase = b.Fields, b.Versions
	}
	if o != nil {
		ofOther, inOther = o.Fields, o.Versions
	}
	merged.Versions = g.join("the versions of "+merged.Name, inBase, inOther)
	merged.Fields = g.fields(ofBase, ofOther)
	if b == nil && o.Common {
		g.lost = append(g.lost, &merged)
	}
	return &merged
}

// verify holds each version of the result against the side it came from.
func (g *merger) verify(m *Message) error {
	var err error
	g.valid.Each(func(v int16) {
		from := g.base
		if g.ofOther(v) {
			from = g.other
		}
		if d := Difference(LayoutOf(m, v), LayoutOf(from, v)); d != "" && err == nil {
			err = fmt.Errorf("%s: merging changes version %d: %s", m.Name, v, d)
		}
	})
	return err
}
