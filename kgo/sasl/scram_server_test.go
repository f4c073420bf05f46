package sasl_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// A scramServer is the other side of SCRAM, written from RFC 5802 and by its names, without
// anything of the package under test.
type scramServer struct {
	h          func() hash.Hash
	password   string
	salt       []byte
	iterations int
	nonce      string // what it adds to the client's

	clientBare, serverFirst, gs2 string
}

// newScramServer returns a server for the mechanism whose type has the given name.
func newScramServer(mechanism, password string) *scramServer {
	s := &scramServer{h: sha256.New, password: password, salt: []byte("some salt"), iterations: 4096, nonce: "server-nonce"}
	if strings.Contains(mechanism, "512") {
		s.h = sha512.New
	}
	return s
}

// first takes the client's first message and returns the server's.
func (s *scramServer) first(message []byte) []byte {
	parts := strings.SplitN(string(message), ",", 3)
	s.gs2, s.clientBare = parts[0]+","+parts[1]+",", parts[2]
	nonce := field(s.clientBare, "r")
	s.serverFirst = fmt.Sprintf("r=%s,s=%s,i=%d", nonce+s.nonce, base64.StdEncoding.EncodeToString(s.salt), s.iterations)
	return []byte(s.serverFirst)
}

// final takes the client's last message and returns the server's: its signature, or an error.
func (s *scramServer) final(message []byte) []byte {
	without, proofText, _ := strings.Cut(string(message), ",p=")
	proof, err := base64.StdEncoding.DecodeString(proofText)
	if err != nil {
		return []byte("e=invalid-encoding")
	}
	if c, err := base64.StdEncoding.DecodeString(field(without, "c")); err != nil || string(c) != s.gs2 {
		return []byte("e=channel-bindings-dont-match")
	}
	if field(without, "r") != field(s.serverFirst, "r") {
		return []byte("e=other-error")
	}
	saltedPassword := s.hi()
	storedKey := s.hash(s.hmac(saltedPassword, "Client Key"))
	authMessage := s.clientBare + "," + s.serverFirst + "," + without
	clientSignature := s.hmac(storedKey, authMessage)
	if len(proof) != len(clientSignature) {
		return []byte("e=invalid-proof")
	}
	clientKey := make([]byte, len(proof))
	for i := range proof {
		clientKey[i] = proof[i] ^ clientSignature[i]
	}
	if string(s.hash(clientKey)) != string(storedKey) {
		return []byte("e=invalid-proof")
	}
	signature := s.hmac(s.hmac(saltedPassword, "Server Key"), authMessage)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature))
}

// hi is the RFC's Hi: the password, hashed again and again.
func (s *scramServer) hi() []byte {
	u := s.hmac([]byte(s.password), string(s.salt)+"\x00\x00\x00\x01")
	result := append([]byte(nil), u...)
	for range s.iterations - 1 {
		u = s.hmac([]byte(s.password), string(u))
		for i := range result {
			result[i] ^= u[i]
		}
	}
	return result
}

func (s *scramServer) hmac(key []byte, text string) []byte {
	m := hmac.New(s.h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func (s *scramServer) hash(b []byte) []byte {
	h := s.h()
	h.Write(b)
	return h.Sum(nil)
}

// field returns an attribute of a message.
func field(message, name string) string {
	for part := range strings.SplitSeq(message, ",") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return value
		}
	}
	return ""
}
