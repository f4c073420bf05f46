package route

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Step is what to do next for a [Call].
type Step struct {
	Do Do

	// Shards are the requests to send, at [Send], and the one to give up, at [Abandon]. At [Done] they are those that are still
	// under way, and that nobody waits for any more: until they are cancelled they may still be
	// prepared, which reads the request of the user. The slice holds until the next step.
	Shards []*Shard
	Need   *cluster.Need             // at [Need]
	Find   *cluster.NeedCoordinators // at [Find]
	Tell   cluster.Event             // at [Tell]
	Until  time.Time                 // at [Wait]; zero if only an answer or a reply will help

	// Response is the answer, at [Done]; nil if there is none at all.
	Response kmsg.Response
	// Failures are the parts that failed, at [Done], in the order of the request.
	Failures []Failure
}

// Do is the kind of a [Step].
type Do int8

// Kinds of steps.
const (
	// Wait for something that was begun, or until a time.
	Wait Do = iota
	// Send requests. Next may be called at once, without waiting for the answers.
	Send
	// Need something of the cluster's cell. Next may be called at once.
	Need
	// Find coordinators, through the cluster's cell. Next may be called at once.
	Find
	// Tell the cluster's cell.
	Tell
	// Abandon a shard, whose broker is silent while another one can answer: it is to be
	// cancelled, and what comes of it is ignored. Next may be called at once.
	Abandon
	// Done is the last step.
	Done
)

// A Failure is a part of a request that failed, or all of it.
type Failure struct {
	API     kmsg.APIKey
	Version int16 // of the last attempt, -1 if there was none or it was not chosen

	Broker    int32  // the last that was asked, or should have been; -1 if none was found
	Topic     string // of a topic or a partition
	Partition int32  // -1 if it is not about one
	Key       string // a group, a transactional id, a resource, ... if it is about one

	Code     kmsg.ErrorCode
	Message  string  // what the broker said about Code, mostly nothing
	Answered bool    // the code is from an answer; else it stands for Err
	Err      error   // why there is no answer, or of the last attempt before
	Written  Written // whether the last attempt reached a broker
	Attempts int
}

// Written says whether a request reached a broker.
type Written int8

// Whether a request reached a broker.
const (
	No    Written = iota // nothing of it was written
	Maybe                // some of it was written, and the answer is unknown
	Yes                  // it was answered
)

// String returns no, maybe or yes.
func (w Written) String() string {
	switch w {
	case No:
		return "no"
	case Maybe:
		return "maybe"
	}
	return "yes"
}

// A Loss is why a [Shard] got no answer.
type Loss struct {
	Err     error // never nil
	Kind    LossKind
	Written Written
	Code    kmsg.ErrorCode // if a code is known to stand for it; else [None] and Kind tells
}

// A LossKind says what to do about a [Loss].
type LossKind int8

// Kinds of losses.
const (
	// LostConnection: it could not be made, or it broke. Others may be better, or later.
	LostConnection LossKind = iota
	// LostTime: there was no answer in time. Others may be better.
	LostTime
	// LostVersion: the broker has no version that the shard can be sent in.
	LostVersion
	// LostForGood: it will not get better: wrong credentials, a certificate that is not trusted,
	// a request that cannot be encoded, a client that is closed.
	LostForGood
)
