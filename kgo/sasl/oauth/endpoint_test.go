package oauth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

// What may pass is tried again, with pauses that double, until ten seconds are over.
func TestRetries(t *testing.T) {
	down := reply{err: errors.New("connection refused")}
	for name, test := range map[string]struct {
		answers []reply
		context time.Duration // 0 for no deadline
		asked   int           // requests
		err     string
	}{
		"at once":              {answers: []reply{good}, asked: 1},
		"the third time":       {answers: []reply{down, {status: 503}, good}, asked: 3},
		"too many requests":    {answers: []reply{{status: 429}, good}, asked: 2},
		"no answer in time":    {answers: []reply{{takes: time.Hour}, good}, asked: 1, err: "no answer within 10s"}, // ten seconds are over
		"refused":              {answers: []reply{{status: 401}, good}, asked: 1, err: "HTTP status 401"},
		"not there":            {answers: []reply{{status: 404}, good}, asked: 1, err: "HTTP status 404"},
		"not implemented":      {answers: []reply{{status: 501}, good}, asked: 1, err: "HTTP status 501"},
		"for ever":             {answers: []reply{down}, asked: 7, err: "connection refused"},
		"for ever, but sooner": {answers: []reply{down}, context: time.Second, asked: 4, err: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, client := answers(test.answers...)
				source := &oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: endpointURL, Client: client}, Credentials: sasl.Password("id", "pw")}
				ctx := t.Context()
				if test.context != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.context)
					defer cancel()
				}
				begin := time.Now()
				_, err := source.Token(ctx)
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				if len(p.requests) != test.asked {
					t.Errorf("there were %d requests, want %d", len(p.requests), test.asked)
				}
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				pause := 100 * time.Millisecond
				for i := 1; i < len(p.times); i++ {
					if got := p.times[i].Sub(p.times[i-1]); got < pause*8/10 || got > pause*12/10 {
						t.Errorf("the pause %d is %v, want about %v", i, got, pause)
					}
					pause *= 2
				}
			})
		})
	}
}

// Pauses are as the fields say.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, client := answers(reply{status: 500})
		e := oauth.Endpoint{URL: endpointURL, Client: client, RetryBackoff: time.Minute, RetryBackoffMax: 10 * time.Minute}
		source := &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", "pw")}
		begin := time.Now()
		// After pauses of 1, 2 and 4 minutes, the next one would be too long.
		if _, err := source.Token(t.Context()); err == nil || len(p.requests) != 4 || time.Since(begin) < 5*time.Minute {
			t.Errorf("got %v after %d requests in %v, want 4", err, len(p.requests), time.Since(begin))
		}
	})
}

// Whoever cancels gets an answer at once, that also says what went wrong before.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range []reply{{takes: time.Hour}, {err: errors.New("connection refused")}} {
			_, client := answers(answer)
			e := oauth.Endpoint{URL: endpointURL, Client: client, RetryBackoff: 5 * time.Second}
			source := &oauth.JWTBearer{Endpoint: e, Assertion: static("a")}
			ctx, cancel := context.WithCancel(t.Context())
			begin := time.Now()
			time.AfterFunc(time.Second, cancel)
			_, err := source.Token(ctx)
			if !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
				t.Errorf("got %v after %v, want it to be cancelled after 1s", err, time.Since(begin))
			}
			if answer.err != nil && !errors.Is(err, answer.err) {
				t.Errorf("got %v, want it to tell of %v", err, answer.err)
			}
		}
	})
}

// Credentials are asked for at each attempt: an assertion is good for one.
func TestFreshAssertions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, client := answers(reply{status: 503}, reply{status: 503}, good)
		n := 0
		source := &oauth.JWTBearer{Endpoint: oauth.Endpoint{URL: endpointURL, Client: client},
			Assertion: oauth.AssertionFunc(func(context.Context) (sasl.Secret, error) {
				n++
				return sasl.NewSecret(strings.Repeat("a", n)), nil
			})}
		if _, err := source.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"a", "aa", "aaa"} {
			if got := p.requests[i].form.Get("assertion"); got != want {
				t.Errorf("request %d: got the assertion %s, want %s", i, got, want)
			}
		}
	})
}

// A mechanism with such a source renews its tokens, and lives through a provider that is down.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, client := answers(good, reply{status: 500})
		m := &sasl.OAuthBearer{Tokens: &oauth.ClientCredentials{Endpoint: oauth.Endpoint{URL: endpointURL, Client: client}, Credentials: sasl.Password("id", "pw")}}
		for _, step := range []struct {
			at   time.Duration
			ok   bool
			asks bool
		}{
			{0, true, true},
			{47 * time.Minute, true, false},
			{49 * time.Minute, true, true}, // in vain, but the token holds
			{50 * time.Minute, true, false},
			{61 * time.Minute, false, true},
		} {
			time.Sleep(step.at - time.Since(epoch(p)))
			before := len(p.requests)
			_, err := m.Start(t.Context(), sasl.Endpoint{TLS: true})
			if (err == nil) != step.ok || (len(p.requests) != before) != step.asks {
				t.Errorf("at %v: got %v after %d requests", step.at, err, len(p.requests)-before)
			}
		}
	})
}

func epoch(p *provider) time.Time {
	if len(p.times) == 0 {
		return time.Now()
	}
	return p.times[0]
}

// Over real connections: certificates are verified and not tried again, redirects are not
// followed, and no goroutine is left.
func TestRealConnections(t *testing.T) {
	var stolen atomic.Int32
	thief := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer thief.Close()
	var asked atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/token":
			io.WriteString(w, goodBody)
		case "/redirect":
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		case "/silent":
			io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		case "/endless":
			for line := strings.Repeat("x", 1<<16); r.Context().Err() == nil; {
				io.WriteString(w, line)
			}
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of certificates that are refused
	server.StartTLS()
	defer server.Close()
	before := runtime.NumGoroutine()
	trusting := server.Client()
	trusting.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	for _, test := range []struct {
		name, path string
		client     *http.Client
		asked      int32
		err        string
	}{
		{"a token", "/token", trusting, 1, ""},
		{"an unknown CA", "/token", nil, 0, "certificate"},
		{"a redirect", "/redirect", trusting, 1, "HTTP status 307"},
		{"an endless token", "/endless", trusting, 1, "more than 1048576 bytes"},
		{"a silent server", "/silent", trusting, 1, "context canceled"}, // by the server, when it was asked
	} {
		t.Run(test.name, func(t *testing.T) {
			asked.Store(0)
			e := oauth.Endpoint{URL: server.URL + test.path, Client: test.client, RetryBackoff: 1, RetryBackoffMax: 1}
			source := &oauth.ClientCredentials{Endpoint: e, Credentials: sasl.Password("id", "pw")}
			token, err := source.Token(ctx)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, %v, want the error %q", token, err, test.err)
			}
			if got := asked.Load(); got != test.asked {
				t.Errorf("the server was asked %d times, want %d", got, test.asked)
			}
			var certificate *tls.CertificateVerificationError
			if test.name == "an unknown CA" && !errors.As(err, &certificate) {
				t.Errorf("got %v, want an error of certificates", err)
			}
		})
	}
	if stolen.Load() != 0 {
		t.Error("a redirect is followed")
	}
	trusting.CloseIdleConnections()
	server.Close()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("there are %d goroutines, there were %d", runtime.NumGoroutine(), before)
		}
	}
}
