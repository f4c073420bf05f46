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
	// Prepare says that batches must be compressed, which takes time: they wait until
	// [Queue.Prepared]. Without, they are only checksummed, and the queue does it.
	Prepare bool
}

const (
	// flyingMax is how many batches of a partition may be in flight: brokers remember as many
	// (KIP-98).
	flyingMax = 5
	// provenFor is how long after the last answer a broker is sure to know the producer. Brokers
	// forget one that is idle, after a day by default (producer.id.expiration.ms).
	provenFor = time.Minute
	// windowVersion is the version of Produce of brokers that remember flyingMax batches
	// (KAFKA-5494); those before remember one.
	windowVersion = 5
	// patience is how long the oldest request may be without an answer until [Slow] says so.
	patience = 3 * time.Second
	// farewell is how long a broker has to answer what it was sent for a partition that another
	// one leads by now.
	farewell = time.Second
	// idTries is how often a batch is sent by an id of its topic that the leader does not know.
	idTries = 5
	// agedShare is what part of the delivery timeout a batch may be open, so that its last
	// records have about as much time as its first.
	agedShare = 8
)

// backoff is how long to wait after so many failures in a row; jitter is from 0 to 1.
func (s *Settings) backoff(failures int, jitter float64) time.Duration {
	d := s.BackoffMin << min(max(failures-1, 0), 20)
	if d > s.BackoffMax || d <= 0 {
		d = s.BackoffMax
	}
	return time.Duration(float64(d) * (0.8 + 0.4*jitter))
}
