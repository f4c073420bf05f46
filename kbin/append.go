package kbin

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxString is the longest string that the protocol can carry, in bytes: lengths were
// int16 once, and compact strings keep the limit.
const MaxString = math.MaxInt16

// AppendBool appends one byte, 1 or 0.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// BoolByte is the byte of a boolean, 1 or 0.
func BoolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// AppendInt8 appends one byte.
func AppendInt8(dst []byte, v int8) []byte { return append(dst, byte(v)) }

// AppendInt16 appends two bytes, big-endian as all that follow.
func AppendInt16(dst []byte, v int16) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) }

// AppendUint16 appends two bytes.
func AppendUint16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }

// AppendInt32 appends four bytes.
func AppendInt32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

// AppendUint32 appends four bytes.
func AppendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }

// AppendInt64 appends eight bytes.
func AppendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// AppendFloat64 appends eight bytes, IEEE 754.
func AppendFloat64(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

// AppendUUID appends sixteen bytes.
func AppendUUID(dst []byte, v UUID) []byte { return append(dst, v[:]...) }

// AppendUvarint appends an unsigned varint, one to five bytes.
func AppendUvarint(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendUvarlong appends an unsigned varint of up to ten bytes.
func AppendUvarlong(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

// AppendVarint appends a zigzag varint, one to five bytes.
func AppendVarint(dst []byte, v int32) []byte {
	return AppendUvarint(dst, uint32(v)<<1^uint32(v>>31))
}

// AppendVarlong appends a zigzag varint of up to ten bytes.
func AppendVarlong(dst []byte, v int64) []byte { return binary.AppendVarint(dst, v) }

// UvarintLen returns how many bytes [AppendUvarint] appends.
func UvarintLen(v uint32) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// AppendString appends a string with an int16 length. It panics if the string is longer
// than [MaxString], which the Check of messages finds before.
func AppendString(dst []byte, s string) []byte { return AppendFlexString(dst, s, false) }

// AppendNullableString appends a string with an int16 length, -1 for null.
func AppendNullableString(dst []byte, s NullString) []byte {
	return AppendFlexNullableString(dst, s, false)
}

// AppendCompactString appends a string with its length plus one as an unsigned varint. It
// panics as [AppendString] does.
func AppendCompactString(dst []byte, s string) []byte { return AppendFlexString(dst, s, true) }

// AppendCompactNullableString appends a compact string, length 0 for null.
func AppendCompactNullableString(dst []byte, s NullString) []byte {
	return AppendFlexNullableString(dst, s, true)
}

// AppendBytes appends bytes with an int32 length. Nil is empty.
func AppendBytes(dst, b []byte) []byte { return AppendFlexBytes(dst, b, false) }

// AppendNullableBytes appends bytes with an int32 length, -1 for nil.
func AppendNullableBytes(dst, b []byte) []byte { return AppendFlexNullableBytes(dst, b, false) }

// AppendCompactBytes appends bytes with their length plus one as an unsigned varint. Nil
// is empty.
func AppendCompactBytes(dst, b []byte) []byte { return AppendFlexBytes(dst, b, true) }

// AppendCompactNullableBytes appends compact bytes, length 0 for nil.
func AppendCompactNullableBytes(dst, b []byte) []byte {
	return AppendFlexNullableBytes(dst, b, true)
}

// AppendArrayLen appends the int32 count of an array, -1 for null.
func AppendArrayLen(dst []byte, n int) []byte {
	checkLen(n)
	return binary.BigEndian.AppendUint32(dst, uint32(n))
}

// AppendCompactArrayLen appends the count of an array plus one as an unsigned varint, so 0
// for null, which is -1.
func AppendCompactArrayLen(dst []byte, n int) []byte {
	checkLen(n)
	return AppendUvarint(dst, uint32(n+1))
}

// maxLen is the longest array, and the longest bytes: the compact form has one more than the
// length.
const maxLen = math.MaxInt32 - 1

func checkString(n int) {
	if n > MaxString {
		panic(tooLong("string", n, MaxString))
	}
}

func checkLen(n int) {
	if n > maxLen {
		panic(tooLong("length", n, maxLen))
	}
}

// tooLong is what a check panics with. Were it to panic itself, its callers would save their
// values for afterwards, on each call.
//
//go:noinline
func tooLong(what string, n, most int) string {
	return fmt.Sprintf("kbin: a %s of %d, the protocol carries %d: Check a message before AppendTo", what, n, most)
}

// The appenders of messages that have a classic and a compact form take which of them to
// write; the readers are called alike. Each does its work without further calls where the field
// is short, as nearly all are: a call takes as long as the rest. What only looks for null inlines.

// AppendFlexString appends a compact string if flex, else one with an int16 length.
func AppendFlexString(dst []byte, s string, flex bool) []byte {
	n := len(dst)
	if len(s) >= threeBytes || len(s)+2 > cap(dst)-n {
		return appendLongString(dst, s, flex)
	}
	switch b := dst[n : n+2]; {
	case !flex:
		b[0], b[1] = byte(len(s)>>8), byte(len(s))
		n += 2
	case len(s) < 0x7f:
		b[0] = byte(len(s) + 1)
		n++
	default:
		b[0], b[1] = byte(len(s)+1)|0x80, byte((len(s)+1)>>7)
		n += 2
	}
	// Moves that overlap are faster than a copy of a length that varies.
	to := dst[n : n+len(s)]
	switch {
	case len(s) > 16:
		copy(to, s)
	case len(s) >= 8:
		binary.LittleEndian.PutUint64(to, load64(s))
		binary.LittleEndian.PutUint64(to[len(to)-8:], load64(s[len(s)-8:]))
	case len(s) >= 4:
		binary.LittleEndian.PutUint32(to, load32(s))
		binary.LittleEndian.PutUint32(to[len(to)-4:], load32(s[len(s)-4:]))
	case len(s) > 0:
		to[0], to[len(to)/2], to[len(to)-1] = s[0], s[len(s)/2], s[len(s)-1]
	}
	return dst[:n+len(s)]
}

// threeBytes is the shortest length whose compact form, which is one more, takes three bytes.
const threeBytes = 1<<14 - 1

// load64 has the first bytes of s, which the compiler reads at once.
func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// appendLongString is AppendFlexString for strings that are long, or need a larger dst.
func appendLongString(dst []byte, s string, flex bool) []byte {
	checkString(len(s))
	if flex {
		dst = AppendUvarint(dst, uint32(len(s)+1))
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	}
	return append(dst, s...)
}

// AppendFlexNullableString appends a nullable string in compact or classic form.
func AppendFlexNullableString(dst []byte, s NullString, flex bool) []byte {
	switch {
	case s.Valid:
		return AppendFlexString(dst, s.S, flex)
	case flex:
		return append(dst, 0)
	}
	return append(dst, 0xff, 0xff)
}

// AppendFlexBytes appends bytes in compact or classic form. Nil is empty.
func AppendFlexBytes(dst, b []byte, flex bool) []byte {
	if b == nil {
		b = []byte{}
	}
	return AppendFlexNullableBytes(dst, b, flex)
}

// AppendFlexNullableBytes appends bytes in compact or classic form. Nil is null.
func AppendFlexNullableBytes(dst, b []byte, flex bool) []byte {
	switch {
	case b == nil && flex:
		return append(dst, 0)
	case b == nil:
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	case !flex:
		checkLen(len(b))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	case len(b) < 0x7f:
		dst = append(dst, byte(len(b)+1))
	case len(b) < threeBytes:
		dst = append(dst, byte(len(b)+1)|0x80, byte((len(b)+1)>>7))
	default:
		dst = AppendCompactArrayLen(dst, len(b))
	}
	return append(dst, b...)
}

// AppendFlexArrayLen appends the count of an array in compact or classic form, -1 for null.
func AppendFlexArrayLen(dst []byte, n int, flex bool) []byte {
	switch {
	case !flex:
		checkLen(n)
		return binary.BigEndian.AppendUint32(dst, uint32(n))
	case n < 0x7f:
		return append(dst, byte(n+1))
	}
	return AppendCompactArrayLen(dst, n)
}

// AppendNullableArrayLen appends the int32 count of an array, -1 if it is null.
func AppendNullableArrayLen(dst []byte, n int, null bool) []byte {
	if null {
		n = -1
	}
	return AppendArrayLen(dst, n)
}

// AppendCompactNullableArrayLen appends the count of a compact array, 0 if it is null.
func AppendCompactNullableArrayLen(dst []byte, n int, null bool) []byte {
	if null {
		n = -1
	}
	return AppendCompactArrayLen(dst, n)
}

// AppendFlexNullableArrayLen appends the count of an array or null in compact or classic
// form.
func AppendFlexNullableArrayLen(dst []byte, n int, null, flex bool) []byte {
	if null {
		n = -1
	}
	return AppendFlexArrayLen(dst, n, flex)
}

// StringsFit reports whether all strings are short enough for the protocol.
//
//go:noinline
func StringsFit[T ~string](s []T) bool {
	for i := range s {
		if len(s[i]) > MaxString {
			return false
		}
	}
	return true
}
