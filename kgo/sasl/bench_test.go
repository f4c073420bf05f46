package sasl_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// A whole exchange of the client's side: the first of a mechanism, which hashes the password, and
// all others.
func BenchmarkScram(b *testing.B) {
	for _, iterations := range []int{4096, 16384, 1_000_000} {
		for name, make := range map[string]func() sasl.Mechanism{
			"SHA256": func() sasl.Mechanism { return &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")} },
			"SHA512": func() sasl.Mechanism { return &sasl.ScramSHA512{Credentials: sasl.Password("alice", "pw")} },
		} {
			exchange := func(b *testing.B, m sasl.Mechanism) {
				s, err := m.Start(context.Background(), sasl.Endpoint{})
				if err != nil {
					b.Fatal(err)
				}
				first, _, err := s.Step(nil)
				if err != nil {
					b.Fatal(err)
				}
				server := newScramServer(m.Name(), "pw")
				server.iterations = iterations
				if _, _, err := s.Step(server.first(first)); err != nil {
					b.Fatal(err)
				}
			}
			b.Run(fmt.Sprintf("%s/%d/first", name, iterations), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					exchange(b, make())
				}
			})
			b.Run(fmt.Sprintf("%s/%d/again", name, iterations), func(b *testing.B) {
				b.ReportAllocs()
				m := make()
				exchange(b, m)
				for b.Loop() {
					exchange(b, m)
				}
			})
		}
	}
}

// A connection with a token that is kept.
func BenchmarkOAuthBearer(b *testing.B) {
	b.ReportAllocs()
	token := sasl.Token{Value: sasl.NewSecret(secretText), Expires: time.Now().Add(time.Hour)}
	m := &sasl.OAuthBearer{Tokens: sasl.TokenFunc(func(context.Context) (sasl.Token, error) { return token, nil })}
	for b.Loop() {
		s, err := m.Start(context.Background(), withTLS)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := s.Step(nil); err != nil {
			b.Fatal(err)
		}
	}
}
