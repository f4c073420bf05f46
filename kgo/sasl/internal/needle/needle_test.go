package needle_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
)

const secret = "hunter2-hunter2"

// The search finds what is there: otherwise all tests that use it prove nothing.
func TestFinds(t *testing.T) {
	for _, text := range []string{
		secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret)),
		fmt.Sprintf("%#v", []byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.RawURLEncoding.EncodeToString([]byte("x:" + secret)),
		base64.StdEncoding.EncodeToString([]byte("ab:" + secret + "z")),
	} {
		if !needle.In("log: "+text+".", secret) {
			t.Errorf("the secret is not found in %q", text)
		}
	}
	if needle.In("hunter3", secret) {
		t.Error("a secret is found that is not there")
	}
}

type open struct{ Password string }

// Every way of printing shows a secret that is not hidden.
func TestPrintsAll(t *testing.T) {
	shown := needle.Prints(&open{secret})
	for _, how := range []string{
		"%v of the value", "%+v of the private field with the value pointed to", "%x of the slice of the value pointed to",
		"JSON of the value", "log of the value pointed to", "%s of the slice of the value", "XML of the value",
	} {
		if !needle.In(shown[how], secret) {
			t.Errorf("%s does not show what is there: %q", how, shown[how])
		}
	}
}

func TestExportedTypes(t *testing.T) {
	if got, err := needle.ExportedTypes("../fresh"); err != nil || len(got) != 1 || got[0] != "Value" {
		t.Errorf("got %q, %v, want Value", got, err)
	}
	if got, err := needle.ExportedTypes("../needle"); err == nil {
		t.Errorf("got %q, want an error where there are none", got)
	}
}
