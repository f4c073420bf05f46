package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A splicing replaces batches in the JSON of a message by their bytes in base64, and knows for
// what comes out where it stood before.
type splicing struct {
	text []byte
	out  []byte // of text up to done
	done int
	cuts []cut
}

// A cut is where something was replaced: text from begin to end, in out up to at.
type cut struct{ begin, end, at int }

// parse parses the text.
func (s *splicing) parse() (output.Value, error) {
	v, err := output.Parse(s.text)
	syntax, text := new(json.SyntaxError), new(kjson.StringError)
	switch {
	case errors.As(err, &syntax):
		return v, s.fail(int(syntax.Offset), "", "no valid JSON: "+syntax.Error())
	case errors.As(err, &text):
		return v, s.fail(text.Offset, "", text.Reason)
	case err != nil:
		return v, s.fail(len(s.text), "", "the JSON ends too early")
	}
	return v, nil
}

// batches replaces the batches of a field.
func (s *splicing) batches(a *app, path string, field output.Value) error {
	b, err := batchjson.Build(field, &a.codecs)
	if e := new(batchjson.Error); errors.As(err, &e) {
		if e.Path != "" && e.Path[0] != '[' {
			path += "."
		}
		return s.fail(e.Begin, path+e.Path, e.Reason)
	}
	s.out = append(s.out, s.text[s.done:field.Begin]...)
	s.out = append(s.out, '"')
	s.out = base64.StdEncoding.AppendEncode(s.out, b)
	s.out = append(s.out, '"')
	s.done = field.End
	s.cuts = append(s.cuts, cut{field.Begin, field.End, len(s.out)})
	return err
}

// result is the text with all that was replaced.
func (s *splicing) result() []byte {
	s.out, s.done = append(s.out, s.text[s.done:]...), len(s.text)
	return s.out
}

// original finds the place in the text of a place in the result.
func (s *splicing) original(line, column int) (int, int) {
	offset := 0
	for ; line > 1; line-- {
		offset += bytes.IndexByte(s.out[offset:], '\n') + 1
	}
	offset += column - 1
	moved := offset
	for _, c := range s.cuts {
		if offset >= c.at {
			moved = offset - c.at + c.end
		}
	}
	return s.place(moved)
}

// place is the line and column of a byte of the text, from 1.
func (s *splicing) place(offset int) (line, column int) {
	before := s.text[:min(max(offset, 0), len(s.text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// fail makes an error as kjson makes them.
func (s *splicing) fail(offset int, path, reason string) error {
	line, column := s.place(offset)
	return &kjson.Error{Line: line, Column: column, Path: path, Reason: reason}
}
