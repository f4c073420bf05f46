package sasl

import (
	"fmt"
	"io"

	"github.com/franzi-kafka/franzi/kbin"
)

// A Secret is text that no log, error or dump may show. It formats and marshals as "[secret]"
// whatever the verb, also where it lies in a field that is not exported, which package fmt prints
// without asking. The zero value is an empty secret. Secrets are not comparable.
type Secret struct {
	// reveal hides the text from all who look into values by reflection: a function has no
	// contents. Nil for the zero value.
	reveal func() string
}

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{func() string { return text }} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String hides the secret.
func (Secret) String() string { return kbin.Redacted }

// GoString hides the secret.
func (Secret) GoString() string { return kbin.Redacted }

// Format hides the secret from all verbs of package fmt.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, kbin.Redacted) // fmt has no way to tell of a failed write
}

// MarshalText hides the secret from encoding/json, log/slog and others.
func (Secret) MarshalText() ([]byte, error) { return []byte(kbin.Redacted), nil }
