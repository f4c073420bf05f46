package sasl

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Credentials are what [Plain], [ScramSHA256] and [ScramSHA512] prove a client's identity with.
type Credentials struct {
	// User is the user's name, or the id of a delegation token. It must not be empty.
	User string
	// Password is the user's password, or the HMAC of a delegation token in base64. It must not
	// be empty.
	Password Secret
	// AuthorizationID names whom to act as. Empty means the user, and Kafka's own brokers
	// accept nobody else.
	AuthorizationID string
	// DelegationToken says that these are the credentials of a delegation token (KIP-48), which
	// only SCRAM can use. See the function of that name.
	DelegationToken bool
}

// A CredentialsFunc returns the credentials of the moment. It is called for each connection that
// authenticates or renews its session, by several goroutines at once, and may block until ctx
// ends. What it returns is not kept. Its error is wrapped by that of [Mechanism.Start].
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// Password returns a user's credentials that never change.
func Password(user, password string) CredentialsFunc {
	return func(context.Context) (Credentials, error) {
		return Credentials{User: user, Password: NewSecret(password)}, nil
	}
}

// DelegationToken returns the credentials of a delegation token (KIP-48): its id and its HMAC, as
// CreateDelegationToken answers them. It copies the HMAC.
func DelegationToken(id string, hmac []byte) CredentialsFunc {
	password := base64.StdEncoding.EncodeToString(hmac)
	return func(context.Context) (Credentials, error) {
		return Credentials{User: id, Password: NewSecret(password), DelegationToken: true}, nil
	}
}

var errNoCredentials = errors.New("the field Credentials is not set")

// check returns the mistake of a function that is not there.
func (f CredentialsFunc) check() error {
	if f == nil {
		return errNoCredentials
	}
	return nil
}

// get asks for credentials and refuses those that no mechanism can send.
func (f CredentialsFunc) get(ctx context.Context) (Credentials, error) {
	c, err := f(ctx)
	if err != nil {
		return Credentials{}, fmt.Errorf("no credentials: %w", err)
	}
	password := c.Password.Reveal()
	switch {
	case c.User == "":
		return Credentials{}, errors.New("the user's name is empty")
	case password == "":
		return Credentials{}, errors.New("the password is empty")
	}
	for _, field := range []struct{ what, value string }{
		{"user's name", c.User}, {"password", password}, {"authorization id", c.AuthorizationID},
	} {
		if !utf8.ValidString(field.value) || strings.Contains(field.value, "\x00") {
			return Credentials{}, fmt.Errorf("the %s has bytes that cannot be sent: it must be UTF-8 without NUL", field.what)
		}
	}
	return c, nil
}
