package cluster

import "time"

// A Backoff says how long to pause after failures: Base after the first, twice as long after
// each further one, at most Max, longer or shorter by up to Jitter of it (KIP-580).
type Backoff struct {
	Base   time.Duration // Java: retry.backoff.ms
	Max    time.Duration // Java: retry.backoff.max.ms
	Jitter float64       // 0.2 is 20 percent
}

// DefaultBackoff is 100 ms to 1 s with 20 percent of jitter, as in the Java client.
var DefaultBackoff = Backoff{Base: 100 * time.Millisecond, Max: time.Second, Jitter: 0.2}

// After returns the pause after the n-th failure in a row, from 1 on. The random number, from 0
// to 1, makes the jitter.
func (b Backoff) After(n int, random float64) time.Duration {
	pause := b.Max
	if shift := max(n-1, 0); shift < 32 && b.Base<<shift > 0 {
		pause = min(b.Base<<shift, b.Max)
	}
	return time.Duration(float64(pause) * (1 + b.Jitter*(2*random-1)))
}
