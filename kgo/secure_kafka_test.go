//go:build kafka

package kgo_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

const hangs = 20 * time.Second // of real time: what ends at once has long done so, on whatever machine

// secureKafka starts a broker with TLS and SASL, and a topic of three partitions.
func secureKafka(t *testing.T, version string) *kafkatest.Cluster {
	t.Helper()
	cluster := kafkatest.New(t, kafkatest.Options{Version: version, Security: true, Properties: map[string]string{
		"num.partitions":            "3",
		"ssl.client.auth":           "required",
		"connections.max.reauth.ms": "5000",
	}})
	c := kafkaClient(t, cluster)
	if olderThan(version, "0.10.1") {
		kafkaTopic(t, c, "orders")
		return cluster
	}
	if err := c.Admin().CreateTopic(t.Context(), kgo.NewTopic{Name: "orders", Partitions: 3, ReplicationFactor: 1}); err != nil {
		t.Fatal(err)
	}
	a := &administrator{T: t}
	a.settles("orders", func() error {
		_, err := kgo.Do(t.Context(), c, offsetsRequest("orders", 0, 1, 2))
		return err
	})
	return cluster
}

// secureClient makes a client of a listener.
func secureClient(t *testing.T, cluster *kafkatest.Cluster, listener string, opts ...kgo.ClientOption) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.ClientOption{kgo.SeedBrokers(cluster.Listener(listener)...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// Who may log in can, at every listener and with every mechanism that a release has. Who may not
// is told at once, with what to look at.
func TestKafkaSecurity(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		if olderThan(version, "0.9") {
			continue // neither TLS nor SASL
		}
		t.Run(version, func(t *testing.T) {
			cluster := secureKafka(t, version)
			t.Run("welcome", func(t *testing.T) { welcome(t, cluster) })
			for _, m := range unwelcome(t, cluster) {
				t.Run(m.name, func(t *testing.T) { m.isTold(t, cluster) })
			}
			if !olderThan(version, "3.9") {
				t.Run("reauthentication", func(t *testing.T) { reauthenticates(t, cluster) })
			}
		})
	}
}

// trusting is what a client needs that the brokers know.
func trusting(cluster *kafkatest.Cluster) *tls.Config {
	return &tls.Config{RootCAs: cluster.CA(), Certificates: []tls.Certificate{cluster.ClientCertificate()}}
}

func welcome(t *testing.T, cluster *kafkatest.Cluster) {
	works := func(name, listener string, opts ...kgo.ClientOption) {
		t.Helper()
		c := secureClient(t, cluster, listener, opts...)
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("%s at %s: Ping: %v", name, listener, err)
			return
		}
		if _, err := kgo.Do(t.Context(), c, offsetsRequest("orders", 0, 1, 2)); err != nil {
			t.Errorf("%s at %s: %v", name, listener, err)
		}
	}
	works("a client's certificate", "SSL", kgo.TLS(trusting(cluster)))
	for _, mechanism := range cluster.Mechanisms() {
		for _, u := range cluster.Users()[:1] {
			works(mechanism, "SASL_PLAINTEXT", kgo.SASL(mechanismOf(mechanism, u.Password)))
			works(mechanism, "SASL_SSL", kgo.SASL(mechanismOf(mechanism, u.Password)), kgo.TLS(trusting(cluster)))
		}
	}
}

// A misfit is a client that is not welcome.
type misfit struct {
	name     string
	listener string
	opts     []kgo.ClientOption
	hint     string
	code     kmsg.ErrorCode
	is       func(error) bool // nil for whatever
	passing  bool             // it is tried again: the cause may pass
}

func unwelcome(t *testing.T, cluster *kafkatest.Cluster) []misfit {
	ca, own := cluster.CA(), []tls.Certificate{cluster.ClientCertificate()}
	stranger := newAuthority(t).sign(&x509.Certificate{DNSNames: []string{"alice"}}, -time.Hour, time.Hour)
	addr := cluster.Listener("SSL")[0]
	// Old brokers do not say that they refuse a certificate.
	uncertain := misfit{hint: "The broker does not accept the client's certificate"}
	if olderThan(cluster.Version(), "3") {
		uncertain = misfit{hint: "if the client has no certificate, or none that they trust", passing: true}
	}
	all := []misfit{
		{
			name: "an authority that is not trusted", listener: "SSL",
			opts: []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: x509.NewCertPool(), Certificates: own})},
			hint: "put it into RootCAs", is: isType[x509.UnknownAuthorityError],
		},
		{
			name: "another name", listener: "SSL",
			opts: []kgo.ClientOption{
				kgo.SeedBrokers("kafka.example:9093"), kgo.TLS(&tls.Config{RootCAs: ca, Certificates: own}),
				kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, addr)
				}),
			},
			hint: "is for localhost, 127.0.0.1: connect by such a name", is: isType[x509.HostnameError],
		},
		{
			name: "a certificate that has expired", listener: "SSL", // in sixty days it will have
			opts: []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: ca, Certificates: own, Time: func() time.Time { return time.Now().Add(60 * 24 * time.Hour) }})},
			hint: "has expired", is: isType[x509.CertificateInvalidError],
		},
		{
			name: "no certificate of the client", listener: "SSL",
			opts: []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: ca})},
			hint: uncertain.hint, passing: uncertain.passing,
		},
		{
			name: "a certificate of the client that is not trusted", listener: "SSL",
			opts: []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: ca, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &stranger, nil
			}})},
			hint: uncertain.hint, passing: uncertain.passing,
		},
		{
			name: "a certificate of the client that has expired", listener: "SSL",
			opts: []kgo.ClientOption{kgo.TLS(&tls.Config{RootCAs: ca, Certificates: []tls.Certificate{cluster.ExpiredCertificate()}})},
			hint: uncertain.hint, passing: uncertain.passing,
		},
		{name: "TLS on a port for plaintext", listener: "PLAINTEXT", opts: []kgo.ClientOption{kgo.TLS(trusting(cluster))}, hint: "for plaintext", passing: true},
		{name: "plaintext on a port for TLS", listener: "SSL", hint: "wants TLS", passing: true},
	}
	if len(cluster.Mechanisms()) == 0 {
		return all
	}
	// Before SaslAuthenticate brokers could only hang up.
	told := !olderThan(cluster.Version(), "1.0")
	refused := func(hint string, code kmsg.ErrorCode) misfit {
		if !told {
			return misfit{hint: "hung up during authentication", passing: true}
		}
		return misfit{hint: hint, code: code}
	}
	for _, mechanism := range cluster.Mechanisms() {
		m := refused("refuses these credentials", kmsg.SASLAuthenticationFailed)
		m.name, m.listener, m.opts = "a wrong password, "+mechanism, "SASL_PLAINTEXT", []kgo.ClientOption{kgo.SASL(mechanismOf(mechanism, "guess"))}
		if mechanism == "OAUTHBEARER" {
			m.name = "a token that has expired"
			m.opts = []kgo.ClientOption{kgo.SASL(&sasl.OAuthBearer{Tokens: tokenFor("alice", "", -time.Hour), AllowWithoutTLS: true})}
		}
		all = append(all, m)
	}
	all = append(all,
		misfit{
			name: "a mechanism that is not offered", listener: "SASL_PLAINTEXT", opts: []kgo.ClientOption{kgo.SASL(unheardOf{})},
			hint: "does not offer GSSAPI on this port", code: kmsg.UnsupportedSASLMechanism,
		},
		misfit{name: "SASL is expected", listener: "SASL_PLAINTEXT", hint: "may want TLS or SASL", passing: true},
		misfit{name: "SASL is expected, over TLS", listener: "SASL_SSL", opts: []kgo.ClientOption{kgo.TLS(trusting(cluster))}, hint: "may want SASL", passing: true},
		misfit{
			name: "SASL is not expected", listener: "PLAINTEXT", opts: []kgo.ClientOption{kgo.SASL(mechanismOf("PLAIN", "alice-secret"))},
			hint: "without SASL", code: kmsg.IllegalSASLState,
		},
	)
	return all
}

// An unheardOf mechanism is none that the brokers are set up for.
type unheardOf struct{}

func (unheardOf) Name() string { return "GSSAPI" }
func (unheardOf) Start(context.Context, sasl.Endpoint) (sasl.Session, error) {
	return nil, errors.New("the broker takes it")
}

func (m misfit) isTold(t *testing.T, cluster *kafkatest.Cluster) {
	c := secureClient(t, cluster, m.listener, m.opts...)
	start := time.Now()
	err := c.Ping(t.Context())
	if err == nil {
		t.Fatal("it is welcome")
	}
	wantHint(t, err, m.hint, m.code)
	if m.is != nil && !m.is(err) {
		t.Errorf("got %v, want the cause in it", err)
	}
	if e, _ := errors.AsType[*kgo.Error](err); e != nil && e.Retriable != m.passing {
		t.Errorf("retriable: got %v, want %v", e.Retriable, m.passing)
	}
	t.Logf("told after %v", time.Since(start).Round(time.Millisecond))
	if took := time.Since(start); took > hangs {
		t.Errorf("it took %v", took)
	}
}

// Sessions of five seconds are renewed while requests run, and none is lost (KIP-368). A broker
// closes a connection that is used after its session's end, so that a connection that lasts is one
// that was renewed in time.
func reauthenticates(t *testing.T, cluster *kafkatest.Cluster) {
	const lasts = 30 * time.Second
	var users sync.WaitGroup
	defer users.Wait()
	for i, mechanism := range cluster.Mechanisms() {
		listener, opts := "SASL_PLAINTEXT", []kgo.ClientOption{kgo.Retries(0)}
		if i%2 == 1 {
			listener, opts = "SASL_SSL", append(opts, kgo.TLS(trusting(cluster)))
		}
		var logins atomic.Int64
		m := countedLogins{mechanismOf(mechanism, cluster.Users()[0].Password), &logins}
		c := secureClient(t, cluster, listener, append(opts, kgo.SASL(m), kgo.Hooks(kgo.Hook{OnDisconnect: func(e kgo.DisconnectEvent) {
			if e.Err != nil {
				t.Errorf("%s: a connection was lost after %v: %v", mechanism, e.Lasted, e.Err)
			}
		}}))...)
		if _, err := kgo.Do(t.Context(), c, offsetsRequest("orders", 0, 1, 2)); err != nil {
			t.Fatal(err)
		}
		users.Go(func() {
			requests, longest := load(lasts, 100, func() error {
				_, err := kgo.Do(t.Context(), c, offsetsRequest("orders", 0, 1, 2))
				return err
			}, func(err error) { t.Errorf("%s: %v", mechanism, err) })
			var connects, failed int64
			for _, b := range c.Stats().Brokers {
				connects, failed = connects+b.Connects, failed+b.Failed
			}
			if failed != 0 {
				t.Errorf("%s: %d requests without an answer", mechanism, failed)
			}
			if n := logins.Load(); n < 5*connects { // at 85 to 95 % of five seconds each
				t.Errorf("%s: %d logins on %d connections in %v", mechanism, n, connects, lasts)
			}
			t.Logf("%s: %d requests, the slowest took %v, %d logins on %d connections", mechanism, requests, longest.Round(time.Millisecond), logins.Load(), connects)
		})
	}
}

// countedLogins counts the logins of a mechanism.
type countedLogins struct {
	sasl.Mechanism
	logins *atomic.Int64
}

func (m countedLogins) Start(ctx context.Context, to sasl.Endpoint) (sasl.Session, error) {
	m.logins.Add(1)
	return m.Mechanism.Start(ctx, to)
}

// load makes that many requests a second for some time, some at a time if they take long. It
// returns how many there were, and how long the slowest took.
func load(lasts time.Duration, perSecond int, do func() error, failed func(error)) (requests int, longest time.Duration) {
	var running sync.WaitGroup
	var slowest atomic.Int64
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for end := time.Now().Add(lasts); time.Now().Before(end); requests++ {
		<-tick.C
		running.Go(func() {
			start := time.Now()
			if err := do(); err != nil {
				failed(fmt.Errorf("request after %v: %w", lasts-time.Until(end), err))
			}
			for took := int64(time.Since(start)); ; {
				old := slowest.Load()
				if old >= took || slowest.CompareAndSwap(old, took) {
					return
				}
			}
		})
	}
	running.Wait()
	return requests, time.Duration(slowest.Load())
}
