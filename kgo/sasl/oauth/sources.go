package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// ClientCredentials gets tokens by the grant client_credentials (RFC 6749, 4.4; KIP-768; Java:
// ClientCredentialsJwtRetriever): the client is known to the identity provider by itself, with a
// secret or, better, an assertion. It is safe for concurrent use, and not to be changed once it
// is used.
type ClientCredentials struct {
	// Endpoint is whom to ask.
	Endpoint Endpoint
	// Credentials returns the client's id as user and its secret as password: [sasl.Password], or
	// a function of one's own. It is called for each attempt (Java:
	// sasl.oauthbearer.client.credentials.client.id and .client.secret).
	Credentials sasl.CredentialsFunc
	// Assertion proves who the client is instead of a secret (RFC 7523, 2.2; KIP-1258): then
	// Credentials is not set.
	Assertion Assertion
	// ClientID is sent beside an assertion. Most providers take it from there and need none.
	ClientID string
	// SecretInBody sends id and secret as form fields, for providers that do not read the header
	// Authorization.
	SecretInBody bool
	// EscapeHeader escapes id and secret for the header Authorization as RFC 6749 says. Many
	// providers do not expect that, so it is false by default, as with the Java client
	// (sasl.oauthbearer.header.urlencode). It makes a difference only if they have other
	// characters than letters, digits, and "-._".
	EscapeHeader bool
}

// Check returns every mistake that can be seen without asking anybody.
func (s *ClientCredentials) Check() error {
	mistakes := []error{s.Endpoint.check()}
	switch {
	case s.Credentials == nil && isNil(s.Assertion):
		mistakes = append(mistakes, errors.New("neither the field Credentials nor Assertion is set"))
	case s.Credentials != nil && !isNil(s.Assertion):
		mistakes = append(mistakes, errors.New("both the fields Credentials and Assertion are set: one proves who the client is"))
	case s.Credentials == nil:
		mistakes = append(mistakes, checkAssertion(s.Assertion))
	case s.ClientID != "":
		mistakes = append(mistakes, errors.New("the field ClientID is for an assertion: Credentials bring the client's id"))
	}
	return errors.Join(mistakes...)
}

// Token implements [sasl.TokenSource]. It blocks until there is a token, the provider refuses, or
// the time for retries is over or ctx ends, and then returns the error of the last attempt.
func (s *ClientCredentials) Token(ctx context.Context) (sasl.Token, error) {
	if err := s.Check(); err != nil {
		return sasl.Token{}, err
	}
	return s.Endpoint.token(ctx, s.grant)
}

func (s *ClientCredentials) grant(ctx context.Context) (grant, error) {
	g := grant{form: url.Values{"grant_type": {"client_credentials"}}}
	if s.Credentials == nil {
		if s.ClientID != "" {
			g.form.Set("client_id", s.ClientID)
		}
		g.form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		return g, g.assert(ctx, s.Assertion, "client_assertion")
	}
	c, err := s.Credentials(ctx)
	id, secret := c.User, c.Password.Reveal()
	switch {
	case err != nil:
		return g, fmt.Errorf("no credentials of the client: %w", err)
	case id == "" || secret == "":
		return g, errors.New("the client's id or secret is empty")
	}
	g.secrets = []string{secret, url.QueryEscape(secret)}
	if s.SecretInBody {
		g.form.Set("client_id", id)
		g.form.Set("client_secret", secret)
		return g, nil
	}
	if s.EscapeHeader {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
	g.header = http.Header{"Authorization": {"Basic " + basic}}
	g.secrets = append(g.secrets, basic)
	return g, nil
}

// JWTBearer gets tokens by the grant jwt-bearer (RFC 7523, 2.1; KIP-1139; Java:
// JwtBearerJwtRetriever): an assertion says for whom, and proves that. It is safe for concurrent
// use, and not to be changed once it is used.
type JWTBearer struct {
	// Endpoint is whom to ask.
	Endpoint Endpoint
	// Assertion is what the token is given for: a [Signer], an [AssertionFile], or one's own. It
	// must be set.
	Assertion Assertion
}

// Check returns every mistake that can be seen without asking anybody.
func (s *JWTBearer) Check() error {
	return errors.Join(s.Endpoint.check(), checkAssertion(s.Assertion))
}

// Token implements [sasl.TokenSource]. It blocks until there is a token, the provider refuses, or
// the time for retries is over or ctx ends, and then returns the error of the last attempt.
func (s *JWTBearer) Token(ctx context.Context) (sasl.Token, error) {
	if err := s.Check(); err != nil {
		return sasl.Token{}, err
	}
	return s.Endpoint.token(ctx, func(ctx context.Context) (grant, error) {
		g := grant{form: url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}}}
		return g, g.assert(ctx, s.Assertion, "assertion")
	})
}

// assert puts an assertion into the form.
func (g *grant) assert(ctx context.Context, a Assertion, field string) error {
	text, err := a.Assert(ctx)
	if err != nil {
		return fmt.Errorf("no assertion: %w", err)
	}
	if text.Reveal() == "" {
		return errors.New("no assertion: it is empty")
	}
	g.form.Set(field, text.Reveal())
	g.secrets = []string{text.Reveal()}
	return nil
}

// TokenFile is the path of a file that has the token, and nothing else but white space around it,
// like one that Kubernetes projects into a container. It is read whenever a token is asked for,
// so that somebody else can keep it fresh; if the token is a JWT, its claim exp says how long it
// is kept (Java: a file:// URL in sasl.oauthbearer.token.endpoint.url).
type TokenFile string

// Check returns an error if the path is empty.
func (f TokenFile) Check() error {
	if f == "" {
		return errors.New("the token file's path is empty")
	}
	return nil
}

// Token implements [sasl.TokenSource]. It reads the file.
func (f TokenFile) Token(context.Context) (sasl.Token, error) {
	text, err := readSecret(string(f))
	if err != nil {
		return sasl.Token{}, err
	}
	return sasl.Token{Value: sasl.NewSecret(text), Expires: expiry(text)}, nil
}

// readSecret reads a file with one secret in it.
func readSecret(path string) (string, error) {
	b, err := readFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("the file %s is empty", path)
	}
	return text, nil
}

// readFile reads a file that is as small as tokens and keys are.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err == nil && len(b) > maxAnswer {
		err = fmt.Errorf("the file %s has more than %d bytes", path, maxAnswer)
	}
	return b, err
}
