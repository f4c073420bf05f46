package tap

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// pair returns a tapped connection and its other end.
func pair(t *testing.T, tap *Tap) (client, server net.Conn) {
	t.Helper()
	a, b := net.Pipe()
	dial := tap.Dialer(func(context.Context, string, string) (net.Conn, error) { return a, nil })
	c, err := dial(t.Context(), "tcp", "broker:9092")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return c, b
}

func frame(t *testing.T, id int32) []byte {
	t.Helper()
	req := kmsg.NewHeartbeatRequest()
	req.GroupID = "g"
	b, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: id, ClientID: kbin.Str("c")}, req)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Requests and answers are seen whole, however they are cut into writes and reads.
func TestExchanges(t *testing.T) {
	tap := New()
	client, server := pair(t, tap)
	go io.Copy(io.Discard, server)
	all := append(frame(t, 1), frame(t, 2)...)
	for _, b := range [][]byte{all[:3], all[3:20], all[20:]} {
		if _, err := client.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	answer := []byte{0, 0, 0, 6, 0, 0, 0, 2, 0, 0}
	go server.Write(append(answer, 0, 0, 0, 5, 0, 0)) // and part of another
	buf := make([]byte, 3)
	for range 5 {
		if _, err := client.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	got := tap.Exchanges()
	if len(got) != 2 || got[0].Key() != kmsg.KeyHeartbeat || got[0].Answer != nil || string(got[1].Answer) != string(answer[4:]) || got[1].Addr != "broker:9092" || got[1].Kept {
		t.Errorf("got %+v", got)
	}
}

// A request that is kept does not leave, nor does what comes with it; the connection ends.
func TestKeep(t *testing.T) {
	tap := New()
	tap.Keep(func(e *Exchange) bool { return e.Key() == kmsg.KeyHeartbeat })
	client, server := pair(t, tap)
	left := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(server)
		left <- b
	}()
	if _, err := client.Write(frame(t, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if b := <-left; len(b) > 0 {
		t.Errorf("%x left", b)
	}
	if got := tap.Exchanges(); len(got) != 1 || !got[0].Kept {
		t.Errorf("got %+v", got)
	}
}

// What is no request passes: tokens of SASL without headers, other protocols.
func TestOthersPass(t *testing.T) {
	for _, text := range []string{"\x00\x00\x00\x0c\x00alice\x00secret", "GET / HTTP/1.1\r\n\r\n", "\xff\xff\xff\xff"} {
		tap := New()
		tap.Keep(func(*Exchange) bool { return true })
		client, server := pair(t, tap)
		left := make(chan string)
		go func() {
			b, _ := io.ReadAll(server)
			left <- string(b)
		}()
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		client.Close()
		if got := <-left; got != text || len(tap.Exchanges()) > 0 {
			t.Errorf("%q: got %q, %v", text, got, tap.Exchanges())
		}
	}
}
