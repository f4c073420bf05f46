package kgo_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// mechanismOf returns a mechanism by its name, for alice.
func mechanismOf(name, password string) sasl.Mechanism {
	credentials := sasl.Password("alice", password)
	switch name {
	case "PLAIN":
		return &sasl.Plain{Credentials: credentials, AllowWithoutTLS: true}
	case "SCRAM-SHA-256":
		return &sasl.ScramSHA256{Credentials: credentials}
	case "SCRAM-SHA-512":
		return &sasl.ScramSHA512{Credentials: credentials}
	}
	return &sasl.OAuthBearer{Tokens: tokenFor("alice", password, time.Hour), AllowWithoutTLS: true}
}

// tokenFor is an unsecured token, which has a password in it for a needle.
func tokenFor(user, password string, lifetime time.Duration) sasl.TokenSource {
	return sasl.TokenFunc(func(context.Context) (sasl.Token, error) {
		part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		text := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d,"jti":%q}`, user, time.Now().Unix(), time.Now().Add(lifetime).Unix(), password)
		return sasl.Token{Value: sasl.NewSecret(part(`{"alg":"none"}`) + "." + part(text) + ".")}, nil
	})
}

// Clients log in by every mechanism, with and without TLS, at brokers of each way to do so.
func TestSASL(t *testing.T) {
	for _, test := range []struct {
		release    string
		mechanisms []string
	}{
		{"0.10.0", []string{"PLAIN"}},                                   // raw frames, SaslHandshake 0
		{"0.11.0", []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}}, // the same
		{"1.0", []string{"PLAIN", "SCRAM-SHA-512"}},                     // SaslAuthenticate
		{"4.4", []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}},
	} {
		for _, name := range test.mechanisms {
			for _, over := range []string{"plaintext", "TLS"} {
				t.Run(test.release+" "+name+" over "+over, func(t *testing.T) {
					opts := []ktest.Option{ktest.Version(test.release), ktest.Brokers(2), ktest.SASL(), ktest.User("alice", "secret"), ktest.SeedTopic("orders", 2, ktest.Replicas(1))}
					if over == "TLS" {
						opts = append(opts, ktest.SelfSigned())
					}
					onStage(t, opts, func(s *stage) {
						with := []kgo.ClientOption{kgo.SASL(mechanismOf(name, "secret"))}
						if over == "TLS" {
							with = append(with, kgo.TLS(s.ClientTLS()))
						}
						s.with(with, func(c *kgo.Client) {
							if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1)); err != nil {
								t.Fatal(err)
							}
							open := s.Connections()
							if len(open) != 2 {
								t.Errorf("got connections %v, want two", open)
							}
							for _, k := range open {
								if !strings.Contains(k.User, "alice") {
									t.Errorf("got user %q", k.User)
								}
							}
						})
					})
				})
			}
		}
	}
}

// Sessions are renewed on connections in use, and no request is lost by that (KIP-368).
func TestReauthentication(t *testing.T) {
	for _, name := range []string{"PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"} {
		t.Run(name, func(t *testing.T) {
			opts := []ktest.Option{ktest.Brokers(2), ktest.SASL(), ktest.User("alice", "secret"), ktest.Reauthenticate(5 * time.Second), ktest.SeedTopic("orders", 2, ktest.Replicas(1))}
			onStage(t, opts, func(s *stage) {
				s.with([]kgo.ClientOption{kgo.SASL(mechanismOf(name, "secret")), kgo.Retries(0)}, func(c *kgo.Client) {
					var users sync.WaitGroup
					end := time.Now().Add(time.Minute)
					for range 10 {
						users.Go(func() {
							for time.Now().Before(end) {
								if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1)); err != nil {
									t.Error(err)
								}
								time.Sleep(10 * time.Millisecond)
							}
						})
					}
					users.Wait()
					for _, b := range c.Stats().Brokers {
						if b.Connects != 1 || b.Failed != 0 {
							t.Errorf("got %+v, want one connection and no request without an answer", b)
						}
					}
					if n := s.Requests(kmsg.KeySASLHandshake); n < 2*12 || n > 2*16 {
						t.Errorf("got %d handshakes, want one in 4.5 s on each of two connections", n)
					}
				})
			})
		})
	}
}

// A password that changes is asked for anew, and one that does not hold any more ends calls.
func TestPasswordChanges(t *testing.T) {
	opts := []ktest.Option{ktest.SASL("PLAIN"), ktest.User("alice", "new"), ktest.SeedTopic("orders", 1)}
	onStage(t, opts, func(s *stage) {
		var password atomic.Value
		password.Store("old")
		m := &sasl.Plain{AllowWithoutTLS: true, Credentials: func(context.Context) (sasl.Credentials, error) {
			return sasl.Credentials{User: "alice", Password: sasl.NewSecret(password.Load().(string))}, nil
		}}
		s.with([]kgo.ClientOption{kgo.SASL(m)}, func(c *kgo.Client) {
			if err := c.Ping(context.Background()); !errors.Is(err, kmsg.SASLAuthenticationFailed) {
				t.Errorf("got %v", err)
			}
			password.Store("new")
			if err := c.Ping(context.Background()); err != nil {
				t.Error(err)
			}
		})
	})
}

// Brokers are known by the names that they advertise, and clients by their certificates, which may
// change while the client lives.
func TestTLS(t *testing.T) {
	var a *authority
	onStageWith(t, func(t *testing.T) []ktest.Option {
		a = newAuthority(t)
		config := a.broker("broker1", -time.Hour, time.Hour)
		config.Certificates = append(config.Certificates, a.sign(&x509.Certificate{DNSNames: []string{"broker2"}}, -time.Hour, time.Hour))
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
		return []ktest.Option{ktest.Brokers(2), ktest.TLS(config), ktest.SeedTopic("orders", 2, ktest.Replicas(1))}
	}, func(s *stage) {
		person := func(name string) *tls.Certificate {
			cert := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}}, -time.Hour, time.Hour)
			return &cert
		}
		var mine atomic.Pointer[tls.Certificate]
		mine.Store(person("alice"))
		config := &tls.Config{RootCAs: a.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return mine.Load(), nil }}
		s.with([]kgo.ClientOption{kgo.TLS(config)}, func(c *kgo.Client) {
			for _, name := range []string{"alice", "bob"} {
				mine.Store(person(name))
				s.CutConnections(1, false)
				s.CutConnections(2, false)
				if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1)); err != nil {
					t.Fatal(err)
				}
				for _, k := range s.Connections() {
					if k.User != "CN="+name {
						t.Errorf("got user %q, want %s", k.User, name)
					}
				}
			}
		})
		if config.ServerName != "" {
			t.Error("the user's configuration was changed")
		}
	})
}

// A broker is dialed where the map says, and is still the one that it advertises to be.
func TestAddressMap(t *testing.T) {
	var a *authority
	onStageWith(t, func(t *testing.T) []ktest.Option {
		a = newAuthority(t)
		return []ktest.Option{
			ktest.Advertise(func(int32, string) string { return "inside.example:9092" }),
			ktest.TLS(a.broker("inside.example", -time.Hour, time.Hour)), ktest.SeedTopic("orders", 1),
		}
	}, func(s *stage) {
		var dialed sync.Map
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed.Store(addr, true)
			return s.DialContext(ctx, network, "broker1:9092")
		}
		forward := func(b kgo.BrokerInfo) string {
			switch {
			case b.ID == 1 && b.Addr == "inside.example:9092":
				return "localhost:19092"
			case b.ID == -1 && b.Addr == "inside.example:9092": // the seed
				return "localhost:19091"
			}
			t.Errorf("asked for %+v", b)
			return ""
		}
		with := []kgo.ClientOption{kgo.SeedBrokers("inside.example"), kgo.Dialer(dial), kgo.TLS(&tls.Config{RootCAs: a.pool()})}
		s.with(append(with, kgo.AddressMap(forward)), func(c *kgo.Client) {
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Error(err)
			}
			for _, addr := range []string{"localhost:19091", "localhost:19092"} {
				if _, ok := dialed.Load(addr); !ok {
					t.Errorf("%s was not dialed", addr)
				}
			}
		})
		dialed.Clear()
		s.with(append(with, kgo.AddressMap(func(kgo.BrokerInfo) string { return "" })), func(c *kgo.Client) {
			if err := c.Ping(context.Background()); err != nil {
				t.Error(err)
			}
			if _, ok := dialed.Load("inside.example:9092"); !ok {
				t.Error("an empty result does not leave the address as it is")
			}
		})
	})
}

// A secret shows in nothing that a client says, whatever goes wrong, even if the broker repeats it.
func TestSecretsAreHidden(t *testing.T) {
	const secret = "needle-in-the-haystack"
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"} {
		for _, fault := range []string{"none", "refused", "repeated", "cut", "silent", "unknown mechanism"} {
			t.Run(name+" "+fault, func(t *testing.T) {
				password := secret
				if fault == "refused" {
					password = "other"
				}
				opts := []ktest.Option{ktest.SASL(), ktest.User("alice", password), ktest.Reauthenticate(2 * time.Second), ktest.SeedTopic("orders", 1)}
				if fault == "unknown mechanism" {
					opts[0] = ktest.SASL(map[bool]string{true: "PLAIN", false: "SCRAM-SHA-256"}[name != "PLAIN"])
				}
				onStage(t, opts, func(s *stage) {
					switch fault {
					case "repeated":
						s.Fault(ktest.On(kmsg.KeySASLAuthenticate), ktest.Rewrite(func(req kmsg.Request, resp kmsg.Response) {
							r := resp.(*kmsg.SASLAuthenticateResponse)
							r.ErrorCode = kmsg.SASLAuthenticationFailed
							r.ErrorMessage.S, r.ErrorMessage.Valid = "what is "+string(req.(*kmsg.SASLAuthenticateRequest).AuthBytes)+"?", true
						}))
					case "cut":
						s.Fault(ktest.On(kmsg.KeySASLAuthenticate).After(2), ktest.CutBefore())
					case "silent":
						s.Fault(ktest.On(kmsg.KeySASLAuthenticate).After(2), ktest.Stall())
					}
					var said bytes.Buffer // by one goroutine at a time
					var mu sync.Mutex
					note := func(what ...any) {
						mu.Lock()
						defer mu.Unlock()
						for _, verb := range []string{"%v ", "%+v ", "%#v ", "%q ", "%x "} {
							for _, w := range what {
								fmt.Fprintf(&said, verb, w)
								for err, ok := w.(error); ok && err != nil; err = errors.Unwrap(err) {
									fmt.Fprintf(&said, verb, err)
								}
							}
						}
					}
					log := slog.New(slog.NewTextHandler(lockedWriter{&mu, &said}, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
					hook := kgo.Hook{
						OnConnect:    func(e kgo.ConnectEvent) { note(e, e.Err) },
						OnDisconnect: func(e kgo.DisconnectEvent) { note(e, e.Err) },
						OnRequest:    func(e kgo.RequestEvent) { note(e, e.Err) },
					}
					mechanism := mechanismOf(name, secret)
					if name == "OAUTHBEARER" && fault == "refused" {
						mechanism = &sasl.OAuthBearer{Tokens: tokenFor("alice", secret, -time.Hour), AllowWithoutTLS: true}
					}
					with := []kgo.ClientOption{kgo.SASL(mechanism), kgo.Logger(log), kgo.Hooks(hook), kgo.RequestTimeout(3 * time.Second)}
					s.with(with, func(c *kgo.Client) {
						for range 10 {
							ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
							_, err := kgo.Do(ctx, c, offsetsRequest("orders", 0))
							note(err, c.Ping(ctx), c.Stats(), c.Metadata())
							cancel()
							time.Sleep(time.Second)
						}
						note(with[0], with)
					})
					text := said.String()
					encoded := base64.StdEncoding.EncodeToString([]byte(secret)[:15])
					hex := fmt.Sprintf("%x", secret)
					if strings.Contains(text, secret) || strings.Contains(text, encoded) || strings.Contains(text, hex) {
						t.Errorf("the secret shows: %.2000s", text)
					}
					if len(text) < 1000 || fault != "none" && !strings.Contains(text, "SASL") {
						t.Errorf("nothing was said: %.2000s", text)
					}
				})
			})
		}
	}
}

// A lockedWriter is for several goroutines.
type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}
