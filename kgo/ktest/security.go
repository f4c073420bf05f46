package ktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
)

// security is how brokers prove who they are.
type security struct {
	server     *tls.Config // nil without TLS
	selfSigned bool
	client     *tls.Config
}

// TLS lets brokers speak TLS, with a configuration that has certificates. See also [SelfSigned].
func TLS(cfg *tls.Config) Option {
	return func(c *config) error {
		if cfg == nil {
			return errors.New("TLS(nil): a configuration with a certificate is needed")
		}
		c.security.server = cfg
		return nil
	}
}

// SelfSigned lets brokers speak TLS with certificates that are made for the occasion: see
// [Cluster.ClientTLS]. Clients may show theirs, and need not.
func SelfSigned() Option {
	return func(c *config) error {
		c.security.selfSigned = true
		return nil
	}
}

// SASL lets clients log in, by the mechanisms that are named, or by all that there are: PLAIN,
// SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER. The last takes unsecured tokens, of whomever they
// say; for the others see [User].
func SASL(mechanisms ...string) Option {
	return func(c *config) error {
		if len(mechanisms) == 0 {
			mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}
		}
		c.model.Auth.Mechanisms = slices.Clone(mechanisms)
		return nil
	}
}

// User lets somebody log in with a password.
func User(name, password string) Option {
	return func(c *config) error {
		c.model.Auth.Users = append(c.model.Auth.Users, broker.User{Name: name, Password: password})
		return nil
	}
}

// DelegationToken lets somebody log in with a delegation token (KIP-48): its id and its HMAC in
// base64, by SCRAM.
func DelegationToken(id, hmac string) Option {
	return func(c *config) error {
		c.model.Auth.Tokens = append(c.model.Auth.Tokens, broker.User{Name: id, Password: hmac})
		return nil
	}
}

// Reauthenticate ends sessions after a while, so that clients must log in again (KIP-368).
func Reauthenticate(after time.Duration) Option {
	return Property("connections.max.reauth.ms", fmt.Sprint(after.Milliseconds()))
}

// certify makes certificates for [SelfSigned], for the hosts of the brokers.
func (s *security) certify(addrs []string) error {
	if !s.selfSigned {
		return nil
	}
	ca, err := newCertificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "ktest"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	if err != nil {
		return err
	}
	hosts := &x509.Certificate{
		Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, addr := range addrs {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return err
		}
		switch ip := net.ParseIP(host); {
		case ip == nil && !slices.Contains(hosts.DNSNames, host):
			hosts.DNSNames = append(hosts.DNSNames, host)
		case ip != nil && !slices.ContainsFunc(hosts.IPAddresses, ip.Equal):
			hosts.IPAddresses = append(hosts.IPAddresses, ip)
		}
	}
	server, err := newCertificate(hosts, ca)
	if err != nil {
		return err
	}
	client, err := newCertificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "alice"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	s.server = &tls.Config{Certificates: []tls.Certificate{*server}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	s.client = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{*client}}
	return nil
}

// newCertificate makes a certificate and its key, signed by another one or by itself.
func newCertificate(template *x509.Certificate, by *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(10, 0, 0)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, nil
}

// ClientTLS returns the configuration of a client of a cluster that is [SelfSigned]: it trusts the
// brokers, and has a certificate for CN=alice, which they trust. It is nil for other clusters,
// and the caller's own for this one.
func (c *Cluster) ClientTLS() *tls.Config { return c.cfg.security.client.Clone() }

// handshake is how long one of TLS may take.
const handshake = 10 * time.Second

// secure makes a connection one of TLS, if brokers speak it.
func (c *Cluster) secure(nc net.Conn) (net.Conn, error) {
	if c.cfg.security.server == nil {
		return nc, nil
	}
	secured := tls.Server(nc, c.cfg.security.server)
	nc.SetDeadline(time.Now().Add(handshake))
	if err := secured.Handshake(); err != nil {
		return nil, err
	}
	return secured, nc.SetDeadline(time.Time{})
}

// shown is who a client is by its certificate, "" for nobody.
func shown(nc net.Conn) string {
	if secured, ok := nc.(*tls.Conn); ok {
		if certs := secured.ConnectionState().PeerCertificates; len(certs) > 0 {
			return certs[0].Subject.String()
		}
	}
	return ""
}
