package reflected

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kbin"
)

// TagsKey is the JSON key of a struct's unknown tags: an object of base64 by number. No
// field of Kafka's starts with an underscore.
const TagsKey = "_unknownTaggedFields"

// A Printer writes messages as JSON, in the form of Kafka's own converters.
type Printer struct {
	Plans Plans
	// Logs hides secrets and shortens what is long: records are a count of bytes, as in
	// Kafka's request log (KIP-673).
	Logs bool
}

// longBytes is how many bytes a log shows of a field.
const longBytes = 64

// Append appends the JSON of what m points to, at a version.
func (p *Printer) Append(dst []byte, m any, version int16) []byte {
	return p.structValue(dst, reflect.ValueOf(m).Elem(), version, false)
}

// structValue writes a struct. Its config, if it is one, is secret if a config that it is part
// of is, or its own name or flag says so.
func (p *Printer) structValue(dst []byte, v reflect.Value, version int16, secret bool) []byte {
	secret = p.Logs && (secret || isSecret(v))
	dst = append(dst, '{')
	first := true
	key := func(name string) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, '"', ':')
	}
	for _, f := range p.Plans.Of(v.Type()) {
		x := v.Field(f.Index)
		if !f.Versions.Has(version) || f.Tagged.Has(version) && p.Plans.IsDefault(f, x) {
			continue
		}
		if f.Records && p.Logs && !x.IsNil() {
			key(f.JSON + "SizeInBytes")
			dst = strconv.AppendInt(dst, int64(x.Len()), 10)
			continue
		}
		key(f.JSON)
		if f.Config && secret && !isNil(x) {
			dst = AppendString(dst, kbin.Redacted)
			continue
		}
		dst = p.field(dst, f, x, version, secret)
	}
	if tags := TagsOf(v); tags.Len() > 0 {
		key(TagsKey)
		dst = p.tags(dst, tags)
	}
	return append(dst, '}')
}

func isSecret(v reflect.Value) bool {
	s, ok := v.Interface().(interface{ IsSecret() bool })
	return ok && s.IsSecret()
}

func (p *Printer) tags(dst []byte, tags kbin.Tags) []byte {
	dst = append(dst, '{')
	for i, tag := range tags.All() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, strconv.FormatUint(uint64(tag.Number), 10))
		dst = append(dst, ':')
		dst = p.bytes(dst, tag.Data)
	}
	return append(dst, '}')
}

// field writes a value. A nil slice is null only where the version can carry null.
func (p *Printer) field(dst []byte, f Field, v reflect.Value, version int16, secret bool) []byte {
	switch v.Kind() {
	case reflect.Slice:
		switch {
		case v.IsNil() && f.Nullable.Has(version):
			return append(dst, "null"...)
		case v.Type() == secretType && p.Logs:
			return AppendString(dst, kbin.Redacted)
		case v.Type().Elem().Kind() == reflect.Uint8:
			return p.bytes(dst, v.Bytes())
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = p.value(dst, v.Index(i), version, secret)
		}
		return append(dst, ']')
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...)
		}
		return p.structValue(dst, v.Elem(), version, secret)
	}
	return p.value(dst, v, version, secret)
}

func (p *Printer) value(dst []byte, v reflect.Value, version int16, secret bool) []byte {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Uint16, reflect.Uint32:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case reflect.Float64:
		return appendFloat(dst, v.Float())
	case reflect.String:
		return AppendString(dst, v.String())
	case reflect.Slice:
		return p.bytes(dst, v.Bytes())
	case reflect.Array:
		return AppendString(dst, v.Interface().(kbin.UUID).String())
	case reflect.Struct:
		if v.Type() != nullStringType {
			return p.structValue(dst, v, version, secret)
		}
		if s := v.Interface().(kbin.NullString); s.Valid {
			return AppendString(dst, s.S)
		}
		return append(dst, "null"...)
	}
	panic(fmt.Sprintf("kmsg: a message has a field of type %s", v.Type()))
}

func (p *Printer) bytes(dst, b []byte) []byte {
	if p.Logs && len(b) > longBytes {
		return AppendString(dst, fmt.Sprintf("[%d bytes]", len(b)))
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendFloat writes a number that has a fraction or an exponent, by which Kafka's
// converters know a float. JSON has no infinities: they are strings.
func appendFloat(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return AppendString(dst, "NaN")
	case math.IsInf(x, 0):
		return AppendString(dst, strings.TrimPrefix(fmt.Sprintf("%vinity", x), "+"))
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, x, 'g', -1, 64)
	if !strings.ContainsAny(string(dst[start:]), ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// AppendString writes a string. JSON is UTF-8: a byte that is not is written as the half of a
// surrogate pair, 0xff as \udcff, which stands for nothing else.
func AppendString(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return appendText(dst, s)
	}
	dst = append(dst, '"')
	for len(s) > 0 {
		bad := 0 // where a byte is that is no UTF-8
		for bad < len(s) {
			r, size := utf8.DecodeRuneInString(s[bad:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			bad += size
		}
		text := appendText(nil, s[:bad])
		dst = append(dst, text[1:len(text)-1]...)
		if s = s[bad:]; len(s) > 0 {
			dst = fmt.Appendf(dst, `\udc%x`, s[0])
			s = s[1:]
		}
	}
	return append(dst, '"')
}

func appendText(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("kmsg: cannot quote %q: %v", s, err)) // strings always can be
	}
	return append(dst, b...)
}
