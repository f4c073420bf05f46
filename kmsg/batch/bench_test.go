package batch_test

import (
	"math/rand/v2"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// filled returns a sealed batch of about size bytes of records with values of n bytes.
func filled(size, n int) batch.Sealed {
	b := batch.NewBuilder(make([]byte, 0, size), batch.V2)
	rnd := rand.New(rand.NewPCG(1, 2))
	value := make([]byte, n)
	for i := range value {
		value[i] = byte(rnd.Uint32())
	}
	for now := int64(1_700_000_000_000); ; now++ {
		if _, ok := b.TryAppend(now, nil, value, nil); !ok {
			break
		}
	}
	s := b.Seal()
	s.Checksum()
	return s
}

func BenchmarkAppend(b *testing.B) {
	value := make([]byte, 100)
	var bld batch.Builder
	buf := make([]byte, 0, 1<<20)
	bld.Reset(buf, batch.V2)
	b.ReportAllocs()
	b.SetBytes(100)
	now := int64(1_700_000_000_000)
	for b.Loop() {
		if _, ok := bld.TryAppend(now, nil, value, nil); !ok {
			bld.Reset(buf, batch.V2)
		}
		now++
	}
}

func BenchmarkWalk(b *testing.B) {
	s := filled(1<<20, 100)
	r := batch.NewReader(s.Bytes)
	r.Next()
	payload, _, _ := r.Batch.Payload(nil, nil, 0)
	b.ReportAllocs()
	b.SetBytes(100)
	w := r.Batch.Walk(payload)
	var sum int64
	for b.Loop() {
		if !w.Next() {
			if w.Err() != nil {
				b.Fatal(w.Err())
			}
			w = r.Batch.Walk(payload)
			continue
		}
		sum += int64(len(w.Record.Value))
	}
}
