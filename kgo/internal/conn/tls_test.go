package conn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	c := a.issue("authority", time.Now().Add(24*time.Hour))
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate for names or addresses; the first one of an authority is its own.
func (a *authority) issue(name string, until time.Time) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// tlsBroker listens in memory at an address, with TLS.
func tlsBroker(t *testing.T, network *memnet.Network, addr string, b *broker, cfg *tls.Config) {
	t.Helper()
	l, err := network.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	b.start(tls.NewListener(l, cfg))
}

func TestTLS(t *testing.T) {
	for _, test := range []struct {
		name    string
		addr    string // of the broker
		cert    string // for whom its certificate is
		expired bool
		other   bool // signed by another authority
		check   func(err error) bool
	}{
		{"good", "broker.example:9093", "broker.example", false, false, nil},
		{"an address in the certificate", "10.0.0.1:9093", "10.0.0.1", false, false, nil},
		{"another name", "broker.example:9093", "other.example", false, false, as[x509.HostnameError]},
		{"another address", "10.0.0.1:9093", "10.0.0.2", false, false, as[x509.HostnameError]},
		{"a name for an address", "10.0.0.1:9093", "broker.example", false, false, as[x509.HostnameError]},
		{"expired", "broker.example:9093", "broker.example", true, false, func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		}},
		{"another authority", "broker.example:9093", "broker.example", false, true, as[x509.UnknownAuthorityError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				ca := newAuthority(t)
				signer := ca
				if test.other {
					signer = newAuthority(t)
				}
				until := time.Now().Add(time.Hour)
				if test.expired {
					until = time.Now().Add(-time.Hour)
				}
				var network memnet.Network
				b := new(broker)
				cert := signer.issue(test.cert, until)
				tlsBroker(t, &network, test.addr, b, &tls.Config{Certificates: []tls.Certificate{cert}})
				cfg := &tls.Config{RootCAs: ca.pool()}
				c := New(Options{Addr: test.addr, Dial: network.DialContext, TLS: cfg})
				r := do(c)
				if test.check == nil {
					wantAnswer(t, r)
				} else {
					wantFailure(t, r, link.StageTLS, nil)
					if !as[*tls.CertificateVerificationError](r.Err) || !test.check(r.Err) || !r.Err.TLS {
						t.Errorf("got %v", r.Err)
					}
				}
				if cfg.ServerName != "" {
					t.Errorf("the user's configuration was changed: %q", cfg.ServerName)
				}
				closeAll(t, c)
				b.stop()
			})
		})
	}
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// The name to expect can be given; then the address does not count.
func TestTLSServerName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ca := newAuthority(t)
		var network memnet.Network
		b := new(broker)
		tlsBroker(t, &network, "10.0.0.1:9093", b, &tls.Config{Certificates: []tls.Certificate{ca.issue("broker.example", time.Now().Add(time.Hour))}})
		c := New(Options{Addr: "10.0.0.1:9093", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool(), ServerName: "broker.example"}})
		wantAnswer(t, do(c))
		closeAll(t, c)
		// Dialed elsewhere, the advertised name still counts.
		c = New(Options{Addr: "broker.example:9093", DialAddr: "10.0.0.1:9093", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool()}})
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

// The user's own verification is called, and decides.
func TestTLSVerifyConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ca := newAuthority(t)
		var network memnet.Network
		b := new(broker)
		tlsBroker(t, &network, "broker:9093", b, &tls.Config{Certificates: []tls.Certificate{ca.issue("broker", time.Now().Add(time.Hour))}})
		pinned := errors.New("not the pinned key")
		cfg := &tls.Config{RootCAs: ca.pool(), VerifyConnection: func(tls.ConnectionState) error { return pinned }}
		c := New(Options{Addr: "broker:9093", Dial: network.DialContext, TLS: cfg})
		wantFailure(t, do(c), link.StageTLS, pinned)
		closeAll(t, c)
		b.stop()
	})
}

// Clients show certificates, which can be reloaded: each connection asks for the one of the
// moment.
func TestMutualTLS(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				ca, stranger := newAuthority(t), newAuthority(t)
				var network memnet.Network
				b := new(broker)
				tlsBroker(t, &network, "broker:9093", b, &tls.Config{
					Certificates: []tls.Certificate{ca.issue("broker", time.Now().Add(time.Hour))},
					ClientAuth:   tls.RequireAndVerifyClientCert,
					ClientCAs:    ca.pool(),
					MaxVersion:   version,
				})
				var cert atomic.Pointer[tls.Certificate]
				show := func(c tls.Certificate) { cert.Store(&c) }
				cfg := &tls.Config{RootCAs: ca.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return cert.Load(), nil
				}}
				c := New(Options{Addr: "broker:9093", Dial: network.DialContext, TLS: cfg})
				for _, test := range []struct {
					cert tls.Certificate
					good bool
				}{
					{tls.Certificate{}, false}, // none
					{stranger.issue("alice", time.Now().Add(time.Hour)), false},
					{ca.issue("alice", time.Now().Add(-time.Hour)), false},
					{ca.issue("alice", time.Now().Add(time.Hour)), true},
				} {
					show(test.cert)
					r := do(c)
					if test.good {
						wantAnswer(t, r)
						continue
					}
					// With TLS 1.3 the broker's refusal is the first thing that is read.
					wantFailure(t, r, link.StageTLS, nil)
					if !r.Err.TLS || r.Written != link.WrittenNo {
						t.Errorf("got %+v", r.Err)
					}
				}
				closeAll(t, c)
				b.stop()
			})
		})
	}
}

// TLS where the port wants none, and none where it wants TLS.
func TestTLSMismatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ca := newAuthority(t)
		var network memnet.Network
		secure, plain := new(broker), new(broker)
		tlsBroker(t, &network, "secure:9093", secure, &tls.Config{Certificates: []tls.Certificate{ca.issue("secure", time.Now().Add(time.Hour))}})
		l, err := network.Listen("plain:9092")
		if err != nil {
			t.Fatal(err)
		}
		// A broker that takes a ClientHello for the size of a request finds it too large.
		plain.serve = func(c net.Conn) { io.ReadFull(c, make([]byte, 4)) }
		plain.start(l)

		c := New(Options{Addr: "secure:9093", Dial: network.DialContext})
		r := do(c)
		wantFailure(t, r, link.StageVersions, nil) // Go's TLS says nothing; Java's may
		if !r.Err.Ended || r.Err.TLS {
			t.Errorf("got %+v", r.Err)
		}
		closeAll(t, c)

		c = New(Options{Addr: "plain:9092", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool()}})
		r = do(c)
		wantFailure(t, r, link.StageTLS, nil)
		if !r.Err.Ended {
			t.Errorf("got %+v", r.Err)
		}
		closeAll(t, c)

		web := &broker{serve: func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n")
			io.Copy(io.Discard, c)
		}}
		wl, err := network.Listen("web:80")
		if err != nil {
			t.Fatal(err)
		}
		web.start(wl)
		c = New(Options{Addr: "web:80", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool()}})
		r = do(c)
		wantFailure(t, r, link.StageTLS, nil)
		if !r.Err.LooksLikeHTTP() {
			t.Errorf("got %+v", r.Err)
		}
		closeAll(t, c)

		secure.stop()
		plain.stop()
		web.stop()
	})
}

// The next address may have the right certificate (KIP-602).
func TestTLSNextAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ca := newAuthority(t)
		n := &resolved{names: map[string][]string{"broker": {"10.0.0.9", "10.0.0.1", "10.0.0.2", "10.0.0.3"}}}
		wrong, right := new(broker), new(broker)
		tlsBroker(t, &n.network, "10.0.0.1:9093", wrong, &tls.Config{Certificates: []tls.Certificate{ca.issue("stranger", time.Now().Add(time.Hour))}})
		tlsBroker(t, &n.network, "10.0.0.2:9093", right, &tls.Config{Certificates: []tls.Certificate{ca.issue("broker", time.Now().Add(time.Hour))}})
		c := New(Options{Addr: "broker:9093", Lookup: n.lookup, TLS: &tls.Config{RootCAs: ca.pool()}})
		c.dialIP = n.dial
		wantAnswer(t, do(c))
		closeAll(t, c)
		right.stop()

		// If none has it, what is wrong with it is said, beside what is wrong with the others.
		c = New(Options{Addr: "broker:9093", Lookup: n.lookup, TLS: &tls.Config{RootCAs: ca.pool()}})
		c.dialIP = n.dial
		r := do(c)
		wantFailure(t, r, link.StageTLS, nil)
		if !as[x509.HostnameError](r.Err) {
			t.Errorf("got %v", r.Err)
		}
		closeAll(t, c)
		wrong.stop()
	})
}

// A handshake that does not get on is ended with the dial's time.
func TestTLSHandshakeStalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &broker{serve: func(c net.Conn) { io.Copy(io.Discard, c) }}
		o := inMemory(t, b)
		o.TLS = &tls.Config{}
		c := New(o)
		start := time.Now()
		wantFailure(t, do(c), link.StageTLS, context.DeadlineExceeded)
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("it took %v, want 10 s", d)
		}
		closeAll(t, c)
		b.stop()
	})
}
