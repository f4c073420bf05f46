// Package quote shows text of somebody else in errors, unless it repeats a secret.
package quote

import (
	"strconv"
	"strings"
)

const (
	limit = 256 // of bytes that are shown
	// window is the number of bytes in a row that text and secret may not share. What both
	// have in common by chance is shorter, except for the likes of "https://", and then too
	// much is hidden.
	window = 8
)

// Text returns text as a quoted Go string, cut after some hundred bytes. If it contains one of
// the secrets, or some bytes in a row of one, it says so instead. Empty secrets do not count.
func Text(text string, secrets ...string) string {
	seen := text[:min(len(text), limit+window)]
	for _, s := range secrets {
		if s != "" && shares(seen, s) {
			return "[a text that repeats the secret]"
		}
	}
	if len(text) > limit {
		return strconv.QuoteToASCII(text[:limit]) + "..."
	}
	return strconv.QuoteToASCII(text)
}

// shares reports whether text has n bytes in a row of the secret, or all if that is shorter.
func shares(text, secret string) bool {
	n := min(window, len(secret))
	for i := range len(text) - n + 1 {
		if strings.Contains(secret, text[i:i+n]) {
			return true
		}
	}
	return false
}
