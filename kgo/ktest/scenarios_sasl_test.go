package ktest_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Who may log in on a stage with SASL.
const (
	alice  = "alice"
	secret = "alice-secret"
)

func plainMessage(user, password string) []byte { return []byte("\x00" + user + "\x00" + password) }

// tokenMessage is OAUTHBEARER's, with an unsecured token that ends some time after the start.
func (s *stage) tokenMessage(user string, lifetime time.Duration) []byte {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, s.started.Unix(), s.started.Add(lifetime).Unix())
	return []byte("n,,\x01auth=Bearer " + part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + ".\x01\x01")
}

func playSASL(s *stage) {
	if s.saslAddr == "" {
		return
	}
	handshakes, _ := s.release.Broker(kmsg.KeySASLHandshake)
	authenticates, v1 := s.release.Broker(kmsg.KeySASLAuthenticate)
	handshake := func(c *client, v int16, mechanism string) bool {
		req := kmsg.NewSASLHandshakeRequest()
		req.Mechanism = mechanism
		resp, _ := s.hearOn(c, req, v).(*kmsg.SASLHandshakeResponse)
		return resp != nil && resp.ErrorCode == kmsg.None
	}
	authenticate := func(c *client, v int16, message []byte) []byte {
		req := kmsg.NewSASLAuthenticateRequest()
		req.AuthBytes = message
		if resp, _ := s.hearOn(c, req, v).(*kmsg.SASLAuthenticateResponse); resp != nil {
			return resp.AuthBytes
		}
		return nil
	}
	metadata := func(c *client) {
		r, _ := s.release.Broker(kmsg.KeyMetadata)
		req := kmsg.NewMetadataRequest()
		if r.Min == 0 && r.Max > 0 {
			r.Min = 1
		}
		s.hearOn(c, req, r.Min)
	}
	play := func(what string, with func(c *client)) {
		s.title("-- %s", what)
		c := s.connect(s.saslAddr)
		defer c.Close()
		with(c)
	}

	play("nobody has logged in", metadata)
	play("versions first", func(c *client) {
		for range 2 {
			_, said := s.answer(c, kmsg.NewAPIVersionsRequest(), 0)
			s.title("ApiVersions v0: %.16s", said)
		}
	})
	play("versions, then handshake", func(c *client) {
		s.answer(c, kmsg.NewAPIVersionsRequest(), 0)
		handshake(c, handshakes.Max, "PLAIN")
		metadata(c)
	})
	for v := handshakes.Min; v <= handshakes.Max; v++ {
		play("no such mechanism", func(c *client) {
			handshake(c, v, "TELEPATHY")
			metadata(c)
		})
	}
	play("frames of their own", func(c *client) {
		handshake(c, 0, "PLAIN")
		s.title("%s", s.rawToken(c, plainMessage(alice, secret)))
		metadata(c)
	})
	play("frames of their own, wrong", func(c *client) {
		handshake(c, 0, "PLAIN")
		s.title("%s", s.rawToken(c, plainMessage(alice, "wrong")))
	})
	if !v1 {
		return
	}
	s.title("-- without SASL")
	s.conn = s.connect(s.addr)
	handshake(s.conn, handshakes.Max, "PLAIN")
	authenticate(s.conn, authenticates.Max, plainMessage(alice, secret))
	play("no handshake", func(c *client) { authenticate(c, 0, plainMessage(alice, secret)) })
	for v := authenticates.Min; v <= authenticates.Max; v++ {
		play("right", func(c *client) {
			handshake(c, 1, "PLAIN")
			authenticate(c, v, plainMessage(alice, secret))
			metadata(c)
		})
		play("wrong password", func(c *client) {
			handshake(c, 1, "PLAIN")
			authenticate(c, v, plainMessage(alice, "wrong"))
			metadata(c)
		})
	}
	v := authenticates.Max
	play("unknown user", func(c *client) {
		handshake(c, 1, "PLAIN")
		authenticate(c, v, plainMessage("mallory", secret))
	})
	play("as somebody else", func(c *client) {
		handshake(c, 1, "PLAIN")
		authenticate(c, v, append([]byte("admin"), plainMessage(alice, secret)...))
	})
	play("nonsense", func(c *client) {
		handshake(c, 1, "PLAIN")
		authenticate(c, v, []byte("nonsense"))
	})
	play("after logging in", func(c *client) {
		handshake(c, 1, "PLAIN")
		authenticate(c, v, plainMessage(alice, secret))
		authenticate(c, v, plainMessage(alice, secret))
		handshake(c, 1, "PLAIN")
	})
	if !s.offers("SCRAM-SHA-256") {
		return
	}
	for _, login := range []struct{ what, user, password string }{
		{"scram", alice, secret}, {"scram, wrong password", alice, "wrong"}, {"scram, unknown user", "mallory", secret},
	} {
		for _, m := range []sasl.Mechanism{
			&sasl.ScramSHA256{Credentials: sasl.Password(login.user, login.password)},
			&sasl.ScramSHA512{Credentials: sasl.Password(login.user, login.password)},
		} {
			play(login.what, func(c *client) {
				session, err := m.Start(context.Background(), sasl.Endpoint{})
				if err != nil {
					s.Fatal(err)
				}
				handshake(c, 1, m.Name())
				var challenge []byte
				for {
					message, done, err := session.Step(challenge)
					if err != nil {
						s.title("the client gives up")
						return
					}
					if done {
						metadata(c)
						return
					}
					if challenge = authenticate(c, v, message); len(challenge) == 0 {
						return
					}
				}
			})
		}
	}
	if !s.offers("OAUTHBEARER") {
		return
	}
	play("a token", func(c *client) {
		handshake(c, 1, "OAUTHBEARER")
		authenticate(c, v, s.tokenMessage(alice, time.Hour))
		metadata(c)
	})
	play("a token of yesterday", func(c *client) {
		handshake(c, 1, "OAUTHBEARER")
		if authenticate(c, v, s.tokenMessage(alice, -time.Hour)) != nil {
			authenticate(c, v, []byte("\x01"))
		}
	})
	play("no token", func(c *client) {
		handshake(c, 1, "OAUTHBEARER")
		authenticate(c, v, []byte("nonsense"))
	})
}

// offers reports whether the broker has a mechanism.
func (s *stage) offers(mechanism string) bool {
	c := s.connect(s.saslAddr)
	defer c.Close()
	req := kmsg.NewSASLHandshakeRequest()
	req.Mechanism = "?"
	return slices.Contains(ask(c, req, 0).Mechanisms, mechanism)
}

// rawToken sends a message that is a frame of its own and says what comes back.
func (s *stage) rawToken(c *client, token []byte) string {
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...)
	if _, err := c.Write(frame); err != nil {
		s.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(c.patience))
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return "token: " + lost(err)
	}
	return fmt.Sprintf("token: %d bytes", binary.BigEndian.Uint32(size[:]))
}
