package batch

import "hash/crc32"

// castagnoli is the polynomial of batches since format 2; older formats use IEEE's.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksums of two runs of bytes can be joined into that of both together without reading
// them again: the first is shifted by the length of the second run, and the second added. A
// shift is a multiplication, of polynomials over one bit modulo the checksum's own, by x to
// the power of so many bits.

// times multiplies two polynomials modulo the checksum's. The highest bit is x to the 0.
func times(a, b uint32) uint32 {
	var p uint32
	for range 32 {
		p ^= b & -(a >> 31)
		a <<= 1
		b = b>>1 ^ crc32.Castagnoli&-(b&1)
	}
	return p
}

// squares has x to the power of 1, 2, 4, 8 and so on.
var squares = func() (powers [34]uint32) {
	powers[0] = 1 << 30 // x
	for i := 1; i < len(powers); i++ {
		powers[i] = times(powers[i-1], powers[i-1])
	}
	return powers
}()

// shiftOf returns what shifts a checksum by n bytes, which join takes.
func shiftOf(n int) uint32 {
	shift := uint32(1) << 31 // x to the 0
	for i := 3; n > 0; n, i = n>>1, i+1 {
		if n&1 != 0 {
			shift = times(shift, squares[i])
		}
	}
	return shift
}

// join returns the checksum of two runs of bytes from theirs and the shift of the second.
func join(first, second, shiftOfSecond uint32) uint32 { return times(first, shiftOfSecond) ^ second }
