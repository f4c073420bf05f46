//go:build !race

package compress_test

import (
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// With buffers that are used again nothing is allocated. (With the race detector, pools of the
// libraries forget at random.)
func TestNoAllocations(t *testing.T) {
	c := new(compress.Codecs)
	src := records(largeRecord, 100_000, 1)
	for _, s := range allSettings {
		if s.Level > 9 {
			continue
		}
		packed := make([]byte, 0, 2*len(src))
		for range 2 { // the library's encoder of Zstd has all of its buffers from the third time on
			roundTrip(t, c, src, s.Settings)
		}
		var err error
		compressing := testing.AllocsPerRun(10, func() {
			packed, err = c.Compress(packed[:0], src, s.Settings)
		})
		if err != nil || compressing != 0 {
			t.Errorf("%s: compressing allocates %v times, %v", s.name, compressing, err)
		}
		out := make([]byte, 0, len(src))
		decompressing := testing.AllocsPerRun(10, func() {
			out, err = c.Decompress(out[:0], packed, s.Codec, 1<<20)
		})
		if err != nil || decompressing != 0 {
			t.Errorf("%s: decompressing allocates %v times, %v", s.name, decompressing, err)
		}
		predicting := testing.AllocsPerRun(10, func() { c.Predict(packed, s.Codec) })
		if predicting != 0 {
			t.Errorf("%s: predicting allocates %v times", s.name, predicting)
		}
	}
	unsized := stream(t, src)
	out := make([]byte, 0, len(src))
	var err error
	if n := testing.AllocsPerRun(10, func() { out, err = c.Decompress(out[:0], unsized, compress.Zstd, 1<<20) }); n != 0 || err != nil {
		t.Errorf("zstd of a stream: decompressing allocates %v times, %v", n, err)
	}
}
