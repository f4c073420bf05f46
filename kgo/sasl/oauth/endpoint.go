package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// An Endpoint is where an identity provider hands out tokens, and how it is asked. Only URL must
// be set.
type Endpoint struct {
	// URL is the token endpoint's address (Java: sasl.oauthbearer.token.endpoint.url). It must
	// begin with https:// and have no user or password in it. Redirects are not followed.
	URL string
	// Scope is what the token is to be good for, several separated by spaces; empty leaves it
	// to the provider (Java: sasl.oauthbearer.scope).
	Scope string
	// Prepare may add headers and form fields to each request before it goes out, like the
	// audience that some providers want. It must be safe for concurrent use.
	Prepare func(header http.Header, form url.Values)
	// Client does the requests: for certificates, a proxy, timeouts of its own. Its
	// CheckRedirect is not used. Nil makes a connection for each token, with the system's
	// certificates and the proxy that the environment names.
	Client *http.Client
	// Timeout bounds one attempt; 0 means 10 s (Java: sasl.login.connect.timeout.ms and
	// sasl.login.read.timeout.ms, which have no defaults).
	Timeout time.Duration
	// RetryBackoff is the pause after a first attempt that failed, but may succeed later. It
	// doubles with each attempt, and is 20 % shorter or longer by chance; 0 means 100 ms (Java:
	// sasl.login.retry.backoff.ms).
	RetryBackoff time.Duration
	// RetryBackoffMax is the time after which no further attempt begins, counted from the first;
	// 0 means 10 s (Java: sasl.login.retry.backoff.max.ms, which means that too).
	RetryBackoffMax time.Duration
	// AllowHTTP lets secrets and tokens travel for all to read, when URL begins with http://.
	AllowHTTP bool
}

// The defaults, those of the Java client as far as it has some.
const (
	defaultTimeout         = 10 * time.Second
	defaultRetryBackoff    = 100 * time.Millisecond
	defaultRetryBackoffMax = 10 * time.Second
)

// maxAnswer is the largest answer that is read, in bytes; tokens have a few thousand.
const maxAnswer = 1 << 20

// check returns the mistakes.
func (e *Endpoint) check() error {
	mistakes := []error{e.checkURL()}
	if e.Timeout < 0 || e.RetryBackoff < 0 || e.RetryBackoffMax < 0 {
		mistakes = append(mistakes, errors.New("a time of the token endpoint is negative"))
	} else if first, most := e.backoff(); first > most {
		mistakes = append(mistakes, fmt.Errorf("the field RetryBackoff is %v, longer than RetryBackoffMax, %v", first, most))
	}
	return errors.Join(mistakes...)
}

func (e *Endpoint) checkURL() error {
	if e.URL == "" {
		return errors.New("the token endpoint's URL is not set")
	}
	u, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return errors.New("the token endpoint's URL cannot be read") // the error would show it whole
	case u.User != nil:
		return errors.New("the token endpoint's URL has a user in it: that is no place for secrets")
	case u.Host == "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("the token endpoint's URL must be like https://host/path, not %q", shown(u))
	case u.Scheme == "http" && !e.AllowHTTP:
		return fmt.Errorf("the token endpoint's URL %q lets all read secrets and tokens: use https, or set AllowHTTP", shown(u))
	}
	return nil
}

// shown is as much of a URL as may be shown: some have keys in their query.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (e *Endpoint) backoff() (first, most time.Duration) {
	first, most = e.RetryBackoff, e.RetryBackoffMax
	if first == 0 {
		first = defaultRetryBackoff
	}
	if most == 0 {
		most = defaultRetryBackoffMax
	}
	return first, most
}

// A grant is what one request says. Its secrets are not to be shown if the provider repeats them.
type grant struct {
	header  http.Header
	form    url.Values
	secrets []string
}

// A grantFunc makes the grant of one attempt: an assertion is good for one request only.
type grantFunc func(ctx context.Context) (grant, error)

// token asks until it has an answer that counts, the time is over, or ctx ends.
func (e *Endpoint) token(ctx context.Context, next grantFunc) (sasl.Token, error) {
	pause, most := e.backoff()
	end := time.Now().Add(most)
	for {
		t, err := e.attempt(ctx, next)
		var again *temporaryError
		if err == nil || !errors.As(err, &again) {
			return t, err
		}
		wait := time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
		soon := time.Now().Add(wait)
		if deadline, ok := ctx.Deadline(); soon.After(end) || ok && soon.After(deadline) {
			return t, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return t, fmt.Errorf("%w; before that: %w", context.Cause(ctx), err)
		case <-timer.C:
		}
		pause *= 2
	}
}

// A temporaryError may be gone at the next attempt.
type temporaryError struct{ err error }

func (e *temporaryError) Error() string { return e.err.Error() }
func (e *temporaryError) Unwrap() error { return e.err }

// attempt asks once.
func (e *Endpoint) attempt(ctx context.Context, next grantFunc) (sasl.Token, error) {
	g, err := next(ctx)
	if err != nil {
		return sasl.Token{}, err
	}
	e.prepare(&g)
	timeout := e.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	began := time.Now()
	status, body, err := e.post(limited, g)
	if err == nil {
		return parseAnswer(status, body, began, g.secrets)
	}
	var whole *url.Error
	if errors.As(err, &whole) { // it shows all of the URL
		err = whole.Err
	}
	if cause := context.Cause(limited); cause != nil {
		err = cause
	}
	err = fmt.Errorf("the token endpoint %s cannot be asked: %w", e.shown(), err)
	if permanent(err) || ctx.Err() != nil {
		return sasl.Token{}, err
	}
	return sasl.Token{}, &temporaryError{err}
}

func (e *Endpoint) shown() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "" // check refuses it
	}
	return shown(u)
}

// prepare adds what all grants have in common. What the user adds may be secret, too.
func (e *Endpoint) prepare(g *grant) {
	if g.header == nil {
		g.header = http.Header{}
	}
	if e.Scope != "" {
		g.form.Set("scope", e.Scope)
	}
	if e.Prepare != nil {
		e.Prepare(g.header, g.form)
		for _, values := range g.header {
			g.secrets = append(g.secrets, values...)
		}
		for name, values := range g.form {
			if kbin.SensitiveConfig(name) {
				g.secrets = append(g.secrets, values...)
			}
		}
	}
	for name, value := range map[string]string{
		"Accept":        "application/json",
		"Cache-Control": "no-cache",
		"Content-Type":  "application/x-www-form-urlencoded",
	} {
		if g.header.Get(name) == "" {
			g.header.Set(name, value)
		}
	}
}

// post returns the answer to one request.
func (e *Endpoint) post(ctx context.Context, g grant) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(g.form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header = g.header
	var client http.Client
	if e.Client != nil {
		client = *e.Client
	} else {
		client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	// A redirect would carry the secret to somebody else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = &permanentError{fmt.Errorf("its answer has more than %d bytes", maxAnswer)}
	}
	return resp.StatusCode, body, err
}
