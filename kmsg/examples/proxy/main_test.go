package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// logged is what the proxy wrote.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) lines(t *testing.T) (all []line) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range slices.Collect(strings.Lines(l.text.String())) {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, one)
	}
	return all
}

// fakeBroker answers requests of clients with what answer makes of them; nil hangs up.
func fakeBroker(t *testing.T, answer func(kmsg.RequestHeader, kmsg.Request) kmsg.Response) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	t.Cleanup(clients.Wait)
	t.Cleanup(func() { l.Close() })
	clients.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() {
				defer conn.Close()
				for {
					frame, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame)
					if err != nil {
						return
					}
					header, req, err := kmsg.DecodeRequest(frame)
					if err != nil {
						t.Error(err)
						return
					}
					resp := answer(header, req)
					if p, ok := req.(*kmsg.ProduceRequest); ok && p.Acks == 0 {
						continue
					}
					if resp == nil {
						return
					}
					out, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: header.CorrelationID}, resp)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := conn.Write(out); err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

// start runs a proxy before a broker, until the test ends or stop is called.
func start(t *testing.T, broker string) (addr string, out *logged, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, stop = run(t, l, broker)
	return l.Addr().String(), out, stop
}

func run(t *testing.T, l net.Listener, broker string) (out *logged, stop func()) {
	t.Helper()
	out = new(logged)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := serve(ctx, l, broker, out); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return out, stop
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	watch(t, conn)
	return conn
}

// watch ends a test that waits for what never comes.
func watch(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, conn net.Conn, id int32, req kmsg.Request) {
	t.Helper()
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: id, ClientID: kbin.Str("tester")}, req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
}

func receive[R kmsg.Response](t *testing.T, conn net.Conn, id int32, resp R) R {
	t.Helper()
	frame, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame)
	if err != nil {
		t.Fatal(err)
	}
	header, err := kmsg.DecodeResponse(frame, resp)
	if err != nil || header.CorrelationID != id {
		t.Fatalf("got the answer to %d and %v, want that to %d", header.CorrelationID, err, id)
	}
	return resp
}

// records is a batch with a record of a key and one without.
func records(t *testing.T) []byte {
	t.Helper()
	b := batch.NewBuilder(nil, batch.V2)
	b.Append(1000, []byte("key"), []byte("value"), []batch.RecordHeader{{Key: "a", Value: []byte("b")}})
	b.Append(1001, nil, bytes.Repeat([]byte("x"), 100), nil)
	s := b.Seal()
	if _, err := s.Compress(new(compress.Codecs), compress.Settings{Codec: compress.Gzip}, nil); err != nil {
		t.Fatal(err)
	}
	return s.Bytes
}

// Requests and answers go through as they are, several at a time, and are shown with their
// records.
func TestProxy(t *testing.T) {
	addr, out, stop := start(t, fakeBroker(t, func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
		resp := req.Response()
		if fetch, ok := resp.(*kmsg.FetchResponse); ok {
			fetch.Responses = []kmsg.FetchResponseFetchableTopicResponse{{TopicID: kbin.UUID{15: 1}, Partitions: []kmsg.FetchResponsePartitionData{{
				PartitionIndex: 3, Records: append(records(t), records(t)[:20]...)}}}}
		}
		return resp
	}))
	conn := connect(t, addr)

	produce := kmsg.NewProduceRequest()
	produce.Version = 9
	produce.Acks = kmsg.AcksAll
	produce.TopicData = []kmsg.ProduceRequestTopicProduceData{{Name: "orders", PartitionData: []kmsg.ProduceRequestPartitionProduceData{{Index: 2, Records: records(t)}}}}
	unanswered := produce.Clone()
	unanswered.Acks = 0
	fetch := kmsg.NewFetchRequest()
	fetch.Version = 13
	send(t, conn, 1, produce)
	send(t, conn, 2, unanswered)
	send(t, conn, 3, fetch)
	receive(t, conn, 1, produce.NewResponse())
	got := receive(t, conn, 3, fetch.NewResponse())
	if len(got.Responses) != 1 {
		t.Errorf("got %s, want the broker's answer", got)
	}
	conn.Close()
	stop()

	var apis, shown []string
	for _, l := range out.lines(t) {
		switch {
		case l.Error != "":
			t.Errorf("got the error %s", l.Error)
		case l.Record != nil:
			value := "null"
			if l.Record.Key != nil {
				value = *l.Record.Key
			}
			shown = append(shown, strings.Join([]string{l.Record.Topic, value, *l.Record.Value}, " "))
		default:
			apis = append(apis, l.API)
			if l.ClientID != "tester" || l.Version == 0 || len(l.Request) == 0 {
				t.Errorf("got %+v, want the client, the version and the request", l)
			}
		}
	}
	slices.Sort(apis) // the unanswered one may overtake
	if want := []string{"Fetch", "Produce", "Produce"}; !slices.Equal(apis, want) {
		t.Errorf("got %v, want %v", apis, want)
	}
	x := strings.Repeat("x", 100)
	want := []string{"orders key value", "orders null " + x, "orders key value", "orders null " + x,
		"AAAAAAAAAAAAAAAAAAAAAQ key value", "AAAAAAAAAAAAAAAAAAAAAQ null " + x}
	slices.Sort(shown)
	slices.Sort(want)
	if !slices.Equal(shown, want) {
		t.Errorf("got the records %q, want %q", shown, want)
	}
}

// What the proxy does not understand goes through all the same.
func TestProxyOfTheUnknown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr, out, stop := start(t, l.Addr().String())
	conn := connect(t, addr)
	broker, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	watch(t, broker)
	question := []byte{0, 0, 0, 10, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff} // API key 32512
	if _, err := conn.Write(question); err != nil {
		t.Fatal(err)
	}
	if got, err := kmsg.ReadFrame(broker, nil, kmsg.MaxFrame); err != nil || !bytes.Equal(got, question[4:]) {
		t.Fatalf("the broker got %x and %v, want %x", got, err, question[4:])
	}
	if _, err := broker.Write([]byte{0, 0, 0, 3, 'y', 'e', 's'}); err != nil {
		t.Fatal(err)
	}
	if got, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame); err != nil || string(got) != "yes" {
		t.Fatalf("got %q and %v, want the broker's answer", got, err)
	}
	stop()
	if lines := out.lines(t); len(lines) != 1 || lines[0].Error == "" {
		t.Errorf("got %+v, want one line that says what was not understood", lines)
	}
}

// A broker that hangs up takes the client along, and the other way round.
func TestProxyHangsUp(t *testing.T) {
	addr, _, _ := start(t, fakeBroker(t, func(kmsg.RequestHeader, kmsg.Request) kmsg.Response { return nil }))
	conn := connect(t, addr)
	send(t, conn, 1, kmsg.NewMetadataRequest())
	if _, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the connection", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	addr, _, _ = start(t, silent.Addr().String())
	conn = connect(t, addr)
	broker, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	watch(t, broker)
	send(t, conn, 1, kmsg.NewMetadataRequest())
	if _, err := kmsg.ReadFrame(broker, nil, kmsg.MaxFrame); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := broker.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the connection to the broker", err)
	}
}

// A record is shown with what is null in it and what is Kafka's own, and none of a batch whose
// checksum is wrong.
func TestShowRecords(t *testing.T) {
	seal := func(b *batch.Builder) []byte {
		s := b.Seal()
		s.Checksum()
		return s.Bytes
	}
	var b batch.Builder
	b.Reset(nil, batch.V2)
	b.Append(1000, nil, []byte{}, []batch.RecordHeader{{Key: "null"}, {Key: "empty", Value: []byte{}}})
	data := seal(&b)
	key, value, err := batch.EncodeControl(kmsg.ControlRecordAbort, kmsg.NewEndTxnMarker())
	if err != nil {
		t.Fatal(err)
	}
	b.Control, b.Transactional = true, true
	b.Append(1001, key, value, nil)
	data = append(data, seal(&b)...)
	b.Append(1002, nil, []byte("secret"), nil)
	wrong := seal(&b)
	wrong[20]++
	data = append(data, wrong...)

	var out bytes.Buffer
	p := proxy{lines: json.NewEncoder(&out)}
	p.showRecords("orders", 3, data)
	lines := strings.SplitAfter(out.String(), "\n")
	want := []string{
		`{"record":{"topic":"orders","partition":3,"offset":0,"timestamp":1000,"key":null,"value":"","headers":[["null",null],["empty",""]]}}` + "\n",
		`{"record":{"topic":"orders","partition":3,"offset":0,"timestamp":1001,"control":"Abort","key":null,"value":null}}` + "\n",
	}
	if len(lines) != 4 || !slices.Equal(lines[:2], want) || !strings.Contains(lines[2], `{"error":"batch: at byte `) || !strings.Contains(lines[2], "checksum") {
		t.Errorf("got %s\nwant %s\nand a wrong checksum", lines, want)
	}
}
