package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // some item failed, or what was asked for is not so
	exitUsage       = 2
	exitConnection  = 3 // no connection, no authentication, or no broker at its other end
	exitTimeout     = 4
	exitInterrupted = 130 // by Ctrl-C, as shells have it
)

// A failure is an error with the exit code that it ends the program with.
type failure struct {
	code  int
	text  string // "" if all has been said
	final bool   // it counts also if the command was interrupted
}

func (f *failure) Error() string { return f.text }

// failed is for what went wrong with the thing asked for.
func failed(format string, args ...any) error {
	return &failure{code: exitFailed, text: fmt.Sprintf(format, args...)}
}

// errSaid ends the program with exitFailed: each item that failed has been reported.
func errSaid() error { return &failure{code: exitFailed} }

// misused is for a mistake in the command line. It says where to look.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return &failure{code: exitUsage, text: fmt.Sprintf(format, args...) + "; see " + cmd.CommandPath() + " --help"}
}

// mistaken is for an argument that cannot be meant.
func mistaken(format string, args ...any) error {
	return &failure{code: exitUsage, text: fmt.Sprintf(format, args...)}
}

// unknown is for a name that does not exist. It suggests the closest one that does, and says
// where the names are.
func unknown(what, name string, names []string, where string) error {
	if best := closest(name, names); best != "" {
		return mistaken("unknown %s %q: did you mean %s? See %s", what, name, best, where)
	}
	return mistaken("unknown %s %q; see %s", what, name, where)
}

// closest is the name that was meant: one with few letters to change, or else the first that
// begins as was typed, or so but for a letter.
func closest(typed string, names []string) string {
	if best := kjson.Closest(typed, names); best != "" {
		return best
	}
	if begin := startingWith(slices.Clone(names), typed); len(typed) > 2 && len(begin) > 0 {
		return begin[0]
	}
	for _, name := range names {
		for n := len(typed) - 1; len(typed) > 3 && n <= min(len(typed)+1, len(name)); n++ {
			if oneOff(strings.ToLower(typed), strings.ToLower(name[:n])) {
				return name
			}
		}
	}
	return ""
}

// oneOff reports whether a and b differ in a letter at most, which may be missing in one.
func oneOff(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1
}

// verdict says how an error ends the program: the exit code, and what is left to say.
func verdict(ctx context.Context, err error) (int, string) {
	var f *failure
	var t *output.TemplateError
	switch {
	case err == nil:
		return exitOK, ""
	case errors.As(err, &f) && f.final:
		return f.code, f.text
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		return exitInterrupted, "interrupted"
	case errors.As(err, &f):
		return f.code, f.text
	case errors.As(err, &t):
		return exitUsage, err.Error()
	}
	return exitFailed, plainly(err)
}

// plainly is the text of an error without the name of the package that it comes from.
func plainly(err error) string {
	text := err.Error()
	for _, prefix := range []string{"kmsg: ", "kjson: ", "kbin: ", "state: ", "batch: ", "kgo: ", "sasl: ", "aws: ", "oauth: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}
