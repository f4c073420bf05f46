package route

import (
	"fmt"
	"strconv"

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

// An UnsupportedError says that a broker does not have an API, or no version of it that the
// request can be sent in.
type UnsupportedError struct {
	API      kmsg.APIKey
	Broker   int32             // -1 if it is a seed
	Need     kmsg.VersionRange // what the request can be sent in
	Offered  kmsg.VersionRange // what the broker has
	HasNone  bool              // the broker does not have the API at all
	Software string            // of the broker, if known: "2.8"
}

// Error says what is missing, and since which release there is such a thing.
func (e *UnsupportedError) Error() string {
	who := "the broker"
	if e.Broker >= 0 {
		who = "broker " + strconv.Itoa(int(e.Broker))
	}
	if e.Software != "" {
		who += " (Kafka " + e.Software + ")"
	}
	if e.HasNone {
		return who + " does not serve " + e.API.String() + since(e.API, 0)
	}
	return fmt.Sprintf("%s serves %v in versions %d to %d, this takes %d to %d%s",
		who, e.API, e.Offered.Min, e.Offered.Max, e.Need.Min, e.Need.Max, since(e.API, e.Need.Min))
}

// since says which release brought a version, or the first stable one after it.
func since(key kmsg.APIKey, version int16) string {
	api := kmsg.LookupAPI(key)
	if api == nil {
		return ""
	}
	for v := max(version, api.MinVersion); v <= api.MaxVersion; v++ {
		if s := api.Since(v); s != "" {
			return ", which is there since Kafka " + s
		}
	}
	return ""
}

// A RefusedError says that a request is not sent, and why.
type RefusedError struct {
	API    kmsg.APIKey
	Reason string
}

// Error says why.
func (e *RefusedError) Error() string { return e.API.String() + " is not sent: " + e.Reason }
