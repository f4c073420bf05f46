package cluster

import (
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Event is what a [Cell] is told. The cell owns it from then on.
type Event interface{ event() }

// A Need is a question: it comes back in a [Reply] when an answer of the cluster covers all that
// it names, or when it was tried and failed. It names brokers and controller always. Whoever
// waits no longer just ignores the reply.
type Need struct {
	Topics []string
	IDs    []kbin.UUID
	All    bool // all topics of the cluster

	// Newer is the Seq of the snapshot that was found wanting: only the answer to a later
	// request will do. With 0 anything that is known will do.
	Newer uint64
	// Now says that nothing was found wanting, but that somebody wants to know how things are now:
	// that is asked at once, unless it is wanted all the time.
	Now bool
	// Reason is for the log: why it is asked.
	Reason string
	// Notify is for whoever performs actions, to be called at the reply, or nil. The cell leaves
	// it alone.
	Notify func()

	// What came of it, set in the [Reply]. Either Snapshot is set, and has all topics that were
	// named, be it with an Err; or Err is, from the last attempt.
	Snapshot *Snapshot
	Err      error
}

// A Want keeps topics in the snapshot, and refreshes them, until an [Unwant] with the same
// content. Wants are counted.
type Want struct {
	Topics []string
	IDs    []kbin.UUID
	All    bool // all topics of the cluster
	// Create lets brokers create the topics that do not exist, if they are set up to do so.
	Create bool
}

// An Unwant takes a [Want] back. Topics that nobody wants are forgotten after
// [Config.MaxIdle].
type Unwant struct {
	Topics []string
	IDs    []kbin.UUID
	All    bool
	Create bool
}

// A Touch says that somebody uses a snapshot that is [Snapshot.Old], and which topics of it. An
// idle client does not refresh what nobody uses, and forgets it; this makes it do the one and not
// the other.
type Touch struct {
	Topics []string
	IDs    []kbin.UUID
}

// A MetadataAnswer is the answer to an [AskMetadata].
type MetadataAnswer struct {
	To *AskMetadata
	// Response is To.Into or another one, decoded at the version that was used. The cell reads
	// it in place and takes its memory for the next answer, so it must not be used any more.
	Response *kmsg.MetadataResponse
}

// MetadataFailed says that an [AskMetadata] got no answer.
type MetadataFailed struct {
	To  *AskMetadata
	Err error
	// Refused says that the broker does not accept who asks: the others will not either, so that
	// whoever waits hears of it at once.
	Refused bool
}

// NeedCoordinators asks who coordinates groups, transactional ids or share partitions. It comes
// back in a [Reply] when all keys were asked for.
type NeedCoordinators struct {
	Type kmsg.CoordinatorType
	Keys []string
	// Not is the broker that said it is not, or does not answer: if it is what is known, it is
	// forgotten. -1 for none.
	Not int32
	// Notify is as in [Need].
	Notify func()

	// Results has one element for each of Keys, in any order, set in the [Reply].
	Results []Coordinator
	// Err says that a request failed, set in the [Reply]. Results then may lack keys.
	Err error

	left int // keys under way
}

// A Coordinator is who coordinates a key, or why nobody does.
type Coordinator struct {
	Key     string
	Broker  Broker // without a rack; ID -1 if there is none
	Code    kmsg.ErrorCode
	Message string // what the broker said about Code, mostly nothing
}

// A CoordinatorsAnswer is the answer to an [AskCoordinators]. See [ReadCoordinators].
type CoordinatorsAnswer struct {
	To    *AskCoordinators
	Found []Coordinator
	// Unasked is how many of the last of To.Keys the request had no room for.
	Unasked int
}

// CoordinatorsFailed says that an [AskCoordinators] got no answer.
type CoordinatorsFailed struct {
	To  *AskCoordinators
	Err error
}

// A CoordinatorLost says that a broker does not coordinate the key any more, without a wish to
// know who does.
type CoordinatorLost struct {
	Type   kmsg.CoordinatorType
	Key    string
	Broker int32 // who was taken for it; if another is known by now, nothing is forgotten
}

// A LeaderHint is what the answer to a data request said of the leader of a partition
// (KIP-951). It counts only if it is newer than what is known, and for that partition only.
type LeaderHint struct {
	Topic     string    // may be empty if TopicID is known
	TopicID   kbin.UUID // that the request had, zero if none: a topic of another id is not meant
	Partition int32
	Leader    int32
	Epoch     int32
	// Endpoint is where the leader is, nil if the answer did not say.
	Endpoint *Broker
}

// A Connection tells how the connection for ordinary requests to a broker is, so that brokers
// are asked that are likely to answer.
type Connection struct {
	Broker int32
	Seed   string // of a seed instead of a broker, as in [AskMetadata]
	State  ConnectionState
}

// A ConnectionState is how a connection is.
type ConnectionState int8

// States of connections.
const (
	Closed  ConnectionState = iota // none, without a failure: never opened, idle
	Ready                          // open and authenticated
	Failing                        // the last attempt failed, or the connection broke
)

// A Rebootstrap forgets the brokers and starts over from the seeds: a broker demanded it by
// REBOOTSTRAP_REQUIRED (KIP-1102, KIP-1242).
type Rebootstrap struct {
	Reason string // for the log
}

// UpdateSeeds replaces the seeds.
type UpdateSeeds struct {
	Seeds []string // host:port
}

// Close ends all that waits with Err. Events after it are answered with Err too, or ignored.
type Close struct {
	Err error
}

func (*Need) event()               {}
func (*Want) event()               {}
func (*Unwant) event()             {}
func (*Touch) event()              {}
func (*MetadataAnswer) event()     {}
func (*MetadataFailed) event()     {}
func (*NeedCoordinators) event()   {}
func (*CoordinatorsAnswer) event() {}
func (*CoordinatorsFailed) event() {}
func (*CoordinatorLost) event()    {}
func (*LeaderHint) event()         {}
func (*Connection) event()         {}
func (*Rebootstrap) event()        {}
func (*UpdateSeeds) event()        {}
func (*Close) event()              {}
