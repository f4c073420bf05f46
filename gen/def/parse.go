package def

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Options loosen the rules for old releases, whose own generators were looser.
type Options struct {
	// NoFlexible accepts messages without flexibleVersions, as before 2.4.
	NoFlexible bool
	// Trailing accepts text after the definition, as before 3.0.
	Trailing bool
}

// Parse reads one definition by all of Kafka's rules. file is for messages only. The error
// joins one *[Error] for each breach.
func Parse(file string, data []byte, opts Options) (*Message, error) {
	root, rest, err := readJSON(file, data)
	if err != nil {
		return nil, err
	}
	p := &parser{faults: faults{file: file}, opts: opts}
	if rest != nil && !opts.Trailing {
		p.add(*rest, "remove it", "text after the end of the definition")
	}
	m := p.message(root)
	if len(p.errs) == 0 {
		p.resolve(m)
	}
	if len(p.errs) == 0 {
		p.check(m)
	}
	return m, p.err()
}

type parser struct {
	faults
	opts Options
	pos  map[string]pos // places of the message's own properties
}

// properties visits the members of an object and complains of those it does not know.
func (p *parser) properties(n *node, what string, known map[string]func(*node)) {
	if n.kind != isObject {
		p.add(n.pos, "describe it as {...}", "%s is %s, not an object", what, n.kind)
		return
	}
	for _, m := range n.members {
		set, ok := known[m.name]
		if !ok {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			p.add(m.pos, "Kafka knows "+strings.Join(names, ", "), "%s has the unknown property %q", what, m.name)
			continue
		}
		if m.value.kind != isNull { // Java reads null as absent, also where "null" was meant
			set(m.value)
		}
	}
}

func (p *parser) message(n *node) *Message {
	m := &Message{APIKey: NoKey, Valid: None, Deprecated: None, Flexible: None, File: p.file}
	p.pos = map[string]pos{"": n.pos}
	for _, member := range n.members {
		p.pos[member.name] = member.pos
	}
	hasValid, hasFlexible := false, false
	var headers *node
	p.properties(n, "the message", map[string]func(*node){
		"name":                  func(n *node) { m.Name = p.text(n) },
		"type":                  func(n *node) { m.Kind = Kind(p.text(n)) },
		"apiKey":                func(n *node) { m.APIKey = int16(p.number(n, 0, 32767)) },
		"listeners":             func(n *node) { m.Listeners = p.texts(n) },
		"validVersions":         func(n *node) { m.Valid, hasValid = p.versions(n), !isBlank(n) },
		"deprecatedVersions":    func(n *node) { m.Deprecated = p.versions(n) },
		"flexibleVersions":      func(n *node) { m.Flexible, hasFlexible = p.versions(n), true },
		"latestVersionUnstable": func(n *node) { m.LatestUnstable = p.bool(n) },
		"headerVersions":        func(n *node) { headers = n },
		"fields":                func(n *node) { m.Fields = p.fields(n) },
		"commonStructs":         func(n *node) { m.Commons = p.structs(n) },
	})
	if n.kind != isObject {
		return m
	}
	for _, name := range []string{"name", "type"} {
		if _, ok := p.pos[name]; !ok {
			p.add(n.pos, "add it", "the message has no %s", name)
		}
	}
	if !hasValid {
		p.add(n.pos, `add "validVersions": "0"`, "the message has no validVersions")
	}
	if !hasFlexible && !m.Valid.Empty() && !p.opts.NoFlexible {
		p.add(n.pos, `add "flexibleVersions": "0+", or "none" for an old message`, "the message has no flexibleVersions")
	}
	if headers != nil {
		m.HeaderVersions = p.headerVersions(m, headers)
	}
	return m
}

// headerVersions reads {"0-8": "1", "9+": "2"}: ascending, without gaps, from 0, the last
// range open.
func (p *parser) headerVersions(m *Message, n *node) []HeaderVersion {
	var all []HeaderVersion
	if m.Valid.Empty() {
		p.add(n.pos, "remove it", "a message without valid versions has headerVersions")
		return nil
	}
	if n.kind != isObject || len(n.members) == 0 {
		p.add(n.pos, `write {"0-8": "1", "9+": "2"}`, "headerVersions maps version ranges to header versions")
		return nil
	}
	for _, member := range n.members {
		versions, err := ParseVersions(member.name)
		if err != nil || versions.Empty() {
			p.add(member.pos, `write "0-8" or "9+"`, "%q is no version range", member.name)
			return nil
		}
		all = append(all, HeaderVersion{versions, int16(p.number(member.value, 0, 32767))})
	}
	slices.SortFunc(all, func(a, b HeaderVersion) int { return int(a.Versions.Min) - int(b.Versions.Min) })
	next := 0
	for _, h := range all {
		if int(h.Versions.Min) != next {
			p.add(n.pos, fmt.Sprintf("let the next range start at %d", next), "headerVersions has a gap or an overlap before %s", h.Versions)
		}
		if h.Versions.Min > m.Valid.Max {
			p.add(n.pos, "remove it", "headerVersions has %s, above the last valid version %d", h.Versions, m.Valid.Max)
		}
		next = int(h.Versions.Max) + 1
	}
	if next != Open+1 {
		p.add(n.pos, "end the last range with a plus sign", "headerVersions is not open-ended")
	}
	return all
}

func (p *parser) fields(n *node) []*Field {
	var fields []*Field
	for _, item := range p.list(n) {
		fields = append(fields, p.field(item))
	}
	return fields
}

func (p *parser) structs(n *node) []*Struct {
	var structs []*Struct
	for _, item := range p.list(n) {
		s := &Struct{Common: true, Versions: None, pos: item.pos}
		hasVersions := false
		p.properties(item, "the common struct", map[string]func(*node){
			"name":               func(n *node) { s.Name = p.text(n) },
			"versions":           func(n *node) { s.Versions, hasVersions = p.versions(n), !isBlank(n) },
			"deprecatedVersions": func(n *node) { p.versions(n) },
			"fields":             func(n *node) { s.Fields = p.fields(n) },
		})
		if item.kind != isObject {
			continue
		}
		if s.Name == "" {
			p.add(item.pos, "add a name", "a common struct has no name")
		}
		if !hasVersions {
			p.add(item.pos, `add "versions": "0+"`, "the struct %s has no versions", s.Name)
		}
		structs = append(structs, s)
	}
	return structs
}

func (p *parser) field(n *node) *Field {
	f := &Field{Versions: None, Nullable: None, Tagged: None, Tag: -1, Flexible: None, pos: n.pos}
	hasVersions := false
	var inline []*Field
	var typeNode, defaultNode, fieldsNode *node
	p.properties(n, "the field", map[string]func(*node){
		"name":             func(n *node) { f.Name = p.text(n) },
		"type":             func(n *node) { typeNode = n },
		"versions":         func(n *node) { f.Versions, hasVersions = p.versions(n), !isBlank(n) },
		"fields":           func(n *node) { inline, fieldsNode = p.fields(n), n },
		"mapKey":           func(n *node) { f.MapKey = p.bool(n) },
		"nullableVersions": func(n *node) { f.Nullable = p.versions(n) },
		"default":          func(n *node) { f.Default, defaultNode = p.text(n), n },
		"ignorable":        func(n *node) { f.Ignorable = p.bool(n) },
		"entityType":       func(n *node) { f.EntityType = p.text(n) },
		"about":            func(n *node) { f.About = p.text(n) },
		"taggedVersions":   func(n *node) { f.Tagged = p.versions(n) },
		"flexibleVersions": func(n *node) { f.Flexible, f.HasFlexible = p.versions(n), !isBlank(n) },
		"tag":              func(n *node) { f.Tag = int(p.number(n, 0, 1<<31-1)) },
		"zeroCopy":         func(n *node) { f.ZeroCopy = p.bool(n) },
	})
	if n.kind != isObject {
		return f
	}
	if !validName(f.Name) {
		p.add(n.pos, "name it in letters and digits, a letter first", "%q is no field name", f.Name)
	}
	if !hasVersions {
		if f.Versions = f.Tagged; f.Tagged.Empty() {
			p.add(n.pos, `add "versions": "0+"`, "the field %s has no versions", f.Name)
		}
	}
	if typeNode == nil {
		p.add(n.pos, "add a type", "the field %s has no type", f.Name)
		return f
	}
	t, err := ParseType(p.text(typeNode))
	if err != nil {
		p.add(typeNode.pos, "use bool, int8, int16, uint16, int32, uint32, int64, float64, uuid, string, bytes, records, "+
			"the name of a struct with a capital, or [] before one of these", "the field %s: %v", f.Name, err)
		return f
	}
	f.Type = t
	switch {
	case fieldsNode == nil:
	case t.Base == IsStruct: // which may have none
		f.Type.Struct = &Struct{Name: t.name, Versions: f.Versions, Fields: inline, pos: n.pos}
	case len(inline) > 0: // Kafka drops those of an array of numbers in silence
		p.add(fieldsNode.pos, "give it a struct's type", "the field %s of type %s cannot have fields", f.Name, t)
		return f
	}
	if defaultNode != nil {
		f.Default = p.defaultValue(f, defaultNode)
	}
	return f
}

// integers has the bits of each integer type and whether it is signed.
var integers = map[Base]struct {
	bits   uint
	signed bool
}{Int8: {8, true}, Int16: {16, true}, Uint16: {16, false}, Int32: {32, true}, Uint32: {32, false}, Int64: {64, true}}

// defaultValue checks a default and brings it into its normal form.
func (p *parser) defaultValue(f *Field, n *node) string {
	text := f.Default
	bad := func(fix string) string {
		p.add(n.pos, fix, "%q cannot be the default of the field %s of type %s", text, f.Name, f.Type)
		return ""
	}
	switch {
	case text == "":
		return ""
	case f.Type.Array || f.Type.Base == Bytes || f.Type.Base == IsStruct:
		if text != "null" {
			return bad(`only empty and "null" are possible`)
		}
		return p.nullDefault(f, n)
	case f.Type.Base == Records: // always null, whatever is written
		return ""
	case f.Type.Base == String:
		if text == "null" {
			return p.nullDefault(f, n)
		}
		if len(text) > math.MaxInt16 { // Kafka's generator takes it, and its messages cannot be written
			p.add(n.pos, fmt.Sprintf("write at most %d", math.MaxInt16), "the default of the field %s has %d bytes, more than a string can have", f.Name, len(text))
			return ""
		}
		return text
	case f.Type.Base == Bool:
		switch strings.ToLower(text) {
		case "true":
			return "true"
		case "false":
			return ""
		}
		return bad("write true or false")
	case f.Type.Base == UUID:
		raw, err := base64.URLEncoding.WithPadding(base64.NoPadding).DecodeString(strings.TrimRight(text, "="))
		if err != nil || len(raw) != 16 {
			return bad("write 16 bytes in base64url, 22 characters")
		}
		if strings.Trim(string(raw), "\x00") == "" {
			return ""
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	case f.Type.Base == Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad("write a number")
		}
		if math.IsNaN(x) || math.IsInf(x, 0) { // which Kafka's generator takes
			return bad("write a number that is finite: NaN does not even equal itself")
		}
		if x == 0 {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return p.integerDefault(f, text, bad)
}

func (p *parser) integerDefault(f *Field, text string, bad func(string) string) string {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	} else if unsigned := strings.TrimLeft(text, "+-"); len(unsigned) > 1 && unsigned[0] == '0' {
		return bad("a leading zero would make it octal in Java but not in Kafka's checks: leave it away")
	}
	x, ok := new(big.Int).SetString(digits, base)
	if !ok || strings.ContainsAny(digits, "_") {
		return bad("write a number, decimal or hexadecimal with 0x")
	}
	kind := integers[f.Type.Base]
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), kind.bits)
	if kind.signed {
		high.Rsh(high, 1)
		low.Neg(high)
	}
	if x.Cmp(low) < 0 || x.Cmp(high) >= 0 {
		return bad(fmt.Sprintf("write a number of at least %v and below %v", low, high))
	}
	if x.Sign() == 0 {
		return ""
	}
	return x.String()
}

func (p *parser) nullDefault(f *Field, n *node) string {
	if !f.Nullable.Contains(f.Versions) {
		p.add(n.pos, "widen nullableVersions to "+f.Versions.String()+" or give another default",
			"null cannot be the default of the field %s: it is nullable in %s only, of %s", f.Name, f.Nullable, f.Versions)
	}
	return "null"
}

// text takes a scalar, as Jackson does: strings may be written as numbers and booleans.
func (p *parser) text(n *node) string {
	if n.kind == isArray || n.kind == isObject {
		p.add(n.pos, "write a string", "a string is needed here, not %s", n.kind)
		return ""
	}
	return n.text
}

func (p *parser) texts(n *node) []string {
	var all []string
	for _, item := range p.list(n) {
		all = append(all, p.text(item))
	}
	return all
}

// list takes a value that is no array for an array of one, as Jackson is set to do.
func (p *parser) list(n *node) []*node {
	if n.kind != isArray {
		return []*node{n}
	}
	return n.items
}

func (p *parser) bool(n *node) bool {
	switch strings.TrimSpace(n.text) {
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	p.add(n.pos, "write true or false", "%q is no boolean", n.text)
	return false
}

func (p *parser) number(n *node, low, high int64) int64 {
	x, err := strconv.ParseInt(strings.TrimSpace(n.text), 10, 64)
	if err != nil || x < low || x > high {
		p.add(n.pos, fmt.Sprintf("write a whole number from %d to %d", low, high), "%q is no such number", n.text)
		return low
	}
	return x
}

// isBlank reports whether versions are empty, which is as if they were absent.
func isBlank(n *node) bool { return strings.TrimSpace(n.text) == "" && n.kind < isArray }

func (p *parser) versions(n *node) Versions {
	text := p.text(n)
	if strings.TrimSpace(text) == "" {
		return None
	}
	v, err := ParseVersions(text)
	if err != nil {
		p.add(n.pos, `write "none", "3", "1-5" or "3+"`, "%v", err)
	}
	return v
}
