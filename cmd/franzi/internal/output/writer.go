package output

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// A Result is what a command has to say.
type Result struct {
	// Value is the whole, for programs: anything that encoding/json can write, or a
	// json.RawMessage. If it is an array, jsonl and templates take it element by element.
	Value any
	// Table makes the text for people; nil lists all paths of Value with what stands there.
	Table func(*Table)
	// Raw is the bare data; nil stands for the rows of the table.
	Raw []byte
}

// A TemplateError says that a template failed on a result.
type TemplateError struct{ Err error }

// Error says why.
func (e *TemplateError) Error() string {
	return "the template fails: " + strings.TrimPrefix(e.Err.Error(), "template: ")
}

// Unwrap returns why.
func (e *TemplateError) Unwrap() error { return e.Err }

// A Writer writes results, one or many.
type Writer struct {
	out    io.Writer
	format Format
	some   bool // written before

	stream bool
	widths []int // of the columns of a stream's table, the widest so far
}

// NewWriter returns a writer of results in a format, or in the given default if the user did
// not ask for one.
func NewWriter(out io.Writer, format Format, otherwise string) *Writer {
	if format.name == "" {
		format.name = otherwise
	}
	return &Writer{out: out, format: format}
}

// NewStream returns a writer of results that belong together and come one by one: as a table they
// are the rows of one, whose heading is written once.
func NewStream(out io.Writer, format Format, otherwise string) *Writer {
	w := NewWriter(out, format, otherwise)
	w.stream = true
	return w
}

// NewMixed returns a writer of results of different kinds, of which not all have the keys that a
// template asks for: what is missing is no value, elsewhere it is an error.
func NewMixed(out io.Writer, format Format, otherwise string) *Writer {
	w := NewWriter(out, format, otherwise)
	if w.format.template != nil {
		t, err := w.format.template.Clone()
		if err != nil {
			panic(err) // it has no reason to
		}
		w.format.template = t.Option("missingkey=default")
	}
	return w
}

// Write writes a result with a single write, so that who reads the other end of a pipe sees
// it whole.
func (w *Writer) Write(r Result) error {
	text, err := w.render(r)
	if err != nil {
		return err
	}
	w.some = true
	_, err = w.out.Write(text)
	return err
}

func (w *Writer) render(r Result) ([]byte, error) {
	if w.format.name == RawFormat && r.Raw != nil {
		return r.Raw, nil
	}
	if w.format.name == LinesFormat && isStruct(r.Value) { // nothing but its JSON is needed
		text, err := encode(r.Value)
		if err != nil {
			return nil, fmt.Errorf("the result is no JSON: %w", err)
		}
		return text, nil
	}
	v, err := ValueOf(r.Value)
	if err != nil {
		return nil, fmt.Errorf("the result is no JSON: %w", err)
	}
	switch w.format.name {
	case TableFormat:
		if w.stream {
			return r.table(v).appendStream(nil, &w.widths, !w.some), nil
		}
		return r.table(v).append(nil), nil
	case RawFormat:
		return r.table(v).appendBare(nil), nil
	case JSONFormat:
		return append(v.appendIndented(nil, 0), '\n'), nil
	case LinesFormat:
		return each(v, func(dst []byte, v Value) ([]byte, error) { return append(v.AppendJSON(dst), '\n'), nil })
	case "template=":
		return each(v, w.execute)
	}
	var dst []byte
	if w.some {
		dst = append(dst, "---\n"...)
	}
	return append(v.appendYAML(dst, 0), '\n'), nil
}

// isStruct reports whether x is a struct whose JSON is an object.
func isStruct(x any) bool {
	if _, own := x.(json.Marshaler); own || x == nil {
		return false
	}
	t := reflect.TypeOf(x)
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}

// each appends the elements of an array, or the value if it is none.
func each(v Value, appendOne func([]byte, Value) ([]byte, error)) ([]byte, error) {
	if v.Kind != Array {
		return appendOne(nil, v)
	}
	var dst []byte
	for _, e := range v.Elements {
		var err error
		if dst, err = appendOne(dst, e); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (w *Writer) execute(dst []byte, v Value) ([]byte, error) {
	var b strings.Builder
	if err := w.format.template.Execute(&b, v.plain()); err != nil {
		return dst, &TemplateError{err}
	}
	if b.Len() == 0 {
		return dst, nil // so that a template can leave items out
	}
	return append(append(dst, b.String()...), '\n'), nil
}

func (r Result) table(v Value) *Table {
	t := new(Table)
	if r.Table != nil {
		r.Table(t)
		return t
	}
	t.Heading("FIELD", "VALUE")
	v.Walk(func(path string, leaf Value) {
		text := leaf.Text
		if leaf.Kind == Array || leaf.Kind == Object {
			text = string(leaf.AppendJSON(nil))
		}
		t.Row(path, text)
	})
	return t
}
