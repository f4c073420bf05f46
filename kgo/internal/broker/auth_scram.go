package broker

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"time"
)

// A scramUser is whom keys belong to.
type scramUser struct {
	mechanism, name string
	token           bool
}

// scramKeys are what a broker keeps of a password (RFC 5802).
type scramKeys struct {
	salt           []byte
	stored, server []byte
}

// A scramSession is SCRAM-SHA-256 or SCRAM-SHA-512 (RFC 5802, RFC 7677).
type scramSession struct {
	a           *authenticator
	hash        func() hash.Hash
	mechanism   string
	user        scramUser
	keys        *scramKeys // nil for a user who is not known
	gs2         string
	clientFirst string // without the GS2 header
	serverFirst string
	nonce       string
	second      bool
}

func newScramSession(a *authenticator, mechanism string) *scramSession {
	s := &scramSession{a: a, mechanism: mechanism, hash: sha256.New}
	if mechanism == "SCRAM-SHA-512" {
		s.hash = sha512.New
	}
	return s
}

func (s *scramSession) who() (string, time.Time) { return s.user.name, time.Time{} }

func (s *scramSession) step(_ time.Time, message []byte) ([]byte, bool, error) {
	if s.second {
		return s.final(string(message))
	}
	s.second = true
	return s.first(string(message))
}

// first answers the client's first message with a salt.
func (s *scramSession) first(message string) ([]byte, bool, error) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) != 3 || parts[0] != "n" {
		return nil, false, errDenied("the first message is not one of SCRAM without channel binding")
	}
	s.gs2, s.clientFirst = parts[0]+","+parts[1]+",", parts[2]
	attrs := scramAttributes(s.clientFirst)
	name := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(attrs["n"])
	if name == "" || attrs["r"] == "" {
		return nil, false, errDenied("the first message has no user or no nonce")
	}
	s.user = scramUser{s.mechanism, name, attrs["tokenauth"] == "true"}
	s.keys = s.a.keysOf(s.user, s.hash)
	if s.keys == nil {
		return nil, false, errDenied("the user or the password is wrong")
	}
	s.nonce = attrs["r"] + fmt.Sprintf("%016x%016x", s.a.rand.Uint64(), s.a.rand.Uint64())
	s.serverFirst = fmt.Sprintf("r=%s,s=%s,i=%d", s.nonce, base64.StdEncoding.EncodeToString(s.keys.salt), s.a.Iterations)
	return []byte(s.serverFirst), false, nil
}

// final checks the client's proof and answers with the broker's.
func (s *scramSession) final(message string) ([]byte, bool, error) {
	without, proofText, found := strings.Cut(message, ",p=")
	attrs := scramAttributes(without)
	proof, err := base64.StdEncoding.DecodeString(proofText)
	switch binding, bad := base64.StdEncoding.DecodeString(attrs["c"]); {
	case !found || err != nil || bad != nil || string(binding) != s.gs2 || attrs["r"] != s.nonce:
		return nil, false, errDenied("the last message is not one of this session")
	}
	auth := s.clientFirst + "," + s.serverFirst + "," + without
	signature := mac(s.hash, s.keys.stored, auth)
	if len(proof) != len(signature) {
		return nil, false, errDenied("the user or the password is wrong")
	}
	key := make([]byte, len(proof))
	for i := range key {
		key[i] = proof[i] ^ signature[i]
	}
	if h := s.hash(); !hmac.Equal(sum(h, key), s.keys.stored) {
		return nil, false, errDenied("the user or the password is wrong")
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(mac(s.hash, s.keys.server, auth))), true, nil
}

// keysOf returns the keys of a user, nil for one who is not known. They are made when first asked
// for, which takes a few milliseconds.
func (a *authenticator) keysOf(user scramUser, h func() hash.Hash) *scramKeys {
	if k := a.keys[user]; k != nil {
		return k
	}
	list := a.Users
	if user.token {
		list = a.Tokens
	}
	for _, u := range list {
		if u.Name != user.name {
			continue
		}
		salt := make([]byte, 16)
		for i := range salt {
			salt[i] = byte(a.rand.Uint32())
		}
		salted, err := pbkdf2.Key(h, u.Password, salt, a.Iterations, h().Size())
		if err != nil {
			return nil
		}
		k := &scramKeys{salt, sum(h(), mac(h, salted, "Client Key")), mac(h, salted, "Server Key")}
		a.keys[user] = k
		return k
	}
	return nil
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func sum(h hash.Hash, b []byte) []byte {
	h.Write(b)
	return h.Sum(nil)
}

// scramAttributes splits a message.
func scramAttributes(message string) map[string]string {
	attrs := map[string]string{}
	for pair := range strings.SplitSeq(message, ",") {
		if name, value, found := strings.Cut(pair, "="); found {
			attrs[name] = value
		}
	}
	return attrs
}
