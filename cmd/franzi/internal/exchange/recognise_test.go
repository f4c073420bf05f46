package exchange_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/exchange"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A connection that was there before the capture is joined at its first whole request,
// wherever in the stream the capture begins.
func TestJoined(t *testing.T) {
	var sent, received []byte
	var sizes [][2]int
	for id := range int32(6) {
		q, a := metadata(id, strings.Repeat("x", 300*int(id)), "b")
		sent, received = append(sent, q...), append(received, a...)
		sizes = append(sizes, [2]int{len(q), len(a)})
	}
	q, a := metadata(100, "last")
	for begin := range len(sent) {
		w := newWire()
		d := w.dialog(50000)
		at, replied := 0, 0
		whole := 0 // requests that are captured from their beginnings
		for _, s := range sizes {
			if from := max(begin-at, 0); from < s[0] {
				d.says(sent[at+from : at+s[0]])
				d.hears(received[replied : replied+s[1]])
				if from == 0 {
					whole++
				}
			}
			at += s[0]
			replied += s[1]
		}
		d.says(q)
		d.hears(a)
		w.tracker.Close()
		if len(w.found) != whole+1 || !strings.HasPrefix(w.found[whole], "Metadata v1 #100 27 > 33") || w.tracker.Connections != 1 {
			t.Fatalf("from byte %d on: got %d of %d exchanges: %q", begin, len(w.found), whole+1, w.found)
		}
	}
}

// The end that sends responses may be seen first, and with those to requests that were not.
func TestJoinedInPipeline(t *testing.T) {
	compare(t, func(w *wire) {
		d := w.dialog(50000)
		q1, a1 := metadata(1, "a")
		q2, a2 := metadata(2, "b")
		q3, a3 := metadata(3, "c")
		_, early := metadata(0, "early")
		d.hears(early)
		d.says(q1[10:])
		d.says(append(q2, q3[:9]...))
		d.hears(append(a1, a2...))
		d.says(q3[9:])
		d.hears(a3)
	}, `
		Metadata v1 #2 24 > 30 1ms
		Metadata v1 #3 24 > 30 1ms`)
}

// What is not Kafka is counted and left alone.
func TestOthers(t *testing.T) {
	hello := append([]byte{22, 3, 1, 0, 100, 1}, make([]byte, 99)...)
	data := append([]byte{23, 3, 3, 0, 50}, make([]byte, 50)...)
	zookeeper := raw(strings.Repeat("\x00", 28) + "\x00\x00\x00\x10" + strings.Repeat("\x00", 13)) // looks like Produce version 0
	for _, tt := range []struct {
		name string
		talk func(*wire)
		want exchange.Tracker
		tls  int
	}{
		{name: "TLS", talk: func(w *wire) { d := w.open(1); d.says(hello); d.hears(data); d.says(data) }, tls: 1},
		{name: "TLS that was there before", talk: func(w *wire) { d := w.dialog(1); d.says(data); d.hears(data) }, tls: 1},
		{name: "TLS byte by byte", talk: func(w *wire) {
			d := w.open(1)
			for _, c := range hello {
				d.says([]byte{c})
			}
		}, tls: 1},
		{name: "HTTP", talk: func(w *wire) {
			d := w.open(1)
			d.says([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
			d.hears([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "HTTP that was there before", talk: func(w *wire) {
			d := w.dialog(1)
			d.says([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
			d.hears([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "a server that speaks first", talk: func(w *wire) {
			d := w.open(1)
			d.hears([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
			d.says([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "ZooKeeper", talk: func(w *wire) {
			d := w.open(1)
			d.says(zookeeper)
			d.hears(raw("response"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "ZooKeeper, captured in part", talk: func(w *wire) {
			d := w.open(1)
			d.cut(true, zookeeper, 20)
			d.hears(raw("response"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "PostgreSQL", talk: func(w *wire) {
			d := w.open(1)
			d.says([]byte("\x00\x00\x00\x29\x00\x03\x00\x00user\x00postgres\x00database\x00orders\x00\x00"))
			d.hears([]byte("R\x00\x00\x00\x08\x00\x00\x00\x00"))
		}, want: exchange.Tracker{Others: 1}},
		{name: "noise that was there before, until it is enough", talk: func(w *wire) {
			d := w.dialog(1)
			random := rand.NewChaCha8([32]byte{})
			for range 17 << 10 {
				var b [1000]byte
				random.Read(b[:])
				d.says(b[:])
			}
		}, want: exchange.Tracker{Others: 1}},
		{name: "connections without bytes", talk: func(w *wire) { w.open(1).ends(); w.open(2).ends() }},
		{name: "a few bytes", talk: func(w *wire) { d := w.open(1); d.says([]byte("hi")); d.ends() }, want: exchange.Tracker{Others: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tracker := compare(t, tt.talk, "")
			tls := 0
			for _, l := range tracker.TLS() {
				tls += l.Connections
				if l.Addr.String() != "10.0.0.1:1" && l.Addr.String() != "10.0.0.2:9092" {
					t.Errorf("TLS at %s", l.Addr)
				}
			}
			if tracker.Others != tt.want.Others || tracker.Connections != 0 || tls != tt.tls {
				t.Errorf("got %d others, %d of Kafka, %d of TLS, want %d, 0, %d", tracker.Others, tracker.Connections, tls, tt.want.Others, tt.tls)
			}
		})
	}
}

// Every request that we know begins a connection of Kafka's, and is paired with its response.
func TestEveryAPI(t *testing.T) {
	for _, api := range kmsg.APIs() {
		for v := api.MinVersion; v <= api.MaxVersion; v++ {
			req := kmsg.NewRequest(api.Key)
			req.SetAPIVersion(v)
			if p, ok := req.(*kmsg.ProduceRequest); ok {
				p.Acks = kmsg.AcksAll
			}
			frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7, ClientID: kbin.Str("")}, req)
			if err != nil {
				continue // a field must be filled
			}
			answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: 7}, req.Response())
			if err != nil {
				continue
			}
			w := newWire()
			d := w.open(50000)
			d.says(frame)
			d.hears(answer)
			w.tracker.Close()
			want := kmsg.APIKey(api.Key).String()
			if len(w.found) != 1 || !strings.HasPrefix(w.found[0], want+" v") || !strings.HasSuffix(w.found[0], " 1ms") {
				t.Errorf("%s version %d: got %q", api.Name, v, w.found)
			}
		}
	}
}

// Losing, doubling and shuffling segments makes no exchange up, and takes none that is whole.
func TestLossy(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		w := newWire()
		d := w.open(50000)
		whole := map[int32]string{}
		for id := range int32(20) {
			q, a := metadata(id, strings.Repeat("x", random.IntN(3000)))
			lost := false
			for _, side := range []struct {
				b          []byte
				fromClient bool
			}{{q, true}, {a, false}} {
				for b := side.b; len(b) > 0; {
					n := min(1+random.IntN(1500), len(b))
					switch random.IntN(60) {
					case 0:
						lost = true
					case 1:
						d.segment(side.fromClient, func(g *capture.Segment) { g.Payload = b[:n] })
						fallthrough
					default:
						d.segment(side.fromClient, func(g *capture.Segment) { g.Payload = b[:n] })
					}
					d.advance(side.fromClient, n)
					b = b[n:]
				}
			}
			if !lost {
				whole[id] = paired(q, a)
			}
		}
		d.ends()
		w.tracker.Close()
		found := map[string]bool{}
		for _, f := range w.found {
			found[f[:strings.LastIndex(f, " ")]] = true
		}
		missing := 0
		for _, want := range whole {
			if !found[want] {
				missing++
			}
		}
		// After a gap at the border of frames those up to the next whole one are lost too.
		if missing > w.tracker.Gaps*3 {
			t.Fatalf("%d of %d are missing after %d gaps: %q", missing, len(whole), w.tracker.Gaps, w.found)
		}
	}
}

// paired is what an exchange of a request and its response is noted as, without its latency.
func paired(q, a []byte) string {
	return fmt.Sprintf("Metadata v1 #%d %d > %d", binary.BigEndian.Uint32(a[4:]), len(q), len(a))
}

// Whatever segments there are, there is no panic and no more bytes than there were.
func FuzzTracker(f *testing.F) {
	q, a := metadata(1, "a")
	f.Add(bytes.Join([][]byte{{0x21, byte(len(q))}, q, {0x30, byte(len(a))}, a}, nil))
	f.Fuzz(func(t *testing.T, script []byte) {
		bytesIn, bytesOut := 0, 0
		tracker := exchange.NewTracker(func(e *exchange.Exchange) { bytesOut += len(e.Request.Bytes) + len(e.Response.Bytes) })
		now := time.Unix(0, 0)
		var seq [2]uint32
		ends := newWire().dialog(1)
		for len(script) >= 2 {
			flags, n := script[0], int(script[1])
			script = script[2:]
			payload := script[:min(n, len(script))]
			script = script[len(payload):]
			from := int(flags & 1)
			g := capture.Segment{Src: ends.client, Dst: ends.broker, Payload: payload, SYN: flags&2 != 0, FIN: flags&4 != 0, RST: flags&8 != 0, ACK: flags&16 != 0}
			if from == 1 {
				g.Src, g.Dst = g.Dst, g.Src
			}
			if flags&64 != 0 {
				g.Missing = n * 100
			}
			g.Seq, g.Ack = seq[from], seq[1-from]
			if flags&128 != 0 {
				g.Seq += uint32(n) // a hole
			}
			seq[from] += uint32(len(payload) + g.Missing)
			if g.SYN || g.FIN {
				seq[from]++
			}
			bytesIn += len(payload)
			tracker.Add(&g, now)
			now = now.Add(time.Millisecond)
		}
		tracker.Close()
		if bytesOut > bytesIn {
			t.Fatalf("%d bytes of frames from %d", bytesOut, bytesIn)
		}
	})
}
