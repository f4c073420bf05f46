package kgo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Brokers let those wait whom they refuse (connection.failed.authentication.delay.ms). Who has the
// wrong password waits for one of them, not for one after the other.
func TestRefusalAtOnce(t *testing.T) {
	const delay = 100 * time.Millisecond
	for _, name := range []string{"PLAIN", "SCRAM-SHA-512"} {
		for _, release := range []string{"1.0", "4.4"} {
			t.Run(name+" "+release, func(t *testing.T) {
				opts := []ktest.Option{ktest.Version(release), ktest.Brokers(5), ktest.SASL(), ktest.User("alice", "secret"), ktest.SeedTopic("orders", 1)}
				onStage(t, opts, func(s *stage) {
					s.with([]kgo.ClientOption{kgo.SASL(mechanismOf(name, "guessed"))}, func(c *kgo.Client) {
						start := time.Now()
						err := c.Ping(context.Background())
						if took := time.Since(start); !errors.Is(err, kmsg.SASLAuthenticationFailed) || took > delay {
							t.Errorf("got %v after %v", err, took)
						}
						_, err = kgo.Do(context.Background(), c, offsetsRequest("orders", 0))
						if !errors.Is(err, kmsg.SASLAuthenticationFailed) {
							t.Errorf("got %v", err)
						}
						if n := s.Requests(kmsg.KeySASLHandshake); n > 2 {
							t.Errorf("got %d attempts to log in, want one a call", n)
						}
					})
				})
			})
		}
	}
}

// A broker that closes the connection without a word may be one that restarts: the others are asked.
func TestCutOffIsNoRefusal(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SASL(), ktest.User("alice", "secret")}, func(s *stage) {
		s.Fault(ktest.On(kmsg.KeySASLAuthenticate).Times(2), ktest.CutBefore())
		s.with([]kgo.ClientOption{kgo.SASL(mechanismOf("PLAIN", "secret"))}, func(c *kgo.Client) {
			start := time.Now()
			if err := c.Ping(context.Background()); err != nil || time.Since(start) > 0 {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
			if n := s.Requests(kmsg.KeySASLHandshake); n != 3 {
				t.Errorf("got %d attempts to log in, want 3", n)
			}
		})
	})
}
