package kbin

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Reader walks the bytes of a message. The zero value reads nothing; [Reader.Reset] gives
// it bytes. It keeps the first error, after which every read returns zeros, so callers need
// to look at [Reader.Err] or [Reader.Finish] only once, at the end.
//
// What a Reader returns as []byte are views of its input, capped so that appending to them
// cannot touch what follows: they hold as long as the input does. Strings are copies.
//
// A Reader is for one goroutine at a time.
type Reader struct {
	// Lenient accepts what some brokers send against the letter of the protocol: null where
	// it is not allowed is empty, bytes after the end of a message or a tagged field are
	// ignored. The zero value is strict.
	Lenient bool

	// Arena, if set, makes strings and small arrays out of larger pieces of memory.
	Arena *Arena

	buf []byte
	off int
	err *Error

	// room is how many bytes the elements of arrays may still claim. Each byte belongs to the
	// shortest encoding of at most one element, whether arrays stand side by side or inside
	// each other: so all elements together, and tagged fields, fit into what there is to read.
	// Without it each level of arrays could claim the same bytes again.
	room int
}

// NewReader returns a strict reader of b.
func NewReader(b []byte) *Reader { return &Reader{buf: b, room: len(b)} }

// Reset makes the reader start anew with b. Lenient and Arena stay.
func (r *Reader) Reset(b []byte) { r.buf, r.off, r.err, r.room = b, 0, nil, len(b) }

// An Error says why bytes are no message.
type Error struct {
	Offset int // of the byte where reading failed; numbers that messages read together fail together
	Size   int // of all that was to be read
	Reason string
	Short  bool // the bytes end too early
}

// Error says where and why reading failed.
func (e *Error) Error() string {
	return fmt.Sprintf("kbin: at byte %d of %d: %s", e.Offset, e.Size, e.Reason)
}

// Unwrap gives [io.ErrUnexpectedEOF] if the bytes end too early.
func (e *Error) Unwrap() error {
	if e.Short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Err returns the first error, an *[Error], or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Finish returns the first error. A strict reader takes bytes that remain for one.
func (r *Reader) Finish() error {
	if r.err == nil && !r.Lenient && r.off < len(r.buf) {
		r.fail(false, "%d bytes after the end", len(r.buf)-r.off)
	}
	return r.Err()
}

// Offset returns how many bytes were read.
func (r *Reader) Offset() int { return r.off }

// Len returns how many bytes remain, 0 after an error.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Rest returns a view of the bytes that remain and moves to their end.
func (r *Reader) Rest() []byte {
	b := r.buf[r.off:len(r.buf):len(r.buf)]
	r.off = len(r.buf)
	return b
}

func (r *Reader) fail(short bool, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: r.off, Size: len(r.buf), Reason: fmt.Sprintf(format, args...), Short: short}
	}
	r.off = len(r.buf) // whatever is read now is short
}

// MaxNext is the largest argument of [Reader.Next].
const MaxNext = 128

// zeros is what reads return that fail. Nobody writes to it.
var zeros [MaxNext]byte

// Next returns a view that starts with the next n bytes, up to [MaxNext], and moves past
// them. The view may go on behind them. After a short read it has zeros, so that callers
// need no check of their own; they must not write to it.
//
// It inlines into its callers, at the very limit of the compiler's budget: a test sees to
// that.
func (r *Reader) Next(n int) []byte {
	b := r.buf[r.off:]
	if len(b) < n {
		return r.short()
	}
	r.off += n
	return b
}

// Run is Next for where it is called rarely. It does not inline.
//
//go:noinline
func (r *Reader) Run(n int) []byte { return r.Next(n) }

//go:noinline
func (r *Reader) short() []byte {
	r.fail(true, "%d bytes remain, more are needed", len(r.buf)-r.off)
	return zeros[:]
}

// take returns a view of the next n bytes, nil if there are fewer.
func (r *Reader) take(n int, what string) []byte {
	if len(r.buf)-r.off < n {
		r.fail(true, "%s of %d bytes where %d remain", what, n, len(r.buf)-r.off)
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Raw returns a view of the next n bytes.
func (r *Reader) Raw(n int) []byte {
	if n < 0 {
		r.fail(false, "a run of %d bytes", n)
		return nil
	}
	return r.take(n, "a run")
}

// Bool reads one byte; all but 0 are true.
func (r *Reader) Bool() bool { return r.Next(1)[0] != 0 }

// Int8 reads one byte.
func (r *Reader) Int8() int8 { return int8(r.Next(1)[0]) }

// Int16 reads two bytes.
func (r *Reader) Int16() int16 { return int16(binary.BigEndian.Uint16(r.Next(2))) }

// Uint16 reads two bytes.
func (r *Reader) Uint16() uint16 { return binary.BigEndian.Uint16(r.Next(2)) }

// Int32 reads four bytes.
func (r *Reader) Int32() int32 { return int32(binary.BigEndian.Uint32(r.Next(4))) }

// Uint32 reads four bytes.
func (r *Reader) Uint32() uint32 { return binary.BigEndian.Uint32(r.Next(4)) }

// Int64 reads eight bytes.
func (r *Reader) Int64() int64 { return int64(binary.BigEndian.Uint64(r.Next(8))) }

// Float64 reads eight bytes.
func (r *Reader) Float64() float64 { return math.Float64frombits(binary.BigEndian.Uint64(r.Next(8))) }

// UUID reads sixteen bytes.
func (r *Reader) UUID() UUID { return UUID(r.Next(16)) }

// Uvarint reads an unsigned varint of 32 bits.
func (r *Reader) Uvarint() uint32 {
	if b := r.buf[r.off:]; len(b) > 0 && b[0] < 0x80 {
		r.off++
		return uint32(b[0])
	}
	return uint32(r.uvarint(32))
}

// Uvarlong reads an unsigned varint of 64 bits.
func (r *Reader) Uvarlong() uint64 { return r.uvarint(64) }

// Varint reads a zigzag varint of 32 bits.
func (r *Reader) Varint() int32 {
	u := r.Uvarint()
	return int32(u>>1) ^ -int32(u&1)
}

// Varlong reads a zigzag varint of 64 bits.
func (r *Reader) Varlong() int64 {
	u := r.uvarint(64)
	return int64(u>>1) ^ -int64(u&1)
}

func (r *Reader) uvarint(bits int) uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		b := r.Next(1)[0]
		if shift+7 > bits && b>>(bits-shift) != 0 {
			r.fail(false, "a varint of more than %d bits", bits)
			return 0
		}
		v |= uint64(b&0x7f) << shift
		switch {
		case b >= 0x80:
		case r.err != nil: // the zero of a short read, not the last byte
			return 0
		default:
			return v
		}
	}
}

// length16 reads an int16 length, -1 for null.
func (r *Reader) length16() int { return int(r.Int16()) }

// length32 reads an int32 length, -1 for null.
func (r *Reader) length32() int { return int(r.Int32()) }

// compactLength reads an unsigned varint that is a length plus one, -1 for null.
func (r *Reader) compactLength() int {
	u := r.Uvarint()
	if u > math.MaxInt32 {
		r.fail(false, "a length of %d", u-1)
		return 0
	}
	return int(u) - 1
}

// null reports a negative length where there must be none.
func (r *Reader) null(what string) {
	if !r.Lenient && r.err == nil {
		r.fail(false, "%s is null but must not be", what)
	}
}

// text returns the bytes of a string of length n, which is not negative.
func (r *Reader) text(n int) []byte {
	if n > MaxString {
		r.fail(false, "a string of %d bytes, the protocol allows %d", n, MaxString)
		return nil
	}
	return r.take(n, "a string")
}

func (r *Reader) stringLength(flex bool) int {
	if flex {
		return r.compactLength()
	}
	return r.length16()
}

// String reads a string with an int16 length.
func (r *Reader) String() string {
	var s string
	r.FlexString(&s, false)
	return s
}

// CompactString reads a string whose length is an unsigned varint.
func (r *Reader) CompactString() string {
	var s string
	r.FlexString(&s, true)
	return s
}

// NullableString reads a string with an int16 length, negative for null.
func (r *Reader) NullableString() NullString {
	var s NullString
	r.FlexNullableString(&s, false)
	return s
}

// CompactNullableString reads a string whose length is an unsigned varint, 0 for null.
func (r *Reader) CompactNullableString() NullString {
	var s NullString
	r.FlexNullableString(&s, true)
	return s
}

// FlexString reads a string, compact if flex, into s. If s equals it already, s stays as
// it is and nothing is allocated.
func (r *Reader) FlexString(s *string, flex bool) {
	// Nearly all: a compact length is one byte, and the string is there.
	switch b := r.buf[r.off:]; {
	case flex && len(b) > 0:
		if n := int(b[0]) - 1; uint(n) < 0x7f && n < len(b) {
			r.off += 1 + n
			r.setString(s, b[1:1+n])
			return
		}
	case !flex && len(b) >= 2:
		if n := int(binary.BigEndian.Uint16(b)); n <= MaxString && n <= len(b)-2 {
			r.off += 2 + n
			r.setString(s, b[2:2+n])
			return
		}
	}
	n := r.stringLength(flex)
	if n < 0 {
		r.null("a string")
		n = 0
	}
	r.setString(s, r.text(n))
}

// FlexNullableString reads a string or null into s, as [Reader.FlexString] does.
func (r *Reader) FlexNullableString(s *NullString, flex bool) {
	switch b := r.buf[r.off:]; {
	case flex && len(b) > 0:
		if n := int(b[0]) - 1; uint(n) < 0x7f && n < len(b) {
			r.off += 1 + n
			s.Valid = true
			r.setString(&s.S, b[1:1+n])
			return
		}
	case !flex && len(b) >= 2:
		if n := int(binary.BigEndian.Uint16(b)); n <= MaxString && n <= len(b)-2 {
			r.off += 2 + n
			s.Valid = true
			r.setString(&s.S, b[2:2+n])
			return
		}
	}
	n := r.stringLength(flex)
	if s.Valid = n >= 0; !s.Valid {
		n = 0
	}
	r.setString(&s.S, r.text(n))
}

func (r *Reader) setString(s *string, b []byte) {
	if string(b) != *s {
		*s = r.newString(b)
	}
}

func (r *Reader) newString(b []byte) string {
	if r.Arena != nil {
		return r.Arena.text(b)
	}
	return string(b)
}

// Bytes reads bytes with an int32 length and returns a view of them.
func (r *Reader) Bytes() []byte { return r.FlexBytes(false) }

// CompactBytes reads bytes whose length is an unsigned varint and returns a view.
func (r *Reader) CompactBytes() []byte { return r.FlexBytes(true) }

// NullableBytes reads bytes with an int32 length, negative for null, which is nil.
func (r *Reader) NullableBytes() []byte { return r.FlexNullableBytes(false) }

// CompactNullableBytes reads bytes whose length is an unsigned varint, 0 for null, which
// is nil.
func (r *Reader) CompactNullableBytes() []byte { return r.FlexNullableBytes(true) }

// FlexBytes reads bytes, compact if flex, and returns a view, which is empty after an error.
func (r *Reader) FlexBytes(flex bool) []byte {
	b := r.FlexNullableBytes(flex)
	if b == nil {
		r.null("a byte field")
		return r.take(0, "bytes")
	}
	return b
}

// FlexNullableBytes reads bytes or null and returns a view or nil.
func (r *Reader) FlexNullableBytes(flex bool) []byte {
	switch b := r.buf[r.off:]; {
	case flex && len(b) > 0:
		if n := int(b[0]) - 1; uint(n) < 0x7f && n < len(b) {
			r.off += 1 + n
			return b[1 : 1+n : 1+n]
		}
	case !flex && len(b) >= 4:
		if n := int(binary.BigEndian.Uint32(b)); uint(n) <= uint(len(b)-4) {
			r.off += 4 + n
			return b[4 : 4+n : 4+n]
		}
	}
	n := r.length(flex)
	if n < 0 {
		return nil
	}
	return r.take(n, "bytes")
}

func (r *Reader) length(flex bool) int {
	if flex {
		return r.compactLength()
	}
	return r.length32()
}

// FlexArrayLen reads the count of an array, compact if flex. minSize is the smallest
// encoding of an element: a count that the remaining bytes cannot hold is an error, before
// anything is made of it.
func (r *Reader) FlexArrayLen(minSize int, flex bool) int {
	switch b := r.buf[r.off:]; {
	case flex && len(b) > 0:
		n := int(b[0]) - 1
		if claim := n * max(minSize, 1); uint(n) < 0x7f && claim < len(b) && claim <= r.room {
			r.off++
			r.room -= claim
			return n
		}
	case !flex && len(b) >= 4:
		n := int(binary.BigEndian.Uint32(b))
		if claim := n * max(minSize, 1); uint(n) < 0x7f && claim <= len(b)-4 && claim <= r.room {
			r.off += 4
			r.room -= claim
			return n
		}
	}
	n := r.length(flex)
	if n < 0 {
		r.null("an array")
		return 0
	}
	return r.fits(n, minSize)
}

// FlexNullableArrayLen reads the count of an array or null, which is -1.
func (r *Reader) FlexNullableArrayLen(minSize int, flex bool) int {
	n := r.length(flex)
	if n < 0 {
		return -1
	}
	return r.fits(n, minSize)
}

// ArrayLen reads the int32 count of an array whose elements take at least minSize bytes.
func (r *Reader) ArrayLen(minSize int) int { return r.FlexArrayLen(minSize, false) }

// CompactArrayLen reads the count of a compact array.
func (r *Reader) CompactArrayLen(minSize int) int { return r.FlexArrayLen(minSize, true) }

// NullableArrayLen reads the int32 count of an array, -1 for null.
func (r *Reader) NullableArrayLen(minSize int) int { return r.FlexNullableArrayLen(minSize, false) }

// CompactNullableArrayLen reads the count of a compact array, -1 for null.
func (r *Reader) CompactNullableArrayLen(minSize int) int {
	return r.FlexNullableArrayLen(minSize, true)
}

// fits returns n if that many elements may follow, else 0. Java's reader, too, wants at
// least a byte of input for an element.
func (r *Reader) fits(n, minSize int) int {
	claim := int64(n) * int64(max(minSize, 1))
	switch remain := len(r.buf) - r.off; {
	case claim > int64(remain):
		r.fail(true, "an array of %d elements of at least %d bytes where %d remain", n, minSize, remain)
	case claim > int64(r.room):
		r.fail(true, "an array of %d elements of at least %d bytes where other elements leave %d", n, minSize, r.room)
	default:
		r.room -= int(claim)
		return n
	}
	return 0
}

// Present reads the byte before a nullable struct: negative for null.
func (r *Reader) Present() bool { return r.Int8() >= 0 }
