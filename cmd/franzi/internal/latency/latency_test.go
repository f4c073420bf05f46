package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// Every duration has a bucket, and none is told longer than it was by more than 2 % or a nanosecond.
func TestBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 10000 {
		d := time.Duration(i)
		if i > 1000 {
			d = time.Duration(random.Uint64() >> 1 >> random.UintN(63))
		}
		got := top(bucket(uint64(d)))
		if got < d || float64(got) > float64(d)*1.02+1 {
			t.Fatalf("%d: got %d", d, got)
		}
	}
	if b := bucket(math.MaxInt64); b >= buckets {
		t.Errorf("the longest is in bucket %d of %d", b, buckets)
	}
}

func TestQuantiles(t *testing.T) {
	var h Histogram
	if s := h.Take(); s.Quantile(0.5) != 0 || s.Count != 0 {
		t.Errorf("empty: got %v of %d", s.Quantile(0.5), s.Count)
	}
	random := rand.New(rand.NewPCG(1, 1))
	var all []time.Duration
	total := new(Snapshot)
	for range 3 {
		for range 5000 {
			d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
			all = append(all, d)
			h.Add(d)
		}
		total.Merge(h.Take())
	}
	slices.Sort(all)
	for _, share := range []float64{0.001, 0.5, 0.95, 0.99, 0.999} {
		want := all[int(share*float64(len(all))+0.5)-1]
		if got := total.Quantile(share); got < want || float64(got) > float64(want)*1.02+1 {
			t.Errorf("%v: got %v, want %v", share, got, want)
		}
	}
	if got, want := total.Quantile(1), all[len(all)-1]; got != want || total.Max != want || total.Count != 15000 {
		t.Errorf("got %v of %d, the longest is %v", got, total.Count, want)
	}
	if s := h.Take(); s.Count != 0 || s.Max != 0 {
		t.Errorf("after Take there are %d", s.Count)
	}
}

func TestNegativeIsZero(t *testing.T) {
	var h Histogram
	h.Add(-1)
	if s := h.Take(); s.Count != 1 || s.Quantile(1) != 0 {
		t.Errorf("got %d, %v", s.Count, s.Quantile(1))
	}
}

func TestConcurrentAdds(t *testing.T) {
	var h Histogram
	var all sync.WaitGroup
	var taken int64
	for range 4 {
		all.Go(func() {
			for i := range 1000 {
				h.Add(time.Duration(i))
			}
		})
	}
	for range 10 {
		taken += h.Take().Count
	}
	all.Wait()
	if taken += h.Take().Count; taken != 4000 {
		t.Errorf("got %d, want 4000", taken)
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	var h Histogram
	d := time.Duration(0)
	for b.Loop() {
		d += 1001
		h.Add(d)
	}
}
