package link

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// What [Failure.Err] wraps, beside errors of the network.
var (
	// ErrTimeout: the request's deadline passed.
	ErrTimeout = errors.New("time is up")
	// ErrSilent: the broker does not answer, or does not read. The connection was given up, with
	// all requests on it.
	ErrSilent = errors.New("the broker was silent")
	// ErrCanceled: the request was cancelled.
	ErrCanceled = errors.New("the request was cancelled")
	// ErrClosed: the link was closed.
	ErrClosed = errors.New("the connection is closed for good")
	// ErrProtocol: what the other side sent is not Kafka's protocol, or not what it should be.
	ErrProtocol = errors.New("against Kafka's protocol")
)

// A Stage is where a request or a connection failed.
type Stage uint8

const (
	// StageQueue: the request waited to be sent.
	StageQueue Stage = iota
	// StageEncode: the request itself is at fault, or no version of it will do.
	StageEncode
	// StageDial: the connection was being made, its name resolved first.
	StageDial
	// StageTLS: TLS was being agreed on.
	StageTLS
	// StageVersions: ApiVersions, and what replaces it with old brokers.
	StageVersions
	// StageAuth: SASL, at first or again.
	StageAuth
	// StageWrite: the request was being written.
	StageWrite
	// StageAnswer: the request was written, and its answer awaited.
	StageAnswer
	// StageIdle: nothing was written that was not answered. Requests do not fail there.
	StageIdle
)

var stageNames = [...]string{"waiting to be sent", "preparing the request", "dialing", "TLS", "negotiating versions", "SASL", "writing", "waiting for the answer", "idle"}

// String says what was going on, like "dialing".
func (s Stage) String() string { return stageNames[s] }

// A Failure says where a request or a connection failed, and what was observed. Requests that
// fail for the same reason share it: it must not be changed.
type Failure struct {
	// Stage is where.
	Stage Stage
	// Err is what happened. It may be nil if Code says all.
	Err error
	// Code is what the broker answered to a request of the link itself, else 0.
	Code kmsg.ErrorCode
	// Message is what the broker said beside the code.
	Message string
	// Last is why the last attempt to connect failed, if the request was waiting for another.
	Last *Failure

	// What follows are facts for a hint.

	// TLS says that the connection used TLS; Mechanism is the SASL mechanism in use, "" for
	// none.
	TLS       bool
	Mechanism string
	// Offered are the mechanisms that the broker offers, if it does not have ours.
	Offered []string
	// Ended says that the other side ended the connection, or reset it.
	Ended bool
	// Ready says that the connection was ready for requests; Answers how many of them had been
	// answered. A broker that ends a ready connection at the first request wants SASL.
	Ready   bool
	Answers int64
	// Head is the first bytes, at most 16, of what came where a frame should begin.
	Head []byte
	// Throttled is how long the broker had asked to be spared when time was up.
	Throttled time.Duration
}

// Error says where and what.
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.Stage.String())
	if f.Stage == StageAuth {
		b.WriteString(" " + f.Mechanism)
	}
	if f.Code != kmsg.None {
		fmt.Fprintf(&b, ": %s", f.Code.Name())
		if f.Message != "" {
			fmt.Fprintf(&b, " (the broker says %q)", f.Message)
		}
	}
	if f.Err != nil {
		fmt.Fprintf(&b, ": %v", f.Err)
	}
	if len(f.Offered) > 0 {
		fmt.Fprintf(&b, "; the broker offers %s", strings.Join(f.Offered, ", "))
	}
	if f.Last != nil {
		fmt.Fprintf(&b, "; the last attempt failed: %v", f.Last)
	}
	return b.String()
}

// Unwrap returns the code, the cause, and why the last attempt failed, as far as there are any.
func (f *Failure) Unwrap() []error {
	var all []error
	if err := f.Code.Err(); err != nil {
		all = append(all, err)
	}
	if f.Err != nil {
		all = append(all, f.Err)
	}
	if f.Last != nil {
		all = append(all, f.Last)
	}
	return all
}

// LooksLikeTLS reports whether what came back is a record of TLS: the port wants TLS.
func (f *Failure) LooksLikeTLS() bool {
	return len(f.Head) >= 3 && f.Head[0] >= 20 && f.Head[0] <= 23 && f.Head[1] == 3 && f.Head[2] <= 4
}

// LooksLikeHTTP reports whether what came back is an answer of a web server.
func (f *Failure) LooksLikeHTTP() bool { return bytes.HasPrefix(f.Head, []byte("HTTP/")) }

// An UnsupportedError says that a request has no version that will do and that both sides speak.
type UnsupportedError struct {
	Key kmsg.APIKey
	// Min and Max are the versions that would do.
	Min, Max int16
	// Broker is what the broker serves, if HasBroker is set; otherwise it lacks the API.
	Broker    kmsg.VersionRange
	HasBroker bool
	// Limited says that there would be one without the limit that the user set.
	Limited bool
	// Unstable says that there is one that Kafka has not finished.
	Unstable bool
}

// Error says what is missing.
func (e *UnsupportedError) Error() string {
	switch {
	case e.Limited:
		return fmt.Sprintf("the client is limited to versions that have no such %v", e.Key)
	case e.Unstable:
		return fmt.Sprintf("the version of %v that would do is not finished, and was not asked for", e.Key)
	case !e.HasBroker:
		return fmt.Sprintf("the broker does not serve %v", e.Key)
	}
	return fmt.Sprintf("the broker serves %v in versions %d to %d, which will not do", e.Key, e.Broker.Min, e.Broker.Max)
}
