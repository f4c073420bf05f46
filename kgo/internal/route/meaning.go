package route

import "github.com/franzi-kafka/franzi/kmsg"

// A Sense is what an error code means to a client.
type Sense uint16

// What an error code may mean. Several may go together.
const (
	// Retriable: the same request may succeed later.
	Retriable Sense = 1 << iota
	// Undone: the broker did nothing, so that it is safe to send any request again.
	Undone
	// Briefly: retriable, but it may well last, so that it is tried a few times only.
	Briefly
	// StaleMetadata: what is known of topic or leader is wrong.
	StaleMetadata
	// StaleCoordinator: another broker coordinates.
	StaleCoordinator
	// StaleController: another broker is the controller.
	StaleController
	// StaleCluster: all that is known of brokers is wrong.
	StaleCluster
	// Fatal: nothing will help but to change permissions, credentials or settings.
	Fatal
	// Fenced: somebody else has taken over, or a member, producer or leader has to begin anew.
	Fenced
	// Abortable: the transaction has to be aborted.
	Abortable
)

// Is reports whether all of what belongs to the sense.
func (s Sense) Is(all Sense) bool { return s&all == all }

// Meaning returns what a code means, wherever it appears. Unknown codes mean nothing.
func Meaning(code kmsg.ErrorCode) Sense { panic("to be written") }
