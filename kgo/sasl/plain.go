package sasl

import (
	"context"
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
)

// Plain is the mechanism PLAIN (RFC 4616, KIP-43; Java: PlainLoginModule): the client sends name
// and password as they are. Brokers have it since 0.10.0.
//
// It proves nothing about the broker: that is for TLS.
type Plain struct {
	// Credentials returns name and password: [Password], or a function of one's own. It must be
	// set.
	Credentials CredentialsFunc
	// AllowWithoutTLS lets the password travel for all to read. By default Start fails with
	// [ErrTLSRequired].
	AllowWithoutTLS bool
}

// Name returns "PLAIN".
func (*Plain) Name() string { return "PLAIN" }

// Check implements [Checker].
func (m *Plain) Check(tls bool) error {
	return checked(m, m.Credentials.check(), needTLS(tls || m.AllowWithoutTLS))
}

func needTLS(safe bool) error {
	if !safe {
		return ErrTLSRequired
	}
	return nil
}

// Start implements [Mechanism]. It blocks as long as Credentials does.
func (m *Plain) Start(ctx context.Context, to Endpoint) (Session, error) {
	if err := m.Check(to.TLS); err != nil {
		return nil, err
	}
	c, err := m.Credentials.get(ctx)
	if err == nil && c.DelegationToken {
		err = errors.New("delegation tokens are for SCRAM only")
	}
	if err != nil {
		return nil, wrap(m, err)
	}
	return exchange.New(m.Name(), func([]byte) ([]byte, exchange.Step, error) {
		message := c.AuthorizationID + "\x00" + c.User + "\x00" + c.Password.Reveal()
		return []byte(message), plainAnswer, nil
	}), nil
}

// plainAnswer takes any answer for consent, as the Java client does: a broker that refuses says so
// with an error code or closes the connection.
func plainAnswer([]byte) ([]byte, exchange.Step, error) { return nil, nil, nil }

// Format prints the mechanism's name, whatever the verb.
func (m *Plain) Format(f fmt.State, _ rune) { printName(f, m) }

// MarshalText returns the mechanism's name.
func (m *Plain) MarshalText() ([]byte, error) { return []byte(m.Name()), nil }
