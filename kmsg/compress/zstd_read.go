package compress

import (
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdMagic = "\x28\xb5\x2f\xfd"
	// zstdBlock is the most that comes out of a block.
	zstdBlock = 128 << 10
	// zstdSlack behind the output lets the library copy 16 bytes at a time up to its end.
	zstdSlack = 32
)

// zstdFrame is what can be said of a frame before it is decompressed.
type zstdFrame struct {
	size    int    // of the frame itself
	sized   bool   // the frame says what comes out:
	content uint64 // so much
	least   int    // what comes out at least, by the blocks that are not compressed
	most    int    // what can come out, by all blocks
	block   int    // what can come out of one block
	blocks  int    // where they begin
}

// readZstdFrame looks at the frame that src begins with and finds its end. A skippable frame
// has nothing in it.
func readZstdFrame(src []byte) (f zstdFrame, err error) {
	if len(src) >= 4 && src[0]&0xf0 == 0x50 && string(src[1:4]) == "\x2a\x4d\x18" {
		if len(src) < 8 || uint64(len(src)-8) < uint64(binary.LittleEndian.Uint32(src[4:])) {
			return f, errShort
		}
		f.size = 8 + int(binary.LittleEndian.Uint32(src[4:]))
		return f, nil
	}
	if n := min(len(src), len(zstdMagic)); string(src[:n]) != zstdMagic[:n] {
		return f, corrupt("no zstd frame begins with % x", src[:n])
	}
	at, err := f.readHeader(src)
	if err != nil {
		return f, err
	}
	f.blocks = at
	for last := false; !last; {
		if len(src) < at+3 {
			return f, errShort
		}
		header := int(src[at]) | int(src[at+1])<<8 | int(src[at+2])<<16
		at += 3
		last = header&1 != 0
		n := header >> 3
		if n > f.block {
			return f, corrupt("block of %d bytes where %d is the most", n, f.block)
		}
		least, most := n, n
		switch header >> 1 & 3 {
		case 0: // as it is
		case 1: // one byte again and again
			n = 1
		case 2: // compressed
			least, most = 0, f.block
		default:
			return f, corrupt("reserved type of block")
		}
		f.least, f.most = sum(f.least, least), sum(f.most, most)
		at += n
	}
	if src[4]&(1<<2) != 0 {
		at += 4 // checksum
	}
	if len(src) < at {
		return f, errShort
	}
	f.size = at
	if f.sized && (f.content > uint64(f.most) || f.content < uint64(f.least)) {
		return f, corrupt("%d to %d bytes where the frame says %d", f.least, f.most, f.content)
	}
	return f, nil
}

// readHeader returns where the blocks begin.
func (f *zstdFrame) readHeader(src []byte) (at int, err error) {
	if len(src) < 5 {
		return 0, errShort
	}
	flags := src[4]
	single := flags&(1<<5) != 0 // the window is as large as the content
	if flags&(1<<3) != 0 {
		return 0, corrupt("reserved bit in a frame's header")
	}
	at = 5
	window := uint64(0)
	if !single {
		if len(src) < at+1 {
			return 0, errShort
		}
		window = 1 << (10 + src[at]>>3)
		window += window / 8 * uint64(src[at]&7)
		at++
	}
	at += [...]int{0, 1, 2, 4}[flags&3] // a dictionary's number, which the library refuses
	n := 1 << (flags >> 6)
	if n == 1 && !single {
		n = 0
	}
	if len(src) < at+n {
		return 0, errShort
	}
	f.sized = n > 0
	switch n {
	case 1:
		f.content = uint64(src[at])
	case 2:
		f.content = uint64(binary.LittleEndian.Uint16(src[at:])) + 256
	case 4:
		f.content = uint64(binary.LittleEndian.Uint32(src[at:]))
	case 8:
		f.content = binary.LittleEndian.Uint64(src[at:])
	}
	if single {
		window = max(f.content, zstd.MinWindowSize)
	}
	f.block = int(min(window, zstdBlock))
	return at + n, nil
}

// unzstd reads frames to the end of src, skipping those that can be skipped. No frame at all is
// nothing, as to Java's reader.
func (c *Codecs) unzstd(dst, src []byte, limit int) ([]byte, error) {
	d := c.zstdDecoders.take()
	if d == nil {
		var err error
		d, err = zstd.NewReader(nil,
			zstd.WithDecoderLowmem(false), // 300 KiB at once rather than 190 bit by bit
			zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
	}
	defer c.zstdDecoders.give(d)
	base := len(dst)
	if cap(dst) == base {
		if first := min(c.predictZstd(src), limit); first > 0 {
			dst = grow(dst, first+zstdSlack)
		}
	}
	for len(src) > 0 {
		f, err := readZstdFrame(src)
		if err != nil {
			return nil, err
		}
		if f.block > 0 {
			if dst, err = c.appendFrame(d, dst, base, limit, src[:f.size], &f); err != nil {
				return nil, err
			}
		}
		src = src[f.size:]
	}
	return dst, nil
}

// appendFrame decompresses a frame into the room that dst has. The library stops where the room
// ends and cannot go on: a frame that needs more than the room, or than was guessed, is
// decompressed again, with twice as much, or four times below the size of a block. It refuses
// frames that say a size beyond the room, so where that is not believed it does not see it.
func (c *Codecs) appendFrame(d *zstd.Decoder, dst []byte, base, limit int, frame []byte, f *zstdFrame) ([]byte, error) {
	done := len(dst) - base
	left := limit - done
	if f.sized && f.content > uint64(left) || f.least > left {
		return nil, ErrLimit
	}
	// A block more than the limit tells what is too much from what is corrupt.
	most := int(min(uint64(f.most), uint64(left)+zstdBlock))
	room, guess := cap(dst)-len(dst), min(c.guessFrame(f), most)
	sized := f.sized
	switch n := int(f.content); {
	case f.sized && n <= max(room, guess, done):
		room = n
	case f.sized:
		frame, sized = f.unsized(frame), false
		room, most = max(room, guess), n
	case room == 0:
		room = guess
	}
	for {
		if cap(dst)-len(dst) < room {
			dst = grow(dst, max(room, min(done, left))+zstdSlack)
		}
		at := len(dst)
		room = min(cap(dst)-at, most+zstdSlack)
		out, err := d.DecodeAll(frame, dst[at:at:at+room])
		switch {
		case len(out) > left:
			return nil, ErrLimit
		case err == nil && f.sized && uint64(len(out)) != f.content:
			return nil, corrupt("%d bytes where the frame says %d", len(out), f.content)
		case err == nil && len(out) == 0:
			return dst, nil
		case err == nil && &out[0] == &dst[at : at+1][0]:
			return dst[:at+len(out)], nil
		case err == nil:
			return append(dst, out...), nil // the library has moved it, which it never does
		case sized || room >= most || len(out)+f.block <= room:
			return nil, corrupt("%w", err)
		}
		room = min(max(sum(room, room), min(4*min(room, f.block), f.block), guess), most)
	}
}

// guessFrame guesses what comes out of a frame: what it says, or at least by its blocks, as far as
// that is believed, or by the ratio.
func (c *Codecs) guessFrame(f *zstdFrame) int {
	if f.sized {
		return claimed(f.content, f.size)
	}
	return max(claimed(uint64(f.least), f.size), min(f.most, c.ratios[Zstd].of(f.size)))
}

// unsized copies a frame without its size, and with a window as large as that instead.
func (f *zstdFrame) unsized(frame []byte) []byte {
	flags := frame[4]
	b := append(make([]byte, 0, len(frame)+1), zstdMagic...)
	b = append(b, flags&(1<<2|3)) // checksum, dictionary
	rest := frame[5:]
	if flags&(1<<5) == 0 {
		b, rest = append(b, rest[0]), rest[1:]
	} else {
		log := bits.Len64(max(f.content, zstd.MinWindowSize) - 1)
		b = append(b, byte(min(log, bits.Len64(zstd.MaxWindowSize)-1)-10)<<3)
	}
	n := [...]int{0, 1, 2, 4}[flags&3]
	b = append(b, rest[:n]...)
	return append(b, frame[f.blocks:]...)
}

func (c *Codecs) predictZstd(src []byte) int {
	total, whole := 0, src
	for len(src) > 0 {
		f, err := readZstdFrame(src)
		if err != nil {
			return 0
		}
		total = sum(total, c.guessFrame(&f))
		src = src[f.size:]
	}
	return claimed(uint64(total), len(whole))
}
