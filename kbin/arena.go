package kbin

import "strings"

// An Arena makes strings and arrays of int32 out of larger pieces of memory, for messages
// that are decoded once into fresh values. One small survivor keeps its whole piece alive,
// so it is not for values of which a few live long. The zero value is ready; it is for one
// goroutine at a time, and may serve many messages.
type Arena struct {
	texts strings.Builder
	ints  []int32
}

const (
	textPiece = 4096 // bytes
	intPiece  = 1024 // values
)

// text returns b as a string.
func (a *Arena) text(b []byte) string {
	if len(b) > textPiece/4 {
		return string(b)
	}
	if a.texts.Cap()-a.texts.Len() < len(b) {
		a.texts.Reset()
		a.texts.Grow(textPiece)
	}
	start := a.texts.Len()
	a.texts.Write(b)
	return a.texts.String()[start:]
}

// int32s returns n zeros that nobody else has.
func (a *Arena) int32s(n int) []int32 {
	if n > intPiece/4 {
		return make([]int32, n)
	}
	if len(a.ints) < n {
		a.ints = make([]int32, intPiece)
	}
	s := a.ints[:n:n]
	a.ints = a.ints[n:]
	return s
}
