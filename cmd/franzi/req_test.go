package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// metadataOf answers Metadata with a topic that exists, as far as the version can tell.
func metadataOf(req kmsg.Request) any {
	m, ok := req.(*kmsg.MetadataRequest)
	if !ok {
		return nil
	}
	resp := m.NewResponse()
	resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "h", Port: 9092}}
	for _, topic := range m.Topics {
		known := kmsg.NewMetadataResponseTopic()
		known.Name = topic.Name
		if topic.Name.S == "nope" {
			known.ErrorCode = kmsg.UnknownTopicOrPartition
		}
		resp.Topics = append(resp.Topics, known)
	}
	return resp
}

var metadata = kmsg.VersionRange{Key: kmsg.KeyMetadata, Min: 0, Max: 8}

// run asks the fake, in virtual time.
func (f fake) run(t *testing.T, args ...string) (got ran) {
	t.Helper()
	if _, err := definitions(); err != nil { // outside of the bubble
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		got = runWith(t.Context(), f.dialer(t), "", append(args, "-b", "fake")...)
	})
	return got
}

// A request goes out in the highest version that both speak, and comes back as JSON.
func TestReq(t *testing.T) {
	var asked []kmsg.Request
	f := fake{speaking(func(req kmsg.Request) any {
		asked = append(asked, req)
		return metadataOf(req)
	}, metadata)}
	got := f.run(t, "req", "metadata", `{"topics":[{"name":"orders"}],"allowAutoTopicCreation":false}`, "-o", "jsonl")
	want := `{"throttleTimeMs":0,"brokers":[{"nodeId":1,"host":"h","port":9092,"rack":null}],"clusterId":null,"controllerId":-1,` +
		`"topics":[{"errorCode":0,"name":"orders","isInternal":false,"partitions":[],"topicAuthorizedOperations":-2147483648}],"clusterAuthorizedOperations":-2147483648}` + "\n"
	if got.out != want || got.err != "" || got.code != exitOK {
		t.Errorf("got exit %d %q\n%swant\n%s", got.code, got.err, got.out, want)
	}
	if len(asked) != 1 || asked[0].APIVersion() != 8 || asked[0].(*kmsg.MetadataRequest).AllowAutoTopicCreation {
		t.Errorf("the broker was asked %v", asked)
	}
}

// A pinned version is sent without asking first.
func TestReqPinned(t *testing.T) {
	got := fake{speaking(metadataOf, metadata)}.run(t, "req", "Metadata", "-v", "0", `{"topics":[{"name":"a"}]}`, "-o", "template={{(index .brokers 0).host}}")
	if got.out != "h\n" || got.code != exitOK {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}
}

// Error codes in an answer, wherever they are, are explained once each and make it exit 1.
func TestReqErrorsInAnswer(t *testing.T) {
	got := fake{speaking(metadataOf, metadata)}.run(t, "req", "Metadata", `{"topics":[{"name":"nope"},{"name":"a"},{"name":"nope"},{"name":"nope"},{"name":"nope"}]}`)
	want := "franzi: UNKNOWN_TOPIC_OR_PARTITION (3) at topics[0].errorCode, topics[2].errorCode, topics[3].errorCode and 1 more: " +
		kmsg.UnknownTopicOrPartition.Message() + " " + kmsg.UnknownTopicOrPartition.Remedy() + "\n"
	if got.code != exitFailed || got.err != want || !strings.Contains(got.out, `"nope"`) {
		t.Errorf("got exit %d\n%swant\n%s", got.code, got.err, want)
	}
}

// The broker's own words are quoted, on one line and without what acts on a terminal; codes
// that we do not know have at least their number.
func TestReqErrorMessages(t *testing.T) {
	f := fake{serving(func(req kmsg.Request) any {
		resp := req.(*kmsg.CreateTopicsRequest).NewResponse()
		a, b := kmsg.NewCreateTopicsResponseCreatableTopicResult(), kmsg.NewCreateTopicsResponseCreatableTopicResult()
		a.ErrorCode, a.ErrorMessage = kmsg.TopicAlreadyExists, kbin.Str("Topic 'a'\nexists\x1b[31m.")
		b.ErrorCode = 999
		resp.Topics = []kmsg.CreateTopicsResponseCreatableTopicResult{a, b}
		return resp
	}, kmsg.VersionRange{Key: kmsg.KeyCreateTopics, Max: 5})}
	got := f.run(t, "req", "CreateTopics", "-v", "5", "-B", "any")
	lines := strings.Split(got.err, "\n")
	if got.code != exitFailed || len(lines) != 3 || strings.Contains(got.err, "\x1b") ||
		!strings.HasPrefix(lines[0], `franzi: TOPIC_ALREADY_EXISTS (36) at topics[0].errorCode: the broker says "Topic 'a'\nexists\x1b[31m". CreateTopics names a topic`) ||
		lines[1] != "franzi: UNKNOWN_CODE_999 (999) at topics[1].errorCode: a code that this release does not know." {
		t.Errorf("got exit %d\n%s", got.code, got.err)
	}
}

// What a broker, or something that is none, may do instead of answering.
func TestReqThatFails(t *testing.T) {
	answerCut := func(conn net.Conn) {
		kmsg.ReadFrame(conn, nil, kmsg.MaxFrame)
		io.WriteString(conn, "\x00\x00\x00\x64\x00\x00\x00\x01part")
	}
	tests := []struct {
		name string
		fake fake
		args string
		code int
		want string // in the only line of stderr
	}{
		{"TLS", fake{says("\x15\x03\x03\x00\x02\x02\x28")}, "", exitConnection, "Metadata at fake:9092: negotiating versions: against"},
		{"HTTP", fake{says("HTTP/1.1 400 Bad Request\r\n\r\n")}, "", exitConnection, "What came back is HTTP: this is a web server's port"},
		{"SSH", fake{says("SSH-2.0-OpenSSH_9.2\r\n")}, "", exitConnection, "no frame of Kafka's protocol: it would have 1397966893 bytes"},
		{"garbage", fake{says("\xde\xad\xbe\xef and so on")}, "", exitConnection, "it would have -559038737 bytes"},
		{"a huge size", fake{says("\x7f\xff\xff\xff")}, "", exitConnection, "it would have 2147483647 bytes"},
		{"a frame without a header", fake{says("\x00\x00\x00\x02\x00\x00")}, "", exitConnection, "an answer of 2 bytes has no correlation id"},
		{"nonsense in a frame", fake{says("\x00\x00\x00\x06\x00\x00\x00\x01\xff\xff")}, "", exitConnection, "Metadata at fake:9092: negotiating versions"},
		{"another correlation id", fake{says("\x00\x00\x00\x08\x00\x00\x00\x09\x00\x00\x00\x00")}, "", exitConnection, "Metadata at fake:9092: negotiating versions"},
		{"an answer that is cut off", fake{answerCut}, "-v 1", exitConnection, "after 8 of 100 bytes of an answer: unexpected EOF"},
		{"a size that is cut off", fake{says("\x00\x00")}, "-v 1", exitConnection, "unexpected EOF"},
		{"ends at once", fake{says("")}, "", exitConnection, "its port may want TLS or SASL, see --tls and --sasl"},
		{"ends at the request", fake{speaking(func(kmsg.Request) any { return nil }, metadata)}, "", exitConnection, "Metadata at fake:9092: waiting for the answer: EOF"},
		{"ends at a pinned version", fake{says("")}, "-v 13", exitConnection, "its port may want TLS or SASL"},
		{"ends at a version that it lacks", fake{speaking(func(kmsg.Request) any { return nil }, metadata)}, "-v 13", exitFailed, "the broker serves Metadata in versions 0 to 8, this takes 13 to 13"},
		{"ends at an API that it lacks", fake{speaking(func(kmsg.Request) any { return nil })}, "-v 13", exitConnection, "the broker says that it serves nothing"},
		{"never answers", fake{silent}, "", exitTimeout, "Metadata at fake:9092: negotiating versions: the broker was silent"},
		{"never answers a pinned version", fake{silent}, "-v 3 --timeout 1h", exitTimeout, "negotiating versions: the broker was silent"},
		{"never answers after the first answer", fake{speaking(func(kmsg.Request) any { return []byte{} }, metadata)}, "--timeout 20ms", exitTimeout, "Metadata"},
		{"lacks the API", fake{speaking(metadataOf, kmsg.VersionRange{Key: kmsg.KeyFetch, Max: 4})}, "", exitFailed, "the broker does not serve Metadata"},
		{"no version in common", fake{speaking(metadataOf, kmsg.VersionRange{Key: kmsg.KeyMetadata, Min: 70, Max: 71})}, "", exitFailed, "serves Metadata in versions 70 to 71"},
		{"a field that the version lacks", fake{speaking(metadataOf, kmsg.VersionRange{Key: kmsg.KeyMetadata, Max: 3})}, `{"includeTopicAuthorizedOperations":true}`, exitFailed, "version 3 does not carry it, only 8+"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.fake.run(t, append([]string{"req", "Metadata"}, strings.Fields(tt.args)...)...)
			if got.code != tt.code || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, tt.want) {
				t.Errorf("got exit %d %q %s\nwant exit %d %s", got.code, got.out, got.err, tt.code, tt.want)
			}
		})
	}
}

// A broker that cannot be reached, or not in time: before the call ends, the dial has.
func TestReqWithoutConnection(t *testing.T) {
	if _, err := definitions(); err != nil {
		t.Fatal(err)
	}
	refused := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	if got := runWith(t.Context(), refused, "", "req", "Metadata", "-b", "a:1"); got.code != exitConnection || !strings.Contains(got.err, "a:1: dial: connect: connection refused") {
		t.Errorf("refused: got exit %d %s", got.code, got.err)
	}
	unknown := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}}
	}
	if got := runWith(t.Context(), unknown, "", "api", "versions", "-b", "a:1"); got.code != exitConnection || !strings.Contains(got.err, "no such host") {
		t.Errorf("unknown: got exit %d %s", got.code, got.err)
	}
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		start := time.Now()
		got := runWith(t.Context(), slow, "", "req", "Metadata", "-b", "a:1")
		if got.code != exitTimeout || !strings.Contains(got.err, "a:1") || time.Since(start) > defaultTimeout {
			t.Errorf("slow: got exit %d after %v: %s", got.code, time.Since(start), got.err)
		}
	})
}

// Ctrl-C ends what waits.
func TestInterrupt(t *testing.T) {
	waits := map[string][]string{
		"for an answer": {"req", "Metadata", "-b", "fake"},
		"for a line":    {"encode", "Metadata", "-v", "1"},
		"for stdin":     {"req", "Metadata", "-b", "fake", "-"},
	}
	for name, args := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				stdin, end := io.Pipe()
				defer end.Close()
				var out, err bytes.Buffer
				go func() {
					time.Sleep(time.Second) // virtual
					cancel()
				}()
				code := testApp(stdin, &out, &err, fake{silent}.dialer(t)).run(ctx, args)
				if code != exitInterrupted || err.String() != "franzi: interrupted\n" || out.Len() > 0 {
					t.Errorf("got exit %d %q %q", code, out.String(), err.String())
				}
			})
		})
	}
}

// With acks 0 there is no answer to wait for.
func TestReqProduceWithoutAcks(t *testing.T) {
	var sent kmsg.Request
	f := fake{serving(func(req kmsg.Request) any { sent = req; return []byte{} }, kmsg.VersionRange{Key: kmsg.KeyProduce, Max: 9})}
	got := f.run(t, "req", "Produce", "-v", "9", "-B", "any", `{"acks":0,"topicData":[{"name":"a","partitionData":[{"index":0}]}]}`)
	if got.code != exitOK || got.out != "" || got.err != "franzi: sent Produce; with acks 0 the broker gives no answer\n" {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}
	if p, ok := sent.(*kmsg.ProduceRequest); !ok || p.Acks != kmsg.AcksNone {
		t.Errorf("the broker got %v", sent)
	}
}

// The bytes of an answer are shown even if they do not decode, and what was shown decodes.
func TestReqHex(t *testing.T) {
	f := fake{speaking(metadataOf, metadata)}
	got := f.run(t, "req", "Metadata", "-v", "1", "--hex")
	want := "0000001d00000002000000010000000100016800002384ffffffffffff00000000\n"
	if got.out != want || got.code != exitOK {
		t.Errorf("got exit %d %swant %s", got.code, got.out, want)
	}
	back := run(t, got.out, "decode", "--response-to", "Metadata", "-v", "1")
	if !strings.Contains(back.out, `"host":"h"`) {
		t.Errorf("got %s%s", back.out, back.err)
	}
	raw := f.run(t, "req", "Metadata", "-v", "1", "-o", "raw")
	if hex.EncodeToString([]byte(raw.out))+"\n" != want {
		t.Errorf("raw: got %q", raw.out)
	}
	bad := fake{speaking(func(kmsg.Request) any { return []byte("\x00\x00\x00\x06\x00\x00\x00\x02\xff\xff") }, metadata)}.run(t, "req", "Metadata", "-v", "1", "--hex")
	if bad.out != "0000000600000002ffff\n" || bad.code != exitFailed {
		t.Errorf("bad: got exit %d %q %s", bad.code, bad.out, bad.err)
	}
}

// Secrets are shown to who asks, but not with --redact, and never on stderr.
func TestReqRedact(t *testing.T) {
	f := fake{serving(func(req kmsg.Request) any {
		resp := req.(*kmsg.SASLAuthenticateRequest).NewResponse()
		resp.AuthBytes, resp.ErrorCode = []byte("hunter2"), kmsg.SASLAuthenticationFailed
		return resp
	}, kmsg.VersionRange{Key: kmsg.KeySASLAuthenticate, Max: 2})}
	open := f.run(t, "req", "SaslAuthenticate", "-v", "1", "-B", "any", `{"authBytes":"aHVudGVyMg=="}`, "-o", "template={{.authBytes}}")
	if open.out != "aHVudGVyMg==\n" || open.code != exitFailed || strings.Contains(open.err, "aHVu") || strings.Contains(open.err, "hunter") {
		t.Errorf("got exit %d %q %q", open.code, open.out, open.err)
	}
	hidden := f.run(t, "req", "SaslAuthenticate", "-v", "1", "-B", "any", "--redact", "-o", "template={{.authBytes}}")
	if hidden.out != kbin.Redacted+"\n" {
		t.Errorf("got %q", hidden.out)
	}
}

// Brokers that are not to the letter of the protocol can be asked with --lenient.
func TestReqLenient(t *testing.T) {
	f := fake{speaking(func(kmsg.Request) any {
		return []byte("\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x07") // Metadata 0 and a byte more
	}, metadata)}
	if got := f.run(t, "req", "Metadata", "-v", "0", `{"topics":[{"name":"a"}]}`); got.code != exitFailed || !strings.Contains(got.err, "1 bytes after the end") {
		t.Errorf("strict: got exit %d %q", got.code, got.err)
	}
	if got := f.run(t, "req", "Metadata", "-v", "0", `{"topics":[{"name":"a"}]}`, "--lenient", "-o", "raw"); got.code != exitOK {
		t.Errorf("lenient: got exit %d %q", got.code, got.err)
	}
}

// ApiVersions without JSON introduces us, for brokers refuse Kafka's own default.
func TestReqAPIVersions(t *testing.T) {
	var name string
	f := fake{answers(func(req kmsg.Request) any {
		v, ok := req.(*kmsg.APIVersionsRequest)
		if !ok {
			return metadataOf(req)
		}
		name = v.ClientSoftwareName
		return versionsOfFake(v, kmsg.VersionRange{Key: kmsg.KeyAPIVersions, Max: 5}, metadata)
	})}
	if got := f.run(t, "req", "ApiVersions", "-v", "3", "-B", "any"); got.code != exitOK || name != "franzi" {
		t.Errorf("got exit %d %q, name %q", got.code, got.err, name)
	}
	if got := f.run(t, "req", "ApiVersions", "{}", "-v", "3", "-B", "any"); got.code != exitOK || name != "" {
		t.Errorf("got exit %d %q, name %q", got.code, got.err, name)
	}
}

// JSON may come from stdin.
func TestReqFromStdin(t *testing.T) {
	got := runWith(t.Context(), fake{speaking(metadataOf, metadata)}.dialer(t), `{"topics":[{"name":"a"}]}`, "req", "Metadata", "-v", "1", "-", "-b", "fake", "-o", "template={{(index .topics 0).name}}")
	if got.out != "a\n" {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}
	broken := testApp(failingReader{}, io.Discard, io.Discard, noNetwork)
	if code := broken.run(t.Context(), []string{"req", "Metadata", "--dry-run", "-"}); code != exitFailed {
		t.Errorf("stdin fails: got exit %d", code)
	}
	if code := broken.run(t.Context(), []string{"encode", "Metadata", "-v", "1"}); code != exitFailed {
		t.Errorf("stdin fails: got exit %d", code)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("stdin is broken") }
