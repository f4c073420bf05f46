package kgo_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A peer that is no broker, or a hostile one, is an error at once: it costs neither memory nor time,
// and leaves nothing behind.
func TestHostilePeers(t *testing.T) {
	frame := func(size int32, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(size)), rest...)
	}
	says := func(text []byte) func(net.Conn) { // to whatever it is asked
		return func(c net.Conn) {
			if _, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame); err == nil {
				c.Write(text)
				io.Copy(io.Discard, c) // and then nothing more, until the client has enough
			}
		}
	}
	random := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{1}).Read(random)
	for _, test := range []struct {
		name   string
		serve  func(net.Conn)
		within time.Duration // 0 for no time at all
		memory uint64        // MiB
	}{
		{name: "random bytes", serve: says(random), memory: 2},
		{name: "a frame of two gigabytes", serve: says(frame(math.MaxInt32, 0, 0, 0, 0)), memory: 2},
		{name: "a frame of less than nothing", serve: says(frame(-1, 0, 0, 0, 0)), memory: 2},
		{name: "an empty frame", serve: says(frame(0)), memory: 2},
		{name: "another request's answer", serve: says(frame(8, 0, 0, 0x77, 0x77, 0, 0, 0, 0)), memory: 2},
		{ // it ends with the attempt to connect
			name: "a frame that does not end", serve: says(frame(kmsg.MaxFrame, make([]byte, 1000)...)), within: 30 * time.Second, memory: 4,
		},
		{ // the more comes, the more is kept, up to the limit
			name: "a frame that is too long by and by", within: 30 * time.Second, memory: 64,
			serve: func(c net.Conn) {
				if _, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame); err != nil {
					return
				}
				c.Write(frame(kmsg.MaxFrame))
				for chunk := make([]byte, 64<<10); ; time.Sleep(100 * time.Millisecond) {
					if _, err := c.Write(chunk); err != nil {
						return
					}
				}
			},
		},
		{
			name: "more elements than there are bytes", memory: 2,
			serve: func(c net.Conn) {
				for {
					asked, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
					if err != nil {
						return
					}
					lie := frame(10, asked[4:8]...) // the correlation id, no error, and 2^31 APIs
					c.Write(append(lie, 0, 0, 0x7f, 0xff, 0xff, 0xff))
				}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPlayed(t, nil, func(b *played) { b.listen("hostile:9092", test.serve) }, func(c *kgo.Client) {
				if err := c.UpdateSeeds("hostile:9092"); err != nil {
					t.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				err := c.Ping(context.Background())
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				t.Logf("%v after %v, %d KiB", err, took, (after.TotalAlloc-before.TotalAlloc)>>10)
				if e, ok := errors.AsType[*kgo.Error](err); !ok || e.Addr != "hostile:9092" {
					t.Errorf("got %v, want an Error with the address", err)
				}
				if took > test.within {
					t.Errorf("it took %v", took)
				}
				if used := after.TotalAlloc - before.TotalAlloc; used > test.memory<<20 {
					t.Errorf("it took %d bytes of memory", used)
				}
			})
		})
	}
}

// A broker that wants a password hashed two billion times gets an error, and not the client's CPU.
func TestHostileIterations(t *testing.T) {
	onPlayed(t, []kgo.ClientOption{kgo.SASL(mechanismOf("SCRAM-SHA-256", "secret"))}, func(b *played) {
		b.serves(kmsg.KeySASLHandshake, 0, 1, func(_ kmsg.Request, resp kmsg.Response) {
			resp.(*kmsg.SASLHandshakeResponse).Mechanisms = []string{"SCRAM-SHA-256"}
		})
		b.serves(kmsg.KeySASLAuthenticate, 0, 2, func(req kmsg.Request, resp kmsg.Response) {
			_, nonce, _ := strings.Cut(string(req.(*kmsg.SASLAuthenticateRequest).AuthBytes), ",r=")
			resp.(*kmsg.SASLAuthenticateResponse).AuthBytes = []byte("r=" + nonce + "x,s=c2FsdA==,i=" + strconv.Itoa(math.MaxInt32))
		})
	}, func(c *kgo.Client) {
		start := time.Now()
		err := c.Ping(context.Background())
		t.Log(err)
		if e, ok := errors.AsType[*kgo.Error](err); !ok || !strings.Contains(e.Error(), "iterations") {
			t.Errorf("got %v, want that it is too many iterations", err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// With real sockets, after each fault and a Close nothing of a client is left: no goroutine, and no
// socket.
func TestNothingIsLeft(t *testing.T) {
	for name, fault := range map[string]func(*ktest.Cluster){
		"none":              func(*ktest.Cluster) {},
		"cut":               func(s *ktest.Cluster) { s.CutConnections(1, false); s.CutConnections(2, true) },
		"a dead broker":     func(s *ktest.Cluster) { s.Kill(2) },
		"a silent broker":   func(s *ktest.Cluster) { s.Pause(2) },
		"answers stop":      func(s *ktest.Cluster) { s.Fault(ktest.OnAny(), ktest.Stall()) },
		"half an answer":    func(s *ktest.Cluster) { s.Fault(ktest.OnAny(), ktest.CutAnswer(0)) },
		"another's answers": func(s *ktest.Cluster) { s.Fault(ktest.OnAny(), ktest.WrongCorrelation(3)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := ktest.NewCluster(t, ktest.Listen(), ktest.Brokers(2), ktest.SeedTopic("orders", 2, ktest.Replicas(1)))
			var open atomic.Int64
			dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				open.Add(1)
				return &countedConn{Conn: c, open: &open}, nil
			}
			c, err := kgo.NewClient(kgo.SeedBrokers(s.Addrs()...), kgo.Dialer(dial))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := kgo.Do(t.Context(), c, offsetsRequest("orders", 0, 1)); err != nil {
				t.Fatal(err)
			}
			fault(s)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err = kgo.Do(ctx, c, offsetsRequest("orders", 0, 1))
			t.Log(err)
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d sockets are left", n)
			}
			left := clientGoroutines() // one may have said its last word, and be on its way out
			for end := time.Now().Add(10 * time.Second); len(left) > 0 && time.Now().Before(end); left = clientGoroutines() {
				runtime.Gosched()
			}
			for _, g := range left {
				t.Errorf("a goroutine is left: %s", g)
			}
		})
	}
}

// A countedConn is one of so many that are open.
type countedConn struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}
