package oauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
)

// What a signer says, and that who has the public key can verify it.
func TestSigner(t *testing.T) {
	for name, test := range map[string]struct {
		signer oauth.Signer
		header map[string]any
		claims func(now time.Time) map[string]any // times as number prints them
	}{
		"RSA, all that Java has": {
			signer: oauth.Signer{Key: oauth.Key(rsaKey), KeyID: "k1", Issuer: "me", Subject: "you", Audience: "https://a"},
			header: map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1"},
			claims: func(now time.Time) map[string]any {
				return map[string]any{"iss": "me", "sub": "you", "aud": "https://a",
					"iat": number(now), "exp": number(now.Add(5 * time.Minute)), "nbf": number(now.Add(-time.Minute))}
			},
		},
		"ECDSA, other times": {
			signer: oauth.Signer{Key: oauth.Key(ecKey), Lifetime: time.Hour, Backdate: time.Second},
			header: map[string]any{"alg": "ES256", "typ": "JWT"},
			claims: func(now time.Time) map[string]any {
				return map[string]any{"iat": number(now), "exp": number(now.Add(time.Hour)), "nbf": number(now.Add(-time.Second))}
			},
		},
		"what the user adds": {
			signer: oauth.Signer{Key: oauth.Key(rsaKey), Issuer: "me", Header: map[string]any{"x5t": "h", "alg": "none", "typ": "at+jwt"},
				Claims: map[string]any{"iss": "other", "aud": []string{"a", "b"}, "nbf": 0}},
			header: map[string]any{"alg": "RS256", "typ": "at+jwt", "x5t": "h"},
			claims: func(now time.Time) map[string]any {
				return map[string]any{"iss": "other", "aud": []any{"a", "b"}, "iat": number(now), "exp": number(now.Add(5 * time.Minute)), "nbf": "0"}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				assertion, err := test.signer.Assert(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				header, claims, signed, signature := split(t, assertion.Reveal())
				for _, name := range []string{"iat", "exp", "nbf"} {
					claims[name] = fmt.Sprint(claims[name])
				}
				if diff := cmp.Diff(test.header, header); diff != "" {
					t.Errorf("the header (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.claims(time.Now()), claims); diff != "" {
					t.Errorf("the claims (-want +got):\n%s", diff)
				}
				key, err := test.signer.Key(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				digest := sha256.Sum256([]byte(signed))
				switch public := key.Public().(type) {
				case *rsa.PublicKey:
					err = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
				case *ecdsa.PublicKey:
					r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
					if len(signature) != 64 || !ecdsa.Verify(public, digest[:], r, s) {
						err = errors.New("it is not the key's")
					}
				}
				if err != nil {
					t.Errorf("the signature: %v", err)
				}
			})
		})
	}
}

// Every assertion has an id of its own, if ids are asked for.
func TestSignerIDs(t *testing.T) {
	s := oauth.Signer{Key: oauth.Key(ecKey), ID: true}
	seen := map[any]bool{}
	for range 20 {
		assertion, err := s.Assert(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, claims, _, _ := split(t, assertion.Reveal())
		if id, _ := claims["jti"].(string); len(id) < 22 || seen[id] {
			t.Errorf("the id %q is short or used before", id)
		}
		seen[claims["jti"]] = true
	}
}

// Signatures of ECDSA have 64 bytes, also when a number begins with zeros.
func TestSignerPadsNumbers(t *testing.T) {
	for name, test := range map[string]struct {
		der []byte
		ok  bool
	}{
		"small numbers": {[]byte{0x30, 6, 2, 1, 1, 2, 1, 2}, true},
		"negative":      {[]byte{0x30, 6, 2, 1, 0xff, 2, 1, 2}, false},
		"too large":     {append(append([]byte{0x30, 38, 2, 33, 1}, make([]byte, 32)...), 2, 1, 2), false},
		"trailing":      {[]byte{0x30, 6, 2, 1, 1, 2, 1, 2, 0}, false},
		"not ASN.1":     {[]byte("signature"), false},
		"nothing":       {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := oauth.Signer{Key: oauth.Key(strange{test.der})}
			assertion, err := s.Assert(t.Context())
			if (err == nil) != test.ok {
				t.Fatalf("got %v, want it to work: %v", err, test.ok)
			}
			if err != nil {
				return
			}
			_, _, _, signature := split(t, assertion.Reveal())
			want := make([]byte, 64)
			want[31], want[63] = 1, 2
			if diff := cmp.Diff(want, signature); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// strange is a key in another place that signs as it likes.
type strange struct{ signature []byte }

func (strange) Public() crypto.PublicKey { return ecKey.Public() }
func (s strange) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.signature, nil
}

// Keys in files, in all forms, and what is no key.
func TestKeyFile(t *testing.T) {
	for name, test := range map[string]struct {
		key  crypto.Signer
		form string
	}{
		"RSA, PKCS #8": {rsaKey, "PRIVATE KEY"},
		"RSA, PKCS #1": {rsaKey, "RSA PRIVATE KEY"},
		"EC, PKCS #8":  {ecKey, "PRIVATE KEY"},
		"EC, SEC 1":    {ecKey, "EC PRIVATE KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := oauth.KeyFile(keyFile(t, test.key, test.form))(t.Context())
			if err != nil || !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(test.key.Public()) {
				t.Errorf("got %T, %v", got, err)
			}
		})
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                     {"", "no private key in PEM form"},
		"no PEM":                      {"key", "no private key in PEM form"},
		"only a certificate":          {string(certificate), "no private key in PEM form"},
		"a passphrase":                {string(encrypted), "has a passphrase"},
		"a passphrase, the old way":   {string(old), "cannot be read"},
		"nonsense after the cert":     {string(certificate) + "-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n", "cannot be read"},
		"a key of a kind not to sign": {x25519, "not one for signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "key.pem", test.text)
			if key, err := oauth.KeyFile(path)(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %T, %v, want the error %q", key, err, test.want)
			}
		})
	}
	if _, err := oauth.KeyFile("/no/such/file")(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no file", err)
	}
}

const x25519 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g
-----END PRIVATE KEY-----
`

// Keys that are not for RS256 and ES256 are refused.
func TestSignerKeys(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the HSM is away")
	for name, test := range map[string]struct {
		key  oauth.KeyFunc
		want string
	}{
		"a short RSA key": {oauth.Key(smallKey), "has 1024 bits"},
		"another curve":   {oauth.Key(otherKey), "curve P-384"},
		"another kind":    {oauth.Key(edwards), "ed25519.PublicKey"},
		"none to be had":  {func(context.Context) (crypto.Signer, error) { return nil, broken }, "no private key: the HSM is away"},
	} {
		t.Run(name, func(t *testing.T) {
			s := oauth.Signer{Key: test.key}
			if _, err := s.Assert(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want the error %q", err, test.want)
			}
		})
	}
}
