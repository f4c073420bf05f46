package link

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// KIP-219 came with Kafka 2.0, and gave every API that had a throttle time then a new version. So
// the versions for which the client waits are those that came with 2.0 or later.
func TestThrottles(t *testing.T) {
	checked := 0
	for _, api := range kmsg.APIs() {
		if !api.Broker {
			continue // not for clients, or not any more
		}
		for v := api.MinVersion; v <= api.MaxVersion; v++ {
			since := api.Since(v)
			major, err := strconv.Atoi(strings.Split(since, ".")[0])
			if since == "" {
				major = 4 // unstable, or never released as stable
			} else if err != nil {
				t.Fatal(err)
			}
			resp := kmsg.NewRequest(api.Key).Response()
			resp.SetAPIVersion(v)
			if !strings.Contains(resp.String(), "throttleTimeMs") {
				continue // nothing is said of throttling
			}
			checked++
			if got, want := Throttles(api.Key, v), major >= 2; got != want {
				t.Errorf("%v version %d, since %s: got %v, want %v", api.Key, v, since, got, want)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d versions were looked at", checked)
	}
	for _, key := range []kmsg.APIKey{-1, 12345} {
		if got, want := Throttles(key, 0), key > 0; got != want {
			t.Errorf("key %d: got %v, want %v", int16(key), got, want)
		}
	}
}

func TestCleanSoftware(t *testing.T) {
	for name, want := range map[string]string{
		"franzi":          "franzi",
		"v1.2.3":          "v1.2.3",
		"(devel)":         "devel",
		"1.0+build 7":     "1.0-build-7",
		"-.my app/ünï.-":  "my-app--n",
		"":                "unknown",
		"---":             "unknown",
		"github.com/x/y":  "github.com-x-y",
		"v0.0.0-2026~abc": "v0.0.0-2026-abc",
	} {
		if got := CleanSoftware(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestVersions(t *testing.T) {
	release, err := kmsg.Release("4.4")
	if err != nil {
		t.Fatal(err)
	}
	served := release.BrokerAPIs()
	slices.Reverse(served)
	served = append(served, kmsg.VersionRange{Key: 10_000, Min: 1, Max: 2}) // of a vendor's own
	v := negotiate(served, nil, false)

	if got := v.All(); len(got) != len(served) || !slices.IsSortedFunc(got, func(a, b kmsg.VersionRange) int { return int(a.Key) - int(b.Key) }) {
		t.Errorf("got %d APIs, want %d in order", len(got), len(served))
	}
	if got, ok := v.Served(10_000); !ok || got.Min != 1 || got.Max != 2 {
		t.Errorf("the vendor's: got %+v, %v", got, ok)
	}
	for _, key := range []kmsg.APIKey{10_000, -1, 20_000} {
		if low, high, ok := v.Usable(key); ok {
			t.Errorf("key %d can be sent in versions %d to %d", int16(key), low, high)
		}
		if _, err := v.choose(key, 0, 9); err == nil {
			t.Errorf("key %d can be sent", int16(key))
		}
	}
	// Whatever a broker of a release serves can be sent to it, in its highest version.
	for _, name := range kmsg.Releases() {
		release, err := kmsg.Release(name)
		if err != nil {
			t.Fatal(err)
		}
		v := negotiate(release.BrokerAPIs(), nil, false)
		for _, r := range release.BrokerAPIs() {
			if low, high, ok := v.Usable(r.Key); !ok || low != r.Min || high != r.Max {
				t.Errorf("%s serves %v in %d to %d; got %d to %d, %v", name, r.Key, r.Min, r.Max, low, high, ok)
			}
			if got, err := v.choose(r.Key, 0, maxVersion); err != nil || got != r.Max {
				t.Errorf("%s: %v is sent in version %d, %v; want %d", name, r.Key, got, err, r.Max)
			}
		}
	}
	if level, ok := v.Feature("transaction.version"); ok {
		t.Errorf("without finalized features there is one, at %d", level)
	}
}

func TestFailure(t *testing.T) {
	last := &Failure{Stage: StageDial, Err: io.ErrUnexpectedEOF}
	f := &Failure{Stage: StageAuth, Mechanism: "PLAIN", Code: kmsg.SASLAuthenticationFailed, Message: "no", Err: ErrTimeout, Offered: []string{"A", "B"}, Last: last}
	for _, err := range []error{kmsg.SASLAuthenticationFailed, ErrTimeout, io.ErrUnexpectedEOF, last} {
		if !errors.Is(f, err) {
			t.Errorf("%v is not in %v", err, f)
		}
	}
	if errors.Is(f, kmsg.None) || errors.Is(&Failure{}, kmsg.None) {
		t.Error("no code is an error")
	}
	want := `SASL PLAIN: SASL_AUTHENTICATION_FAILED (the broker says "no"): time is up; the broker offers A, B; the last attempt failed: dialing: unexpected EOF`
	if got := f.Error(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for s := StageQueue; s <= StageIdle; s++ {
		if s.String() == "" {
			t.Errorf("stage %d has no name", s)
		}
	}
	for w, want := range map[Written]string{WrittenNo: "no", WrittenMaybe: "maybe", WrittenYes: "yes"} {
		if got := w.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// NewRequest leaves the message alone, which others may be using.
func TestNewRequest(t *testing.T) {
	msg := kmsg.NewMetadataRequest()
	msg.Version = 3
	msg.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	before := msg.Clone()
	r := NewRequest(msg)
	if r.Key != kmsg.KeyMetadata || r.Min != 0 || r.Max != maxVersion {
		t.Errorf("got %v in versions %d to %d", r.Key, r.Min, r.Max)
	}
	header := &kmsg.RequestHeader{CorrelationID: 7, ClientID: kbin.Str("me")}
	got, splices, err := r.Body.Encode([]byte("before"), header, 9)
	if err != nil || splices != nil {
		t.Fatal(splices, err)
	}
	if diff := cmp.Diff(before.String(), msg.String()); diff != "" {
		t.Errorf("the message was changed: %s", diff)
	}
	msg.Version = 9
	want, err := kmsg.AppendRequest([]byte("before"), kmsg.RequestHeader{CorrelationID: 7, ClientID: kbin.Str("me")}, msg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	// What a version cannot carry is an error.
	create := kmsg.NewMetadataRequest()
	create.AllowAutoTopicCreation = false
	if _, _, err := NewRequest(create).Body.Encode(nil, header, 3); err == nil {
		t.Error("version 3 cannot say that topics are not to be created, and was written")
	}
}

// The frames are the same as those of package kmsg, for every API and version, and for headers of
// somebody's own.
func TestAppendRequest(t *testing.T) {
	header := kmsg.RequestHeader{CorrelationID: 1 << 30, ClientID: kbin.Str("client")}
	for _, api := range kmsg.APIs() {
		for v := api.MinVersion; v <= api.MaxVersion; v++ {
			msg := kmsg.NewRequest(api.Key)
			msg.SetAPIVersion(v)
			want, err1 := kmsg.AppendRequest([]byte{1, 2, 3}, header, msg)
			own := header
			got, err2 := AppendRequest([]byte{1, 2, 3}, &own, msg)
			if (err1 == nil) != (err2 == nil) {
				t.Errorf("%v version %d: got %v, want %v", api.Key, v, err2, err1)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v version %d (-want +got): %s", api.Key, v, diff)
			}
			if own.ClientID != header.ClientID {
				t.Errorf("%v version %d: the client id is %v afterwards", api.Key, v, own.ClientID)
			}
		}
	}
	own := vendors{kmsg.NewHeartbeatRequest()}
	want, err := kmsg.AppendRequest(nil, header, own)
	if err != nil {
		t.Fatal(err)
	}
	got, err := AppendRequest(nil, &header, own)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got: %s", err, diff)
	}
}

// vendors is a request that says itself which header it has.
type vendors struct{ *kmsg.HeartbeatRequest }

func (vendors) HeaderVersion() int16 { return 2 }

// What SASL sent does not stay in memory longer than it must.
func TestSecretsAreWiped(t *testing.T) {
	for _, release := range []string{"0.10.2", "4.4"} {
		p := &player{t: t}
		step := []byte("s3cret")
		p.command("link mechanism=PLAIN")
		for _, c := range []string{"request A Metadata", "connected", "wrote", "answer like=" + release, "wrote", "answer"} {
			p.command(c)
		}
		p.handle(&AuthStep{Attempt: p.attempt, Response: step})
		if !strings.Contains(strings.Join(p.log, " "), "s3cret") {
			t.Fatalf("it was not sent: %q", p.log)
		}
		p.command("wrote")
		if left := string(p.link.out.buf[:cap(p.link.out.buf)]); strings.Contains(left, "s3cret") {
			t.Errorf("%s: it is still there", release)
		}
	}
}

// Correlation ids begin again after the last.
func TestCorrelationIDs(t *testing.T) {
	for id, want := range map[int32]int32{0: 1, 41: 42, 1<<31 - 2: 1<<31 - 1, 1<<31 - 1: 0} {
		if got := next(id); got != want {
			t.Errorf("after %d: got %d, want %d", id, got, want)
		}
	}
}

// The pause between tries has 20 % of jitter, both ways.
func TestJitter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var least, most time.Duration
	for range 1000 {
		l := New(Config{Random: r.Float64})
		l.Handle(epoch, &Request{To: owner(nil)})
		l.Poll(epoch)
		l.Handle(epoch, &ConnectFailed{Err: io.EOF})
		pause := l.retry.Sub(epoch)
		if least == 0 || pause < least {
			least = pause
		}
		most = max(most, pause)
	}
	if least < 80*time.Millisecond || least > 82*time.Millisecond || most < 118*time.Millisecond || most > 120*time.Millisecond {
		t.Errorf("the pauses are from %v to %v, want 80 ms to 120 ms", least, most)
	}
}

// What a broker sends in answer to the link's own requests leads to an error or goes on, at every
// stage.
func FuzzAnswers(f *testing.F) {
	for stage := range uint8(4) {
		f.Add(stage, []byte{})
		f.Add(stage, []byte{0, 0})
		f.Add(stage, []byte{0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 12})
		f.Add(stage, []byte{0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3})
		f.Add(stage, []byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, stage uint8, body []byte) {
		p := &player{t: &testing.T{}}
		mechanism := "PLAIN"
		if stage%4 == 0 {
			mechanism = ""
		}
		p.command("link mechanism=" + mechanism)
		p.command("request A Metadata")
		p.command("connected")
		p.command("wrote")
		switch stage % 4 {
		case 2:
			p.command("answer like=4.4")
			p.command("wrote")
		case 3:
			p.command("answer like=4.4")
			p.command("wrote")
			p.command("answer")
			p.command("step send=secret")
			p.command("wrote")
		}
		id := kbin.AppendInt32(nil, p.written[0].id)
		p.handle(&Frame{append(id, body...)})
		p.command("close")
		if p.link.phase != phaseIdle {
			p.handle(&Disconnected{})
		}
		if _, ok := p.link.Poll(p.now); ok || !p.link.Deadline().IsZero() || p.names["A"].state != stateDone {
			t.Errorf("after %d: the link does not end", stage)
		}
	})
}

func Example() {
	var now time.Time
	l := New(Config{Random: func() float64 { return 0.5 }})
	next := func() {
		for a, ok := l.Poll(now); ok; a, ok = l.Poll(now) {
			switch a := a.(type) {
			case *Connect:
				fmt.Println("connect")
			case *Write:
				fmt.Println("write", a.Size, "bytes")
			case *Done:
				fmt.Println("done:", a.Request.Err)
			}
		}
	}
	r := NewRequest(kmsg.NewMetadataRequest())
	r.Deadline = now.Add(30 * time.Second)
	l.Handle(now, r)
	next()
	l.Handle(now, &ConnectFailed{Err: errors.New("nobody is there")})
	next()
	// Output:
	// connect
	// done: dialing: nobody is there
}

// Bytes are spliced in where they belong, also none, and next to each other, and the size counts
// them.
func TestSplices(t *testing.T) {
	p := &player{t: t}
	p.command("link")
	p.command("ready")
	var sent []byte
	for _, splices := range [][]Splice{
		nil,
		{{At: 4, Bytes: []byte("A")}},
		{{At: 6, Bytes: []byte("A")}, {At: 6, Bytes: []byte("BC")}},
		{{At: 4}, {At: 5, Bytes: []byte("A")}, {At: 7, Bytes: []byte{}}, {At: 8, Bytes: []byte("end")}},
	} {
		want := []byte("....wxyz")
		for _, s := range slices.Backward(splices) {
			want = slices.Insert(want, s.At, s.Bytes...)
		}
		want[0], want[1], want[2], want[3] = 0, 0, 0, byte(len(want)-4)
		for joined := range 2 {
			r := &Request{Key: kmsg.KeyMetadata, Max: 9, NoAnswer: true, To: owner(nil), Body: fixed(splices)}
			if joined == 1 { // with one that waits for the writer
				p.link.Handle(p.now, &Request{Key: kmsg.KeyMetadata, Max: 9, NoAnswer: true, To: owner(nil), Body: fixed(nil)})
				p.link.Poll(p.now)
				p.link.Handle(p.now, &Request{Key: kmsg.KeyMetadata, Max: 9, NoAnswer: true, To: owner(nil), Body: fixed(nil)})
			}
			p.link.Handle(p.now, r)
			if joined == 1 {
				p.link.Handle(p.now, &Wrote{})
			}
			sent = nil
			for a, ok := p.link.Poll(p.now); ok; a, ok = p.link.Poll(p.now) {
				if w, ok := a.(*Write); ok {
					for _, b := range w.Buffers {
						sent = append(sent, b...)
					}
				}
			}
			if !strings.HasSuffix(string(sent), string(want)) || len(sent) != len(want)+joined*8 || r.SentBytes != len(want) {
				t.Errorf("%v: got %q of %d bytes, want %q at the end", splices, sent, r.SentBytes, want)
			}
			p.link.Handle(p.now, &Wrote{})
			for _, ok := p.link.Poll(p.now); ok; _, ok = p.link.Poll(p.now) {
			}
		}
	}
}

// fixed is a body of eight bytes with splices.
type fixed []Splice

func (f fixed) Encode(dst []byte, _ *kmsg.RequestHeader, _ int16) ([]byte, []Splice, error) {
	return append(dst, "....wxyz"...), f, nil
}
