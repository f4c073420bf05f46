package kgo

import (
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Errors of consumers that no broker made.
var (
	// ErrConcurrentPoll says that another goroutine is consuming. One at a time can.
	ErrConcurrentPoll = errors.New("kgo: another goroutine is consuming")
	// ErrNotConsumed says that the consumer does not have that partition, or not yet.
	ErrNotConsumed = errors.New("kgo: the partition is not consumed")
	// ErrNotStopped says that there is nothing to skip: the partition goes on by itself.
	ErrNotStopped = errors.New("kgo: the partition does not wait for a Seek")
	// ErrReleased says that a batch was used after its Release.
	ErrReleased = errors.New("kgo: the batch was released")
)

// Why a position is no more. What errors.Is finds in a [PositionError].
var (
	// ErrOutOfRange: the partition does not have the offset, mostly because retention has
	// removed it.
	ErrOutOfRange = errors.New("the offset is out of the partition's range")
	// ErrTruncated: the partition's new leader did not have all records, and those that were
	// read are not in the log any more (KIP-320). Other records may be in their place.
	ErrTruncated = errors.New("the partition's log was truncated")
	// ErrRecreated: the topic was deleted, and there is a new one with its name.
	ErrRecreated = errors.New("the topic was created anew")
)

// A PositionError says that a partition could not be read on from where it was.
type PositionError struct {
	// Reason is [ErrOutOfRange], [ErrTruncated] or [ErrRecreated].
	Reason error
	// From is the offset that was to be read, To where the consumer goes on, as [ResetTo] says.
	// To is -1 if the partition waits for a [Consumer.Seek] or [Consumer.Skip].
	From, To int64
}

// Error says why, and where it goes on.
func (e *PositionError) Error() string {
	if e.To < 0 {
		return fmt.Sprintf("%v; it was to be read from offset %d, and waits for a Seek", e.Reason, e.From)
	}
	return fmt.Sprintf("%v; it was to be read from offset %d, and goes on at %d", e.Reason, e.From, e.To)
}

// Unwrap returns Reason.
func (e *PositionError) Unwrap() error { return e.Reason }

// A BatchError says that a batch cannot be read: it is corrupt, or too large. Its partition waits
// for a [Consumer.Skip], which goes on behind the batch, or a [Consumer.Seek].
type BatchError struct {
	// Offset is that of the first record that could not be read.
	Offset int64
	// Err is an error of package batch, which says at which byte and why.
	Err error
}

// Error says which and why.
func (e *BatchError) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }

// Unwrap returns Err.
func (e *BatchError) Unwrap() error { return e.Err }

// failure is an error of a partition, or of a broker if p is nil.
func (c *Consumer) failure(p *consumed, broker int32, code kmsg.ErrorCode, err error) *Error {
	e := &Error{Op: "fetch", Broker: broker, Partition: -1, API: kmsg.KeyFetch, Version: -1, Code: code, Err: err}
	if p != nil {
		e.Topic, e.Partition = p.topic.name, p.index
	}
	c.client.complete(e)
	return e
}

// report makes an error of what the cell reports.
func (c *Consumer) report(r *fetch.Report) (e *Error, to int64) {
	var p *consumed
	if r.Partition != nil {
		p = r.Partition.Tag.(*consumed)
	}
	err, code := r.Err, r.Code
	switch r.Why {
	case fetch.OutOfRange:
		err = &PositionError{ErrOutOfRange, r.From, r.To}
	case fetch.Recreated:
		err = &PositionError{ErrRecreated, r.From, r.To}
	case fetch.TooLarge:
		err = &BatchError{r.From, err}
	default:
		e = c.failure(p, r.Broker, code, err)
		e.Retriable = true
		return e, -1
	}
	return c.failure(p, r.Broker, code, err), r.To
}
