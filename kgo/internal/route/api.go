package route

import "github.com/franzi-kafka/franzi/kmsg"

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
func Lookup(key kmsg.APIKey) Facts {
	if key < 0 || int(key) >= len(rows) {
		return Facts{}
	}
	r := &rows[key]
	return Facts{Target: r.to, Lane: r.lane, Repeat: r.repeat, Splits: r.splits()}
}

// splits says whether items may go to different brokers.
func (r *row) splits() bool {
	switch r.to {
	case ToAll, ToReplicas, ToLeaders, ToResources, ToShareCoordinator:
		return true
	}
	return r.in != "" && (r.key == "" && (r.to == ToGroupCoordinator || r.to == ToTransactionCoordinator) || r.batch > 0)
}

// A RefusedError says that a request is not sent, and why.
type RefusedError struct {
	API    kmsg.APIKey
	Reason string
}

// Error says why.
func (e *RefusedError) Error() string { return e.API.String() + " is not sent: " + e.Reason }
