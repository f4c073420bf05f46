package main

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// A sample is what one operation takes.
type sample struct {
	ns     float64 // CPU time, user and system, of the whole process
	allocs float64
	bytes  float64
}

// measure runs op n times. Garbage of before is collected first; the collector's work while op
// runs is on op's account.
func measure(n int, op operation) sample {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpuTime()
	op(n)
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	return sample{
		ns:     float64(used) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
}

// calibrate returns how many times op runs in the given CPU time. On the way op warms up.
func calibrate(slice time.Duration, op operation) int {
	for n := 1; ; n *= 4 {
		if s := measure(n, op); s.ns*float64(n) >= float64(slice)/8 || n > 1<<28 {
			return max(1, int(float64(slice)/max(s.ns, 0.1)))
		}
	}
}

// A result compares two operations over all rounds.
type result struct {
	ours, theirs    sample  // medians
	ratio           float64 // median of the rounds' ratios
	lowest, highest float64 // ratio of a round
}

// compare measures two operations in alternating rounds, each first in every other.
func compare(ctx context.Context, rounds int, slice time.Duration, ours, theirs operation) (result, error) {
	n, m := calibrate(slice, ours), calibrate(slice, theirs)
	a, b := make([]sample, rounds), make([]sample, rounds)
	ratios := make([]float64, rounds)
	for i := range rounds {
		if err := ctx.Err(); err != nil {
			return result{}, err
		}
		if i%2 == 0 {
			a[i] = measure(n, ours)
			b[i] = measure(m, theirs)
		} else {
			b[i] = measure(m, theirs)
			a[i] = measure(n, ours)
		}
		ratios[i] = a[i].ns / b[i].ns
	}
	return result{
		ours:    medians(a),
		theirs:  medians(b),
		ratio:   median(ratios),
		lowest:  slices.Min(ratios),
		highest: slices.Max(ratios),
	}, nil
}

func medians(samples []sample) sample {
	of := func(f func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = f(s)
		}
		return median(values)
	}
	return sample{
		ns:     of(func(s sample) float64 { return s.ns }),
		allocs: of(func(s sample) float64 { return s.allocs }),
		bytes:  of(func(s sample) float64 { return s.bytes }),
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}
