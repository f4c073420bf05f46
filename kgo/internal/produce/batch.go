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
	order    uint64 // of batches in their queue; halves of a split batch share its width
	width    uint64
	opened   time.Time // when its first record came
	deadline time.Time // when it is given up
	prepared bool      // compressed and checksummed
	identity Identity  // of its number; NoIdentity without one
	sequence int32     // of its first record
	sentID   kbin.UUID // of the topic, when it was last taken
	tries    int       // how often it was taken
	written  bool      // the broker may have it
	expired  bool      // reported as failed while it flew
	last     Result    // of the try before
}

// Queue returns the queue that the batch is of.
func (b *Batch) Queue() *Queue { return b.queue }

// Len returns how many records it has.
func (b *Batch) Len() int {
	if b.Sealed.Bytes != nil {
		return int(b.Sealed.Count)
	}
	return b.Builder.Len()
}

// Size returns how many bytes it has.
func (b *Batch) Size() int {
	if b.Sealed.Bytes != nil {
		return len(b.Sealed.Bytes)
	}
	return b.Builder.Size()
}

// SentID returns the id that its topic had when it was last taken.
func (b *Batch) SentID() kbin.UUID { return b.sentID }

// Tries returns how often it was sent.
func (b *Batch) Tries() int { return b.tries }

func (b *Batch) numbered() bool { return b.identity.ID >= 0 }

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

// nextSequence is the sequence number after n more records. It wraps to 0 after MaxInt32, as
// the broker does (KIP-98).
func nextSequence(s int32, n int32) int32 { return int32((int64(s) + int64(n)) & 0x7fffffff) }
