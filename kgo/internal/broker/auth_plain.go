package broker

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// A plainSession is PLAIN (RFC 4616).
type plainSession struct {
	users []User
	user  string
}

func (s *plainSession) step(_ time.Time, message []byte) ([]byte, bool, error) {
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 {
		return nil, false, errDenied("PLAIN takes an authorization id, a user and a password")
	}
	as, user, password := string(parts[0]), string(parts[1]), string(parts[2])
	for _, u := range s.users {
		if u.Name == user && u.Password == password && (as == "" || as == user) {
			s.user = user
			return []byte{}, true, nil
		}
	}
	return nil, false, errDenied("the user or the password is wrong")
}

func (s *plainSession) who() (string, time.Time) { return s.user, time.Time{} }

// An oauthSession is OAUTHBEARER (RFC 7628) with unsecured tokens (RFC 7515 A.5), as brokers take
// them that are set up for tests.
type oauthSession struct {
	user   string
	until  time.Time
	failed bool // the client was told so and has to agree
}

func (s *oauthSession) step(now time.Time, message []byte) ([]byte, bool, error) {
	if s.failed {
		return nil, false, errDenied("the token is not valid")
	}
	token, ok := bearerToken(string(message))
	if !ok {
		return nil, false, errDenied("OAUTHBEARER takes a bearer token")
	}
	if s.user, s.until, ok = unsecured(token); !ok || !s.until.After(now) {
		s.failed = true
		return []byte(`{"status":"invalid_token"}`), false, nil
	}
	return []byte{}, true, nil
}

func (s *oauthSession) who() (string, time.Time) { return s.user, s.until }

// bearerToken finds the token in the client's message.
func bearerToken(message string) (string, bool) {
	gs2, rest, found := strings.Cut(message, ",\x01")
	if !found || !strings.HasPrefix(gs2, "n,") || !strings.HasSuffix(rest, "\x01\x01") {
		return "", false
	}
	for pair := range strings.SplitSeq(rest, "\x01") {
		if token, is := strings.CutPrefix(pair, "auth="); is && len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
			return strings.TrimSpace(token[7:]), true
		}
	}
	return "", false
}

// unsecured reads a token that nobody has signed.
func unsecured(token string) (user string, until time.Time, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "" {
		return "", time.Time{}, false
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Sub string  `json:"sub"`
		Exp float64 `json:"exp"`
	}
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return "", time.Time{}, false
		}
	}
	const century = 100 * 366 * 24 * 3600
	if header.Alg != "none" || claims.Sub == "" || claims.Exp <= 0 || claims.Exp > 100*century {
		return "", time.Time{}, false
	}
	return claims.Sub, time.UnixMilli(int64(claims.Exp * 1000)), true
}
