package sasl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

// How often a broker may have a password hashed. Fewer times than the least are too easy to guess
// for who listens (RFC 7677); the most keeps a broker from having us work for minutes. Kafka's
// brokers use 4,096 to 16,384.
const (
	minIterations = 4096
	maxIterations = 1_000_000
)

// serverFirst is the broker's first message.
type serverFirst struct {
	nonce      string // ours, and what the broker added
	salt       string // bytes
	iterations int
}

// parseServerFirst reads "r=nonce,s=salt,i=iterations", and extensions, which are for who knows
// them.
func parseServerFirst(message []byte, ours string) (serverFirst, error) {
	var m serverFirst
	rest := string(message)
	if err := refusal(rest); err != nil { // too early, but clear
		return m, err
	}
	if strings.HasPrefix(rest, "m=") {
		return m, errors.New("the broker demands an extension that is not known")
	}
	nonce, rest, ok := attribute(rest, "r=")
	switch {
	case !ok || !printable(nonce):
		return m, errors.New("the broker's first message has no nonce")
	case !strings.HasPrefix(nonce, ours) || len(nonce) == len(ours):
		return m, errors.New("the broker's nonce does not begin with ours and go on: it may be a replay")
	}
	encoded, rest, ok := attribute(rest, "s=")
	salt, err := decodeBase64(encoded)
	if !ok || err != nil || len(salt) == 0 {
		return m, errors.New("the broker's first message has no salt")
	}
	digits, _, ok := attribute(rest, "i=")
	iterations, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		iterations = maxIterations + 1
	case !ok || err != nil:
		return m, errors.New("the broker's first message has no number of iterations")
	}
	if iterations < minIterations || iterations > maxIterations {
		return m, fmt.Errorf("the broker asks for %s iterations: %d to %d are accepted", quote.Text(digits), minIterations, maxIterations)
	}
	return serverFirst{nonce: nonce, salt: string(salt), iterations: int(iterations)}, nil
}

// parseServerFinal reads the signature of "v=signature", or the error of "e=error".
func parseServerFinal(message []byte) ([]byte, error) {
	if err := refusal(string(message)); err != nil {
		return nil, err
	}
	encoded, _, ok := attribute(string(message), "v=")
	signature, err := decodeBase64(encoded)
	if !ok || err != nil {
		return nil, fmt.Errorf("%w: its last message has no signature", ErrImpostor)
	}
	return signature, nil
}

// refusal returns the error of a message that is one.
func refusal(message string) error {
	if reason, _, ok := attribute(message, "e="); ok {
		return fmt.Errorf("%w: %s", ErrRefused, quote.Text(reason))
	}
	return nil
}

// attribute takes the value of the attribute with the given start off message.
func attribute(message, start string) (value, rest string, ok bool) {
	message, ok = strings.CutPrefix(message, start)
	if !ok {
		return "", "", false
	}
	value, rest, _ = strings.Cut(message, ",")
	return value, rest, true
}

// printable reports whether s can be a nonce.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return s != ""
}

// decodeBase64 is strict: encoding/base64 skips line ends.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
