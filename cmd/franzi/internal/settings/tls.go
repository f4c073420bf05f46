package settings

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"
)

// TLS returns the configuration of TLS, nil for connections without it.
func (s *Settings) TLS() (*tls.Config, error) {
	p, err := s.protocol()
	if err != nil || !p.tls {
		return nil, err
	}
	cfg := &tls.Config{ServerName: s.text("ssl.server.name")}
	if cfg.RootCAs, err = s.authorities(); err != nil {
		return nil, err
	}
	certificate, err := s.certificate()
	if err != nil {
		return nil, err
	}
	if certificate != nil {
		cfg.Certificates = []tls.Certificate{*certificate}
	}
	if err := s.versions(cfg); err != nil {
		return nil, err
	}
	verify, err := s.truth("enable.ssl.certificate.verification", true)
	if err != nil {
		return nil, err
	}
	switch algorithm := strings.ToLower(s.text("ssl.endpoint.identification.algorithm")); {
	case !verify:
		cfg.InsecureSkipVerify = true
	case s.has("ssl.endpoint.identification.algorithm") && (algorithm == "" || algorithm == "none"):
		verifyWithoutName(cfg)
	case algorithm != "" && algorithm != "https":
		return nil, s.wrong("ssl.endpoint.identification.algorithm", "%q is neither https nor none", algorithm)
	}
	return cfg, nil
}

// verifyWithoutName verifies that the certificate is of a trusted authority, whatever its name.
func verifyWithoutName(cfg *tls.Config) {
	roots := cfg.RootCAs
	cfg.InsecureSkipVerify = true // the part of it that is wanted is done here
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		between := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}

// authorities are who is trusted, nil for those of the system.
func (s *Settings) authorities() (*x509.CertPool, error) {
	text, key, err := s.pemOf("ssl.truststore.certificates", "ssl.truststore.location", "ssl.truststore.type")
	if err != nil || text == nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, s.wrong(key, "there is no certificate in PEM")
	}
	return pool, nil
}

// pemOf returns the PEM that one key has itself, unless it is "", or that is in the file that
// another names; and which one it was.
func (s *Settings) pemOf(inline, location, kind string) ([]byte, string, error) {
	if kind := s.text(kind); kind != "" && !strings.EqualFold(kind, "PEM") && s.text(location) != "" {
		return nil, location, s.wrong(location, "%s", storeAdvice(kind))
	}
	if s.has(inline) {
		text, err := s.get(inline)
		return []byte(text), inline, err
	}
	path := s.text(location)
	if path == "" {
		return nil, "", nil
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		return nil, location, s.problem(location, err)
	case bytes.HasPrefix(text, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return nil, location, s.wrong(location, "%s", storeAdvice("JKS"))
	case bytes.HasPrefix(text, []byte{0x30}):
		return nil, location, s.wrong(location, "%s", storeAdvice("PKCS12"))
	}
	return text, location, nil
}

// storeAdvice says how to make PEM of a store of Java's.
func storeAdvice(kind string) string {
	kind = strings.ToUpper(kind)
	text := "a store of the type " + kind + " is not read, PEM is: "
	if kind == "JKS" {
		return text + "keytool -importkeystore -srckeystore FILE -destkeystore store.p12 -deststoretype PKCS12, then openssl pkcs12 -in store.p12 -nodes -out store.pem"
	}
	return text + "openssl pkcs12 -in FILE -nodes -out store.pem"
}

// certificate is the client's, nil for none.
func (s *Settings) certificate() (*tls.Certificate, error) {
	chain, chainKey, err := s.pemOf("ssl.keystore.certificate.chain", "ssl.certificate.location", "ssl.keystore.type")
	if err != nil {
		return nil, err
	}
	private, privateKey, err := s.pemOf("ssl.keystore.key", "ssl.key.location", "ssl.keystore.type")
	if err != nil {
		return nil, err
	}
	if chain == nil && private == nil {
		if chain, chainKey, err = s.pemOf("", "ssl.keystore.location", "ssl.keystore.type"); err != nil || chain == nil {
			return nil, err
		}
		private, privateKey = chain, chainKey
	}
	switch {
	case private == nil:
		// The key may be in the same file.
		private, privateKey = chain, chainKey
	case chain == nil:
		return nil, s.wrong(privateKey, "there is a private key, but no certificate: see ssl.certificate.location")
	}
	password, err := s.get("ssl.key.password")
	if err != nil {
		return nil, err
	}
	private, err = openKey(private, password)
	if err != nil {
		return nil, s.wrong(privateKey, "%v", err)
	}
	c, err := tls.X509KeyPair(chain, private)
	if err != nil {
		return nil, s.wrong(chainKey, "%s", strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &c, nil
}

// openKey returns the private key of a PEM file, deciphered if it is ciphered.
func openKey(text []byte, password string) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return nil, errors.New("there is no private key in PEM")
		case block.Type == "ENCRYPTED PRIVATE KEY":
			if password == "" {
				return nil, errors.New("the private key is ciphered, and there is no ssl.key.password")
			}
			der, err := decipher(block.Bytes, password)
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		case strings.HasSuffix(block.Type, "PRIVATE KEY") && block.Headers["DEK-Info"] != "":
			return nil, errors.New("the private key is ciphered in the old way of OpenSSL, which is not safe: openssl pkcs8 -topk8 -in FILE -out key.pem makes a new one")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return pem.EncodeToMemory(block), nil
		}
	}
}

// versions sets which versions of TLS may be used.
func (s *Settings) versions(cfg *tls.Config) error {
	for v := range strings.SplitSeq(s.text("ssl.enabled.protocols"), ",") {
		var n uint16
		switch strings.TrimSpace(v) {
		case "":
			continue
		case "TLSv1.3":
			n = tls.VersionTLS13
		case "TLSv1.2":
			n = tls.VersionTLS12
		default:
			return s.wrong("ssl.enabled.protocols", "%q is neither TLSv1.2 nor TLSv1.3", v)
		}
		if cfg.MinVersion == 0 || n < cfg.MinVersion {
			cfg.MinVersion = n
		}
		cfg.MaxVersion = max(cfg.MaxVersion, n)
	}
	return nil
}
