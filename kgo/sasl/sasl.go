// Package sasl has the mechanisms by which a client proves to a broker who it is: PLAIN,
// SCRAM, OAUTHBEARER, AWS_MSK_IAM. One of a user's own implements [Mechanism].
//
// A mechanism does not touch the network: the client carries its messages. Secrets never show
// in errors, and hide from all verbs of package fmt, from JSON and from log/slog.
package sasl

import "context"

// A Mechanism authenticates connections. It must be safe for concurrent use: a client has many
// connections.
type Mechanism interface {
	// Name is the name by which brokers know the mechanism, like SCRAM-SHA-256.
	Name() string
	// Start begins the authentication of one connection, or its renewal (KIP-368). It may
	// block until ctx ends, to fetch a token.
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
	Step(challenge []byte) (response []byte, done bool, err error)
}
