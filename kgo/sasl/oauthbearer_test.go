package sasl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

func TestOAuthBearerMessage(t *testing.T) {
	for name, test := range map[string]struct {
		m    *sasl.OAuthBearer
		want string
	}{
		"a token": {&sasl.OAuthBearer{Tokens: sasl.StaticToken("e30.e30.")}, "n,,\x01auth=Bearer e30.e30.\x01\x01"},
		"padded":  {&sasl.OAuthBearer{Tokens: sasl.StaticToken("a-._~+/Z09==")}, "n,,\x01auth=Bearer a-._~+/Z09==\x01\x01"},
		"extensions": {&sasl.OAuthBearer{Tokens: sasl.StaticToken("t"), Extensions: map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool = 2,\t\r\n~"}},
			"n,,\x01auth=Bearer t\x01identityPoolId=pool = 2,\t\r\n~\x01logicalCluster=lkc-1\x01\x01"},
		"for somebody": {&sasl.OAuthBearer{Tokens: sasl.StaticToken("t"), AuthorizationID: "a,b=c"}, "n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, test.m, withTLS)
			if got, done, err := s.Step(nil); string(got) != test.want || done || err != nil {
				t.Errorf("got %q, %v, %v, want %q", got, done, err, test.want)
			}
			if got, done, err := s.Step([]byte{}); got != nil || !done || err != nil {
				t.Errorf("got %q, %v, %v, want it done", got, done, err)
			}
		})
	}
}

// A broker's error is answered as RFC 7628 says, and then it is ours.
func TestOAuthBearerRefused(t *testing.T) {
	const reason = `{"status":"invalid_token","scope":"kafka"}`
	s := start(t, &sasl.OAuthBearer{Tokens: sasl.StaticToken("t0123456789")}, withTLS)
	if _, _, err := s.Step(nil); err != nil {
		t.Fatal(err)
	}
	if got, done, err := s.Step([]byte(reason)); string(got) != "\x01" || done || err != nil {
		t.Fatalf("got %q, %v, %v, want to send 1", got, done, err)
	}
	got, done, err := s.Step(nil)
	if got != nil || done || !errors.Is(err, sasl.ErrRefused) || !strings.Contains(err.Error(), fmt.Sprintf("%q", reason)) {
		t.Errorf("got %q, %v, %v, want the broker's error", got, done, err)
	}
}

func TestOAuthBearerExtensions(t *testing.T) {
	for name, test := range map[string]struct {
		key, value string
		ok         bool
	}{
		"letters":             {"aZ", "v", true},
		"all characters":      {"a", "!~ \t\r\n", true},
		"the token's name":    {"auth", "v", false},
		"not the same":        {"Auth", "v", true},
		"no name":             {"", "v", false},
		"a digit":             {"a1", "v", false},
		"beyond ASCII":        {"ä", "v", false},
		"bracket":             {"a[", "v", false},
		"at sign":             {"a@", "v", false},
		"no value":            {"a", "", false},
		"a separator":         {"a", "v\x01auth=Bearer x", false},
		"NUL":                 {"a", "\x00", false},
		"a value with umlaut": {"a", "ä", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &sasl.OAuthBearer{Tokens: sasl.StaticToken("t"), Extensions: map[string]string{test.key: test.value}}
			if err := m.Check(true); (err == nil) != test.ok {
				t.Errorf("got the error %v, want it to be accepted: %v", err, test.ok)
			}
		})
	}
}

// What cannot be a token is not sent.
func TestOAuthBearerTokens(t *testing.T) {
	for _, token := range []string{"", "=", "a b", "a\x01b", "a\x00", "ä", "a=b", "a\n", `"a"`, "a,b"} {
		m := &sasl.OAuthBearer{Tokens: sasl.StaticToken(token)}
		if s, err := m.Start(t.Context(), withTLS); s != nil || err == nil || !strings.Contains(err.Error(), "characters that tokens do not have") {
			t.Errorf("%q: got %v, %v, want an error", token, s, err)
		}
	}
	broken := errors.New("no network")
	m := &sasl.OAuthBearer{Tokens: sasl.TokenFunc(func(context.Context) (sasl.Token, error) { return sasl.Token{}, broken })}
	if _, err := m.Start(t.Context(), withTLS); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// A token is used for four fifths of its lifetime, and one without a lifetime once.
func TestOAuthBearerKeepsTokens(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"an hour": time.Hour, "not known": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int32
				m := &sasl.OAuthBearer{Tokens: sasl.TokenFunc(func(context.Context) (sasl.Token, error) {
					token := sasl.Token{Value: sasl.NewSecret(fmt.Sprint("t", n.Add(1)))}
					if lifetime != 0 {
						token.Expires = time.Now().Add(lifetime)
					}
					return token, nil
				})}
				uses := func(want string) {
					t.Helper()
					got, _, err := start(t, m, withTLS).Step(nil)
					if err != nil || !strings.Contains(string(got), "Bearer "+want+"\x01") {
						t.Errorf("after %v: got %q, %v, want the token %s", lifetime, got, err, want)
					}
				}
				uses("t1")
				if lifetime == 0 {
					uses("t2")
					return
				}
				uses("t1")
				time.Sleep(lifetime/5*4 - time.Nanosecond)
				uses("t1")
				time.Sleep(time.Nanosecond)
				uses("t2")
				uses("t2")
				// A broker refuses it.
				time.Sleep(2 * time.Minute)
				s := start(t, m, withTLS)
				for _, challenge := range []string{"", `{"status":"invalid_token"}`} {
					if _, _, err := s.Step([]byte(challenge)); err != nil {
						t.Fatal(err)
					}
				}
				uses("t3")
			})
		})
	}
}
