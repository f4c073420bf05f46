package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Wherever a lane is, to close it ends all requests at once, once each, and leaves nothing.
func TestCloseAtEachStage(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(*broker, net.Conn)
		with  func(*Options)
		send  func(*waiter) *link.Request
	}{
		{"dialing", nil, func(o *Options) {
			o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}, metadata},
		{"dialed too late", nil, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				<-ctx.Done()
				return dial(context.WithoutCancel(ctx), network, addr)
			}
		}, metadata},
		{"negotiating", func(_ *broker, c net.Conn) { io.Copy(io.Discard, c) }, nil, metadata},
		{"authenticating", nil, func(o *Options) {
			o.SASL = &rounds{n: 4, start: func(ctx context.Context, _ sasl.Endpoint) error {
				<-ctx.Done()
				return ctx.Err()
			}}
		}, metadata},
		{"waiting for an answer", func(b *broker, c net.Conn) {
			request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
			if err == nil {
				c.Write(b.respond(request))
			}
			io.Copy(io.Discard, c)
		}, nil, metadata},
		{"writing", func(b *broker, c net.Conn) {
			request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
			if err == nil {
				c.Write(b.respond(request))
			}
			time.Sleep(time.Hour)
		}, nil, func(w *waiter) *link.Request { return produce(1_000_000, w) }},
		{"waiting to try again", nil, func(o *Options) {
			o.Link.BackoffMin, o.Link.BackoffMax = time.Hour, time.Hour
			o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") }
		}, metadata},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := new(broker)
				if test.serve != nil {
					b.serve = func(c net.Conn) { test.serve(b, c) }
				}
				o := inMemory(t, b)
				if test.with != nil {
					test.with(&o)
				}
				c := New(o)
				w := newWaiter()
				first := test.send(w)
				c.Send(first)
				synctest.Wait()
				for range 3 {
					c.Send(metadata(w))
				}
				synctest.Wait()
				start := time.Now()
				why := errors.New("the client is closed")
				c.Close(why)
				c.Close(nil) // again
				c.Send(metadata(w))
				<-c.Done()
				if d := time.Since(start); d != 0 {
					t.Errorf("to close took %v", d)
				}
				for range 5 {
					if r := <-w.done; !errors.Is(r.Err, link.ErrClosed) || !errors.Is(r.Err, why) {
						if test.name != "waiting to try again" || r != first { // which failed before
							t.Errorf("got %v", r.Err)
						}
					}
				}
				synctest.Wait()
				if len(w.done) > 0 {
					t.Errorf("%d requests are done twice", len(w.done))
				}
				b.stop()
			})
		})
	}
}

// A connection that does not let go, which no Close ends, keeps Done waiting, but nobody else.
func TestCloseOfAStubbornConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		o := inMemory(t, b)
		dial := o.Dial
		free := make(chan struct{})
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return stubborn{c, free}, err
		}
		c := New(o)
		wantAnswer(t, do(c))
		c.Close(nil)
		wantFailure(t, do(c), link.StageQueue, link.ErrClosed)
		time.Sleep(time.Hour)
		select {
		case <-c.Done():
			t.Error("the lane is done, and its connection is there")
		default:
		}
		close(free)
		<-c.Done()
		b.stop()
	})
}

type stubborn struct {
	net.Conn
	free chan struct{}
}

func (s stubborn) Close() error {
	<-s.free
	return s.Conn.Close()
}

// A lane that was never used has nothing to close.
func TestCloseUnused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(Options{Addr: "broker:9092"})
		closeAll(t, c)
	})
}

// The farewell of TLS is sent when a connection is closed in peace.
func TestFarewell(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		ended := make(chan error, 1)
		b.serve = func(c net.Conn) {
			for {
				request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
				if err != nil {
					ended <- err
					return
				}
				c.Write(b.respond(request))
			}
		}
		ca := newAuthority(t)
		var network memnet.Network
		tlsBroker(t, &network, "broker:9093", b, &tls.Config{Certificates: []tls.Certificate{ca.issue("broker", time.Now().Add(time.Hour))}})
		o := Options{Addr: "broker:9093", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool()}}
		o.Link.IdleTimeout = time.Minute
		c := New(o)
		wantAnswer(t, do(c))
		if err := <-ended; err != io.EOF { // without a farewell it is unexpected
			t.Errorf("the broker saw %v when nobody used the connection, want the end", err)
		}
		wantAnswer(t, do(c))
		c.Close(nil)
		if err := <-ended; err != io.EOF {
			t.Errorf("the broker saw %v when the lane was closed, want the end", err)
		}
		<-c.Done()
		b.stop()
	})
}
