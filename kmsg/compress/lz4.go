package compress

import (
	"encoding/binary"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// The LZ4 frame format, as far as Kafka's Java reader takes it: one frame, version 1, blocks
// that do not depend on each other.
const (
	lz4Magic = "\x04\x22\x4d\x18"

	lz4Version         = 0b01_000000
	lz4Independent     = 0b00_100000
	lz4BlockChecksum   = 0b00_010000
	lz4ContentSize     = 0b00_001000
	lz4ContentChecksum = 0b00_000100
	lz4Reserved        = 0b00_000010
	lz4Dictionary      = 0b00_000001

	// Our frames have blocks of 64 KiB, like Java's: larger ones are 1.3 times slower for 3 %
	// fewer bytes. They have neither sizes nor checksums, like Java's; the batch has a CRC.
	lz4Block  = 64 << 10
	lz4Header = lz4Magic + "\x60\x40\x82"
	// Clients took the magic into the header's checksum before message sets of version 1.
	lz4HeaderV0 = lz4Magic + "\x60\x40\x1a"

	lz4Uncompressed = 1 << 31 // flag in a block's length
	// lz4Ratio is the most that LZ4 makes of a byte.
	lz4Ratio = 255
	// lz4Window is how far back matches reach, in frames whose blocks depend on each other.
	lz4Window = 64 << 10
)

// lz4Writer compresses blocks with a compressor of the library, which is a table of 128 or
// 256 KiB. The library's writer of frames is not used: it draws on pools of the whole process.
type lz4Writer struct {
	compressor blockCompressor
	out        [lz4Block + lz4Block/255 + 16]byte // where blocks go that might not fit into dst
}

type blockCompressor interface {
	CompressBlock(src, dst []byte) (int, error)
}

func (c *Codecs) lz4(dst, src []byte, level int, v0 bool) []byte {
	states := &c.lz4Fast
	fast := level == 0 || level == 9
	if !fast {
		states = &c.lz4High
	}
	w := states.take()
	if w == nil {
		w = &lz4Writer{compressor: new(lz4.Compressor)}
		if !fast {
			w.compressor = new(lz4.CompressorHC)
		}
	}
	if !fast {
		w.compressor.(*lz4.CompressorHC).Level = 1 << (level - 1) // of attempts, as in Java's library
	}
	if v0 {
		dst = append(dst, lz4HeaderV0...)
	} else {
		dst = append(dst, lz4Header...)
	}
	for block := range slices.Chunk(src, lz4Block) {
		dst = w.append(dst, block)
	}
	states.give(w)
	return append(dst, 0, 0, 0, 0)
}

// append adds a block, behind its length, uncompressed if it does not become smaller.
func (w *lz4Writer) append(dst, block []byte) []byte {
	const length = 4
	at := len(dst)
	out := w.out[:]
	direct := cap(dst)-at-length >= lz4.CompressBlockBound(len(block))
	if direct {
		out = dst[at+length : cap(dst)]
	}
	n, err := w.compressor.CompressBlock(block, out)
	switch {
	case err != nil || n == 0 || n >= len(block):
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block))|lz4Uncompressed)
		return append(dst, block...)
	case direct:
		binary.LittleEndian.PutUint32(dst[at:at+length], uint32(n))
		return dst[:at+length+n]
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	return append(dst, out[:n]...)
}
