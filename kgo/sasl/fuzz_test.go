package sasl_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
)

// run plays a broker that says these things, and checks what every mechanism has to keep to: no
// panic, an end, short errors without the secret, nothing sent with done.
func run(t *testing.T, m sasl.Mechanism, challenges ...[]byte) {
	t.Helper()
	s, err := m.Start(t.Context(), withTLS)
	if err != nil {
		t.Fatal(err)
	}
	response, done, err := s.Step(nil)
	if err != nil || done || len(response) == 0 {
		t.Fatalf("the first step: got %q, %v, %v", response, done, err)
	}
	nonce := []byte(field(string(response), "r"))
	over := false
	for _, challenge := range challenges {
		challenge = bytes.ReplaceAll(challenge, []byte("NONCE"), nonce)
		before := bytes.Clone(challenge)
		response, done, err = s.Step(challenge)
		if !bytes.Equal(challenge, before) {
			t.Error("the challenge is written to")
		}
		if (done || err != nil) && response != nil || done && err != nil {
			t.Errorf("got %q, %v, %v", response, done, err)
		}
		if over && err == nil {
			t.Error("it goes on after its end")
		}
		over = over || done || err != nil
		if err != nil && (len(err.Error()) > 2000 || needle.In(err.Error(), secretText)) {
			t.Errorf("the error is long or shows the secret: %v", err)
		}
	}
	if !over && len(challenges) >= 3 {
		t.Error("it goes on for ever")
	}
	if done && strings.HasPrefix(m.Name(), "SCRAM") {
		t.Error("a broker that does not know the password is believed")
	}
}

func addScram(f *testing.F) {
	f.Add([]byte("r=NONCEx,s=c2FsdA==,i=4096"), []byte("v=AAAA"))
	f.Add([]byte("r=NONCEx,s=c2FsdA==,i=2147483647"), []byte("e=other-error"))
	f.Add([]byte("m=x,r=NONCEx,s=c2FsdA==,i=4096,x=y"), []byte(""))
	f.Add([]byte("e=unknown-user"), []byte("v=,"))
}

// cheap makes numbers of iterations that are accepted small, so that fuzzing gets somewhere.
func cheap(first []byte) []byte {
	head, tail, ok := bytes.Cut(first, []byte(",i="))
	digits, rest, _ := bytes.Cut(tail, []byte(","))
	if ok && len(digits) > 4 && len(digits) < 8 {
		return append(append(bytes.Clone(head), ",i=4096,"...), rest...)
	}
	return first
}

func FuzzScramSHA256(f *testing.F) {
	addScram(f)
	m := &sasl.ScramSHA256{Credentials: sasl.Password("alice", secretText)}
	f.Fuzz(func(t *testing.T, first, final []byte) { run(t, m, cheap(first), final, nil) })
}

func FuzzScramSHA512(f *testing.F) {
	addScram(f)
	m := &sasl.ScramSHA512{Credentials: sasl.Password("alice", secretText)}
	f.Fuzz(func(t *testing.T, first, final []byte) { run(t, m, cheap(first), final, nil) })
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte(""), []byte("x"))
	m := &sasl.Plain{Credentials: sasl.Password("alice", secretText)}
	f.Fuzz(func(t *testing.T, first, second []byte) { run(t, m, first, second, nil) })
}

func FuzzOAuthBearer(f *testing.F) {
	f.Add([]byte(""), []byte(""))
	f.Add([]byte(`{"status":"invalid_token"}`), []byte(""))
	f.Add([]byte(`{"status":"`+secretText+`"}`), []byte("x"))
	m := &sasl.OAuthBearer{Tokens: sasl.StaticToken(secretText)}
	f.Fuzz(func(t *testing.T, first, second []byte) { run(t, m, first, second, nil) })
}

// Whatever name, password and extensions are, they cannot pass for another message: what the
// client sends is taken apart again into the same.
func FuzzFraming(f *testing.F) {
	f.Add("alice", "pw", "bob", "cluster", "lkc-1")
	f.Add("a=b,c", "p,w", ",", "auth", "v\x01auth=Bearer x")
	f.Fuzz(func(t *testing.T, user, password, id, key, value string) {
		get := credentials(user, password, id)
		if s, err := (&sasl.Plain{Credentials: get}).Start(t.Context(), withTLS); err == nil {
			message, _, _ := s.Step(nil)
			if got, want := strings.Split(string(message), "\x00"), []string{id, user, password}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("PLAIN: got %q, want %q", got, want)
			}
		}
		if s, err := (&sasl.ScramSHA256{Credentials: get}).Start(t.Context(), withTLS); err == nil {
			message, _, _ := s.Step(nil)
			parts := strings.Split(string(message), ",")
			unescape := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "=2C", ","), "=3D", "=") }
			if len(parts) != 4 || unescape(strings.TrimPrefix(parts[2], "n=")) != user || unescape(strings.TrimPrefix(parts[1], "a=")) != id {
				t.Errorf("SCRAM: got %q for %q and %q", message, user, id)
			}
		}
		m := &sasl.OAuthBearer{Tokens: sasl.StaticToken(password), Extensions: map[string]string{key: value}, AuthorizationID: id}
		if s, err := m.Start(t.Context(), withTLS); err == nil {
			message, _, _ := s.Step(nil)
			parts := strings.Split(string(message), "\x01")
			if len(parts) != 5 || parts[1] != "auth=Bearer "+password || parts[2] != key+"="+value || parts[3]+parts[4] != "" {
				t.Errorf("OAUTHBEARER: got %q", parts)
			}
		}
	})
}
