package sasl_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// talk carries messages between a session and a broker, as a client does.
func talk(s sasl.Session, broker func(message []byte) []byte) error {
	var challenge []byte
	for {
		message, done, err := s.Step(challenge)
		if done || err != nil {
			return err
		}
		challenge = broker(message)
	}
}

// A mechanism is a literal. The client starts it for each connection, and carries its messages.
func Example() {
	mechanism := &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")}
	broker := newScramServer("SCRAM-SHA-256", "pw")

	session, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9092"})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _, err := session.Step(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	final, _, err := session.Step(broker.first(first))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, done, err := session.Step(broker.final(final))
	fmt.Println(mechanism.Name(), done, err)
	// Output: SCRAM-SHA-256 true <nil>
}

// PLAIN sends the password as it is, and does not begin without TLS.
func ExamplePlain() {
	mechanism := &sasl.Plain{Credentials: sasl.Password("alice", "pw")}

	session, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9093", TLS: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = talk(session, func(message []byte) []byte {
		fmt.Printf("%q\n", message)
		return nil
	})
	fmt.Println(err)

	_, err = mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9092"})
	fmt.Println(errors.Is(err, sasl.ErrTLSRequired))
	// Output:
	// "\x00alice\x00pw"
	// <nil>
	// true
}

func ExampleScramSHA512() {
	mechanism := &sasl.ScramSHA512{Credentials: sasl.Password("alice", os.Getenv("KAFKA_PASSWORD"))}
	fmt.Println(mechanism) // its name, and nothing that is in it
	// Output: SCRAM-SHA-512
}

// A broker that does not know the password cannot pass for the right one.
func ExampleScramSHA256() {
	mechanism := &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")}
	session, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9092"})
	if err != nil {
		fmt.Println(err)
		return
	}
	impostor := newScramServer("SCRAM-SHA-256", "unknown")
	err = talk(session, func(message []byte) []byte {
		if strings.HasPrefix(string(message), "n,,") {
			return impostor.first(message)
		}
		return []byte("v=aSBrbm93IHlvdQ==")
	})
	fmt.Println(errors.Is(err, sasl.ErrImpostor))
	// Output: true
}

// Passwords that change come from a function, which is asked for each connection.
func ExampleCredentialsFunc() {
	fromFile := func(context.Context) (sasl.Credentials, error) {
		password, err := os.ReadFile("/run/secrets/kafka")
		if err != nil {
			return sasl.Credentials{}, err
		}
		return sasl.Credentials{User: "alice", Password: sasl.NewSecret(strings.TrimSpace(string(password)))}, nil
	}
	mechanism := &sasl.ScramSHA512{Credentials: fromFile}
	_, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9092"})
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output: true
}

func ExamplePassword() {
	c, err := sasl.Password("alice", "pw")(context.Background())
	fmt.Println(c.User, c.Password, err)
	// Output: alice [secret] <nil>
}

// The answer to CreateDelegationToken has the id and the HMAC.
func ExampleDelegationToken() {
	hmac := []byte{1, 2, 3}
	mechanism := &sasl.ScramSHA256{Credentials: sasl.DelegationToken("token-id", hmac)}
	fmt.Println(mechanism.Check(false))
	// Output: <nil>
}

// A secret shows only to who asks for it.
func ExampleNewSecret() {
	password := sasl.NewSecret("pw")
	fmt.Printf("%v %+v %q %x %d\n", password, password, password, password, password)
	fmt.Println(password.Reveal())
	// Output:
	// [secret] [secret] [secret] [secret] [secret]
	// pw
}

// Package oauth has sources of tokens; a function is one, too.
func ExampleOAuthBearer() {
	mechanism := &sasl.OAuthBearer{
		Tokens: sasl.TokenFunc(func(ctx context.Context) (sasl.Token, error) {
			return sasl.Token{Value: sasl.NewSecret("eyJhbGciOiJub25lIn0.e30."), Expires: time.Now().Add(time.Hour)}, nil
		}),
		Extensions: map[string]string{"logicalCluster": "lkc-1"},
	}
	session, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9093", TLS: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = talk(session, func(message []byte) []byte {
		fmt.Printf("%q\n", message)
		return nil // the broker accepts the token
	})
	fmt.Println(err)
	// Output:
	// "n,,\x01auth=Bearer eyJhbGciOiJub25lIn0.e30.\x01logicalCluster=lkc-1\x01\x01"
	// <nil>
}

func ExampleStaticToken() {
	mechanism := &sasl.OAuthBearer{Tokens: sasl.StaticToken(os.Getenv("KAFKA_TOKEN"))}
	fmt.Println(mechanism.Check(true), mechanism.Check(false) != nil)
	// Output: <nil> true
}

// A client checks its mechanism when it is made, and learns of all mistakes at once.
func ExampleChecker() {
	var mechanism sasl.Mechanism = &sasl.Plain{}
	if c, ok := mechanism.(sasl.Checker); ok {
		fmt.Println(c.Check(false))
	}
	// Output:
	// sasl: PLAIN: the field Credentials is not set
	// the secret would travel for all to read: use TLS, or set AllowWithoutTLS
}

// A kerberos is GSSAPI as a module outside would bring it, with the library's part left out.
type kerberos struct{ realm string }

func (*kerberos) Name() string { return "GSSAPI" }

// Start gets a ticket, for which it may ask the realm's servers.
func (k *kerberos) Start(_ context.Context, to sasl.Endpoint) (sasl.Session, error) {
	host, _, _ := strings.Cut(to.Addr, ":")
	return &kerberosSession{ticket: "ticket for kafka/" + host + "@" + k.realm}, nil
}

type kerberosSession struct {
	ticket string
	step   int
}

// Step hands tokens of the security context on, answers the broker's offer of security layers
// with none, and is done when nothing is left to say.
func (s *kerberosSession) Step(challenge []byte) (response []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		return []byte(s.ticket), false, nil
	case 2: // the context is there; an empty message says so
		if string(challenge) != "mutual" {
			return nil, false, errors.New("the broker does not prove who it is")
		}
		return nil, false, nil
	case 3:
		return []byte("no security layer"), false, nil
	}
	return nil, true, nil
}

// A mechanism of one's own is two methods, and a session that takes turns with the broker.
func ExampleMechanism() {
	var mechanism sasl.Mechanism = &kerberos{realm: "EXAMPLE.COM"}
	session, err := mechanism.Start(context.Background(), sasl.Endpoint{Addr: "b1.example.com:9092"})
	if err != nil {
		fmt.Println(err)
		return
	}
	answers := []string{"mutual", "offer", ""}
	err = talk(session, func(message []byte) []byte {
		fmt.Printf("%q\n", message)
		answer := answers[0]
		answers = answers[1:]
		return []byte(answer)
	})
	fmt.Println(err)
	// Output:
	// "ticket for kafka/b1.example.com@EXAMPLE.COM"
	// ""
	// "no security layer"
	// <nil>
}
