package batchjson

import (
	"fmt"
	"strconv"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/compress"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// An Error says why JSON is no batch, and where.
type Error struct {
	Path   string // "[0].records[1].key", beginning at what Build was given
	Begin  int    // of what is wrong, in the text that the value was parsed from
	Reason string
}

// Error says where and why.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// A parser reads the JSON of batches. It keeps the first error.
type parser struct {
	codecs *compress.Codecs
	err    *Error
}

func (p *parser) fail(v output.Value, path, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{path, v.Begin, fmt.Sprintf(format, args...)}
	}
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindOf(v output.Value) string {
	switch {
	case v.Kind == output.Array:
		return "an array"
	case v.Kind == output.Object:
		return "an object"
	case v.Kind == output.String:
		return "a string"
	case v.IsNull():
		return "null"
	case v.Text == "true" || v.Text == "false":
		return "a boolean"
	}
	return "a number"
}

// An object is read key by key; end refuses those that nobody asked for.
type object struct {
	p     *parser
	value output.Value
	path  string
	asked []string
}

func (p *parser) object(v output.Value, path string) *object {
	if v.Kind != output.Object {
		p.fail(v, path, "an object is needed, not %s", kindOf(v))
	}
	return &object{p: p, value: v, path: path}
}

// get returns what stands at a key, which may be null, and whether there is such a key.
func (o *object) get(key string) (output.Value, bool) {
	o.asked = append(o.asked, key)
	return o.value.Get(key)
}

// maybe returns a number, nil if it is not there.
func (o *object) maybe(key string) *int64 {
	v, ok := o.get(key)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if v.Kind != output.Scalar || err != nil {
		o.p.fail(v, join(o.path, key), "a whole number is needed, not %s", describe(v))
	}
	return &n
}

func describe(v output.Value) string {
	if kind := kindOf(v); kind != "a number" {
		return kind
	}
	return v.Text
}

// int returns a number within bounds.
func (o *object) int(key string, otherwise, low, high int64) int64 {
	n := o.maybe(key)
	if n == nil {
		return otherwise
	}
	if *n < low || *n > high {
		v, _ := o.value.Get(key)
		o.p.fail(v, join(o.path, key), "%d is not between %d and %d", *n, low, high)
	}
	return *n
}

func (o *object) bool(key string) bool {
	v, ok := o.get(key)
	if ok && (v.Kind != output.Scalar || v.Text != "true" && v.Text != "false") {
		o.p.fail(v, join(o.path, key), "true or false is needed, not %s", kindOf(v))
	}
	return v.Text == "true"
}

// end refuses keys that do not belong to what the object is.
func (o *object) end(what string) {
	seen := map[string]bool{}
	for _, key := range o.asked {
		seen[key] = true
	}
	for _, m := range o.value.Members {
		if seen[m.Key] {
			continue
		}
		meant := ""
		if best := kjson.Closest(m.Key, o.asked); best != "" {
			meant = fmt.Sprintf(": did you mean %q?", best)
		}
		o.p.fail(output.Value{Begin: m.Begin}, join(o.path, m.Key), "%s has no such field%s", what, meant)
	}
}
