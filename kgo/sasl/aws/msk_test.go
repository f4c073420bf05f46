package aws_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/aws"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
)

const (
	secretText = "hunter2/hunter2+hunter2"
	broker     = "b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com"
)

var endpoint = sasl.Endpoint{Addr: broker + ":9098", TLS: true}

// verify is what MSK does with a message, written from the documentation of AWS: it puts the
// presigned request together again, and returns the signature that the secret key gives for it.
func verify(t *testing.T, message []byte, secret string) (fields map[string]string, signature string) {
	t.Helper()
	if err := json.Unmarshal(message, &fields); err != nil {
		t.Fatal(err)
	}
	values := url.Values{}
	for name, value := range fields {
		switch name {
		case "action":
			values.Set("Action", value)
		case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires":
			values.Set("X-Amz-"+strings.ToUpper(name[6:7])+name[7:], value)
		case "x-amz-security-token":
			values.Set("X-Amz-Security-Token", value)
		case "x-amz-signedheaders":
			values.Set("X-Amz-SignedHeaders", value)
		}
	}
	query := strings.ReplaceAll(values.Encode(), "+", "%20")
	request := strings.Join([]string{"GET", "/", query, "host:" + fields["host"], "", "host", fmt.Sprintf("%x", sha256.Sum256(nil))}, "\n")
	_, scope, _ := strings.Cut(fields["x-amz-credential"], "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", fields["x-amz-date"], scope, fmt.Sprintf("%x", sha256.Sum256([]byte(request)))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), text) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return fields, fmt.Sprintf("%x", key)
}

func TestMSKIAM(t *testing.T) {
	for name, test := range map[string]struct {
		credentials aws.CredentialsFunc
		region      string
		token       string
	}{
		"a user":                 {aws.Static("AKID", secretText, ""), "", ""},
		"a role, another region": {aws.Static("ASIA", secretText, "tok/en+with=all &"), "us-gov-west-1", "tok/en+with=all &"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that it is midnight, on 2000-01-01
				m := &aws.MSKIAM{Credentials: test.credentials, Region: test.region}
				s, err := m.Start(t.Context(), endpoint)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour + 2*time.Minute + 3*time.Second)
				message, done, err := s.Step(nil)
				if done || err != nil {
					t.Fatalf("got %v, %v", done, err)
				}
				got, signature := verify(t, message, secretText)
				region := test.region
				if region == "" {
					region = "eu-west-1"
				}
				c, err := test.credentials(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]string{
					"version": "2020_10_22", "host": broker, "user-agent": "franzi", "action": "kafka-cluster:Connect",
					"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": c.AccessKeyID + "/20000101/" + region + "/kafka-cluster/aws4_request",
					"x-amz-date": "20000101T010203Z", "x-amz-signedheaders": "host", "x-amz-expires": "900", "x-amz-signature": signature,
				}
				if test.token != "" {
					want["x-amz-security-token"] = test.token
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if _, done, err := s.Step([]byte(`{"version":"2020_10_22","request-id":"r"}`)); !done || err != nil {
					t.Errorf("got %v, %v, want it done", done, err)
				}
			})
		})
	}
}

// What a broker may answer.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct{ answer, err string }{
		"consent":          {`{"version":"2020_10_22","request-id":"r"}`, ""},
		"with more in it":  {`{"more":{}}`, ""},
		"nothing":          {"", "refuses the credentials"},
		"not JSON":         {"denied", `not the one of MSK: "denied"`},
		"not an object":    {`["denied"]`, "not the one of MSK"},
		"the secret":       {secretText, "repeats the secret"},
		"the token":        {"session-token", "repeats the secret"},
		"JSON without end": {strings.Repeat("[", 60_000), "not the one of MSK"},
		"too much":         {strings.Repeat("{", 70_000), "more than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &aws.MSKIAM{Credentials: aws.Static("AKID", secretText, "session-token")}
			s, err := m.Start(t.Context(), endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Step(nil); err != nil {
				t.Fatal(err)
			}
			_, done, err := s.Step([]byte(test.answer))
			if done != (test.err == "") || (err == nil) != done || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, %v, want the error %q", done, err, test.err)
			}
			if err != nil && (errors.Is(err, sasl.ErrRefused) != (test.answer == "") || needle.In(err.Error(), secretText)) {
				t.Errorf("got the error %v", err)
			}
		})
	}
}

// Where the region comes from.
func TestRegion(t *testing.T) {
	for name, test := range map[string]struct {
		addr, field, variable string
		want                  string // empty for an error
	}{
		"the host name":     {"b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", "", "us-east-1", "eu-west-1"},
		"upper case":        {"B-1.ORDERS.A1B2C3.C2.KAFKA.EU-WEST-1.AMAZONAWS.COM:9098", "", "", "eu-west-1"},
		"public":            {"b-1-public.orders.a1b2c3.c2.kafka.ap-southeast-2.amazonaws.com:9198", "", "", "ap-southeast-2"},
		"serverless":        {"boot-a1b2c3.c1.kafka-serverless.us-east-1.amazonaws.com:9098", "", "", "us-east-1"},
		"China":             {"b-1.orders.a1b2c3.c2.kafka.cn-north-1.amazonaws.com.cn:9098", "", "", "cn-north-1"},
		"government":        {"b-1.orders.a1b2c3.c2.kafka.us-gov-east-1.amazonaws.com:9098", "", "", "us-gov-east-1"},
		"a private link":    {"vpce-1.kafka.eu-west-1.vpce.amazonaws.com:9098", "", "", "eu-west-1"},
		"the field first":   {"b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", "us-east-2", "us-east-1", "us-east-2"},
		"our own name":      {"kafka.example.com:9098", "", "us-east-1", "us-east-1"},
		"a misleading name": {"kafka.eu.example.com:9098", "", "us-east-1", "us-east-1"},
		"nowhere":           {"kafka.example.com:9098", "", "", ""},
		"a strange one":     {"kafka.example.com:9098", "", "moon", ""},
		"only kafka":        {"kafka:9098", "", "", ""},
		"no port":           {"b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "")
			t.Setenv("AWS_DEFAULT_REGION", test.variable)
			m := &aws.MSKIAM{Credentials: aws.Static("AKID", secretText, ""), Region: test.field}
			s, err := m.Start(t.Context(), sasl.Endpoint{Addr: test.addr, TLS: true})
			if (err == nil) != (test.want != "") {
				t.Fatalf("got the error %v, want the region %q", err, test.want)
			}
			if err != nil {
				return
			}
			message, _, err := s.Step(nil)
			if err != nil || !strings.Contains(string(message), "/"+test.want+"/kafka-cluster/") {
				t.Errorf("got %s, %v, want the region %s", message, err, test.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	static := aws.Static("AKID", secretText, "")
	for name, test := range map[string]struct {
		m    *aws.MSKIAM
		tls  bool
		want []string
	}{
		"good":                 {&aws.MSKIAM{Credentials: static}, true, nil},
		"good, with a region":  {&aws.MSKIAM{Credentials: static, Region: "us-gov-east-1"}, true, nil},
		"without TLS":          {&aws.MSKIAM{Credentials: static}, false, []string{"use TLS"}},
		"without TLS, allowed": {&aws.MSKIAM{Credentials: static, AllowWithoutTLS: true}, false, nil},
		"all at once":          {&aws.MSKIAM{Region: "Ireland"}, false, []string{"Credentials is not set", `"Ireland"`, "use TLS"}},
		"almost a region":      {&aws.MSKIAM{Credentials: static, Region: "eu-west-"}, true, []string{`"eu-west-"`}},
		"a long region":        {&aws.MSKIAM{Credentials: static, Region: "a-b-c-d-e-1"}, true, []string{"no region"}},
	} {
		t.Run(name, func(t *testing.T) {
			var checker sasl.Checker = test.m
			checked := checker.Check(test.tls)
			to := endpoint
			to.TLS = test.tls
			_, started := test.m.Start(t.Context(), to)
			for _, err := range []error{checked, started} {
				if (err == nil) != (len(test.want) == 0) {
					t.Fatalf("got the error %v, want %q", err, test.want)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got the error %v, want %q in it", err, want)
					}
				}
				if errors.Is(err, sasl.ErrTLSRequired) != slices.Contains(test.want, "use TLS") {
					t.Errorf("whether %v is about TLS is not told right", err)
				}
			}
		})
	}
}

// Credentials that end are kept for four fifths of their lifetime, and others not at all.
func TestKeepsCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for lifetime, want := range map[time.Duration][]int{0: {1, 2, 3}, time.Hour: {1, 1, 2}} {
			n := 0
			m := &aws.MSKIAM{Credentials: func(context.Context) (aws.Credentials, error) {
				n++
				c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: sasl.NewSecret("s")}
				if lifetime != 0 {
					c.Expires = time.Now().Add(lifetime)
				}
				return c, nil
			}}
			for i, want := range want {
				if _, err := m.Start(t.Context(), endpoint); err != nil {
					t.Fatal(err)
				}
				if n != want {
					t.Errorf("lifetime %v, start %d: credentials were asked for %d times, want %d", lifetime, i, n, want)
				}
				time.Sleep(25 * time.Minute)
			}
		}
	})
}

// Without good credentials nothing begins.
func TestNoCredentials(t *testing.T) {
	broken := errors.New("the role is gone")
	for want, f := range map[string]aws.CredentialsFunc{
		"no AWS credentials: the role is gone": func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken },
		"id or secret is empty":                aws.Static("", secretText, ""),
		"key's id or secret is empty":          aws.Static("AKID", "", ""),
	} {
		s, err := (&aws.MSKIAM{Credentials: f}).Start(t.Context(), endpoint)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want the error %q", s, err, want)
		}
	}
}

// Whatever prints a value, its secrets do not show.
func TestSecretsAreHidden(t *testing.T) {
	m := &aws.MSKIAM{Credentials: func(context.Context) (aws.Credentials, error) {
		c, err := aws.Static("AKID", secretText, secretText)(t.Context())
		c.Expires = time.Now().Add(time.Hour) // so that it is kept
		return c, err
	}}
	s, err := m.Start(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"MSKIAM": m, "Credentials": c, "CredentialsFunc": m.Credentials, "session": s}
	types, err := needle.ExportedTypes(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range types {
		if _, ok := values[name]; !ok {
			t.Errorf("the exported type %s is not tested for secrets", name)
		}
	}
	for name, v := range values {
		for how, text := range needle.Prints(v) {
			if needle.In(text, secretText) {
				t.Errorf("%s: %s shows the secret: %s", name, how, text)
			}
		}
	}
	message, _, err := s.Step(nil)
	if err != nil || !strings.Contains(string(message), `"`+secretText+`"`) {
		t.Errorf("the session does not know the secret: %s, %v", message, err)
	}
	if got := fmt.Sprintf("%v %+v %d", m, m, m); got != "AWS_MSK_IAM AWS_MSK_IAM AWS_MSK_IAM" {
		t.Errorf("got %s", got)
	}
}

// Whatever a broker answers, there is no panic, the exchange ends, and the error shows no secret.
func FuzzMSKIAM(f *testing.F) {
	f.Add([]byte(`{"version":"2020_10_22","request-id":"r"}`))
	f.Add([]byte(secretText))
	f.Add([]byte(""))
	m := &aws.MSKIAM{Credentials: aws.Static("AKID", secretText, "session-token")}
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := m.Start(t.Context(), endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Step(nil); err != nil {
			t.Fatal(err)
		}
		response, done, err := s.Step(answer)
		if response != nil || done == (err != nil) || err != nil && needle.In(err.Error(), secretText) {
			t.Errorf("got %q, %v, %v", response, done, err)
		}
		if _, _, err := s.Step(nil); err == nil {
			t.Error("it goes on after its end")
		}
	})
}

// A connection whose request is signed.
func BenchmarkMSKIAM(b *testing.B) {
	b.ReportAllocs()
	m := &aws.MSKIAM{Credentials: aws.Static("AKID", secretText, "session-token")}
	for b.Loop() {
		s, err := m.Start(b.Context(), endpoint)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := s.Step(nil); err != nil {
			b.Fatal(err)
		}
	}
}
