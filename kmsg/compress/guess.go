package compress

import (
	"math"
	"sync/atomic"
)

// grow gives dst room for n bytes more. Unlike slices.Grow it makes not much more than that.
func grow(dst []byte, n int) []byte {
	if n <= cap(dst)-len(dst) {
		return dst
	}
	larger := make([]byte, len(dst), max(len(dst)+n, cap(dst)+cap(dst)/4))
	copy(larger, dst)
	return larger
}

// growTo gives dst, whose output began at base, room for n bytes more, which are known to come:
// for all that is guessed to come out, or as much again as came out before, but not for more
// than is left to the limit.
func growTo(dst []byte, base, guess, n, left int) []byte {
	done := len(dst) - base
	return grow(dst, min(max(n, guess-done, done), left))
}

// sum does not go beyond what an int can be.
func sum(a, b int) int { return int(min(uint64(a)+uint64(b), math.MaxInt)) }

// believed is how many bytes are thought to come out of one at most, until they come, whatever
// was said or learned: room for more is made as the output grows. All that is guessed keeps to it.
const believed = 16

// claimed is how much of what n bytes claim to become is believed before it comes out.
func claimed(said uint64, n int) int {
	return int(min(said, uint64(n)*believed+4<<10, math.MaxInt32))
}

// ratio guesses how many bytes come out of one. It follows larger ratios at once and smaller
// ones slowly, since a guess that is too small costs more.
type ratio struct{ sixteenths atomic.Uint32 }

const (
	ratioAtFirst = 4 << 4
	ratioSpare   = 2 // what is added to a guess
	ratioMost    = believed<<4 - ratioSpare
)

func (r *ratio) saw(in, out int) {
	if in == 0 {
		return
	}
	got := uint32(min(uint64(out)<<4/uint64(in)+1, ratioMost))
	was := r.sixteenths.Load()
	if got < was {
		got = was - (was-got)/16
	}
	r.sixteenths.Store(got)
}

// of guesses what n bytes decompress to, and a little more.
func (r *ratio) of(n int) int {
	per := uint64(r.sixteenths.Load())
	if per == 0 {
		per = ratioAtFirst
	}
	return int(min(uint64(n)*(per+ratioSpare)>>4, math.MaxInt))
}
