package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Frames written by the library with all its options are read.
func TestLZ4FromLibrary(t *testing.T) {
	c := new(compress.Codecs)
	for _, n := range []int{0, 1, 1000, 300_000} {
		src := payload(fmt.Sprint("text:", n))
		for _, size := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb} {
			for checks := range 8 {
				var b bytes.Buffer
				w := lz4.NewWriter(&b)
				opts := []lz4.Option{lz4.BlockSizeOption(size), lz4.BlockChecksumOption(checks&1 != 0), lz4.ChecksumOption(checks&2 != 0)}
				if checks&4 != 0 {
					opts = append(opts, lz4.SizeOption(uint64(n)))
				}
				if err := w.Apply(opts...); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(src); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				got, err := c.Decompress(nil, b.Bytes(), compress.LZ4, n)
				if err != nil || !bytes.Equal(got, src) {
					t.Errorf("%d bytes, %v: %v", n, opts, err)
				}
				if got, err := c.Decompress(nil, b.Bytes(), compress.LZ4, n-1); n > 0 && !errors.Is(err, compress.ErrLimit) {
					t.Errorf("%d bytes, %v, and a limit of one less: got %d bytes, %v", n, opts, len(got), err)
				}
			}
		}
	}
}

func TestLZ4ToLibrary(t *testing.T) {
	c := new(compress.Codecs)
	for _, n := range []int{0, 1, 1000, 65_537, 300_000} {
		for _, kind := range []string{"text", "noise", "zeros"} {
			for _, level := range []int{0, 1, 9, 17} {
				src := payload(fmt.Sprint(kind, ":", n))
				packed, err := c.Compress(nil, src, compress.Settings{Codec: compress.LZ4, Level: level})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(packed))); err != nil || !bytes.Equal(got, src) {
					t.Errorf("%s:%d level %d: %v", kind, n, level, err)
				}
			}
		}
	}
}

// Higher levels make less, and 9 is the default as in the Java client.
func TestLZ4Levels(t *testing.T) {
	c := new(compress.Codecs)
	src := records(largeRecord, 200_000, 1)
	size := func(level int) int {
		packed, err := c.Compress(nil, src, compress.Settings{Codec: compress.LZ4, Level: level})
		if err != nil {
			t.Fatal(err)
		}
		return len(packed)
	}
	last := len(src)
	for _, level := range []int{1, 3, 5, 7, 8, 10} {
		if n := size(level); n >= last {
			t.Errorf("level %d makes %d bytes, the level before %d", level, n, last)
		} else {
			last = n
		}
	}
	if got, want := size(9), size(0); got != want {
		t.Errorf("level 9 makes %d bytes, want %d as the default", got, want)
	}
}

// frame puts blocks between a header with flags, whose checksum is right, and the end mark.
// A block that begins with "raw:" stands as it is.
func frame(flags byte, blocks ...string) []byte {
	checksums := map[byte]byte{0x60: 0x82, 0x40: 0xc0} // made by the reference implementation
	b := []byte{0x04, 0x22, 0x4d, 0x18, flags, 0x40, checksums[flags]}
	for _, block := range blocks {
		data, isRaw := strings.CutPrefix(block, "raw:")
		n := uint32(len(data))
		if isRaw {
			n |= 1 << 31
		}
		b = binary.LittleEndian.AppendUint32(b, n)
		b = append(b, data...)
	}
	return append(b, 0, 0, 0, 0)
}

func TestLZ4Frames(t *testing.T) {
	c := new(compress.Codecs)
	// Two blocks; the second copies 16 bytes from the first, which only dependent blocks may.
	linked := []string{"raw:0123456789abcdef", "\x0c\x10\x00\x50hello"}
	for _, row := range []struct {
		name string
		src  []byte
		want string
	}{
		{"empty", frame(0x60), ""},
		{"raw block", frame(0x60, "raw:hello"), "hello"},
		{"literals alone", frame(0x60, "\x50hello"), "hello"},
		{"blocks", frame(0x60, "\x50hello", "raw: ", "\x50world"), "hello world"},
		{"blocks that depend on each other", frame(0x40, linked...), "0123456789abcdef0123456789abcdefhello"},
		{"end with the flag of a raw block", append(frame(0x60, "raw:hello")[:16], 0, 0, 0, 0x80), "hello"},
		{"bytes behind the frame", slices.Concat(frame(0x60, "raw:hello"), []byte("more")), "hello"},
		{"a frame behind the frame", slices.Concat(frame(0x60, "raw:hello"), frame(0x60, "raw:more")), "hello"},
		{"wrong header checksum of message sets v0", slices.Concat([]byte("\x04\x22\x4d\x18\x60\x40\x1a"), frame(0x60, "raw:hello")[7:]), "hello"},
	} {
		got, err := c.Decompress(nil, row.src, compress.LZ4, 100)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
	for _, row := range []struct {
		name string
		src  []byte
	}{
		{"nothing", nil},
		{"other magic", slices.Concat([]byte("\x02\x21\x4c\x18"), frame(0x60)[4:])}, // the old format
		{"skippable frame", []byte("\x50\x2a\x4d\x18\x00\x00\x00\x00")},
		{"header checksum", slices.Concat([]byte("\x04\x22\x4d\x18\x60\x40\x83"), frame(0x60)[7:])},
		{"reserved bit of the block size", frameWith("\x60\xc0")},
		{"version 0", frameWith("\x20\x40")},
		{"reserved flag", frameWith("\x62\x40")},
		{"block size 3", frameWith("\x60\x30")},
		{"dictionary", frameWith("\x61\x40\x01\x00\x00\x00")},
		{"block beyond the frame's size", frame(0x60, "raw:"+strings.Repeat("x", 65_537))},
		{"block that makes more than the frame's size", frame(0x60, "\x1fx\x01\x00"+strings.Repeat("\xff", 300)+"\x00\x50hello")},
		{"copy of what is not there", frame(0x60, "\x0c\x10\x00\x50hello")},
		{"copy from the block before", frame(0x60, linked...)},
		{"offset 0", frame(0x60, "\x1cx\x00\x00\x50hello")},
		{"literals beyond the block", frame(0x60, "\x60hello")},
	} {
		if got, err := c.Decompress(nil, row.src, compress.LZ4, 1<<20); !errors.Is(err, compress.ErrCorrupt) {
			t.Errorf("%s: got %d bytes, %v, want %v", row.name, len(got), err, compress.ErrCorrupt)
		}
	}
}

// Blocks that depend on others do not reach what stood in dst before.
func TestLZ4ReachesNoFurther(t *testing.T) {
	linked := frame(0x40, "\x0c\x10\x00\x50hello")
	got, err := new(compress.Codecs).Decompress([]byte("sixteen of bytes"), linked, compress.LZ4, 100)
	if !errors.Is(err, compress.ErrCorrupt) {
		t.Errorf("got %q, %v, want %v", got, err, compress.ErrCorrupt)
	}
}

// headerChecksum is for headers that the library would not write.
func headerChecksum(header []byte) byte { return byte(compress.XXH32(header) >> 8) }

// frameWith is an empty frame with a header of its own.
func frameWith(header string) []byte {
	b := append([]byte("\x04\x22\x4d\x18"), header...)
	return append(b, headerChecksum([]byte(header)), 0, 0, 0, 0)
}

// What the frame says of itself is checked.
func TestLZ4Checks(t *testing.T) {
	c := new(compress.Codecs)
	src := payload("text:1000")
	for _, row := range []struct {
		opt   lz4.Option
		spoil func([]byte)
		want  string
	}{
		{lz4.ChecksumOption(true), func(b []byte) { b[len(b)-1]++ }, "content checksum"},
		{lz4.BlockChecksumOption(true), func(b []byte) { b[len(b)-4-1]++ }, "block checksum"},
		{lz4.SizeOption(1000), func(b []byte) { b[6]++; b[14] = headerChecksum(b[4:14]) }, "1000 bytes where the frame says 1001"},
	} {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		if err := w.Apply(lz4.ChecksumOption(false), row.opt); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(src); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decompress(nil, b.Bytes(), compress.LZ4, 2000); err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%v: %v", row.opt, err)
		}
		row.spoil(b.Bytes())
		if got, err := c.Decompress(nil, b.Bytes(), compress.LZ4, 2000); !errors.Is(err, compress.ErrCorrupt) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %d bytes, %v, want %q", len(got), err, row.want)
		}
	}
}

// What lz4Size adds up is what comes out.
func TestLZ4Size(t *testing.T) {
	for _, row := range []struct {
		block  string
		before int
		want   int
	}{
		{"\x1fx\x01\x00\x00\x10y", 0, 21},
		{"\x1fx\x02\x00\x00\x10y", 0, -1}, // from before the beginning
		{"\x1fx\x02\x00\x00\x10y", 1, 21},
		{"\x1fx\x00\x00\x00\x10y", 9, -1}, // from nowhere
		{"\x1fx\x01", 0, -1},
	} {
		if got := compress.LZ4Size([]byte(row.block), row.before); got != row.want {
			t.Errorf("%x after %d bytes: got %d, want %d", row.block, row.before, got, row.want)
		}
	}
	var compressor lz4.Compressor
	for _, src := range [][]byte{payload("text:1"), payload("text:100"), payload("text:65536"), payload("zeros:65536"), records(smallRecord, 65_536, 1)} {
		block := make([]byte, lz4.CompressBlockBound(len(src)))
		n, err := compressor.CompressBlock(src, block)
		if err != nil {
			t.Fatal(err)
		}
		if got := compress.LZ4Size(block[:n], 0); got != len(src) {
			t.Errorf("got %d, want %d", got, len(src))
		}
	}
}
