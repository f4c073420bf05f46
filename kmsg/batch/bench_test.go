package batch_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// words is a value of n bytes that compresses to about a third.
func words(n int, seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "word%d ", rnd.IntN(1000))
	}
	return b[:n]
}

// filled is a builder with about size bytes of records with values of n bytes.
func filled(size, n int) *batch.Builder {
	b := batch.NewBuilder(make([]byte, 0, size), batch.V2)
	for now := int64(1_700_000_000_000); ; now++ {
		if _, ok := b.TryAppend(now, nil, words(n, uint64(now)), nil); !ok {
			return b
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, headers := range [][]batch.RecordHeader{nil, {{Key: "header", Value: []byte("a value")}, {Key: "another", Value: []byte("a value")}}} {
		b.Run(fmt.Sprintf("100B/headers=%d", len(headers)), func(b *testing.B) {
			value := words(100, 1)
			var bld batch.Builder
			buf := make([]byte, 0, 1<<20)
			bld.Reset(buf, batch.V2)
			b.ReportAllocs()
			b.SetBytes(100)
			now := int64(1_700_000_000_000)
			for b.Loop() {
				if _, ok := bld.TryAppend(now, nil, value, headers); !ok {
					bld.Reset(buf, batch.V2)
				}
				now++
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	s := filled(1<<20, 100).Seal()
	s.Checksum()
	r := batch.NewReader(s.Bytes)
	r.Next()
	payload := r.Batch.Raw[batch.HeaderSize:]
	b.ReportAllocs()
	b.SetBytes(100)
	w := r.Batch.Walk(payload)
	var sum int
	for b.Loop() {
		if !w.Next() {
			if w.Err() != nil {
				b.Fatal(w.Err())
			}
			w = r.Batch.Walk(payload)
			continue
		}
		sum += len(w.Record.Value)
	}
}

// Skipping to the last record of 1 MiB.
func BenchmarkSkipTo(b *testing.B) {
	s := filled(1<<20, 100).Seal()
	s.Checksum()
	r := batch.NewReader(s.Bytes)
	r.Next()
	b.ReportAllocs()
	b.SetBytes(int64(len(s.Bytes)))
	for b.Loop() {
		w := r.Batch.Walk(r.Batch.Raw[batch.HeaderSize:])
		w.SkipTo(r.Batch.LastOffset())
		if !w.Next() {
			b.Fatal(w.Err())
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	full := filled(1<<20, 100)
	b.ReportAllocs()
	b.SetBytes(1 << 20)
	for b.Loop() {
		again := *full
		s := again.Seal()
		s.Checksum()
	}
}

// What sealing cannot be faster than.
func BenchmarkCRC32C(b *testing.B) {
	table := crc32.MakeTable(crc32.Castagnoli)
	data := filled(1<<20, 100).Seal().Bytes
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		crc32.Checksum(data[21:], table)
	}
}

func BenchmarkNumber(b *testing.B) {
	s := filled(1<<20, 100).Seal()
	s.Checksum()
	b.ReportAllocs()
	for b.Loop() {
		s.Number(4711, 1, 77)
	}
}

// From a batch of 100 kB, compressed, to its records and back.
func BenchmarkCodecs(b *testing.B) {
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		plain := filled(100_000, 100)
		var own compress.Codecs
		b.Run("compress/"+codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(100_000)
			dst := make([]byte, 0, 120_000)
			for b.Loop() {
				again := *plain
				s := again.Seal()
				if _, err := s.Compress(&own, compress.Settings{Codec: codec}, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("payload/"+codec.String(), func(b *testing.B) {
			again := *plain
			s := again.Seal()
			if _, err := s.Compress(&own, compress.Settings{Codec: codec}, nil); err != nil {
				b.Fatal(err)
			}
			r := batch.NewReader(s.Bytes)
			r.Next()
			var room []byte
			var err error
			b.ReportAllocs()
			b.SetBytes(100_000)
			for b.Loop() {
				if _, room, err = r.Batch.Payload(&own, room, batch.DefaultLimit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAborted(b *testing.B) {
	var list []kmsg.FetchResponseAbortedTransaction
	for i := range int64(100) {
		list = append(list, kmsg.FetchResponseAbortedTransaction{ProducerID: i, FirstOffset: 100 - i})
	}
	last := one(200, 7, txn, "")
	var a batch.Aborted
	b.ReportAllocs()
	for b.Loop() {
		a.Reset(list)
		if drop, err := a.Drop(last); !drop || err != nil {
			b.Fatal(drop, err)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	s := filled(100_000, 100).Seal()
	s.Checksum()
	for to := batch.V0; to <= batch.V1; to++ {
		b.Run(fmt.Sprintf("2to%d", to), func(b *testing.B) {
			conv := batch.Converter{To: to, Codecs: codecs}
			var out []byte
			var err error
			b.ReportAllocs()
			b.SetBytes(100_000)
			for b.Loop() {
				if out, err = conv.Append(out[:0], s.Bytes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkClone(b *testing.B) {
	r := batch.Record{Key: []byte("key"), Value: bytes.Repeat([]byte("v"), 100)}
	b.ReportAllocs()
	for b.Loop() {
		clone := r.Clone()
		if clone.Value == nil {
			b.Fatal("the value is gone")
		}
	}
}
