package link

import "time"

// An Action is what a link wants done.
type Action interface{ linkAction() }

// Connect wants a connection: dialed, and with TLS if that is wanted. It is answered by one
// [*Connected] or [*ConnectFailed].
type Connect struct {
	// To says which of the broker's addresses to begin with.
	To Target
	// Timeout is how long it may take in all.
	Timeout time.Duration
}

// A Target says where a [*Connect] begins.
type Target uint8

const (
	// Fresh resolves the name, and tries all of its addresses in turn.
	Fresh Target = iota
	// Next goes on with the address after the last one tried.
	Next
	// Same tries the last address again, and no other.
	Same
)

// Write wants bytes written. There is one at a time: it is answered by [*Wrote], or ends with
// the connection.
type Write struct {
	// Buffers are the bytes, in order. They are the shell's until the answer, to read; the
	// slice of slices may be changed.
	Buffers [][]byte
	// Size is how many bytes they have.
	Size int
	// Answers are those of the answers that need more room than usual, or room of their own.
	Answers []Answer
}

// An Answer is what the reader should know of an answer before it comes.
type Answer struct {
	CorrelationID int32
	Expect        int
	Room          func(n int) []byte
}

// Disconnect wants the connection, or the attempt at one, ended. It is answered by
// [*Disconnected] or [*ConnectFailed].
type Disconnect struct {
	// Abrupt says that the other side is not to be trusted to listen: no farewell of TLS.
	Abrupt bool
}

// Authenticate wants the next step of the SASL mechanism. It may take time: Start may fetch a
// token, SCRAM is slow by design. It is answered by an [*AuthStep] with the same Attempt, unless
// the connection is gone by then.
type Authenticate struct {
	Attempt uint32
	// First begins: the mechanism is started, and takes its first step.
	First bool
	// Challenge is what the broker sent, empty if First. It is the shell's.
	Challenge []byte
	// TLS is for the mechanism to know.
	TLS bool
}

// Done says that a request is done: its outcome is in it.
type Done struct{ Request *Request }

// Closed says that a link that was closed has nothing left: no request, no connection, and no
// deadline. Requests that come later are done at once.
type Closed struct{}

// Learned says what a connection taught about the broker, for all who have connections to it.
type Learned struct {
	// Versions is what can be sent, nil if Forget.
	Versions *Versions
	// Remember says that the broker has no ApiVersions, and was just recognised as
	// Versions.Old: the owner remembers it for this address for ten minutes, so that other
	// connections are spared the trial. See [Peer].
	Remember bool
	// Forget says that what was remembered is not true, or not any more. An answer to
	// ApiVersions says so too: then Versions.Old is "".
	Forget bool
}

// Note tells what happened, for hooks, logs and statistics.
type Note struct {
	Kind NoteKind
	// Took is how long it took: dialing with TLS, negotiating, authenticating; for
	// NoteDisconnected how long the connection was there.
	Took time.Duration
	// For is how long the broker asked to be spared (NoteThrottled), how long the session
	// lasts, zero for ever (NoteAuthenticated), or how long until the next try
	// (NoteConnectFailed).
	For time.Duration
	// Failure is why, for NoteConnectFailed and NoteDisconnected; nil for a connection that we
	// ended because nobody used it or the link was closed.
	Failure *Failure
	// Idle says that nobody used the connection.
	Idle bool
	// Local and Remote are the ends of the connection (NoteConnected).
	Local, Remote string
	// Versions is what both sides speak (NoteNegotiated).
	Versions *Versions
}

// A NoteKind says what a [Note] is about.
type NoteKind uint8

const (
	// NoteConnected: dialed, and TLS agreed on.
	NoteConnected NoteKind = iota + 1
	// NoteNegotiated: it is known what the broker speaks.
	NoteNegotiated
	// NoteAuthenticated: SASL succeeded.
	NoteAuthenticated
	// NoteReauthenticated: SASL succeeded again on a connection that was ready (KIP-368).
	NoteReauthenticated
	// NoteReady: requests can be sent.
	NoteReady
	// NoteConnectFailed: the link could not get ready at any address.
	NoteConnectFailed
	// NoteThrottled: the broker asked to be spared.
	NoteThrottled
	// NoteDisconnected: a connection is gone.
	NoteDisconnected
)

func (*Connect) linkAction()      {}
func (*Write) linkAction()        {}
func (*Disconnect) linkAction()   {}
func (*Authenticate) linkAction() {}
func (*Done) linkAction()         {}
func (*Closed) linkAction()       {}
func (*Learned) linkAction()      {}
func (*Note) linkAction()         {}
