package sasl

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
)

// ScramSHA256 is the mechanism SCRAM-SHA-256 (RFC 5802 and 7677, KIP-84; Java: ScramLoginModule).
// Client and broker prove to each other that they know the password, without sending it. Brokers
// have it since 0.10.2.
//
// The broker chooses how often the password is hashed, 4,096 to 1,000,000 times; what comes of it
// is kept in memory, so that only the first connection pays. Names and passwords are taken as they
// are, without SASLprep, as the Java client does. Channel binding is not offered, which Kafka does
// not have.
type ScramSHA256 struct {
	// Credentials returns name and password: [Password], [DelegationToken], or a function of
	// one's own. It must be set.
	Credentials CredentialsFunc

	keys keyCache
}

// ScramSHA512 is the mechanism SCRAM-SHA-512, which is like [ScramSHA256] with another hash.
type ScramSHA512 struct {
	// Credentials returns name and password: [Password], [DelegationToken], or a function of
	// one's own. It must be set.
	Credentials CredentialsFunc

	keys keyCache
}

// Name returns "SCRAM-SHA-256".
func (*ScramSHA256) Name() string { return "SCRAM-SHA-256" }

// Name returns "SCRAM-SHA-512".
func (*ScramSHA512) Name() string { return "SCRAM-SHA-512" }

// Check implements [Checker]. SCRAM does without TLS, since it does not send the password; who
// listens can still try to guess a weak one.
func (m *ScramSHA256) Check(bool) error { return checked(m, m.Credentials.check()) }

// Check implements [Checker]. SCRAM does without TLS, since it does not send the password; who
// listens can still try to guess a weak one.
func (m *ScramSHA512) Check(bool) error { return checked(m, m.Credentials.check()) }

// Start implements [Mechanism]. It blocks as long as Credentials does.
func (m *ScramSHA256) Start(ctx context.Context, _ Endpoint) (Session, error) {
	return startScram(ctx, m, m.Credentials, sha256.New, &m.keys)
}

// Start implements [Mechanism]. It blocks as long as Credentials does.
func (m *ScramSHA512) Start(ctx context.Context, _ Endpoint) (Session, error) {
	return startScram(ctx, m, m.Credentials, sha512.New, &m.keys)
}

// Format prints the mechanism's name, whatever the verb.
func (m *ScramSHA256) Format(f fmt.State, _ rune) { printName(f, m) }

// Format prints the mechanism's name, whatever the verb.
func (m *ScramSHA512) Format(f fmt.State, _ rune) { printName(f, m) }

// MarshalText returns the mechanism's name.
func (m *ScramSHA256) MarshalText() ([]byte, error) { return []byte(m.Name()), nil }

// MarshalText returns the mechanism's name.
func (m *ScramSHA512) MarshalText() ([]byte, error) { return []byte(m.Name()), nil }

// scramMechanism is one of the two.
type scramMechanism interface {
	Mechanism
	Checker
}

func startScram(ctx context.Context, m scramMechanism, credentials CredentialsFunc, h func() hash.Hash, keys *keyCache) (Session, error) {
	if err := m.Check(false); err != nil {
		return nil, err
	}
	c, err := credentials.get(ctx)
	if err != nil {
		return nil, wrap(m, err)
	}
	run := &scramRun{hash: h, keys: keys, credentials: c, nonce: rand.Text()}
	return exchange.New(m.Name(), run.first), nil
}

// A scramRun is one run of SCRAM.
type scramRun struct {
	hash        func() hash.Hash
	keys        *keyCache
	credentials Credentials
	nonce       string // ours: 130 random bits in printable characters

	header    string // GS2 header: no channel binding, whom to act as
	bare      string // our first message without it
	signature []byte // by which the broker is to prove itself
}

// first returns the client's first message.
func (r *scramRun) first([]byte) ([]byte, exchange.Step, error) {
	r.header = "n,,"
	if id := r.credentials.AuthorizationID; id != "" {
		r.header = "n,a=" + saslName(id) + ","
	}
	r.bare = "n=" + saslName(r.credentials.User) + ",r=" + r.nonce
	if r.credentials.DelegationToken {
		r.bare += ",tokenauth=true"
	}
	return []byte(r.header + r.bare), r.proof, nil
}

// proof takes the broker's first message and returns the client's last.
func (r *scramRun) proof(challenge []byte) ([]byte, exchange.Step, error) {
	server, err := parseServerFirst(challenge, r.nonce)
	if err != nil {
		return nil, nil, err
	}
	keys, err := r.keys.get(r.hash, r.credentials.Password.Reveal(), server.salt, server.iterations)
	if err != nil {
		return nil, nil, err
	}
	final := "c=" + base64.StdEncoding.EncodeToString([]byte(r.header)) + ",r=" + server.nonce
	authMessage := r.bare + "," + string(challenge) + "," + final
	r.signature = mac(r.hash, keys.server, authMessage)
	proof := mac(r.hash, keys.stored, authMessage)
	subtle.XORBytes(proof, proof, keys.client)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), r.verify, nil
}

// verify takes the broker's last message.
func (r *scramRun) verify(challenge []byte) ([]byte, exchange.Step, error) {
	signature, err := parseServerFinal(challenge)
	if err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(signature, r.signature) != 1 {
		return nil, nil, ErrImpostor
	}
	return nil, nil, nil
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
