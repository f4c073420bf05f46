package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// An Assertion makes JWTs by which an identity provider knows whom it deals with. It must be safe
// for concurrent use.
type Assertion interface {
	// Assert returns an assertion for one request. It may block until ctx ends.
	Assert(ctx context.Context) (sasl.Secret, error)
}

// An AssertionFunc is a function that is an [Assertion].
type AssertionFunc func(ctx context.Context) (sasl.Secret, error)

// Assert calls f.
func (f AssertionFunc) Assert(ctx context.Context) (sasl.Secret, error) { return f(ctx) }

// AssertionFile is the path of a file that has the assertion, and nothing else but white space
// around it. It is read for each request, so that somebody else can keep it fresh (Java:
// sasl.oauthbearer.assertion.file).
type AssertionFile string

// Check returns an error if the path is empty.
func (f AssertionFile) Check() error {
	if f == "" {
		return errors.New("the assertion file's path is empty")
	}
	return nil
}

// Assert implements [Assertion]. It reads the file.
func (f AssertionFile) Assert(context.Context) (sasl.Secret, error) {
	text, err := readSecret(string(f))
	return sasl.NewSecret(text), err
}

// A Signer makes assertions and signs them: with RS256 if its key is an RSA key, with ES256 if it
// is one of the curve P-256. It is safe for concurrent use, and not to be changed once it is used.
type Signer struct {
	// Key returns the private key: [KeyFile], [Key], or a function of one's own. It is called
	// for each assertion and must be set (Java: sasl.oauthbearer.assertion.private.key.file; the
	// algorithm follows from the key).
	Key KeyFunc
	// KeyID is the header kid, by which providers find the public key; empty leaves it out.
	KeyID string
	// Issuer, Subject and Audience are the claims iss, sub and aud; empty ones are left out
	// (Java: sasl.oauthbearer.assertion.claim.iss, .sub, .aud).
	Issuer, Subject, Audience string
	// Lifetime is the time until the claim exp; 0 means 5 min (Java:
	// sasl.oauthbearer.assertion.claim.exp.seconds).
	Lifetime time.Duration
	// Backdate is the time from the claim nbf until now, for clocks that differ; 0 means 1 min
	// (Java: sasl.oauthbearer.assertion.claim.nbf.seconds).
	Backdate time.Duration
	// ID adds the claim jti, a random one each time (Java:
	// sasl.oauthbearer.assertion.claim.jti.include, false by default too).
	ID bool
	// Header and Claims are added, and win over what the other fields say; alg stays as it is.
	// Values are encoded as encoding/json does (Java: sasl.oauthbearer.assertion.template.file).
	// They are no place for secrets.
	Header, Claims map[string]any
}

// A KeyFunc returns a private key. It must be safe for concurrent use, and may block until ctx
// ends. The key may lie elsewhere, as crypto.Signer allows.
type KeyFunc func(ctx context.Context) (crypto.Signer, error)

// Key returns a key that never changes.
func Key(key crypto.Signer) KeyFunc {
	return func(context.Context) (crypto.Signer, error) { return key, nil }
}

// KeyFile returns the private key in a PEM file, which is read for each assertion, so that keys
// can change: PKCS #8, PKCS #1 or SEC 1. Keys with a passphrase are not read; a KeyFunc of one's
// own can.
func KeyFile(path string) KeyFunc {
	return func(context.Context) (crypto.Signer, error) {
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		key, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return key, nil
	}
}

// parseKey returns the first private key in PEM text.
func parseKey(text []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("there is no private key in PEM form")
		}
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			err = errors.New("it has a passphrase")
		default:
			continue
		}
		if err == nil && block.Headers["DEK-Info"] != "" {
			err = errors.New("it has a passphrase")
		}
		if err != nil {
			return nil, fmt.Errorf("the private key cannot be read: %w", err)
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, errors.New("the private key is not one for signatures")
		}
		return signer, nil
	}
}

// Check returns every mistake that can be seen without asking for the key.
func (s *Signer) Check() error {
	var mistakes []error
	if s.Key == nil {
		mistakes = append(mistakes, errors.New("the signer's field Key is not set"))
	}
	if s.Lifetime < 0 || s.Backdate < 0 {
		mistakes = append(mistakes, errors.New("a time of the signer is negative"))
	}
	if _, err := json.Marshal([]any{s.Header, s.Claims}); err != nil {
		mistakes = append(mistakes, fmt.Errorf("the signer's headers and claims are not for JSON: %w", err))
	}
	return errors.Join(mistakes...)
}

// Assert implements [Assertion]. It blocks as long as Key does.
func (s *Signer) Assert(ctx context.Context) (sasl.Secret, error) {
	if err := s.Check(); err != nil {
		return sasl.Secret{}, err
	}
	key, err := s.Key(ctx)
	if err != nil {
		return sasl.Secret{}, fmt.Errorf("no private key: %w", err)
	}
	algorithm, err := algorithmOf(key)
	if err != nil {
		return sasl.Secret{}, err
	}
	header, err := json.Marshal(s.header(algorithm))
	if err != nil {
		return sasl.Secret{}, err
	}
	claims, err := json.Marshal(s.claims(time.Now()))
	if err != nil {
		return sasl.Secret{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(header) + "." + encode(claims)
	signature, err := sign(key, text)
	if err != nil {
		return sasl.Secret{}, fmt.Errorf("the key does not sign: %w", err)
	}
	return sasl.NewSecret(text + "." + encode(signature)), nil
}

func (s *Signer) header(algorithm string) map[string]any {
	h := map[string]any{"typ": "JWT"}
	if s.KeyID != "" {
		h["kid"] = s.KeyID
	}
	maps.Copy(h, s.Header)
	h["alg"] = algorithm
	return h
}

func (s *Signer) claims(now time.Time) map[string]any {
	lifetime, backdate := s.Lifetime, s.Backdate
	if lifetime == 0 {
		lifetime = 5 * time.Minute
	}
	if backdate == 0 {
		backdate = time.Minute
	}
	c := map[string]any{"iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "nbf": now.Add(-backdate).Unix()}
	for name, value := range map[string]string{"iss": s.Issuer, "sub": s.Subject, "aud": s.Audience} {
		if value != "" {
			c[name] = value
		}
	}
	if s.ID {
		c["jti"] = rand.Text()
	}
	maps.Copy(c, s.Claims)
	return c
}

// algorithmOf names the algorithm of RFC 7518 that a key is for.
func algorithmOf(key crypto.Signer) (string, error) {
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < 2048 {
			return "", fmt.Errorf("the RSA key has %d bits: 2048 are the least", bits)
		}
		return "RS256", nil
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return "ES256", nil
		}
		return "", fmt.Errorf("the key is of the curve %s: P-256 is the one for ES256", public.Curve.Params().Name)
	default:
		return "", fmt.Errorf("the key is of the type %T: RSA and ECDSA are known", public)
	}
}

// sign returns the signature as RFC 7518 wants it: of ECDSA the two numbers with 32 bytes each.
func sign(key crypto.Signer, text string) ([]byte, error) {
	digest := sha256.Sum256([]byte(text))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if _, ok := key.Public().(*ecdsa.PublicKey); !ok || err != nil {
		return signature, err
	}
	var number struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &number)
	if err != nil || len(rest) != 0 || number.R.Sign() < 0 || number.S.Sign() < 0 || number.R.BitLen() > 256 || number.S.BitLen() > 256 {
		return nil, errors.New("its signature has not the form of ECDSA")
	}
	fixed := make([]byte, 64)
	number.R.FillBytes(fixed[:32])
	number.S.FillBytes(fixed[32:])
	return fixed, nil
}

// isNil reports whether there is no assertion, also in the guise of a function.
func isNil(a Assertion) bool {
	f, isFunc := a.(AssertionFunc)
	return a == nil || isFunc && f == nil
}

func checkAssertion(a Assertion) error {
	if isNil(a) {
		return errors.New("the field Assertion is not set")
	}
	if c, ok := a.(interface{ Check() error }); ok {
		return c.Check()
	}
	return nil
}
