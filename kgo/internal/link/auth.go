package link

import (
	"bytes"
	"math"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// shakeHands begins SASL. After SaslHandshake version 1 the mechanism's messages come as
// requests (KIP-152), with version 0, which brokers before 1.0 have, as frames of their own.
func (l *Link) shakeHands(now time.Time) {
	c := &l.con
	l.phase = phaseHandshake
	c.step = now
	c.deadline = now.Add(l.cfg.RequestTimeout)
	version, err := c.versions.choose(kmsg.KeySASLHandshake, 0, 1)
	if err != nil {
		l.broken(now, l.failure(StageAuth, err), false)
		return
	}
	if _, _, ok := c.versions.Usable(kmsg.KeySASLAuthenticate); !ok {
		if version, err = c.versions.choose(kmsg.KeySASLHandshake, 0, 0); err != nil {
			l.broken(now, l.failure(StageAuth, err), false)
			return
		}
	}
	c.raw = version == 0
	req := kmsg.NewSASLHandshakeRequest()
	req.Version = version
	req.Mechanism = l.cfg.Mechanism
	l.ask(kindHandshake, req)
}

func (l *Link) onHandshake(now time.Time, b []byte) {
	resp := kmsg.NewSASLHandshakeResponse()
	if !l.con.raw {
		resp.Version = 1
	}
	if _, err := kmsg.DecodeResponseLenient(b, resp); err != nil {
		l.unlike(now, b, "the answer to SaslHandshake: %w", err)
		return
	}
	if resp.ErrorCode != kmsg.None {
		f := l.failure(StageAuth, nil)
		f.Code, f.Offered = resp.ErrorCode, resp.Mechanisms
		l.broken(now, f, false)
		return
	}
	l.phase = phaseAuth
	l.con.waiting = true
	l.do(&Authenticate{Attempt: l.attempt, First: true, TLS: l.con.tls})
}

func (l *Link) onAuthStep(now time.Time, e *AuthStep) {
	c := &l.con
	if l.phase != phaseAuth || !c.waiting || e.Attempt != l.attempt {
		return // of a connection that is gone
	}
	c.waiting = false
	switch {
	case e.Err != nil:
		l.broken(now, l.failure(StageAuth, e.Err), false)
	case e.Done:
		l.authenticated(now)
	case c.raw:
		c.pending = &internal{kind: kindRaw, raw: e.Response}
	default:
		c.told = e.Response
		req := kmsg.NewSASLAuthenticateRequest()
		_, req.Version, _ = c.versions.Usable(kmsg.KeySASLAuthenticate)
		req.AuthBytes = e.Response
		l.ask(kindAuth, req)
	}
}

func (l *Link) onAuthAnswer(now time.Time, b []byte) {
	c := &l.con
	resp := kmsg.NewSASLAuthenticateResponse()
	_, resp.Version, _ = c.versions.Usable(kmsg.KeySASLAuthenticate)
	if _, err := kmsg.DecodeResponseLenient(b, resp); err != nil {
		l.unlike(now, b, "the answer to SaslAuthenticate: %w", err)
		return
	}
	if resp.ErrorCode != kmsg.None {
		f := l.failure(StageAuth, nil)
		f.Code, f.Message = resp.ErrorCode, withoutSecret(resp.ErrorMessage.S, c.told)
		c.told = nil
		l.broken(now, f, false)
		return
	}
	c.told = nil
	c.lifetime = time.Duration(min(max(resp.SessionLifetimeMs, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	l.challenge(resp.AuthBytes)
}

const (
	longestMessage = 512 // of what a broker says is kept
	// leastShared is how many bytes in a row a message may not share with what was sent.
	leastShared = 8
)

// withoutSecret returns what a broker says, unless it repeats something of what the mechanism
// sent, which may be a password or a token: validators of tokens are said to do so.
func withoutSecret(message string, sent []byte) string {
	message = message[:min(len(message), longestMessage)]
	for i := range len(message) - leastShared + 1 {
		if bytes.Contains(sent, []byte(message[i:i+leastShared])) {
			return "[a text that repeats what was sent]"
		}
	}
	return message
}

// challenge gives the mechanism what the broker sent.
func (l *Link) challenge(b []byte) {
	l.con.waiting = true
	l.do(&Authenticate{Attempt: l.attempt, Challenge: b, TLS: l.con.tls})
}

// authenticated takes note that both sides are who they should be. A session that ends is
// renewed after 85 to 95 % of its time, as Java does it (KIP-368).
func (l *Link) authenticated(now time.Time) {
	c := &l.con
	n := &Note{Kind: NoteAuthenticated, Took: now.Sub(c.step), For: c.lifetime}
	if c.lifetime > 0 {
		c.renewAt = now.Add(time.Duration(float64(c.lifetime) * (0.85 + 0.1*l.cfg.Random())))
	}
	c.lifetime = 0
	if !c.renewing {
		l.do(n)
		l.ready(now)
		return
	}
	n.Kind = NoteReauthenticated
	l.do(n)
	c.renewing = false
	c.deadline = time.Time{}
	l.phase = phaseReady
}
