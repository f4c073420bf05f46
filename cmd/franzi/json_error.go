package main

import (
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// jsonError says what is wrong with the JSON of a message, and where: in a file, in a line of
// stdin if that is not 0, or in an argument. It does not show what may be a secret.
func jsonError(err error, file string, stdinLine int) string {
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
	return at + j.Reason
}
