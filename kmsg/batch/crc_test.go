package batch

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// The checksum of two runs, joined, is that of both together.
func TestJoin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	data := make([]byte, 1<<18)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	for range 2000 {
		all := data[:rnd.IntN(len(data))>>rnd.IntN(18)]
		at := rnd.IntN(len(all) + 1)
		first, second := crc32.Checksum(all[:at], castagnoli), crc32.Checksum(all[at:], castagnoli)
		if got, want := join(first, second, shiftOf(len(all)-at)), crc32.Checksum(all, castagnoli); got != want {
			t.Fatalf("%d and %d bytes: got %08x, want %08x", at, len(all)-at, got, want)
		}
	}
}

// A shift by the longest batch is that by its halves, one after the other.
func TestShiftOfTheLongest(t *testing.T) {
	const longest = 1<<31 - 1
	if got, want := shiftOf(longest), times(shiftOf(longest/2), shiftOf(longest-longest/2)); got != want {
		t.Errorf("got %08x, want %08x", got, want)
	}
}
