package compress_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// member makes a gzip member with Go's own library.
func member(t testing.TB, src []byte, level int, header stdgzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := stdgzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	z.Header = header
	if _, err := z.Write(src); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzipAgainstGo(t *testing.T) {
	c := new(compress.Codecs)
	src := payload("text:200000")
	for level := stdgzip.HuffmanOnly; level <= stdgzip.BestCompression; level++ {
		out, err := c.Decompress(nil, member(t, src, level, stdgzip.Header{}), compress.Gzip, len(src))
		if err != nil {
			t.Fatalf("written by Go at level %d: %v", level, err)
		}
		if diff := sameBytes(out, src); diff != "" {
			t.Errorf("written by Go at level %d: %s", level, diff)
		}
	}
	for level := -1; level <= 9; level++ {
		packed, err := c.Compress(nil, src, compress.Settings{Codec: compress.Gzip, Level: level})
		if err != nil {
			t.Fatal(err)
		}
		z, err := stdgzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(z)
		if err != nil {
			t.Fatalf("level %d, read by Go: %v", level, err)
		}
		if diff := sameBytes(out, src); diff != "" {
			t.Errorf("level %d, read by Go: %s", level, diff)
		}
	}
}

// Members that follow each other are one stream, and what follows the last one is ignored, as by
// Java's GZIPInputStream.
func TestGzipMembers(t *testing.T) {
	c := new(compress.Codecs)
	one := member(t, []byte("one, "), 6, stdgzip.Header{Name: "name", Comment: "comment", Extra: []byte("extra")})
	two := member(t, []byte("two"), 6, stdgzip.Header{})
	none := member(t, nil, 6, stdgzip.Header{})
	for _, row := range []struct {
		name string
		src  []byte
		want string
	}{
		{"one", one, "one, "},
		{"two", slices.Concat(one, two), "one, two"},
		{"empty ones", slices.Concat(none, one, none, two, none), "one, two"},
		{"zeros behind", slices.Concat(two, make([]byte, 100)), "two"},
		{"a byte behind", slices.Concat(two, []byte{0x1f}), "two"},
		{"text behind", slices.Concat(two, []byte("this is no member of the stream")), "two"},
		{"half a header behind", slices.Concat(two, one[:9]), "two"},
	} {
		got, err := c.Decompress(nil, row.src, compress.Gzip, 100)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
	// A second member that begins well has to end well.
	if got, err := c.Decompress(nil, slices.Concat(one, two[:len(two)-1]), compress.Gzip, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("second member cut: got %q, %v, want %v", got, err, io.ErrUnexpectedEOF)
	}
}

func TestGzipCorrupt(t *testing.T) {
	c := new(compress.Codecs)
	good := member(t, []byte("some bytes"), 6, stdgzip.Header{})
	for name, spoil := range map[string]func([]byte){
		"magic":    func(b []byte) { b[0] = 0 },
		"method":   func(b []byte) { b[2] = 7 },
		"flags":    func(b []byte) { b[3] = 0xE0 },
		"deflate":  func(b []byte) { b[10] |= 6 },
		"checksum": func(b []byte) { b[len(b)-5]++ },
		"size":     func(b []byte) { b[len(b)-4]++ },
	} {
		bad := bytes.Clone(good)
		spoil(bad)
		if got, err := c.Decompress(nil, bad, compress.Gzip, 100); !errors.Is(err, compress.ErrCorrupt) {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, compress.ErrCorrupt)
		}
	}
}

// What ends like a member that says 1 GiB is not believed, also when a byte has come.
func TestGzipTrailerLies(t *testing.T) {
	c := primed(t)
	src := append(member(t, []byte("bytes"), 6, stdgzip.Header{}), make([]byte, 1<<20)...) // which is ignored
	binary.LittleEndian.PutUint32(src[len(src)-4:], 1<<30)
	var out []byte
	var err error
	got := allocated(func() { out, err = c.Decompress(nil, src, compress.Gzip, 2_000_000_000) })
	if most := 16*len(src) + 16<<10; string(out) != "bytes" || err != nil || got > uint64(most) || got < 15<<20 {
		t.Errorf("got %q, %v and %d bytes allocated for %d, want %d at most, and that to be tried", out, err, got, len(src), most)
	}
}
