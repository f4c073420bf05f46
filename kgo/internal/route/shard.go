package route

import (
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A Shard is a request to one broker: all of a [Call] or a part of it. From [Send] until
// [Call.Answered] it belongs to whoever sends it.
type Shard struct {
	// Broker is whom it goes to: a broker of the snapshot, or what [Options.Broker] says.
	// [Any] stands for any broker: whoever sends it chooses one, not among Avoid if another is
	// left, and sets it here.
	Broker int32
	Avoid  []int32

	API      kmsg.APIKey
	Min, Max int16 // the versions that it can be sent in
	Lane     Lane
	// Deadline is when the answer has to be there.
	Deadline time.Time
	// NoAnswer says that the broker will not answer (Produce with acks 0): once it is written,
	// it is answered with nil.
	NoAnswer bool
	// Expect is how many bytes of data the answer may have by what was asked for, 0 if that
	// cannot be told (see decisions on frames in package conn).
	Expect int

	call *Call
}

// Any is the broker of a [Shard] that any broker will do for.
const Any int32 = -1

// Prepare returns the request in the shape of a version. The result is for whoever sends the
// shard, and shares memory with the request of the user: it is not to be written to. The error
// says that the version has no room for what is asked. It may be called more than once, from one
// goroutine at a time.
func (s *Shard) Prepare(version int16) (kmsg.Request, error) { panic("to be written") }
