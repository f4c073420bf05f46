package exchange_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/exchange"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A wire makes the segments of connections, one each millisecond, and notes the exchanges that
// a tracker finds in them.
type wire struct {
	tracker *exchange.Tracker
	found   []string
	now     time.Time
}

func newWire() *wire {
	w := &wire{now: time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)}
	w.tracker = exchange.NewTracker(func(e *exchange.Exchange) { w.found = append(w.found, described(e)) })
	return w
}

// described says in short what an exchange has.
func described(e *exchange.Exchange) string {
	text := e.SASL
	if e.Known {
		text = fmt.Sprintf("%s v%d #%d", kmsg.APIKey(e.Header.RequestAPIKey), e.Header.RequestAPIVersion, e.Header.CorrelationID)
	} else if text == "" {
		text = fmt.Sprintf("#%d", e.Header.CorrelationID)
	}
	frame := func(f *exchange.Frame) string {
		switch {
		case !f.Seen:
			return "-"
		case f.Missing > 0:
			return fmt.Sprintf("%d-%d", f.Size, f.Missing)
		}
		return fmt.Sprint(f.Size)
	}
	text += " " + frame(&e.Request) + " > " + frame(&e.Response)
	if l, ok := e.Latency(); ok {
		text += " " + l.String()
	}
	if e.Note != "" {
		text += ", " + e.Note
	}
	return text
}

// A dialog is a connection on the wire.
type dialog struct {
	w              *wire
	client, broker netip.AddrPort
	sent, received uint32 // next sequence numbers
}

func (w *wire) dialog(port uint16) *dialog {
	return &dialog{w: w, client: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port),
		broker: netip.MustParseAddrPort("10.0.0.2:9092"), sent: 1<<32 - 20, received: 7000}
}

// open makes a dialog that begins.
func (w *wire) open(port uint16) *dialog {
	d := w.dialog(port)
	d.segment(true, func(g *capture.Segment) { g.SYN, g.ACK = true, false })
	d.sent++
	d.segment(false, func(g *capture.Segment) { g.SYN = true })
	d.received++
	return d
}

// segment adds a segment without payload, as changed.
func (d *dialog) segment(fromClient bool, change func(*capture.Segment)) {
	d.w.now = d.w.now.Add(time.Millisecond)
	g := capture.Segment{Src: d.client, Dst: d.broker, Seq: d.sent, Ack: d.received, ACK: true}
	if !fromClient {
		g = capture.Segment{Src: d.broker, Dst: d.client, Seq: d.received, Ack: d.sent, ACK: true}
	}
	change(&g)
	d.w.tracker.Add(&g, d.w.now)
}

// says sends bytes of the client, in segments of 1000 bytes.
func (d *dialog) says(b []byte) { d.pass(true, b) }

// hears sends bytes of the broker.
func (d *dialog) hears(b []byte) { d.pass(false, b) }

func (d *dialog) pass(fromClient bool, b []byte) {
	for len(b) > 0 {
		n := min(len(b), 1000)
		d.segment(fromClient, func(g *capture.Segment) { g.Payload = b[:n] })
		d.advance(fromClient, n)
		b = b[n:]
	}
}

// advance goes over bytes, which are lost if nothing sends them.
func (d *dialog) advance(fromClient bool, n int) {
	if fromClient {
		d.sent += uint32(n)
	} else {
		d.received += uint32(n)
	}
}

// cut sends bytes of which only the first are captured.
func (d *dialog) cut(fromClient bool, b []byte, n int) {
	d.segment(fromClient, func(g *capture.Segment) { g.Payload, g.Missing = b[:n], len(b)-n })
	d.advance(fromClient, len(b))
}

func (d *dialog) ends() {
	d.segment(true, func(g *capture.Segment) { g.FIN = true })
	d.sent++
	d.segment(false, func(g *capture.Segment) { g.FIN = true })
	d.received++
	d.segment(true, func(g *capture.Segment) {})
}

func request(id int32, req kmsg.Request) []byte {
	b, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: id, ClientID: kbin.Str("app")}, req)
	if err != nil {
		panic(err)
	}
	return b
}

func response(id int32, resp kmsg.Response) []byte {
	b, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: id}, resp)
	if err != nil {
		panic(err)
	}
	return b
}

// metadata is a request and its response that names topics.
func metadata(id int32, topics ...string) (req, resp []byte) {
	m := kmsg.NewMetadataRequest()
	m.Version = 1
	m.Topics = []kmsg.MetadataRequestTopic{}
	r := m.NewResponse()
	for _, topic := range topics {
		m.Topics = append(m.Topics, kmsg.MetadataRequestTopic{Name: kbin.Str(topic)})
		answer := kmsg.NewMetadataResponseTopic()
		answer.Name = kbin.Str(topic)
		r.Topics = append(r.Topics, answer)
	}
	return request(id, m), response(id, r)
}

func produce(id int32, acks kmsg.Acks, records []byte) []byte {
	p := kmsg.NewProduceRequest()
	p.Version = 3
	p.Acks = acks
	p.TopicData = []kmsg.ProduceRequestTopicProduceData{{Name: "orders", PartitionData: []kmsg.ProduceRequestPartitionProduceData{{Records: records}}}}
	return request(id, p)
}

// raw is bytes with their size before them.
func raw(b string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }

// compare says what a tracker finds in a talk.
func compare(t *testing.T, talk func(*wire), want string) *exchange.Tracker {
	t.Helper()
	w := newWire()
	talk(w)
	w.tracker.Close()
	var wants []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			wants = append(wants, line)
		}
	}
	if d := cmp.Diff(w.found, wants); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	return w.tracker
}
