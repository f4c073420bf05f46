package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/klauspost/compress/s2"
)

const (
	// snappyHeader is what the Java library snappy-java begins with: its magic, the version of
	// its format and the lowest version that reads it. Blocks follow, each behind its length.
	// As raw snappy it would begin with a copy of what is not there.
	snappyHeader = snappyMagic + "\x00\x00\x00\x01\x00\x00\x00\x01"
	snappyMagic  = "\x82SNAPPY\x00"
	// snappyBlock is twice the Java library's. Snappy looks no further back than 64 KiB, and
	// the output is 3 % smaller at the same speed.
	snappyBlock = 64 << 10
)

// snappyWriter is where blocks go that might not fit into dst.
type snappyWriter struct {
	block [snappyBlock + 16]byte
}

func (c *Codecs) appendSnappy(dst, src []byte, raw bool) ([]byte, error) {
	if raw {
		n := s2.MaxEncodedLen(len(src))
		if n < 0 {
			return nil, errors.New("more than 4 GiB")
		}
		dst = grow(dst, n)
		return dst[:len(dst)+len(s2.EncodeSnappy(dst[len(dst):cap(dst)], src))], nil
	}
	w := c.snappy.take()
	if w == nil {
		w = new(snappyWriter)
	}
	dst = append(dst, snappyHeader...)
	for block := range slices.Chunk(src, snappyBlock) {
		dst = w.append(dst, block)
	}
	c.snappy.give(w)
	return dst, nil
}

func (w *snappyWriter) append(dst, block []byte) []byte {
	const length = 4
	at := len(dst)
	if cap(dst)-at-length >= s2.MaxEncodedLen(len(block)) {
		n := len(s2.EncodeSnappy(dst[at+length:cap(dst)], block))
		binary.BigEndian.PutUint32(dst[at:at+length], uint32(n))
		return dst[:at+length+n]
	}
	out := s2.EncodeSnappy(w.block[:], block)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(out)))
	return append(dst, out...)
}

// unsnappy takes no bytes at all for nothing: that is what some releases of Java write.
func unsnappy(dst, src []byte, limit int) ([]byte, error) {
	n, err := predictSnappy(src)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, ErrLimit
	}
	base, guess := len(dst), claimed(uint64(n), len(src))
	dst = grow(dst, guess)
	if len(src) > 0 && !isFramed(src) {
		return appendBlock(dst, base, guess, limit, src)
	}
	for len(src) > 0 {
		var block []byte
		if block, src, err = nextBlock(src); err != nil {
			return nil, err
		}
		if dst, err = appendBlock(dst, base, guess, limit, block); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendBlock decodes a block into the room that dst has, or that is made for it. No block decodes
// to none.
func appendBlock(dst []byte, base, guess, limit int, block []byte) ([]byte, error) {
	if block == nil {
		return dst, nil
	}
	n, err := snappySize(block)
	if err != nil {
		return nil, err
	}
	if n > cap(dst)-len(dst) {
		if n > believed*len(block) && !snappyHolds(block, n) {
			return nil, corrupt("%d bytes do not become %d", len(block), n)
		}
		dst = growTo(dst, base, guess, n, limit-(len(dst)-base))
	}
	if _, err := s2.Decode(dst[len(dst):len(dst)+n:len(dst)+n], block); err != nil {
		return nil, corrupt("%w", err)
	}
	return dst[:len(dst)+n], nil
}

func isFramed(src []byte) bool { return bytes.HasPrefix(src, []byte(snappyMagic)) }

// nextBlock cuts the first block from framed snappy, or a header, which is no block: it stands
// at the beginning, and again where somebody joined two outputs, as Java's reader expects.
func nextBlock(src []byte) (block, rest []byte, err error) {
	if isFramed(src) {
		if len(src) < len(snappyHeader) {
			return nil, nil, errShort
		}
		return nil, src[len(snappyHeader):], nil
	}
	if len(src) < 4 {
		return nil, nil, errShort
	}
	n := binary.BigEndian.Uint32(src)
	if src = src[4:]; uint64(n) > uint64(len(src)) {
		return nil, nil, errShort
	}
	return src[:n:n], src[n:], nil
}

// predictSnappy adds up what the blocks say.
func predictSnappy(src []byte) (int, error) {
	if len(src) > 0 && !isFramed(src) {
		return snappySize(src)
	}
	total := 0
	for len(src) > 0 {
		var block []byte
		var err error
		if block, src, err = nextBlock(src); err != nil {
			return 0, err
		}
		if block == nil {
			continue
		}
		n, err := snappySize(block)
		if err != nil {
			return 0, err
		}
		total = sum(total, n)
	}
	return total, nil
}

// snappySize is what a block says it decodes to, if that is possible: three bytes make 64 at
// most.
func snappySize(block []byte) (int, error) {
	n, length := binary.Uvarint(block)
	switch {
	case length == 0:
		return 0, errShort
	case length < 0 || n > math.MaxInt32:
		return 0, corrupt("length beyond 31 bits")
	case n > uint64(len(block)-length)*64/3:
		return 0, corrupt("%d bytes cannot become %d", len(block), n)
	}
	return int(n), nil
}

// snappyHolds reports whether a block becomes n bytes, by all of its elements, before there is
// room for them. Unlike the decoder it does not take the repeated offsets of S2.
func snappyHolds(block []byte, n int) bool {
	_, i := binary.Uvarint(block)
	size := 0
	for i < len(block) && size <= n {
		tag := block[i]
		i++
		length, offset, extra := int(tag>>2)+1, 0, 0
		switch tag & 3 {
		case 0: // literals
			if length > 60 {
				extra = length - 60
				if length = 1 + littleEndian(block, i, extra); length <= 0 {
					return false
				}
			}
			i += extra
			if length > len(block)-i {
				return false
			}
			i += length
			size += length
			continue
		case 1:
			length, extra = int(tag>>2&7)+4, 1
			offset = int(tag>>5)<<8 | littleEndian(block, i, 1)
		case 2:
			extra = 2
			offset = littleEndian(block, i, 2)
		case 3:
			extra = 4
			offset = littleEndian(block, i, 4)
		}
		if i += extra; i > len(block) || offset <= 0 || offset > size {
			return false
		}
		size += length
	}
	return i == len(block) && size == n
}

// littleEndian reads up to 4 bytes, or returns what is impossible if they are not there.
func littleEndian(b []byte, i, n int) (x int) {
	if n > len(b)-i {
		return math.MinInt32
	}
	for k := range n {
		x |= int(b[i+k]) << (8 * k)
	}
	return min(x, math.MaxInt32)
}
