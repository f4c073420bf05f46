package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Auth is who may log in on listeners with SASL, and how.
type Auth struct {
	// Mechanisms are those that brokers offer, in this order: of PLAIN, SCRAM-SHA-256,
	// SCRAM-SHA-512 and OAUTHBEARER. OAUTHBEARER takes unsecured tokens, of whomever they say.
	Mechanisms []string
	Users      []User
	// Tokens are delegation tokens (KIP-48): the id and, as the password, the HMAC in base64.
	Tokens []User
	// Iterations are those of SCRAM; 4096 by default.
	Iterations int
}

// A User may log in.
type User struct{ Name, Password string }

// mechanisms are those that the model has.
var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}

// errDenied is what a mechanism says to those who may not log in; the words are for the client.
type errDenied string

func (e errDenied) Error() string { return string(e) }

// A session is one authentication of a client, by one mechanism.
type session interface {
	// step takes a message of the client and returns the answer. The error, an errDenied, ends
	// the session.
	step(now time.Time, message []byte) (answer []byte, done bool, err error)
	// who has logged in, and until when, which is zero for no end.
	who() (user string, until time.Time)
}

// An authenticator begins sessions.
type authenticator struct {
	Auth
	rand *rand.Rand
	keys map[scramUser]*scramKeys
}

func newAuthenticator(cfg Auth, random *rand.Rand) (*authenticator, error) {
	if cfg.Iterations == 0 {
		cfg.Iterations = 4096
	}
	var errs []error
	for _, m := range cfg.Mechanisms {
		if !slices.Contains(mechanisms, m) {
			errs = append(errs, fmt.Errorf("there is no SASL mechanism %q here", m))
		}
	}
	return &authenticator{Auth: cfg, rand: random, keys: map[scramUser]*scramKeys{}}, errors.Join(errs...)
}

// begin begins a session.
func (a *authenticator) begin(mechanism string) session {
	switch mechanism {
	case "PLAIN":
		return &plainSession{users: a.Users}
	case "OAUTHBEARER":
		return &oauthSession{}
	}
	return newScramSession(a, mechanism)
}

// A login is how far a connection is with authentication.
type login struct {
	needed    bool    // nobody has logged in yet, and somebody must
	versions  bool    // ApiVersions was asked
	mechanism string  // that was agreed upon last, "" for none
	session   session // under way, nil for none
	raw       bool    // and its messages are frames of their own (SaslHandshake version 0)

	user    string
	until   time.Time // when it has to be renewed, zero for never (KIP-368)
	renewed time.Time // when it was last begun
}

// mayAsk reports whether the state of a connection's authentication lets it make a request; else
// it is closed, after an answer that says why, if told is set.
func (c *Cluster) mayAsk(x *call) (may, told bool) {
	l := &x.conn.login
	expired := !l.until.IsZero() && c.now.After(l.until)
	switch {
	case l.session != nil:
		return x.key == kmsg.KeySASLAuthenticate, true
	case l.needed && x.key == kmsg.KeyAPIVersions:
		return !l.versions || !c.since("1.0"), false
	case l.needed || expired:
		return x.key == kmsg.KeySASLHandshake, false
	}
	return true, false
}

func (c *Cluster) saslHandshake(x *call, req *kmsg.SASLHandshakeRequest) {
	resp := req.NewResponse()
	cn := x.conn
	l := &cn.login
	listener := cn.node.Listeners[cn.listener]
	switch {
	case !listener.SASL, !l.needed && (!c.since("2.2") || c.now.Sub(l.renewed) < time.Second):
		resp.ErrorCode = kmsg.IllegalSASLState
		c.answer(x, resp)
		return
	}
	resp.Mechanisms = slices.Clone(c.auth.Mechanisms)
	if !slices.Contains(c.auth.Mechanisms, req.Mechanism) {
		resp.ErrorCode = kmsg.UnsupportedSASLMechanism
		cn.closesAfter = true
		c.answer(x, resp)
		return
	}
	if !l.needed && l.mechanism != req.Mechanism {
		// Who logs in again does so in the same way.
		c.hangUp(cn, false)
		return
	}
	l.mechanism = req.Mechanism
	l.session = c.auth.begin(req.Mechanism)
	l.raw = req.Version == 0
	l.renewed = c.now
	c.answer(x, resp)
}

func (c *Cluster) saslAuthenticate(x *call, req *kmsg.SASLAuthenticateRequest) {
	resp := req.NewResponse()
	l := &x.conn.login
	if l.session == nil {
		resp.ErrorCode, resp.ErrorMessage = kmsg.IllegalSASLState, kbin.Str("there was no SaslHandshake")
		c.answer(x, resp)
		return
	}
	answer, done, err := l.session.step(c.now, req.AuthBytes)
	lifetime := time.Duration(0)
	if err == nil && done {
		lifetime, err = c.loggedIn(x.conn)
	}
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = kmsg.SASLAuthenticationFailed, kbin.Str(err.Error())
		x.fault.delay += c.properties.failedAuthDelay
		x.conn.closesAfter = true
		c.answer(x, resp)
		return
	}
	resp.AuthBytes = answer
	resp.SessionLifetimeMs = lifetime.Milliseconds()
	c.answer(x, resp)
}

// loggedIn ends a session that was successful, and returns for how long.
func (c *Cluster) loggedIn(cn *conn) (lifetime time.Duration, err error) {
	l := &cn.login
	user, until := l.session.who()
	if !l.needed && user != l.user {
		return 0, errDenied("a connection cannot change its user")
	}
	l.needed, l.session, l.raw, l.user = false, nil, false, user
	l.until = time.Time{}
	if !c.since("2.2") {
		return 0, nil
	}
	if !until.IsZero() && (c.properties.maxReauth > 0 || c.since("3.5")) {
		lifetime = max(0, until.Sub(c.now))
	}
	if most := c.properties.maxReauth; most > 0 && (lifetime == 0 || most < lifetime) {
		lifetime = most
	}
	if lifetime > 0 {
		l.until = c.now.Add(lifetime)
	}
	return lifetime, nil
}

// rawToken takes a message of a session that is a frame of its own, as after SaslHandshake version
// 0: the answer is one, too, and there is no word for failure.
func (c *Cluster) rawToken(cn *conn, token []byte) {
	answer, done, err := cn.login.session.step(c.now, token)
	if err == nil && done {
		_, err = c.loggedIn(cn)
	}
	if err != nil {
		cn.closing = true
		c.after(c.properties.failedAuthDelay, func() { c.hangUp(cn, false) })
		return
	}
	c.write(cn, append(kbin.AppendInt32(nil, int32(len(answer))), answer...))
}
