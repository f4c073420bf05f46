package kafkatest

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeBroker answers the one request of each connection with the bytes that answer returns, as
// they are, and then closes; the request comes without its size.
func fakeBroker(t *testing.T, answer func(request []byte) []byte) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err == nil {
				request := make([]byte, binary.BigEndian.Uint32(size[:]))
				if _, err := io.ReadFull(conn, request); err == nil {
					conn.Write(answer(request))
				}
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// unhex reads hex with spaces.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The bytes are those of a Kafka 0.10.0.1 broker, shortened to two APIs.
func TestApiVersions(t *testing.T) {
	var request []byte
	addr := fakeBroker(t, func(r []byte) []byte {
		request = r
		return unhex("00000016 00000007 0000 00000002 0000 0000 0002 0012 0000 0000")
	})
	got, err := ApiVersions(t.Context(), addr)
	if want := []VersionRange{{0, 0, 2}, {18, 0, 0}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if want := unhex("0012 0000 00000007 0009 6b61666b6174657374"); !slices.Equal(request, want) {
		t.Errorf("got the request %x, want %x", request, want)
	}
}

func TestAskView(t *testing.T) {
	tests := []struct {
		version int16
		answer  string
		request string
		want    view
	}{
		{0, "00000032 00000007 00000002 00000002 0009 3132372e302e302e31 00002384 00000001 0009 3132372e302e302e31 00002383 00000000",
			"0003 0000 00000007 0009 6b61666b6174657374 00000000", view{[]int32{1, 2}, -1}},
		{1, "00000025 00000007 00000001 00000005 0009 3132372e302e302e31 00002384 ffff 00000005 00000000", // no rack
			"0003 0001 00000007 0009 6b61666b6174657374 00000000", view{[]int32{5}, 5}},
		{1, "00000026 00000007 00000001 00000005 0009 3132372e302e302e31 00002384 0001 61 ffffffff 00000000", // rack a, no controller
			"0003 0001 00000007 0009 6b61666b6174657374 00000000", view{[]int32{5}, -1}},
	}
	for _, test := range tests {
		var request []byte
		addr := fakeBroker(t, func(r []byte) []byte {
			request = r
			return unhex(test.answer)
		})
		got, err := askView(t.Context(), addr, test.version)
		if err != nil || !slices.Equal(got.brokers, test.want.brokers) || got.controller != test.want.controller {
			t.Errorf("version %d: got %v, %v, want %v", test.version, got, err, test.want)
		}
		if want := unhex(test.request); !slices.Equal(request, want) {
			t.Errorf("version %d: got the request %x, want %x", test.version, request, want)
		}
	}
}

// Whatever listens there, a probe fails with an error.
func TestProbeBadAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"":                                                  "EOF", // 0.8.2 on ApiVersions
		"00000006 00000007 0023":                            "error code 35",
		"0000000a 00000008 0000 00000000":                   "correlation id 8",
		"0000000a 00000007 0000 00000000":                   "", // no API at all is an answer
		"00000006 00000007 0000":                            "too short",
		"0000000a 00000007 0000 00ffffff":                   "too short", // a count that nothing backs
		"0000000c 00000007 0000 00000001 0000":              "too short",
		"0000000f 00000007 0000 00000000":                   "unexpected EOF",
		"48545450 2f312e31":                                 "no Kafka broker", // HTTP
		"00000003 00000007":                                 "no Kafka broker",
		"0000000a 00000007 0000 ffffffff":                   "", // null
		"00000010 00000007 0000 00000001 0003 0000 0001":    "",
		"00000011 00000007 0000 00000001 0003 0000 0001 00": "", // more than we know
		"0000000a 00000007":                                 "unexpected EOF",
		"0000":                                              "unexpected EOF",
	} {
		addr := fakeBroker(t, func([]byte) []byte { return unhex(answer) })
		_, err := ApiVersions(t.Context(), addr)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", answer, err, want)
		}
	}
}

// A probe ends with its context even if the node is paused and says nothing.
func TestProbeSilence(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := fakeBroker(t, func([]byte) []byte {
		cancel()
		<-t.Context().Done()
		return nil
	})
	if _, err := ApiVersions(ctx, addr); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestMetadataVersion(t *testing.T) {
	for answer, want := range map[string]int16{
		"00000010 00000007 0000 00000001 0003 0000 0001": 1, // 0.10.0
		"00000010 00000007 0000 00000001 0003 0000 000d": 1, // 4.4
		"00000010 00000007 0000 00000001 0003 0000 0000": 0,
		"00000010 00000007 0000 00000001 0003 0002 000d": -1, // a broker of the future
		"00000010 00000007 0000 00000001 0004 0000 000d": -1, // a controller
	} {
		addr := fakeBroker(t, func([]byte) []byte { return unhex(answer) })
		got, err := metadataVersion(t.Context(), addr, "4.4.0")
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%s: got %d, %v, want %d", answer, got, err, want)
		}
	}
	if got, err := metadataVersion(t.Context(), "nowhere", "0.9.0.1"); got != 0 || err != nil {
		t.Errorf("0.9.0.1: got %d, %v, want 0 without asking", got, err)
	}
}

func TestPoll(t *testing.T) {
	alive := &process{name: "node-1", command: "java kafka.Kafka", logFile: t.TempDir() + "/log", done: make(chan struct{})}
	tries := 0
	if err := poll(t.Context(), alive, func() error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	}, alive); err != nil || tries != 3 {
		t.Errorf("got %v after %d tries, want none after 3", err, tries)
	}

	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("not ready after 1ms"))
	defer cancel()
	err := poll(ctx, alive, func() error { return errors.New("connection refused") }, alive)
	for _, want := range []string{"node-1", "not ready after 1ms", "connection refused", "java kafka.Kafka", "no log: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}

	dead := &process{name: "node-2", logFile: alive.logFile, done: make(chan struct{}), err: errors.New("exit status 1")}
	close(dead.done)
	err = poll(t.Context(), alive, func() error { return errors.New("not yet") }, alive, dead)
	if !errors.Is(err, errDied) || !strings.Contains(err.Error(), "node-2") || errors.Is(err, errPortTaken) {
		t.Errorf("got %v, want the death of node-2", err)
	}
}

func TestHeldPaths(t *testing.T) {
	const dump = `SessionTracker dump:
Session Sets (3):
0 expire at Mon Nov 23 09:11:12 UTC 2026:
ephemeral nodes dump:
Sessions with Ephemerals (1):
0x19b0b0f0a0e0000:
	/controller
	/brokers/ids/11
`
	got := heldPaths(dump, []string{"/controller", brokerPath(1), brokerPath(11)})
	if want := []string{"/controller", "/brokers/ids/11"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
