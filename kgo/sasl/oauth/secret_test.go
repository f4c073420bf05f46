package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

const (
	secretText = "hunter2-hunter2-hunter2"
	keyText    = "swordfish-swordfish"
)

// secretive adds secrets to each request.
func secretive(header http.Header, form url.Values) {
	header.Set("X-Api-Key", keyText)
	form.Set("password", secretText)
}

// Whatever prints a value, its secrets do not show.
func TestSecretsAreHidden(t *testing.T) {
	key := oauth.Key(rsaKey)
	primeText := rsaKey.Primes[0].String()
	values := map[string]any{
		"Endpoint": oauth.Endpoint{URL: endpointURL, Prepare: secretive},
		"ClientCredentials": &oauth.ClientCredentials{
			Endpoint: oauth.Endpoint{URL: endpointURL, Prepare: secretive}, Credentials: sasl.Password("id", secretText),
		},
		"JWTBearer":     &oauth.JWTBearer{Assertion: static(secretText)},
		"AssertionFunc": static(secretText),
		"Signer":        &oauth.Signer{Key: key},
		"KeyFunc":       key,
	}
	noSecrets := []string{"Assertion", "AssertionFile", "TokenFile"}
	types, err := needle.ExportedTypes(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range types {
		if _, ok := values[name]; !ok && !slices.Contains(noSecrets, name) {
			t.Errorf("the exported type %s is not tested for secrets", name)
		}
	}
	for name, v := range values {
		for how, text := range needle.Prints(v) {
			if needle.In(text, secretText) || needle.In(text, keyText) || strings.Contains(text, primeText) {
				t.Errorf("%s: %s shows the secret: %s", name, how, text)
			}
		}
	}
}

// Errors do not show the secret, whatever the provider says: it may repeat what it was sent, as it
// is or escaped, and the header, and send tokens where they do not belong.
func TestErrorsHideSecrets(t *testing.T) {
	sources := map[string]func(oauth.Endpoint) sasl.TokenSource{
		"secret": func(e oauth.Endpoint) sasl.TokenSource {
			return &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", secretText)}
		},
		"secret in the body": func(e oauth.Endpoint) sasl.TokenSource {
			return &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", secretText), SecretInBody: true}
		},
		"assertion": func(e oauth.Endpoint) sasl.TokenSource {
			return &oauth.ClientCredentials{Endpoint: e, Assertion: static(secretText)}
		},
		"jwt-bearer": func(e oauth.Endpoint) sasl.TokenSource {
			return &oauth.JWTBearer{Endpoint: e, Assertion: static(secretText)}
		},
		"what the user adds": func(e oauth.Endpoint) sasl.TokenSource {
			e.Prepare = secretive
			return &oauth.JWTBearer{Endpoint: e, Assertion: static("an.assertion.of.length")}
		},
	}
	const basic = "aWQ6aHVudGVyMi1odW50ZXIyLWh1bnRlcjI=" // id:hunter2-...
	for name, source := range sources {
		for _, answer := range []reply{
			{status: 400, body: `{"error":"invalid_client","error_description":"no secret ` + secretText + `"}`},
			{status: 401, body: "Authorization: Basic " + basic},
			{status: 403, body: strings.Repeat("x", 240) + secretText},
			{status: 403, body: "not " + keyText},
			{status: 200, body: `{"token":"` + secretText + `"}`},
			{status: 200, body: secretText},
			{status: 200, body: `{"access_token":["` + secretText + `"]}`},
			{err: errors.New("connection reset")},
		} {
			if strings.Contains(answer.body, basic) && name != "secret" || strings.Contains(answer.body, keyText) && name != "what the user adds" {
				continue // only that one sends it
			}
			_, client := answers(answer)
			e := oauth.Endpoint{URL: endpointURL + "?code=" + secretText, Client: client, RetryBackoff: 1, RetryBackoffMax: 1}
			m := &sasl.OAuthBearer{Tokens: source(e)}
			_, err := m.Start(t.Context(), sasl.Endpoint{TLS: true})
			if err == nil {
				t.Fatalf("%s: there is no error", name)
			}
			if needle.In(err.Error(), secretText) || needle.In(err.Error(), keyText) || strings.Contains(err.Error(), basic[:20]) {
				t.Errorf("%s: %+v shows the secret: %v", name, answer, err)
			}
		}
	}
	// Mistakes in URLs and files do not show them either.
	for _, u := range []string{"https://u:" + secretText + "@h/", "http://h/?" + secretText, "https://%zz" + secretText, "ftp://h/?" + secretText} {
		err := (&oauth.JWTBearer{Endpoint: oauth.Endpoint{URL: u}, Assertion: static("a")}).Check()
		if err == nil || needle.In(err.Error(), secretText) {
			t.Errorf("%s: got %v", u, err)
		}
	}
	path := write(t, "key", "-----BEGIN PRIVATE KEY-----\naHVudGVyMi1odW50ZXIyLWh1bnRlcjI=\n-----END PRIVATE KEY-----\n")
	if _, err := oauth.KeyFile(path)(context.Background()); err == nil || needle.In(err.Error(), secretText) {
		t.Errorf("got %v", err)
	}
}
