package batch

import (
	"errors"
	"fmt"
)

// What an [Error] unwraps to.
var (
	// ErrMalformed says that bytes are no batch, or that its records are not what it says.
	ErrMalformed = errors.New("malformed records")
	// ErrChecksum says that the bytes are not those that were written.
	ErrChecksum = errors.New("checksum does not match")
)

// An Error says where records are wrong, and why.
type Error struct {
	// Pos is the byte, counted from the start of what the [Reader] was given, at which it is
	// wrong; within compressed records the byte of the decompressed ones, and Inside is set.
	Pos    int
	Inside bool
	// Offset is the offset of the batch, as it says itself.
	Offset int64
	Reason string
	// Err is ErrMalformed, ErrChecksum, or an error of a codec.
	Err error
}

// Error says where and why.
func (e *Error) Error() string {
	where := "byte"
	if e.Inside {
		where = "decompressed byte"
	}
	return fmt.Sprintf("batch: at %s %d, in the batch at offset %d: %s", where, e.Pos, e.Offset, e.Reason)
}

// Unwrap gives what kind of error it is.
func (e *Error) Unwrap() error { return e.Err }
