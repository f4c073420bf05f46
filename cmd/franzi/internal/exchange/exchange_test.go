package exchange_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/exchange"
	"github.com/franzi-kafka/franzi/kmsg"
)

func TestExchanges(t *testing.T) {
	for _, tt := range []struct {
		name string
		talk func(*wire)
		want string
	}{
		{"one after the other", func(w *wire) {
			d := w.open(50000)
			for id := range int32(2) {
				q, a := metadata(id, "orders")
				d.says(q)
				d.hears(a)
			}
			d.ends()
		}, `
			Metadata v1 #0 29 > 35 1ms
			Metadata v1 #1 29 > 35 1ms`},
		{"requests that do not wait", func(w *wire) {
			d := w.open(50000)
			q1, a1 := metadata(1, "a")
			q2, a2 := metadata(2, "b", "c")
			d.says(append(q1, q2...))
			d.hears(append(a1, a2...))
			d.ends()
		}, `
			Metadata v1 #1 24 > 30 1ms
			Metadata v1 #2 27 > 40 1ms`},
		{"large frames in many segments; latency counts from last to first byte", func(w *wire) {
			d := w.open(50000)
			d.says(produce(1, -1, make([]byte, 4500)))
			_, a := metadata(1, strings.Repeat("x", 3000))
			d.hears(a)
		}, `
			Produce v3 #1 4549 > 3029 1ms`},
		{"byte by byte", func(w *wire) {
			d := w.open(50000)
			q, a := metadata(1, "a")
			for _, c := range q {
				d.says([]byte{c})
			}
			for _, c := range a {
				d.hears([]byte{c})
			}
		}, `
			Metadata v1 #1 24 > 30 1ms`},
		{"no acks, no response", func(w *wire) {
			d := w.open(50000)
			d.says(produce(1, 0, []byte("records")))
			q, a := metadata(2, "a")
			d.says(q)
			d.hears(a)
		}, `
			Produce v3 #1 56 > -, acks is 0: the broker sends no response
			Metadata v1 #2 24 > 30 1ms`},
		{"without responses", func(w *wire) {
			d := w.open(50000)
			q, _ := metadata(1, "a")
			d.says(q)
			d.ends()
			d = w.open(50001)
			d.says(q)
			d.segment(false, func(g *capture.Segment) { g.RST = true })
			d = w.open(50002)
			d.says(q)
		}, `
			Metadata v1 #1 24 > -, the connection ended before the response
			Metadata v1 #1 24 > -, the connection ended before the response
			Metadata v1 #1 24 > -, the capture ends before the response`},
		{"a port that is used again", func(w *wire) {
			for range 2 {
				d := w.open(50000)
				q, a := metadata(1, "a")
				d.says(q)
				d.hears(a)
				d.ends()
			}
			d := w.open(50000)
			q, _ := metadata(2, "a")
			d.says(q)
			d = w.dialog(50000) // without an end of the one before
			d.sent += 5000
			d.segment(true, func(g *capture.Segment) { g.SYN, g.ACK = true, false })
			d.sent++
			d.says(q)
		}, `
			Metadata v1 #1 24 > 30 1ms
			Metadata v1 #1 24 > 30 1ms
			Metadata v1 #2 24 > -, the connection ended before the response
			Metadata v1 #2 24 > -, the capture ends before the response`},
		{"versions and APIs of later releases", func(w *wire) {
			d := w.open(50000)
			q, a := metadata(1, "a")
			q[7] = 100
			d.says(q)
			d.hears(a)
			q, a = metadata(2, "a")
			q[5] = 120
			d.says(q)
			d.hears(a)
		}, `
			Metadata v100 #1 24 > 30 1ms
			APIKey(120) v1 #2 24 > 30 1ms`},
		{"the broker of another version answers ApiVersions", func(w *wire) {
			d := w.open(50000)
			v := kmsg.NewAPIVersionsRequest()
			v.Version = 3
			d.says(request(1, v))
			old := v.NewResponse()
			old.Version = 0
			old.ErrorCode = kmsg.UnsupportedVersion
			d.hears(response(1, old))
		}, `
			ApiVersions v3 #1 21 > 14 1ms`},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, tt.talk, tt.want) })
	}
}

// Before there was SaslAuthenticate, tokens went by without headers.
func TestSASL(t *testing.T) {
	handshake := func(id int32, version int16, mechanism string) (req, resp []byte) {
		h := kmsg.NewSASLHandshakeRequest()
		h.Version, h.Mechanism = version, mechanism
		r := h.NewResponse()
		r.Mechanisms = []string{mechanism}
		return request(id, h), response(id, r)
	}
	q, a := metadata(9, "a")
	for _, tt := range []struct {
		name string
		talk func(*wire)
		want string
	}{
		{"PLAIN", func(w *wire) {
			d := w.open(50000)
			hq, ha := handshake(1, 0, "PLAIN")
			d.says(hq)
			d.hears(ha)
			d.says(raw("\x00alice\x00secret"))
			d.hears(raw(""))
			d.says(q)
			d.hears(a)
		}, `
			SaslHandshake v0 #1 24 > 21 1ms
			PLAIN 17 > 4 1ms
			Metadata v1 #9 24 > 30 1ms`},
		{"SCRAM", func(w *wire) {
			d := w.open(50000)
			hq, ha := handshake(1, 0, "SCRAM-SHA-256")
			d.says(hq)
			d.hears(ha)
			d.says(raw("n,,n=alice,r=nonce"))
			d.hears(raw("r=nonce,s=salt,i=4096"))
			d.says(raw("c=biws,r=nonce,p=proof"))
			d.hears(raw("v=signature"))
			d.says(q)
			d.hears(a)
		}, `
			SaslHandshake v0 #1 32 > 29 1ms
			SCRAM-SHA-256 22 > 25 1ms
			SCRAM-SHA-256 26 > 15 1ms
			Metadata v1 #9 24 > 30 1ms`},
		{"refused", func(w *wire) {
			d := w.open(50000)
			hq, ha := handshake(1, 0, "PLAIN")
			d.says(hq)
			d.hears(ha)
			d.says(raw("\x00alice\x00wrong"))
			d.ends()
		}, `
			SaslHandshake v0 #1 24 > 21 1ms
			PLAIN 16 > -, the connection ended before the response`},
		{"with headers", func(w *wire) {
			d := w.open(50000)
			hq, ha := handshake(1, 1, "PLAIN")
			d.says(hq)
			d.hears(ha)
			auth := kmsg.NewSASLAuthenticateRequest()
			auth.Version = 0
			auth.AuthBytes = []byte("\x00alice\x00secret")
			d.says(request(2, auth))
			d.hears(response(2, auth.NewResponse()))
			d.says(q)
			d.hears(a)
		}, `
			SaslHandshake v1 #1 24 > 21 1ms
			SaslAuthenticate v0 #2 34 > 16 1ms
			Metadata v1 #9 24 > 30 1ms`},
		{"Kerberos without a handshake, as in 0.9", func(w *wire) {
			d := w.open(50000)
			d.says(raw("\x60" + strings.Repeat("token", 10)))
			d.hears(raw("\x60answer"))
			d.says(raw("\x05\x04\x00\xff"))
			d.hears(raw(""))
			d.says(q)
			d.hears(a)
		}, `
			GSSAPI 55 > 11 1ms
			GSSAPI 8 > 4 1ms
			Metadata v1 #9 24 > 30 1ms`},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, tt.talk, tt.want) })
	}
}

// A client that is never answered does not take memory without end: of more than 1024 requests, or
// 64 MiB of them, the first are given up.
func TestWaitingIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name            string
		requests, given int
		request         func(id int32) []byte
	}{
		{"as many as wait", 1024, 0, func(id int32) []byte { q, _ := metadata(id, "a"); return q }},
		{"many", 1030, 6, func(id int32) []byte { q, _ := metadata(id, "a"); return q }},
		{"large", 5, 1, func(id int32) []byte { return produce(id, -1, make([]byte, 15<<20)) }},
	} {
		w := newWire()
		d := w.open(50000)
		for id := range int32(tt.requests) {
			d.says(tt.request(id))
		}
		if len(w.found) != tt.given {
			t.Errorf("%s: %d are given up, want %d", tt.name, len(w.found), tt.given)
		}
		for id, found := range w.found {
			if !strings.Contains(found, fmt.Sprintf(" #%d ", id)) || !strings.HasSuffix(found, exchange.NoteUnanswered) {
				t.Errorf("%s: got %s, want request %d without an answer", tt.name, found, id)
			}
		}
		w.tracker.Close()
	}
}
