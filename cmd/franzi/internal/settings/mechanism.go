package settings

import (
	"context"
	"errors"
	"strings"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/aws"
	"github.com/franzi-kafka/franzi/kgo/sasl/oauth"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"}

// Mechanisms lists the SASL mechanisms that there are.
func Mechanisms() []string { return append([]string(nil), mechanisms...) }

// Mechanism returns how to log in, nil for not at all. Secrets that would travel for all to read
// are refused by the mechanism, unless the user wants SASL_PLAINTEXT, or the caller says that
// connections are protected by other means.
func (s *Settings) Mechanism(protected bool) (sasl.Mechanism, error) {
	p, err := s.protocol()
	if err != nil || !p.sasl {
		return nil, err
	}
	login, err := s.login()
	if err != nil {
		return nil, err
	}
	name := strings.ToUpper(s.text(saslMechanism))
	if name == "" {
		name = login.mechanism()
	}
	open := p.plain || protected
	switch name {
	case "PLAIN":
		credentials, err := login.password()
		return &sasl.Plain{Credentials: credentials, AllowWithoutTLS: open}, err
	case "SCRAM-SHA-256":
		credentials, err := login.password()
		return &sasl.ScramSHA256{Credentials: credentials}, err
	case "SCRAM-SHA-512":
		credentials, err := login.password()
		return &sasl.ScramSHA512{Credentials: credentials}, err
	case "OAUTHBEARER":
		m, err := login.oauth()
		if err != nil {
			return nil, err
		}
		m.AllowWithoutTLS = open
		return m, nil
	case "AWS_MSK_IAM":
		if login.jaas != nil && login.jaas.options["awsRoleArn"] != "" {
			return nil, s.wrong("sasl.jaas.config", "awsRoleArn needs an AWS SDK: let the AWS command line assume the role, and use its credentials")
		}
		return &aws.MSKIAM{Credentials: login.aws(), Region: s.text("aws.region"), AllowWithoutTLS: open}, nil
	case "GSSAPI":
		return nil, s.wrong(saslMechanism, "GSSAPI (Kerberos) is not among the mechanisms here: there are %s", strings.Join(mechanisms, ", "))
	case "":
		return nil, s.wrong(securityProtocol, "SASL needs a mechanism: set sasl.mechanism to one of %s", strings.Join(mechanisms, ", "))
	}
	if best := kjson.Closest(name, mechanisms); best != "" {
		return nil, s.wrong(saslMechanism, "unknown mechanism %q: did you mean %s? There are %s", name, best, strings.Join(mechanisms, ", "))
	}
	return nil, s.wrong(saslMechanism, "unknown mechanism %q: there are %s", name, strings.Join(mechanisms, ", "))
}

// A login is who logs in, and where their secrets are.
type login struct {
	s    *Settings
	jaas *jaas // nil for none
}

func (s *Settings) login() (*login, error) {
	text, err := s.get("sasl.jaas.config")
	if err != nil || text == "" {
		return &login{s: s}, err
	}
	j, err := parseJAAS(text)
	if err != nil {
		return nil, s.wrong("sasl.jaas.config", "%v", err)
	}
	if j.module == "Krb5LoginModule" {
		return nil, s.wrong("sasl.jaas.config", "Kerberos is not among the mechanisms here")
	}
	return &login{s, j}, nil
}

// mechanism is what the login module stands for, if only one mechanism has it.
func (l *login) mechanism() string {
	if l.jaas == nil {
		return ""
	}
	switch l.jaas.module {
	case "PlainLoginModule":
		return "PLAIN"
	case "OAuthBearerLoginModule":
		return "OAUTHBEARER"
	case "IAMLoginModule":
		return "AWS_MSK_IAM"
	}
	return ""
}

// option is an option of the login module, or else a key.
func (l *login) option(option, key string) (string, error) {
	// What is set by itself is stronger than what stands in the module, if it is at least as near.
	if l.jaas != nil && (!l.s.has(key) || l.s.set[key].rank < l.s.set["sasl.jaas.config"].rank) {
		if v, ok := l.jaas.options[option]; ok {
			return v, nil
		}
	}
	return l.s.get(key)
}

func (l *login) password() (sasl.CredentialsFunc, error) {
	user, err := l.option("username", "sasl.username")
	if err != nil {
		return nil, err
	}
	password, err := l.option("password", "sasl.password")
	if err != nil {
		return nil, err
	}
	switch {
	case user == "":
		return nil, errors.New("who logs in? Set sasl.username (--user), or FRANZI_SASL_USERNAME")
	case password == "":
		return nil, errors.New("no password: set sasl.password.file, .env or .command, or FRANZI_SASL_PASSWORD")
	}
	if l.jaas != nil && strings.EqualFold(l.jaas.options["tokenauth"], "true") {
		return func(context.Context) (sasl.Credentials, error) {
			return sasl.Credentials{User: user, Password: sasl.NewSecret(password), DelegationToken: true}, nil
		}, nil
	}
	return sasl.Password(user, password), nil
}

// oauth makes the mechanism with a source of tokens.
func (l *login) oauth() (*sasl.OAuthBearer, error) {
	m := &sasl.OAuthBearer{}
	var err error
	if m.Extensions, err = l.extensions(); err != nil {
		return nil, err
	}
	m.Tokens, err = l.tokens()
	return m, err
}

func (l *login) extensions() (map[string]string, error) {
	m := map[string]string{}
	if l.jaas != nil {
		for name, value := range l.jaas.options {
			if name, ok := strings.CutPrefix(name, "extension_"); ok {
				m[name] = value
			}
		}
	}
	for pair := range strings.SplitSeq(l.s.text("sasl.oauthbearer.extensions"), ",") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, l.s.wrong("sasl.oauthbearer.extensions", "%q is not name=value", pair)
		}
		m[name] = value
	}
	return m, nil
}

// tokens is where tokens come from.
func (l *login) tokens() (sasl.TokenSource, error) {
	s := l.s
	token, err := s.get("sasl.oauthbearer.token")
	if err != nil {
		return nil, err
	}
	url := s.text("sasl.oauthbearer.token.endpoint.url")
	if path, ok := strings.CutPrefix(url, "file://"); ok {
		return oauth.TokenFile(path), nil
	}
	switch {
	case token != "" && url != "":
		return nil, s.wrong("sasl.oauthbearer.token", "there is a token, and sasl.oauthbearer.token.endpoint.url besides: which one?")
	case token != "":
		return sasl.StaticToken(token), nil
	case url == "":
		return nil, errors.New("where do tokens come from? Set sasl.oauthbearer.token.endpoint.url, or sasl.oauthbearer.token")
	}
	scope, err := l.option("scope", "sasl.oauthbearer.scope")
	if err != nil {
		return nil, err
	}
	endpoint := oauth.Endpoint{URL: url, Scope: scope}
	assertion, err := l.assertion()
	if err != nil {
		return nil, err
	}
	switch grant := s.text("sasl.oauthbearer.grant.type"); {
	case strings.HasSuffix(grant, "jwt-bearer"):
		if assertion == nil {
			return nil, s.wrong("sasl.oauthbearer.grant.type", "jwt-bearer needs sasl.oauthbearer.assertion.file or sasl.oauthbearer.assertion.private.key.file")
		}
		return &oauth.JWTBearer{Endpoint: endpoint, Assertion: assertion}, nil
	case grant != "" && grant != "client_credentials":
		return nil, s.wrong("sasl.oauthbearer.grant.type", "%q is neither client_credentials nor jwt-bearer", grant)
	}
	id, err := l.option("clientId", "sasl.oauthbearer.client.credentials.client.id")
	if err != nil {
		return nil, err
	}
	secret, err := l.option("clientSecret", "sasl.oauthbearer.client.credentials.client.secret")
	if err != nil {
		return nil, err
	}
	escape, err := s.truth("sasl.oauthbearer.header.urlencode", false)
	if err != nil {
		return nil, err
	}
	if assertion != nil && secret == "" {
		return &oauth.ClientCredentials{Endpoint: endpoint, Assertion: assertion, ClientID: id}, nil
	}
	switch {
	case id == "":
		return nil, errors.New("who is the client? Set sasl.oauthbearer.client.credentials.client.id")
	case secret == "":
		return nil, errors.New("no secret of the client: set sasl.oauthbearer.client.credentials.client.secret.file, .env or .command")
	}
	return &oauth.ClientCredentials{Endpoint: endpoint, Credentials: sasl.Password(id, secret), EscapeHeader: escape}, nil
}

// assertion is what proves who the client is, nil for none.
func (l *login) assertion() (oauth.Assertion, error) {
	s := l.s
	if path := s.text("sasl.oauthbearer.assertion.file"); path != "" {
		return oauth.AssertionFile(path), nil
	}
	path := s.text("sasl.oauthbearer.assertion.private.key.file")
	if path == "" {
		return nil, nil
	}
	const claim = "sasl.oauthbearer.assertion.claim."
	a := &oauth.Signer{Key: oauth.KeyFile(path), Issuer: s.text(claim + "iss"), Subject: s.text(claim + "sub"), Audience: s.text(claim + "aud")}
	var err error
	if a.Lifetime, err = s.seconds(claim + "exp.seconds"); err != nil {
		return nil, err
	}
	if a.Backdate, err = s.seconds(claim + "nbf.seconds"); err != nil {
		return nil, err
	}
	a.ID, err = s.truth(claim+"jti.include", false)
	return a, err
}

// aws is where AWS credentials come from.
func (l *login) aws() aws.CredentialsFunc {
	profile := l.s.text("aws.profile")
	if profile == "" && l.jaas != nil {
		profile = l.jaas.options["awsProfileName"]
	}
	if profile != "" {
		return aws.Profile(profile)
	}
	return aws.Default()
}
