package compress_test

import (
	"errors"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func TestCodecNames(t *testing.T) {
	for codec := compress.None; codec <= compress.Zstd; codec++ {
		if got, err := compress.ParseCodec(codec.String()); err != nil || got != codec {
			t.Errorf("ParseCodec(%q): got %v, %v, want %v", codec.String(), got, err, codec)
		}
	}
	if got, err := compress.ParseCodec("uncompressed"); err != nil || got != compress.None {
		t.Errorf("ParseCodec(uncompressed), as topics call it: got %v, %v, want none", got, err)
	}
	for _, name := range []string{"", "GZIP", "Codec(5)", "producer"} {
		if got, err := compress.ParseCodec(name); !errors.Is(err, compress.ErrUnknownCodec) {
			t.Errorf("ParseCodec(%q): got %v, %v, want %v", name, got, err, compress.ErrUnknownCodec)
		}
	}
	for codec, want := range map[compress.Codec]string{-1: "Codec(-1)", 5: "Codec(5)"} {
		if got := codec.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSettingsCheck(t *testing.T) {
	for _, row := range []struct {
		codec    compress.Codec
		levels   []int
		noLevels []int
	}{
		{compress.None, []int{0}, []int{-1, 1}},
		{compress.Gzip, []int{-1, 0, 1, 9}, []int{-2, 10}},
		{compress.Snappy, []int{0}, []int{-1, 1}},
		{compress.LZ4, []int{0, 1, 9, 17}, []int{-1, 18}},
		{compress.Zstd, []int{-131072, -1, 0, 1, 22}, []int{-131073, 23}},
	} {
		for _, level := range row.levels {
			if err := (compress.Settings{Codec: row.codec, Level: level}).Check(); err != nil {
				t.Errorf("%v level %d: %v", row.codec, level, err)
			}
		}
		for _, level := range row.noLevels {
			s := compress.Settings{Codec: row.codec, Level: level}
			if err := s.Check(); !errors.Is(err, compress.ErrLevel) {
				t.Errorf("%v level %d: got %v, want %v", row.codec, level, err, compress.ErrLevel)
			}
			if _, err := new(compress.Codecs).Compress(nil, nil, s); !errors.Is(err, compress.ErrLevel) {
				t.Errorf("compressing with %v level %d: got %v, want %v", row.codec, level, err, compress.ErrLevel)
			}
		}
	}
	for _, codec := range []compress.Codec{-1, 5, 7, 127} {
		s := compress.Settings{Codec: codec}
		if err := s.Check(); !errors.Is(err, compress.ErrUnknownCodec) {
			t.Errorf("%v: got %v, want %v", codec, err, compress.ErrUnknownCodec)
		}
		c := new(compress.Codecs)
		if _, err := c.Compress(nil, nil, s); !errors.Is(err, compress.ErrUnknownCodec) {
			t.Errorf("compressing with %v: got %v, want %v", codec, err, compress.ErrUnknownCodec)
		}
		if _, err := c.Decompress(nil, nil, codec, 10); !errors.Is(err, compress.ErrUnknownCodec) {
			t.Errorf("decompressing with %v: got %v, want %v", codec, err, compress.ErrUnknownCodec)
		}
		if got := c.Predict([]byte("bytes"), codec); got != 0 {
			t.Errorf("predicting for %v: got %d, want 0", codec, got)
		}
	}
}

func TestErrorText(t *testing.T) {
	c := new(compress.Codecs)
	_, tooMuch := c.Decompress(nil, make([]byte, 11), compress.None, 10)
	_, short := c.Decompress(nil, []byte("\x04\x22"), compress.LZ4, 10)
	_, level := c.Compress(nil, nil, compress.Settings{Codec: compress.Gzip, Level: 10})
	_, name := compress.ParseCodec("brotli")
	for _, row := range []struct {
		err  error
		want string
	}{
		{tooMuch, "decompress none: more bytes than the limit of 10"},
		{short, "decompress lz4: corrupt: unexpected EOF"},
		{level, "compress gzip: no level 10: there are 1 to 9, and -1"},
		{name, `unknown codec "brotli"`},
	} {
		var e *compress.Error
		if !errors.As(row.err, &e) {
			t.Errorf("got %T, want %T", row.err, e)
		}
		if got := row.err.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
