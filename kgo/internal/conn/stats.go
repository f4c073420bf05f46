package conn

import (
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

// Stats is a snapshot of what a lane is and did. Its numbers are taken one after the other.
type Stats struct {
	// State is what the lane is doing.
	State State
	// Outstanding is how many requests are not done.
	Outstanding int64
	// Requests is how many requests are done, Failed how many of them without an answer that
	// was wanted.
	Requests, Failed int64
	// Connects is how many connections were made, ConnectFailures how many tries to get one
	// ready came to nothing.
	Connects, ConnectFailures int64
	// BytesIn and BytesOut are what was read and written, without TLS.
	BytesIn, BytesOut int64
	// ThrottledUntil is when the lane may write again, zero or past if it may.
	ThrottledUntil time.Time
}

// A State is what a lane is doing.
type State int32

const (
	// Idle: there is no connection.
	Idle State = iota
	// Connecting: dialing, negotiating, authenticating.
	Connecting
	// Ready: requests can be sent.
	Ready
	// Closed: for good.
	Closed
)

// String returns idle, connecting, ready or closed.
func (s State) String() string { return [...]string{"idle", "connecting", "ready", "closed"}[s] }

type stats struct {
	state                     atomic.Int32
	outstanding               atomic.Int64
	requests, failed          atomic.Int64
	connects, connectFailures atomic.Int64
	bytesIn, bytesOut         atomic.Int64
	throttledUntil            atomic.Int64 // Unix nanoseconds
}

// Stats returns a snapshot.
func (c *Conn) Stats() Stats {
	s := &c.stats
	all := Stats{
		State:           State(s.state.Load()),
		Outstanding:     s.outstanding.Load(),
		Requests:        s.requests.Load(),
		Failed:          s.failed.Load(),
		Connects:        s.connects.Load(),
		ConnectFailures: s.connectFailures.Load(),
		BytesIn:         s.bytesIn.Load(),
		BytesOut:        s.bytesOut.Load(),
	}
	if ns := s.throttledUntil.Load(); ns != 0 {
		all.ThrottledUntil = time.Unix(0, ns)
	}
	return all
}

func (s *stats) note(n *link.Note) {
	switch n.Kind {
	case link.NoteConnected:
		s.connects.Add(1)
	case link.NoteConnectFailed:
		s.connectFailures.Add(1)
		s.state.Store(int32(Idle))
	case link.NoteReady:
		s.state.Store(int32(Ready))
	case link.NoteDisconnected:
		s.state.Store(int32(Idle))
	case link.NoteThrottled:
		s.throttledUntil.Store(time.Now().Add(n.For).UnixNano())
	}
}
