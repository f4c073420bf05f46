package kbin

import "encoding/binary"

// Resize returns s with length n, for decoding into it again: elements that s had, also
// beyond its length, stay as they are with the memory they hold, new ones are zero. A
// negative n, which is null, gives nil; 0 gives a slice that is not nil.
func Resize[S ~[]E, E any](s S, n int) S {
	switch {
	case n < 0:
		return nil
	case n <= cap(s) && s != nil:
		return s[:n]
	}
	grown := make(S, n)
	copy(grown, s[:cap(s)])
	return grown
}

// FlexInt32s reads an array, compact if flex, into s, growing it if needed.
func (r *Reader) FlexInt32s(s []int32, flex bool) []int32 {
	n, b := -1, r.buf[r.off:]
	switch {
	case flex && len(b) > 0:
		n, b = int(b[0])-1, b[1:]
	case !flex && len(b) >= 4:
		n, b = int(binary.BigEndian.Uint32(b)), b[4:]
	}
	if uint(n) < 0x7f && 4*n <= len(b) { // nearly all: few elements, which are there
		r.off = len(r.buf) - len(b) + 4*n
		if n > cap(s) || s == nil {
			s = r.newInt32s(n)
		}
		s = s[:n]
		for i := range s {
			s[i] = int32(binary.BigEndian.Uint32(b[4*i : 4*i+4]))
		}
		return s
	}
	return r.int32s(s, r.FlexArrayLen(4, flex))
}

// FlexNullableInt32s reads an array or null, which is nil.
func (r *Reader) FlexNullableInt32s(s []int32, flex bool) []int32 {
	return r.int32s(s, r.FlexNullableArrayLen(4, flex))
}

func (r *Reader) int32s(s []int32, n int) []int32 {
	switch {
	case n < 0:
		return nil
	case n <= cap(s) && s != nil:
		s = s[:n]
	default:
		s = r.newInt32s(n)
	}
	b := r.array(n, 4)
	for i := range len(b) / 4 {
		s[i] = int32(binary.BigEndian.Uint32(b[4*i : 4*i+4]))
	}
	return s
}

// newInt32s returns n values, not nil for none.
func (r *Reader) newInt32s(n int) []int32 {
	switch {
	case n == 0:
		return []int32{}
	case r.Arena != nil:
		return r.Arena.int32s(n)
	}
	return make([]int32, n)
}

// array returns the bytes of n values of a fixed size, which FlexArrayLen has seen to be
// there.
func (r *Reader) array(n, size int) []byte {
	if n <= 0 {
		return nil
	}
	return r.take(n*size, "an array")
}

// Int8s reads n values into s, growing it if needed. A negative n gives nil.
func Int8s[T ~int8](r *Reader, s []T, n int) []T {
	s = Resize(s, n)
	for i, b := range r.array(n, 1) {
		s[i] = T(b)
	}
	return s
}

// Int16s reads n values into s, growing it if needed. A negative n gives nil.
func Int16s[T ~int16](r *Reader, s []T, n int) []T {
	s = Resize(s, n)
	b := r.array(n, 2)
	for i := range len(b) / 2 {
		s[i] = T(binary.BigEndian.Uint16(b[2*i:]))
	}
	return s
}

// Int64s reads n values into s, growing it if needed. A negative n gives nil.
func Int64s[T ~int64](r *Reader, s []T, n int) []T {
	s = Resize(s, n)
	b := r.array(n, 8)
	for i := range len(b) / 8 {
		s[i] = T(binary.BigEndian.Uint64(b[8*i:]))
	}
	return s
}

// UUIDs reads n values into s, growing it if needed. A negative n gives nil.
func (r *Reader) UUIDs(s []UUID, n int) []UUID {
	s = Resize(s, n)
	b := r.array(n, 16)
	for i := range len(b) / 16 {
		s[i] = UUID(b[16*i:])
	}
	return s
}

// Strings reads n strings into s, growing it if needed; those that are equal already stay.
// A negative n gives nil.
func Strings[T ~string](r *Reader, s []T, n int, flex bool) []T {
	s = Resize(s, n)
	for i := range s {
		v := string(s[i])
		r.FlexString(&v, flex)
		s[i] = T(v)
	}
	return s
}

// AppendFlexInt32s appends an array with its count, compact if flex. Nil is empty.
func AppendFlexInt32s(dst []byte, s []int32, flex bool) []byte {
	switch {
	case !flex:
		checkLen(len(s))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	case len(s) < 0x7f:
		dst = append(dst, byte(len(s)+1))
	default:
		dst = AppendCompactArrayLen(dst, len(s))
	}
	for _, v := range s {
		dst = binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	return dst
}

// AppendFlexNullableInt32s appends an array with its count, compact if flex. Nil is null.
func AppendFlexNullableInt32s(dst []byte, s []int32, flex bool) []byte {
	if s == nil {
		return AppendFlexArrayLen(dst, -1, flex)
	}
	return AppendFlexInt32s(dst, s, flex)
}

// AppendInt8s appends values without a count.
//
//go:noinline
func AppendInt8s[T ~int8](dst []byte, s []T) []byte {
	for _, v := range s {
		dst = append(dst, byte(v))
	}
	return dst
}

// AppendInt16s appends values without a count.
//
//go:noinline
func AppendInt16s[T ~int16](dst []byte, s []T) []byte {
	for _, v := range s {
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

// AppendInt64s appends values without a count.
//
//go:noinline
func AppendInt64s[T ~int64](dst []byte, s []T) []byte {
	for _, v := range s {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

// AppendUUIDs appends values without a count.
//
//go:noinline
func AppendUUIDs(dst []byte, s []UUID) []byte {
	for i := range s {
		dst = append(dst, s[i][:]...)
	}
	return dst
}
