package kafkatest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificates is a certificate authority that lives as long as its cluster, and the client's
// certificates: one that is good, and one that has expired.
type certificates struct {
	key     *ecdsa.PrivateKey
	ca      *x509.Certificate
	caPEM   []byte
	pool    *x509.CertPool
	client  tls.Certificate
	expired tls.Certificate
}

func newCertificates() (*certificates, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate("franzi test authority")
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c := &certificates{key: key, ca: ca, caPEM: encode("CERTIFICATE", der), pool: x509.NewCertPool()}
	c.pool.AddCert(ca)
	if c.client, err = c.issue(users[0].Name, nil); err != nil {
		return nil, err
	}
	c.expired, err = c.issueUntil(users[0].Name, nil, time.Now().Add(-time.Minute))
	return c, err
}

// newTemplate is what all our certificates have in common. Clocks of a test machine may jump
// a little, so they are valid from an hour ago.
func newTemplate(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(30 * 24 * time.Hour),
		BasicConstraintsValid: true,
	}, nil
}

// issue signs a certificate for the name. Its key is made here if public is nil; otherwise the
// result has none.
func (c *certificates) issue(name string, public crypto.PublicKey) (tls.Certificate, error) {
	return c.issueUntil(name, public, c.ca.NotAfter)
}

// issueUntil is issue for a certificate that is valid until then.
func (c *certificates) issueUntil(name string, public crypto.PublicKey, until time.Time) (tls.Certificate, error) {
	var private *ecdsa.PrivateKey
	if public == nil {
		var err error
		if private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return tls.Certificate{}, err
		}
		public = private.Public()
	}
	template, err := newTemplate(name)
	if err != nil {
		return tls.Certificate{}, err
	}
	template.NotAfter = until
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, public, c.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	issued := tls.Certificate{Certificate: [][]byte{der, c.ca.Raw}}
	if private != nil {
		issued.PrivateKey = private
	}
	return issued, nil
}

// sign answers a certificate request in PEM with the chain in PEM.
func (c *certificates) sign(request []byte) ([]byte, error) {
	block, _ := pem.Decode(request)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := r.CheckSignature(); err != nil {
		return nil, err
	}
	issued, err := c.issue(r.Subject.CommonName, r.PublicKey)
	if err != nil {
		return nil, err
	}
	return pemOf(issued)
}

// pemOf is the key, if there is one, and the chain.
func pemOf(cert tls.Certificate) ([]byte, error) {
	var b bytes.Buffer
	if cert.PrivateKey != nil {
		der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("private key: %w", err)
		}
		b.Write(encode("PRIVATE KEY", der))
	}
	for _, der := range cert.Certificate {
		b.Write(encode("CERTIFICATE", der))
	}
	return b.Bytes(), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
