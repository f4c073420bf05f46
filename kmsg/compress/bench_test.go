package compress_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// eachBatch runs a benchmark on batches like Kafka's, several of a kind so that no table of the
// processor learns one by heart.
func eachBatch(b *testing.B, run func(b *testing.B, batches [][]byte)) {
	for _, record := range []struct {
		name string
		of   func(size int, seed uint64) []byte
	}{
		{"100B", func(size int, seed uint64) []byte { return records(smallRecord, size, seed) }},
		{"1KiB", func(size int, seed uint64) []byte { return records(largeRecord, size, seed) }},
	} {
		for _, size := range []int{16 << 10, 64 << 10, 1 << 20} {
			var batches [][]byte
			for seed := range uint64(max(4, 256<<10/size)) {
				batches = append(batches, record.of(size, seed))
			}
			b.Run(fmt.Sprintf("%s/%dKiB", record.name, size>>10), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(batches[0])))
				run(b, batches)
			})
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	for _, s := range allSettings {
		b.Run(s.name, func(b *testing.B) {
			eachBatch(b, func(b *testing.B, batches [][]byte) {
				var c compress.Codecs
				packed := make([]byte, 0, 2<<20)
				in, out, i := 0, 0, 0
				for b.Loop() {
					src := batches[i%len(batches)]
					var err error
					if packed, err = c.Compress(packed[:0], src, s.Settings); err != nil {
						b.Fatal(err)
					}
					in, out, i = in+len(src), out+len(packed), i+1
				}
				b.ReportMetric(100*float64(out)/float64(in), "%left")
			})
		})
	}
}

// What is decompressed by us into a buffer that is used again, into none, and by the libraries
// with the same settings and no care.
func BenchmarkDecompress(b *testing.B) {
	for _, codec := range []struct {
		name string
		compress.Settings
		library func(dst, src []byte) ([]byte, error)
	}{
		{"gzip", compress.Settings{Codec: compress.Gzip}, libraryGzip()},
		{"snappy", compress.Settings{Codec: compress.Snappy, Raw: true}, func(dst, src []byte) ([]byte, error) { return s2.Decode(dst[:cap(dst)], src) }},
		{"lz4", compress.Settings{Codec: compress.LZ4}, libraryLZ4},
		{"zstd", compress.Settings{Codec: compress.Zstd}, libraryZstd(b)},
	} {
		var c compress.Codecs
		for _, way := range []struct {
			name string
			room bool
			run  func(dst, src []byte) ([]byte, error)
		}{
			{"ours", true, func(dst, src []byte) ([]byte, error) { return c.Decompress(dst, src, codec.Codec, 10<<20) }},
			{"library", true, codec.library},
			{"fresh", false, func(dst, src []byte) ([]byte, error) { return c.Decompress(dst, src, codec.Codec, 10<<20) }},
		} {
			b.Run(codec.name+"/"+way.name, func(b *testing.B) {
				eachBatch(b, func(b *testing.B, batches [][]byte) {
					var packed [][]byte
					for _, src := range batches {
						p, err := c.Compress(nil, src, codec.Settings)
						if err != nil {
							b.Fatal(err)
						}
						packed = append(packed, p)
					}
					var room []byte
					if way.room {
						room = make([]byte, 0, 2<<20)
					}
					for i := 0; b.Loop(); i++ {
						out, err := way.run(room, packed[i%len(packed)])
						if err != nil || len(out) != len(batches[i%len(packed)]) {
							b.Fatalf("got %d bytes, %v", len(out), err)
						}
					}
				})
			})
		}
	}
}

func libraryGzip() func(dst, src []byte) ([]byte, error) {
	var from bytes.Reader
	z := new(gzip.Reader)
	return func(dst, src []byte) ([]byte, error) {
		from.Reset(src)
		if err := z.Reset(&from); err != nil {
			return nil, err
		}
		for {
			n, err := z.Read(dst[len(dst):cap(dst)])
			dst = dst[:len(dst)+n]
			if err == io.EOF {
				return dst, nil
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// libraryLZ4 decompresses the blocks of our frames.
func libraryLZ4(dst, src []byte) ([]byte, error) {
	for src = src[7:]; ; {
		n := binary.LittleEndian.Uint32(src)
		if n == 0 {
			return dst, nil
		}
		m, err := lz4.UncompressBlock(src[4:4+n], dst[len(dst):cap(dst)])
		if err != nil {
			return nil, err
		}
		dst, src = dst[:len(dst)+m], src[4+n:]
	}
}

func libraryZstd(b *testing.B) func(dst, src []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	return func(dst, src []byte) ([]byte, error) { return d.DecodeAll(src, dst) }
}

func BenchmarkPredict(b *testing.B) {
	var c compress.Codecs
	for _, s := range allSettings {
		if s.Level != 0 {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			packed, err := c.Compress(nil, records(largeRecord, 1<<20, 1), s.Settings)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Predict(packed, s.Codec)
			}
		})
	}
}
