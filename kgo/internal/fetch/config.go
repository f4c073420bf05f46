package fetch

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Config is how a [Cell] behaves. All of it must be set.
type Config struct {
	Isolation kmsg.IsolationLevel
	Rack      string        // where the consumer is, "" for no matter (KIP-392)
	MaxWait   time.Duration // how long a broker may wait for records where none are
	MinBytes  int           // what a broker waits for

	// Bite is how many bytes a partition is asked for at least, PartitionBytes at most: between
	// them it depends on how many lag.
	Bite, PartitionBytes int
	// BufferBytes is what Budget has, FrameBytes how large an answer may be.
	BufferBytes int64
	FrameBytes  int
	// Lanes is how many busy lanes a broker may have.
	Lanes int
	// Recheck is how long a replica is read from until the leader is asked again (KIP-392).
	Recheck time.Duration
	// Reset is where to go on when a position is not in the log; Nowhere is to wait.
	Reset Start
	// StopAtEnd ends each partition where it ended when it was first looked at.
	StopAtEnd bool
	// Patience is how long trouble that may pass is nobody's business.
	Patience time.Duration
	Backoff  cluster.Backoff
	// Random returns numbers from 0 to 1.
	Random func() float64
	Budget Budget
}

// A Budget has the memory for what is fetched. The cell takes; what it took is given back by
// whoever sends requests and by who consumes.
type Budget interface {
	// Take returns how many bytes, from least to most, may be used, 0 if there is no room, or
	// if more than ahead bytes wait to be consumed already. After a 0 the cell is told [Room]
	// when it may try again.
	Take(least, most, ahead int64) int64
}

// Sizes of requests, in bytes.
const (
	// idleBytes is what an idle lane asks for at most.
	idleBytes = 1 << 20
	// busyBytes is what a busy lane asks for at first: a few of its partitions' bites. More
	// would only push what was read out of the processor's caches before it is consumed.
	busyBytes = 2 << 20
	// mostBytes is what it asks for when somebody waits long for answers.
	mostBytes = 16 << 20
	// newsBytes is about what an answer takes for a partition besides records.
	newsBytes = 64
	// frameBytes is what it takes besides partitions.
	frameBytes = 1 << 10
)

// longWait is for how long somebody waits for a full answer of busyBytes before the lane asks for more at
// a time; for larger ones in proportion, since their bytes take time themselves. Who is busy with what
// came before does not wait, however long the answer takes.
const longWait = 5 * time.Millisecond

// earlyEnough is after how many answers that come in a quarter of that the lane asks for less again.
const earlyEnough = 16

// distrust is how long a replica is not gone back to after it failed.
const distrust = 30 * time.Second

// A Place is a kind of [Start].
type Place int8

// Places to start from.
const (
	Nowhere   Place = iota // until a Seek says where
	Earliest               // the first record that the partition has
	Latest                 // the end, as the isolation level has it
	Offset                 // Start.Offset
	Timestamp              // the first record of Start.Time or later, else the end
	Back                   // as Timestamp, Start.Back before now (KIP-1106)
)

// A Start says where to read a partition from.
type Start struct {
	Place  Place
	Offset int64         // of Offset
	Epoch  int32         // of Offset: that of the leader which wrote the record before, -1 if it is not known
	Time   int64         // of Timestamp, in milliseconds
	Back   time.Duration // of Back
	Delta  int64         // of the others: is added, as far as the partition has such records
}

// timestamp is what ListOffsets is asked for.
func (s Start) timestamp(now time.Time) int64 {
	switch s.Place {
	case Earliest:
		return int64(kmsg.TimestampEarliest)
	case Latest:
		return int64(kmsg.TimestampLatest)
	case Back:
		return max(0, now.Add(-s.Back).UnixMilli())
	}
	return max(0, s.Time)
}
