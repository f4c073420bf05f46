package sasl_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

var withTLS = sasl.Endpoint{Addr: "b1:9093", TLS: true}

// credentials returns these, whatever is in them.
func credentials(user, password, id string) sasl.CredentialsFunc {
	return func(context.Context) (sasl.Credentials, error) {
		return sasl.Credentials{User: user, Password: sasl.NewSecret(password), AuthorizationID: id}, nil
	}
}

func TestPlain(t *testing.T) {
	for name, test := range map[string]struct {
		credentials sasl.Credentials
		want        string
	}{
		"a user":       {sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw")}, "\x00alice\x00pw"},
		"for somebody": {sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw"), AuthorizationID: "bob"}, "bob\x00alice\x00pw"},
		"beyond ASCII": {sasl.Credentials{User: "älice,=", Password: sasl.NewSecret("pä ss")}, "\x00älice,=\x00pä ss"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &sasl.Plain{Credentials: func(context.Context) (sasl.Credentials, error) { return test.credentials, nil }}
			// Whatever the broker answers is consent, as for the Java client: it refuses with
			// an error code.
			for _, answer := range []string{"", "welcome"} {
				s := start(t, m, withTLS)
				if got, done, err := s.Step(nil); string(got) != test.want || done || err != nil {
					t.Errorf("got %q, %v, %v, want %q", got, done, err, test.want)
				}
				if got, done, err := s.Step([]byte(answer)); got != nil || !done || err != nil {
					t.Errorf("got %q, %v, %v, want it done", got, done, err)
				}
				if _, _, err := s.Step(nil); err == nil {
					t.Error("a step after the last gives no error")
				}
			}
		})
	}
}

// Credentials that cannot be sent, or would be taken for others, are refused before anything is
// sent.
func TestBadCredentials(t *testing.T) {
	broken := errors.New("the vault is sealed")
	for name, test := range map[string]struct {
		credentials sasl.Credentials
		err         error
		want        string
	}{
		"no user":            {credentials: sasl.Credentials{Password: sasl.NewSecret("pw")}, want: "the user's name is empty"},
		"no password":        {credentials: sasl.Credentials{User: "alice"}, want: "the password is empty"},
		"NUL in the user":    {credentials: sasl.Credentials{User: "a\x00b", Password: sasl.NewSecret("pw")}, want: "the user's name has bytes"},
		"NUL in the pw":      {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("p\x00w")}, want: "the password has bytes"},
		"NUL in the id":      {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw"), AuthorizationID: "\x00"}, want: "the authorization id has bytes"},
		"Latin-1":            {credentials: sasl.Credentials{User: "\xe4", Password: sasl.NewSecret("pw")}, want: "the user's name has bytes"},
		"the function fails": {err: broken, want: "no credentials: the vault is sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			get := func(context.Context) (sasl.Credentials, error) { return test.credentials, test.err }
			for _, m := range append(scram(get), &sasl.Plain{Credentials: get}) {
				s, err := m.Start(t.Context(), withTLS)
				if s != nil || err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, test.err) && test.err != nil {
					t.Errorf("%s: got %v, %v, want the error %q", m, s, err, test.want)
				}
			}
		})
	}
	m := &sasl.Plain{Credentials: sasl.DelegationToken("id", []byte("hmac"))}
	if _, err := m.Start(t.Context(), withTLS); err == nil || !strings.Contains(err.Error(), "SCRAM only") {
		t.Errorf("PLAIN with a delegation token: got %v", err)
	}
}

// Credentials are asked for each time, with the caller's context.
func TestCredentialsAreAskedFor(t *testing.T) {
	type key struct{}
	asked := 0
	get := func(ctx context.Context) (sasl.Credentials, error) {
		asked++
		return sasl.Credentials{User: ctx.Value(key{}).(string), Password: sasl.NewSecret("pw")}, nil
	}
	for _, m := range append(scram(get), &sasl.Plain{Credentials: get}) {
		asked = 0
		for _, user := range []string{"alice", "bob"} {
			s, err := m.Start(context.WithValue(t.Context(), key{}, user), withTLS)
			if err != nil {
				t.Fatal(err)
			}
			if first, _, _ := s.Step(nil); !strings.Contains(string(first), user) {
				t.Errorf("%s: got %q, want it to be for %s", m, first, user)
			}
		}
		if asked != 2 {
			t.Errorf("%s: credentials were asked for %d times, want 2", m, asked)
		}
	}
}

// Check finds what is missing, all at once, and Start finds the same.
func TestCheck(t *testing.T) {
	plain := sasl.Password("alice", "pw")
	token := sasl.StaticToken("t")
	for name, test := range map[string]struct {
		m    sasl.Mechanism
		tls  bool
		want []string // none for no error
	}{
		"PLAIN":                       {&sasl.Plain{Credentials: plain}, true, nil},
		"PLAIN without TLS":           {&sasl.Plain{Credentials: plain}, false, []string{"use TLS, or set AllowWithoutTLS"}},
		"PLAIN without TLS, allowed":  {&sasl.Plain{Credentials: plain, AllowWithoutTLS: true}, false, nil},
		"PLAIN with nothing":          {&sasl.Plain{}, false, []string{"Credentials is not set", "use TLS"}},
		"SCRAM without TLS":           {&sasl.ScramSHA256{Credentials: plain}, false, nil},
		"SCRAM with nothing":          {&sasl.ScramSHA512{}, false, []string{"Credentials is not set"}},
		"a token":                     {&sasl.OAuthBearer{Tokens: token}, true, nil},
		"a token without TLS":         {&sasl.OAuthBearer{Tokens: token}, false, []string{"use TLS"}},
		"a token, allowed":            {&sasl.OAuthBearer{Tokens: token, AllowWithoutTLS: true}, false, nil},
		"no source of tokens":         {&sasl.OAuthBearer{}, true, []string{"Tokens is not set"}},
		"a function that is nil":      {&sasl.OAuthBearer{Tokens: sasl.TokenFunc(nil)}, true, []string{"Tokens is not set"}},
		"a source with its own check": {&sasl.OAuthBearer{Tokens: picky{}}, true, []string{"picky"}},
		"all at once": {&sasl.OAuthBearer{Extensions: map[string]string{"auth": "x", "a-b": "x", "ok": "\x01"}}, false,
			[]string{"Tokens is not set", `called "auth"`, `"a-b"`, "value of the extension ok", "use TLS"}},
	} {
		t.Run(name, func(t *testing.T) {
			checked := test.m.(sasl.Checker).Check(test.tls)
			_, started := test.m.Start(t.Context(), sasl.Endpoint{Addr: "b1:9092", TLS: test.tls})
			for _, err := range []error{checked, started} {
				if (err == nil) != (len(test.want) == 0) {
					t.Errorf("got the error %v, want %q", err, test.want)
					continue
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got the error %v, want %q in it", err, want)
					}
				}
				if len(test.want) != 0 && strings.Contains(strings.Join(test.want, ""), "use TLS") != errors.Is(err, sasl.ErrTLSRequired) {
					t.Errorf("whether %v is about TLS is not told right", err)
				}
			}
		})
	}
}

// picky is a source of tokens that knows what is wrong with it.
type picky struct{}

func (picky) Check() error                              { return errors.New("picky") }
func (picky) Token(context.Context) (sasl.Token, error) { return sasl.Token{}, errors.New("picky") }
