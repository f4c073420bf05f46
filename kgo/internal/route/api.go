package route

import (
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Facts are what is known about where the requests of an API go.
type Facts struct {
	Target Target
	Lane   Lane
	// Repeat says whether a request may be sent again if it may have been carried out.
	Repeat Repeat
	// Splits says that a request may go to several brokers.
	Splits bool
}

// A Target is whom the requests of an API go to.
type Target int8

// Targets.
const (
	// ToAny is any broker.
	ToAny Target = iota
	// ToController is the controller with ZooKeeper; with KRaft any broker, which forwards.
	ToController
	// ToLeaders is the leader of each partition.
	ToLeaders
	// ToReplicas is every broker that has a replica.
	ToReplicas
	// ToGroupCoordinator is the coordinator of each group.
	ToGroupCoordinator
	// ToTransactionCoordinator is the coordinator of each transactional id.
	ToTransactionCoordinator
	// ToShareCoordinator is the coordinator of each partition of a share group.
	ToShareCoordinator
	// ToAll is every broker.
	ToAll
	// ToResources is the broker that the resource is, and any broker for other resources.
	ToResources
	// ToNobody is for what brokers, controllers and connections say to each other: it has to be
	// aimed at a broker.
	ToNobody
)

// A Lane is the kind of connection that a request goes over: brokers answer one request of a
// connection at a time.
type Lane int8

// Lanes.
const (
	Ordinary    Lane = iota // what is answered soon
	ProduceLane             // Produce
	FetchLane               // Fetch, ShareFetch
	WaitLane                // what the broker may hold back for long: JoinGroup, SyncGroup
)

// Repeat says whether a request may be sent again if it may have been carried out.
type Repeat int8

// Whether a request may be sent again.
const (
	// Never: the answer would be wrong, or the effect doubled.
	Never Repeat = iota
	// Always: the second time does nothing that the first did not.
	Always
	// IfMember: as soon as the request names a member; before, another would be made.
	IfMember
)

// Lookup returns the facts of an API. Of those that this release does not know, nothing is
// assumed: any broker, never again.
func Lookup(key kmsg.APIKey) Facts { panic("to be written") }

// An UnsupportedError says that a broker does not have an API, or no version of it that the
// request can be sent in.
type UnsupportedError struct {
	API      kmsg.APIKey
	Broker   int32
	Need     kmsg.VersionRange // what the request can be sent in
	Offered  kmsg.VersionRange // what the broker has
	HasNone  bool              // the broker does not have the API at all
	Software string            // of the broker, if known: "2.8"
}

// Error says what is missing, and since which release there is such a thing.
func (e *UnsupportedError) Error() string { return fmt.Sprint(e.API) }

// A RefusedError says that a request is not sent, and why.
type RefusedError struct {
	API    kmsg.APIKey
	Reason string
}

// Error says why.
func (e *RefusedError) Error() string { return e.API.String() + ": " + e.Reason }
