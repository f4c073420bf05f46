// Package reflected does by reflection what generated code needs rarely: it prints a
// message, says which of its fields a version cannot carry, and copies it. Generated code for
// that would be most of what importers of kmsg compile. It reads what the struct tags say:
//
//	`kafka:"topicId,13+,ignorable"`
package reflected

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
)

// A Range is a range of versions, both ends included. Empty ranges end before they start.
type Range struct{ Min, Max int16 }

// Has reports whether the range has version v.
func (r Range) Has(v int16) bool { return r.Min <= v && v <= r.Max }

// String writes the range as definitions do.
func (r Range) String() string {
	switch {
	case r.Min > r.Max:
		return "none"
	case r.Min == r.Max:
		return strconv.Itoa(int(r.Min))
	case r.Max == math.MaxInt16:
		return strconv.Itoa(int(r.Min)) + "+"
	}
	return strconv.Itoa(int(r.Min)) + "-" + strconv.Itoa(int(r.Max))
}

var none = Range{0, -1}

func parseRange(s string) Range {
	from, to, isRange := strings.Cut(s, "-")
	if open, ok := strings.CutSuffix(s, "+"); ok {
		from, to, isRange = open, strconv.Itoa(math.MaxInt16), true
	}
	if !isRange {
		to = from
	}
	low, errLow := strconv.ParseInt(from, 10, 16)
	high, errHigh := strconv.ParseInt(to, 10, 16)
	if errLow != nil || errHigh != nil {
		panic("kmsg: the struct tag of a message has the version range " + strconv.Quote(s))
	}
	return Range{int16(low), int16(high)}
}

// A Field is what a struct tag says of a field.
type Field struct {
	Index    int // in the struct
	Go       string
	JSON     string
	Versions Range
	Nullable Range
	Tagged   Range
	Tag      int
	Default  string // as in definitions
	Ignore   bool   // a version without the field drops it in silence
	Records  bool
	Config   bool // the value of a config, perhaps a secret
}

// Plans keeps the fields of types that were met. It is for one goroutine at a time.
type Plans map[reflect.Type][]Field

// Of returns the fields of a struct type that have a tag.
func (p Plans) Of(t reflect.Type) []Field {
	if fields, ok := p[t]; ok {
		return fields
	}
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, ok := f.Tag.Lookup("kafka"); ok {
			fields = append(fields, parseTag(i, f.Name, tag))
		}
	}
	p[t] = fields
	return fields
}

func parseTag(i int, name, tag string) Field {
	tag, def, _ := strings.Cut(tag, ",default=")
	parts := strings.Split(tag, ",")
	f := Field{Default: def, Index: i, Go: name, JSON: parts[0], Versions: parseRange(parts[1]), Nullable: none, Tagged: none}
	for _, part := range parts[2:] {
		key, value, hasValue := strings.Cut(part, "=")
		switch key {
		case "tag":
			number, versions, some := strings.Cut(value, ":")
			f.Tag, _ = strconv.Atoi(number)
			f.Tagged = f.Versions
			if some {
				f.Tagged = parseRange(versions)
			}
		case "nullable":
			f.Nullable = f.Versions
			if hasValue {
				f.Nullable = parseRange(value)
			}
		case "ignorable":
			f.Ignore = true
		case "records":
			f.Records = true
		case "config":
			f.Config = true
		}
	}
	return f
}

var (
	nullStringType = reflect.TypeFor[kbin.NullString]()
	tagsType       = reflect.TypeFor[kbin.Tags]()
	secretType     = reflect.TypeFor[kbin.Secret]()
)

// IsDefault reports whether a field has its default.
func (p Plans) IsDefault(f Field, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		if f.Default == "null" || f.Records {
			return v.IsNil()
		}
		return v.Len() == 0 && !(v.IsNil() && f.Nullable != none)
	case reflect.Pointer:
		if f.Default == "null" {
			return v.IsNil()
		}
		return !v.IsNil() && p.allDefault(v.Elem())
	case reflect.Struct:
		if v.Type() != nullStringType {
			return p.allDefault(v)
		}
		s := v.Interface().(kbin.NullString)
		if f.Default == "null" {
			return !s.Valid
		}
		return s == kbin.Str(f.Default)
	case reflect.String:
		return v.String() == f.Default
	case reflect.Bool:
		return v.Bool() == (f.Default == "true")
	case reflect.Array:
		u, _ := kbin.ParseUUID(f.Default)
		return v.Interface() == u
	case reflect.Float64:
		x, _ := strconv.ParseFloat(f.Default, 64)
		return v.Float() == x
	case reflect.Uint16, reflect.Uint32:
		x, _ := strconv.ParseUint(f.Default, 10, 64)
		return v.Uint() == x
	}
	x, _ := strconv.ParseInt(f.Default, 10, 64)
	return v.Int() == x
}

func (p Plans) allDefault(v reflect.Value) bool {
	for _, f := range p.Of(v.Type()) {
		if !p.IsDefault(f, v.Field(f.Index)) {
			return false
		}
	}
	return TagsOf(v).Len() == 0
}

// TagsOf returns the unknown tags of a struct, if it has any.
func TagsOf(v reflect.Value) kbin.Tags {
	last := v.NumField() - 1
	if last < 0 || v.Type().Field(last).Type != tagsType {
		return kbin.Tags{}
	}
	return v.Field(last).Interface().(kbin.Tags)
}
