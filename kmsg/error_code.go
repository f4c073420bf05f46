package kmsg

import (
	"strconv"

	"github.com/franzi-kafka/franzi/kmsg/internal/errortext"
)

// An ErrorCode is the code that tells a client what went wrong, or [None]. Codes that this
// release does not know keep their number.
//
// An ErrorCode is an error, so that errors.Is(err, kmsg.NotLeaderOrFollower) works; but None
// is one too, so turn a field of a response into an error with [ErrorCode.Err].
type ErrorCode int16

// Err returns the code as an error, nil for None.
func (c ErrorCode) Err() error {
	if c == None {
		return nil
	}
	return c
}

// Error returns the name and the meaning of the code.
func (c ErrorCode) Error() string {
	if i, ok := c.index(); ok {
		return errortext.Facts[i].Name + ": " + errortext.Facts[i].Meaning
	}
	return c.Name() + ": a code that this release does not know."
}

// Name returns Kafka's name for the code, like NOT_LEADER_OR_FOLLOWER, or UNKNOWN_CODE_999.
func (c ErrorCode) Name() string {
	if i, ok := c.index(); ok {
		return errortext.Facts[i].Name
	}
	return "UNKNOWN_CODE_" + strconv.Itoa(int(c))
}

// String returns the name.
func (c ErrorCode) String() string { return c.Name() }

// Known reports whether this release knows the code.
func (c ErrorCode) Known() bool {
	_, ok := c.index()
	return ok
}

// Message says what the code means, "" for unknown codes.
func (c ErrorCode) Message() string {
	if i, ok := c.index(); ok {
		return errortext.Facts[i].Meaning
	}
	return ""
}

// Retriable reports whether the same request may succeed later, as Kafka's own exception
// for the code says. Unknown codes are not retriable.
func (c ErrorCode) Retriable() bool {
	i, ok := c.index()
	return ok && errortext.Facts[i].Retriable
}

// Cause tells the usual cause, "" for unknown codes.
func (c ErrorCode) Cause() string {
	if i, ok := c.index(); ok {
		return errortext.Advice[i].Cause
	}
	return ""
}

// Remedy tells what to do, "" for unknown codes.
func (c ErrorCode) Remedy() string {
	if i, ok := c.index(); ok {
		return errortext.Advice[i].Remedy
	}
	return ""
}

func (c ErrorCode) index() (int, bool) {
	i := int(c) - int(firstErrorCode)
	return i, i >= 0 && i < len(errortext.Facts)
}

// ErrorCodes returns all codes that this release knows, ascending.
func ErrorCodes() []ErrorCode {
	codes := make([]ErrorCode, len(errortext.Facts))
	for i := range codes {
		codes[i] = firstErrorCode + ErrorCode(i)
	}
	return codes
}

// ParseErrorCode returns the code with that name or number, and whether it is known.
func ParseErrorCode(s string) (ErrorCode, bool) {
	if n, err := strconv.ParseInt(s, 10, 16); err == nil {
		return ErrorCode(n), ErrorCode(n).Known()
	}
	for i := range errortext.Facts {
		if errortext.Facts[i].Name == s {
			return firstErrorCode + ErrorCode(i), true
		}
	}
	return 0, false
}
