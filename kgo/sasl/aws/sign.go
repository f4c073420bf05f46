package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	service   = "kafka-cluster"
	action    = service + ":Connect"
	// lifetime is how long a signed request is good, in seconds, as the documentation of MSK
	// recommends.
	lifetime = "900"
)

// A request is the signed request, as MSK wants it.
type request struct {
	Version       string `json:"version"`
	Host          string `json:"host"`
	UserAgent     string `json:"user-agent"`
	Action        string `json:"action"`
	Algorithm     string `json:"x-amz-algorithm"`
	Credential    string `json:"x-amz-credential"`
	Date          string `json:"x-amz-date"`
	SecurityToken string `json:"x-amz-security-token,omitempty"`
	SignedHeaders string `json:"x-amz-signedheaders"`
	Expires       string `json:"x-amz-expires"`
	Signature     string `json:"x-amz-signature"`
}

// payload signs a request to connect to a host, as if it were a presigned URL with an empty body.
func payload(c Credentials, host, region string, now time.Time) ([]byte, error) {
	date := now.UTC().Format("20060102T150405Z")
	scope := scopeOf(date, region, service)
	r := request{
		Version:       "2020_10_22",
		Host:          host,
		UserAgent:     "franzi",
		Action:        action,
		Algorithm:     algorithm,
		Credential:    c.AccessKeyID + "/" + scope,
		Date:          date,
		SecurityToken: c.SessionToken.Reveal(),
		SignedHeaders: "host",
		Expires:       lifetime,
	}
	query := query("Action", r.Action, "X-Amz-Algorithm", r.Algorithm, "X-Amz-Credential", r.Credential,
		"X-Amz-Date", r.Date, "X-Amz-Expires", r.Expires, "X-Amz-Security-Token", r.SecurityToken,
		"X-Amz-SignedHeaders", r.SignedHeaders)
	canonical := canonicalRequest(query, host, hexHash(""))
	r.Signature = signature(c.SecretAccessKey.Reveal(), date, region, service, canonical)
	return json.Marshal(r)
}

// canonicalRequest is what is signed of GET / with one header.
func canonicalRequest(query, host, bodyHash string) string {
	return "GET\n/\n" + query + "\nhost:" + host + "\n\nhost\n" + bodyHash
}

// signature signs a canonical request (Signature Version 4).
func signature(secret, date, region, service, canonical string) string {
	toSign := algorithm + "\n" + date + "\n" + scopeOf(date, region, service) + "\n" + hexHash(canonical)
	return hex.EncodeToString(mac(signingKey(secret, date, region, service), toSign))
}

func scopeOf(date, region, service string) string {
	return date[:len("20060102")] + "/" + region + "/" + service + "/aws4_request"
}

// signingKey is a key for one day, region and service.
func signingKey(secret, date, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{date[:len("20060102")], region, service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// query writes names and values, which must be sorted by name, as the query of a URL. Names with
// an empty value are left out.
func query(namesAndValues ...string) string {
	var b strings.Builder
	for i := 0; i < len(namesAndValues); i += 2 {
		name, value := namesAndValues[i], namesAndValues[i+1]
		if value == "" {
			continue
		}
		if b.Len() != 0 {
			b.WriteByte('&')
		}
		escape(&b, name)
		b.WriteByte('=')
		escape(&b, value)
	}
	return b.String()
}

// escape writes s with all bytes escaped but those that RFC 3986 calls unreserved.
func escape(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
}
