package aws

import (
	"encoding/hex"
	"strings"
	"testing"
)

// The example of AWS for the key of a signature, and for the signature of a string that is given.
func TestSigningKey(t *testing.T) {
	key := signingKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z", "us-east-1", "iam")
	if got, want := hex.EncodeToString(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"; got != want {
		t.Errorf("got the key %s, want %s", got, want)
	}
	text := "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n" +
		"f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
	if got, want := hex.EncodeToString(mac(key, text)), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"; got != want {
		t.Errorf("got the signature %s, want %s", got, want)
	}
}

// The example of AWS for a presigned URL, of S3.
func TestPresigned(t *testing.T) {
	const date = "20130524T000000Z"
	q := query("X-Amz-Algorithm", algorithm, "X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/"+scopeOf(date, "us-east-1", "s3"),
		"X-Amz-Date", date, "X-Amz-Expires", "86400", "X-Amz-Security-Token", "", "X-Amz-SignedHeaders", "host")
	canonical := canonicalRequest(q, "examplebucket.s3.amazonaws.com", "UNSIGNED-PAYLOAD")
	canonical = strings.Replace(canonical, "GET\n/\n", "GET\n/test.txt\n", 1) // ours asks for / only
	if got, want := hexHash(canonical), "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"; got != want {
		t.Errorf("got the hash %s of the request, want %s:\n%s", got, want, canonical)
	}
	got := signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", date, "us-east-1", "s3", canonical)
	if want := "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"; got != want {
		t.Errorf("got the signature %s, want %s", got, want)
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"aZ09-._~":  "aZ09-._~",
		" /+=&:%\n": "%20%2F%2B%3D%26%3A%25%0A",
		"ä":         "%C3%A4",
	} {
		if got := query("n", text); got != "n="+want {
			t.Errorf("got %s, want n=%s", got, want)
		}
	}
}
