// Package latency counts how long things took, and says what most of them did.
package latency

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted by the exponent and the six bits behind the first one, which keeps them
// within 2 %.
const (
	fine    = 6
	buckets = (64 - fine) << fine
)

// A Histogram counts durations. The zero value is empty. Its methods may be called concurrently.
type Histogram struct {
	counts [buckets]atomic.Int64
	max    atomic.Int64
}

func bucket(ns uint64) int {
	shift := max(0, bits.Len64(ns)-fine-1)
	return shift<<fine + int(ns>>shift)
}

// top is the longest duration of a bucket.
func top(i int) time.Duration {
	shift := max(0, i>>fine-1)
	return time.Duration(uint64(i-shift<<fine+1)<<shift - 1)
}

// Add counts a duration; one below 0 as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))].Add(1)
	for {
		longest := h.max.Load()
		if int64(d) <= longest || h.max.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

// A Snapshot is what was counted.
type Snapshot struct {
	Count  int64
	Max    time.Duration
	counts [buckets]int64
}

// Take returns what was counted, and begins anew.
func (h *Histogram) Take() *Snapshot {
	s := new(Snapshot)
	for i := range h.counts {
		if h.counts[i].Load() != 0 {
			s.counts[i] = h.counts[i].Swap(0)
			s.Count += s.counts[i]
		}
	}
	s.Max = time.Duration(h.max.Swap(0))
	return s
}

// Merge adds what another snapshot has.
func (s *Snapshot) Merge(o *Snapshot) {
	s.Count += o.Count
	s.Max = max(s.Max, o.Max)
	for i := range s.counts {
		s.counts[i] += o.counts[i]
	}
}

// Quantile returns the duration that a share of all, from 0 to 1, did not exceed; 0 without any.
func (s *Snapshot) Quantile(share float64) time.Duration {
	left := int64(share*float64(s.Count) + 0.5)
	for i, n := range s.counts {
		if left -= n; n > 0 && left <= 0 {
			return min(top(i), s.Max)
		}
	}
	return s.Max
}
