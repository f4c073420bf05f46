package kgo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Error says what failed, where, and why, as far as it is known. It wraps the broker's code, so
// that errors.Is(err, kmsg.TopicAlreadyExists) works, and the cause.
type Error struct {
	// Op is what was being done: the name of the API, or "produce", "fetch".
	Op string
	// Broker is the id of the broker, -1 if none was found or it is a seed; Addr is its address.
	Broker int32
	Addr   string
	// Topic, Partition and Key say which part of the request failed: "", -1 and "" if it is not
	// about one. Key is a group, a transactional id, the name of a resource or the like.
	Topic     string
	Partition int32
	Key       string
	// API is the API of the request, and Version the version that it was sent in last, -1 if
	// none was chosen.
	API     kmsg.APIKey
	Version int16
	// Code is what the broker answered, [kmsg.None] if it did not. Message are its own words.
	Code    kmsg.ErrorCode
	Message string
	// Retriable says that the same may succeed later, and has failed as often as it was to be
	// tried.
	Retriable bool
	// Written says whether a broker may have carried out what was asked.
	Written Written
	// Hint is what to look at, drawn from what was observed; mostly "".
	Hint string
	// Err is the cause, nil if Code says all.
	Err error
}

// Written says whether something reached a broker.
type Written int8

// Whether something reached a broker.
const (
	WrittenNo    Written = iota // certainly not
	WrittenMaybe                // nobody knows: there was no answer
	WrittenYes                  // the broker answered
)

// String returns no, maybe or yes.
func (w Written) String() string { return route.Written(w).String() }

// Error says what failed, where, why, and what to look at.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("kgo: " + e.Op)
	switch {
	case e.Topic != "" && e.Partition >= 0:
		fmt.Fprintf(&b, " %s[%d]", e.Topic, e.Partition)
	case e.Topic != "":
		b.WriteString(" " + e.Topic)
	case e.Key != "":
		fmt.Fprintf(&b, " %q", e.Key)
	}
	switch {
	case e.Broker >= 0 && e.Addr != "":
		fmt.Fprintf(&b, " on broker %d (%s)", e.Broker, e.Addr)
	case e.Broker >= 0:
		fmt.Fprintf(&b, " on broker %d", e.Broker)
	case e.Addr != "":
		b.WriteString(" at " + e.Addr)
	}
	b.WriteString(": ")
	switch {
	case e.Code != kmsg.None && e.Message != "":
		fmt.Fprintf(&b, "%s: the broker says %q", e.Code.Name(), strings.TrimSuffix(e.Message, "."))
	case e.Code != kmsg.None:
		b.WriteString(strings.TrimSuffix(e.Code.Error(), "."))
	}
	if e.Err != nil {
		if e.Code != kmsg.None {
			b.WriteString("; ")
		}
		b.WriteString(e.Err.Error())
	}
	if e.Written == WrittenMaybe {
		b.WriteString(" (the broker may have carried it out)")
	}
	if e.Hint != "" {
		b.WriteString(". " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the code and the cause, as far as there are any.
func (e *Error) Unwrap() []error {
	var all []error
	if err := e.Code.Err(); err != nil {
		all = append(all, err)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// errorsOf joins the failures of a call, nil if there are none.
func (c *Client) errorsOf(api kmsg.APIKey, failures []route.Failure) error {
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return c.failure(api, &failures[0])
	}
	all := make([]error, len(failures))
	for i := range failures {
		all[i] = c.failure(api, &failures[i])
	}
	return errors.Join(all...)
}

func (c *Client) failure(api kmsg.APIKey, f *route.Failure) *Error {
	e := &Error{
		Op:        api.String(),
		Broker:    f.Broker,
		Topic:     f.Topic,
		Partition: f.Partition,
		Key:       f.Key,
		API:       f.API,
		Version:   f.Version,
		Message:   f.Message,
		Written:   Written(f.Written),
		Err:       f.Err,
	}
	if f.Answered {
		e.Code = f.Code
		e.Written = WrittenYes
	}
	e.Retriable = route.Meaning(f.Code).Is(route.Retriable)
	c.complete(e)
	return e
}

// errorOf makes an error of why something of the client's own failed.
func (c *Client) errorOf(api kmsg.APIKey, err error) *Error {
	e := &Error{Op: api.String(), Broker: -1, Partition: -1, API: api, Version: -1, Retriable: true, Err: err}
	c.complete(e)
	return e
}

// contextError is the error of a call whose context ended.
func (c *Client) contextError(op string, api kmsg.APIKey, ctx context.Context) *Error {
	return &Error{Op: op, Broker: -1, Partition: -1, API: api, Version: -1, Retriable: true, Err: context.Cause(ctx)}
}

// complete adds what follows from the cause: the broker's code and words, its address, a hint.
func (c *Client) complete(e *Error) {
	if b, ok := c.meta.snapshot().Broker(e.Broker); ok {
		e.Addr = b.Addr()
	}
	var f *link.Failure
	if !errors.As(e.Err, &f) {
		e.Hint = hintOfCode(e.Code)
		return
	}
	if e.Code == kmsg.None && f.Code != kmsg.None {
		e.Code, e.Message = f.Code, f.Message
		e.Retriable = route.Meaning(f.Code).Is(route.Retriable)
	}
	e.Hint = hintOf(f, e.Broker >= 0, c.config.tls != nil, c.config.sasl != nil)
}
