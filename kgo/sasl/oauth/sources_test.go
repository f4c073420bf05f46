package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

const endpointURL = "https://login.example.com/token"

func static(text string) oauth.AssertionFunc {
	return func(context.Context) (sasl.Secret, error) { return sasl.NewSecret(text), nil }
}

// What goes out, for each way to say who asks.
func TestRequests(t *testing.T) {
	basic := func(text string) string { return "Basic " + text }
	for name, test := range map[string]struct {
		source func(oauth.Endpoint) sasl.TokenSource
		scope  string
		auth   string // header
		form   url.Values
	}{
		"a secret": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				return &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", "s:e/c+r et")}
			},
			scope: "a b",
			auth:  basic("aWQ6czplL2MrciBldA=="), // id:s:e/c+r et
			form:  url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}},
		},
		"a secret, escaped": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				return &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("i:d", "s:e"), EscapeHeader: true}
			},
			auth: basic("aSUzQWQ6cyUzQWU="), // i%3Ad:s%3Ae
			form: url.Values{"grant_type": {"client_credentials"}},
		},
		"a secret in the body": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				return &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", "s&e=c"), SecretInBody: true}
			},
			form: url.Values{"grant_type": {"client_credentials"}, "client_id": {"id"}, "client_secret": {"s&e=c"}},
		},
		"an assertion": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				return &oauth.ClientCredentials{Endpoint: e, Assertion: static("a.b.c"), ClientID: "id"}
			},
			scope: "s",
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"s"}, "client_id": {"id"}, "client_assertion": {"a.b.c"},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
		},
		"jwt-bearer": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				return &oauth.JWTBearer{Endpoint: e, Assertion: static("a.b.c")}
			},
			scope: "s",
			form:  url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "scope": {"s"}, "assertion": {"a.b.c"}},
		},
		"what the user adds": {
			source: func(e oauth.Endpoint) sasl.TokenSource {
				e.Prepare = func(header http.Header, form url.Values) {
					header.Set("X-Tenant", "t")
					header.Set("Accept", "*/*")
					form.Set("audience", "kafka")
				}
				return &oauth.JWTBearer{Endpoint: e, Assertion: static("a.b.c")}
			},
			form: url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"a.b.c"}, "audience": {"kafka"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, client := answers(good)
			token, err := test.source(oauth.Endpoint{URL: endpointURL, Scope: test.scope, Client: client}).Token(t.Context())
			if err != nil || token.Value.Reveal() != "tok" || len(p.requests) != 1 {
				t.Fatalf("got the token %q, %v after %d requests", token.Value.Reveal(), err, len(p.requests))
			}
			r := p.requests[0]
			if diff := cmp.Diff(test.form, r.form); diff != "" {
				t.Errorf("the form (-want +got):\n%s", diff)
			}
			if r.url != endpointURL || r.header.Get("Authorization") != test.auth || r.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
				t.Errorf("got the request %s with %v", r.url, r.header)
			}
			if name == "what the user adds" && (r.header.Get("X-Tenant") != "t" || r.header.Get("Accept") != "*/*") {
				t.Errorf("got the headers %v", r.header)
			}
		})
	}
}

// What counts as a token, and for how long.
func TestAnswers(t *testing.T) {
	inAnHour := func(now time.Time) time.Time { return now.Add(time.Hour) }
	for name, test := range map[string]struct {
		status  int
		body    string
		token   string
		expires func(now time.Time) time.Time // nil for not known
		err     string
	}{
		"a lifetime":              {200, goodBody, "tok", inAnHour, ""},
		"created":                 {201, goodBody, "tok", inAnHour, ""},
		"a lifetime as text":      {200, `{"access_token":"tok","expires_in":"3600"}`, "tok", inAnHour, ""},
		"a fraction":              {200, `{"access_token":"tok","expires_in":3600.0}`, "tok", inAnHour, ""},
		"no lifetime":             {200, `{"access_token":"tok"}`, "tok", nil, ""},
		"a lifetime of null":      {200, `{"access_token":"tok","expires_in":null}`, "tok", nil, ""},
		"a lifetime of nonsense":  {200, `{"access_token":"tok","expires_in":{"a":1}}`, "tok", nil, ""},
		"a negative one":          {200, `{"access_token":"tok","expires_in":-1}`, "tok", nil, ""},
		"an absurd one":           {200, `{"access_token":"tok","expires_in":1e300}`, "tok", func(now time.Time) time.Time { return now.Add((1<<31 - 1) * time.Second) }, ""},
		"in the token":            {200, `{"access_token":"` + jwt(`{"exp":2000000000}`) + `"}`, jwt(`{"exp":2000000000}`), func(time.Time) time.Time { return time.Unix(2000000000, 0) }, ""},
		"in both":                 {200, `{"access_token":"` + jwt(`{"exp":2000000000}`) + `","expires_in":3600}`, jwt(`{"exp":2000000000}`), inAnHour, ""},
		"nonsense in the token":   {200, `{"access_token":"` + jwt(`{"exp":"x"}`) + `"}`, jwt(`{"exp":"x"}`), nil, ""},
		"a huge number in it":     {200, `{"access_token":"` + jwt(`{"exp":1e300}`) + `"}`, jwt(`{"exp":1e300}`), nil, ""},
		"two dots, but no JWT":    {200, `{"access_token":"a.%.c"}`, "a.%.c", nil, ""},
		"only an id token":        {200, `{"id_token":"tok","expires_in":3600}`, "tok", inAnHour, ""},
		"no token":                {200, `{"refresh_token":"secret","expires_in":3600}`, "", nil, "neither access_token nor id_token"},
		"not JSON":                {200, "<html>secret", "", nil, "not the JSON of a token"},
		"a token of another type": {200, `{"access_token":17}`, "", nil, "not the JSON of a token"},
		"an empty answer":         {200, "", "", nil, "not the JSON of a token"},
		"an error":                {400, `{"error":"invalid_scope","error_description":"no such scope"}`, "", nil, `HTTP status 400: "invalid_scope no such scope"`},
		"an error without words":  {401, `{"error":"invalid_client"}`, "", nil, `HTTP status 401: "invalid_client"`},
		"an error of a proxy":     {403, "<h1>Forbidden\x1b</h1>", "", nil, `HTTP status 403: "<h1>Forbidden\x1b</h1>"`},
		"a redirect":              {302, "", "", nil, "HTTP status 302"},
		"too large":               {200, strings.Repeat(" ", 1<<20+1), "", nil, "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, client := answers(reply{status: test.status, body: test.body})
				source := &oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: endpointURL, Client: client}, Credentials: sasl.Password("id", "pw")}
				now := time.Now()
				token, err := source.Token(t.Context())
				if token.Value.Reveal() != test.token || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %q, %v, want %q, %q", token.Value.Reveal(), err, test.token, test.err)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the error quotes what may be secret: %v", err)
				}
				var want time.Time
				if test.expires != nil {
					want = test.expires(now)
				}
				if !token.Expires.Equal(want) {
					t.Errorf("got %v for its end, want %v", token.Expires, want)
				}
				if len(p.requests) != 1 {
					t.Errorf("there were %d requests, want 1", len(p.requests))
				}
			})
		})
	}
}

// What is wrong with a source shows before anybody is asked, all at once.
func TestSourceMistakes(t *testing.T) {
	ok := oauth.Endpoint{URL: endpointURL}
	password := sasl.Password("id", "pw")
	signer := &oauth.Signer{Key: oauth.Key(rsaKey)}
	for name, test := range map[string]struct {
		source sasl.TokenSource
		want   []string
	}{
		"a secret":           {&oauth.ClientCredentials{Endpoint: ok, Credentials: password}, nil},
		"an assertion":       {&oauth.ClientCredentials{Endpoint: ok, Assertion: signer, ClientID: "id"}, nil},
		"jwt-bearer":         {&oauth.JWTBearer{Endpoint: ok, Assertion: signer}, nil},
		"http, allowed":      {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "http://localhost/", AllowHTTP: true}, Credentials: password}, nil},
		"nothing":            {&oauth.ClientCredentials{}, []string{"URL is not set", "neither the field Credentials nor Assertion"}},
		"both":               {&oauth.ClientCredentials{Endpoint: ok, Credentials: password, Assertion: signer}, []string{"both the fields"}},
		"two ids":            {&oauth.ClientCredentials{Endpoint: ok, Credentials: password, ClientID: "id"}, []string{"ClientID is for an assertion"}},
		"no assertion":       {&oauth.JWTBearer{Endpoint: ok}, []string{"Assertion is not set"}},
		"a nil function":     {&oauth.JWTBearer{Endpoint: ok, Assertion: oauth.AssertionFunc(nil)}, []string{"Assertion is not set"}},
		"a nil function too": {&oauth.ClientCredentials{Endpoint: ok, Assertion: oauth.AssertionFunc(nil)}, []string{"neither"}},
		"an empty signer":    {&oauth.JWTBearer{Endpoint: ok, Assertion: &oauth.Signer{Lifetime: -1}}, []string{"Key is not set", "negative"}},
		"claims not JSON":    {&oauth.JWTBearer{Endpoint: ok, Assertion: &oauth.Signer{Key: signer.Key, Claims: map[string]any{"f": func() {}}}}, []string{"not for JSON"}},
		"an empty path":      {&oauth.JWTBearer{Endpoint: ok, Assertion: oauth.AssertionFile("")}, []string{"path is empty"}},
		"no token file":      {oauth.TokenFile(""), []string{"path is empty"}},
		"http":               {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "http://h/p?key=k"}, Credentials: password}, []string{`"http://h/p" lets all read`}},
		"another scheme":     {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "ftp://h/p"}, Credentials: password}, []string{"must be like https"}},
		"no host":            {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "https:///p"}, Credentials: password}, []string{"must be like https"}},
		"not an address":     {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "https://%zz"}, Credentials: password}, []string{"cannot be read"}},
		"a user in it":       {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: "https://u:p@h/"}, Credentials: password}, []string{"has a user in it"}},
		"negative times":     {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: endpointURL, Timeout: -1}, Credentials: password}, []string{"negative"}},
		"backoff the wrong way": {&oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: endpointURL, RetryBackoff: time.Minute}, Credentials: password},
			[]string{"RetryBackoff is 1m0s, longer than RetryBackoffMax, 10s"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&sasl.OAuthBearer{Tokens: test.source}).Check(true)
			if (err == nil) != (len(test.want) == 0) {
				t.Fatalf("got the error %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got the error %v, want %q in it", err, want)
				}
			}
			if err != nil {
				if _, err := test.source.Token(t.Context()); err == nil {
					t.Error("Token does not mind")
				}
			}
		})
	}
}

// Credentials and assertions that fail are not tried again, and what they say is wrapped.
func TestSourcesOfSourcesFail(t *testing.T) {
	broken := errors.New("the vault is sealed")
	p, client := answers(good)
	e := oauth.Endpoint{URL: endpointURL, Client: client}
	for name, source := range map[string]sasl.TokenSource{
		"no credentials: ": &oauth.ClientCredentials{Endpoint: e, Credentials: func(context.Context) (sasl.Credentials, error) {
			return sasl.Credentials{}, broken
		}},
		"no assertion: ": &oauth.JWTBearer{Endpoint: e, Assertion: oauth.AssertionFunc(func(context.Context) (sasl.Secret, error) {
			return sasl.Secret{}, broken
		})},
	} {
		if _, err := source.Token(t.Context()); !errors.Is(err, broken) || len(p.requests) != 0 {
			t.Errorf("%s: got %v after %d requests", name, err, len(p.requests))
		}
	}
	for name, source := range map[string]sasl.TokenSource{
		"the client's id or secret is empty": &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", "")},
		"no assertion: it is empty":          &oauth.JWTBearer{Endpoint: e, Assertion: static("")},
	} {
		if _, err := source.Token(t.Context()); err == nil || !strings.Contains(err.Error(), name) || len(p.requests) != 0 {
			t.Errorf("got %v after %d requests, want %q", err, len(p.requests), name)
		}
	}
}

// Files are read each time.
func TestFiles(t *testing.T) {
	path := write(t, "token", " "+jwt(`{"exp":2000000000}`)+"\n")
	token, err := oauth.TokenFile(path).Token(t.Context())
	if err != nil || token.Value.Reveal() != jwt(`{"exp":2000000000}`) || !token.Expires.Equal(time.Unix(2000000000, 0)) {
		t.Errorf("got %q until %v, %v", token.Value.Reveal(), token.Expires, err)
	}
	if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err = oauth.TokenFile(path).Token(t.Context())
	if err != nil || token.Value.Reveal() != "another" || !token.Expires.IsZero() {
		t.Errorf("got %q until %v, %v", token.Value.Reveal(), token.Expires, err)
	}
	assertion, err := oauth.AssertionFile(path).Assert(t.Context())
	if err != nil || assertion.Reveal() != "another" {
		t.Errorf("got %q, %v", assertion.Reveal(), err)
	}
	empty, large := write(t, "empty", "\n"), write(t, "large", strings.Repeat("x", 1<<20+1))
	for path, want := range map[string]string{empty: "is empty", large: "more than 1048576 bytes", path + "x": "no such file"} {
		_, err1 := oauth.TokenFile(path).Token(t.Context())
		_, err2 := oauth.AssertionFile(path).Assert(t.Context())
		for _, err := range []error{err1, err2} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
}
