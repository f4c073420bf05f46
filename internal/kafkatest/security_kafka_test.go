//go:build kafka && unix

package kafkatest

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSecurity(t *testing.T) {
	for version, want := range map[string][]string{
		"4.4.0":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"},
		"4.1.2":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}, // other defaults for OAUTHBEARER
		"3.9.2":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"},
		"3.3.2":    {"PLAIN", "OAUTHBEARER"},
		"2.8.2":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"},
		"2.0.1":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"},
		"1.1.1":    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, // the first without a JAAS file
		"0.11.0.3": {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"},
		"0.10.2.2": {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"},
		"0.10.0.1": {"PLAIN"},
		"0.9.0.1":  nil,
	} {
		t.Run(version, func(t *testing.T) {
			c := start(t, Options{Version: version, Security: true})
			if got := c.Mechanisms(); !slices.Equal(got, want) {
				t.Errorf("got the mechanisms %q, want %q", got, want)
			}
			if got := c.Users(); (len(got) != 0) != (len(want) != 0) {
				t.Errorf("got the users %v", got)
			}
			checkTLS(t, c, want)
			for _, mechanism := range want {
				for _, u := range c.Users() {
					for _, name := range []string{saslPlaintext, saslSSL} {
						if err := login(t, c, name, mechanism, u); err != nil {
							t.Errorf("%s at %s: %s cannot log in: %v", mechanism, name, u.Name, err)
						}
					}
				}
				stranger := User{"alice", "guessed"}
				if err := login(t, c, saslSSL, mechanism, stranger); err == nil && mechanism != "OAUTHBEARER" {
					t.Errorf("%s: %s with a wrong password can log in", mechanism, stranger.Name)
				}
			}
		})
	}
}

// checkTLS checks the TLS listeners: who has the authority's certificate can verify the broker by
// either name, and one's own certificate is taken but not demanded.
func checkTLS(t *testing.T, c *Cluster, mechanisms []string) {
	t.Helper()
	names := []string{ssl}
	if len(mechanisms) != 0 {
		names = append(names, saslSSL)
	}
	for _, name := range names {
		for _, server := range []string{"localhost", "127.0.0.1"} {
			for _, own := range [][]tls.Certificate{nil, {c.ClientCertificate()}} {
				conn, err := tls.Dial("tcp", c.Listener(name)[0], &tls.Config{RootCAs: c.CA(), ServerName: server, Certificates: own})
				if err != nil {
					t.Errorf("%s as %s: %v", name, server, err)
					continue
				}
				if name == ssl {
					conn.SetDeadline(time.Now().Add(time.Minute))
					if _, err := exchange(conn, metadataKey, 0, []byte{0, 0, 0, 0}); err != nil {
						t.Errorf("%s: no answer to Metadata: %v", name, err)
					}
				}
				conn.Close()
			}
		}
		if conn, err := tls.Dial("tcp", c.Listener(name)[0], nil); err == nil {
			conn.Close()
			t.Errorf("%s: somebody without the authority's certificate trusts the broker", name)
		}
	}
	// A certificate of somebody else is refused, with TLS 1.3 at the first answer. It is sent
	// though the broker names other authorities.
	others, err := newCertificates()
	ok(t, err)
	conn, err := tls.Dial("tcp", c.Listener(ssl)[0], &tls.Config{RootCAs: c.CA(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &others.client, nil
	}})
	if err == nil {
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		_, err = exchange(conn, metadataKey, 0, []byte{0, 0, 0, 0})
	}
	if err == nil {
		t.Error("a client with the certificate of another authority is taken")
	}
}

// login logs in as Kafka's first protocol has it: SaslHandshake version 0, then bare tokens.
func login(t *testing.T, c *Cluster, listener, mechanism string, u User) error {
	t.Helper()
	addr := c.Listener(listener)[0]
	conn, err := net.Dial("tcp", addr)
	if listener == saslSSL {
		conn, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: c.CA()})
	}
	ok(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(mechanism))), mechanism...)
	answer, err := exchange(conn, 17, 0, body)
	ok(t, err)
	r := reader{buf: answer}
	if code := r.int16(); code != 0 {
		t.Fatalf("SaslHandshake for %s at %s: error code %d", mechanism, listener, code)
	}
	var offered []string
	for range r.count(2) {
		offered = append(offered, string(r.next(int(r.int16()))))
	}
	want := c.Mechanisms()
	slices.Sort(want)
	if slices.Sort(offered); !slices.Equal(offered, want) {
		t.Errorf("%s offers %q, want %q", listener, offered, want)
	}
	token := func(out string) (string, error) {
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(out)))
		if _, err := conn.Write(append(frame, out...)); err != nil {
			return "", err
		}
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return "", err
		}
		in := make([]byte, binary.BigEndian.Uint32(size[:]))
		_, err := io.ReadFull(conn, in)
		return string(in), err
	}
	switch mechanism {
	case "PLAIN":
		_, err = token("\x00" + u.Name + "\x00" + u.Password)
	case "SCRAM-SHA-256":
		err = scram(sha256.New, u, token)
	case "SCRAM-SHA-512":
		err = scram(sha512.New, u, token)
	case "OAUTHBEARER":
		b64 := base64.RawURLEncoding.EncodeToString
		now := time.Now().Unix()
		claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, u.Name, now, now+3600)
		var in string
		in, err = token("n,,\x01auth=Bearer " + b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(claims)) + ".\x01\x01")
		if err == nil && in != "" {
			err = errors.New(in)
		}
	}
	if err != nil {
		return err
	}
	if _, err := exchange(conn, metadataKey, 0, []byte{0, 0, 0, 0}); err != nil {
		return fmt.Errorf("no answer after the login: %w", err)
	}
	return nil
}

// scram is RFC 5802 as far as a test needs it.
func scram(h func() hash.Hash, u User, token func(string) (string, error)) error {
	mac := func(key []byte, text string) []byte {
		m := hmac.New(h, key)
		io.WriteString(m, text)
		return m.Sum(nil)
	}
	first := "n=" + u.Name + ",r=nonce"
	challenge, err := token("n,," + first)
	if err != nil {
		return err
	}
	var nonce, salt string
	var rounds int
	for part := range strings.SplitSeq(challenge, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "r":
			nonce = value
		case "s":
			salt = value
		case "i":
			rounds, _ = strconv.Atoi(value)
		}
	}
	rawSalt, err := base64.StdEncoding.DecodeString(salt)
	if err != nil || !strings.HasPrefix(nonce, "nonce") || rounds < 4096 {
		return fmt.Errorf("the challenge is %q", challenge)
	}
	salted, err := pbkdf2.Key(h, u.Password, rawSalt, rounds, h().Size())
	if err != nil {
		return err
	}
	clientKey := mac(salted, "Client Key")
	stored := h()
	stored.Write(clientKey)
	final := "c=biws,r=" + nonce
	auth := first + "," + challenge + "," + final
	proof := make([]byte, len(clientKey))
	subtle.XORBytes(proof, clientKey, mac(stored.Sum(nil), auth))
	answer, err := token(final + ",p=" + base64.StdEncoding.EncodeToString(proof))
	if err != nil {
		return err
	}
	verifier, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(answer, "v="))
	if err != nil || !bytes.Equal(verifier, mac(mac(salted, "Server Key"), auth)) {
		return fmt.Errorf("the answer is %q", answer)
	}
	return nil
}
