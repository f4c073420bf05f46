package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// An Error says why a broker could not be asked.
type Error struct {
	Addr   string
	Reason string
	// Timeout says that the time was up.
	Timeout bool
	// Ended says that the other side ended the connection without an answer.
	Ended bool
	// Old says that it is a broker from before 0.10, which does not know ApiVersions.
	Old bool
	Err error // the cause, if there is one
}

// Error says which broker, and why.
func (e *Error) Error() string { return e.Addr + ": " + e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func (c *Conn) fail(err error, format string, args ...any) *Error {
	return &Error{Addr: c.addr, Reason: fmt.Sprintf(format, args...), Err: err}
}

// failed makes an Error of what went wrong while doing something. What the context says
// comes first, for it is why reads and writes were cut off.
func failed(ctx context.Context, addr, doing string, err error) *Error {
	e := &Error{Addr: addr, Err: err}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Err, e.Reason = ctx.Err(), "interrupted while "+doing
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		e.Timeout, e.Reason = true, "the time was up while "+doing
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		e.Ended, e.Reason = true, "the connection ended while "+doing
	default:
		e.Reason = fmt.Sprintf("failed while %s: %v", doing, innermost(err))
	}
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// innermost drops the layers of package net that repeat the address.
func innermost(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}
