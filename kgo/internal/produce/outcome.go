package produce

import (
	"errors"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Errors of batches that the broker did not make.
var (
	// ErrTimeout says that a batch ran out of time, [Settings].DeliveryTimeout.
	ErrTimeout = errors.New("the delivery timeout is over")
	// ErrTries says that a batch was sent as often as it may, [Settings].Tries.
	ErrTries = errors.New("sent as often as allowed")
	// ErrFatal is wrapped by failures that trying again will not mend.
	ErrFatal = errors.New("there is no way to send it")
	// ErrNoAnswer says that a broker's answer did not speak of a batch in its request.
	ErrNoAnswer = errors.New("the answer leaves the partition out")
	// ErrOvertaken says that a broker took a later batch of the partition and not this one: it has
	// lost records, and with them what it knew of the producer.
	ErrOvertaken = errors.New("the broker has lost records, and a later batch is written")
	// errNotSent says that a batch was in a request that could not be sent because of another.
	errNotSent = errors.New("not sent because of another partition")
)

// A Result is what became of one try of a batch: what the broker said, or a failure on the way.
type Result struct {
	// Code is the broker's; None with Failure nil is success.
	Code       kmsg.ErrorCode
	Message    string // the broker's own words
	BaseOffset int64
	// LogAppendTime is what the broker set the timestamps to, -1 if it did not.
	LogAppendTime int64
	// Version is that of the answer.
	Version int16
	// Failure is why there is no answer, and Written whether the broker may have the batch
	// nevertheless.
	Failure error
	Written bool
	// Broker is who was asked.
	Broker int32
}

// An Outcome is the end of a batch: its records are in the log, or have failed.
type Outcome struct {
	Batch *Batch
	// Err is nil if the records are in the log: the first at BaseOffset, -1 if that is not known.
	// It is an error of this package, a [kmsg.ErrorCode], a Failure, or what [Queue.GiveUp] was
	// told.
	Err           error
	BaseOffset    int64
	LogAppendTime int64
	// Last is the last try, if the batch failed and was tried.
	Last Result
	// Written says that failed records may be in the log nevertheless.
	Written bool
	// InUse says that somebody still reads the bytes of the batch: they may be on their way to
	// the broker, or a worker has them. So nobody may use their memory again; Released will
	// tell.
	InUse bool
	// Released says that this is no outcome but the end of one with InUse.
	Released bool
}

// A Resolution is what follows from the result of a try.
type Resolution struct {
	// Stale says that what is known of the partition's leader is not so.
	Stale bool
	// Split has a batch that is too large for the broker: a worker makes two of it and gives
	// them to [Queue.Replace].
	Split *Batch
}
