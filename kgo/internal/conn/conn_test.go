package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// bubble runs a test in virtual time. If a goroutine is left at its end, the test fails.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func TestRoundTrips(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		c := New(inMemory(t, b))
		if c.Versions() != nil || c.Stats().State != Idle {
			t.Error("there is a connection before anybody asked for one")
		}
		wantAnswer(t, do(c))
		wantAnswer(t, do(c))
		synctest.Wait()
		want := []kmsg.APIKey{kmsg.KeyAPIVersions, kmsg.KeyMetadata, kmsg.KeyMetadata}
		if got := b.requests(); !slices.Equal(got, want) {
			t.Errorf("the broker got %v, want %v", got, want)
		}
		if _, high, ok := c.Versions().Usable(kmsg.KeyMetadata); !ok || high != 13 {
			t.Errorf("Metadata can be sent up to version %d, %v", high, ok)
		}
		s := c.Stats()
		if s.State != Ready || s.Requests != 2 || s.Failed != 0 || s.Connects != 1 || s.BytesIn == 0 || s.BytesOut == 0 {
			t.Errorf("got %+v", s)
		}
		closeAll(t, c)
		wantFailure(t, do(c), link.StageQueue, link.ErrClosed)
		b.stop()
	})
}

// Many goroutines send, some give up, the connection is cut now and then: each request is done
// once.
func TestManyGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		c := New(inMemory(t, b))
		var users sync.WaitGroup
		for i := range 20 {
			users.Go(func() {
				for n := range 100 {
					w := newWaiter()
					r := metadata(w)
					c.Send(r)
					if (i+n)%7 == 0 {
						c.Cancel(r)
					}
					<-w.done
					if (i*100+n)%500 == 499 {
						b.hangUp()
					}
				}
			})
		}
		users.Wait()
		if s := c.Stats(); s.Requests != 2000 || s.Outstanding != 0 {
			t.Errorf("got %+v, want 2000 requests done", s)
		}
		closeAll(t, c)
		b.stop()
	})
}

// Answers are matched with requests even if many are in flight.
func TestPipeline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &broker{answer: func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
			time.Sleep(time.Millisecond)
			resp := req.Response()
			if m, ok := resp.(*kmsg.FindCoordinatorResponse); ok {
				m.Coordinators = []kmsg.FindCoordinatorResponseCoordinator{{Key: req.(*kmsg.FindCoordinatorRequest).CoordinatorKeys[0]}}
				return m
			}
			return nil
		}}
		c := New(inMemory(t, b))
		w := newWaiter()
		const n = 300
		for i := range n {
			req := kmsg.NewFindCoordinatorRequest()
			req.CoordinatorKeys = []string{fmt.Sprint(i)}
			r := link.NewRequest(req)
			r.Min, r.To = 4, w
			c.Send(r)
		}
		for i := range n {
			r := <-w.done
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			resp := kmsg.NewFindCoordinatorResponse()
			resp.Version = r.Version
			if _, err := kmsg.DecodeResponse(r.Frame, resp); err != nil {
				t.Fatal(err)
			}
			if got, want := resp.Coordinators[0].Key, fmt.Sprint(i); got != want {
				t.Fatalf("answer %d is about %s", i, got)
			}
		}
		closeAll(t, c)
		b.stop()
	})
}

func TestBrokerGoesAtEachStage(t *testing.T) {
	versions := func(b *broker, c net.Conn) bool { // answers ApiVersions
		request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
		if err != nil {
			return false
		}
		_, err = c.Write(b.respond(request))
		return err == nil
	}
	for _, test := range []struct {
		name  string
		serve func(*broker, net.Conn)
		stage link.Stage
		err   error
		facts func(*link.Failure) bool
	}{
		{"accepted", func(*broker, net.Conn) {}, link.StageVersions, nil, func(f *link.Failure) bool { return f.Ended && !f.Ready }},
		{"reset", func(_ *broker, c net.Conn) { c.(*memnet.Conn).Reset() }, link.StageVersions, nil, func(f *link.Failure) bool { return f.Ended }},
		{"versions asked", func(_ *broker, c net.Conn) { io.ReadFull(c, make([]byte, 8)) }, link.StageVersions, nil, func(f *link.Failure) bool { return f.Ended }},
		{"half of the versions", func(b *broker, c net.Conn) {
			request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
			if err == nil {
				c.Write(b.respond(request)[:50])
			}
		}, link.StageVersions, io.ErrUnexpectedEOF, func(f *link.Failure) bool { return f.Ended }},
		{"ready", func(b *broker, c net.Conn) { versions(b, c) }, link.StageAnswer, nil, func(f *link.Failure) bool { return f.Ended && f.Ready && f.Answers == 0 }},
		{"request read", func(b *broker, c net.Conn) {
			if versions(b, c) {
				kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
			}
		}, link.StageAnswer, io.EOF, func(f *link.Failure) bool { return f.Ended && f.Ready && f.Answers == 0 }},
		{"half an answer", func(b *broker, c net.Conn) {
			if versions(b, c) {
				if request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame); err == nil {
					c.Write(b.respond(request)[:9])
				}
			}
		}, link.StageAnswer, io.ErrUnexpectedEOF, func(f *link.Failure) bool { return f.Ended }},
		{"TLS", func(_ *broker, c net.Conn) { c.Write([]byte{21, 3, 3, 0, 2, 2, 70}) }, link.StageVersions, link.ErrProtocol, (*link.Failure).LooksLikeTLS},
		{"HTTP", func(_ *broker, c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, link.StageVersions, kmsg.ErrFrameSize, (*link.Failure).LooksLikeHTTP},
		{"negative size", func(_ *broker, c net.Conn) { c.Write([]byte{255, 255, 255, 255, 1}) }, link.StageVersions, link.ErrProtocol, nil},
		{"beyond the limit", func(_ *broker, c net.Conn) { c.Write([]byte{6, 64, 0, 1}) }, link.StageVersions, kmsg.ErrFrameSize, nil},
		{"an answer to nothing", func(b *broker, c net.Conn) {
			if versions(b, c) {
				c.Write(frame([]byte{0, 0, 0, 99, 0}))
			}
		}, link.StageAnswer, link.ErrProtocol, nil},
		{"empty frames", func(_ *broker, c net.Conn) { c.Write(make([]byte, 64)) }, link.StageVersions, link.ErrProtocol, nil},
		{"random bytes", func(_ *broker, c net.Conn) {
			c.Write([]byte{0, 0, 0, 30, 7, 3, 200, 1, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1})
		}, link.StageVersions, link.ErrProtocol, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := new(broker)
				b.serve = func(c net.Conn) { test.serve(b, c) }
				o := inMemory(t, b)
				c := New(o)
				r := do(c)
				if r.Err != nil && r.Err.Stage == link.StageWrite && test.stage == link.StageAnswer {
					test.stage = link.StageWrite // the writer has not said yet that it is done
				}
				wantFailure(t, r, test.stage, test.err)
				if test.facts != nil && !test.facts(r.Err) {
					t.Errorf("the facts are %+v", r.Err)
				}
				closeAll(t, c)
				b.stop()
			})
		})
	}
}

// A broker that accepts connections and says nothing does not hold anybody for long.
func TestSilentBroker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &broker{serve: func(c net.Conn) { io.Copy(io.Discard, c) }}
		c := New(inMemory(t, b))
		start := time.Now()
		wantFailure(t, do(c), link.StageVersions, link.ErrSilent)
		if d := time.Since(start); d != 9*time.Second {
			t.Errorf("it took %v, want 9s: ApiVersions twice, and Metadata", d)
		}
		closeAll(t, c)
		b.stop()
	})
}

// A broker that stops answering is left after the request timeout, and another connection made.
func TestBrokerFallsSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var quiet atomic.Bool
		b := &broker{answer: func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
			if quiet.Load() && req.APIKey() == kmsg.KeyMetadata {
				return silence
			}
			return nil
		}}
		c := New(inMemory(t, b))
		wantAnswer(t, do(c))
		quiet.Store(true)
		w := newWaiter()
		r := metadata(w)
		r.Deadline = time.Time{}
		c.Send(r)
		impatient := metadata(w)
		impatient.Deadline = time.Now().Add(5 * time.Second)
		c.Send(impatient)
		start := time.Now()
		if got := <-w.done; got != impatient || !errors.Is(got.Err, link.ErrTimeout) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), got.Err)
		}
		if got := <-w.done; got != r || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), got.Err)
		}
		wantFailure(t, r, link.StageAnswer, link.ErrSilent)
		if r.Written != link.WrittenYes {
			t.Errorf("written: %v", r.Written)
		}
		quiet.Store(false)
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

// A peer that sends a byte at a time is slow, not wrong.
func TestOneByteAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		b.serve = func(c net.Conn) { b.talk(slowly{c}) }
		c := New(inMemory(t, b))
		wantAnswer(t, do(c))
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

type slowly struct{ net.Conn }

func (s slowly) Write(p []byte) (int, error) {
	for i := range p {
		time.Sleep(time.Millisecond)
		if n, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(p), nil
}

// Connections that nobody uses go away, and leave nothing behind.
func TestIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		var notes []*link.Note
		o := inMemory(t, b)
		o.Note = func(n *link.Note) { notes = append(notes, n) }
		c := New(o)
		wantAnswer(t, do(c))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := c.Stats(); s.State != Idle {
			t.Errorf("got %+v", s)
		}
		if last := notes[len(notes)-1]; last.Kind != link.NoteDisconnected || !last.Idle || last.Failure != nil || last.Took != 9*time.Minute {
			t.Errorf("the last note is %+v", last)
		}
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

// A broker that goes away while nobody uses the connection costs nobody a request.
func TestHangUpWhileIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		c := New(inMemory(t, b))
		for range 5 {
			wantAnswer(t, do(c))
			b.hangUp()
			synctest.Wait()
		}
		if s := c.Stats(); s.Connects != 5 || s.Failed != 0 {
			t.Errorf("got %+v", s)
		}
		closeAll(t, c)
		b.stop()
	})
}

// A throttle holds its own lane, and no other.
func TestThrottle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		o := inMemory(t, b)
		produce, ordinary := New(o), New(o)
		r := do(produce)
		wantAnswer(t, r)
		produce.Throttled(r, 3*time.Second)
		synctest.Wait() // somebody else may run the loop just now
		if until := produce.Stats().ThrottledUntil; time.Until(until) != 3*time.Second {
			t.Errorf("throttled until %v", until)
		}
		start := time.Now()
		wantAnswer(t, do(ordinary))
		if d := time.Since(start); d != 0 {
			t.Errorf("the other lane took %v", d)
		}
		wantAnswer(t, do(produce))
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("the throttled lane took %v", d)
		}
		closeAll(t, produce)
		closeAll(t, ordinary)
		b.stop()
	})
}

func TestOldBroker(t *testing.T) {
	for name, silent := range map[string]bool{"0.8.2": false, "0.9.0": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := new(broker)
				b.serve = func(c net.Conn) {
					for {
						request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
						if err != nil {
							return
						}
						h, _, err := kmsg.DecodeRequestHeader(request)
						if err != nil {
							t.Error(err)
						}
						release, err := kmsg.Release(name)
						if err != nil {
							t.Error(err)
						}
						known, ok := release.Broker(kmsg.APIKey(h.RequestAPIKey))
						if ok && h.RequestAPIVersion <= known.Max {
							c.Write(b.respond(request))
						} else if !silent {
							return
						}
					}
				}
				var learned []*link.Learned
				peer := link.Peer{NodeID: -1}
				o := inMemory(t, b)
				o.Learned = func(l *link.Learned) {
					learned = append(learned, l)
					if l.Remember {
						peer.Old = l.Versions.Old
					}
				}
				o.Peer = func() link.Peer { return peer }
				c := New(o)
				start := time.Now()
				r := do(c)
				wantAnswer(t, r)
				if r.Version != 0 {
					t.Errorf("Metadata was sent in version %d", r.Version)
				}
				want := time.Duration(0)
				if silent {
					want = 9 * time.Second
				}
				if d := time.Since(start); d != want {
					t.Errorf("it took %v, want %v", d, want)
				}
				if len(learned) != 1 || !learned[0].Remember || learned[0].Versions.Old != name {
					t.Errorf("learned %+v", learned)
				}

				// Another lane is spared the trial.
				start = time.Now()
				other := New(o)
				wantAnswer(t, do(other))
				if d := time.Since(start); d != 0 {
					t.Errorf("the other lane took %v", d)
				}
				closeAll(t, c)
				closeAll(t, other)
				b.stop()
			})
		})
	}
}
