// Command proxy stands between Kafka clients and a broker and shows what they say: a line of
// JSON for each request with its answer, and for each record in them. The broker must advertise
// the proxy's address (advertised.listeners), or clients go past it.
//
//	go run github.com/franzi-kafka/franzi/kmsg/examples/proxy -listen :9093 -broker localhost:9092
package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

func main() {
	listen := flag.String("listen", ":9093", "`address` to listen on")
	broker := flag.String("broker", "localhost:9092", "`address` of the broker")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(ctx, l, *broker, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// serve accepts clients until the context ends, and returns when all are gone.
func serve(ctx context.Context, l net.Listener, broker string, out io.Writer) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	p := proxy{lines: json.NewEncoder(out)}
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		client, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		clients.Go(func() {
			if err := p.relay(ctx, client, broker); err != nil {
				log.Printf("%s: %v", client.RemoteAddr(), err)
			}
		})
	}
}

// A proxy writes what goes through it.
type proxy struct {
	codecs compress.Codecs

	mu    sync.Mutex
	lines *json.Encoder
}

// An exchange is a request that waits for its answer; brokers answer in the order of requests.
type exchange struct {
	header kmsg.RequestHeader
	req    kmsg.Request // nil if it could not be read
}

// inFlight is how many requests of a client may wait for an answer before its next is read.
const inFlight = 100

// relay carries one client's frames to the broker and back, as they are.
func (p *proxy) relay(ctx context.Context, client net.Conn, broker string) error {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer server.Close()
	shut := func() { client.Close(); server.Close() }
	defer context.AfterFunc(ctx, shut)()

	waiting := make(chan exchange, inFlight)
	var answers sync.WaitGroup
	var answerErr error
	answers.Go(func() {
		answerErr = p.answers(client, server, waiting)
		shut()              // the client has nobody left to talk to
		for range waiting { // nobody will answer
		}
	})
	requestErr := p.requests(server, client, waiting)
	close(waiting)
	server.Close()
	answers.Wait()
	switch {
	case ctx.Err() != nil || errors.Is(requestErr, io.EOF):
		return nil // the usual end
	case errors.Is(requestErr, net.ErrClosed):
		return answerErr // by which we closed it
	}
	return requestErr
}

func (p *proxy) requests(server io.Writer, client io.Reader, waiting chan<- exchange) error {
	for {
		frame, err := kmsg.ReadFrame(client, nil, kmsg.MaxFrame) // a new one each, since exchanges keep views
		if err != nil {
			return err
		}
		var e exchange
		if e.header, e.req, err = kmsg.DecodeRequest(frame); err != nil {
			p.show(line{Error: err.Error()})
			e.req = nil
		}
		produce, ok := e.req.(*kmsg.ProduceRequest)
		if ok && produce.Acks == 0 {
			p.showExchange(e, nil) // no answer comes
		} else {
			waiting <- e
		}
		if err := forward(server, frame); err != nil {
			return err
		}
	}
}

func (p *proxy) answers(client io.Writer, server io.Reader, waiting <-chan exchange) error {
	for e := range waiting {
		frame, err := kmsg.ReadFrame(server, nil, kmsg.MaxFrame)
		if err != nil {
			return err
		}
		if e.req != nil {
			resp := e.req.Response()
			if _, err := kmsg.DecodeResponse(frame, resp); err != nil {
				p.show(line{API: e.req.APIKey().String(), Error: err.Error()})
			} else {
				p.showExchange(e, resp)
			}
		}
		if err := forward(client, frame); err != nil {
			return err
		}
	}
	return nil
}

// forward writes a frame with its size.
func forward(w io.Writer, frame []byte) error {
	size := binary.BigEndian.AppendUint32(nil, uint32(len(frame)))
	_, err := (&net.Buffers{size, frame}).WriteTo(w)
	return err
}

// A line is what is shown of an exchange, or of a record.
type line struct {
	API      string          `json:"api,omitempty"`
	Version  int16           `json:"version,omitempty"`
	ClientID string          `json:"clientId,omitempty"`
	Request  json.RawMessage `json:"request,omitempty"`  // secrets are hidden, records only counted
	Response json.RawMessage `json:"response,omitempty"` // likewise
	Record   *record         `json:"record,omitempty"`
	Error    string          `json:"error,omitempty"`
}

type record struct {
	Topic     string       `json:"topic"` // or its id
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	Control   string       `json:"control,omitempty"` // of a record of Kafka's own: Commit, Abort
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers,omitempty"`
}

func (p *proxy) show(l line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.lines.Encode(l); err != nil {
		log.Print(err)
	}
}

func (p *proxy) showExchange(e exchange, resp kmsg.Response) {
	l := line{API: e.req.APIKey().String(), Version: e.req.APIVersion(), ClientID: e.header.ClientID.S, Request: kjson.MarshalLog(e.req)}
	if resp != nil {
		l.Response = kjson.MarshalLog(resp)
	}
	p.show(l)
	if produce, ok := e.req.(*kmsg.ProduceRequest); ok {
		for _, t := range produce.TopicData {
			for _, d := range t.PartitionData {
				p.showRecords(topicOf(t.Name, t.TopicID), d.Index, d.Records)
			}
		}
	}
	if fetch, ok := resp.(*kmsg.FetchResponse); ok {
		for _, t := range fetch.Responses {
			for _, d := range t.Partitions {
				p.showRecords(topicOf(t.Topic, t.TopicID), d.PartitionIndex, d.Records)
			}
		}
	}
}

// topicOf is a topic's name, or its id in versions that have no name.
func topicOf(name string, id kbin.UUID) string {
	if name == "" {
		return id.String()
	}
	return name
}

func (p *proxy) showRecords(topic string, partition int32, records []byte) {
	r := batch.NewReader(records)
	for r.Next() {
		payload, _, err := r.Batch.Payload(&p.codecs, nil, batch.DefaultLimit)
		if err = cmp.Or(r.Batch.Verify(), err); err != nil {
			p.show(line{Error: err.Error()})
			continue
		}
		w := r.Batch.Walk(payload)
		for w.Next() {
			shown := record{Topic: topic, Partition: partition, Offset: w.Record.Offset, Timestamp: w.Record.Timestamp}
			if r.Batch.Attributes.Control() {
				kind, _, err := batch.DecodeControl(&w.Record)
				if err != nil {
					p.show(line{Error: err.Error()})
				}
				shown.Control = kind.String()
			} else {
				shown.Key, shown.Value = text(w.Record.Key), text(w.Record.Value)
			}
			for key, value := range w.Record.Headers.All() {
				shown.Headers = append(shown.Headers, [2]*string{text(key), text(value)})
			}
			p.show(line{Record: &shown})
		}
		if w.Err() != nil {
			p.show(line{Error: w.Err().Error()})
		}
	}
	if r.Err() != nil {
		p.show(line{Error: fmt.Sprint(topic, " ", partition, ": ", r.Err())})
	}
}

// text is a key or value, null for nil. JSON has no bytes: what is no text is shown as far as it
// is.
func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}
