package kafkatest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"net"
	"testing"
)

func TestCertificates(t *testing.T) {
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	broker, err := certs.issue("broker", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1"} {
		here, there := net.Pipe()
		server := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{broker}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: certs.pool})
		client := tls.Client(here, &tls.Config{RootCAs: certs.pool, ServerName: name, Certificates: []tls.Certificate{certs.client}})
		served := make(chan error, 1)
		go func() { served <- server.Handshake() }()
		if err := client.Handshake(); err != nil {
			t.Errorf("the client verifies %s: %v", name, err)
		}
		if err := <-served; err != nil {
			t.Errorf("the broker verifies the client: %v", err)
		}
		if got := server.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "alice" {
			t.Errorf("the client's name: got %q, want alice", got)
		}
		here.Close()
		there.Close()
	}
}

// The certificate that has expired is good but for that.
func TestExpired(t *testing.T) {
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certs.expired.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	opts := x509.VerifyOptions{Roots: certs.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	var invalid x509.CertificateInvalidError
	if _, err := leaf.Verify(opts); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("got %v, want that it has expired", err)
	}
	opts.CurrentTime = leaf.NotAfter
	if _, err := leaf.Verify(opts); err != nil {
		t.Errorf("before its end: %v", err)
	}
}

// Old releases have their key made by keytool; we sign what it asks for.
func TestSign(t *testing.T) {
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "broker"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := certs.sign(encode("NEW CERTIFICATE REQUEST", request))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(chain)
	if block == nil || len(rest) == 0 {
		t.Fatalf("got %q, want a chain of two", chain)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: certs.pool, DNSName: "127.0.0.1"}); err != nil {
		t.Error(err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		t.Error("the certificate is for another key")
	}
	for _, bad := range [][]byte{nil, []byte("no PEM"), encode("CERTIFICATE REQUEST", []byte{1})} {
		if _, err := certs.sign(bad); err == nil {
			t.Errorf("%q was signed", bad)
		}
	}
}
