// Package exchange runs the steps of a mechanism and hides what they know.
package exchange

import (
	"errors"
	"fmt"
)

// MaxChallenge is the longest message of a broker that is looked at, in bytes. Real ones have a
// few hundred.
const MaxChallenge = 64 << 10

// A Step takes a broker's message and returns what to send and the step after that. Without a
// next step the exchange is done, and nothing is sent.
type Step func(challenge []byte) (response []byte, next Step, err error)

// A Session is a run of a mechanism. What its steps know is in functions, which no dump shows.
type Session struct {
	mechanism string
	next      Step // nil when the exchange is over
}

// New returns a session that begins with first.
func New(mechanism string, first Step) *Session {
	return &Session{mechanism: mechanism, next: first}
}

// Step runs one step. Its errors name the mechanism.
func (s *Session) Step(challenge []byte) (response []byte, done bool, err error) {
	switch {
	case s.next == nil:
		err = errors.New("the exchange is over already")
	case len(challenge) > MaxChallenge:
		err = fmt.Errorf("the broker's message has %d bytes, more than %d are not read", len(challenge), MaxChallenge)
	default:
		response, s.next, err = s.next(challenge)
	}
	if err != nil {
		s.next = nil
		return nil, false, fmt.Errorf("sasl: %s: %w", s.mechanism, err)
	}
	return response, s.next == nil, nil
}
