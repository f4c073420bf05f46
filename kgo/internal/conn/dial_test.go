package conn

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
)

// A resolved network has a name with several addresses.
type resolved struct {
	network memnet.Network
	names   map[string][]string

	mu      sync.Mutex
	lookups int
	dials   []string
	hang    map[string]bool // addresses that drop everything
}

func (n *resolved) lookup(_ context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups++
	addrs, ok := n.names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

func (n *resolved) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, addr)
	hang := n.hang[addr]
	n.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return n.network.DialContext(ctx, network, addr)
}

// took returns the dials since the last call.
func (n *resolved) took() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.dials
	n.dials = nil
	return d
}

func (n *resolved) broker(t *testing.T, addr string, b *broker) {
	t.Helper()
	l, err := n.network.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	b.start(l)
}

func (n *resolved) lane(addr string) *Conn {
	c := New(Options{Addr: addr, Lookup: n.lookup})
	c.dialIP = n.dial
	return c
}

func TestAllAddressesAreTried(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{names: map[string][]string{"broker": {"10.0.0.1", "10.0.0.2", "fd00::3"}}}
		b := new(broker)
		n.broker(t, "[fd00::3]:9092", b)
		c := n.lane("broker:9092")
		wantAnswer(t, do(c))
		want := []string{"10.0.0.1:9092", "10.0.0.2:9092", "[fd00::3]:9092"}
		if got := n.took(); !slices.Equal(got, want) {
			t.Errorf("dialed %v, want %v", got, want)
		}
		closeAll(t, c)
		b.stop()
	})
}

func TestNoAddressWillDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{names: map[string][]string{"broker": {"10.0.0.1", "10.0.0.2"}, "nowhere": {}}}
		for _, test := range []struct {
			addr string
			err  error
			text []string
		}{
			{"broker:9092", syscall.ECONNREFUSED, []string{"10.0.0.1:9092", "10.0.0.2:9092"}},
			{"nobody:9092", nil, []string{"nobody:9092", "no such host"}},
			{"nowhere:9092", nil, []string{"nowhere:9092", "has no address"}},
			{"broker", nil, []string{"missing port"}},
		} {
			c := n.lane(test.addr)
			r := do(c)
			wantFailure(t, r, link.StageDial, test.err)
			for _, text := range test.text {
				if !strings.Contains(r.Err.Error(), text) {
					t.Errorf("%s: %v does not say %q", test.addr, r.Err, text)
				}
			}
			var dial *DialError
			if !errors.As(r.Err, &dial) {
				t.Errorf("%s: there is no DialError in %v", test.addr, r.Err)
			}
			closeAll(t, c)
		}
	})
}

// An address that drops everything has its share of the time and no more.
func TestABlackHoleAmongTheAddresses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{
			names: map[string][]string{"broker": {"10.0.0.1", "10.0.0.2"}, "hole": {"10.0.0.1"}},
			hang:  map[string]bool{"10.0.0.1:9092": true},
		}
		b := new(broker)
		n.broker(t, "10.0.0.2:9092", b)
		c := n.lane("broker:9092")
		start := time.Now()
		wantAnswer(t, do(c))
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("it took %v, want half of 10 s", d)
		}
		closeAll(t, c)

		c = n.lane("hole:9092")
		start = time.Now()
		wantFailure(t, do(c), link.StageDial, context.DeadlineExceeded)
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("it took %v, want 10 s", d)
		}
		closeAll(t, c)
		b.stop()
	})
}

// After a connection that disappointed, the next address comes first; a name is looked up again
// when its addresses are used up.
func TestTheNextAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{names: map[string][]string{"broker": {"10.0.0.1", "10.0.0.2"}}}
		odd := &broker{serve: func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 ")) }}
		n.broker(t, "10.0.0.1:9092", odd)
		b := new(broker)
		n.broker(t, "10.0.0.2:9092", b)
		c := n.lane("broker:9092")
		wantAnswer(t, do(c))
		if got, want := n.took(), []string{"10.0.0.1:9092", "10.0.0.2:9092"}; !slices.Equal(got, want) {
			t.Errorf("dialed %v, want %v", got, want)
		}
		b.hangUp()
		synctest.Wait()
		n.mu.Lock()
		n.names["broker"] = []string{"10.0.0.2"}
		n.mu.Unlock()
		wantAnswer(t, do(c))
		if got, want := n.took(), []string{"10.0.0.2:9092"}; !slices.Equal(got, want) || n.lookups != 2 {
			t.Errorf("dialed %v after %d lookups, want %v after 2", got, n.lookups, want)
		}
		closeAll(t, c)
		b.stop()
		odd.stop()
	})
}

// An old broker is looked for at one address, and a stranger's silence does not make it old.
func TestTrialStaysAtOneAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{names: map[string][]string{"broker": {"10.0.0.1", "10.0.0.2"}}}
		gone := &broker{serve: func(net.Conn) {}}
		n.broker(t, "10.0.0.1:9092", gone)
		b := new(broker)
		n.broker(t, "10.0.0.2:9092", b)
		c := n.lane("broker:9092")
		wantAnswer(t, do(c))
		want := []string{"10.0.0.1:9092", "10.0.0.1:9092", "10.0.0.1:9092", "10.0.0.2:9092"}
		if got := n.took(); !slices.Equal(got, want) {
			t.Errorf("dialed %v, want %v", got, want)
		}
		closeAll(t, c)
		b.stop()
		gone.stop()
	})
}

// A dialer of the user's gets the name as it is, and a DialAddr instead of Addr.
func TestCustomDialer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		o := inMemory(t, b)
		dial := o.Dial
		var got []string
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != 10*time.Second {
				t.Errorf("the deadline is %v, %v", d, ok)
			}
			got = append(got, network, addr)
			return dial(ctx, network, "broker:9092")
		}
		o.Addr = "advertised.example:9092"
		c := New(o)
		wantAnswer(t, do(c))
		closeAll(t, c)
		o.DialAddr = "localhost:19092"
		c = New(o)
		wantAnswer(t, do(c))
		closeAll(t, c)
		if want := []string{"tcp", "advertised.example:9092", "tcp", "localhost:19092"}; !slices.Equal(got, want) {
			t.Errorf("dialed %q, want %q", got, want)
		}
		b.stop()
	})
}

// Requests wait for a dial that takes long as long as they want to, and no longer.
func TestDeadlineWhileDialing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := &resolved{names: map[string][]string{"hole": {"10.0.0.1"}}, hang: map[string]bool{"10.0.0.1:9092": true}}
		c := n.lane("hole:9092")
		w := newWaiter()
		r := metadata(w)
		r.Deadline = time.Now().Add(time.Second)
		start := time.Now()
		c.Send(r)
		wantFailure(t, <-w.done, link.StageDial, link.ErrTimeout)
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %v, want 1 s", d)
		}
		closeAll(t, c) // the dial goes on until then
	})
}

// The pause between tries grows.
func TestBackoff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var network memnet.Network
		var at []time.Time
		o := Options{Addr: "broker:9092", Dial: func(ctx context.Context, net, addr string) (net.Conn, error) {
			at = append(at, time.Now())
			return network.DialContext(ctx, net, addr)
		}}
		c := New(o)
		for range 8 {
			wantFailure(t, do(c), link.StageDial, syscall.ECONNREFUSED)
		}
		for i, want := range []time.Duration{100, 200, 400, 800, 1000, 1000, 1000} {
			want *= time.Millisecond
			if got := at[i+1].Sub(at[i]); got < want*8/10 || got > want*12/10 {
				t.Errorf("pause %d took %v, want %v give or take 20 %%", i, got, want)
			}
		}
		if s := c.Stats(); s.ConnectFailures != 8 || s.Connects != 0 || s.Failed != 8 {
			t.Errorf("got %+v", s)
		}
		closeAll(t, c)
	})
}
