package kbin

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// A UUID is the id of a topic, a directory or a cluster member. The zero value means none.
type UUID [16]byte

// ParseUUID reads Kafka's text form: base64url without padding, 22 characters.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	err := u.UnmarshalText([]byte(s))
	return u, err
}

// String returns Kafka's text form, "AAAAAAAAAAAAAAAAAAAAAA" for none.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// IsZero reports whether u is none.
func (u UUID) IsZero() bool { return u == UUID{} }

// MarshalText returns Kafka's text form.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads Kafka's text form.
func (u *UUID) UnmarshalText(text []byte) error {
	var b UUID
	n := 0
	var err error
	if len(text) == 22 { // Decode skips line ends
		n, err = base64.RawURLEncoding.Decode(b[:], text)
	}
	if err != nil || n != len(u) {
		return fmt.Errorf("kbin: %q is no UUID in Kafka's form, 22 characters of base64url", text)
	}
	*u = b
	return nil
}

// A NullString is a string or null. The zero value is null.
type NullString struct {
	S     string
	Valid bool // S counts
}

// Str returns s as a string that is not null.
func Str(s string) NullString { return NullString{S: s, Valid: true} }

// String returns the string, or "null" for null.
func (s NullString) String() string {
	if !s.Valid {
		return "null"
	}
	return s.S
}

// A Secret holds bytes that no log, error or dump may show. It formats and marshals as
// "[secret]" whatever the verb; only conversion to []byte gives the bytes.
type Secret []byte

// Redacted is what stands for a secret where it would be shown.
const Redacted = "[secret]"

// String hides the secret.
func (Secret) String() string { return Redacted }

// GoString hides the secret.
func (Secret) GoString() string { return Redacted }

// Format hides the secret from all verbs of package fmt.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, Redacted) // fmt has no way to tell of a failed write
}

// MarshalText hides the secret from encoding/json, log/slog and others.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// SensitiveConfig reports whether the name of a config speaks of a secret, like
// sasl.jaas.config or ssl.keystore.password: its value is not to be shown.
func SensitiveConfig(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"password", "passphrase", "secret", "jaas", "credential", "token", "private", "keystore.key", "master.key", "access.key", "api.key", "sas.key",
		"keystore.certificate.chain", "truststore.certificates", // which Kafka types as passwords
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// FormatRedacted prints v, whose secrets are hidden already, as f and verb ask for. It is
// for generated code.
func FormatRedacted(f fmt.State, verb rune, v any) { fmt.Fprintf(f, fmt.FormatString(f, verb), v) }

// TextRedacted is v, whose secrets are hidden already, as text. It is for generated code.
func TextRedacted(v any) []byte { return fmt.Appendf(nil, "%+v", v) }
