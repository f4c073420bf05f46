package kjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/internal/reflected"
)

// An Error says why JSON is no message, and where. It does not show what stands there for a
// string or bytes: that may be a secret.
type Error struct {
	Line, Column int    // from 1, where what is wrong begins in the JSON; columns are bytes
	Path         string // in JSON's names: "topics[0].partitions"
	Reason       string
}

// Error says where and why.
func (e *Error) Error() string {
	at := fmt.Sprintf("kjson: line %d, column %d: ", e.Line, e.Column)
	if e.Path != "" {
		at += e.Path + ": "
	}
	return at + e.Reason
}

// Unmarshal reads JSON into a message, as the function [Unmarshal] does.
func (c *Codec) Unmarshal(data []byte, m kmsg.Message) error {
	m.Reset()
	if err := m.Check(); err != nil {
		if noVersion := new(kmsg.VersionError); errors.As(err, &noVersion) {
			return err
		}
	}
	d := &decoder{data: data, in: json.NewDecoder(bytes.NewReader(data)), plans: c.known(), version: m.APIVersion(), allFields: c.AllFields}
	d.in.UseNumber()
	v := reflect.ValueOf(m).Elem()
	d.message = v.Type().Name()
	if err := d.structValue("", v, nil); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(data[d.in.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return d.failAt(len(data)-len(rest), "", "there is more after the message")
	}
	return nil
}

type decoder struct {
	data      []byte
	in        *json.Decoder
	begin     int // of the token that was read last, in data
	plans     reflected.Plans
	message   string
	version   int16
	allFields bool
}

// fail makes an error at the token that was read last.
func (d *decoder) fail(path, format string, args ...any) error {
	return d.failAt(d.begin, path, format, args...)
}

func (d *decoder) failAt(offset int, path, format string, args ...any) error {
	before := d.data[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &Error{line, column, path, fmt.Sprintf(format, args...)}
}

// token reads the next token.
func (d *decoder) token(path string) (json.Token, error) {
	end := d.in.InputOffset() // of the one before
	t, err := d.in.Token()
	if err != nil {
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			return nil, d.failAt(int(d.in.InputOffset()), path, "no valid JSON: %v", err)
		}
		return nil, d.failAt(len(d.data), path, "the JSON ends too early")
	}
	d.begin = len(d.data) - len(bytes.TrimLeft(d.data[end:], " \t\r\n,:"))
	return t, nil
}

// kindOf names a token for people.
func kindOf(t json.Token) string {
	switch t := t.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number" // which may be a secret
	case string:
		return "a string"
	case json.Delim:
		if t == '[' {
			return "an array"
		}
		return "an object"
	}
	return "something else"
}

// structValue reads an object. begun is its first token, or nil if that is not read yet.
func (d *decoder) structValue(path string, v reflect.Value, begun json.Token) error {
	if begun == nil {
		t, err := d.token(path)
		if err != nil {
			return err
		}
		begun = t
	}
	if begun != json.Delim('{') {
		return d.fail(path, "an object is needed, not %s", kindOf(begun))
	}
	fields := d.plans.Of(v.Type())
	seen := map[string]bool{}
	for d.in.More() {
		t, err := d.token(path)
		if err != nil {
			return err
		}
		name := t.(string) // keys are, or Token fails
		at := join(path, name)
		if seen[name] {
			return d.fail(at, "the key is there twice")
		}
		seen[name] = true
		if err := d.member(at, name, v, fields); err != nil {
			return err
		}
	}
	if _, err := d.token(path); err != nil { // the closing brace
		return err
	}
	return d.missing(path, v, fields, seen)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// member reads the value of a key into its field.
func (d *decoder) member(path, name string, v reflect.Value, fields []reflected.Field) error {
	if name == reflected.TagsKey {
		return d.unknownTags(path, v)
	}
	i := slices.IndexFunc(fields, func(f reflected.Field) bool { return f.JSON == name })
	if i < 0 {
		return d.fail(path, "%s has no such field%s", d.where(v), d.suggest(name, fields))
	}
	f := fields[i]
	if !f.Versions.Has(d.version) {
		return d.fail(path, "version %d does not carry the field, only %s", d.version, f.Versions)
	}
	return d.value(path, f, v.Field(f.Index))
}

func (d *decoder) where(v reflect.Value) string {
	if name := v.Type().Name(); name != d.message {
		return fmt.Sprintf("%s (of %s version %d)", name, d.message, d.version)
	}
	return fmt.Sprintf("%s version %d", d.message, d.version)
}

// suggest finds the field of this version that may have been meant.
func (d *decoder) suggest(name string, fields []reflected.Field) string {
	var names []string
	for _, f := range fields {
		if f.Versions.Has(d.version) {
			names = append(names, f.JSON)
		}
	}
	if best := Closest(name, names); best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	if len(names) == 0 {
		return ": it has none in this version"
	}
	return fmt.Sprintf(": it has %s", list(names))
}

func (d *decoder) missing(path string, v reflect.Value, fields []reflected.Field, seen map[string]bool) error {
	if !d.allFields {
		return nil
	}
	for _, f := range fields {
		if f.Versions.Has(d.version) && !f.Tagged.Has(d.version) && !seen[f.JSON] {
			return d.fail(path, "the field %q of %s is missing", f.JSON, d.where(v))
		}
	}
	return nil
}

// value reads a field, which may be null.
func (d *decoder) value(path string, f reflected.Field, v reflect.Value) error {
	t, err := d.token(path)
	if err != nil {
		return err
	}
	if t == nil {
		return d.null(path, f, v)
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.setDefaults(v.Elem())
		return d.structValue(path, v.Elem(), t)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		return d.array(path, v, t)
	}
	return d.scalar(path, v, t)
}

func (d *decoder) null(path string, f reflected.Field, v reflect.Value) error {
	if !f.Nullable.Has(d.version) {
		return d.fail(path, "null is not allowed in version %d (nullable: %s)", d.version, f.Nullable)
	}
	v.SetZero()
	return nil
}

func (d *decoder) array(path string, v reflect.Value, begun json.Token) error {
	if begun != json.Delim('[') {
		return d.fail(path, "an array is needed, not %s", kindOf(begun))
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for i := 0; d.in.More(); i++ {
		at := fmt.Sprintf("%s[%d]", path, i)
		t, err := d.token(at)
		if err != nil {
			return err
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.scalar(at, e, t); err != nil {
			return err
		}
		v.Set(reflect.Append(v, e))
	}
	_, err := d.token(path)
	return err
}

var (
	nullStringType = reflect.TypeFor[kbin.NullString]()
	uuidType       = reflect.TypeFor[kbin.UUID]()
)

// scalar reads what is neither null nor an array: a primitive, bytes, or a struct.
func (d *decoder) scalar(path string, v reflect.Value, t json.Token) error {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == nullStringType {
			s, err := d.text(path, t)
			v.Set(reflect.ValueOf(kbin.Str(s)))
			return err
		}
		d.setDefaults(v)
		return d.structValue(path, v, t)
	case reflect.String:
		s, err := d.text(path, t)
		v.SetString(s)
		return err
	case reflect.Slice:
		return d.bytes(path, v, t)
	case reflect.Array:
		return d.uuid(path, v, t)
	case reflect.Bool:
		b, ok := t.(bool)
		if !ok {
			return d.fail(path, "true or false is needed, not %s", kindOf(t))
		}
		v.SetBool(b)
		return nil
	case reflect.Float64:
		return d.float(path, v, t)
	}
	return d.integer(path, v, t)
}

func (d *decoder) text(path string, t json.Token) (string, error) {
	s, ok := t.(string)
	if !ok {
		return "", d.fail(path, "a string is needed, not %s", kindOf(t))
	}
	if strings.ContainsRune(s, utf8.RuneError) { // it may stand for what encoding/json does not know
		var err error
		s, err = Unquote(d.data[d.begin:d.in.InputOffset()])
		if e := new(StringError); errors.As(err, &e) {
			return "", d.failAt(d.begin+e.Offset, path, "%s", e.Reason)
		}
	}
	if len(s) > kbin.MaxString {
		return "", d.fail(path, "the string has %d bytes, the protocol carries %d", len(s), kbin.MaxString)
	}
	return s, nil
}

func (d *decoder) bytes(path string, v reflect.Value, t json.Token) error {
	s, ok := t.(string)
	if !ok {
		return d.fail(path, "bytes are a string in base64, not %s", kindOf(t))
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return d.fail(path, "bytes are in base64, and this is not: %v", err) // it may be a secret
	}
	v.SetBytes(b)
	return nil
}

func (d *decoder) uuid(path string, v reflect.Value, t json.Token) error {
	s, ok := t.(string)
	if !ok {
		return d.fail(path, "a UUID is a string in base64url, not %s", kindOf(t))
	}
	u, err := kbin.ParseUUID(s)
	if err != nil {
		return d.fail(path, "a UUID is 22 characters of base64url, but %q is not", shorten(s))
	}
	v.Set(reflect.ValueOf(u).Convert(uuidType))
	return nil
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

func (d *decoder) float(path string, v reflect.Value, t json.Token) error {
	switch t := t.(type) {
	case json.Number:
		x, err := t.Float64()
		if err != nil {
			return d.fail(path, "%s is out of the range of float64", t)
		}
		v.SetFloat(x)
		return nil
	case string: // what JSON has no numbers for
		if x, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[t]; ok {
			v.SetFloat(x)
			return nil
		}
	}
	return d.fail(path, "a number is needed, not %s", kindOf(t))
}

func (d *decoder) integer(path string, v reflect.Value, t json.Token) error {
	n, ok := t.(json.Number)
	if !ok {
		return d.fail(path, "a number is needed, not %s", kindOf(t))
	}
	bits := v.Type().Bits()
	if v.CanUint() {
		x, err := strconv.ParseUint(n.String(), 10, bits)
		if err != nil {
			return d.fail(path, "%s is no whole number from 0 to %d", n, uint64(math.MaxUint64)>>(64-bits))
		}
		v.SetUint(x)
		return nil
	}
	x, err := strconv.ParseInt(n.String(), 10, bits)
	if err != nil {
		high := int64(math.MaxInt64) >> (64 - bits)
		return d.fail(path, "%s is no whole number from %d to %d", n, -high-1, high)
	}
	v.SetInt(x)
	return nil
}

// unknownTags reads an object of base64 by number.
func (d *decoder) unknownTags(path string, v reflect.Value) error {
	var tags kbin.Tags
	t, err := d.token(path)
	if err != nil {
		return err
	}
	last := v.FieldByName("UnknownTags")
	if !last.IsValid() {
		return d.fail(path, "%s has no tagged fields", d.where(v))
	}
	if t != json.Delim('{') {
		return d.fail(path, "an object of base64 by number is needed, not %s", kindOf(t))
	}
	for d.in.More() {
		key, err := d.token(path)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(key.(string), 10, 32)
		if err != nil {
			return d.fail(path, "%q is no number of a tag", key)
		}
		value, err := d.token(path)
		if err != nil {
			return err
		}
		data := reflect.New(reflect.TypeFor[[]byte]()).Elem()
		if err := d.bytes(join(path, key.(string)), data, value); err != nil {
			return err
		}
		tags.Set(uint32(n), data.Bytes())
	}
	last.Set(reflect.ValueOf(tags))
	_, err = d.token(path)
	return err
}
