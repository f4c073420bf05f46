package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// cut is a body that hands over most of itself without copying it, cut at random.
type cut struct {
	msg    kmsg.Request
	random *rand.Rand
	bytes  []byte // of its own
}

func (c *cut) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	c.msg.SetAPIVersion(version)
	whole, err := link.AppendRequest(nil, h, c.msg)
	if err != nil {
		return dst, nil, err
	}
	c.bytes = whole
	start := len(dst)
	dst = append(dst, whole[:8]...)
	var splices []link.Splice
	for rest := whole[8:]; len(rest) > 0; {
		n := 1 + c.random.IntN(len(rest))
		if n < 1000 && c.random.IntN(2) == 0 {
			dst = append(dst, rest[:n]...)
		} else {
			splices = append(splices, link.Splice{At: len(dst) - start, Bytes: rest[:n]})
		}
		rest = rest[n:]
	}
	return dst, splices, nil
}

// spoil overwrites the body's bytes, which are its own again.
func (c *cut) spoil() { clear(c.bytes) }

// produce returns a request with records of a size that can be checked.
func produce(size int, w *waiter) *link.Request {
	records := make([]byte, size)
	for i := range records {
		records[i] = byte(size + i*7)
	}
	msg := kmsg.NewProduceRequest()
	msg.TimeoutMs = int32(size)
	msg.TopicData = []kmsg.ProduceRequestTopicProduceData{{
		PartitionData: []kmsg.ProduceRequestPartitionProduceData{{Records: records}},
	}}
	return &link.Request{
		Key: kmsg.KeyProduce, Min: 13, Max: 13, To: w,
		Body: &cut{msg: msg, random: rand.New(rand.NewPCG(1, uint64(size)))},
	}
}

// intact is a broker that looks whether the records of produce arrived as they are.
func intact(t *testing.T, seen *sync.Map) *broker {
	return &broker{answer: func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
		p, ok := req.(*kmsg.ProduceRequest)
		if !ok {
			return nil
		}
		size := int(p.TimeoutMs)
		records := p.TopicData[0].PartitionData[0].Records
		if len(records) != size {
			t.Errorf("%d bytes of records arrived, want %d", len(records), size)
		}
		for i, b := range records {
			if b != byte(size+i*7) {
				t.Errorf("byte %d of %d arrived otherwise", i, size)
				break
			}
		}
		seen.Store(size, true)
		return nil
	}}
}

// Bytes that are not copied arrive as they are, over every kind of connection, though they are
// spoiled as soon as the request is done.
func TestSplicesArrive(t *testing.T) {
	sizes := []int{1, 10, 1000, 16 << 10, 100_000, 1_500_000, 3, 70_000, 500_000}
	send := func(t *testing.T, c *Conn, seen *sync.Map) {
		w := newWaiter()
		for _, size := range sizes {
			c.Send(produce(size, w))
		}
		for range sizes {
			r := <-w.done
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			r.Body.(*cut).spoil()
		}
		for _, size := range sizes {
			if _, ok := seen.Load(size); !ok {
				t.Errorf("the request with %d bytes did not arrive", size)
			}
		}
		closeAll(t, c)
	}
	t.Run("memory", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			seen := new(sync.Map)
			b := intact(t, seen)
			send(t, New(inMemory(t, b)), seen)
			b.stop()
		})
	})
	t.Run("TLS", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			seen := new(sync.Map)
			b := intact(t, seen)
			ca := newAuthority(t)
			var network memnet.Network
			tlsBroker(t, &network, "broker:9093", b, &tls.Config{Certificates: []tls.Certificate{ca.issue("broker", time.Now().Add(time.Hour))}})
			send(t, New(Options{Addr: "broker:9093", Dial: network.DialContext, TLS: &tls.Config{RootCAs: ca.pool()}}), seen)
			b.stop()
		})
	})
	t.Run("TCP", func(t *testing.T) {
		seen := new(sync.Map)
		b := intact(t, seen)
		o := overTCP(t, b)
		leaves(t, func() {
			send(t, New(o), seen)
		})
		b.stop()
	})
}

// overTCP returns a broker that listens on the loopback interface, and options to reach it.
func overTCP(t testing.TB, b *broker) Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.t, _ = t.(*testing.T)
	b.start(l)
	return Options{Addr: l.Addr().String(), Link: link.Config{SoftwareName: "franzi", SoftwareVersion: "1"}}
}

// leaves runs do, and fails the test if it leaves goroutines of this package or descriptors.
func leaves(t *testing.T, do func()) {
	t.Helper()
	before := descriptors(t)
	do()
	for give := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left := strings.Contains(string(stacks), "conn.(*attempt)")
		if !left && len(descriptors(t)) <= len(before)+serverSide {
			return
		}
		if time.Now().After(give) {
			t.Fatalf("what is left: descriptors %v, before %v\n%s", descriptors(t), before, stacks)
		}
	}
}

// serverSide is how many descriptors a broker of these tests may still have open.
const serverSide = 0

// descriptors lists the open sockets, where the system tells.
func descriptors(t *testing.T) []string {
	t.Helper()
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // not Linux: goroutines alone are looked at
	}
	var all []string
	for _, e := range entries {
		if target, err := os.Readlink(dir + "/" + e.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			all = append(all, target)
		}
	}
	return all
}

// Connections that end in every way leave no goroutine and no socket.
func TestNothingIsLeft(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(*broker, net.Conn)
		with  func(*Options)
	}{
		{"good", nil, nil},
		{"closed at once", func(*broker, net.Conn) {}, nil},
		{"reset", func(_ *broker, c net.Conn) {
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, nil},
		{"garbage", func(_ *broker, c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n") }, nil},
		{"silent", func(_ *broker, c net.Conn) { io.Copy(io.Discard, c) }, func(o *Options) { o.Link.Silence = 50 * time.Millisecond }},
		{"TLS to nobody", func(_ *broker, c net.Conn) { io.Copy(io.Discard, c) }, func(o *Options) {
			o.TLS = &tls.Config{}
			o.Link.DialTimeout = 50 * time.Millisecond
		}},
		{"refused", nil, func(o *Options) { o.Addr = "127.0.0.1:1" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := new(broker)
			if test.serve != nil {
				b.serve = func(c net.Conn) { test.serve(b, c) }
			}
			o := overTCP(t, b)
			if test.with != nil {
				test.with(&o)
			}
			leaves(t, func() {
				c := New(o)
				for range 3 {
					do(c)
				}
				closeAll(t, c)
			})
			b.stop()
		})
	}
}

// A broker that does not read stalls the writer. The request gets its bytes back at its deadline,
// not before the writer has let go of them; others fail at theirs.
func TestStalledWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		b.serve = func(c net.Conn) {
			request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
			if err == nil {
				c.Write(b.respond(request))
			}
			time.Sleep(time.Minute)
		}
		c := New(inMemory(t, b))
		w := newWaiter()
		r := produce(1_000_000, w)
		r.Deadline = time.Now().Add(5 * time.Second)
		start := time.Now()
		c.Send(r)
		waits := metadata(w)
		waits.Deadline = time.Now().Add(2 * time.Second)
		c.Send(waits)
		if got := <-w.done; got != waits || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), got.Err)
		}
		wantFailure(t, waits, link.StageQueue, link.ErrTimeout)
		if got := <-w.done; got != r || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), got.Err)
		}
		r.Body.(*cut).spoil() // the race detector watches
		wantFailure(t, r, link.StageWrite, link.ErrTimeout)
		if r.Written != link.WrittenMaybe {
			t.Errorf("written: %v", r.Written)
		}
		closeAll(t, c)
		b.stop()
	})
}

// A stalled write on one lane does not touch another.
func TestStalledWriteOnAnotherLane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		b.serve = func(c net.Conn) {
			for {
				request, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
				if err != nil {
					return
				}
				if h, _, _ := kmsg.DecodeRequestHeader(request); kmsg.APIKey(h.RequestAPIKey) == kmsg.KeyProduce {
					time.Sleep(20 * time.Second)
				}
				if _, err := c.Write(b.respond(request)); err != nil {
					return
				}
			}
		}
		o := inMemory(t, b)
		data, ordinary := New(o), New(o)
		w := newWaiter()
		for range 3 {
			c := produce(1_000_000, w)
			data.Send(c)
		}
		time.Sleep(time.Second)
		start := time.Now()
		for range 100 {
			wantAnswer(t, do(ordinary))
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the ordinary lane took %v", d)
		}
		for range 3 {
			if r := <-w.done; r.Err != nil {
				t.Error(r.Err)
			}
		}
		closeAll(t, data)
		closeAll(t, ordinary)
		b.stop()
	})
}

// What the broker answered before it closed the connection is heard, even if a write has failed
// by then.
func TestLastWords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &broker{answer: func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
			if req.APIKey() == kmsg.KeyMetadata {
				time.Sleep(500 * time.Millisecond)
			}
			return nil
		}}
		o := inMemory(t, b)
		dial := o.Dial
		var broken atomic.Bool
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return breaking{c, &broken}, err
		}
		c := New(o)
		w := newWaiter()
		first, second := metadata(w), metadata(w)
		c.Send(first)
		synctest.Wait()
		broken.Store(true)
		c.Send(second)
		<-w.done
		<-w.done
		wantAnswer(t, first)
		wantFailure(t, second, link.StageWrite, syscall.EPIPE)
		if second.Written != link.WrittenNo {
			t.Errorf("written: %v", second.Written)
		}
		closeAll(t, c)
		b.stop()
	})
}

// breaking is a connection whose writes begin to fail.
type breaking struct {
	net.Conn
	broken *atomic.Bool
}

func (b breaking) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// A writer joins what is small, and reports what left of it.
func TestWriteAll(t *testing.T) {
	for _, test := range []struct {
		name  string
		sizes []int
		limit int // of bytes that the connection takes
		want  []int
		n     int
	}{
		{"one", []int{100}, 1 << 30, []int{100}, 100},
		{"one large", []int{1 << 20}, 1 << 30, []int{1 << 20}, 1 << 20},
		{"small ones", []int{10, 20, 30}, 1 << 30, []int{60}, 60},
		{"a head and a batch", []int{100, 1 << 20, 10}, 1 << 30, []int{100, 1 << 20, 10}, 1<<20 + 110},
		{"up to a record", []int{16 << 10, 1, 2}, 1 << 30, []int{16 << 10, 3}, 16<<10 + 3},
		{"fails in the first", []int{100, 1 << 20}, 50, []int{50}, 50},
		{"fails in the second", []int{100, 1 << 20}, 1000, []int{100, 900}, 1000},
		{"fails at the end", []int{1 << 20, 100}, 1<<20 + 7, []int{1 << 20, 7}, 1<<20 + 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			var buffers [][]byte
			var all []byte
			for i, size := range test.sizes {
				b := bytes.Repeat([]byte{byte(i + 1)}, size)
				buffers = append(buffers, b)
				all = append(all, b...)
			}
			sink := &limited{left: test.limit}
			a := &attempt{dialed: dialed{conn: sink}}
			n, err := a.writeAll(&link.Write{Buffers: buffers, Size: len(all)})
			if n != test.n || (err == nil) != (test.n == len(all)) {
				t.Errorf("got %d, %v; want %d", n, err, test.n)
			}
			if !slices.Equal(sink.writes, test.want) {
				t.Errorf("written in pieces of %v, want %v", sink.writes, test.want)
			}
			if !bytes.Equal(sink.got, all[:n]) {
				t.Error("the bytes arrived otherwise")
			}
		})
	}
}

// limited is a connection that takes so many bytes, and then fails; or a short write without an
// error, which it must not make.
type limited struct {
	oneWay
	left   int
	writes []int
	got    []byte
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.writes = append(l.writes, n)
	l.got = append(l.got, p[:n]...)
	if n < len(p) && n%2 == 0 {
		return n, errors.New("full")
	}
	return n, nil
}
