package oauth_test

import (
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

// Whatever a provider answers, there is no panic, the error is short and shows no secret, and a
// token is one that can be sent or is refused.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(goodBody))
	f.Add(200, []byte(`{"access_token":"`+jwt(`{"exp":1e10}`)+`","expires_in":"1e9"}`))
	f.Add(400, []byte(`{"error":"invalid_scope","error_description":"\u0000`+secretText+`"}`))
	f.Add(500, []byte(strings.Repeat("x", 300)))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, client := answers(reply{status: status, body: string(body)})
		e := oauth.Endpoint{URL: endpointURL, Client: client, RetryBackoff: 1, RetryBackoffMax: 1}
		source := &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", secretText)}
		token, err := source.Token(t.Context())
		if err != nil && (len(err.Error()) > 4000 || needle.In(err.Error(), secretText)) {
			t.Errorf("got the error %v", err)
		}
		if err == nil && (token.Value.Reveal() == "" || token.Expires.Year() > 100_000) {
			t.Errorf("got a token until %v", token.Expires)
		}
		m := &sasl.OAuthBearer{Tokens: source}
		s, err := m.Start(t.Context(), sasl.Endpoint{TLS: true})
		if err != nil {
			return
		}
		message, _, err := s.Step(nil)
		if err != nil || strings.Count(string(message), "\x01") != 3 {
			t.Errorf("got the message %q, %v", message, err)
		}
	})
}

// Whatever is in a key file, there is no panic.
func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(x25519))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: x\n\neA==\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := write(t, "key", string(text))
		key, err := oauth.KeyFile(path)(t.Context())
		if (key == nil) == (err == nil) {
			t.Errorf("got %T, %v", key, err)
		}
		if err == nil {
			s := oauth.Signer{Key: oauth.Key(key)}
			s.Assert(t.Context()) // its error is as good as a signature
		}
	})
}
