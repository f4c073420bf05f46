package oauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

// identityProvider is one that shows what it is asked, and gives a token for an hour.
func identityProvider() *httptest.Server {
	return httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		id, _, _ := r.BasicAuth()
		fmt.Printf("asked: %s scope=%q audience=%q client=%q\n", r.Form.Get("grant_type"), r.Form.Get("scope"), r.Form.Get("audience"), id)
		fmt.Fprint(w, `{"access_token":"eyJhbGciOiJub25lIn0.e30.","token_type":"Bearer","expires_in":3600}`)
	}))
}

// The client's id and its secret get a token, which is used for all connections until it is due.
func ExampleClientCredentials() {
	provider := identityProvider()
	defer provider.Close()

	mechanism := &sasl.OAuthBearer{Tokens: &oauth.ClientCredentials{
		Endpoint: oauth.Endpoint{
			URL:    provider.URL,
			Scope:  "kafka",
			Client: provider.Client(), // knows the certificate; mostly it is left out
			Prepare: func(_ http.Header, form url.Values) {
				form.Set("audience", "orders")
			},
		},
		Credentials: sasl.Password("billing", os.Getenv("OAUTH_SECRET")+"s3cr3t"),
	}}
	for range 3 {
		_, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9093", TLS: true})
		fmt.Println(err)
	}
	// Output:
	// asked: client_credentials scope="kafka" audience="orders" client="billing"
	// <nil>
	// <nil>
	// <nil>
}

// With an assertion no secret needs to be shared (KIP-1258): the provider knows the public key.
func ExampleClientCredentials_assertion() {
	source := &oauth.ClientCredentials{
		Endpoint: oauth.Endpoint{URL: "https://login.example.com/token"},
		Assertion: &oauth.Signer{
			Key:      oauth.KeyFile("/run/secrets/key.pem"),
			Issuer:   "billing",
			Subject:  "billing",
			Audience: "https://login.example.com/token",
			ID:       true,
		},
	}
	fmt.Println(source.Check())
	// Output: <nil>
}

// An assertion says for whom a token is (KIP-1139).
func ExampleJWTBearer() {
	provider := identityProvider()
	defer provider.Close()

	source := &oauth.JWTBearer{
		Endpoint: oauth.Endpoint{URL: provider.URL, Client: provider.Client()},
		Assertion: &oauth.Signer{
			Key:      oauth.Key(ecKey),
			Issuer:   "billing",
			Subject:  "alice",
			Audience: provider.URL,
		},
	}
	token, err := source.Token(context.Background())
	fmt.Println(token.Value, !token.Expires.IsZero(), err)
	// Output:
	// asked: urn:ietf:params:oauth:grant-type:jwt-bearer scope="" audience="" client=""
	// [secret] true <nil>
}

// A certificate authority of one's own, and a proxy, are set at the HTTP client.
func ExampleEndpoint() {
	authorities := x509.NewCertPool()
	endpoint := oauth.Endpoint{
		URL: "https://login.example.com/token",
		Client: &http.Client{Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: authorities},
			DisableKeepAlives: true,
		}},
	}
	source := &oauth.ClientCredentials{Endpoint: endpoint, Credentials: sasl.Password("billing", "s3cr3t")}
	fmt.Println(source.Check())
	// Output: <nil>
}

// Signers make assertions for others, too.
func ExampleSigner() {
	signer := &oauth.Signer{Key: oauth.Key(rsaKey), Issuer: "billing", Claims: map[string]any{"tenant": 7}}
	assertion, err := signer.Assert(context.Background())
	fmt.Println(assertion, err)
	// Output: [secret] <nil>
}

func ExampleKey() {
	key, err := oauth.Key(rsaKey)(context.Background())
	fmt.Println(key == rsaKey, err)
	// Output: true <nil>
}

func ExampleKeyFile() {
	_, err := oauth.KeyFile("no-such-key.pem")(context.Background())
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}

// An assertion that somebody else puts into a file is read for each request.
func ExampleAssertionFile() {
	source := &oauth.JWTBearer{
		Endpoint:  oauth.Endpoint{URL: "https://login.example.com/token"},
		Assertion: oauth.AssertionFile("/var/run/secrets/assertion"),
	}
	fmt.Println(source.Check())
	// Output: <nil>
}

func ExampleAssertionFunc() {
	var assertion oauth.Assertion = oauth.AssertionFunc(func(context.Context) (sasl.Secret, error) {
		return sasl.NewSecret("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"), nil
	})
	fmt.Println(assertion.Assert(context.Background()))
	// Output: [secret] <nil>
}

// A token that Kubernetes keeps fresh in a file.
func ExampleTokenFile() {
	mechanism := &sasl.OAuthBearer{Tokens: oauth.TokenFile("/var/run/secrets/tokens/kafka")}
	fmt.Println(mechanism.Check(true))
	// Output: <nil>
}
