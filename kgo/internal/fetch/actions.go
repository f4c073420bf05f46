package fetch

import (
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Action is what a [Cell] wants done. See [Request] for the one that is not here.
type Action interface{ fetchAction() }

// Deliver hands out what an answer brought: views of it. It comes once for every answer that is
// told by [Answered] with a Response, also if it brought nothing. The list holds until the next
// call of the cell.
type Deliver struct {
	Request *Request
	Chunks  []Chunk
}

// A Chunk is what an answer brought for one partition. It may be news without records.
type Chunk struct {
	Partition *Partition
	Stamp     uint64 // what is in the chunk is stale if the partition has a newer one
	// From is the offset of the first record to be shown, End where the next chunk goes on, Limit
	// the offset before which to stop.
	From, End, Limit int64
	// Epoch is that of the leader which wrote the record before End, -1 if it is not known. Who goes
	// back to an offset within the chunk, or before it, seeks with it, so that a leader which does
	// not have what comes before that offset is found out.
	Epoch int32
	// Records are whole batches, from the one with the offset From on, with Aborted also some that
	// come before; unless Broken is set: then they end with what is no batch, and the partition
	// waits for a Seek.
	Records []byte
	Broken  bool
	// Batches is how many there are, Compressed how many of them are compressed.
	Batches, Compressed int
	// Aborted is nil if all records are to be shown. It is the chunk's own.
	Aborted []kmsg.FetchResponseAbortedTransaction

	HighWatermark, LastStable, LogStart int64 // -1 if they are not known
}

// Positioned tells where a partition begins that was assigned or sought.
type Positioned struct {
	Partition *Partition
	Stamp     uint64
	Offset    int64
}

// Ended says that all was delivered up to where a partition ended at first.
type Ended struct {
	Partition *Partition
	Stamp     uint64
}

// A Why is what a [Report] is about.
type Why int8

// Reports.
const (
	// Failing: it does not work, and goes on being tried.
	Failing Why = iota
	// OutOfRange: From is not in the log.
	OutOfRange
	// Recreated: the topic is another one with the same name.
	Recreated
	// TooLarge: the batch at From is larger than can be had.
	TooLarge
)

// Report tells of trouble.
type Report struct {
	Partition *Partition // nil if it is about a broker
	Stamp     uint64
	Why       Why
	Broker    int32 // -1 if it is about none
	Code      kmsg.ErrorCode
	Err       error
	// From is the position, To where it goes on, -1 if the partition waits for a Seek. Not for
	// Failing.
	From, To int64
}

// Truncated says that the leader's log is not the one that was read: it has other records, or
// none, from Diverged on, which is -1 if that is not known. The partition waits for a Seek or Halt.
type Truncated struct {
	Partition *Partition
	Stamp     uint64
	Position  int64
	Diverged  int64
	Epoch     int32 // of the record before Diverged
}

// AskOffsets asks ListOffsets of the leader of partitions. [Offsets] answers.
type AskOffsets struct {
	Isolation kmsg.IsolationLevel
	Parts     []OffsetAsk
}

// An OffsetAsk is a partition of an [AskOffsets].
type OffsetAsk struct {
	Partition   *Partition
	Timestamp   int64
	LeaderEpoch int32

	jumps uint64
	state state
}

// AskEpochs asks OffsetForLeaderEpoch of the leader of partitions. [Epochs] answers.
type AskEpochs struct{ Parts []EpochAsk }

// An EpochAsk is a partition of an [AskEpochs].
type EpochAsk struct {
	Partition   *Partition
	Epoch       int32
	LeaderEpoch int32

	jumps uint64
}

// Stale says that what is known of topics may be wrong.
type Stale struct {
	Topics []string
	Reason string
}

// Hint is what an answer said of the leader of a partition (KIP-951).
type Hint struct{ cluster.LeaderHint }

// Short says that a lane waits for room: what is kept for paused partitions should go.
type Short struct{}

func (*Request) fetchAction()    {}
func (*Deliver) fetchAction()    {}
func (*Positioned) fetchAction() {}
func (*Ended) fetchAction()      {}
func (*Report) fetchAction()     {}
func (*Truncated) fetchAction()  {}
func (*AskOffsets) fetchAction() {}
func (*AskEpochs) fetchAction()  {}
func (*Stale) fetchAction()      {}
func (*Hint) fetchAction()       {}
func (*Short) fetchAction()      {}
