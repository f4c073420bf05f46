package settings

import (
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A Key is something that can be set.
type Key struct {
	Name    string   // the Java client's, else librdkafka's, else our own
	Aliases []string // other names of the same
	Doc     string
	Secret  bool
}

// Keys returns all keys that count, by name.
func Keys() []Key { return slices.Clone(keys) }

// The keys, as constants where they are read.
const (
	bootstrapServers = "bootstrap.servers"
	securityProtocol = "security.protocol"
	useTLS           = "tls"
	saslMechanism    = "sasl.mechanism"
)

var keys = []Key{
	{Name: "address.map", Doc: "where to find brokers instead of the addresses that they advertise: broker1:9092=localhost:19092,..."},
	{Name: "aws.profile", Doc: "the profile of the AWS credentials file, for AWS_MSK_IAM"},
	{Name: "aws.region", Doc: "the AWS region of the brokers, if their names do not say it"},
	{Name: bootstrapServers, Aliases: []string{"brokers", "metadata.broker.list"}, Doc: "the brokers to begin with, HOST:PORT,..."},
	{Name: "client.id", Doc: "the name that the client gives itself"},
	{Name: "connections.max.idle.ms", Doc: "when a connection that nobody uses is closed"},
	{Name: "enable.ssl.certificate.verification", Doc: "false trusts any certificate"},
	{Name: "metadata.max.age.ms", Aliases: []string{"topic.metadata.refresh.interval.ms"}, Doc: "when metadata is asked for again"},
	{Name: "protocol.release", Doc: "speak as a client of that release of Kafka, and no newer versions"},
	{Name: "reconnect.backoff.max.ms", Doc: "the longest pause before connecting again"},
	{Name: "reconnect.backoff.ms", Doc: "the first pause before connecting again"},
	{Name: "request.timeout.ms", Aliases: []string{"socket.timeout.ms"}, Doc: "how long a broker may take for an answer"},
	{Name: "retries", Doc: "how often a request is tried again"},
	{Name: "retry.backoff.max.ms", Doc: "the longest pause before a request is tried again"},
	{Name: "retry.backoff.ms", Doc: "the first pause before a request is tried again"},
	{Name: "sasl.jaas.config", Secret: true, Doc: "the login module of Java's client, with its options"},
	{Name: saslMechanism, Aliases: []string{"sasl.mechanisms"}, Doc: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM"},
	{Name: "sasl.oauthbearer.assertion.claim.aud", Doc: "whom the assertion is for"},
	{Name: "sasl.oauthbearer.assertion.claim.exp.seconds", Doc: "how long the assertion holds"},
	{Name: "sasl.oauthbearer.assertion.claim.iss", Doc: "who issues the assertion"},
	{Name: "sasl.oauthbearer.assertion.claim.jti.include", Doc: "true gives each assertion an id"},
	{Name: "sasl.oauthbearer.assertion.claim.nbf.seconds", Doc: "since when the assertion holds, before now"},
	{Name: "sasl.oauthbearer.assertion.claim.sub", Doc: "whom the assertion is about"},
	{Name: "sasl.oauthbearer.assertion.file", Doc: "a file with an assertion, which proves who the client is"},
	{Name: "sasl.oauthbearer.assertion.private.key.file", Doc: "a private key to make an assertion with, PEM"},
	{Name: "sasl.oauthbearer.client.credentials.client.id", Aliases: []string{"sasl.oauthbearer.client.id"}, Doc: "the client's id at the identity provider"},
	{Name: "sasl.oauthbearer.client.credentials.client.secret", Aliases: []string{"sasl.oauthbearer.client.secret"}, Secret: true, Doc: "the client's secret at the identity provider"},
	{Name: "sasl.oauthbearer.extensions", Doc: "what is sent beside the token: name=value,..."},
	{Name: "sasl.oauthbearer.grant.type", Doc: "client_credentials, the default, or jwt-bearer"},
	{Name: "sasl.oauthbearer.header.urlencode", Doc: "true escapes id and secret as RFC 6749 says"},
	{Name: "sasl.oauthbearer.scope", Doc: "what the token is to be good for"},
	{Name: "sasl.oauthbearer.token", Secret: true, Doc: "a token, instead of an identity provider that gives one"},
	{Name: "sasl.oauthbearer.token.endpoint.url", Doc: "where the identity provider gives tokens, https:// or file://"},
	{Name: "sasl.password", Secret: true, Doc: "the password"},
	{Name: "sasl.username", Doc: "the user's name"},
	{Name: securityProtocol, Doc: "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"},
	{Name: "socket.connection.setup.timeout.ms", Doc: "how long connecting may take"},
	{Name: "ssl.certificate.location", Doc: "the client's certificate and those between, PEM"},
	{Name: "ssl.enabled.protocols", Doc: "the versions of TLS that may be used: TLSv1.2,TLSv1.3"},
	{Name: "ssl.endpoint.identification.algorithm", Doc: "none or empty does not look at the name in certificates"},
	{Name: "ssl.key.location", Doc: "the client's private key, PEM"},
	{Name: "ssl.key.password", Secret: true, Doc: "the password of the private key"},
	{Name: "ssl.keystore.certificate.chain", Aliases: []string{"ssl.certificate.pem"}, Doc: "the client's certificate itself, as PEM"},
	{Name: "ssl.keystore.key", Aliases: []string{"ssl.key.pem"}, Secret: true, Doc: "the client's private key itself, as PEM"},
	{Name: "ssl.keystore.location", Doc: "a file with the client's private key and certificate, PEM"},
	{Name: "ssl.keystore.type", Doc: "PEM"},
	{Name: "ssl.server.name", Doc: "the name that certificates must be of, instead of the broker's host"},
	{Name: "ssl.truststore.certificates", Aliases: []string{"ssl.ca.pem"}, Doc: "the authorities that are trusted, themselves, as PEM"},
	{Name: "ssl.truststore.location", Aliases: []string{"ssl.ca.location"}, Doc: "a file with the authorities that are trusted, PEM"},
	{Name: "ssl.truststore.type", Doc: "PEM"},
	{Name: useTLS, Doc: "true uses TLS, whatever security.protocol says of it"},
}

// byName finds the name of a key by all its names.
var byName = func() map[string]string {
	m := map[string]string{}
	for _, k := range keys {
		m[k.Name] = k.Name
		for _, a := range k.Aliases {
			m[a] = k.Name
		}
	}
	return m
}()

// lookup returns a key by any of its names.
func lookup(name string) (Key, bool) {
	canonical, ok := byName[name]
	if !ok {
		return Key{}, false
	}
	i, _ := slices.BinarySearchFunc(keys, canonical, func(k Key, name string) int { return strings.Compare(k.Name, name) })
	return keys[i], true
}

// The ways to give a secret.
var indirections = []string{".file", ".env", ".command"}

// resolve says which key a name means: Key and the way in which the value is given, "" for as it
// is; or that the key does not count here, or why it is wrong.
func resolve(name string) (key Key, way string, ignored bool, problem string) {
	if k, ok := lookup(name); ok {
		return k, "", false, ""
	}
	for _, way := range indirections {
		if base, ok := strings.CutSuffix(name, way); ok {
			if k, ok := lookup(base); ok && k.Secret {
				return k, way, false, ""
			}
		}
	}
	if why := refused(name); why != "" {
		return Key{}, "", false, name + ": " + why
	}
	if isIgnored(name) {
		return Key{}, "", true, ""
	}
	problem = "unknown key " + name
	if best := kjson.Closest(name, names()); best != "" {
		problem += ": did you mean " + best + "?"
	} else {
		problem += "; see franzi settings list"
	}
	return Key{}, "", false, problem
}

// names are all names of keys.
func names() []string {
	var all []string
	for _, k := range keys {
		all = append(append(all, k.Name), k.Aliases...)
	}
	return all
}

// refused says why a key that other clients know cannot be heeded, and must not be passed over.
func refused(name string) string {
	switch {
	case strings.HasPrefix(name, "sasl.kerberos."):
		return "GSSAPI (Kerberos) is not among the mechanisms here: use SCRAM, OAUTHBEARER or a client certificate"
	case name == "sasl.oauthbearer.assertion.template.file", name == "sasl.oauthbearer.assertion.private.key.passphrase":
		return "it is not supported: make the assertion elsewhere, and name its file by sasl.oauthbearer.assertion.file"
	case name == "ssl.crl.location":
		return "lists of revoked certificates are not read"
	case name == "bootstrap.controllers":
		return "controllers are asked like brokers: name them with -b"
	case name == "ssl.engine.factory.class", name == "security.providers", name == "ssl.provider":
		return "classes of Java cannot be used here"
	}
	return ""
}
