package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A found error is an error code that an answer has, with all its places.
type foundError struct {
	code   kmsg.ErrorCode
	paths  []string
	saying string // the broker's own words, if there are some
}

// errorsIn finds all error codes but NONE in an answer, in the order in which they are met.
func errorsIn(m *model.Message, answer output.Value) []*foundError {
	s := &errorSearch{byCode: map[kmsg.ErrorCode]*foundError{}}
	s.object("", m.Root, answer)
	return s.found
}

type errorSearch struct {
	byCode map[kmsg.ErrorCode]*foundError
	found  []*foundError
}

func (s *errorSearch) object(path string, t *model.Struct, v output.Value) {
	for _, f := range t.Fields {
		inner, ok := v.Get(f.JSONName())
		if !ok {
			continue
		}
		at := strings.TrimPrefix(path+"."+f.JSONName(), ".")
		switch {
		case f.Enum != nil && f.Enum.IsErrorCode() && inner.Kind == output.Scalar:
			s.code(at, inner, messageBeside(f, v))
		case f.Struct == nil:
		case inner.Kind == output.Array:
			for i, e := range inner.Elements {
				s.object(fmt.Sprintf("%s[%d]", at, i), f.Struct, e)
			}
		default:
			s.object(at, f.Struct, inner)
		}
	}
}

// messageBeside is the broker's own message on an error code: that of FooErrorCode is in
// FooErrorMessage.
func messageBeside(f *model.Field, v output.Value) string {
	text, _ := v.Get(strings.TrimSuffix(f.JSONName(), "Code") + "Message")
	if text.Kind == output.String {
		return text.Text
	}
	return ""
}

func (s *errorSearch) code(path string, v output.Value, saying string) {
	n, err := strconv.ParseInt(v.Text, 10, 16)
	code := kmsg.ErrorCode(n)
	if err != nil || code == kmsg.None {
		return
	}
	e := s.byCode[code]
	if e == nil {
		e = &foundError{code: code}
		s.byCode[code] = e
		s.found = append(s.found, e)
	}
	if e.saying == "" {
		e.saying = strings.TrimSuffix(saying, ".")
	}
	e.paths = append(e.paths, path)
}

// String says what the error is, where, and what to do, on one line.
func (e *foundError) String() string {
	const most = 3
	where := strings.Join(e.paths[:min(most, len(e.paths))], ", ")
	if more := len(e.paths) - most; more > 0 {
		where += fmt.Sprintf(" and %d more", more)
	}
	text := fmt.Sprintf("%s (%d) at %s:", e.code.Name(), int16(e.code), where)
	if e.saying != "" {
		text += fmt.Sprintf(" the broker says %q.", e.saying)
	}
	if !e.code.Known() {
		return text + " a code that this release does not know."
	}
	return text + " " + e.code.Message() + " " + e.code.Remedy()
}
