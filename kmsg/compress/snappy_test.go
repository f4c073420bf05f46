package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/snappy/xerial"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

const framedHeader = "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"

// framed puts blocks behind a header and their lengths.
func framed(blocks ...[]byte) []byte {
	b := []byte(framedHeader)
	for _, block := range blocks {
		b = binary.BigEndian.AppendUint32(b, uint32(len(block)))
		b = append(b, block...)
	}
	return b
}

// raw is a block of snappy.
func raw(src string) []byte { return snappy.Encode(nil, []byte(src)) }

func TestSnappyAgainstOthers(t *testing.T) {
	c := new(compress.Codecs)
	for _, n := range []int{0, 1, 17, 1000, 32 << 10, 65_536, 65_537, 200_000} {
		for _, kind := range []string{"text", "noise", "zeros"} {
			src := payload(fmt.Sprint(kind, ":", n))
			ours, err := c.Compress(nil, src, compress.Settings{Codec: compress.Snappy})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := xerial.Decode(ours); err != nil || !bytes.Equal(got, src) {
				t.Errorf("%s:%d framed by us: %v", kind, n, err)
			}
			if ours, err = c.Compress(nil, src, compress.Settings{Codec: compress.Snappy, Raw: true}); err != nil {
				t.Fatal(err)
			}
			if got, err := snappy.DecodeStrict(nil, ours); err != nil || !bytes.Equal(got, src) {
				t.Errorf("%s:%d raw by us: %v", kind, n, err)
			}
			for name, theirs := range map[string][]byte{"framed": xerial.Encode(nil, src), "raw": snappy.Encode(nil, src)} {
				if got, err := c.Decompress(nil, theirs, compress.Snappy, n); err != nil || !bytes.Equal(got, src) {
					t.Errorf("%s:%d %s by others: %v", kind, n, name, err)
				}
			}
		}
	}
}

// The framing is laid out as snappy-java's, blocks hold 64 KiB.
func TestSnappyFraming(t *testing.T) {
	packed, err := new(compress.Codecs).Compress(nil, payload("text:70000"), compress.Settings{Codec: compress.Snappy})
	if err != nil {
		t.Fatal(err)
	}
	rest, found := bytes.CutPrefix(packed, []byte(framedHeader))
	if !found {
		t.Fatalf("begins with %x, want %x", packed[:16], framedHeader)
	}
	var sizes []int
	for len(rest) > 0 {
		n := binary.BigEndian.Uint32(rest)
		size, err := snappy.DecodedLen(rest[4 : 4+n])
		if err != nil {
			t.Fatal(err)
		}
		sizes, rest = append(sizes, size), rest[4+n:]
	}
	if want := []int{65_536, 4464}; !slices.Equal(sizes, want) {
		t.Errorf("got blocks of %d, want %d", sizes, want)
	}
}

func TestSnappyShapes(t *testing.T) {
	c := new(compress.Codecs)
	for _, row := range []struct {
		name string
		src  []byte
		want string
	}{
		{"nothing at all, as some releases of Java write nothing", nil, ""},
		{"header alone", framed(), ""},
		{"blocks", framed(raw("one, "), raw(""), raw("two")), "one, two"},
		{"joined", slices.Concat(framed(raw("one, ")), framed(raw("two"))), "one, two"},
		{"other versions", slices.Concat([]byte("\x82SNAPPY\x00\x00\x00\x00\x09\x00\x00\x00\x09"), framed(raw("one"))[16:]), "one"},
		{"raw", raw("one"), "one"},
		{"raw and empty", raw(""), ""},
	} {
		got, err := c.Decompress(nil, row.src, compress.Snappy, 100)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
		if n := c.Predict(row.src, compress.Snappy); n != len(row.want) {
			t.Errorf("%s: predicted %d, want %d", row.name, n, len(row.want))
		}
	}
	for _, row := range []struct {
		name string
		src  []byte
	}{
		{"header cut", framed()[:15]},
		{"length cut", framed(raw("one"), raw("two"))[:len(framed(raw("one")))+3]},
		{"block cut", framed(raw("one"))[:22]},
		{"empty block", framed([]byte{})},
		{"negative length", slices.Concat(framed(), []byte{0xff, 0xff, 0xff, 0xff, 0})},
		{"bytes behind a raw block", slices.Concat(raw("one"), []byte("one"))},
		{"length of six bytes", []byte{0x80, 0x80, 0x80, 0x80, 0x80, 1, 0}},
		{"length beyond 32 bits", []byte{0xff, 0xff, 0xff, 0xff, 0x7f, 0}},
		{"length not ended", []byte{0x80}},
		{"more than so few bytes make", []byte{100, 0}},
		{"copy of what is not there", []byte{4, 0x01, 0x04}},
		{"less than it says", []byte{10, 0x08, 'o', 'n', 'e'}},
	} {
		if got, err := c.Decompress(nil, row.src, compress.Snappy, 100); !errors.Is(err, compress.ErrCorrupt) {
			t.Errorf("%s: got %q, %v, want %v", row.name, got, err, compress.ErrCorrupt)
		}
	}
}

// The bound on what a block can claim is the format's: copies of 64 bytes in three.
func TestSnappyRatio(t *testing.T) {
	block := binary.AppendUvarint(nil, 1+64*1000)
	block = append(block, 0x00, 'x')
	for range 1000 {
		block = append(block, 63<<2|2, 1, 0)
	}
	c := new(compress.Codecs)
	want := bytes.Repeat([]byte("x"), 64_001)
	if got, err := c.Decompress(nil, block, compress.Snappy, len(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

// SnappyHolds is tested by the fuzzer too, with all that it finds.
func TestSnappyHolds(t *testing.T) {
	for _, name := range []string{"text:1", "text:3000", "zeros:100000", "noise:300", "noise:70000"} {
		src := payload(name)
		for _, block := range [][]byte{snappy.Encode(nil, src), s2.EncodeSnappyBest(nil, src)} {
			if !compress.SnappyHolds(block, len(src)) || compress.SnappyHolds(block, len(src)+1) || compress.SnappyHolds(block, len(src)-1) {
				t.Errorf("%s: %d bytes in %d are not what is found", name, len(src), len(block))
			}
			if compress.SnappyHolds(block[:len(block)-1], len(src)) {
				t.Errorf("%s: a byte less holds as much", name)
			}
		}
	}
	for name, block := range map[string]string{
		"a copy from nowhere":          "\x05\x00x\x01\x00",
		"a copy from before":           "\x05\x00x\x01\x02",
		"a copy from far before":       "\x05\x00x\x0e\x02\x00",
		"a copy from 4 GiB before":     "\x05\x00x\x0f\xff\xff\xff\xff",
		"no literals":                  "\x05\x10",
		"literals of 4 GiB":            "\x05\xfc\xff\xff\xff\xff",
		"literals without their count": "\x05\xf4\x00",
	} {
		if compress.SnappyHolds([]byte(block), 5) {
			t.Errorf("%s: it holds", name)
		}
	}
}
