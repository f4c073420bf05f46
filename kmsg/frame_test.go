package kmsg_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Frames as kafka-clients 4.4.0 builds them, but for the size in front:
// RequestTestUtils' bytes of header and body, client id "cli", correlation id 7.
func TestAppendRequest(t *testing.T) {
	versions := kmsg.NewAPIVersionsRequest()
	versions.Version = 3
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "franzi", "1.0"
	tests := []struct {
		name string
		req  kmsg.Request
		want string
	}{
		{"classic: header 1", kmsg.NewMetadataRequest(),
			"00000011" + "0003" + "0000" + "00000007" + "0003636c69" + "00000000"},
		{"flexible: header 2, its client id classic", versions,
			"0000001a" + "0012" + "0003" + "00000007" + "0003636c69" + "00" + "076672616e7a69" + "04312e30" + "00"},
		{"ControlledShutdown 0: header 0, without client id", &kmsg.ControlledShutdownRequest{Version: 0, BrokerID: 5, BrokerEpoch: -1},
			"0000000c" + "0007" + "0000" + "00000007" + "00000005"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := kmsg.RequestHeader{CorrelationID: 7, ClientID: kbin.Str("cli")}
			got, err := kmsg.AppendRequest([]byte("x"), header, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != hex.EncodeToString([]byte("x"))+tt.want {
				t.Fatalf("got  78%x\nwant 78%s", got[1:], tt.want)
			}
			frame, rest, err := kmsg.SplitFrame(got[1:], kmsg.MaxFrame)
			if err != nil || len(rest) > 0 {
				t.Fatalf("SplitFrame left %x, %v", rest, err)
			}
			h, req, err := kmsg.DecodeRequest(frame)
			if err != nil {
				t.Fatal(err)
			}
			if h.CorrelationID != 7 || h.RequestAPIVersion != tt.req.APIVersion() {
				t.Errorf("got the header %v", &h)
			}
			if d := cmp.Diff(req.AppendTo(nil), tt.req.AppendTo(nil)); d != "" {
				t.Errorf("the request (-got +want):\n%s", d)
			}
		})
	}
}

// A request that cannot be sent leaves the buffer as it was.
func TestAppendRequestRefuses(t *testing.T) {
	buf := append(make([]byte, 0, 1000), "before"...)
	tests := map[string]kmsg.Request{
		"a version that does not exist": &kmsg.MetadataRequest{Version: 99},
		"a field the version lacks":     &kmsg.MetadataRequest{Version: 1, IncludeTopicAuthorizedOperations: true, AllowAutoTopicCreation: true},
	}
	for name, req := range tests {
		got, err := kmsg.AppendRequest(buf, kmsg.RequestHeader{}, req)
		if err == nil || string(got) != "before" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	long := kmsg.RequestHeader{ClientID: kbin.Str(strings.Repeat("x", kbin.MaxString+1))}
	if got, err := kmsg.AppendRequest(buf, long, kmsg.NewMetadataRequest()); err == nil || string(got) != "before" {
		t.Errorf("a client id that is too long: got %q, %v", got, err)
	}
}

// A broker that lacks the version of ApiVersions answers in version 0 (KIP-511). These are
// the bytes that 2.8.2 sent to a request of version 5.
func TestDecodeResponseOfOlderBroker(t *testing.T) {
	frame, err := hex.DecodeString("00000007" + "0023" + "00000001" + "0012" + "0000" + "0003")
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewAPIVersionsRequest()
	req.Version = 5
	resp := req.NewResponse()
	h, err := kmsg.DecodeResponse(frame, resp)
	if err != nil {
		t.Fatal(err)
	}
	if h.CorrelationID != 7 || resp.Version != 0 || resp.ErrorCode != kmsg.UnsupportedVersion ||
		len(resp.APIKeys) != 1 || resp.APIKeys[0].MaxVersion != 3 {
		t.Errorf("got %v", resp)
	}
}

// The header of an ApiVersions response is never flexible.
func TestHeaderVersions(t *testing.T) {
	tests := []struct {
		key               kmsg.APIKey
		version           int16
		request, response int16
	}{
		{kmsg.KeyProduce, 8, 1, 0},
		{kmsg.KeyProduce, 9, 2, 1},
		{kmsg.KeyAPIVersions, 2, 1, 0},
		{kmsg.KeyAPIVersions, 5, 2, 0},
		{kmsg.KeyControlledShutdown, 0, 0, 0},
		{kmsg.KeyControlledShutdown, 1, 1, 0},
		{kmsg.KeySASLHandshake, 1, 1, 0},
		{kmsg.KeyConsumerGroupHeartbeat, 0, 2, 1},
		{30_000, 0, 2, 1}, // unknown: as all new ones are
		{-1, 0, 2, 1},
	}
	for _, tt := range tests {
		if got := kmsg.RequestHeaderVersion(tt.key, tt.version); got != tt.request {
			t.Errorf("request %s %d: got header %d, want %d", tt.key, tt.version, got, tt.request)
		}
		if got := kmsg.ResponseHeaderVersion(tt.key, tt.version); got != tt.response {
			t.Errorf("response %s %d: got header %d, want %d", tt.key, tt.version, got, tt.response)
		}
	}
}

// Requests of unknown APIs and versions keep their header, so that a proxy can pass them on.
func TestDecodeRequestOfTheFuture(t *testing.T) {
	for name, frame := range map[string]string{
		"an unknown key":     "7530" + "0001" + "00000007" + "0003636c69" + "00" + "aabbcc",
		"an unknown version": "0003" + "0063" + "00000007" + "0003636c69" + "00" + "aabbcc",
	} {
		data, err := hex.DecodeString(frame)
		if err != nil {
			t.Fatal(err)
		}
		h, req, err := kmsg.DecodeRequest(data)
		var unknown *kmsg.UnknownAPIError
		if !errors.As(err, &unknown) || req != nil || h.CorrelationID != 7 || h.ClientID != kbin.Str("cli") {
			t.Errorf("%s: got %v, %v, %v", name, &h, req, err)
		}
	}
	for _, short := range []string{"", "0003", "00030001000000"} {
		data, _ := hex.DecodeString(short)
		if _, _, err := kmsg.DecodeRequest(data); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v, want an unexpected EOF", short, err)
		}
	}
}

// A Matcher pairs by correlation id, in any order, and knows which requests have no answer.
func TestMatcher(t *testing.T) {
	var m kmsg.Matcher
	send := func(id int32, req kmsg.Request) {
		t.Helper()
		frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: id}, req)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := m.Request(frame[4:]); err != nil || got.APIKey() != req.APIKey() {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	answer := func(id int32, resp kmsg.Response) (kmsg.Response, error) {
		t.Helper()
		frame, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: id}, resp)
		if err != nil {
			t.Fatal(err)
		}
		_, got, err := m.Response(frame[4:])
		return got, err
	}
	heartbeat := &kmsg.HeartbeatRequest{Version: 4, GroupID: "g"}
	fireAndForget := &kmsg.ProduceRequest{Version: 9, Acks: kmsg.AcksNone}
	send(1, heartbeat)
	send(2, kmsg.NewMetadataRequest())
	send(3, fireAndForget)
	if m.Waiting() != 2 {
		t.Fatalf("got %d waiting, want 2: Produce with acks 0 has no answer", m.Waiting())
	}
	got, err := answer(2, &kmsg.MetadataResponse{Version: 0, Topics: []kmsg.MetadataResponseTopic{{Name: kbin.Str("t"), TopicAuthorizedOperations: kmsg.ACLOperationsOmitted}}, ControllerID: -1, ClusterAuthorizedOperations: kmsg.ACLOperationsOmitted})
	if err != nil || got.(*kmsg.MetadataResponse).Topics[0].Name.S != "t" {
		t.Fatalf("got %v, %v", got, err)
	}
	got, err = answer(1, &kmsg.HeartbeatResponse{Version: 4, ErrorCode: kmsg.RebalanceInProgress})
	if err != nil || got.(*kmsg.HeartbeatResponse).ErrorCode != kmsg.RebalanceInProgress {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := answer(1, &kmsg.HeartbeatResponse{Version: 4}); err == nil {
		t.Error("a second answer to the same request is accepted")
	}
	if _, _, err := m.Response([]byte{0, 0}); err == nil {
		t.Error("a frame of two bytes is accepted as a response")
	}
}

func TestSplitFrame(t *testing.T) {
	two := []byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'}
	first, rest, err := kmsg.SplitFrame(two, 10)
	if err != nil || string(first) != "ab" || len(rest) != 5 || cap(first) != 2 {
		t.Fatalf("got %q and %q, %v", first, rest, err)
	}
	for n := range rest { // incomplete
		if frame, left, err := kmsg.SplitFrame(rest[:n], 10); frame != nil || len(left) != n || err != nil {
			t.Errorf("of %d bytes: got %q and %q, %v", n, frame, left, err)
		}
	}
	if frame, _, err := kmsg.SplitFrame([]byte{0, 0, 0, 0}, 10); frame == nil || err != nil {
		t.Errorf("an empty frame: got %v, %v", frame, err)
	}
	if frame, _, err := kmsg.SplitFrame([]byte("\x00\x00\x00\x0a0123456789"), 10); err != nil || string(frame) != "0123456789" {
		t.Errorf("a frame as large as may be: got %q, %v", frame, err)
	}
	for _, size := range []string{"\x00\x00\x00\x0b", "\xff\xff\xff\xff", "\x16\x03\x01\x02", "HTTP"} {
		if _, _, err := kmsg.SplitFrame([]byte(size+"..."), 10); !errors.Is(err, kmsg.ErrFrameSize) {
			t.Errorf("the size %x: got %v, want ErrFrameSize", size, err)
		}
	}
}

func TestReadFrame(t *testing.T) {
	body := strings.Repeat("0123456789", 30_000)
	sent := "\x00\x04\x93\xe0" + body + "\x00\x00\x00\x00"
	r := iotest.OneByteReader(strings.NewReader(sent)) // arrives in the smallest pieces
	frame, err := kmsg.ReadFrame(r, nil, kmsg.MaxFrame)
	if err != nil || string(frame) != body {
		t.Fatalf("got %d bytes, %v", len(frame), err)
	}
	memory := &frame[0]
	if frame, err = kmsg.ReadFrame(r, frame, kmsg.MaxFrame); err != nil || len(frame) != 0 {
		t.Fatalf("an empty frame: got %q, %v", frame, err)
	}
	if &frame[:1][0] != memory {
		t.Error("the buffer was not used again")
	}
	if _, err = kmsg.ReadFrame(r, frame, kmsg.MaxFrame); err != io.EOF {
		t.Errorf("at the end: got %v, want io.EOF", err)
	}
	for n := 1; n < len(sent)-4; n += 50_000 { // cut off within the frame
		if _, err := kmsg.ReadFrame(strings.NewReader(sent[:n]), nil, kmsg.MaxFrame); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut off after %d bytes: got %v, want an unexpected EOF", n, err)
		}
	}
	if _, err := kmsg.ReadFrame(strings.NewReader(sent), nil, len(body)); err != nil {
		t.Errorf("a frame as large as may be: got %v", err)
	}
	if _, err := kmsg.ReadFrame(strings.NewReader(sent), nil, len(body)-1); !errors.Is(err, kmsg.ErrFrameSize) {
		t.Errorf("a frame that is a byte larger: got %v, want ErrFrameSize", err)
	}
	if _, err := kmsg.ReadFrame(strings.NewReader("\x7f\xff\xff\xff"), nil, kmsg.MaxFrame); !errors.Is(err, kmsg.ErrFrameSize) {
		t.Errorf("a frame of 2 GiB: got %v, want ErrFrameSize", err)
	}
}

// The size that somebody claims makes ReadFrame allocate little: memory grows with what
// arrives.
func TestReadFrameOfLiar(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := kmsg.ReadFrame(bytes.NewReader([]byte("\x06\x00\x00\x00just this")), nil, kmsg.MaxFrame)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected EOF", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 128<<10 {
		t.Errorf("allocated %d bytes for 13 bytes that claim to be 96 MiB", got)
	}
}
