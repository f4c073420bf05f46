package compress

import (
	"errors"
	"fmt"
	"io"
)

// What can go wrong; errors.Is finds them in every error of this package.
var (
	// ErrLimit says that there is more than the caller allowed: a bomb, or a limit too low.
	ErrLimit = errors.New("more bytes than the limit")
	// ErrCorrupt says that the bytes are not what the codec writes, or that some are missing:
	// then, where it is known, the error is io.ErrUnexpectedEOF too.
	ErrCorrupt = errors.New("corrupt")
	// ErrUnknownCodec says that there is no codec of this number or name.
	ErrUnknownCodec = errors.New("unknown codec")
	// ErrLevel says that the codec has no such level.
	ErrLevel = errors.New("no level")
)

// Error is every error of this package.
type Error struct {
	Op    string // "compress", "decompress", "replace" or "parse"
	Codec Codec
	Err   error // one of the variables above, mostly with more behind it, or what a [Method] returned
}

// Error says what failed, with which codec, and why.
func (e *Error) Error() string {
	if e.Op == "parse" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Codec, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// errShort says that bytes are missing.
var errShort = fmt.Errorf("%w: %w", ErrCorrupt, io.ErrUnexpectedEOF)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}
