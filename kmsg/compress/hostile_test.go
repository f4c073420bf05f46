package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// hostile decompresses what may be anything, and holds it to what is promised: an error of the
// package's with one of its causes and dst as it was, or bytes within the limit; and memory in
// proportion to the limit, all together, beside the state of the codec: buffers grow fourfold,
// and the library of Zstd may make one larger before it notices.
func hostile(t *testing.T, src []byte, codec compress.Codec, limit int) ([]byte, error) {
	t.Helper()
	const state = 1 << 20
	c := new(compress.Codecs)
	var out []byte
	var err error
	got := allocated(func() { out, err = c.Decompress(nil, src, codec, limit) })
	if bound := state + 4*(limit+128<<10); got > uint64(bound) {
		t.Errorf("%v: %d bytes with a limit of %d allocated %d", codec, len(src), limit, got)
	}
	if err != nil {
		var e *compress.Error
		if !errors.As(err, &e) || e.Codec != codec || !errors.Is(err, compress.ErrCorrupt) && !errors.Is(err, compress.ErrLimit) {
			t.Errorf("%v: got %T %v", codec, err, err)
		}
		if len(out) > 0 {
			t.Errorf("%v: got %d bytes with the error %v", codec, len(out), err)
		}
	} else if len(out) > limit {
		t.Errorf("%v: got %d bytes with a limit of %d", codec, len(out), limit)
	}
	return out, err
}

// Bytes that are cut off anywhere are an error, where the format has an end to miss.
func TestCut(t *testing.T) {
	c := new(compress.Codecs)
	src := payload("text:150000")[:140_000]
	for _, s := range allSettings {
		if s.Codec == compress.None || s.Level > 9 {
			continue
		}
		packed, err := c.Compress(nil, src, s.Settings)
		if err != nil {
			t.Fatal(err)
		}
		ends := map[int]bool{} // where the output of Snappy and Zstd may end as well
		switch {
		case s.Codec == compress.Zstd:
			ends[0] = true
		case s.Codec == compress.Snappy && s.Raw:
			ends[0] = true
		case s.Codec == compress.Snappy:
			ends[0] = true
			for at := 16; at < len(packed); at += 4 + int(binary.BigEndian.Uint32(packed[at:])) {
				ends[at] = true
			}
		}
		for cut := range packed {
			if cut > 300 && cut < len(packed)-300 && cut%397 != 0 && !ends[cut] {
				continue
			}
			out, err := c.Decompress(nil, packed[:cut:cut], s.Codec, 1<<20)
			switch {
			case ends[cut] && (err != nil || !bytes.HasPrefix(src, out)):
				t.Errorf("%s cut to %d of %d: got %d bytes, %v", s.name, cut, len(packed), len(out), err)
			case !ends[cut] && !errors.Is(err, compress.ErrCorrupt):
				t.Errorf("%s cut to %d of %d: got %d bytes, %v, want %v", s.name, cut, len(packed), len(out), err, compress.ErrCorrupt)
			case !ends[cut] && (s.Codec != compress.Snappy || cut > 8 && !s.Raw) && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Errorf("%s cut to %d of %d: got %v, want %v", s.name, cut, len(packed), err, io.ErrUnexpectedEOF)
			}
		}
	}
}

// Each bit turned round.
func TestFlips(t *testing.T) {
	c := new(compress.Codecs)
	src := payload("text:400")
	for _, s := range allSettings {
		if s.Codec == compress.None || s.Level > 9 {
			continue
		}
		packed, err := c.Compress(nil, src, s.Settings)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(packed) {
			packed[bit/8] ^= 1 << (bit % 8)
			hostile(t, packed, s.Codec, 10_000)
			packed[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// Bytes that are none of a codec's, and some that begin like them.
func TestGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	beginnings := map[compress.Codec][]string{
		compress.Gzip:   {"", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"},
		compress.Snappy: {"", framedHeader},
		compress.LZ4:    {"", "\x04\x22\x4d\x18\x60\x40\x82", "\x04\x22\x4d\x18\x40\x40\xc0"},
		compress.Zstd:   {"", "\x28\xb5\x2f\xfd\x00\x58", "\x28\xb5\x2f\xfd\x20\xff", "\x28\xb5\x2f\xfd\x00\x58\x45\x00\x00"},
	}
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		for range 500 {
			src := []byte(beginnings[codec][r.IntN(len(beginnings[codec]))])
			for range r.IntN(300) {
				x := byte(r.Uint32())
				if r.IntN(3) == 0 {
					x &= 7
				}
				src = append(src, x)
			}
			hostile(t, src, codec, 1<<r.IntN(18))
		}
	}
}

// bombs are few bytes that become many.
func bombs(t testing.TB) map[string]struct {
	codec compress.Codec
	src   []byte
} {
	t.Helper()
	c := new(compress.Codecs)
	pack := func(src []byte, s compress.Settings) []byte {
		packed, err := c.Compress(nil, src, s)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	zeros := make([]byte, 16<<20)
	member := pack(zeros[:1<<20], compress.Settings{Codec: compress.Gzip})
	large := new(bytes.Buffer) // frame of LZ4 with blocks of 4 MiB
	w := lz4.NewWriter(large)
	if _, err := w.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	repeated := zstdFrame("\x00\x58", bytes.Repeat(blockOf(1, 128<<10, false, "x"), 10_000), blockOf(1, 1, true, "x"))
	copies := framed(slices.Repeat([][]byte{pack(zeros[:1<<20], compress.Settings{Codec: compress.Snappy, Raw: true})}, 16)...)
	return map[string]struct {
		codec compress.Codec
		src   []byte
	}{
		"gzip":             {compress.Gzip, pack(zeros, compress.Settings{Codec: compress.Gzip})},
		"gzip members":     {compress.Gzip, bytes.Repeat(member, 16)},
		"snappy":           {compress.Snappy, pack(zeros, compress.Settings{Codec: compress.Snappy, Raw: true})},
		"snappy blocks":    {compress.Snappy, copies},
		"lz4":              {compress.LZ4, pack(zeros, compress.Settings{Codec: compress.LZ4})},
		"lz4 large blocks": {compress.LZ4, large.Bytes()},
		"zstd":             {compress.Zstd, pack(zeros, compress.Settings{Codec: compress.Zstd})},
		"zstd stream":      {compress.Zstd, stream(t, zeros)},
		"zstd repetitions": {compress.Zstd, repeated},
		"zstd frames":      {compress.Zstd, bytes.Repeat(stream(t, zeros[:1<<20]), 16)},
	}
}

func TestBombs(t *testing.T) {
	for name, bomb := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{0, 1, 1000, 100_000, 1 << 20, 5_000_000} {
				if _, err := hostile(t, bomb.src, bomb.codec, limit); !errors.Is(err, compress.ErrLimit) {
					t.Errorf("%d bytes, limit %d: got %v, want %v", len(bomb.src), limit, err, compress.ErrLimit)
				}
			}
		})
	}
}

// Sizes that nothing stands behind allocate little, whatever the limit: 32 bytes per byte and
// 64 KiB, or what the blocks of Zstd may hold.
func TestClaims(t *testing.T) {
	c := new(compress.Codecs)
	gzipped, err := c.Compress(nil, []byte("bytes"), compress.Settings{Codec: compress.Gzip})
	if err != nil {
		t.Fatal(err)
	}
	gzipped = append(gzipped, make([]byte, 1<<20)...) // what is ignored
	binary.LittleEndian.PutUint32(gzipped[len(gzipped)-4:], 1<<30)
	sized := []byte("\x04\x22\x4d\x18\x68\x40\x00\x00\x00\x40\x00\x00\x00\x00")
	sized = append(sized, headerChecksum(sized[4:]))
	sized = append(sized, frame(0x60, "\x50hello")[7:]...)
	for _, row := range []struct {
		name  string
		codec compress.Codec
		src   []byte
		most  int
	}{
		{"gzip: 1 GiB", compress.Gzip, gzipped, 32*len(gzipped) + 64<<10},
		{"snappy: 4 GiB", compress.Snappy, []byte("\xff\xff\xff\xff\x0f\x00x"), 0},
		{"snappy: 22 times", compress.Snappy, append(binary.AppendUvarint(nil, 21<<20), make([]byte, 1<<20)...), 21 << 20},
		{"lz4: 1 GiB", compress.LZ4, sized, 64<<10 + 32*len(sized)},
		{"lz4: block of nothing", compress.LZ4, frame(0x60, "\x1fx\x01\x00"+strings.Repeat("\xff", 200)), 64 << 10},
		{"zstd: 2^62 and a block", compress.Zstd, zstdFrame("\xe0\xff\xff\xff\xff\xff\xff\xff\x3f", blockOf(2, 8, true, "nonsense")), 0},
		{"zstd: all of a block", compress.Zstd, zstdFrame("\xa0\x00\x00\x02\x00", blockOf(2, 8, true, "nonsense")), 128 << 10},
		{"zstd: blocks", compress.Zstd, zstdFrame("\x00\x58", bytes.Repeat(blockOf(2, 8, false, "nonsense"), 1000), blockOf(0, 0, true, "")), 32*11_009 + 64<<10},
	} {
		c := new(compress.Codecs)
		if _, err := c.Decompress(nil, []byte{}, row.codec, 0); err == nil && row.codec == compress.Gzip {
			t.Fatal("no bytes are no gzip")
		}
		for _, s := range allSettings { // so that the states exist
			if s.Codec == row.codec && s.Level == 0 {
				roundTrip(t, c, payload("text:1000"), s.Settings)
			}
		}
		got := allocated(func() {
			if out, err := c.Decompress(nil, row.src, row.codec, 2_000_000_000); err == nil && len(out) > 100 {
				t.Errorf("%s: got %d bytes", row.name, len(out))
			}
		})
		if bound := uint64(row.most + 16<<10); got > bound {
			t.Errorf("%s, in %d bytes: allocated %d, want at most %d", row.name, len(row.src), got, bound)
		}
	}
}
