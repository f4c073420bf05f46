package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
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
	checked, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
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
		"zstd checksum":    {compress.Zstd, checked.EncodeAll(zeros, nil)},
		"zstd small":       {compress.Zstd, bytes.Repeat(checked.EncodeAll(zeros[:100_000], nil), 168)},
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

// primed has the states of the codecs, and has learned that much comes out of little.
func primed(t testing.TB) *compress.Codecs {
	t.Helper()
	c := new(compress.Codecs)
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		packed, err := c.Compress(nil, make([]byte, 8<<20), compress.Settings{Codec: codec})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decompress(nil, packed, codec, 8<<20); err != nil {
			t.Fatal(err)
		}
		if packed, err = c.Compress(nil, payload("text:3000"), compress.Settings{Codec: codec}); err != nil {
			t.Fatal(err)
		}
		if got := c.Predict(packed, codec); got < 3000 && got < 15*len(packed) {
			t.Fatalf("%v: the ratio is not learned: predicts %d for %d", codec, got, len(packed))
		}
	}
	return c
}

// lies are about n bytes that say they become many and become none, or none before the first
// that is wrong.
func lies(n int) []lie {
	sized := []byte("\x04\x22\x4d\x18\x68\x70\x00\x00\x00\x40\x00\x00\x00\x00")
	sized = append(sized, headerChecksum(sized[4:]))
	large := []byte("\x04\x22\x4d\x18\x60\x70") // blocks of 4 MiB
	large = append(large, headerChecksum(large[4:]))
	nothing := make([]byte, n)
	claims := func(n int, b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(n)), b...) }
	copies := bytes.Repeat([]byte("\xfe\xff\xff"), n/3) // 64 bytes each, from 64 KiB back
	longs := slices.Concat([]byte("\x1fx\xff\xff"), bytes.Repeat([]byte{255}, min(n, 16<<10)), []byte("\x00\x00"))
	nonsense := bytes.Repeat(blockOf(2, 8, false, "nonsense"), n/11)
	last := blockOf(0, 0, true, "")
	gib := "\x00\x00\x00\x40"
	return []lie{
		{"gzip", compress.Gzip, slices.Concat([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), bytes.Repeat([]byte{0xff}, n))},
		{"gzip of 1 GiB", compress.Gzip, slices.Concat([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff"), nothing, []byte(gib))},
		{"snappy, 4 GiB", compress.Snappy, slices.Concat(binary.AppendUvarint(nil, 1<<32-1), nothing)},
		{"snappy, 21 times", compress.Snappy, claims(21*n, nothing)},
		{"snappy, 21 times by copies", compress.Snappy, claims(len(copies)/3*64, copies)},
		{"snappy blocks", compress.Snappy, framed(claims(n/2/3*64, copies[:n/2/3*3]), claims(n/2/3*64, copies[:n/2/3*3]))},
		{"lz4", compress.LZ4, slices.Concat(frame(0x60)[:7], binary.LittleEndian.AppendUint32(nil, uint32(min(n, 64<<10))), nothing)},
		{"lz4 of 1 GiB", compress.LZ4, slices.Concat(sized, binary.LittleEndian.AppendUint32(nil, uint32(min(n, 4<<20))), nothing)},
		{"lz4 long copies", compress.LZ4, slices.Concat(large, binary.LittleEndian.AppendUint32(nil, uint32(len(longs))), longs, nothing)},
		{"zstd", compress.Zstd, zstdFrame("\x00\x58", nonsense, last)},
		{"zstd of 1 GiB", compress.Zstd, zstdFrame("\xa0"+gib, bytes.Repeat(nonsense, 1+(1<<30)/(n/11)/(128<<10)/1000), last)},
		{"zstd of all that blocks may hold", compress.Zstd, zstdFrame("\xa0"+string(binary.LittleEndian.AppendUint32(nil, uint32(min(n/11*(128<<10), 1<<30)))), nonsense, last)},
		{"zstd repetitions behind nonsense", compress.Zstd, zstdFrame("\x00\x58", blockOf(2, 8, false, "nonsense"), bytes.Repeat(blockOf(1, 128<<10, false, "x"), n/200), last)},
		{"zstd frames", compress.Zstd, bytes.Repeat(zstdFrame("\xa0\x00\x00\x02\x00", blockOf(2, 8, true, "nonsense")), n/20)},
	}
}

type lie struct {
	name  string
	codec compress.Codec
	src   []byte
}

// Bytes of which nothing comes cost 16 bytes for each, whatever the limit, what they say, and what
// was learned before.
func TestLies(t *testing.T) {
	c := primed(t)
	for _, size := range []int{1 << 20, 50_000, 1000} {
		for _, lie := range lies(size) {
			predicted := c.Predict(lie.src, lie.codec)
			if most := 16*len(lie.src) + 4096; predicted > most {
				t.Errorf("%s, %d bytes: predicts %d, want %d at most", lie.name, len(lie.src), predicted, most)
			}
			var err error
			got := allocated(func() { _, err = c.Decompress(nil, lie.src, lie.codec, 2_000_000_000) })
			most := 16*len(lie.src) + 16<<10 // sizes are rounded up
			if lie.codec == compress.Zstd {
				most += len(lie.src) + 256<<10
			}
			if !errors.Is(err, compress.ErrCorrupt) || got > uint64(most) {
				t.Errorf("%s, %d bytes: allocated %d, %.1f for each, and %v, want %d at most and %v", lie.name, len(lie.src), got, float64(got)/float64(len(lie.src)), err, most, compress.ErrCorrupt)
			}
		}
	}
}

// What really becomes more than is believed is decompressed all the same, with memory in
// proportion to what comes out.
func TestBeyondBelief(t *testing.T) {
	c := primed(t)
	for name, bomb := range bombs(t) {
		if name == "zstd repetitions" {
			continue // 1.3 GB
		}
		var out []byte
		var err error
		got := allocated(func() { out, err = c.Decompress(nil, bomb.src, bomb.codec, 2_000_000_000) })
		if err != nil || len(out) < 16<<20 || got > uint64(4*len(out)+1<<20) {
			t.Errorf("%s: got %d bytes of %d, %v, and %d allocated", name, len(out), len(bomb.src), err, got)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r != 0 && r != 'x' }); i >= 0 {
			t.Errorf("%s: got %x at byte %d", name, out[i], i)
		}
	}
}
