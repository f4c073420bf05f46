package interpreter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
)

// Encode writes a value at a version.
func (s Spec) Encode(name string, version int, value any) []byte {
	m := s[name]
	return m.structBytes(m.Fields, version, value.(map[string]any))
}

func (m *Message) structBytes(fields []Field, v int, value map[string]any) []byte {
	var out []byte
	tags := map[int][]byte{}
	for i := range fields {
		f := &fields[i]
		if !f.Present(v) {
			continue
		}
		x, given := value[jsonName(f)]
		if f.tagged(v) {
			if given && !m.isDefault(f, v, x) {
				tags[*f.Tag] = m.taggedBytes(f, v, x)
			}
			continue
		}
		if !given {
			x = m.defaultOf(f, v)
		}
		out = append(out, m.fieldBytes(f, v, x, m.compact(f, v))...)
	}
	if !m.flexible(v) {
		return out
	}
	if unknown, ok := value[unknownTags].(map[string]any); ok {
		for number, data := range unknown {
			tags[atoi(number)] = fromBase64(data)
		}
	}
	var numbers []int
	for n := range tags {
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	out = append(out, uvarint(uint64(len(numbers)))...)
	for _, n := range numbers {
		out = append(out, uvarint(uint64(n))...)
		out = append(out, uvarint(uint64(len(tags[n])))...)
		out = append(out, tags[n]...)
	}
	return out
}

func (m *Message) taggedBytes(f *Field, v int, x any) []byte {
	if isStruct(f.Type) && f.Nullable(v) {
		if x == nil {
			return []byte{0}
		}
		return append([]byte{1}, m.structBytes(m.Inner(f), v, x.(map[string]any))...)
	}
	return m.fieldBytes(f, v, x, true)
}

func (m *Message) fieldBytes(f *Field, v int, x any, compact bool) []byte {
	if isStruct(f.Type) {
		switch {
		case !f.Nullable(v):
			return m.structBytes(m.Inner(f), v, x.(map[string]any))
		case x == nil:
			return []byte{0xff}
		}
		return append([]byte{1}, m.structBytes(m.Inner(f), v, x.(map[string]any))...)
	}
	element, isArray := strings.CutPrefix(f.Type, "[]")
	if !isArray {
		return primitive(f.Type, x, compact)
	}
	if x == nil {
		return length(4, -1, compact)
	}
	if many, ok := x.(repeated); ok {
		return append(length(4, many.claim, compact), many.body...)
	}
	out := length(4, len(x.([]any)), compact)
	for _, e := range x.([]any) {
		if isStruct(element) {
			out = append(out, m.structBytes(m.Inner(f), v, e.(map[string]any))...)
		} else {
			out = append(out, primitive(element, e, compact)...)
		}
	}
	return out
}

func primitive(t string, x any, compact bool) []byte {
	switch t {
	case "bool":
		if x.(bool) {
			return []byte{1}
		}
		return []byte{0}
	case "int8":
		return integer(1, x)
	case "int16", "uint16":
		return integer(2, x)
	case "int32", "uint32":
		return integer(4, x)
	case "int64":
		return integer(8, x)
	case "float64":
		return bigEndian(8, math.Float64bits(float(x)))
	case "uuid":
		b, err := base64.RawURLEncoding.DecodeString(x.(string))
		if err != nil || len(b) != 16 {
			panic(fmt.Sprintf("interpreter: %v is no UUID", x))
		}
		return b
	case "string":
		if x == nil {
			return length(2, -1, compact)
		}
		return append(length(2, len(x.(string)), compact), x.(string)...)
	case "bytes", "records":
		if x == nil {
			return length(4, -1, compact)
		}
		b := fromBase64(x)
		return append(length(4, len(b), compact), b...)
	}
	panic("interpreter: the type " + t)
}

func float(x any) float64 {
	f, err := strconv.ParseFloat(fmt.Sprint(x), 64)
	if err != nil {
		panic(err)
	}
	return f
}

func fromBase64(x any) []byte {
	b, err := base64.StdEncoding.DecodeString(x.(string))
	if err != nil {
		panic(err)
	}
	return b
}

func integer(size int, x any) []byte {
	n, ok := new(big.Int).SetString(x.(json.Number).String(), 10)
	if !ok {
		panic(fmt.Sprintf("interpreter: %v is no integer", x))
	}
	// Two's complement.
	return bigEndian(size, new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
}

func bigEndian(size int, n uint64) []byte {
	out := make([]byte, size)
	for i := range out {
		out[size-1-i] = byte(n >> (8 * i))
	}
	return out
}

func uvarint(n uint64) []byte {
	var out []byte
	for n > 127 {
		out = append(out, byte(n%128+128))
		n /= 128
	}
	return append(out, byte(n))
}

// length writes a length of size bytes, or of a varint that is one more; -1 is null.
func length(size, n int, compact bool) []byte {
	if compact {
		return uvarint(uint64(n + 1))
	}
	return bigEndian(size, uint64(int64(n)))
}

// isDefault reports whether a tagged field is left out.
func (m *Message) isDefault(f *Field, v int, x any) bool {
	if isStruct(f.Type) && x != nil {
		if f.Default != nil && *f.Default == "null" {
			return false
		}
		o := x.(map[string]any)
		for i := range m.Inner(f) {
			inner := &m.Inner(f)[i]
			if y, given := o[jsonName(inner)]; given && inner.Present(v) && !m.isDefault(inner, v, y) {
				return false
			}
		}
		unknown, _ := o[unknownTags].(map[string]any)
		return len(unknown) == 0
	}
	d := m.defaultOf(f, v)
	switch y := x.(type) {
	case nil:
		return d == nil
	case []any:
		return len(y) == 0 && d != nil
	case json.Number:
		if d == nil {
			return false
		}
		if f.Type == "float64" {
			return float(y) == float(d)
		}
		return y.String() == d.(json.Number).String()
	}
	return x == d
}

// defaultOf is the value of a field that is not given.
func (m *Message) defaultOf(f *Field, v int) any {
	text := ""
	if f.Default != nil {
		text = *f.Default
	}
	switch {
	case text == "null" && f.Type != "records":
		return nil
	case strings.HasPrefix(f.Type, "[]"):
		return []any{}
	case isStruct(f.Type):
		o := map[string]any{}
		for i := range m.Inner(f) {
			if inner := &m.Inner(f)[i]; inner.Present(v) {
				o[jsonName(inner)] = m.defaultOf(inner, v)
			}
		}
		return o
	}
	switch f.Type {
	case "bool":
		return text == "true"
	case "string":
		return text
	case "bytes":
		return ""
	case "records":
		if f.Nullable(v) {
			return nil
		}
		return ""
	case "uuid":
		if text == "" {
			return strings.Repeat("A", 22)
		}
		return text
	case "float64":
		if text == "" {
			return json.Number("0.0")
		}
		return json.Number(text)
	}
	if text == "" {
		return json.Number("0")
	}
	n, ok := new(big.Int).SetString(text, 0) // knows 0x
	if !ok {
		panic("interpreter: the default " + text)
	}
	return json.Number(n.String())
}

// EncodeStruct writes a struct with nothing but defaults, which is its shortest encoding
// but for nullable fields that are not null by default.
func (m *Message) EncodeStruct(fields []Field, version int) []byte {
	return m.structBytes(fields, version, m.shortest(fields, version))
}

// shortest makes a value whose encoding is as short as can be.
func (m *Message) shortest(fields []Field, v int) map[string]any {
	o := map[string]any{}
	for i := range fields {
		f := &fields[i]
		switch {
		case !f.Present(v) || f.tagged(v):
		case strings.HasPrefix(f.Type, "[]"):
			o[jsonName(f)] = []any{}
		case f.Type == "string" || f.Type == "bytes" || f.Type == "records":
			o[jsonName(f)] = ""
		case isStruct(f.Type) && f.Nullable(v):
			o[jsonName(f)] = nil
		case isStruct(f.Type):
			o[jsonName(f)] = m.shortest(m.Inner(f), v)
		}
	}
	return o
}

// Arrays returns the way to each array that a version has, through arrays and structs: the
// last field of a way is the array.
func (m *Message) Arrays(version int) [][]*Field {
	var all [][]*Field
	var walk func(way []*Field, fields []Field)
	walk = func(way []*Field, fields []Field) {
		for i := range fields {
			f := &fields[i]
			if !f.Present(version) {
				continue
			}
			to := append(way[:len(way):len(way)], f)
			if strings.HasPrefix(f.Type, "[]") {
				all = append(all, to)
			}
			walk(to, m.Inner(f))
		}
	}
	walk(nil, m.Fields)
	return all
}

// Smallest is the size of the shortest encoding of an array's element.
func (m *Message) Smallest(array *Field, version int) int { return len(m.smallest(array, version)) }

func (m *Message) smallest(array *Field, version int) []byte {
	switch t := strings.TrimPrefix(array.Type, "[]"); {
	case isStruct(t):
		return m.EncodeStruct(m.Inner(array), version)
	default:
		f := Field{Type: t, Versions: "0+"}
		return primitive(t, m.defaultOf(&f, version), m.compact(array, version))
	}
}

// Hostile writes a message that has an array at the end of a way with n elements, each as
// short as can be, but claims that there are more. The arrays before it have one element.
func (m *Message) Hostile(way []*Field, version, n, claim int) []byte {
	value := m.shortest(m.Fields, version)
	at := value
	for _, f := range way[:len(way)-1] {
		inner := m.shortest(m.Inner(f), version)
		at[jsonName(f)] = inner
		if strings.HasPrefix(f.Type, "[]") {
			at[jsonName(f)] = []any{inner}
		}
		at = inner
	}
	array := way[len(way)-1]
	at[jsonName(array)] = repeated{claim, bytes.Repeat(m.smallest(array, version), n)}
	return m.structBytes(m.Fields, version, value)
}

// repeated stands for an array of equal elements.
type repeated struct {
	claim int // how many there are, it says
	body  []byte
}
