package kgo_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An authority signs certificates of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	cert := a.sign(template, -1000*time.Hour, 1000*time.Hour)
	a.cert, a.key = cert.Leaf, cert.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// sign signs a certificate that is valid from and until some time from now.
func (a *authority) sign(template *x509.Certificate, from, until time.Duration) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(from), time.Now().Add(until)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) broker(host string, from, until time.Duration) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{host}}, from, until)}}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// What is seen is told, with what to look at, the first time that it is tried.
func TestHints(t *testing.T) {
	plain := func(password string, more ...func(*sasl.Plain)) sasl.Mechanism {
		m := &sasl.Plain{Credentials: sasl.Password("alice", password), AllowWithoutTLS: true}
		for _, f := range more {
			f(m)
		}
		return m
	}
	scram := func(password string) sasl.Mechanism {
		return &sasl.ScramSHA256{Credentials: sasl.Password("alice", password)}
	}
	const hour = time.Hour
	for _, test := range []struct {
		name    string
		cluster func(*authority) []ktest.Option
		client  func(*stage, *authority) []kgo.ClientOption
		want    string         // in the hint
		code    kmsg.ErrorCode // None for none
		is      func(error) bool
		final   bool          // a call with much time ends at once as well
		within  time.Duration // of virtual time
	}{
		{
			name:   "TLS on a port for plaintext",
			client: func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.TLS(nil)} },
			want:   "The broker hung up instead of agreeing on TLS: the port may be for plaintext.",
		},
		{
			name:    "plaintext on a port for TLS",
			cluster: func(a *authority) []ktest.Option { return []ktest.Option{ktest.TLS(a.broker("broker1", -hour, hour))} },
			want:    "its port may want TLS",
		},
		{
			name:    "an authority that is not trusted",
			cluster: func(a *authority) []ktest.Option { return []ktest.Option{ktest.TLS(a.broker("broker1", -hour, hour))} },
			client: func(*stage, *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: x509.NewCertPool()})}
			},
			want: "put it into RootCAs", is: isType[x509.UnknownAuthorityError], final: true,
		},
		{
			name:    "another name",
			cluster: func(a *authority) []ktest.Option { return []ktest.Option{ktest.TLS(a.broker("other", -hour, hour))} },
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "is for other: connect by such a name", is: isType[x509.HostnameError], final: true,
		},
		{
			name: "other names, some of them twice",
			cluster: func(a *authority) []ktest.Option {
				local := net.IPv4(127, 0, 0, 1)
				twice := a.sign(&x509.Certificate{DNSNames: []string{"other", "other"}, IPAddresses: []net.IP{local, net.IPv6loopback, local}}, -hour, hour)
				return []ktest.Option{ktest.TLS(&tls.Config{Certificates: []tls.Certificate{twice}})}
			},
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "is for other, 127.0.0.1, ::1: connect by such a name", is: isType[x509.HostnameError], final: true,
		},
		{
			name: "expired",
			cluster: func(a *authority) []ktest.Option {
				return []ktest.Option{ktest.TLS(a.broker("broker1", -2*hour, -hour))}
			},
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "has expired", is: isType[x509.CertificateInvalidError], final: true,
		},
		{
			name:    "a clock that is off",
			cluster: func(a *authority) []ktest.Option { return []ktest.Option{ktest.TLS(a.broker("broker1", hour, 2*hour))} },
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "is the clock of this machine right?", is: isType[x509.CertificateInvalidError], final: true,
		},
		{
			name: "no certificate of the client",
			cluster: func(a *authority) []ktest.Option {
				config := a.broker("broker1", -hour, hour)
				config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
				return []ktest.Option{ktest.TLS(config)}
			},
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "The broker does not accept the client's certificate", final: true,
		},
		{
			name: "a certificate of the client that is not trusted",
			cluster: func(a *authority) []ktest.Option {
				config := a.broker("broker1", -hour, hour)
				config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
				return []ktest.Option{ktest.TLS(config)}
			},
			client: func(s *stage, a *authority) []kgo.ClientOption {
				cert := newAuthority(s.T).sign(&x509.Certificate{Subject: pkix.Name{CommonName: "alice"}}, -hour, hour)
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &cert, nil
				}})}
			},
			want: "The broker does not accept the client's certificate", final: true,
		},
		{
			name:    "SASL is expected",
			cluster: func(*authority) []ktest.Option { return []ktest.Option{ktest.SASL(), ktest.User("alice", "secret")} },
			want:    "its port may want TLS or SASL",
		},
		{
			name: "SASL is expected, over TLS",
			cluster: func(a *authority) []ktest.Option {
				return []ktest.Option{ktest.TLS(a.broker("broker1", -hour, hour)), ktest.SASL(), ktest.User("alice", "secret")}
			},
			client: func(_ *stage, a *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "its port may want SASL",
		},
		{
			name:   "SASL is not expected",
			client: func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.SASL(plain("secret"))} },
			want:   "without SASL", code: kmsg.IllegalSASLState, final: true,
		},
		{
			name: "a mechanism that is not offered",
			cluster: func(*authority) []ktest.Option {
				return []ktest.Option{ktest.SASL("SCRAM-SHA-256"), ktest.User("alice", "secret")}
			},
			client: func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.SASL(plain("secret"))} },
			want:   "does not offer PLAIN on this port", code: kmsg.UnsupportedSASLMechanism, final: true,
		},
		{
			name:    "a wrong password, PLAIN",
			cluster: func(*authority) []ktest.Option { return []ktest.Option{ktest.SASL(), ktest.User("alice", "secret")} },
			client:  func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.SASL(plain("guess"))} },
			want:    "refuses these credentials", code: kmsg.SASLAuthenticationFailed, final: true,
		},
		{
			name:    "a wrong password, SCRAM",
			cluster: func(*authority) []ktest.Option { return []ktest.Option{ktest.SASL(), ktest.User("alice", "secret")} },
			client:  func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.SASL(scram("guess"))} },
			want:    "refuses these credentials", code: kmsg.SASLAuthenticationFailed, final: true,
		},
		{
			name:    "a broker that does not know the password",
			cluster: func(*authority) []ktest.Option { return []ktest.Option{ktest.SASL(), ktest.User("alice", "secret")} },
			client: func(s *stage, _ *authority) []kgo.ClientOption {
				s.Fault(ktest.On(kmsg.KeySASLAuthenticate), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
					if r := resp.(*kmsg.SASLAuthenticateResponse); strings.HasPrefix(string(r.AuthBytes), "v=") {
						r.AuthBytes = []byte("v=" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
					}
				}))
				return []kgo.ClientOption{kgo.SASL(scram("secret"))}
			},
			is: func(err error) bool { return errors.Is(err, sasl.ErrImpostor) }, final: true,
		},
		{
			name: "a wrong password, before SaslAuthenticate",
			cluster: func(*authority) []ktest.Option {
				return []ktest.Option{ktest.Version("0.11.0"), ktest.SASL("PLAIN"), ktest.User("alice", "secret")}
			},
			client: func(*stage, *authority) []kgo.ClientOption { return []kgo.ClientOption{kgo.SASL(plain("guess"))} },
			want:   "The broker hung up during authentication",
		},
		{
			name: "an advertised listener that cannot be reached",
			cluster: func(*authority) []ktest.Option {
				return []ktest.Option{ktest.Advertise(func(int32, string) string { return "inside.example:9092" })}
			},
			client: func(s *stage, _ *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.SeedBrokers("broker1:9092")}
			},
			want: "The broker advertises this address, and clients must be able to reach it: check advertised.listeners, or use kgo.AddressMap.",
		},
		{
			name: "a name that does not exist",
			client: func(s *stage, _ *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.Dialer(func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.DNSError{Err: "no such host", Name: "kafak", IsNotFound: true}
				})}
			},
			want: "The name does not exist here.",
		},
		{
			name: "an address where nothing answers",
			client: func(s *stage, _ *authority) []kgo.ClientOption {
				return []kgo.ClientOption{kgo.Dialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})}
			},
			want: "a firewall may be in between", within: 15 * time.Second,
		},
		{
			name:   "a broker that accepts and is silent",
			client: func(s *stage, _ *authority) []kgo.ClientOption { s.Pause(1); return nil },
			want:   "nothing answers: the broker may hang, a proxy in between reach nobody, or the port want TLS", within: time.Minute,
		},
		{
			name: "a broker that accepts and is silent, over TLS",
			client: func(s *stage, a *authority) []kgo.ClientOption {
				s.Pause(1)
				return []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: a.pool()})}
			},
			want: "nothing answers to TLS", within: time.Minute,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := []ktest.Option{ktest.SeedTopic("orders", 1)}
			var a *authority
			onStageWith(t, func(t *testing.T) []ktest.Option {
				a = newAuthority(t)
				if test.cluster != nil {
					opts = append(opts, test.cluster(a)...)
				}
				return opts
			}, func(s *stage) {
				var with []kgo.ClientOption
				if test.client != nil {
					with = test.client(s, a)
				}
				s.with(with, func(c *kgo.Client) {
					start := time.Now()
					err := c.Ping(context.Background())
					if err == nil { // what is wrong is beyond the seed
						ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
						defer cancel()
						_, err = kgo.Do(ctx, c, offsetsRequest("orders", 0))
					}
					wantHint(t, err, test.want, test.code)
					if test.is != nil && !test.is(err) {
						t.Errorf("got %v, want the cause in it", err)
					}
					if took, within := time.Since(start), max(test.within, 8*time.Second); took > within {
						t.Errorf("it took %v", took)
					}
					if e, _ := errors.AsType[*kgo.Error](err); e != nil && e.Retriable == test.final {
						t.Errorf("retriable: got %v, want %v", e.Retriable, !test.final)
					}
					if !test.final {
						return
					}
					start = time.Now()
					_, err = kgo.Do(context.Background(), c, offsetsRequest("orders", 0))
					wantHint(t, err, test.want, test.code)
					if took := time.Since(start); took > 5*time.Second {
						t.Errorf("a call took %v, want it to end at once", took)
					}
				})
			})
		})
	}
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func wantHint(t *testing.T, err error, hint string, code kmsg.ErrorCode) {
	t.Helper()
	t.Log(err)
	e, ok := errors.AsType[*kgo.Error](err)
	switch {
	case !ok:
		t.Errorf("got %v, want an Error", err)
	case !strings.Contains(e.Hint, hint):
		t.Errorf("got the hint %q, want %q in it", e.Hint, hint)
	case e.Code != code || code != kmsg.None && !errors.Is(err, code):
		t.Errorf("got the code %v, want %v", e.Code, code)
	case e.Addr == "" || !strings.Contains(err.Error(), e.Addr):
		t.Errorf("got %v, want the address %q in it", err, e.Addr)
	}
}

// A web server answers what is not HTTP with HTTP.
func TestHintHTTP(t *testing.T) {
	onPlayed(t, nil, func(b *played) {
		b.listen("web:80", func(c net.Conn) {
			if _, err := c.Read(make([]byte, 1000)); err == nil {
				io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request")
			}
		})
	}, func(c *kgo.Client) {
		if err := c.UpdateSeeds("web:80"); err != nil {
			t.Fatal(err)
		}
		wantHint(t, c.Ping(context.Background()), "this is a web server's port", kmsg.None)
	})
}

// A port for TLS may answer with an alert.
func TestHintAlert(t *testing.T) {
	onPlayed(t, nil, func(b *played) {
		b.listen("secure:9093", func(c net.Conn) {
			if _, err := c.Read(make([]byte, 1000)); err == nil {
				c.Write([]byte{21, 3, 3, 0, 2, 2, 10}) // unexpected message
			}
		})
	}, func(c *kgo.Client) {
		if err := c.UpdateSeeds("secure:9093"); err != nil {
			t.Fatal(err)
		}
		wantHint(t, c.Ping(context.Background()), "this port wants TLS", kmsg.None)
	})
}

// Brokers up to 1.1 do not say that they refuse a client's certificate: what they said first comes
// once more.
func TestHintRepeated(t *testing.T) {
	trusted := x509.NewCertPool()
	onPlayed(t, []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: trusted})}, func(b *played) {
		a := newAuthority(t)
		trusted.AddCert(a.cert)
		config := a.broker("secure", -time.Hour, time.Hour)
		config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		b.listen("secure:9093", func(c net.Conn) {
			if err := tls.Server(&repeating{Conn: c}, config).Handshake(); err == nil {
				t.Error("the certificate is accepted")
			}
		})
	}, func(c *kgo.Client) {
		if err := c.UpdateSeeds("secure:9093"); err != nil {
			t.Fatal(err)
		}
		wantHint(t, c.Ping(context.Background()), "brokers before Kafka 3 do so in this way if the client has no certificate", kmsg.None)
	})
}

// A repeating connection writes what it wrote first again, instead of going on.
type repeating struct {
	net.Conn
	first []byte
}

func (c *repeating) Write(b []byte) (int, error) {
	c.first = append(c.first, b...)
	return c.Conn.Write(b)
}

func (c *repeating) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if len(c.first) > 0 && err == nil {
		_, err = c.Conn.Write(c.first)
		return 0, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return n, err
}

// Brokers before 1.0 say which mechanisms they have also where the port has no SASL.
func TestHintSASLNotExpected(t *testing.T) {
	onPlayed(t, []kgo.ClientOption{kgo.SASL(mechanismOf("PLAIN", "secret"))}, func(b *played) {
		b.serves(kmsg.KeySASLHandshake, 0, 0, func(_ kmsg.Request, resp kmsg.Response) {
			r := resp.(*kmsg.SASLHandshakeResponse)
			r.ErrorCode, r.Mechanisms = kmsg.IllegalSASLState, []string{"PLAIN", "SCRAM-SHA-256"}
		})
	}, func(c *kgo.Client) {
		wantHint(t, c.Ping(context.Background()), "the port is without SASL", kmsg.IllegalSASLState)
	})
}

// A broker that hangs up amid its first answer wants neither TLS nor SASL.
func TestHintHalfAnAnswer(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.Fault(ktest.OnAny(), ktest.CutAnswer(0))
		s.with(nil, func(c *kgo.Client) {
			err := c.Ping(context.Background())
			if e, ok := errors.AsType[*kgo.Error](err); !ok || e.Hint != "" {
				t.Errorf("got %v, want no hint", err)
			}
		})
	})
}

// A quota that holds a request back until its time is up is told.
func TestHintQuota(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			if err := c.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			s.Fault(ktest.On(kmsg.KeyListOffsets).Times(1), ktest.Throttle(time.Minute))
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_, err := kgo.Do(ctx, c, offsetsRequest("orders", 0))
			wantHint(t, err, "A quota of the broker held the client back for 55s.", kmsg.None)
		})
	})
}

// What a client may not do is told with what to do about it.
func TestHintAuthorization(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			s.Fault(ktest.On(kmsg.KeyListOffsets).AnyTopic(), ktest.Answer(kmsg.TopicAuthorizationFailed))
			_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0))
			wantHint(t, err, kmsg.TopicAuthorizationFailed.Remedy(), kmsg.TopicAuthorizationFailed)
		})
	})
}

// Who does not wait until dialing has failed is told what it was about, too.
func TestHintBeforeTheFailure(t *testing.T) {
	for _, test := range []struct {
		name string
		opts []kgo.ClientOption
		want string
	}{
		{"plaintext", nil, "Connections are accepted there, and nothing answers: "},
		{"TLS", []kgo.ClientOption{kgo.TLS(&tls.Config{})}, "nothing answers to TLS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPlayed(t, test.opts, func(b *played) {
				b.listen("silent:9092", func(c net.Conn) { io.Copy(io.Discard, c) })
			}, func(c *kgo.Client) {
				if err := c.UpdateSeeds("silent:9092"); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
				defer cancel()
				err := c.Ping(ctx)
				wantHint(t, err, test.want, kmsg.None)
				if strings.Contains(err.Error(), "dialing") {
					t.Errorf("got %v, but there was a connection", err)
				}
			})
		})
	}
}
