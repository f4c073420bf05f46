package compress_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Whatever is compressed comes back, behind what stood in dst, within a limit that just does;
// a limit of a byte less is passed.
func TestRoundTrips(t *testing.T) {
	var sizes []int
	for n := range 40 {
		sizes = append(sizes, n)
	}
	for _, edge := range []int{100, 1000, 1 << 10, 32 << 10, 64 << 10, 128 << 10, 512 << 10} {
		sizes = append(sizes, edge-1, edge, edge+1)
	}
	sizes = append(sizes, 3_000_000) // beyond every window
	for _, s := range allSettings {
		t.Run(s.name, func(t *testing.T) {
			c := new(compress.Codecs)
			for _, kind := range []string{"zeros", "text", "noise"} {
				for _, n := range sizes {
					if n > 140_000 && s.Level != 0 {
						continue // seconds, for code that is the same
					}
					src := payload(fmt.Sprint(kind, ":", n))
					roundTrip(t, c, src, s.Settings)
				}
			}
		})
	}
}

func roundTrip(t *testing.T, c *compress.Codecs, src []byte, s compress.Settings) {
	t.Helper()
	packed, err := c.Compress([]byte("before"), src, s)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(src), err)
	}
	packed, found := bytes.CutPrefix(packed, []byte("before"))
	if !found {
		t.Fatalf("%d bytes: what stood in dst is gone", len(src))
	}
	if most := len(src) + len(src)/500 + 100; len(packed) > most {
		t.Fatalf("%d bytes became %d", len(src), len(packed))
	}
	out, err := c.Decompress([]byte("ahead"), packed, s.Codec, len(src))
	if err != nil {
		t.Fatalf("%d bytes: %v", len(src), err)
	}
	if diff := sameBytes(out, slices.Concat([]byte("ahead"), src)); diff != "" {
		t.Fatal(diff)
	}
	if len(src) == 0 {
		return
	}
	out, err = c.Decompress([]byte("ahead"), packed, s.Codec, len(src)-1)
	if !errors.Is(err, compress.ErrLimit) || string(out) != "ahead" {
		t.Fatalf("%d bytes, and a limit of one less: got %q, %v, want ErrLimit", len(src), out[:min(len(out), 10)], err)
	}
}

// Room for just what comes out is room enough, with a limit far away or near. Compressing has an
// upper bound.
func TestRoom(t *testing.T) {
	c := new(compress.Codecs)
	for _, s := range allSettings {
		for _, kind := range []string{"text", "noise"} {
			for _, n := range []int{0, 1, 1000, 65_537, 300_000} {
				checkRoom(t, c, fmt.Sprintf("%s, %s:%d", s.name, kind, n), payload(fmt.Sprint(kind, ":", n)), s.Settings)
			}
		}
	}
}

func checkRoom(t *testing.T, c *compress.Codecs, name string, src []byte, s compress.Settings) {
	t.Helper()
	packed, err := c.Compress(nil, src, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{len(src), len(src) + 1, 10_000_000, math.MaxInt} {
		room := make([]byte, 3, 3+len(src))
		out, err := c.Decompress(room, packed, s.Codec, limit)
		if err != nil || !bytes.Equal(out[3:], src) {
			t.Errorf("%s, limit %d: %v", name, limit, err)
		} else if &out[0] != &room[0] {
			t.Errorf("%s, limit %d: the room was not used", name, limit)
		}
	}
	for _, limit := range []int{-1, 0, len(src) / 2, len(src) - 1} { // there is room beyond the limit
		out, err := c.Decompress(make([]byte, 3, 3+2*len(src)), packed, s.Codec, limit)
		if len(src) > 0 && !errors.Is(err, compress.ErrLimit) || len(src) == 0 && err != nil || len(out) != 3 {
			t.Errorf("%s, limit %d: got %d bytes, %v", name, limit, len(out), err)
		}
	}
	room := make([]byte, 3, 3+len(src)+len(src)/255+64)
	out, err := c.Compress(room, src, s)
	if err != nil || !bytes.Equal(out[3:], packed) {
		t.Errorf("%s, compressed again: %v", name, err)
	} else if &out[0] != &room[0] {
		t.Errorf("%s, compressed again: the room was not used", name)
	}
}

// A slice that dst is cut from is not written to beyond dst's capacity.
func TestBeyondRoom(t *testing.T) {
	c := new(compress.Codecs)
	src := payload("text:100000")
	for _, s := range allSettings {
		packed, err := c.Compress(nil, src, s.Settings)
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, 10, 1000, 99_999, 100_000} {
			all := bytes.Repeat([]byte{0xA5}, 200_000)
			if _, err := c.Decompress(all[:0:room], packed, s.Codec, 1<<20); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Compress(all[:0:room], src, s.Settings); err != nil {
				t.Fatal(err)
			}
			if i := slices.IndexFunc(all[room:], func(x byte) bool { return x != 0xA5 }); i >= 0 {
				t.Errorf("%s: room of %d, and byte %d was written", s.name, room, room+i)
			}
		}
	}
}

// Many goroutines share one Codecs.
func TestConcurrent(t *testing.T) {
	c := new(compress.Codecs)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			src := payload(fmt.Sprint("text:", 5000+worker*3000))
			var packed, out []byte
			for range 5 {
				for _, s := range allSettings {
					if s.Level > 9 {
						continue // 36 MiB each
					}
					var err error
					if packed, err = c.Compress(packed[:0], src, s.Settings); err != nil {
						t.Error(err)
					}
					if out, err = c.Decompress(out[:0], packed, s.Codec, 1<<20); err != nil || !bytes.Equal(out, src) {
						t.Errorf("%s: %v", s.name, err)
					}
				}
			}
		})
	}
	all.Wait()
}

// The guess is exact where the format or honest bytes tell, near where the ratio is known, and
// never beyond what is possible.
func TestPredict(t *testing.T) {
	c := new(compress.Codecs)
	exact := map[compress.Codec]bool{compress.None: true, compress.Gzip: true, compress.Snappy: true, compress.Zstd: true}
	for _, s := range allSettings {
		for _, n := range []int{0, 1, 1000, 65_536, 300_000} {
			src := payload(fmt.Sprint("text:", n))
			packed, err := c.Compress(nil, src, s.Settings)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Decompress(nil, packed, s.Codec, n); err != nil { // learns the ratio
				t.Fatal(err)
			}
			got := c.Predict(packed, s.Codec)
			if s.Codec == compress.Zstd && n > 0 {
				got -= 32 // that make it faster
			}
			if exact[s.Codec] && got != n {
				t.Errorf("%s: got %d, want %d", s.name, got, n)
			}
			if got < n/4*3 || got > n+n/4+4096 {
				t.Errorf("%s: got %d, want about %d", s.name, got, n)
			}
			for cut := range min(len(packed), 100) {
				if got := c.Predict(packed[:cut], s.Codec); got > 16*cut+4<<10 {
					t.Errorf("%s cut to %d bytes: predicts %d", s.name, cut, got)
				}
			}
		}
	}
}

// The ratio follows what is decompressed, up at once and down slowly. What stands behind gzip's
// members is not taken for their size.
func TestPredictRatio(t *testing.T) {
	c := new(compress.Codecs)
	packed, err := c.Compress(nil, payload("text:1000"), compress.Settings{Codec: compress.Gzip})
	if err != nil {
		t.Fatal(err)
	}
	packed = append(packed, "what stands behind"...)
	predict := func() int { return c.Predict(packed, compress.Gzip) }
	learn := func(src []byte) {
		roundTrip(t, c, src, compress.Settings{Codec: compress.Gzip})
	}
	first := predict()
	if want := 4 * len(packed); first < want || first > want+want/4 {
		t.Errorf("got %d at first, want a little more than %d", first, want)
	}
	learn(payload("zeros:50000"))
	high := predict()
	if high < 15*len(packed) || high > 16*len(packed) {
		t.Errorf("got %d after zeros, want 16 times %d, which is all that is believed", high, len(packed))
	}
	learn(payload("noise:5000"))
	if after := predict(); after > high || after < high/2 {
		t.Errorf("got %d after zeros and noise, want a little less than %d", after, high)
	}
	for range 200 {
		learn(payload("noise:5000"))
	}
	if after := predict(); after < len(packed) || after > 3*len(packed) {
		t.Errorf("got %d after much noise, want a little more than %d", after, len(packed))
	}
}

// backwards is a codec of a user's own. It can do wrong in several ways.
type backwards struct {
	limitless, shortening bool
	err                   error
}

func (b backwards) Compress(dst, src []byte, level int) ([]byte, error) {
	if b.shortening {
		return nil, nil
	}
	dst = append(dst, src...)
	slices.Reverse(dst[len(dst)-len(src):])
	return append(dst, byte(level)), b.err
}

func (b backwards) Decompress(dst, src []byte, limit int) ([]byte, error) {
	if b.shortening {
		return nil, nil
	}
	src = src[:len(src)-1]
	if len(src) > limit && !b.limitless {
		return nil, compress.ErrLimit
	}
	dst = append(dst, src...)
	slices.Reverse(dst[len(dst)-len(src):])
	return dst, b.err
}

func TestReplace(t *testing.T) {
	c, err := compress.New(compress.Replace(compress.Snappy, backwards{}), compress.Replace(7, backwards{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, codec := range []compress.Codec{compress.Snappy, 7} {
		packed, err := c.Compress([]byte("<"), []byte("abc"), compress.Settings{Codec: codec, Level: 42})
		if err != nil || string(packed) != "<cba*" {
			t.Errorf("%v: got %q, %v, want <cba*", codec, packed, err)
		}
		out, err := c.Decompress([]byte("<"), packed[1:], codec, 3)
		if err != nil || string(out) != "<abc" {
			t.Errorf("%v: got %q, %v, want <abc", codec, out, err)
		}
		if got := c.Predict(packed[1:], codec); got == 0 {
			t.Errorf("%v: got no prediction", codec)
		}
	}
	roundTrip(t, c, payload("text:1000"), compress.Settings{Codec: compress.Zstd}) // the others stay

	broken := errors.New("broken")
	for _, row := range []struct {
		name   string
		method backwards
		want   error // nil for any
	}{
		{"limit kept", backwards{}, compress.ErrLimit},
		{"limit not kept", backwards{limitless: true}, compress.ErrLimit},
		{"failure", backwards{limitless: true, err: broken}, broken},
		{"less than it got", backwards{shortening: true}, nil},
	} {
		c, err := compress.New(compress.Replace(compress.LZ4, row.method))
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Decompress([]byte("ahead"), []byte("cba*"), compress.LZ4, 2)
		if err == nil || row.want != nil && !errors.Is(err, row.want) || string(out) != "ahead" {
			t.Errorf("%s: got %q, %v, want %v", row.name, out, err, row.want)
		}
	}
	for _, method := range []backwards{{err: broken}, {shortening: true}} {
		c, err := compress.New(compress.Replace(compress.LZ4, method))
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Compress([]byte("ahead"), []byte("abc"), compress.Settings{Codec: compress.LZ4})
		if err == nil || string(out) != "ahead" {
			t.Errorf("compressing with %+v: got %q, %v, want an error", method, out, err)
		}
	}
}

func TestReplaceRefuses(t *testing.T) {
	_, err := compress.New(compress.Replace(compress.None, backwards{}), compress.Replace(8, backwards{}), compress.Replace(compress.LZ4, nil))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("got %v, want three errors", err)
	}
}

// What it was given can be collected, but the last output of an encoder of Zstd.
func TestKeepsNothing(t *testing.T) {
	c := new(compress.Codecs)
	for _, s := range allSettings {
		packed, err := c.Compress(nil, payload("text:5000"), s.Settings)
		if err != nil {
			t.Fatal(err)
		}
		for what, run := range map[string]func(dst, src []byte) error{
			"compress":   func(dst, src []byte) error { _, err := c.Compress(dst, src, s.Settings); return err },
			"decompress": func(dst, src []byte) error { _, err := c.Decompress(dst, src, s.Codec, 1<<20); return err },
		} {
			in := packed
			if what == "compress" {
				in = payload("text:5000")
			}
			src, dst := bytes.Clone(in), make([]byte, 0, 20_000)
			keptSrc, keptDst := weak.Make(&src[0]), weak.Make(&dst[:1][0])
			if err := run(dst, src); err != nil {
				t.Fatal(err)
			}
			src, dst = nil, nil
			runtime.GC()
			library := s.Codec == compress.Zstd && what == "compress"
			if keptSrc.Value() != nil || keptDst.Value() != nil && !library {
				t.Errorf("%s %s: src is kept: %t, dst is kept: %t", s.name, what, keptSrc.Value() != nil, keptDst.Value() != nil)
			}
		}
	}
	runtime.KeepAlive(c)
}

// The level that is meant by none, which the documentation has figures of.
func TestDefaultLevels(t *testing.T) {
	c := new(compress.Codecs)
	src := records(smallRecord, 100_000, 1)
	pack := func(codec compress.Codec, level int) []byte {
		packed, err := c.Compress(nil, src, compress.Settings{Codec: codec, Level: level})
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	for _, row := range []struct {
		codec  compress.Codec
		same   []int
		others []int
	}{
		{compress.Gzip, []int{-1, 5}, []int{1, 3, 4, 6, 7, 9}},
		{compress.LZ4, []int{9}, []int{1, 3, 8, 10}},
		{compress.Zstd, []int{1, 2, -7}, []int{3, 6, 10}},
	} {
		want := pack(row.codec, 0)
		for _, level := range row.same {
			if !bytes.Equal(pack(row.codec, level), want) {
				t.Errorf("%v: level %d is not the default", row.codec, level)
			}
		}
		for _, level := range row.others {
			if bytes.Equal(pack(row.codec, level), want) {
				t.Errorf("%v: level %d is the default", row.codec, level)
			}
		}
	}
}
