package sasl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Mechanism authenticates connections. It must be safe for concurrent use: a client has many
// connections. If it is a [Checker] too, mistakes are found when the client is made.
type Mechanism interface {
	// Name is the name by which brokers know the mechanism, like SCRAM-SHA-256. It is always
	// the same.
	Name() string
	// Start begins the authentication of one connection, or its renewal (KIP-368). It may
	// block until ctx ends, to fetch a token, and it is where all waiting is done. The errors
	// of what it asks for credentials are wrapped.
	Start(ctx context.Context, to Endpoint) (Session, error)
}

// An Endpoint is whom a connection goes to.
type Endpoint struct {
	// Addr is host and port, as the broker advertises them.
	Addr string
	// TLS says that nobody can listen. Mechanisms that send a secret as it is refuse to begin
	// without, unless they were told not to.
	TLS bool
}

// A Session is one run of a mechanism. It is for one goroutine at a time, and does not block.
type Session interface {
	// Step takes what the broker sent, nil at first, and returns what to send, or done when
	// nothing is left to send and the broker is known to be the right one.
	//
	// A response that is empty, without done, is sent all the same: the other side waits for a
	// message. With done there is no response. After done or an error the session is over, and
	// the connection is not to be used after an error. The challenge is not kept beyond the
	// call unless copied; the response is the caller's.
	//
	// Step may compute for about a second, if a broker asks for the most iterations that SCRAM
	// accepts.
	Step(challenge []byte) (response []byte, done bool, err error)
}

// A Checker is a [Mechanism] that knows beforehand what Start would refuse. A client asks it when
// it is made; all mechanisms of this package are Checkers.
type Checker interface {
	// Check returns every mistake that can be seen without asking for credentials, joined: what
	// is not set or not valid, and [ErrTLSRequired] if the client will not use TLS though the
	// mechanism needs it. It does not block.
	Check(tls bool) error
}

// What errors of sessions and of Start may wrap, for errors.Is.
var (
	// ErrTLSRequired says that a mechanism would send a secret as it is over a connection that
	// others can listen to. It is returned before anything is sent.
	ErrTLSRequired = errors.New("the secret would travel for all to read: use TLS, or set AllowWithoutTLS")
	// ErrRefused says that the broker does not accept the credentials. Most brokers say so not
	// through the mechanism but with the error code SASL_AUTHENTICATION_FAILED.
	ErrRefused = errors.New("the broker refuses the credentials")
	// ErrImpostor says that the broker accepted, but does not itself know the password: it is
	// not the one it should be. Only SCRAM can tell.
	ErrImpostor = errors.New("the broker does not prove that it knows the password")
)

// wrap says which mechanism an error is from.
func wrap(m Mechanism, err error) error { return fmt.Errorf("sasl: %s: %w", m.Name(), err) }

// checked joins mistakes, of which each may be nil, into the error of Check.
func checked(m Mechanism, mistakes ...error) error {
	if err := errors.Join(mistakes...); err != nil {
		return wrap(m, err)
	}
	return nil
}

// printName prints a mechanism as its name: what is in it changes while it is used, and is
// nobody's business.
func printName(f fmt.State, m Mechanism) {
	_, _ = io.WriteString(f, m.Name()) // fmt has no way to tell of a failed write
}

// saslName writes a name where a comma and an equals sign have meaning (RFC 5802).
func saslName(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "=", "=3D"), ",", "=2C")
}
