package produce

import (
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Settings are those of a producer. They do not change.
type Settings struct {
	Acks kmsg.Acks
	// Linger is how long a batch may wait for more records while a request to its broker is in
	// flight. Without one it does not wait.
	Linger time.Duration
	// RequestBytes is how large a request may become, its first batch excepted.
	RequestBytes int
	// InFlight is how many requests a broker may have.
	InFlight int
	// DeliveryTimeout is how long after its first record a batch is given up.
	DeliveryTimeout time.Duration
	// Tries is how often a batch is sent at most, 0 for as often as time allows.
	Tries int
	// BackoffMin and BackoffMax bound how long a partition waits after a failure; the wait
	// doubles from one to the next (KIP-580).
	BackoffMin, BackoffMax time.Duration
	// Prepare says that batches must be compressed, which takes time: the sink asks for it.
	// Without, they are only checksummed, and the queue does it.
	Prepare bool
}

// flying is how many batches of one partition may be in flight: five are what brokers remember
// (KIP-98). Without numbers, a second one could overtake the first.
func (s *Settings) flying(plain bool) int {
	switch {
	case s.Acks == kmsg.AcksNone:
		return s.InFlight
	case plain:
		return 1
	}
	return min(s.InFlight, 5)
}

// backoff is how long to wait after so many failures in a row; jitter is from 0 to 1.
func (s *Settings) backoff(failures int, jitter float64) time.Duration {
	d := s.BackoffMin << min(max(failures-1, 0), 20)
	if d > s.BackoffMax || d <= 0 {
		d = s.BackoffMax
	}
	return time.Duration(float64(d) * (0.8 + 0.4*jitter))
}
