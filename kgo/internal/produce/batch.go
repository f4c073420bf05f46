package produce

import (
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Batch is a run of records for one partition.
type Batch struct {
	// Builder has the records while the batch is open. Appending is for the queue's owner,
	// under its lock.
	Builder batch.Builder
	// Sealed is what goes out, once the batch is sealed.
	Sealed batch.Sealed
	// Tag is its owner's: who waits for which record.
	Tag any

	queue    *Queue
	state    state
	opened   time.Time // when its first record came
	deadline time.Time // when it is given up
	// working says that a worker has the bytes, to compress or to split them. Nobody else
	// touches them then, and the batch is not taken.
	working bool
	// numbered says that the broker knows its records by sequence, under the queue's identity.
	numbered bool
	sequence int32 // of its first record
	// written says that the broker may have it, or may yet get it: a try of it was not answered,
	// or answered so that it may be in the log. Once set it stays, as long as the number does.
	written bool
	// overtaken says that a later batch is in the log, though brokers should not have taken it
	// before this one. If this one is not in the log it is too late for it.
	overtaken bool
	reported  bool      // its failure was told while its bytes were in use
	sentID    kbin.UUID // of the topic, when it was last taken
	tries     int       // how often it was taken
	last      Result    // of the last try, if that failed
	outcome   Outcome   // in stateEnded
}

// A state is where in its life a batch is.
type state uint8

const (
	stateOpen    state = iota
	stateWaiting       // sealed, in the line
	stateFlying        // taken, in the line
	stateEnded         // in the line: its outcome waits for those before it
	stateGone          // not in the queue any more
)

// Queue returns the queue that the batch is of.
func (b *Batch) Queue() *Queue { return b.queue }

// SentID returns the id that its topic had when it was last taken.
func (b *Batch) SentID() kbin.UUID { return b.sentID }

// Tries returns how often it was sent.
func (b *Batch) Tries() int { return b.tries }

// An Identity is what a broker knows a producer by.
type Identity struct {
	ID    int64
	Epoch int16
}

// NoIdentity is the identity of a producer as long as it has none. Plain is that of one that
// gets none: it was not meant to be idempotent, or brokers before 0.11 do not know how.
var (
	NoIdentity = Identity{-1, -1}
	Plain      = Identity{-2, -1}
)

// newer reports whether brokers take numbers from 0 under an identity after another.
func newer(a, than Identity) bool { return a.ID >= 0 && (a.ID != than.ID || a.Epoch > than.Epoch) }

// nextSequence is the sequence number after n more records. It wraps to 0 after MaxInt32, as
// the broker does (KIP-98).
func nextSequence(s int32, n int32) int32 { return int32((int64(s) + int64(n)) & 0x7fffffff) }

// before compares sequence numbers that are near each other, though they wrap.
func before(a, b int32) bool { return a != b && uint32(b-a)&0x7fffffff < 1<<30 }
