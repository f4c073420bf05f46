package compress_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// fuzzLimit is low enough to be passed by what the fuzzer finds.
const fuzzLimit = 1 << 20

// addSeeds gives a fuzzer what we and others write, and what is broken.
func addSeeds(f *testing.F, codec compress.Codec, more ...[]byte) {
	c := new(compress.Codecs)
	for _, s := range allSettings {
		if s.Codec != codec {
			continue
		}
		for _, name := range []string{"text:0", "text:1", "text:300", "zeros:3000", "noise:100"} {
			packed, err := c.Compress(nil, payload(name), s.Settings)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(packed)
			f.Add(packed[:len(packed)/2])
		}
	}
	for _, src := range more {
		f.Add(src)
	}
}

// compare holds what we decompress against what another did. When it is less tolerant, it may
// refuse what we take; the other way round is a bug.
func compare(t *testing.T, got []byte, err error, theirs []byte, theirErr error, tolerant bool) {
	t.Helper()
	switch {
	case err == nil && theirErr == nil:
		if diff := sameBytes(got, theirs); diff != "" {
			t.Error(diff)
		}
	case err == nil && !tolerant:
		t.Errorf("we read %d bytes, others say %v", len(got), theirErr)
	case theirErr == nil && !(errors.Is(err, compress.ErrLimit) && len(theirs) > fuzzLimit):
		t.Errorf("others read %d bytes, we say %v", len(theirs), err)
	}
}

// FuzzGzip compares with Go's own library.
func FuzzGzip(f *testing.F) {
	one := member(f, []byte("one"), 6, stdgzip.Header{Name: "name", Comment: "comment", Extra: []byte("extra")})
	addSeeds(f, compress.Gzip, one, append(bytes.Clone(one), one...), append(bytes.Clone(one), "behind"...))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := hostile(t, src, compress.Gzip, fuzzLimit)
		theirs, theirErr := goGunzip(src)
		compare(t, got, err, theirs, theirErr, false)
	})
}

// goGunzip reads members and ignores what follows the last, as Java does. Unlike Go's library it
// takes no reserved flags.
func goGunzip(src []byte) (all []byte, err error) {
	from := bytes.NewReader(src)
	for first := true; first || from.Len() > 0; first = false {
		reserved := from.Len() > 3 && src[len(src)-from.Len()+3]>>5 != 0
		z, err := stdgzip.NewReader(from)
		switch {
		case first && reserved:
			return nil, stdgzip.ErrHeader
		case first && err != nil:
			return nil, err
		case reserved || err != nil:
			return all, nil
		}
		z.Multistream(false)
		one, err := io.ReadAll(io.LimitReader(z, fuzzLimit+1))
		if err != nil {
			return nil, err
		}
		if all = append(all, one...); len(all) > fuzzLimit {
			break
		}
	}
	return all, nil
}

// FuzzSnappy compares with a strict reader of blocks, which does not know the extensions of S2.
func FuzzSnappy(f *testing.F) {
	addSeeds(f, compress.Snappy, framed(raw("one"), raw("two")), append(framed(raw("one")), framed(raw("two"))...))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := hostile(t, src, compress.Snappy, fuzzLimit)
		theirs, theirErr := strictUnsnappy(src)
		compare(t, got, err, theirs, theirErr, true)
		if n := new(compress.Codecs).Predict(src, compress.Snappy); err == nil && n != min(len(got), 16*len(src)+4096) {
			t.Errorf("predicted %d, got %d bytes", n, len(got))
		}
		if n, err := snappy.DecodedLen(src); err == nil && n <= fuzzLimit && n <= 22*len(src) {
			_, err := snappy.DecodeStrict(nil, src)
			if holds := compress.SnappyHolds(src, n); holds != (err == nil) {
				t.Errorf("%x: holds %t, the library says %v", src, holds, err)
			}
		}
	})
}

func strictUnsnappy(src []byte) ([]byte, error) {
	decode := func(block []byte) ([]byte, error) {
		if n, err := snappy.DecodedLen(block); err != nil || n > 22*len(block) {
			return nil, errors.New("size")
		}
		return snappy.DecodeStrict(nil, block)
	}
	if len(src) == 0 {
		return nil, nil
	}
	if !bytes.HasPrefix(src, []byte(framedHeader[:8])) {
		return decode(src)
	}
	var all []byte
	for len(src) > 0 {
		if bytes.HasPrefix(src, []byte(framedHeader[:8])) {
			if len(src) < len(framedHeader) {
				return nil, io.ErrUnexpectedEOF
			}
			src = src[len(framedHeader):]
			continue
		}
		if len(src) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := uint64(binary.BigEndian.Uint32(src))
		if src = src[4:]; n > uint64(len(src)) {
			return nil, io.ErrUnexpectedEOF
		}
		block, err := decode(src[:n])
		if err != nil {
			return nil, err
		}
		all, src = append(all, block...), src[n:]
	}
	return all, nil
}

// FuzzLZ4 compares with the library's reader of frames, as far as that reads what Kafka has.
func FuzzLZ4(f *testing.F) {
	addSeeds(f, compress.LZ4, frame(0x60, "\x50hello", "raw: ", "\x50world"), frame(0x40, "raw:0123456789abcdef", "\x0c\x10\x00\x50hello"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := hostile(t, src, compress.LZ4, fuzzLimit)
		if len(src) < 15 || string(src[:4]) != "\x04\x22\x4d\x18" {
			return // perhaps one of the library's other formats
		}
		header := 6
		if src[4]&8 != 0 {
			header = 14
		}
		if src[header] != headerChecksum(src[4:header]) {
			return // perhaps the wrong one of message sets v0
		}
		theirs, theirErr := io.ReadAll(io.LimitReader(lz4.NewReader(bytes.NewReader(oneFrame(src))), fuzzLimit+1))
		compare(t, got, err, theirs, theirErr, false)
	})
}

// oneFrame cuts off what follows a frame, since the library looks for another there. A block of
// nothing that is not compressed ends the frame for Java, and so for us.
func oneFrame(src []byte) []byte {
	src = bytes.Clone(src)
	flags, at := src[4], 7
	if flags&8 != 0 {
		at += 8
	}
	for at+4 <= len(src) {
		n := int(binary.LittleEndian.Uint32(src[at:]) &^ (1 << 31))
		if n == 0 {
			src[at+3] = 0
		}
		at += 4 + n
		if n == 0 && flags&4 != 0 || n > 0 && flags&16 != 0 {
			at += 4
		}
		if n == 0 {
			break
		}
	}
	return src[:min(at, len(src))]
}

// FuzzZstd compares with the library's reader of streams, which goes other ways than ours.
func FuzzZstd(f *testing.F) {
	addSeeds(f, compress.Zstd,
		stream(f, payload("text:300")), stream(f, payload("text:300"), zstd.WithEncoderCRC(false)),
		append(stream(f, payload("text:3")), skippable(3)...),
		zstdFrame("\x00\x58", blockOf(0, 3, false, "one"), blockOf(1, 5, true, "x")), zstdFrame("\x20\x01", blockOf(0, 1, true, "x")))
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := hostile(t, src, compress.Zstd, fuzzLimit)
		if err := r.Reset(io.MultiReader(bytes.NewReader(src))); err != nil {
			t.Fatal(err)
		}
		theirs, theirErr := io.ReadAll(io.LimitReader(r, fuzzLimit+1))
		if errors.Is(theirErr, zstd.ErrWindowSizeExceeded) || errors.Is(theirErr, zstd.ErrDecoderSizeExceeded) {
			return // a window that the reader of streams would have to keep
		}
		compare(t, got, err, theirs, theirErr, false)
	})
}

// FuzzRoundTrip compresses anything with everything.
func FuzzRoundTrip(f *testing.F) {
	for i := range allSettings {
		f.Add(uint8(i), payload("text:1000"))
		f.Add(uint8(i), payload("noise:100"))
	}
	c := new(compress.Codecs)
	f.Fuzz(func(t *testing.T, which uint8, src []byte) {
		roundTrip(t, c, src, allSettings[int(which)%len(allSettings)].Settings)
	})
}
