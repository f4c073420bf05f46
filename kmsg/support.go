package kmsg

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg/internal/reflected"
)

// A FieldError says which field of a message its version cannot carry, and why. [Message]'s
// Check returns it.
type FieldError struct {
	Message string // Go's name of the message
	Version int16
	Path    string // with the message, in Go's names: "FetchRequest.Topics[2].Topic"
	Reason  string
}

// Error says which field and why.
func (e *FieldError) Error() string { return "kmsg: " + e.Path + " " + e.Reason }

// A DecodeError says that bytes are no such message.
type DecodeError struct {
	Message string // Go's name of the message
	Version int16
	Err     error // mostly a [kbin.Error], which says where
}

// Error says which message, at which version, could not be read, and why.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("kmsg: %s version %d: %v", e.Message, e.Version, e.Err)
}

// Unwrap returns why the message could not be read.
func (e *DecodeError) Unwrap() error { return e.Err }

// A VersionError says that a message has no such version.
type VersionError struct {
	Message  string // Go's name of the message
	Version  int16
	Min, Max int16
}

// Error says which versions there are.
func (e *VersionError) Error() string {
	if e.Min == e.Max {
		return fmt.Sprintf("kmsg: %s has no version %d, only %d", e.Message, e.Version, e.Min)
	}
	return fmt.Sprintf("kmsg: %s has no version %d, only %d to %d", e.Message, e.Version, e.Min, e.Max)
}

// Text shows a message for logs: its name, its version, and its fields as JSON. Secrets are
// hidden, records and long bytes are counted.
func Text(m Message) string {
	p := reflected.Printer{Plans: reflected.Plans{}, Logs: true}
	return nameOf(m) + " v" + strconv.Itoa(int(m.APIVersion())) + " " + string(p.Append(nil, m, m.APIVersion()))
}

func nameOf(m Message) string { return reflect.TypeOf(m).Elem().Name() }

// What follows is for generated code, in this package and others, which calls it from
// hundreds of places: inlined it would take more room there than time here.

// Refuse says which field of a message its version cannot carry.
//
//go:noinline
func Refuse(m Message) error {
	path, reason := reflected.Refusal(m, m.APIVersion())
	if tags := reflected.UnknownTags(m); path == nameOf(m) && tags != "" {
		path, reason = tags, fmt.Sprintf("is not empty, but version %d has no tagged fields", m.APIVersion())
	}
	return &FieldError{nameOf(m), m.APIVersion(), path, reason}
}

// NoVersion is the error of a message whose version does not exist.
//
//go:noinline
func NoVersion(m Message, low, high int16) error {
	return &VersionError{nameOf(m), m.APIVersion(), low, high}
}

// Finished ends reading a message, which is all that the reader has.
//
//go:noinline
func Finished(m Message, r *kbin.Reader) error {
	if r.Len() == 0 && r.Err() == nil {
		return nil
	}
	return Decoded(m, r.Finish())
}

// Decoded says which message an error of a reader is about, if there is one.
//
//go:noinline
func Decoded(m Message, err error) error {
	if err == nil {
		return nil
	}
	return &DecodeError{nameOf(m), m.APIVersion(), err}
}

// DeepCopy copies a message to another of the same type, so that they share no memory.
//
//go:noinline
func DeepCopy(dst, src Message) { reflected.Copy(dst, src) }

// unnamed is the text of an enumeration's value that has no name.
//
//go:noinline
func unnamed(enum string, n int) string { return enum + "(" + strconv.Itoa(n) + ")" }
