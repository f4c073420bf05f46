package def

import (
	"errors"
	"fmt"
	"strings"
)

// An Error is a breach of the definition language.
type Error struct {
	File   string
	Line   int // from 1, 0 if the fault has no line
	Column int
	Rule   string // what is wrong
	Fix    string // what to do
}

// Error says where, what, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": " + e.Rule)
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// faults gathers errors, so that one run reports all of a file.
type faults struct {
	file string
	errs []error
}

func (f *faults) add(at pos, fix, format string, args ...any) {
	f.errs = append(f.errs, &Error{File: f.file, Line: at.line, Column: at.column, Rule: fmt.Sprintf(format, args...), Fix: fix})
}

func (f *faults) err() error { return errors.Join(f.errs...) }
