package kafkatest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// A User may log in with every mechanism of [Cluster.Mechanisms]. OAUTHBEARER takes any
// unsecured token and believes the name in its claim "sub".
type User struct{ Name, Password string }

var users = []User{{"alice", "alice-secret"}, {"admin", "admin-secret"}}

// storePassword protects the PKCS12 stores of old releases, which must have one.
const storePassword = "store-secret"

const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
	oauthModule = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	unsecured   = "org.apache.kafka.common.security.oauthbearer.internals.unsecured."
)

// pemStores reports whether the brokers read PEM files (KIP-651). They do from 2.7 on, but up
// to 3.2 only if the key is encrypted, which crypto/x509 cannot write.
func (l *layout) pemStores() bool { return release(l.opts.Version).since("3.3") }

// jaasFile reports whether JAAS is configured by a file for the whole JVM, since the release
// knows no sasl.jaas.config for brokers (KIP-226).
func (l *layout) jaasFile() bool {
	return len(l.opts.mechanisms()) != 0 && !release(l.opts.Version).since("1.1")
}

// security sets TLS and SASL up. To an authorizer, should there be one, the nodes themselves
// are ANONYMOUS.
func (l *layout) security(p *properties, s *spec) {
	p.set("super.users", "User:admin;User:ANONYMOUS")
	if !s.broker {
		return
	}
	p.set("ssl.client.auth", "requested")
	if l.pemStores() {
		p.set("ssl.keystore.type", "PEM")
		p.set("ssl.keystore.location", l.path("broker.pem"))
		p.set("ssl.truststore.type", "PEM")
		p.set("ssl.truststore.location", l.path("ca.pem"))
	} else {
		p.set("ssl.keystore.type", "PKCS12")
		p.set("ssl.keystore.location", l.path("broker.p12"))
		p.set("ssl.keystore.password", storePassword)
		p.set("ssl.key.password", storePassword)
		p.set("ssl.truststore.type", "PKCS12")
		p.set("ssl.truststore.location", l.path("ca.p12"))
		p.set("ssl.truststore.password", storePassword)
	}
	mechanisms := l.opts.mechanisms()
	if len(mechanisms) == 0 {
		return
	}
	p.set("sasl.enabled.mechanisms", strings.Join(mechanisms, ","))
	if l.jaasFile() {
		return
	}
	for _, listener := range []string{saslPlaintext, saslSSL} {
		for _, mechanism := range mechanisms {
			prefix := "listener.name." + strings.ToLower(listener) + "." + strings.ToLower(mechanism) + "."
			p.set(prefix+"sasl.jaas.config", loginModule(mechanism))
			if mechanism == "OAUTHBEARER" {
				// Named because the default changed in 4.1 to one that wants a JWKS endpoint.
				p.set(prefix+"sasl.server.callback.handler.class", unsecured+"OAuthBearerUnsecuredValidatorCallbackHandler")
				p.set(prefix+"sasl.login.callback.handler.class", unsecured+"OAuthBearerUnsecuredLoginCallbackHandler")
			}
		}
	}
}

// loginModule is the JAAS entry of a mechanism on the broker's side.
func loginModule(mechanism string) string {
	switch {
	case mechanism == "PLAIN":
		entry := plainModule + " required"
		for _, u := range users {
			entry += " user_" + u.Name + "=" + quoteJAAS(u.Password)
		}
		return entry + ";"
	case isSCRAM(mechanism):
		return scramModule + " required;"
	default:
		// 2.0 wants a token of the broker's own, though it does not use it.
		return oauthModule + ` required unsecuredLoginStringClaim_sub="admin";`
	}
}

// quoteJAAS puts a JAAS option's value in quotes.
func quoteJAAS(value string) string { return `"` + strings.ReplaceAll(value, `"`, `\"`) + `"` }

func isSCRAM(mechanism string) bool { return strings.HasPrefix(mechanism, "SCRAM-") }

// jaas is the JAAS file of releases that need one. One SCRAM entry serves both mechanisms.
func (l *layout) jaas() []byte {
	var modules []string
	for _, m := range l.opts.mechanisms() {
		if entry := loginModule(m); !slices.Contains(modules, entry) {
			modules = append(modules, entry)
		}
	}
	return []byte("KafkaServer {\n  " + strings.Join(modules, "\n  ") + "\n};\n")
}

// secure makes the certificates and writes what the brokers read of them.
func (c *Cluster) secure(ctx context.Context) error {
	var err error
	if c.certs, err = newCertificates(); err != nil {
		return err
	}
	if err := os.WriteFile(c.layout.path("ca.pem"), c.certs.caPEM, 0o600); err != nil {
		return err
	}
	if c.layout.jaasFile() {
		if err := os.WriteFile(c.layout.path("jaas.conf"), c.layout.jaas(), 0o600); err != nil {
			return err
		}
	}
	if !c.layout.pemStores() {
		return c.makeStores(ctx)
	}
	broker, err := c.certs.issue("broker", nil)
	if err != nil {
		return err
	}
	text, err := pemOf(broker)
	if err != nil {
		return err
	}
	return os.WriteFile(c.layout.path("broker.pem"), text, 0o600)
}

// makeStores makes PKCS12 stores for releases that cannot read PEM. The JDK's keytool cannot
// take a private key in, so it makes the broker's key itself and we sign its request.
func (c *Cluster) makeStores(ctx context.Context) error {
	ca, key, trust := c.layout.path("ca.pem"), c.layout.path("broker.p12"), c.layout.path("ca.p12")
	request, signed := c.layout.path("broker.csr"), c.layout.path("broker.crt")
	keytool := func(store string, args ...string) error {
		args = append(args, "-keystore", store, "-storetype", "PKCS12", "-storepass", storePassword,
			"-J-XX:-UsePerfData", "-J-XX:TieredStopAtLevel=1")
		_, err := c.run(ctx, nil, c.tools.keytool, args...)
		return err
	}
	if err := keytool(key, "-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=broker"); err != nil {
		return err
	}
	if err := keytool(key, "-certreq", "-alias", "broker", "-file", request); err != nil {
		return err
	}
	text, err := os.ReadFile(request)
	if err != nil {
		return err
	}
	chain, err := c.certs.sign(text)
	if err != nil {
		return fmt.Errorf("keytool's request in %s: %w", request, err)
	}
	if err := os.WriteFile(signed, chain, 0o600); err != nil {
		return err
	}
	for _, store := range []string{key, trust} {
		if err := keytool(store, "-importcert", "-noprompt", "-alias", "ca", "-file", ca); err != nil {
			return err
		}
	}
	return keytool(key, "-importcert", "-noprompt", "-alias", "broker", "-file", signed)
}
