package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// stream makes a frame as writers of streams do, like Java's: without the size of what is in it.
func stream(t testing.TB, src []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, append(opts, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(src, 10_000) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Frames with and without a checksum, of streams, of every level are read, into no room, into
// some and into all that is needed.
func TestZstdFromLibrary(t *testing.T) {
	c := new(compress.Codecs)
	for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
		for _, checksum := range []bool{false, true} {
			for _, n := range []int{1, 1000, 100_000, 1_000_000} {
				src := payload(fmt.Sprint("text:", n))
				packed := stream(t, src, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(checksum))
				for _, room := range []int{0, 1, n / 2, n - 1, n, n + 1000} {
					got, err := c.Decompress(make([]byte, 3, 3+room), packed, compress.Zstd, n)
					if err != nil || !bytes.Equal(got[3:], src) {
						t.Errorf("%v, %d bytes, room of %d: %v", level, n, room, err)
					}
					if got, err := c.Decompress(make([]byte, 3, 3+room), packed, compress.Zstd, n-1); !errors.Is(err, compress.ErrLimit) {
						t.Errorf("%v, %d bytes, room of %d, and a limit of one less: got %d bytes, %v", level, n, room, len(got), err)
					}
				}
			}
		}
	}
}

// The stream reader shares less with what is used here.
func TestZstdToLibrary(t *testing.T) {
	c := new(compress.Codecs)
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 1000, 100_000, 3_000_000} {
		src := payload(fmt.Sprint("text:", n))
		for _, level := range []int{-1, 0, 3, 6} {
			packed, err := c.Compress(nil, src, compress.Settings{Codec: compress.Zstd, Level: level})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Reset(io.MultiReader(bytes.NewReader(packed))); err != nil { // hides the bytes.Reader, which is decoded at one go
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, src) {
				t.Errorf("%d bytes, level %d: %v", n, level, err)
			}
		}
	}
}

// skippable is a frame that holds nothing for us.
func skippable(n int) []byte {
	return append([]byte{0x5A, 0x2A, 0x4D, 0x18, byte(n), 0, 0, 0}, make([]byte, n)...)
}

// zstdFrame puts blocks behind a header; blockOf makes them. The header of streams that the
// tests use is "\x00\x58", a window of 2 MiB.
func zstdFrame(header string, blocks ...[]byte) []byte {
	return append([]byte("\x28\xb5\x2f\xfd"+header), slices.Concat(blocks...)...)
}

// blockOf is a block: its type (0 as it is, 1 one byte again and again, 2 compressed), the size
// its header says and its bytes.
func blockOf(kind, size int, last bool, data string) []byte {
	h := size<<3 | kind<<1
	if last {
		h |= 1
	}
	return append([]byte{byte(h), byte(h >> 8), byte(h >> 16)}, data...)
}

func TestZstdFrames(t *testing.T) {
	c := new(compress.Codecs)
	one := stream(t, []byte("one, "))
	two, err := c.Compress(nil, []byte("two"), compress.Settings{Codec: compress.Zstd})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		src  []byte
		want string
	}{
		{"nothing at all, as some releases of Java write nothing", nil, ""},
		{"frames", slices.Concat(one, two), "one, two"},
		{"skippable frames", slices.Concat(skippable(0), one, skippable(100), two, skippable(1)), "one, two"},
		{"skippable frame alone", skippable(3), ""},
		{"blocks as they are", zstdFrame("\x00\x58", blockOf(0, 3, false, "one"), blockOf(0, 0, false, ""), blockOf(0, 2, true, ", ")), "one, "},
		{"a byte again and again", zstdFrame("\x00\x58", blockOf(1, 5, true, "x")), "xxxxx"},
		{"a byte of window", zstdFrame("\x20\x01", blockOf(0, 1, true, "x")), "x"},
		{"no byte", zstdFrame("\x20\x00", blockOf(0, 0, true, "")), ""},
	} {
		got, err := c.Decompress(nil, row.src, compress.Zstd, 100)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
	for _, row := range []struct {
		name string
		src  []byte
	}{
		{"text", []byte("this is no frame")},
		{"text behind a frame", slices.Concat(two, []byte("this is no frame"))},
		{"zeros behind a frame", slices.Concat(two, make([]byte, 10))},
		{"frame cut behind a frame", slices.Concat(two, one[:len(one)-1])},
		{"skippable frame cut", skippable(10)[:17]},
		{"reserved bit", zstdFrame("\x08\x58", blockOf(0, 1, true, "x"))},
		{"reserved block", zstdFrame("\x00\x58", blockOf(3, 1, true, "x"))},
		{"dictionary", zstdFrame("\x01\x58\x07", blockOf(0, 1, true, "x"))},
		{"block beyond 128 KiB", zstdFrame("\x00\x58", blockOf(1, 128<<10+1, true, "x"))},
		{"block beyond the window", zstdFrame("\x00\x00", blockOf(1, 1025, true, "x"))},
		{"more than the frame says", zstdFrame("\x20\x01", blockOf(0, 2, true, "xx"))},
		{"less than the frame says", zstdFrame("\x20\x03", blockOf(0, 2, true, "xx"))},
		{"checksum", func() []byte { b := stream(t, []byte("checked")); b[len(b)-1]++; return b }()},
		{"compressed nonsense", zstdFrame("\x00\x58", blockOf(2, 8, true, "nonsense"))},
	} {
		if got, err := c.Decompress(nil, row.src, compress.Zstd, 1<<20); !errors.Is(err, compress.ErrCorrupt) {
			t.Errorf("%s: got %q, %v, want %v", row.name, got, err, compress.ErrCorrupt)
		}
	}
}

// Our frames say the size of what is in them, from 256 bytes on, and carry no checksum.
func TestZstdHeader(t *testing.T) {
	c := new(compress.Codecs)
	for _, level := range []int{0, 3, 6} {
		for _, n := range []int{0, 1000, 10_000, 5_000_000} {
			packed, err := c.Compress(nil, payload(fmt.Sprint("zeros:", n)), compress.Settings{Codec: compress.Zstd, Level: level})
			if err != nil {
				t.Fatal(err)
			}
			var h zstd.Header
			if err := h.Decode(packed); err != nil {
				t.Fatal(err)
			}
			if !h.HasFCS || h.FrameContentSize != uint64(n) || h.HasCheckSum || h.WindowSize > 1<<20 {
				t.Errorf("level %d, %d bytes: got %+v", level, n, h)
			}
		}
	}
}

// A size beyond what is believed is held against what comes out, too.
func TestZstdSizeBeyondBelief(t *testing.T) {
	c := new(compress.Codecs)
	packed, err := c.Compress(nil, make([]byte, 1<<20), compress.Settings{Codec: compress.Zstd})
	if err != nil {
		t.Fatal(err)
	}
	at := 6
	if packed[4]&(1<<5) != 0 {
		at = 5
	}
	if packed[4]>>6 != 2 || binary.LittleEndian.Uint32(packed[at:]) != 1<<20 {
		t.Fatalf("no size of 4 bytes at byte %d of % x", at, packed[:14])
	}
	for _, more := range []uint32{0, 1, 2_000, math.MaxUint32} {
		binary.LittleEndian.PutUint32(packed[at:], 1<<20+more)
		out, err := c.Decompress(nil, packed, compress.Zstd, 4<<20)
		if ok := more == 0; ok != (err == nil) || !ok && !errors.Is(err, compress.ErrCorrupt) {
			t.Errorf("a frame that says %d: got %d bytes and %v", 1<<20+more, len(out), err)
		}
	}
}
