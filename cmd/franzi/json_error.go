package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// jsonError says what is wrong with the JSON of a message, and where: in a file, in a line of
// stdin if that is not 0, or in an argument.
func (a *app) jsonError(message string, err error, file string, stdinLine int) string {
	var j *kjson.Error
	if !errors.As(err, &j) {
		if stdinLine > 0 {
			return fmt.Sprintf("line %d: %s", stdinLine, plainly(err))
		}
		return plainly(err)
	}
	at := fmt.Sprintf("line %d, column %d: ", j.Line, j.Column)
	switch {
	case stdinLine > 0:
		at = fmt.Sprintf("line %d, column %d: ", stdinLine, j.Column)
	case file != "":
		at = fmt.Sprintf("%s:%d:%d: ", file, j.Line, j.Column)
	}
	if j.Path != "" {
		at += j.Path + ": "
	}
	return at + a.withoutSecret(message, j)
}

// withoutSecret is the reason of an error, which quotes what is there, unless that may be a
// secret.
func (a *app) withoutSecret(message string, j *kjson.Error) string {
	m, err := a.model()
	if err != nil {
		return j.Reason
	}
	s, f := fieldAt(m.Message(message), j.Path)
	switch {
	case f == nil:
		return j.Reason
	case f.Secret || s.Config != nil && s.Config.Value == f:
		kind := "a string"
		if f.Def.Type.Base == def.Bytes {
			kind = "a string in base64"
		}
		return kind + " is needed; what is there is not shown, as it may be a secret"
	}
	return j.Reason
}

// fieldAt finds a field and its struct by a path in JSON's names, nil if there is none.
func fieldAt(m *model.Message, path string) (*model.Struct, *model.Field) {
	if m == nil {
		return nil, nil
	}
	in := m.Root
	var s *model.Struct
	var found *model.Field
	for name := range strings.SplitSeq(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		if in == nil {
			return nil, nil
		}
		s, found = in, nil
		for _, f := range s.Fields {
			if f.JSONName() == name {
				found = f
			}
		}
		if found == nil {
			return nil, nil
		}
		in = found.Struct
	}
	return s, found
}
