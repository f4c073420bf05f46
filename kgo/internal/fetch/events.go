package fetch

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Event is what a [Cell] is told.
type Event interface{ fetchEvent() }

// Assign hands over partitions.
type Assign struct{ Parts []Assigned }

// Assigned is a partition, with where to start. Stamp is as in [Seek].
type Assigned struct {
	Partition *Partition
	Stamp     uint64
	Start     Start
}

// Unassign takes partitions back.
type Unassign struct{ Parts []*Partition }

// Seek moves a partition. The stamp grows from one Assign, Seek or Halt of the partition to the
// next: of two that overtake each other the one with the higher stamp counts, and what is
// delivered with an older one is stale.
type Seek struct {
	Partition *Partition
	Stamp     uint64
	Start     Start
}

// Halt stops a partition until a [Seek], because of what its records turned out to be.
type Halt struct {
	Partition *Partition
	Stamp     uint64
}

// Pause stops fetching partitions, Resume goes on where it was.
type Pause struct{ Parts []*Partition }

// Resume takes a [Pause] back.
type Resume struct{ Parts []*Partition }

// Known tells what is known of the cluster.
type Known struct{ Snapshot *cluster.Snapshot }

// Answered tells what became of a [Request].
type Answered struct {
	Request *Request
	// Response is the broker's answer, nil without one. The cell reads it before it sends the
	// lane's next request, and not after.
	Response *kmsg.FetchResponse
	Failure  error
	// Fatal says that nothing but a change of versions or permissions will help.
	Fatal bool
	// Waited is for how long of the time that the answer took somebody has had to wait for records.
	Waited time.Duration
}

// Offsets answers an [AskOffsets]. Without a Response, Err says why.
type Offsets struct {
	To       *AskOffsets
	Response *kmsg.ListOffsetsResponse
	Err      error
}

// Epochs answers an [AskEpochs]. Without a Response, Err says why; Unsupported says that brokers
// know no such request, or do not allow it.
type Epochs struct {
	To          *AskEpochs
	Response    *kmsg.OffsetForLeaderEpochResponse
	Err         error
	Unsupported bool
}

// Room says that the budget may have room again.
type Room struct{}

// Close ends it all.
type Close struct{}

func (*Assign) fetchEvent()   {}
func (*Unassign) fetchEvent() {}
func (*Seek) fetchEvent()     {}
func (*Halt) fetchEvent()     {}
func (*Pause) fetchEvent()    {}
func (*Resume) fetchEvent()   {}
func (*Known) fetchEvent()    {}
func (*Answered) fetchEvent() {}
func (*Offsets) fetchEvent()  {}
func (*Epochs) fetchEvent()   {}
func (*Room) fetchEvent()     {}
func (*Close) fetchEvent()    {}
