package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// Kind is what a [Value] is.
type Kind int

// The kinds of values.
const (
	Scalar Kind = iota // null, true, false or a number
	String
	Array
	Object
)

// A Value is JSON that knows the order of its keys.
type Value struct {
	Kind     Kind
	Text     string   // of a string as it is, of a scalar as in JSON
	Elements []Value  // of an array
	Members  []Member // of an object

	// Begin and End are where it stands in the text that was parsed.
	Begin, End int
}

// A Member is a key of an object and what stands there.
type Member struct {
	Key   string
	Value Value
	Begin int // of the key, in the text that was parsed
}

// Null returns null.
func Null() Value { return Value{Text: "null"} }

// Bool returns true or false.
func Bool(b bool) Value { return Value{Text: strconv.FormatBool(b)} }

// Int returns a number.
func Int[N int | int8 | int16 | int32 | int64 | uint32](n N) Value {
	return Value{Text: strconv.FormatInt(int64(n), 10)}
}

// Text returns a string.
func Text(s string) Value { return Value{Kind: String, Text: s} }

// Add puts a key and what stands there at the end of an object.
func (v *Value) Add(key string, x Value) { v.Members = append(v.Members, Member{Key: key, Value: x}) }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.Kind == Scalar && v.Text == "null" }

// MarshalJSON lets a Value be part of anything that encoding/json writes.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// ValueOf returns anything that encoding/json can write as a Value.
func ValueOf(x any) (Value, error) {
	if v, ok := x.(Value); ok {
		return v, nil
	}
	if text, ok := x.(json.RawMessage); ok {
		return Parse(text)
	}
	text, err := encode(x)
	if err != nil {
		return Value{}, err
	}
	return Parse(text)
}

// encode writes JSON on one line, with its end.
func encode(x any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(x)
	return b.Bytes(), err
}

// Parse reads JSON. Strings may have bytes that are no UTF-8, as package kjson writes them; a
// string that means nothing is a *kjson.StringError, whose Offset is one of the text.
func Parse(text []byte) (Value, error) {
	p := parser{text: text, in: json.NewDecoder(bytes.NewReader(text))}
	p.in.UseNumber()
	return p.value()
}

type parser struct {
	text []byte
	in   *json.Decoder
}

// token reads a token and tells where it begins.
func (p parser) token() (t json.Token, begin int, err error) {
	end := p.in.InputOffset() // of the one before
	if t, err = p.in.Token(); err != nil {
		return nil, 0, err
	}
	begin = len(p.text) - len(bytes.TrimLeft(p.text[end:], " \t\r\n,:"))
	if s, ok := t.(string); ok && strings.ContainsRune(s, utf8.RuneError) {
		t, err = kjson.Unquote(p.text[begin:p.in.InputOffset()])
		if e := new(kjson.StringError); errors.As(err, &e) {
			e.Offset += begin
		}
	}
	return t, begin, err
}

func (p parser) value() (Value, error) {
	t, begin, err := p.token()
	if err != nil {
		return Value{}, err
	}
	var v Value
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			v, err = p.array()
		} else {
			v, err = p.object()
		}
	case string:
		v = Text(t)
	case json.Number:
		v = Value{Text: t.String()}
	case bool:
		v = Bool(t)
	default:
		v = Null()
	}
	v.Begin, v.End = begin, int(p.in.InputOffset())
	return v, err
}

func (p parser) array() (Value, error) {
	v := Value{Kind: Array}
	for p.in.More() {
		e, err := p.value()
		if err != nil {
			return v, err
		}
		v.Elements = append(v.Elements, e)
	}
	_, _, err := p.token() // the closing bracket
	return v, err
}

func (p parser) object() (Value, error) {
	v := Value{Kind: Object}
	for p.in.More() {
		key, begin, err := p.token()
		if err != nil {
			return v, err
		}
		x, err := p.value()
		if err != nil {
			return v, err
		}
		v.Members = append(v.Members, Member{key.(string), x, begin}) // keys are strings, or Token fails
	}
	_, _, err := p.token() // the closing brace
	return v, err
}

// Get returns what stands at a key of an object, and whether there is such a key.
func (v Value) Get(key string) (Value, bool) {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value, true
		}
	}
	return Value{}, false
}

// AppendJSON appends the value on one line.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case String:
		return appendQuoted(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.Elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, m := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, m.Key), ':')
			dst = m.Value.AppendJSON(dst)
		}
		return append(dst, '}')
	}
	return append(dst, v.Text...)
}

// lineWidth is the widest that scalars together may be to stay on one line.
const lineWidth = 80

// appendIndented appends the value over several lines. What has only a few scalars in it
// stays on one.
func (v Value) appendIndented(dst []byte, depth int) []byte {
	separator, newline := ",\n"+strings.Repeat("  ", depth+1), "\n"+strings.Repeat("  ", depth)
	if v.isShort() && (depth > 0 || v.Kind != Object) {
		separator, newline = ", ", ""
	}
	begin := func(bracket byte) {
		dst = append(dst, bracket)
		if newline != "" {
			dst = append(dst, separator[1:]...)
		}
	}
	switch {
	case len(v.Elements) == 0 && len(v.Members) == 0:
		return v.AppendJSON(dst)
	case v.Kind == Array:
		begin('[')
		for i, e := range v.Elements {
			if i > 0 {
				dst = append(dst, separator...)
			}
			dst = e.appendIndented(dst, depth+1)
		}
		return append(append(dst, newline...), ']')
	}
	begin('{')
	for i, m := range v.Members {
		if i > 0 {
			dst = append(dst, separator...)
		}
		dst = append(appendQuoted(dst, m.Key), ':', ' ')
		dst = m.Value.appendIndented(dst, depth+1)
	}
	return append(append(dst, newline...), '}')
}

// isShort reports whether there are only a few scalars inside the value.
func (v Value) isShort() bool {
	width := 0
	for _, e := range v.Elements {
		width += len(e.Text) + 2
		if len(e.Elements) > 0 || len(e.Members) > 0 {
			return false
		}
	}
	for _, m := range v.Members {
		width += len(m.Key) + len(m.Value.Text) + 6
		if len(m.Value.Elements) > 0 || len(m.Value.Members) > 0 {
			return false
		}
	}
	return width <= lineWidth
}

func appendQuoted(dst []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	if !utf8.ValidString(s) {
		return kjson.AppendString(dst, s)
	}
	text, err := encode(s)
	if err != nil {
		panic(fmt.Sprintf("output: cannot quote %q: %v", s, err)) // strings always can be
	}
	return append(dst, bytes.TrimSuffix(text, []byte("\n"))...)
}

// isPlain reports whether a string stands in quotes as it is, as most do.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// plain is the value as templates see it.
func (v Value) plain() any {
	switch v.Kind {
	case String:
		return v.Text
	case Array:
		list := make([]any, len(v.Elements))
		for i, e := range v.Elements {
			list[i] = e.plain()
		}
		return list
	case Object:
		m := make(map[string]any, len(v.Members))
		for _, member := range v.Members {
			m[member.Key] = member.Value.plain()
		}
		return m
	}
	switch v.Text {
	case "null":
		return nil
	case "true", "false":
		return v.Text == "true"
	}
	if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
		return n
	}
	x, err := strconv.ParseFloat(v.Text, 64)
	if err != nil {
		return v.Text
	}
	return x
}

// Walk calls visit for every scalar, string and empty array or object inside the value, with
// its path: "topics[0].name".
func (v Value) Walk(visit func(path string, leaf Value)) { v.walk("", visit) }

func (v Value) walk(path string, visit func(string, Value)) {
	if len(v.Elements) == 0 && len(v.Members) == 0 {
		visit(path, v)
		return
	}
	for i, e := range v.Elements {
		e.walk(path+"["+strconv.Itoa(i)+"]", visit)
	}
	for _, m := range v.Members {
		inner := m.Key
		if path != "" {
			inner = path + "." + m.Key
		}
		m.Value.walk(inner, visit)
	}
}
