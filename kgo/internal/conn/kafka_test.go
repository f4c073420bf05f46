//go:build kafka

package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

func mechanism(t *testing.T, name, user, password string) sasl.Mechanism {
	t.Helper()
	credentials := sasl.Password(user, password)
	switch name {
	case "PLAIN":
		return &sasl.Plain{Credentials: credentials, AllowWithoutTLS: true}
	case "SCRAM-SHA-256":
		return &sasl.ScramSHA256{Credentials: credentials}
	case "SCRAM-SHA-512":
		return &sasl.ScramSHA512{Credentials: credentials}
	}
	t.Fatalf("no mechanism %s", name)
	return nil
}

// once sends one Metadata request over a lane of its own.
func once(t *testing.T, o Options) *link.Request {
	t.Helper()
	o.Link.ClientID, o.Link.SoftwareName, o.Link.SoftwareVersion = "franzi-conn", "franzi", "1"
	c := New(o)
	w := newWaiter()
	r := metadata(w)
	c.Send(r)
	<-w.done
	closeAll(t, c)
	return r
}

// Brokers of every era are spoken to with nothing set by hand, over all of their listeners, and
// what goes wrong is said.
func TestKafkaEras(t *testing.T) {
	for _, version := range kafkatest.Eras() {
		t.Run(version, func(t *testing.T) {
			secure := version != "0.8.2.2" // which knows neither TLS nor SASL
			cluster := kafkatest.New(t, kafkatest.Options{Version: version, Security: secure})
			plain := cluster.Addrs()[0]
			var learned []*link.Learned
			start := time.Now()
			wantAnswer(t, once(t, Options{Addr: plain, Learned: func(l *link.Learned) { learned = append(learned, l) }}))
			old := map[string]string{"0.8.2.2": "0.8.2", "0.9.0.1": "0.9.0"}[version]
			if len(learned) != 1 || learned[0].Versions.Old != old || learned[0].Remember != (old != "") {
				t.Errorf("learned %+v", learned)
			}
			t.Logf("the first answer came after %v", time.Since(start))

			if secure {
				secured(t, cluster)
			}
			for _, name := range cluster.Mechanisms() {
				if name != "OAUTHBEARER" {
					t.Run(name, func(t *testing.T) { authenticated(t, cluster, name) })
				}
			}
		})
	}
}

// secured tries the TLS listener.
func secured(t *testing.T, cluster *kafkatest.Cluster) {
	t.Helper()
	addr := cluster.Listener("SSL")[0]
	good := &tls.Config{RootCAs: cluster.CA(), Certificates: []tls.Certificate{cluster.ClientCertificate()}}
	wantAnswer(t, once(t, Options{Addr: addr, TLS: good}))

	r := once(t, Options{Addr: addr, TLS: &tls.Config{RootCAs: x509.NewCertPool()}})
	wantFailure(t, r, link.StageTLS, nil)
	if !as[x509.UnknownAuthorityError](r.Err) {
		t.Errorf("with another authority: %v", r.Err)
	}
	r = once(t, Options{Addr: addr, TLS: &tls.Config{RootCAs: cluster.CA(), ServerName: "elsewhere.example"}})
	wantFailure(t, r, link.StageTLS, nil)
	if !as[x509.HostnameError](r.Err) {
		t.Errorf("with another name: %v", r.Err)
	}
	stranger := newAuthority(t).issue("stranger", time.Now().Add(time.Hour))
	r = once(t, Options{Addr: addr, TLS: &tls.Config{RootCAs: cluster.CA(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &stranger, nil
	}}})
	if r.Err == nil || !r.Err.TLS {
		t.Errorf("with a stranger's certificate: %v", r.Err)
	}
	t.Logf("with a stranger's certificate: %v", r.Err)

	// No TLS where it is wanted, and the reverse. Neither is an old broker.
	r = once(t, Options{Addr: addr})
	wantFailure(t, r, link.StageVersions, nil)
	t.Logf("without TLS: %v, head % x, ended %v", r.Err, r.Err.Head, r.Err.Ended)
	r = once(t, Options{Addr: cluster.Addrs()[0], TLS: good})
	wantFailure(t, r, link.StageTLS, nil)
	t.Logf("with TLS at the plain port: %v, head % x, ended %v", r.Err, r.Err.Head, r.Err.Ended)
}

// authenticated tries a mechanism.
func authenticated(t *testing.T, cluster *kafkatest.Cluster, name string) {
	user := cluster.Users()[0]
	plain, secure := cluster.Listener("SASL_PLAINTEXT")[0], cluster.Listener("SASL_SSL")[0]
	over := &tls.Config{RootCAs: cluster.CA()}
	good := mechanism(t, name, user.Name, user.Password)
	wantAnswer(t, once(t, Options{Addr: plain, SASL: good}))
	wantAnswer(t, once(t, Options{Addr: secure, SASL: good, TLS: over}))

	r := once(t, Options{Addr: secure, SASL: mechanism(t, name, user.Name, "guessed"), TLS: over})
	wantFailure(t, r, link.StageAuth, nil)
	t.Logf("with a wrong password: %v, ended %v", r.Err, r.Err.Ended)
	if strings.Contains(r.Err.Error(), "guessed") {
		t.Error("the password is in the error")
	}
	r = once(t, Options{Addr: secure, SASL: renamed{good}, TLS: over})
	wantFailure(t, r, link.StageAuth, kmsg.UnsupportedSASLMechanism)
	if len(r.Err.Offered) != len(cluster.Mechanisms()) {
		t.Errorf("offered: %q, want %q", r.Err.Offered, cluster.Mechanisms())
	}
	r = once(t, Options{Addr: plain})
	if r.Err == nil || !r.Err.Ended || !r.Err.Ready || r.Err.Answers > 0 {
		t.Errorf("without SASL: %+v", r.Err)
	}
	t.Logf("without SASL: %v", r.Err)
	r = once(t, Options{Addr: cluster.Addrs()[0], SASL: good})
	wantFailure(t, r, link.StageAuth, nil)
	t.Logf("with SASL where it is not wanted: %v, ended %v", r.Err, r.Err.Ended)
}

// renamed is a mechanism that the broker does not have.
type renamed struct{ sasl.Mechanism }

func (renamed) Name() string { return "UNHEARD-OF" }

// Short sessions are renewed under load, and no request is lost.
func TestKafkaRenewal(t *testing.T) {
	for _, version := range []string{"2.8.2", "3.9.2", "4.4.0"} {
		t.Run(version, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: version, Security: true, Properties: map[string]string{"connections.max.reauth.ms": "2000"}})
			user := cluster.Users()[0]
			var renewed atomic.Int32
			o := Options{
				Addr: cluster.Listener("SASL_SSL")[0],
				TLS:  &tls.Config{RootCAs: cluster.CA()},
				SASL: mechanism(t, "PLAIN", user.Name, user.Password),
				Note: func(n *link.Note) {
					if n.Kind == link.NoteReauthenticated {
						renewed.Add(1)
					}
				},
			}
			if version == "2.8.2" {
				// With TLS this broker may sleep for 300 ms on requests that it has read
				// (KAFKA-13559), which is more than is left of so short a session.
				o.Addr, o.TLS = cluster.Listener("SASL_PLAINTEXT")[0], nil
			}
			c := New(o)
			var users sync.WaitGroup
			end := time.Now().Add(12 * time.Second)
			for range 8 {
				users.Go(func() {
					for time.Now().Before(end) {
						if r := do(c); r.Err != nil {
							t.Errorf("a request was lost: %v", r.Err)
							return
						}
					}
				})
			}
			users.Wait()
			s := c.Stats()
			if renewed.Load() < 4 || s.Connects != 1 || s.Failed != 0 {
				t.Errorf("renewed %d times: %+v", renewed.Load(), s)
			}
			t.Logf("%d requests, renewed %d times", s.Requests, renewed.Load())
			closeAll(t, c)
		})
	}
}

// A broker that is paused, as by a long collection of garbage, is not taken for an old one,
// whenever it wakes up.
func TestKafkaPaused(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest()})
	node := cluster.Node(1)
	for _, pause := range []time.Duration{500, 1500, 2500, 3500, 4500, 5500, 6500, 7500, 8500} {
		pause *= time.Millisecond
		if err := node.Pause(); err != nil {
			t.Fatal(err)
		}
		wake := time.AfterFunc(pause, func() {
			if err := node.Continue(); err != nil {
				t.Error(err)
			}
		})
		c := New(Options{
			Addr: cluster.Addrs()[0],
			Learned: func(l *link.Learned) {
				if l.Remember {
					t.Errorf("paused for %v: taken for %s", pause, l.Versions.Old)
				}
			},
		})
		deadline := time.Now().Add(30 * time.Second)
		for {
			w := newWaiter()
			r := metadata(w)
			r.Deadline = deadline
			c.Send(r)
			<-w.done
			if r.Err == nil {
				break
			}
			if errors.Is(r.Err, link.ErrTimeout) {
				t.Fatalf("paused for %v: %v", pause, r.Err)
			}
		}
		closeAll(t, c)
		wake.Stop()
	}
}
