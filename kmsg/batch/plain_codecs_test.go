package batch_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// The codecs of the plain reader and writer: libraries, with Kafka's framings written again, and
// nothing of package compress.

const (
	snappyFraming = "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	lz4Magic      = "\x04\x22\x4d\x18"
)

var zstdEncoder, zstdDecoder = func() (*zstd.Encoder, *zstd.Decoder) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	if err != nil {
		panic(err)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		panic(err)
	}
	return e, d
}()

// compressed makes what a producer sends; v0 is for LZ4 in message sets of format 0.
func compressed(t testing.TB, b []byte, codec compress.Codec, v0 bool) []byte {
	t.Helper()
	out, err := compressPlain(codec, b, v0)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compressPlain(codec compress.Codec, b []byte, v0 bool) ([]byte, error) {
	var out bytes.Buffer
	switch codec {
	case compress.None:
		return b, nil
	case compress.Gzip:
		z := gzip.NewWriter(&out)
		_, err := z.Write(b)
		err = errors.Join(err, z.Close())
		return out.Bytes(), err
	case compress.Snappy:
		out.WriteString(snappyFraming)
		for len(b) > 0 {
			n := min(len(b), 32<<10)
			block := snappy.Encode(nil, b[:n])
			write(&out, int32(len(block)), block)
			b = b[n:]
		}
		return out.Bytes(), nil
	case compress.LZ4:
		z := lz4.NewWriter(&out)
		err := z.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false))
		if err == nil {
			_, err = z.Write(b)
		}
		err = errors.Join(err, z.Close())
		packed := out.Bytes()
		if v0 {
			packed[6] = byte(shortXXH32(packed[:6]) >> 8) // with the magic in it, KIP-57
		}
		return packed, err
	case compress.Zstd:
		return zstdEncoder.EncodeAll(b, nil), nil
	}
	return nil, errPlain
}

// decompressPlain stops a little above plainLimit.
func decompressPlain(codec compress.Codec, b []byte) ([]byte, error) {
	switch codec {
	case compress.Gzip:
		return gunzipPlain(b)
	case compress.Snappy:
		return unsnappyPlain(b)
	case compress.LZ4:
		return unlz4Plain(b)
	case compress.Zstd:
		return zstdDecoder.DecodeAll(b, nil)
	}
	return nil, errPlain
}

// gunzipPlain reads one member after the other, and ignores what begins no other. The library takes
// reserved flags, which RFC 1952 refuses.
func gunzipPlain(b []byte) (all []byte, err error) {
	in := bytes.NewReader(b)
	for first := true; first || in.Len() > 0 && len(all) <= plainLimit; first = false {
		rest := b[len(b)-in.Len():]
		z, err := gzip.NewReader(in)
		if err == nil && rest[3]&0xe0 != 0 {
			err = errPlain
		}
		switch {
		case err != nil && first:
			return nil, err
		case err != nil:
			return all, nil
		}
		z.Multistream(false)
		one, err := io.ReadAll(io.LimitReader(z, plainLimit+1))
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// unsnappyPlain reads one raw block, or blocks in snappy-java's framing, whose header may come
// again.
func unsnappyPlain(b []byte) (all []byte, err error) {
	decode := func(block []byte) error {
		if n, err := s2.DecodedLen(block); err != nil || n > plainLimit {
			return errPlain
		}
		one, err := s2.Decode(nil, block)
		all = append(all, one...)
		return err
	}
	if len(b) > 0 && !bytes.HasPrefix(b, []byte(snappyFraming[:8])) {
		err = decode(b)
		return all, err
	}
	for len(b) > 0 && len(all) <= plainLimit {
		if bytes.HasPrefix(b, []byte(snappyFraming[:8])) {
			if len(b) < 16 {
				return nil, io.ErrUnexpectedEOF
			}
			b = b[16:]
			continue
		}
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, io.ErrUnexpectedEOF
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		if err := decode(b[4:n]); err != nil {
			return nil, err
		}
		b = b[n:]
	}
	return all, nil
}

// unlz4Plain has the library read one frame, with the right checksum of the header if it has the
// wrong one of old. A block of nothing ends a frame, compressed or not.
func unlz4Plain(b []byte) ([]byte, error) {
	header := 6
	if len(b) > 4 && b[4]&8 != 0 {
		header = 14
	}
	if len(b) <= header || string(b[:4]) != lz4Magic {
		return nil, errPlain
	}
	b = bytes.Clone(b)
	if b[header] == byte(shortXXH32(b[:header])>>8) {
		b[header] = byte(shortXXH32(b[4:header]) >> 8)
	}
	at := header + 1
	for at+4 <= len(b) {
		n := int(binary.LittleEndian.Uint32(b[at:]) &^ (1 << 31))
		if n == 0 {
			b[at+3] = 0
		}
		at += 4 + n
		if n == 0 && b[4]&4 != 0 || n > 0 && b[4]&16 != 0 {
			at += 4 // a checksum
		}
		if n == 0 {
			break
		}
	}
	z := lz4.NewReader(bytes.NewReader(b[:min(at, len(b))]))
	return io.ReadAll(io.LimitReader(z, plainLimit+1))
}

// shortXXH32 is xxHash32 of less than 16 bytes, as headers have.
func shortXXH32(b []byte) uint32 {
	const p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	h := uint32(p5) + uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*p3, 17) * p4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return h ^ h>>16
}
