package sasl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/fresh"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

// OAuthBearer is the mechanism OAUTHBEARER (RFC 7628, KIP-255; Java: OAuthBearerLoginModule): the
// client sends a token that an identity provider gave it. Brokers have it since 2.0.
//
// A token is kept and used for all connections until four fifths of its lifetime are over, counted
// from when it came (Java: sasl.login.refresh.window.factor, 0.8). The next Start then gets a new
// one; there is no goroutine that does so. One Start at a time asks for a token, others wait for it
// or, while the old token holds, use that; if no new one can be had within three seconds, all do.
// A token that a broker refuses is not used for more than a minute after it came. Since a broker's
// session ends with its token, and is renewed before, tokens are fresh in time.
type OAuthBearer struct {
	// Tokens is where tokens come from: package oauth, a [TokenFunc], [StaticToken]. It must be
	// set. If it has a method Check() error, [OAuthBearer.Check] calls it.
	Tokens TokenSource
	// Extensions are sent beside the token (KIP-342), like the cluster that some providers of
	// Kafka want to know. Names have letters only, "auth" is taken; values have printable ASCII
	// characters, blanks, tabs and line ends.
	Extensions map[string]string
	// AuthorizationID names whom to act as. Empty means whom the token is for, and Kafka's own
	// brokers accept nobody else.
	AuthorizationID string
	// AllowWithoutTLS lets the token travel for all to read. By default Start fails with
	// [ErrTLSRequired].
	AllowWithoutTLS bool

	kept fresh.Value[Token]
}

// A Token is what OAUTHBEARER authenticates with.
type Token struct {
	// Value is the token as it is sent, mostly a JWT.
	Value Secret
	// Expires is when the token ends. The zero time means that this is not known: then the
	// source is asked for each connection, and may keep tokens itself.
	Expires time.Time
}

// A TokenSource gets tokens. It must be safe for concurrent use.
type TokenSource interface {
	// Token returns a token that is still good. It may block until ctx ends. Its error is
	// wrapped by that of [Mechanism.Start], unless an older token still holds.
	Token(ctx context.Context) (Token, error)
}

// A TokenFunc is a function that is a [TokenSource].
type TokenFunc func(ctx context.Context) (Token, error)

// Token calls f.
func (f TokenFunc) Token(ctx context.Context) (Token, error) { return f(ctx) }

// StaticToken returns a source that always has the same token.
func StaticToken(token string) TokenFunc {
	return func(context.Context) (Token, error) { return Token{Value: NewSecret(token)}, nil }
}

// Name returns "OAUTHBEARER".
func (*OAuthBearer) Name() string { return "OAUTHBEARER" }

// Check implements [Checker].
func (m *OAuthBearer) Check(tls bool) error {
	return checked(m, m.checkTokens(), checkExtensions(m.Extensions), m.checkID(), needTLS(tls || m.AllowWithoutTLS))
}

func (m *OAuthBearer) checkID() error {
	if !utf8.ValidString(m.AuthorizationID) || strings.ContainsAny(m.AuthorizationID, "\x00\x01") {
		return errors.New("the authorization id has bytes that cannot be sent")
	}
	return nil
}

func (m *OAuthBearer) checkTokens() error {
	if f, isFunc := m.Tokens.(TokenFunc); m.Tokens == nil || isFunc && f == nil {
		return errors.New("the field Tokens is not set")
	}
	if c, ok := m.Tokens.(interface{ Check() error }); ok {
		return c.Check()
	}
	return nil
}

// Start implements [Mechanism]. It blocks while it gets a token.
func (m *OAuthBearer) Start(ctx context.Context, to Endpoint) (Session, error) {
	if err := m.Check(to.TLS); err != nil {
		return nil, err
	}
	token, err := m.kept.Get(ctx, m.fetch)
	if err != nil {
		return nil, wrap(m, fmt.Errorf("no token: %w", err))
	}
	return exchange.New(m.Name(), func([]byte) ([]byte, exchange.Step, error) {
		return m.message(token), m.answer(token), nil
	}), nil
}

// fetch gets a token that can be sent.
func (m *OAuthBearer) fetch(ctx context.Context) (Token, time.Time, error) {
	t, err := m.Tokens.Token(ctx)
	if err == nil && !bearerToken(t.Value.Reveal()) {
		err = errors.New("what came as one is empty or has characters that tokens do not have")
	}
	return t, t.Expires, err
}

// message is the client's only message.
func (m *OAuthBearer) message(token Token) []byte {
	var b []byte
	if b = append(b, "n,"...); m.AuthorizationID != "" {
		b = append(b, "a="+saslName(m.AuthorizationID)...)
	}
	b = append(b, ",\x01auth=Bearer "+token.Value.Reveal()+"\x01"...)
	for _, name := range slices.Sorted(maps.Keys(m.Extensions)) {
		b = append(b, name+"="+m.Extensions[name]+"\x01"...)
	}
	return append(b, 1)
}

// answer takes the broker's answer: nothing if it accepts the token, else what is wrong with it.
// That has to be answered once more before the broker ends the exchange (RFC 7628, 3.2.3), mostly
// with an error code that says the same, so that the last step here is not reached.
func (m *OAuthBearer) answer(token Token) exchange.Step {
	return func(challenge []byte) ([]byte, exchange.Step, error) {
		if len(challenge) == 0 {
			return nil, nil, nil
		}
		m.kept.Doubt()
		refused := fmt.Errorf("%w: %s", ErrRefused, quote.Text(string(challenge), token.Value.Reveal()))
		return []byte{1}, func([]byte) ([]byte, exchange.Step, error) { return nil, nil, refused }, nil
	}
}

// Format prints the mechanism's name, whatever the verb.
func (m *OAuthBearer) Format(f fmt.State, _ rune) { printName(f, m) }

// MarshalText returns the mechanism's name.
func (m *OAuthBearer) MarshalText() ([]byte, error) { return []byte(m.Name()), nil }

// checkExtensions holds names and values against RFC 7628, 3.1, so that none can pass for the
// token or for another extension.
func checkExtensions(extensions map[string]string) error {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		value := extensions[name]
		switch {
		case name == "auth":
			mistakes = append(mistakes, errors.New(`an extension cannot be called "auth": that is the token's place`))
		case !all(name, letter):
			mistakes = append(mistakes, fmt.Errorf("the extension's name %q is empty or has not only letters", name))
		case !all(value, extensionValue):
			mistakes = append(mistakes, fmt.Errorf("the value of the extension %s is empty or has characters that cannot be sent", name))
		}
	}
	return errors.Join(mistakes...)
}

// bearerToken reports whether s can be a token (RFC 6750, 2.1).
func bearerToken(s string) bool {
	for len(s) > 1 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	return all(s, func(c byte) bool {
		return letter(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/'
	})
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func extensionValue(c byte) bool {
	return c >= 0x20 && c <= 0x7e || c == '\t' || c == '\r' || c == '\n'
}

// all reports whether s is not empty and has only such bytes.
func all(s string, such func(byte) bool) bool {
	for i := range len(s) {
		if !such(s[i]) {
			return false
		}
	}
	return s != ""
}
