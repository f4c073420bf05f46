//go:build kafka

package sasl_test

// The tests with the build tag kafka start real brokers:
//
//	go test -tags kafka ./kgo/sasl

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A wire is a connection to a broker, as bare as can be.
type wire struct {
	net.Conn
	endpoint sasl.Endpoint
	versions map[kmsg.APIKey]int16 // the newest of each API that broker and kmsg have
}

// dial connects to the listener of a cluster's only broker.
func dial(t *testing.T, c *kafkatest.Cluster, listener string) *wire {
	t.Helper()
	w := &wire{endpoint: sasl.Endpoint{Addr: c.Listener(listener)[0], TLS: strings.Contains(listener, "SSL")}, versions: map[kmsg.APIKey]int16{}}
	ranges, err := kafkatest.ApiVersions(t.Context(), c.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range ranges {
		if api := kmsg.LookupAPI(kmsg.APIKey(r.Key)); api != nil {
			w.versions[api.Key] = min(r.Max, api.MaxVersion)
		}
	}
	w.Conn, err = net.Dial("tcp", w.endpoint.Addr)
	if w.endpoint.TLS {
		w.Conn, err = tls.Dial("tcp", w.endpoint.Addr, &tls.Config{RootCAs: c.CA()})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	if err := w.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask sends a request at its version, and decodes the answer into resp.
func (w *wire) ask(req kmsg.Request, resp kmsg.Response) error {
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7, ClientID: kbin.Str("franzi")}, req)
	if err != nil {
		return err
	}
	if _, err := w.Write(frame); err != nil {
		return err
	}
	answer, err := kmsg.ReadFrame(w, nil, kmsg.MaxFrame)
	if err != nil {
		return err
	}
	_, err = kmsg.DecodeResponse(answer, resp)
	return err
}

// A refusal is a broker's error code for an authentication.
type refusal struct {
	code    kmsg.ErrorCode
	message string
}

func (r refusal) Error() string { return fmt.Sprintf("%v: %s", r.code, r.message) }

// login authenticates the connection, and proves that with a request that needs it.
func (w *wire) login(t *testing.T, m sasl.Mechanism) error {
	t.Helper()
	session, err := m.Start(t.Context(), w.endpoint)
	if err != nil {
		return err
	}
	handshake := kmsg.NewSASLHandshakeRequest()
	handshake.Mechanism = m.Name()
	handshake.Version = w.versions[kmsg.KeySASLHandshake]
	offered := handshake.NewResponse()
	if err := w.ask(handshake, offered); err != nil {
		return err
	}
	if err := offered.ErrorCode.Err(); err != nil {
		return fmt.Errorf("%w; the broker has %q", err, offered.Mechanisms)
	}
	carry := w.frame
	if handshake.Version > 0 {
		carry = w.authenticate
	}
	var challenge []byte
	for {
		message, done, err := session.Step(challenge)
		if err != nil {
			return err
		}
		if done {
			break
		}
		if challenge, err = carry(message); err != nil {
			return err
		}
	}
	metadata := kmsg.NewMetadataRequest()
	metadata.Version = 1
	return w.ask(metadata, metadata.NewResponse())
}

// authenticate carries a message in a request.
func (w *wire) authenticate(message []byte) ([]byte, error) {
	req := kmsg.NewSASLAuthenticateRequest()
	req.Version = w.versions[kmsg.KeySASLAuthenticate]
	req.AuthBytes = message
	resp := req.NewResponse()
	if err := w.ask(req, resp); err != nil {
		return nil, err
	}
	if resp.ErrorCode != 0 {
		return nil, refusal{resp.ErrorCode, resp.ErrorMessage.S}
	}
	return resp.AuthBytes, nil
}

// frame carries a message as it is, after SaslHandshake version 0.
func (w *wire) frame(message []byte) ([]byte, error) {
	if _, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)); err != nil {
		return nil, err
	}
	return kmsg.ReadFrame(w, nil, 1<<20)
}

// refused reports whether an error is a broker's, in the words that it has.
func (w *wire) refused(err error) bool {
	var r refusal
	if w.versions[kmsg.KeySASLHandshake] == 0 {
		return errors.Is(err, io.EOF) // it closes the connection
	}
	return errors.As(err, &r) && r.code == kmsg.SASLAuthenticationFailed
}

// unsecured is a token that nobody signed, as the brokers' validator for tests takes it.
func unsecured(user string, expires time.Time) string {
	b64 := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, time.Now().Unix(), expires.Unix())
	return b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(claims)) + "."
}

func TestKafka(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		if strings.HasPrefix(version, "0.8.") || strings.HasPrefix(version, "0.9.") {
			continue // these have only GSSAPI, or nothing
		}
		t.Run(version, func(t *testing.T) {
			const secret = "0123456789abcdef"
			c := kafkatest.New(t, kafkatest.Options{Version: version, Security: true, Properties: map[string]string{
				"delegation.token.secret.key": secret,
				"delegation.token.master.key": secret, // its name before 2.8
			}})
			for _, listener := range []string{"SASL_PLAINTEXT", "SASL_SSL"} {
				t.Run(listener, func(t *testing.T) { testListener(t, c, listener) })
			}
			if w := dial(t, c, "PLAINTEXT"); w.versions[kmsg.KeyCreateDelegationToken] > 0 {
				t.Run("delegation token", func(t *testing.T) { testDelegationToken(t, c) })
			}
			if w := dial(t, c, "PLAINTEXT"); w.has(kmsg.KeyAlterUserSCRAMCredentials) {
				t.Run("strange names", func(t *testing.T) { testStrangeName(t, c) })
			}
		})
	}
}

func (w *wire) has(key kmsg.APIKey) bool {
	_, ok := w.versions[key]
	return ok
}

// testListener logs in with every mechanism, as everybody, and with what is wrong.
func testListener(t *testing.T, c *kafkatest.Cluster, listener string) {
	mechanisms := func(user, password string) []sasl.Mechanism {
		all := []sasl.Mechanism{
			&sasl.Plain{Credentials: sasl.Password(user, password), AllowWithoutTLS: true},
			&sasl.Plain{Credentials: credentials(user, password, user), AllowWithoutTLS: true}, // may act as itself
			&sasl.ScramSHA256{Credentials: sasl.Password(user, password)},
			&sasl.ScramSHA512{Credentials: sasl.Password(user, password)},
			&sasl.ScramSHA512{Credentials: credentials(user, password, user)},
		}
		return slices.DeleteFunc(all, func(m sasl.Mechanism) bool { return !slices.Contains(c.Mechanisms(), m.Name()) })
	}
	for _, u := range c.Users() {
		for _, m := range mechanisms(u.Name, u.Password) {
			for range 2 { // the second time with keys that SCRAM remembers
				if err := dial(t, c, listener).login(t, m); err != nil {
					t.Errorf("%s as %s: %v", m, u.Name, err)
				}
			}
		}
	}
	for _, stranger := range [][2]string{{"alice", "guessed"}, {"nobody", "alice-secret"}} {
		for _, m := range mechanisms(stranger[0], stranger[1]) {
			w := dial(t, c, listener)
			if err := w.login(t, m); !w.refused(err) {
				t.Errorf("%s as %q: got %v, want it to be refused", m, stranger, err)
			}
		}
	}
	somebody := credentials("alice", "alice-secret", "admin")
	for _, m := range []sasl.Mechanism{
		&sasl.Plain{Credentials: somebody, AllowWithoutTLS: true}, &sasl.ScramSHA256{Credentials: somebody},
	} {
		w := dial(t, c, listener)
		if err := w.login(t, m); !w.refused(err) {
			t.Errorf("%s, alice as admin: got %v, want it to be refused", m, err)
		}
	}
	if slices.Contains(c.Mechanisms(), "OAUTHBEARER") {
		testOAuthBearer(t, c, listener)
	}
}

func testOAuthBearer(t *testing.T, c *kafkatest.Cluster, listener string) {
	provider := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer"}`, unsecured(user, time.Now().Add(time.Hour)))
	}))
	defer provider.Close()
	for name, m := range map[string]*sasl.OAuthBearer{
		"a token": {Tokens: sasl.StaticToken(unsecured("alice", time.Now().Add(time.Hour)))},
		"as itself": {Tokens: sasl.StaticToken(unsecured("alice", time.Now().Add(time.Hour))), AuthorizationID: "alice",
			Extensions: map[string]string{"logicalCluster": "lkc-1, = 2"}},
		"a provider": {Tokens: &oauth.ClientCredentials{
			Endpoint: oauth.Endpoint{URL: provider.URL, Client: provider.Client()}, Credentials: sasl.Password("alice", "s"),
		}},
	} {
		m.AllowWithoutTLS = true
		for range 2 {
			if err := dial(t, c, listener).login(t, m); err != nil {
				t.Errorf("OAUTHBEARER, %s: %v", name, err)
			}
		}
	}
	for name, token := range map[string]string{
		"expired":  unsecured("alice", time.Now().Add(-time.Hour)),
		"nonsense": "nonsense",
	} {
		w := dial(t, c, listener)
		err := w.login(t, &sasl.OAuthBearer{Tokens: sasl.StaticToken(token), AllowWithoutTLS: true})
		// The broker's reason comes as a challenge, which has to be answered for the error.
		if !w.refused(err) || !strings.Contains(err.Error(), `"status":"invalid_token"`) {
			t.Errorf("OAUTHBEARER, a token that is %s: got %v, want the broker's reason", name, err)
		}
	}
	w := dial(t, c, listener)
	err := w.login(t, &sasl.OAuthBearer{Tokens: sasl.StaticToken(unsecured("alice", time.Now().Add(time.Hour))), AuthorizationID: "admin", AllowWithoutTLS: true})
	if !w.refused(err) {
		t.Errorf("OAUTHBEARER, alice as admin: got %v, want it to be refused", err)
	}
}

// testDelegationToken has alice get a token, and logs in with that.
func testDelegationToken(t *testing.T, c *kafkatest.Cluster) {
	w := dial(t, c, "SASL_SSL")
	if err := w.login(t, &sasl.ScramSHA512{Credentials: sasl.Password("alice", "alice-secret")}); err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewCreateDelegationTokenRequest()
	req.Version = min(w.versions[kmsg.KeyCreateDelegationToken], 2)
	req.MaxLifetimeMs = -1
	token := req.NewResponse()
	if err := w.ask(req, token); err != nil {
		t.Fatal(err)
	}
	if err := token.ErrorCode.Err(); err != nil {
		t.Fatal(err)
	}
	get := sasl.DelegationToken(token.TokenID, token.HMAC)
	for _, m := range []sasl.Mechanism{&sasl.ScramSHA256{Credentials: get}, &sasl.ScramSHA512{Credentials: get}} {
		eventually(t, func(w *wire) error { return w.login(t, m) }, c)
	}
	wrong := sasl.DelegationToken(token.TokenID, append([]byte{1}, token.HMAC...))
	w = dial(t, c, "SASL_SSL")
	if err := w.login(t, &sasl.ScramSHA256{Credentials: wrong}); !w.refused(err) {
		t.Errorf("a token with another HMAC: got %v, want it to be refused", err)
	}
	user := sasl.Password(token.TokenID, base64.StdEncoding.EncodeToString(token.HMAC))
	w = dial(t, c, "SASL_SSL")
	if err := w.login(t, &sasl.ScramSHA256{Credentials: user}); !w.refused(err) {
		t.Errorf("a token that does not say that it is one: got %v, want it to be refused", err)
	}
}

// testStrangeName makes a user whose name needs to be escaped, and whose password is hashed as
// often as brokers allow.
func testStrangeName(t *testing.T, c *kafkatest.Cluster) {
	const user, password, iterations = "a=b,c=2C", "pä ss,=\u00a0\u00ad", 16384
	salted, err := pbkdf2.Key(sha256.New, password, []byte("salt"), iterations, 32)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewAlterUserSCRAMCredentialsRequest()
	req.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestSCRAMCredentialUpsertion{{
		Name: user, Mechanism: kmsg.SCRAMSHA256, Iterations: iterations, Salt: []byte("salt"), SaltedPassword: salted,
	}}
	resp := req.NewResponse()
	if err := dial(t, c, "PLAINTEXT").ask(req, resp); err != nil {
		t.Fatal(err)
	}
	if err := resp.Results[0].ErrorCode.Err(); err != nil {
		t.Fatal(err)
	}
	m := &sasl.ScramSHA256{Credentials: sasl.Password(user, password)}
	eventually(t, func(w *wire) error { return w.login(t, m) }, c)
}

// eventually tries until a broker knows of what was just made.
func eventually(t *testing.T, try func(*wire) error, c *kafkatest.Cluster) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		w := dial(t, c, "SASL_SSL")
		err := try(w)
		if err == nil {
			return
		}
		if !w.refused(err) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
