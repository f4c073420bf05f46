package kgo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	f, _ := errors.AsType[*link.Failure](e.Err)
	told := f != nil && f.Code == e.Code // by the cause
	switch {
	case told:
	case e.Code != kmsg.None && e.Message != "":
		fmt.Fprintf(&b, "%s: the broker says %q", e.Code.Name(), strings.TrimSuffix(e.Message, "."))
	case e.Code != kmsg.None:
		b.WriteString(strings.TrimSuffix(e.Code.Error(), "."))
	}
	if e.Err != nil {
		if e.Code != kmsg.None && !told {
			b.WriteString("; ")
		}
		b.WriteString(strings.TrimPrefix(e.Err.Error(), "kgo: "))
	}
	if at, ok := errors.AsType[*located](e.Err); ok && e.Addr != "" && at.addr != e.Addr {
		b.WriteString(" (at " + at.addr + ")") // who else was asked, for the coordinator perhaps
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

// Is reports, beside what [Error.Unwrap] leads to, [context.DeadlineExceeded] for all that took
// too long, be it the context's time that was up or [CallTimeout].
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && (errors.Is(e.Err, route.ErrDeadline) || errors.Is(e.Err, link.ErrTimeout))
}

// An UnsupportedError says that a broker does not have an API, or no version of it that will do.
// It is UNSUPPORTED_VERSION to errors.Is, which is what a broker says that is asked all the same.
type UnsupportedError struct {
	API    kmsg.APIKey
	Broker int32 // -1 if it is a seed
	// Need are the versions that would do, Offered those that the broker has, unless HasNone.
	Need, Offered kmsg.VersionRange
	HasNone       bool
	// Release is what the broker was taken for if it is too old to tell, like "0.9.0"; else "".
	Release string
	// Limited says that [MaxVersions] is what stands in the way, and Unstable that the version
	// is not finished, see [UnstableVersions].
	Limited, Unstable bool
}

func newUnsupportedError(p *peer, e *link.UnsupportedError) *UnsupportedError {
	u := &UnsupportedError{
		API: e.Key, Broker: p.info.ID,
		Need:    kmsg.VersionRange{Key: e.Key, Min: e.Min, Max: e.Max},
		Offered: e.Broker, HasNone: !e.HasBroker,
		Limited: e.Limited, Unstable: e.Unstable,
	}
	if v := p.versions.Load(); v != nil {
		u.Release = v.Old
	}
	return u
}

// Error says what is missing, and since which release there is such a thing.
func (e *UnsupportedError) Error() string {
	who := "the broker"
	if e.Broker >= 0 {
		who = "broker " + strconv.Itoa(int(e.Broker))
	}
	if e.Release != "" {
		who += " (Kafka " + e.Release + ")"
	}
	switch {
	case e.Limited:
		return fmt.Sprintf("the client is limited to versions that have no such %v, see MaxVersions", e.API)
	case e.Unstable:
		return fmt.Sprintf("the version of %v that this takes is not finished, see UnstableVersions", e.API)
	case e.HasNone:
		return who + " does not serve " + e.API.String() + since(e.API, 0)
	}
	newer := ""
	if e.Need.Min > e.Offered.Max { // what was given up has no such history
		newer = since(e.API, e.Need.Min)
	}
	return fmt.Sprintf("%s serves %v in versions %d to %d, this takes %d to %d%s",
		who, e.API, e.Offered.Min, e.Offered.Max, e.Need.Min, e.Need.Max, newer)
}

// Is reports whether the target is [kmsg.UnsupportedVersion].
func (e *UnsupportedError) Is(target error) bool { return target == kmsg.UnsupportedVersion }

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
	if lack, ok := errors.AsType[*UnsupportedError](f.Err); ok && lack.API == kmsg.KeyFindCoordinator && api != lack.API {
		e.Err = c.unserved(api, lack)
	}
	e.Retriable = route.Meaning(f.Code).Is(route.Retriable) && !forGood(f.Err)
	c.complete(e)
	return e
}

// unserved is the error of a request whose coordinator a broker knows no way to find: mostly since it
// does not serve that request either, which says more.
func (c *Client) unserved(api kmsg.APIKey, lack *UnsupportedError) error {
	for _, p := range c.peers.all() {
		if v := p.versions.Load(); v == nil || p.info.ID != lack.Broker {
			continue
		} else if _, serves := v.Served(api); !serves {
			return &UnsupportedError{API: api, Broker: lack.Broker, Need: kmsg.VersionRange{Key: api}, HasNone: true, Release: lack.Release}
		}
	}
	return lack
}

// errorOf makes an error of why something of the client's own failed.
func (c *Client) errorOf(api kmsg.APIKey, err error) *Error {
	e := &Error{Op: api.String(), Broker: -1, Partition: -1, API: api, Version: -1, Retriable: !forGood(err), Err: err}
	c.complete(e)
	return e
}

// complete adds what follows from the cause: the broker's code and words, its address, a hint.
func (c *Client) complete(e *Error) {
	if at, ok := errors.AsType[*located](e.Err); ok && (e.Broker < 0 || at.broker == e.Broker) {
		e.Addr = at.addr
	} else if b, ok := c.meta.snapshot().Broker(e.Broker); ok {
		e.Addr = b.Addr()
	}
	f, ok := errors.AsType[*link.Failure](e.Err)
	if !ok {
		e.Hint = hintOfCode(e.Code)
		return
	}
	if e.Code == kmsg.None && f.Code != kmsg.None {
		e.Code, e.Message = f.Code, f.Message
		e.Retriable = route.Meaning(f.Code).Is(route.Retriable)
	}
	e.Hint = hintOf(f, e.Broker >= 0, c.config.tls != nil, c.config.sasl != nil)
}
