// Package measure compares what two operations take, in alternating rounds in one process, and
// prints tables of it.
package measure

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// An Operation does something so many times.
type Operation func(n int)

// A Sample is what an operation takes once.
type Sample struct {
	NS     float64 // CPU time, user and system, of the whole process
	Allocs float64
	Bytes  float64
}

// measure runs op n times. Garbage of before is collected first; the collector's work while op
// runs is on op's account.
func measure(n int, op Operation) Sample {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := CPUTime()
	op(n)
	used := CPUTime() - start
	runtime.ReadMemStats(&after)
	return Sample{
		NS:     float64(used) / float64(n),
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
}

// calibrate returns how many times op runs in the given CPU time. On the way op warms up.
func calibrate(slice time.Duration, op Operation) int {
	for n := 1; ; n *= 4 {
		if s := measure(n, op); s.NS*float64(n) >= float64(slice)/8 || n > 1<<28 {
			return max(1, int(float64(slice)/max(s.NS, 0.1)))
		}
	}
}

// A Result compares two operations over all rounds.
type Result struct {
	Ours, Theirs    Sample  // medians
	Ratio           float64 // median of the rounds' ratios
	Lowest, Highest float64 // ratio of a round
}

// Compare measures two operations in alternating rounds, each first in every other.
func Compare(ctx context.Context, rounds int, slice time.Duration, ours, theirs Operation) (Result, error) {
	n, m := calibrate(slice, ours), calibrate(slice, theirs)
	a, b := make([]Sample, rounds), make([]Sample, rounds)
	ratios := make([]float64, rounds)
	for i := range rounds {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if i%2 == 0 {
			a[i] = measure(n, ours)
			b[i] = measure(m, theirs)
		} else {
			b[i] = measure(m, theirs)
			a[i] = measure(n, ours)
		}
		ratios[i] = a[i].NS / b[i].NS
	}
	return Result{
		Ours:    medians(a),
		Theirs:  medians(b),
		Ratio:   Median(ratios),
		Lowest:  slices.Min(ratios),
		Highest: slices.Max(ratios),
	}, nil
}

func medians(samples []Sample) Sample {
	of := func(f func(Sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = f(s)
		}
		return Median(values)
	}
	return Sample{
		NS:     of(func(s Sample) float64 { return s.NS }),
		Allocs: of(func(s Sample) float64 { return s.Allocs }),
		Bytes:  of(func(s Sample) float64 { return s.Bytes }),
	}
}

// Median returns the middle of values, of which there must be one.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}
