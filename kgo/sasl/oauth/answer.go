package oauth

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

// An answer is what a token endpoint says (RFC 6749, 5.1 and 5.2).
type answer struct {
	AccessToken string          `json:"access_token"`
	IDToken     string          `json:"id_token"`   // the Java client takes it, too
	ExpiresIn   json.RawMessage `json:"expires_in"` // seconds; some providers send a string
	Error       string          `json:"error"`
	Description string          `json:"error_description"`
}

// parseAnswer returns the token of an answer to a request that began at the given time.
func parseAnswer(status int, body []byte, began time.Time, secrets []string) (sasl.Token, error) {
	var a answer
	malformed := json.Unmarshal(body, &a)
	if status != http.StatusOK && status != http.StatusCreated {
		reason := quote.Text(string(body), secrets...)
		if malformed == nil && a.Error != "" {
			reason = quote.Text(strings.TrimSpace(a.Error+" "+a.Description), secrets...)
		}
		err := fmt.Errorf("the token endpoint answers with HTTP status %d: %s", status, reason)
		if passing(status) {
			err = &temporaryError{err}
		}
		return sasl.Token{}, err
	}
	text := a.AccessToken
	if text == "" {
		text = a.IDToken
	}
	switch {
	case malformed != nil: // its error quotes nothing, but the body is none of a log's business
		return sasl.Token{}, errors.New("the token endpoint's answer is not the JSON of a token")
	case text == "":
		return sasl.Token{}, errors.New("the token endpoint's answer has neither access_token nor id_token")
	}
	t := sasl.Token{Value: sasl.NewSecret(text), Expires: expiry(text)}
	if d := seconds(strings.Trim(string(a.ExpiresIn), `"`)); d > 0 {
		t.Expires = began.Add(d) // wins over the token's own claim, since it needs no common clock
	}
	return t, nil
}

// seconds reads a number of seconds, 0 if it is none.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0) {
		return 0
	}
	return time.Duration(min(f, math.MaxInt32)) * time.Second
}

// passing reports whether a status may be another one at the next attempt.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// A permanentError will be the same at the next attempt.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }

// permanent reports whether an error of a request will be the same at the next attempt.
func permanent(err error) bool {
	var own *permanentError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &own) || errors.As(err, &certificate)
}

// expiry returns when a token says that it ends, zero if it does not: tokens need not be JWTs. The
// signature is not looked at; who gave us the token is trusted by its address.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || !(claims.Exp > 0) || claims.Exp > math.MaxInt32*1000 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}
