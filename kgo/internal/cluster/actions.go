package cluster

import (
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Action is what a [Cell] wants done.
type Action interface{ action() }

// AskMetadata is a request for metadata to make, to be answered by one [MetadataAnswer] or
// [MetadataFailed]. The request must have a timeout of its own.
type AskMetadata struct {
	Broker int32  // a broker of the snapshot, or -1 and
	Seed   string // the address of a seed

	Topics []string
	IDs    []kbin.UUID
	All    bool   // all topics; Topics and IDs are empty then
	Create bool   // brokers may create topics
	Reason string // for the log

	// Into is where to decode the answer, which does not allocate much if little changed. It
	// belongs to whoever performs the action until the event that ends it.
	Into *kmsg.MetadataResponse

	number    uint64
	sent      time.Time
	interests []*interest
	full      bool // all that anybody is interested in
	late      bool // it took longer than Config.Patience
}

// AskCoordinators is a request for coordinators to make, to be answered by one
// [CoordinatorsAnswer] or [CoordinatorsFailed]. Brokers before 3.0 take one key a request: the
// others are asked for when that is answered.
type AskCoordinators struct {
	Broker int32  // a broker of the snapshot, or -1 and
	Seed   string // the address of a seed
	Type   kmsg.CoordinatorType
	Keys   []string

	not   int32   // who is not the coordinator, or is in doubt, and is asked only if that is no use; -1 for none
	tried []int32 // who was asked for these keys before, and gave no answer
	sent  time.Time
}

// Publish is a new snapshot for all to read. Connections to brokers that are not in it any more
// can be closed.
type Publish struct {
	Snapshot *Snapshot
}

// Reply gives a question back: either Need or Coordinators is set.
type Reply struct {
	Need         *Need
	Coordinators *NeedCoordinators
}

func (*AskMetadata) action()     {}
func (*AskCoordinators) action() {}
func (*Publish) action()         {}
func (*Reply) action()           {}

// Request returns the request for a broker that speaks the version. Before version 4 brokers
// may create any topic that is asked for; so, unless that is wanted, they are asked for all
// topics. Before version 12 they cannot be asked by id.
func (a *AskMetadata) Request(version int16) *kmsg.MetadataRequest {
	req := kmsg.NewMetadataRequest()
	req.Version = version
	req.AllowAutoTopicCreation = a.Create || version < 4
	if a.All || version < 4 && !a.Create && len(a.Topics) > 0 {
		req.Topics = nil
		return req
	}
	for _, name := range a.Topics {
		req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Name: kbin.Str(name)})
	}
	if version >= 12 {
		for _, id := range a.IDs {
			req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{TopicID: id})
		}
	}
	return req
}

// Request returns the request for a broker that speaks the version, and how many of the last keys it
// has no room for: before version 4 there is room for one.
func (a *AskCoordinators) Request(version int16) (req *kmsg.FindCoordinatorRequest, unasked int) {
	req = kmsg.NewFindCoordinatorRequest()
	req.Version, req.KeyType = version, a.Type
	if version >= 4 {
		req.CoordinatorKeys = a.Keys
		return req, 0
	}
	req.Key = a.Keys[0]
	return req, len(a.Keys) - 1
}

// ReadCoordinators returns what an answer says, in the shape of any version. Before version 4 an
// answer does not tell which key it is about: key does.
func ReadCoordinators(resp *kmsg.FindCoordinatorResponse, key string) []Coordinator {
	if resp.Version < 4 {
		return []Coordinator{{
			Key:     key,
			Broker:  Broker{ID: resp.NodeID, Host: resp.Host, Port: resp.Port},
			Code:    resp.ErrorCode,
			Message: resp.ErrorMessage.S,
		}}
	}
	found := make([]Coordinator, len(resp.Coordinators))
	for i := range resp.Coordinators {
		c := &resp.Coordinators[i]
		found[i] = Coordinator{
			Key:     c.Key,
			Broker:  Broker{ID: c.NodeID, Host: c.Host, Port: c.Port},
			Code:    c.ErrorCode,
			Message: c.ErrorMessage.S,
		}
	}
	return found
}
