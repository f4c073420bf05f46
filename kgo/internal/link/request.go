package link

import (
	"encoding/binary"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Request goes to a broker over a [Link], which chooses its version. Who makes it fills in
// the first part, hands it over with [Link.Handle], and leaves it alone until it is done. Every
// request is done exactly once.
//
// A Request may be used again after it is done, unless it was cancelled.
type Request struct {
	// Key is the API.
	Key kmsg.APIKey
	// Min and Max are the versions that will do, whatever the broker speaks; the highest that
	// both sides speak is used. Max 0 is version 0 alone. With Min == Max, an unstable version
	// counts too: it was asked for.
	Min, Max int16
	// Body writes the request, once, when its version is known.
	Body Body

	// Deadline is when the request fails if it is not answered, zero for never. It fails alone:
	// the connection stays, and the answer is dropped when it comes.
	Deadline time.Time
	// Timeout is how long the broker may take for the answer, once nothing is before it on the
	// connection. A broker that takes longer is taken for dead, and the connection is closed.
	// Zero means [Config.RequestTimeout]; requests that wait by design set more.
	Timeout time.Duration
	// NoAnswer says that the broker does not answer: Produce with acks=0. The request is done
	// when it was written.
	NoAnswer bool
	// Expect is how many bytes of answer were asked for, if that is more than usual: so much
	// room is made at once when the answer claims to be that long.
	Expect int
	// Room, if set, makes the memory for the answer: at least n bytes of capacity, of which the
	// contents do not matter. It is called by the connection's reader, at any time from when
	// the request is written until its answer has come, even if it was cancelled in between;
	// then the memory is not given back.
	Room func(n int) []byte
	// To is told when the request is done.
	To Owner

	// Version is the version that was sent; -1 if the request failed before there was one.
	Version int16
	// Frame is the answer, as [kmsg.DecodeResponse] takes it. It is the owner's.
	Frame []byte
	// Err is nil if there is a Frame, or if NoAnswer is set and the request was written.
	Err *Failure
	// Written says whether the broker may have the request.
	Written Written
	// Queued, Sent and Ended are when the request came, went to the writer, and was done.
	Queued, Sent, Ended time.Time
	// SentBytes is how long the request is on the wire.
	SentBytes int

	state      requestState
	prev, next *Request // in the queue
	flight     uint64   // its number in the flights, unless NoAnswer
	place      int      // in what is being written
	spliced    bool     // its own bytes are being written
	held       bool     // it is over, but for its bytes
	done       Done     // so that the action costs nothing
}

// An Owner of a request is told when it is done, on the goroutine at hand. It must not block.
type Owner interface {
	Done(*Request)
}

type requestState uint8

const (
	stateNew      requestState = iota
	stateQueued                // in the link's queue
	stateWriting               // with the writer
	stateInFlight              // written, to be answered
	stateDone
)

// NewRequest returns a request that sends msg at the highest version that both sides speak.
// The message is copied, though not deeply: it is not changed, but what it points to must not
// be changed until the request is done.
func NewRequest(msg kmsg.Request) *Request {
	r := new(struct {
		Request
		body message
	})
	r.Key, r.Max = msg.APIKey(), maxVersion
	r.body.Request = msg.ShallowCopy()
	r.Body = &r.body
	return &r.Request
}

// maxVersion is above every version there is.
const maxVersion = 1<<15 - 1

// A Body writes a request. It is called once at most, by whoever runs the link, and must not
// block.
type Body interface {
	// Encode appends the frame of the request in the given version to dst, its size in front
	// (which the link corrects for what is spliced in), and returns the result as append does.
	// Of the header, CorrelationID and ClientID are filled in. On an error, which is taken for
	// the request's own fault, what it returns is dropped.
	//
	// Splices are bytes that go into the frame without being copied, in order. The link reads
	// them until the request is done.
	Encode(dst []byte, header *kmsg.RequestHeader, version int16) (frame []byte, splices []Splice, err error)
}

// A Splice is bytes that belong between two bytes of a frame.
type Splice struct {
	At    int // after so many bytes that Encode appended
	Bytes []byte
}

// message is the body of a request that is a message of its own.
type message struct{ kmsg.Request }

func (m *message) Encode(dst []byte, header *kmsg.RequestHeader, version int16) ([]byte, []Splice, error) {
	m.SetAPIVersion(version)
	dst, err := AppendRequest(dst, header, m.Request)
	return dst, nil, err
}

// AppendRequest is [kmsg.AppendRequest] for a [Body]: it appends a frame with a message, whose
// version is set, and checks it.
func AppendRequest(dst []byte, header *kmsg.RequestHeader, msg kmsg.Request) ([]byte, error) {
	if err := msg.Check(); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = AppendHeader(dst, header, msg.APIKey(), msg.APIVersion())
	if own, ok := msg.(interface{ HeaderVersion() int16 }); ok && own.HeaderVersion() != header.Version {
		header.Version = own.HeaderVersion()
		dst = header.AppendTo(append(dst[:start], 0, 0, 0, 0))
	}
	dst = msg.AppendTo(dst)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst, nil
}

// AppendHeader begins a frame: it appends four bytes for the size, and the header.
func AppendHeader(dst []byte, header *kmsg.RequestHeader, key kmsg.APIKey, version int16) []byte {
	header.Version = kmsg.RequestHeaderVersion(key, version)
	header.RequestAPIKey, header.RequestAPIVersion = int16(key), version
	id := header.ClientID
	if header.Version < 1 {
		header.ClientID = kbin.Str("")
	}
	dst = header.AppendTo(append(dst, 0, 0, 0, 0))
	header.ClientID = id
	return dst
}

// Written says whether a broker may have a request that was not answered.
type Written uint8

const (
	// WrittenNo: no byte of the request left. It can be sent again, whatever it does.
	WrittenNo Written = iota
	// WrittenMaybe: some of its bytes may have left. The broker may have acted on it.
	WrittenMaybe
	// WrittenYes: all of its bytes left. The broker may or may not have got them.
	WrittenYes
)

// String returns no, maybe or yes.
func (w Written) String() string {
	switch w {
	case WrittenNo:
		return "no"
	case WrittenMaybe:
		return "maybe"
	}
	return "yes"
}
