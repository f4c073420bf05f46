package compress

import (
	"encoding/binary"

	"github.com/pierrec/lz4/v4"
)

// lz4Frame is what a frame's header says.
type lz4Frame struct {
	flags     byte
	blockSize int    // of a block, at most
	content   uint64 // size of all, if the flags say so
}

// lz4FrameBlock is a block as it stands in a frame.
type lz4FrameBlock struct {
	data       []byte // none at the end of the frame, as Java sees it: whatever the flag says
	compressed bool
	checksum   []byte // four bytes, if the frame has them
}

// readLZ4Header returns the rest of src.
func readLZ4Header(src []byte) (f lz4Frame, rest []byte, err error) {
	if n := min(len(src), len(lz4Magic)); string(src[:n]) != lz4Magic[:n] {
		return f, nil, corrupt("no LZ4 frame begins with % x", src[:n])
	}
	n := len(lz4Magic) + 2
	if len(src) < n+1 {
		return f, nil, errShort
	}
	f.flags = src[n-2]
	blockSize := src[n-1]
	if f.flags&lz4ContentSize != 0 {
		n += 8
		if len(src) < n+1 {
			return f, nil, errShort
		}
		f.content = binary.LittleEndian.Uint64(src[n-8:])
	}
	switch {
	case f.flags&0b11_000000 != lz4Version, f.flags&lz4Reserved != 0, blockSize&0b1_000_1111 != 0, blockSize>>4 < 4:
		return f, nil, corrupt("frame flags %02x%02x", f.flags, blockSize)
	case f.flags&lz4Dictionary != 0:
		return f, nil, corrupt("the frame needs a dictionary")
	case src[n] != byte(xxh32(src[len(lz4Magic):n])>>8) && src[n] != byte(xxh32(src[:n])>>8):
		// The second is the wrong one of message sets of version 0, KIP-57.
		return f, nil, corrupt("header checksum")
	}
	f.blockSize = 1 << (8 + 2*(blockSize>>4)) // 64 KiB to 4 MiB
	return f, src[n+1:], nil
}

// nextBlock cuts a block from what follows the header.
func (f *lz4Frame) nextBlock(src []byte) (block lz4FrameBlock, rest []byte, err error) {
	if len(src) < 4 {
		return block, nil, errShort
	}
	length := binary.LittleEndian.Uint32(src)
	n, sum := int(length&^lz4Uncompressed), 0
	src = src[4:]
	if f.flags&lz4BlockChecksum != 0 && n > 0 {
		sum = 4
	}
	switch {
	case n > f.blockSize:
		return block, nil, corrupt("block of %d bytes where %d is the most", n, f.blockSize)
	case n+sum > len(src):
		return block, nil, errShort
	}
	block.data, block.checksum = src[:n:n], src[n:n+sum]
	block.compressed = length&lz4Uncompressed == 0
	return block, src[n+sum:], nil
}

// unlz4 reads one frame, and like Java's reader nothing behind it.
func (c *Codecs) unlz4(dst, src []byte, limit int) ([]byte, error) {
	f, rest, err := readLZ4Header(src)
	if err != nil {
		return nil, err
	}
	sized := f.flags&lz4ContentSize != 0
	if sized && f.content > uint64(limit) {
		return nil, ErrLimit
	}
	base, guess := len(dst), c.predictLZ4(src)
	for {
		var block lz4FrameBlock
		if block, rest, err = f.nextBlock(rest); err != nil {
			return nil, err
		}
		if len(block.data) == 0 {
			break
		}
		if len(block.checksum) > 0 && binary.LittleEndian.Uint32(block.checksum) != xxh32(block.data) {
			return nil, corrupt("block checksum")
		}
		if dst, err = f.appendBlock(dst, base, guess, limit, block); err != nil {
			return nil, err
		}
	}
	if f.flags&lz4ContentChecksum != 0 {
		if len(rest) < 4 {
			return nil, errShort
		}
		if binary.LittleEndian.Uint32(rest) != xxh32(dst[base:]) {
			return nil, corrupt("content checksum")
		}
	}
	if n := len(dst) - base; sized && f.content != uint64(n) {
		return nil, corrupt("%d bytes where the frame says %d", n, f.content)
	}
	return dst, nil
}

// appendBlock appends what a block holds. It decompresses into what room there is, up to the
// limit; only if that fails it looks how much the block holds, makes room and tries again.
func (f *lz4Frame) appendBlock(dst []byte, base, guess, limit int, block lz4FrameBlock) ([]byte, error) {
	left := limit - (len(dst) - base)
	if !block.compressed {
		n := len(block.data)
		if n > left {
			return nil, ErrLimit
		}
		if n > cap(dst)-len(dst) {
			dst = growTo(dst, base, guess, n, left)
		}
		return append(dst, block.data...), nil
	}
	if len(dst) == cap(dst) {
		dst = growTo(dst, base, guess, 0, left)
	}
	most := min(f.blockSize, len(block.data)*lz4Ratio)
	room := min(cap(dst)-len(dst), left, most)
	if room > 0 { // with no dst at all the library's assembly would crash
		if n, err := f.decode(dst, base, room, block); err == nil {
			return dst[:len(dst)+n], nil
		}
	}
	before := 0
	if f.flags&lz4Independent == 0 {
		before = min(len(dst)-base, lz4Window)
	}
	n := lz4Size(block.data, before)
	switch {
	case n <= room || n > most:
		return nil, corrupt("block of %d bytes", len(block.data))
	case n > left:
		return nil, ErrLimit
	}
	dst = growTo(dst, base, guess, n, left)
	n, err := f.decode(dst, base, n, block)
	if err != nil {
		return nil, corrupt("block of %d bytes", len(block.data))
	}
	return dst[:len(dst)+n], nil
}

// decode decompresses a block to behind dst.
func (f *lz4Frame) decode(dst []byte, base, room int, block lz4FrameBlock) (int, error) {
	at := len(dst)
	var window []byte
	if f.flags&lz4Independent == 0 {
		window = dst[max(base, at-lz4Window):at]
	}
	return lz4.UncompressBlockWithDict(block.data, dst[at:at+room], window)
}

// lz4Size adds up what the sequences of a block make, or returns -1 if they copy from where
// nothing is: there are so many bytes before the block.
func lz4Size(block []byte, before int) int {
	size := 0
	for i := 0; i < len(block); {
		token := block[i]
		i++
		literals := int(token >> 4)
		if literals == 15 {
			more, n := lz4Length(block[i:])
			literals += more
			i += n
		}
		i += literals
		size += literals
		if i == len(block) {
			break // the last sequence has only literals
		}
		i += 2 // how far back
		match := int(token&15) + 4
		if i > len(block) {
			return -1
		}
		if back := int(block[i-2]) | int(block[i-1])<<8; back == 0 || back > size+before {
			return -1
		}
		if match == 19 {
			more, n := lz4Length(block[i:])
			match += more
			i += n
		}
		size += match
	}
	return size
}

// lz4Length adds up bytes to the first that is not 255.
func lz4Length(b []byte) (sum, n int) {
	for n < len(b) {
		x := b[n]
		sum += int(x)
		n++
		if x != 255 {
			break
		}
	}
	return sum, n
}

// predictLZ4 goes by the frame's size, if it has one.
func (c *Codecs) predictLZ4(src []byte) int {
	f, _, err := readLZ4Header(src)
	if err != nil {
		return 0
	}
	if f.flags&lz4ContentSize != 0 {
		return claimed(f.content, len(src))
	}
	return c.ratios[LZ4].of(len(src))
}
