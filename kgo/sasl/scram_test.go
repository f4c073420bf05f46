package sasl_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// scram returns both mechanisms with the same credentials.
func scram(c sasl.CredentialsFunc) []sasl.Mechanism {
	return []sasl.Mechanism{&sasl.ScramSHA256{Credentials: c}, &sasl.ScramSHA512{Credentials: c}}
}

// converse runs a whole exchange, and returns the client's messages.
func converse(s sasl.Session, server *scramServer) (first, final string, err error) {
	message, _, err := s.Step(nil)
	if err != nil {
		return "", "", err
	}
	first = string(message)
	if message, _, err = s.Step(server.first(message)); err != nil {
		return first, "", err
	}
	final = string(message)
	message, done, err := s.Step(server.final(message))
	if err == nil && (!done || len(message) != 0) {
		err = fmt.Errorf("the exchange is not done, but sends %q", message)
	}
	return first, final, err
}

// Client and server agree, whatever the name and the password.
func TestScramAgrees(t *testing.T) {
	for name, test := range map[string]struct {
		credentials  sasl.Credentials
		start        string // of the client's first message, up to the nonce
		end          string // of it, after the nonce
		iterations   int
		differentPwd string // the server's, if another
	}{
		"plain":            {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw")}, start: "n,,n=alice,r="},
		"most iterations":  {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw")}, start: "n,,n=alice,r=", iterations: 16384},
		"escaped":          {credentials: sasl.Credentials{User: "a=b,c", Password: sasl.NewSecret("p,w=")}, start: "n,,n=a=3Db=2Cc,r="},
		"already escaped":  {credentials: sasl.Credentials{User: "=2C", Password: sasl.NewSecret("pw")}, start: "n,,n==3D2C,r="},
		"not normalized":   {credentials: sasl.Credentials{User: "Ⅸ\u00ad", Password: sasl.NewSecret("pass\u00a0wörd")}, start: "n,,n=Ⅸ\u00ad,r="},
		"long password":    {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret(strings.Repeat("long", 1000))}, start: "n,,n=alice,r="},
		"for somebody":     {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw"), AuthorizationID: "b=b"}, start: "n,a=b=3Db,n=alice,r="},
		"delegation token": {credentials: sasl.Credentials{User: "id", Password: sasl.NewSecret("aG1hYw=="), DelegationToken: true}, start: "n,,n=id,r=", end: ",tokenauth=true"},
		"wrong password":   {credentials: sasl.Credentials{User: "alice", Password: sasl.NewSecret("pw")}, start: "n,,n=alice,r=", differentPwd: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range scram(func(context.Context) (sasl.Credentials, error) { return test.credentials, nil }) {
				server := newScramServer(m.Name(), test.credentials.Password.Reveal())
				if test.iterations != 0 {
					server.iterations = test.iterations
				}
				if test.differentPwd != "" {
					server.password = test.differentPwd
				}
				first, _, err := converse(start(t, m, sasl.Endpoint{}), server)
				if !strings.HasPrefix(first, test.start) || !strings.HasSuffix(first, test.end) {
					t.Errorf("%s: got the first message %q, want it to be %q with a nonce, and %q", m, first, test.start, test.end)
				}
				if test.differentPwd == "" && err != nil {
					t.Errorf("%s: %v", m, err)
				}
				if test.differentPwd != "" && (!errors.Is(err, sasl.ErrRefused) || !strings.Contains(err.Error(), `"invalid-proof"`)) {
					t.Errorf("%s: got the error %v, want the server's", m, err)
				}
			}
		})
	}
}

// DelegationToken encodes the HMAC as brokers do, and keeps a copy of it.
func TestDelegationToken(t *testing.T) {
	hmac := []byte{0xff, 0xfe, 0xfd, 1}
	get := sasl.DelegationToken("id", hmac)
	clear(hmac)
	c, err := get(t.Context())
	if err != nil || c.User != "id" || c.Password.Reveal() != "//79AQ==" || !c.DelegationToken {
		t.Errorf("got %v with the password %q, %v", c, c.Password.Reveal(), err)
	}
}

// Every exchange has a nonce of its own.
func TestScramNonces(t *testing.T) {
	m := &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")}
	seen := map[string]bool{}
	for range 100 {
		message, _, err := start(t, m, sasl.Endpoint{}).Step(nil)
		if err != nil {
			t.Fatal(err)
		}
		nonce := field(string(message), "r")
		if len(nonce) < 22 || seen[nonce] {
			t.Fatalf("the nonce %q is short or used before", nonce)
		}
		seen[nonce] = true
	}
}

// What a broker may say instead of its first message. NONCE stands for the client's nonce.
func TestScramServerFirst(t *testing.T) {
	const salt = "c29tZSBzYWx0"
	for name, test := range map[string]struct{ message, want string }{
		"empty":                   {"", "has no nonce"},
		"only a nonce":            {"r=NONCEx", "has no salt"},
		"no iterations":           {"r=NONCEx,s=" + salt, "has no number of iterations"},
		"another order":           {"s=" + salt + ",r=NONCEx,i=4096", "has no nonce"},
		"another client's nonce":  {"r=xNONCE,s=" + salt + ",i=4096", "may be a replay"},
		"nonce cut":               {"r=NON,s=" + salt + ",i=4096", "may be a replay"},
		"nothing added to it":     {"r=NONCE,s=" + salt + ",i=4096", "may be a replay"},
		"nonce with a blank":      {"r=NONCE x,s=" + salt + ",i=4096", "has no nonce"},
		"nonce with a NUL":        {"r=NONCE\x00,s=" + salt + ",i=4096", "has no nonce"},
		"mandatory extension":     {"m=x,r=NONCEx,s=" + salt + ",i=4096", "demands an extension"},
		"empty salt":              {"r=NONCEx,s=,i=4096", "has no salt"},
		"salt not base64":         {"r=NONCEx,s=????,i=4096", "has no salt"},
		"salt without padding":    {"r=NONCEx,s=c29tZQ,i=4096", "has no salt"},
		"salt with a line end":    {"r=NONCEx,s=c29t\nZSBz,i=4096", "has no salt"},
		"salt with trailing bits": {"r=NONCEx,s=c29tZR==,i=4096", "has no salt"},
		"too few iterations":      {"r=NONCEx,s=" + salt + ",i=4095", `asks for "4095" iterations`},
		"one":                     {"r=NONCEx,s=" + salt + ",i=1", `asks for "1" iterations`},
		"none":                    {"r=NONCEx,s=" + salt + ",i=0", `asks for "0" iterations`},
		"too many":                {"r=NONCEx,s=" + salt + ",i=1000001", `asks for "1000001" iterations`},
		"minutes of work":         {"r=NONCEx,s=" + salt + ",i=2147483647", `asks for "2147483647" iterations`},
		"beyond 64 bits":          {"r=NONCEx,s=" + salt + ",i=18446744073709555712", `asks for "18446744073709555712" iterations`},
		"very many digits":        {"r=NONCEx,s=" + salt + ",i=" + strings.Repeat("9", 60_000), `9"... iterations`},
		"negative":                {"r=NONCEx,s=" + salt + ",i=-4096", "has no number of iterations"},
		"with a sign":             {"r=NONCEx,s=" + salt + ",i=+4096", "has no number of iterations"},
		"hexadecimal":             {"r=NONCEx,s=" + salt + ",i=0x1000", "has no number of iterations"},
		"a fraction":              {"r=NONCEx,s=" + salt + ",i=4096.5", "has no number of iterations"},
		"an error too early":      {"e=unknown-user", `refuses the credentials: "unknown-user"`},
		"huge salt":               {"r=NONCEx,s=" + strings.Repeat("AAAA", 20_000) + ",i=4096", "more than 65536 are not read"},
		"endless":                 {strings.Repeat("r=", 1<<20), "more than 65536 are not read"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range scram(sasl.Password("alice", "pw")) {
				s := start(t, m, sasl.Endpoint{})
				first, _, err := s.Step(nil)
				if err != nil {
					t.Fatal(err)
				}
				message := strings.ReplaceAll(test.message, "NONCE", field(string(first), "r"))
				message = strings.ReplaceAll(message, "NON,", field(string(first), "r")[:10]+",")
				response, done, err := s.Step([]byte(message))
				if err == nil || !strings.Contains(err.Error(), test.want) || done || response != nil {
					t.Errorf("%s: got %q, %v, %v, want the error %q", m, response, done, err, test.want)
				}
				if err != nil && (len(err.Error()) > 500 || !strings.HasPrefix(err.Error(), "sasl: "+m.Name()+": ")) {
					t.Errorf("%s: the error is long or does not tell the mechanism: %v", m, err)
				}
				if _, _, err := s.Step([]byte(message)); err == nil || !strings.Contains(err.Error(), "over already") {
					t.Errorf("%s: a step after the error: got %v", m, err)
				}
			}
		})
	}
}

// Extensions that nobody needs to know are passed over, as RFC 5802 says.
func TestScramOptionalExtensions(t *testing.T) {
	m := &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")}
	s, server := start(t, m, sasl.Endpoint{}), newScramServer("ScramSHA256", "pw")
	first, _, _ := s.Step(nil)
	server.first(first)
	server.serverFirst += ",x=more"
	final, _, err := s.Step([]byte(server.serverFirst))
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := s.Step(append(server.final(final), ",y=more"...)); !done || err != nil {
		t.Errorf("got %v, %v, want it done", done, err)
	}
}

// What a broker may say instead of its last message.
func TestScramServerFinal(t *testing.T) {
	wrong := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, test := range map[string]struct {
		message string // SIGNATURE is the right one
		want    error
	}{
		"empty":                  {"", sasl.ErrImpostor},
		"another signature":      {"v=" + wrong, sasl.ErrImpostor},
		"an empty one":           {"v=", sasl.ErrImpostor},
		"not base64":             {"v=%%%%", sasl.ErrImpostor},
		"something before it":    {"x=1,SIGNATURE", sasl.ErrImpostor},
		"the right one, cut":     {"CUT", sasl.ErrImpostor},
		"the right one and more": {"SIGNATUREAAAA", sasl.ErrImpostor},
		"an error":               {"e=invalid-proof", sasl.ErrRefused},
		"an empty error":         {"e=", sasl.ErrRefused},
		"an error, signed":       {"e=other-error,SIGNATURE", sasl.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range scram(sasl.Password("alice", "pw")) {
				s, server := start(t, m, sasl.Endpoint{}), newScramServer(m.Name(), "pw")
				message, _, err := s.Step(nil)
				if err != nil {
					t.Fatal(err)
				}
				if message, _, err = s.Step(server.first(message)); err != nil {
					t.Fatal(err)
				}
				signature := string(server.final(message))
				challenge := strings.ReplaceAll(test.message, "SIGNATURE", signature)
				challenge = strings.ReplaceAll(challenge, "CUT", signature[:22])
				_, done, err := s.Step([]byte(challenge))
				if done || !errors.Is(err, test.want) {
					t.Errorf("%s: got %v, %v, want %v", m, done, err, test.want)
				}
			}
		})
	}
}

// The error of a server is quoted so that it can do no harm, and no more of it than makes sense.
func TestScramQuotesErrors(t *testing.T) {
	m := &sasl.ScramSHA256{Credentials: sasl.Password("alice", "pw")}
	s := start(t, m, sasl.Endpoint{})
	s.Step(nil)
	_, _, err := s.Step([]byte("e=\x1b[2J\n" + strings.Repeat("x", 10_000)))
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") || len(err.Error()) > 500 {
		t.Errorf("got %q", err)
	}
}

// Sessions of one mechanism do not get in each other's way, with the right password and with one
// that is just being changed.
func TestScramConcurrently(t *testing.T) {
	var mu sync.Mutex
	n := 0
	for _, m := range scram(func(context.Context) (sasl.Credentials, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return sasl.Credentials{User: "alice", Password: sasl.NewSecret(fmt.Sprint("pw", n%3))}, nil
	}) {
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				s, err := m.Start(t.Context(), sasl.Endpoint{})
				if err != nil {
					t.Error(err)
					return
				}
				// The server knows one of the three.
				_, _, err = converse(s, newScramServer(m.Name(), "pw1"))
				if err != nil && !errors.Is(err, sasl.ErrRefused) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}
