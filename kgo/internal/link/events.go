package link

import (
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// An Event is what a link is told: a [*Request], [*Cancel], [*Throttle] or [*Close] by those who
// use it, the rest by the shell that does what the link wants done.
type Event interface{ linkEvent() }

// Cancel ends a request that nobody waits for any more. If it was written already, its answer
// is dropped when it comes. A request that is done stays as it is.
type Cancel struct{ Request *Request }

// Throttle tells for how long an answer asked to hold back (KIP-219). Who decodes an answer
// tells; the link looks up whether that version wants the client to wait.
type Throttle struct {
	Key     kmsg.APIKey
	Version int16
	For     time.Duration
}

// Close ends the link. All requests fail, those that come later too.
type Close struct {
	// Err is why, nil for [ErrClosed] alone.
	Err error
}

// Connected answers a [*Connect]: there is a connection. The shell begins to read frames.
type Connected struct {
	TLS bool
	// Took is how long dialing and TLS took, in all.
	Took time.Duration
	// More says that there are other addresses to try, should this one disappoint.
	More bool
	// Peer is what the owner knows of the broker just now.
	Peer Peer
	// Local and Remote are the ends of the connection, for logs.
	Local, Remote string
}

// A Peer is what the owner of a link knows of the broker when a connection is made.
type Peer struct {
	// ClusterID and NodeID say who must be there (KIP-1242), "" and -1 if that is not known.
	ClusterID string
	NodeID    int32
	// Old is the release that a broker without ApiVersions was recognised as in the last ten
	// minutes, see [Learned]; "" for none.
	Old string
}

// ConnectFailed answers a [*Connect], or a [*Disconnect] before it was answered: no address
// would do.
type ConnectFailed struct {
	// Err is what happened, with the address.
	Err error
	// TLS says that a connection was made, and TLS failed.
	TLS bool
	// Took is how long it took.
	Took time.Duration
	// Head is the first bytes that came, if they are not TLS, at most 16.
	Head []byte
	// Ended says that the other side ended the connection.
	Ended bool
}

// Frame is what the broker sent: one frame, without its size. The bytes are the link's from now
// on.
type Frame struct{ Bytes []byte }

// Wrote says that the last [*Write] is done: all of it left.
type Wrote struct{}

// Disconnected says that the connection is gone, after the last frame was told: the reader and
// the writer have ended, and nothing reads the bytes of a [*Write] any more. It comes once for
// every Connected, be it because of a [*Disconnect] or of its own accord.
type Disconnected struct {
	// Err is what went wrong first; it does not count after a Disconnect.
	Err error
	// Ended says that the other side ended the connection, or reset it.
	Ended bool
	// TLS says that Err is an error of TLS: an alert, a bad record.
	TLS bool
	// Protocol says that what came is no frame.
	Protocol bool
	// Writing says that Err is of a write, not of a read.
	Writing bool
	// Head is the first bytes that came where a frame should begin, at most 16, if Protocol.
	Head []byte
	// Written is how many bytes of an unfinished [*Write] left.
	Written int
}

// AuthStep answers an [*Authenticate].
type AuthStep struct {
	// Attempt is that of the Authenticate.
	Attempt uint32
	// Response is what to send, unless Done.
	Response []byte
	Done     bool
	Err      error
}

func (*Request) linkEvent()       {}
func (*Cancel) linkEvent()        {}
func (*Throttle) linkEvent()      {}
func (*Close) linkEvent()         {}
func (*Connected) linkEvent()     {}
func (*ConnectFailed) linkEvent() {}
func (*Frame) linkEvent()         {}
func (*Wrote) linkEvent()         {}
func (*Disconnected) linkEvent()  {}
func (*AuthStep) linkEvent()      {}
