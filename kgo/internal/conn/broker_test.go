package conn

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A broker is what the tests talk to: it answers requests in order, as its functions say.
type broker struct {
	t *testing.T
	// serve, if set, does it all with a connection.
	serve func(net.Conn)
	// answer returns what to say to a request; nil for an answer of defaults, silence for none.
	answer func(h kmsg.RequestHeader, req kmsg.Request) kmsg.Response
	// versions are what it serves, everything if nil.
	versions []kmsg.VersionRange

	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	seen  []kmsg.APIKey
}

// silence is no answer.
var silence = kmsg.Response((*kmsg.MetadataResponse)(nil))

func (b *broker) start(l net.Listener) {
	b.listener = l
	b.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, c)
			b.mu.Unlock()
			b.done.Go(func() {
				defer c.Close()
				if b.serve != nil {
					b.serve(c)
				} else {
					b.talk(c)
				}
			})
		}
	})
}

// stop ends all connections and waits.
func (b *broker) stop() {
	b.listener.Close()
	b.hangUp()
	b.done.Wait()
}

// hangUp closes all connections.
func (b *broker) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
}

func (b *broker) requests() []kmsg.APIKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

// talk answers requests until the connection ends.
func (b *broker) talk(c io.ReadWriter) {
	for {
		frame, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
		if err != nil {
			return
		}
		answer := b.respond(frame)
		if answer == nil {
			continue
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// respond returns the frame that answers one, nil for silence.
func (b *broker) respond(frame []byte) []byte {
	h, req, err := kmsg.DecodeRequest(frame)
	if err != nil {
		b.t.Errorf("the broker got a bad request: %v", err)
		return nil
	}
	b.mu.Lock()
	b.seen = append(b.seen, req.APIKey())
	b.mu.Unlock()
	var resp kmsg.Response
	if b.answer != nil {
		resp = b.answer(h, req)
	}
	if resp == silence {
		return nil
	}
	if resp == nil {
		resp = b.usual(req)
	}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
	if err != nil {
		b.t.Errorf("the broker cannot answer: %v", err)
	}
	return answer
}

func (b *broker) usual(req kmsg.Request) kmsg.Response {
	resp := req.Response()
	if versions, ok := resp.(*kmsg.APIVersionsResponse); ok {
		served := b.versions
		if served == nil {
			for _, api := range kmsg.APIs() {
				served = append(served, kmsg.VersionRange{Key: api.Key, Min: api.MinVersion, Max: api.MaxVersion})
			}
		}
		for _, v := range served {
			versions.APIKeys = append(versions.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(v.Key), MinVersion: v.Min, MaxVersion: v.Max})
		}
	}
	return resp
}

// A waiter owns requests and waits for them.
type waiter struct{ done chan *link.Request }

func newWaiter() *waiter { return &waiter{done: make(chan *link.Request, 1000)} }

func (w *waiter) Done(r *link.Request) { w.done <- r }

// metadata is a request that any broker answers, with a deadline in 20 s.
func metadata(w *waiter) *link.Request {
	r := link.NewRequest(kmsg.NewMetadataRequest())
	r.Deadline = time.Now().Add(20 * time.Second)
	r.To = w
	return r
}

// do sends a request and waits for it.
func do(c *Conn) *link.Request {
	w := newWaiter()
	c.Send(metadata(w))
	return <-w.done
}

// wantAnswer fails the test unless a request was answered.
func wantAnswer(t *testing.T, r *link.Request) {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("the request failed: %v", r.Err)
	}
	if resp := kmsg.NewMetadataResponse(); r.Key == kmsg.KeyMetadata {
		resp.Version = r.Version
		if _, err := kmsg.DecodeResponse(r.Frame, resp); err != nil {
			t.Fatalf("the answer cannot be read: %v", err)
		}
	}
}

// wantFailure fails the test unless a request failed at a stage, with an error.
func wantFailure(t *testing.T, r *link.Request, stage link.Stage, err error) {
	t.Helper()
	switch {
	case r.Err == nil:
		t.Fatalf("the request was answered, want a failure while %v", stage)
	case r.Err.Stage != stage:
		t.Errorf("the request failed while %v: %v; want while %v", r.Err.Stage, r.Err, stage)
	case err != nil && !errors.Is(r.Err, err):
		t.Errorf("the request failed with %v, want %v", r.Err, err)
	}
}

// closeAll closes a lane and waits until nothing is left of it.
func closeAll(t *testing.T, c *Conn) {
	t.Helper()
	c.Close(nil)
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Error("a closed lane is not done after a minute")
	}
	if s := c.Stats(); s.Outstanding != 0 || s.State != Closed {
		t.Errorf("after Close: %+v", s)
	}
}

// inMemory returns a broker that listens in memory, at broker:9092, and options to reach it.
func inMemory(t *testing.T, b *broker) Options {
	t.Helper()
	network := new(memnet.Network)
	l, err := network.Listen("broker:9092")
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	b.start(l)
	return Options{Addr: "broker:9092", Dial: network.DialContext, Link: link.Config{SoftwareName: "franzi", SoftwareVersion: "1"}}
}

// frame puts the size in front of bytes.
func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
