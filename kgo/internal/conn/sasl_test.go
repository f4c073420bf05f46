package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// rounds is a mechanism that counts down: the client says n, the broker n-1, until 0.
type rounds struct {
	n     byte
	start func(context.Context, sasl.Endpoint) error
	err   error
	begun atomic.Int32
}

func (m *rounds) Name() string { return "ROUNDS" }

func (m *rounds) Start(ctx context.Context, to sasl.Endpoint) (sasl.Session, error) {
	m.begun.Add(1)
	if m.start != nil {
		if err := m.start(ctx, to); err != nil {
			return nil, err
		}
	}
	return &roundsSession{n: m.n, err: m.err}, nil
}

type roundsSession struct {
	n     byte
	begun bool
	err   error
}

func (s *roundsSession) Step(challenge []byte) ([]byte, bool, error) {
	if s.err != nil {
		return nil, false, s.err
	}
	if !s.begun {
		s.begun = true
		if challenge != nil {
			return nil, false, errors.New("the first step has a challenge")
		}
		return []byte{s.n}, false, nil
	}
	if challenge == nil {
		return nil, false, errors.New("a later step has no challenge")
	}
	if len(challenge) != 1 || challenge[0] != s.n-1 {
		return nil, false, fmt.Errorf("the broker said %v, want %d", challenge, s.n-1)
	}
	if s.n -= 2; s.n == 0 {
		return nil, true, nil
	}
	return []byte{s.n}, false, nil
}

// demanding is a broker that wants SASL, and again when a session's time is over.
type demanding struct {
	*broker
	lifetime time.Duration
	refuse   atomic.Bool
}

func (d *demanding) serve(c net.Conn) {
	var until time.Time
	handshake := false
	open := false
	for {
		request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
		if err != nil {
			return
		}
		h, req, err := kmsg.DecodeRequest(request)
		if err != nil {
			d.t.Errorf("the broker got a bad request: %v", err)
			return
		}
		resp := req.Response()
		switch req := req.(type) {
		case *kmsg.APIVersionsRequest:
			resp = d.usual(req)
		case *kmsg.SASLHandshakeRequest:
			handshake = true
			if m := resp.(*kmsg.SASLHandshakeResponse); req.Mechanism != "ROUNDS" {
				m.ErrorCode, m.Mechanisms = kmsg.UnsupportedSASLMechanism, []string{"ROUNDS"}
			}
		case *kmsg.SASLAuthenticateRequest:
			m := resp.(*kmsg.SASLAuthenticateResponse)
			switch {
			case !handshake:
				d.t.Error("SaslAuthenticate without a handshake")
			case d.refuse.Load():
				m.ErrorCode, m.ErrorMessage.S, m.ErrorMessage.Valid = kmsg.SASLAuthenticationFailed, "not today", true
			default:
				m.AuthBytes = []byte{req.AuthBytes[0] - 1}
				m.SessionLifetimeMs = d.lifetime.Milliseconds()
				if req.AuthBytes[0] == 2 {
					open, handshake = true, false
					until = time.Now().Add(d.lifetime)
				}
			}
		default:
			if handshake {
				d.t.Errorf("%v between the steps of SASL", h.RequestAPIKey)
			}
			if !open || d.lifetime > 0 && time.Now().After(until) {
				return // without a word, as brokers do
			}
		}
		answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
		if err != nil {
			d.t.Error(err)
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func demand(t *testing.T, lifetime time.Duration) (*demanding, Options) {
	d := &demanding{broker: new(broker), lifetime: lifetime}
	d.broker.serve = d.serve
	return d, inMemory(t, d.broker)
}

func TestSASL(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, o := demand(t, 0)
		var endpoint sasl.Endpoint
		m := &rounds{n: 6, start: func(_ context.Context, to sasl.Endpoint) error {
			endpoint = to
			return nil
		}}
		o.SASL = m
		o.Addr, o.DialAddr = "advertised:1", "broker:9092"
		c := New(o)
		wantAnswer(t, do(c))
		wantAnswer(t, do(c))
		if want := (sasl.Endpoint{Addr: "advertised:1"}); endpoint != want {
			t.Errorf("the mechanism was told %+v, want %+v", endpoint, want)
		}
		if n := m.begun.Load(); n != 1 {
			t.Errorf("the mechanism was started %d times", n)
		}
		closeAll(t, c)
		b.stop()
	})
}

func TestSASLFails(t *testing.T) {
	noToken := errors.New("no token")
	for _, test := range []struct {
		name   string
		m      sasl.Mechanism
		refuse bool
		check  func(*link.Failure) bool
	}{
		{"the broker refuses", &rounds{n: 6}, true, func(f *link.Failure) bool {
			return errors.Is(f, kmsg.SASLAuthenticationFailed) && f.Message == "not today" && f.Mechanism == "ROUNDS"
		}},
		{"no token", &rounds{n: 6, start: func(context.Context, sasl.Endpoint) error { return noToken }}, false, func(f *link.Failure) bool {
			return errors.Is(f, noToken)
		}},
		{"a step fails", &rounds{n: 6, err: io.ErrNoProgress}, false, func(f *link.Failure) bool { return errors.Is(f, io.ErrNoProgress) }},
		{"another mechanism", other{new(rounds)}, false, func(f *link.Failure) bool {
			return errors.Is(f, kmsg.UnsupportedSASLMechanism) && len(f.Offered) == 1 && f.Offered[0] == "ROUNDS"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b, o := demand(t, 0)
				b.refuse.Store(test.refuse)
				o.SASL = test.m
				c := New(o)
				r := do(c)
				wantFailure(t, r, link.StageAuth, nil)
				if !test.check(r.Err) || r.Written != link.WrittenNo {
					t.Errorf("got %+v, written %v", r.Err, r.Written)
				}
				closeAll(t, c)
				b.stop()
			})
		})
	}
}

type other struct{ *rounds }

func (other) Name() string { return "OTHER" }

// A broker that wants SASL ends the connection of who does not know: without a word, but at the
// first request on a ready connection.
func TestSASLIsWanted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, o := demand(t, 0)
		c := New(o)
		r := do(c)
		wantFailure(t, r, link.StageAnswer, io.EOF)
		if f := r.Err; !f.Ended || !f.Ready || f.Answers != 0 || f.Mechanism != "" {
			t.Errorf("the facts are %+v", f)
		}
		closeAll(t, c)
		b.stop()
	})
}

// Under load, sessions are renewed in time: the broker ends a connection that is used after its
// session, and here it never does.
func TestRenewalUnderLoad(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, o := demand(t, 5*time.Second)
		m := &rounds{n: 4}
		o.SASL = m
		c := New(o)
		var users sync.WaitGroup
		end := time.Now().Add(time.Minute)
		for i := range 10 {
			users.Go(func() {
				for time.Now().Before(end) {
					r := do(c)
					if r.Err != nil {
						t.Errorf("a request was lost: %v", r.Err)
						return
					}
					time.Sleep(time.Duration(i+1) * 7 * time.Millisecond)
				}
			})
		}
		users.Wait()
		if n := m.begun.Load(); n < 12 || n > 15 {
			t.Errorf("the mechanism was started %d times in a minute, want one in 4.25 to 4.75 s", n)
		}
		if s := c.Stats(); s.Connects != 1 {
			t.Errorf("there were %d connections", s.Connects)
		}
		closeAll(t, c)
		b.stop()
	})
}

// When the credentials are not good any more, the renewal fails, and so does the next connection;
// when they are good again, all goes on.
func TestRenewalFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, o := demand(t, 5*time.Second)
		o.SASL = &rounds{n: 4}
		c := New(o)
		wantAnswer(t, do(c))
		b.refuse.Store(true)
		time.Sleep(6 * time.Second)
		wantFailure(t, do(c), link.StageAuth, kmsg.SASLAuthenticationFailed)
		b.refuse.Store(false)
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

// A mechanism that waits for a token holds its lane only, and is stopped with it.
func TestSlowMechanism(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, o := demand(t, 0)
		stopped := make(chan error, 1)
		o.SASL = &rounds{n: 4, start: func(ctx context.Context, _ sasl.Endpoint) error {
			<-ctx.Done()
			stopped <- ctx.Err()
			return ctx.Err()
		}}
		c := New(o)
		w := newWaiter()
		r := metadata(w)
		r.Deadline = time.Now().Add(time.Second)
		c.Send(r)
		wantFailure(t, <-w.done, link.StageAuth, link.ErrTimeout)
		start := time.Now()
		closeAll(t, c)
		if d := time.Since(start); d != 0 {
			t.Errorf("to close took %v", d)
		}
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			t.Errorf("the mechanism saw %v", err)
		}
		b.stop()
	})
}
