package settings

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// write writes a file of the test and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func set(pairs ...string) []Assignment {
	var all []Assignment
	for _, p := range pairs {
		key, value, _ := strings.Cut(p, "=")
		all = append(all, Assignment{key, value, "-X"})
	}
	return all
}

func mustLoad(t *testing.T, in Input) *Settings {
	t.Helper()
	s, err := Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The keys are in order, since they are searched for, and every name leads to one key.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for i, k := range keys {
		if i > 0 && keys[i-1].Name >= k.Name {
			t.Errorf("%s stands after %s", k.Name, keys[i-1].Name)
		}
		for _, name := range append([]string{k.Name}, k.Aliases...) {
			if seen[name] {
				t.Errorf("%s stands twice", name)
			}
			seen[name] = true
			if found, ok := lookup(name); !ok || found.Name != k.Name {
				t.Errorf("%s leads to %v", name, found)
			}
		}
		if k.Doc == "" {
			t.Errorf("%s is not explained", k.Name)
		}
	}
}

// From the weakest to the strongest: each place wins over those before.
func TestPrecedence(t *testing.T) {
	config := write(t, "config.toml", `
default = "home"
[profiles.home]
client.id = "default profile"
[profiles.prod]
client.id = "profile"
brokers = ["a:1", "b:2"]
`)
	file := write(t, "client.properties", "client.id=file\n")
	in := Input{Environ: []string{"FRANZI_CONFIG=" + config}}
	check := func(want string) {
		t.Helper()
		if got := mustLoad(t, in).ClientID(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check("default profile")
	in.Environ = append(in.Environ, "FRANZI_CLIENT_ID=environment")
	check("environment")
	in.Profile = "prod"
	check("profile")
	in.File = file
	check("file")
	in.Set = set("client.id=flag")
	check("flag")
	in.Set = set("client.id=flag", "client.id=later")
	check("later")
	if got := mustLoad(t, in).Brokers(); !slices.Equal(got, []string{"a:1", "b:2"}) {
		t.Errorf("got the brokers %q", got)
	}
}

// Brokers that the command line names leave a profile aside that it does not name, so that a
// password does not go elsewhere.
func TestBrokersElsewhere(t *testing.T) {
	config := write(t, "config.toml", "default='prod'\n[profiles.prod]\nbrokers='prod:1'\nsasl.mechanism='PLAIN'\nsasl.password='secret'\n")
	for _, env := range []string{"", "FRANZI_PROFILE=prod"} {
		in := Input{Set: set("bootstrap.servers=localhost"), Environ: []string{"FRANZI_CONFIG=" + config, env}}
		if s := mustLoad(t, in); s.has("sasl.password") || s.Profile() != "" {
			t.Errorf("%q: the profile is used", env)
		}
		in.Profile = "prod"
		if s := mustLoad(t, in); !s.has("sasl.password") || s.Brokers()[0] != "localhost:9092" {
			t.Errorf("%q: the profile that -p names is not used", env)
		}
	}
}

// What is wrong is told with its place, and what may have been meant.
func TestMistakes(t *testing.T) {
	config := write(t, "config.toml", "[profiles.prod]\nbrokers='a'\n")
	for _, tt := range []struct {
		in   Input
		want string
	}{
		{Input{Set: set("bootsrap.servers=a")}, "-X: unknown key bootsrap.servers: did you mean bootstrap.servers?"},
		{Input{Set: set("zzz=a")}, "-X: unknown key zzz; see franzi settings list"},
		{Input{Set: set("sasl.kerberos.service.name=kafka")}, "GSSAPI (Kerberos) is not among"},
		{Input{File: write(t, "p", "client.id=a\nsasl.mechanims=PLAIN\n")}, "p:2: unknown key sasl.mechanims: did you mean sasl.mechanism?"},
		{Input{File: "/no/such/file"}, "no such file"},
		{Input{Profile: "prd", Environ: []string{"FRANZI_CONFIG=" + config}}, "has no profile \"prd\": did you mean prod?"},
		{Input{Environ: []string{"FRANZI_CONFIG=/no/such/file"}}, "FRANZI_CONFIG: there is no file"},
		{Input{Environ: []string{"FRANZI_CONFIG=" + write(t, "c", "[profiles.a]\nx=1\n[profile.b]\n")}}, "unknown key profile"},
		{Input{Environ: []string{"FRANZI_CONFIG=" + write(t, "d", "a = [")}}, "d:1: "},
		{Input{Environ: []string{"FRANZI_CONFIG=" + write(t, "e", "default='x'")}}, "the default profile \"x\" is not there"},
	} {
		if _, err := Load(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// Variables that look like a slip are mentioned; those of others are not.
func TestVariables(t *testing.T) {
	s := mustLoad(t, Input{Environ: []string{"FRANZI_SASL_PASWORD=x", "FRANZI_SERVICE_HOST=10.0.0.1", "FRANZI_PORT=1", "FRANZI_BROKERS=a:1"}})
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "is it FRANZI_SASL_PASSWORD?") {
		t.Errorf("got %q", w)
	}
	if s.Brokers()[0] != "a:1" {
		t.Errorf("got %q", s.Brokers())
	}
}

// Keys of other clients that mean nothing here are passed over.
func TestIgnored(t *testing.T) {
	s := mustLoad(t, Input{Set: set("group.id=g", "key.deserializer=x", "enable.auto.commit=true", "debug=all")})
	if got := s.Ignored(); len(got) != 4 {
		t.Errorf("got %q", got)
	}
}

// Files of properties are read as Java reads them.
func TestProperties(t *testing.T) {
	path := write(t, "p", "# comment\n! another\n\n  client.id : a\\\n   b\nsasl.username=\\u00e9\\t\\\\\nsasl.password secret with = signs\r\nsasl.jaas.config=org.X required \\\n  username=\"u\" \\\n  password=\"p\";\n")
	s := mustLoad(t, Input{File: path})
	for key, want := range map[string]string{
		"client.id": "ab", "sasl.username": "é\t\\", "sasl.password": "secret with = signs",
		"sasl.jaas.config": `org.X required username="u" password="p";`,
	} {
		if got, err := s.get(key); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
		}
	}
	if _, err := Load(Input{File: write(t, "q", "client.id=\\u12")}); err == nil || !strings.Contains(err.Error(), `\u needs four`) {
		t.Errorf("got %v", err)
	}
}

// Secrets come from files, variables and commands, and are never shown.
func TestSecrets(t *testing.T) {
	path := write(t, "secret", "hunter2\n")
	for _, in := range []Input{
		{Set: set("sasl.password=hunter2")},
		{Set: set("sasl.password.file=" + path)},
		{Set: set("sasl.password.env=PW"), Environ: []string{"PW=hunter2"}},
		{Set: set("sasl.password.command=echo hunter2")},
		{Environ: []string{"FRANZI_SASL_PASSWORD=hunter2"}},
		{Environ: []string{"FRANZI_SASL_PASSWORD_FILE=" + path}},
	} {
		s := mustLoad(t, in)
		if got, err := s.get("sasl.password"); got != "hunter2" || err != nil {
			t.Errorf("%v: got %q, %v", in, got, err)
		}
		for _, e := range s.Effective() {
			if e.Value == "hunter2" {
				t.Errorf("%v: the secret is shown", in)
			}
		}
	}
	for pair, want := range map[string]string{
		"sasl.password.file=/no/such":  "no such file",
		"sasl.password.env=NOSUCH":     "there is no environment variable NOSUCH",
		"sasl.password.command=exit 3": "the command fails: exit status 3",
		"client.id.file=/etc/passwd":   "unknown key client.id.file",
	} {
		s, err := Load(Input{Set: set(pair)})
		if err == nil {
			_, err = s.get("sasl.password")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", pair, err)
		}
	}
}

func TestProtocol(t *testing.T) {
	tests := []struct {
		set  []string
		want string
	}{
		{nil, "PLAINTEXT"},
		{[]string{"tls=true"}, "SSL"},
		{[]string{"ssl.ca.location=x"}, "SSL"},
		{[]string{"sasl.mechanisms=PLAIN"}, "SASL_PLAINTEXT"},
		{[]string{"sasl.mechanism=PLAIN", "tls=true"}, "SASL_SSL"},
		{[]string{"security.protocol=sasl_ssl"}, "SASL_SSL"},
		// security.protocol wins over what is merely there.
		{[]string{"security.protocol=PLAINTEXT", "ssl.ca.location=x", "sasl.mechanism=PLAIN"}, "PLAINTEXT"},
		{[]string{"security.protocol=SASL_PLAINTEXT", "tls=true"}, "SASL_SSL"},
	}
	for _, tt := range tests {
		if got, err := mustLoad(t, Input{Set: set(tt.set...)}).Protocol(); got != tt.want || err != nil {
			t.Errorf("%q: got %s, %v, want %s", tt.set, got, err, tt.want)
		}
	}
	// A flag says anew what a file says.
	file := write(t, "p", "security.protocol=PLAINTEXT\n")
	if got, err := mustLoad(t, Input{File: file, Set: set("sasl.mechanism=PLAIN", "tls=true")}).Protocol(); got != "SASL_SSL" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := mustLoad(t, Input{Set: set("security.protocol=TLS")}).Protocol(); err == nil {
		t.Error("TLS is taken for a protocol")
	}
}

// Login modules of Java name mechanism, user and password.
func TestMechanisms(t *testing.T) {
	jaas := func(module, options string) string {
		return "sasl.jaas.config=org.apache.kafka.common.security." + module + " required " + options + ";"
	}
	for _, tt := range []struct {
		set  []string
		name string
		user string // of password mechanisms
	}{
		{[]string{"sasl.mechanism=SCRAM-SHA-256", "sasl.username=u", "sasl.password=p"}, "SCRAM-SHA-256", "u"},
		{[]string{"sasl.mechanism=scram-sha-512", jaas("scram.ScramLoginModule", `username="u" password='p'`)}, "SCRAM-SHA-512", "u"},
		{[]string{"security.protocol=SASL_PLAINTEXT", jaas("plain.PlainLoginModule", `username="a\"b" password="p"`)}, "PLAIN", `a"b`},
		{[]string{"security.protocol=SASL_SSL", jaas("plain.PlainLoginModule", `username="u" password="p"`), "sasl.username=other"}, "PLAIN", "other"},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token=x"}, "OAUTHBEARER", ""},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://x/token", "sasl.oauthbearer.client.id=i", "sasl.oauthbearer.client.secret=s", "sasl.oauthbearer.extensions=a=b"}, "OAUTHBEARER", ""},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://x/token", jaas("oauthbearer.OAuthBearerLoginModule", `clientId="i" clientSecret="s" scope="x" extension_cluster="c"`)}, "OAUTHBEARER", ""},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://x/token", "sasl.oauthbearer.grant.type=jwt-bearer", "sasl.oauthbearer.assertion.private.key.file=key.pem", "sasl.oauthbearer.assertion.claim.exp.seconds=60"}, "OAUTHBEARER", ""},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=file:///run/token"}, "OAUTHBEARER", ""},
		{[]string{"sasl.mechanism=AWS_MSK_IAM", "tls=true"}, "AWS_MSK_IAM", ""},
		{[]string{"security.protocol=SASL_SSL", "sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;"}, "AWS_MSK_IAM", ""},
	} {
		s := mustLoad(t, Input{Set: set(tt.set...)})
		m, err := s.Mechanism(false)
		if err != nil || m.Name() != tt.name {
			t.Errorf("%q: got %v, %v", tt.set, m, err)
			continue
		}
		if c, ok := m.(sasl.Checker); ok {
			if err := c.Check(true); err != nil {
				t.Errorf("%q: %v", tt.set, err)
			}
		}
		var credentials sasl.CredentialsFunc
		switch m := m.(type) {
		case *sasl.Plain:
			credentials = m.Credentials
		case *sasl.ScramSHA256:
			credentials = m.Credentials
		case *sasl.ScramSHA512:
			credentials = m.Credentials
		default:
			continue
		}
		if got, err := credentials(context.Background()); err != nil || got.User != tt.user || got.Password.Reveal() != "p" {
			t.Errorf("%q: got %v, %v", tt.set, got, err)
		}
	}
	for _, tt := range []struct {
		set  []string
		want string
	}{
		{[]string{"sasl.mechanism=GSSAPI"}, "GSSAPI (Kerberos) is not among"},
		{[]string{"sasl.mechanism=PLAIM"}, "did you mean PLAIN?"},
		{[]string{"security.protocol=SASL_SSL"}, "SASL needs a mechanism"},
		{[]string{"sasl.mechanism=PLAIN"}, "who logs in?"},
		{[]string{"sasl.mechanism=PLAIN", "sasl.username=u"}, "no password"},
		{[]string{"sasl.mechanism=PLAIN", "sasl.jaas.config=x y"}, "the semicolon at the end is missing"},
		{[]string{"sasl.mechanism=PLAIN", `sasl.jaas.config=x required a="b`}, "a quote is open"},
		{[]string{"sasl.mechanism=PLAIN", `sasl.jaas.config=x required a;`}, "options are name="},
		{[]string{"sasl.mechanism=PLAIN", `sasl.jaas.config=x needed a=b;`}, "the word required"},
		{[]string{"sasl.mechanism=PLAIN", jaas("Krb5LoginModule", "a=b")}, "Kerberos"},
		{[]string{"sasl.mechanism=OAUTHBEARER"}, "where do tokens come from?"},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://x"}, "who is the client?"},
		{[]string{"sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://x", "sasl.oauthbearer.grant.type=jwt-bearer"}, "jwt-bearer needs"},
		{[]string{"sasl.mechanism=AWS_MSK_IAM", `sasl.jaas.config=x.IAMLoginModule required awsRoleArn="r";`}, "awsRoleArn needs an AWS SDK"},
	} {
		if _, err := mustLoad(t, Input{Set: set(tt.set...)}).Mechanism(false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.set, err, tt.want)
		}
	}
}

// No error shows a password, whatever is wrong.
func TestErrorsHideSecrets(t *testing.T) {
	for _, pairs := range [][]string{
		{"sasl.mechanism=PLAIN", `sasl.jaas.config=x required username="u" password="needle`},
		{"sasl.mechanism=NONSENSE", "sasl.password=needle"},
		{"tls=true", "ssl.keystore.key=needle", "ssl.key.password=needle"},
	} {
		s := mustLoad(t, Input{Set: set(pairs...)})
		_, err := s.Mechanism(false)
		_, tlsErr := s.TLS()
		if text := fmt.Sprint(err, tlsErr); strings.Contains(text, "needle") {
			t.Errorf("%q: %s", pairs, text)
		}
	}
}

// certificate makes a certificate that is signed by itself, and its key, as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	certFile, keyFile, both := write(t, "cert.pem", cert), write(t, "key.pem", key), write(t, "both.pem", key+cert)
	for _, tt := range []struct {
		set  []string
		want string // of the error, "" for none
		own  bool   // there is a certificate of the client's
	}{
		{[]string{"tls=true"}, "", false},
		{[]string{"ssl.ca.location=" + certFile}, "", false},
		{[]string{"ssl.truststore.type=PEM", "ssl.truststore.location=" + certFile}, "", false},
		{[]string{"ssl.truststore.certificates=" + cert}, "", false},
		{[]string{"ssl.certificate.location=" + certFile, "ssl.key.location=" + keyFile}, "", true},
		{[]string{"ssl.keystore.type=PEM", "ssl.keystore.location=" + both}, "", true},
		{[]string{"ssl.certificate.location=" + both}, "", true},
		{[]string{"ssl.keystore.key=" + key, "ssl.keystore.certificate.chain=" + cert}, "", true},
		{[]string{"ssl.truststore.type=JKS", "ssl.truststore.location=x.jks"}, "keytool -importkeystore", false},
		{[]string{"ssl.truststore.location=" + write(t, "x.jks", "\xfe\xed\xfe\xed")}, "keytool -importkeystore", false},
		{[]string{"ssl.keystore.location=" + write(t, "x.p12", "\x30\x82")}, "openssl pkcs12", false},
		{[]string{"ssl.ca.location=" + keyFile}, "there is no certificate in PEM", false},
		{[]string{"ssl.ca.location=/no/such"}, "no such file", false},
		{[]string{"ssl.key.location=" + keyFile}, "there is a private key, but no certificate", false},
		{[]string{"ssl.certificate.location=" + certFile}, "there is no private key in PEM", false},
		{[]string{"tls=true", "ssl.enabled.protocols=TLSv1.1"}, "neither TLSv1.2 nor TLSv1.3", false},
	} {
		cfg, err := mustLoad(t, Input{Set: set(tt.set...)}).TLS()
		switch {
		case tt.want != "":
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q: got %v, want %s", tt.set, err, tt.want)
			}
		case err != nil || cfg == nil:
			t.Errorf("%q: got %v, %v", tt.set, cfg, err)
		case cfg.InsecureSkipVerify || len(cfg.Certificates) > 0 != tt.own:
			t.Errorf("%q: got %d certificates, unverified %v", tt.set, len(cfg.Certificates), cfg.InsecureSkipVerify)
		}
	}
	if cfg, err := mustLoad(t, Input{Set: set("tls=true", "ssl.endpoint.identification.algorithm=")}).TLS(); err != nil || cfg.VerifyConnection == nil {
		t.Errorf("without names the authority is not verified: %v", err)
	}
}

// Options are accepted by a client.
func TestOptions(t *testing.T) {
	good := mustLoad(t, Input{Set: set("brokers=PLAINTEXT://a:1,b", "request.timeout.ms=1000", "retries=2147483647", "retry.backoff.ms=5", "retry.backoff.max.ms=3", "connections.max.idle.ms=-1", "protocol.release=2.8")})
	opts, err := good.Options()
	if err != nil {
		t.Fatal(err)
	}
	c, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if got := good.Brokers(); !slices.Equal(got, []string{"a:1", "b:9092"}) {
		t.Errorf("got %q", got)
	}
	bad := mustLoad(t, Input{Set: set("brokers=a", "request.timeout.ms=soon", "retries=-1")})
	if _, err := bad.Options(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not all mistakes are told: %v", err)
	}
	if m, err := mustLoad(t, Input{Set: set("address.map=a:1=b:2,c:3=d:4")}).AddressMap(); err != nil || m["a:1"] != "b:2" || m["c:3"] != "d:4" {
		t.Errorf("got %v, %v", m, err)
	}
}

// FuzzJAAS: whatever the text, there is no panic.
func FuzzJAAS(f *testing.F) {
	f.Add(`org.X required username="u" password='p';`)
	f.Add(`x required a="\`)
	f.Fuzz(func(t *testing.T, text string) {
		if j, err := parseJAAS(text); err == nil && j.module == "" && !strings.HasSuffix(strings.Fields(text + " x")[0], ".") && text[0] != '"' && text[0] != '\'' {
			t.Errorf("%q has no module", text)
		}
	})
}
