package sasl_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
)

// secretText is looked for in all that is printed. As a token it can be sent, and so it can as a
// password.
const secretText = "hunter2-hunter2-hunter2"

// withSecrets has a value of every exported type that can hold a secret, and of what comes of
// them: sessions that have just begun, and mechanisms that have been used.
func withSecrets(t *testing.T) map[string]any {
	t.Helper()
	credentials := sasl.Credentials{User: "alice", Password: sasl.NewSecret(secretText)}
	token := sasl.Token{Value: sasl.NewSecret(secretText), Expires: time.Now().Add(time.Hour)}
	values := map[string]any{
		"Secret":          sasl.NewSecret(secretText),
		"Credentials":     credentials,
		"CredentialsFunc": sasl.Password("alice", secretText),
		"Token":           token,
		"TokenFunc":       sasl.StaticToken(secretText),
		"Plain":           &sasl.Plain{Credentials: sasl.Password("alice", secretText)},
		"ScramSHA256":     &sasl.ScramSHA256{Credentials: sasl.DelegationToken("id", []byte(secretText))},
		"ScramSHA512":     &sasl.ScramSHA512{Credentials: sasl.Password("alice", secretText)},
		"OAuthBearer": &sasl.OAuthBearer{Tokens: sasl.TokenFunc(func(context.Context) (sasl.Token, error) {
			return token, nil
		})},
	}
	for name, v := range values {
		m, ok := v.(sasl.Mechanism)
		if !ok {
			continue
		}
		s, err := m.Start(t.Context(), sasl.Endpoint{Addr: "b1:9092", TLS: true})
		if err != nil {
			t.Fatal(err)
		}
		values["session of "+name] = s
		first, _, err := s.Step(nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "Scram") { // which makes it fill its cache
			server := newScramServer(name, secretText)
			if name == "ScramSHA256" {
				server = newScramServer(name, "aHVudGVyMi1odW50ZXIyLWh1bnRlcjI=")
			}
			if _, _, err := s.Step(server.first(first)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return values
}

// noSecrets are the exported types that hold nothing of their own.
var noSecrets = []string{"Mechanism", "Endpoint", "Session", "Checker", "TokenSource"}

// Whatever prints a value, its secrets do not show.
func TestSecretsAreHidden(t *testing.T) {
	values := withSecrets(t)
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
			if needle.In(text, secretText) {
				t.Errorf("%s: %s shows the secret: %s", name, how, text)
			}
		}
	}
}

// The values that the test above prints have their secrets: else it could not fail.
func TestSecretsAreThere(t *testing.T) {
	for name, v := range withSecrets(t) {
		if m, ok := v.(sasl.Mechanism); ok && !strings.HasPrefix(name, "Scram") {
			s, err := m.Start(t.Context(), sasl.Endpoint{TLS: true})
			if err != nil {
				t.Fatal(err)
			}
			if message, _, _ := s.Step(nil); !strings.Contains(string(message), secretText) {
				t.Errorf("%s does not send the secret: %q", name, message)
			}
		}
	}
	if got := sasl.NewSecret(secretText).Reveal(); got != secretText {
		t.Errorf("got %q, want %q", got, secretText)
	}
	if got := (sasl.Secret{}).Reveal(); got != "" {
		t.Errorf("an empty secret reveals %q", got)
	}
	if got := fmt.Sprint(sasl.Secret{}, sasl.NewSecret("x")); got != "[secret] [secret]" {
		t.Errorf("got %s", got)
	}
}

// A panic with a value prints it without package fmt. The program that panics is this one.
func TestPanicsHideSecrets(t *testing.T) {
	const variable = "FRANZI_TEST_PANIC"
	if name := os.Getenv(variable); name != "" {
		panic(withSecrets(t)[name])
	}
	for name := range withSecrets(t) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPanicsHideSecrets$")
		cmd.Env = append(os.Environ(), variable+"="+name)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), "panic: ") {
			t.Errorf("%s: the program does not panic, but says %s, %v", name, out, err)
		}
		if needle.In(string(out), secretText) {
			t.Errorf("%s: the panic shows the secret: %s", name, out)
		}
	}
}

// Mechanisms print as their names.
func TestMechanismsPrintTheirNames(t *testing.T) {
	for _, m := range []sasl.Mechanism{&sasl.Plain{}, &sasl.ScramSHA256{}, &sasl.ScramSHA512{}, &sasl.OAuthBearer{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			if got := fmt.Sprintf(verb, m); got != m.Name() {
				t.Errorf("%s: got %q, want %q", verb, got, m.Name())
			}
		}
	}
}

// Errors do not show what the broker or a function says about the secret.
func TestErrorsHideSecrets(t *testing.T) {
	tls := sasl.Endpoint{TLS: true}
	for _, m := range []sasl.Mechanism{
		&sasl.Plain{Credentials: sasl.Password("alice", secretText+"\x00")},
		&sasl.Plain{Credentials: sasl.Password("", secretText)},
		&sasl.Plain{Credentials: sasl.DelegationToken("id", []byte(secretText))},
		&sasl.ScramSHA256{Credentials: sasl.Password("al\xffice", secretText)},
		&sasl.OAuthBearer{Tokens: sasl.StaticToken(secretText + " ")},
	} {
		_, err := m.Start(t.Context(), tls)
		if err == nil || needle.In(err.Error(), secretText) {
			t.Errorf("%s: got the error %v", m, err)
		}
	}
	s := start(t, &sasl.OAuthBearer{Tokens: sasl.StaticToken(secretText)}, tls)
	for _, challenge := range []string{"", `{"status":"invalid_token","token":"` + secretText + `"}`, ""} {
		_, _, err := s.Step([]byte(challenge))
		if err != nil && needle.In(err.Error(), secretText) {
			t.Errorf("the error shows the token: %v", err)
		}
		if challenge == "" && err != nil && !errors.Is(err, sasl.ErrRefused) {
			t.Errorf("got the error %v", err)
		}
	}
}

// start begins a session.
func start(t *testing.T, m sasl.Mechanism, to sasl.Endpoint) sasl.Session {
	t.Helper()
	s, err := m.Start(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
