package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A provider is an identity provider as an http.RoundTripper, so that it lives in virtual time. It
// notes requests, and answers what it is told, the last for ever.
type provider struct {
	answers  []reply
	requests []request
	times    []time.Time
}

type reply struct {
	status int
	body   string
	err    error         // instead of an answer
	takes  time.Duration // before it comes
}

type request struct {
	url    string
	header http.Header
	form   url.Values
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	p.requests = append(p.requests, request{r.URL.String(), r.Header, form})
	p.times = append(p.times, time.Now())
	a := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(a.takes):
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body)), Header: http.Header{}, Request: r}, nil
}

// answers returns a client whose provider answers so.
func answers(replies ...reply) (*provider, *http.Client) {
	p := &provider{answers: replies}
	return p, &http.Client{Transport: p}
}

const goodBody = `{"access_token":"tok","token_type":"Bearer","expires_in":3600}`

var good = reply{status: 200, body: goodBody}

// jwt returns a token with these claims that nobody signed.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

// Keys of all kinds.
var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	smallKey = must(rsa.GenerateKey(rand.Reader, 1024))
	ecKey    = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	otherKey = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keyFile writes a key as PKCS #8, PKCS #1 or SEC 1.
func keyFile(t *testing.T, key crypto.Signer, form string) string {
	t.Helper()
	var der []byte
	switch form {
	case "PRIVATE KEY":
		der = must(x509.MarshalPKCS8PrivateKey(key))
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	case "EC PRIVATE KEY":
		der = must(x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey)))
	}
	return write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: form, Bytes: der})))
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// split returns header and claims of a JWT, what was signed, and the signature.
func split(t *testing.T, token string) (header, claims map[string]any, signed string, signature []byte) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	for i, v := range []*map[string]any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, v)
		}
		if err != nil {
			t.Fatalf("%q: %v", token, err)
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	return header, claims, parts[0] + "." + parts[1], signature
}

// number is how a time reads in decoded claims.
func number(at time.Time) string { return fmt.Sprint(float64(at.Unix())) }
