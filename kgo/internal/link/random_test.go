package link

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

var (
	seeds = flag.Int("seeds", 1000, "how many random lives TestRandomLives plays")
	seed  = flag.Uint64("seed", 0, "play this one life alone")
)

// TestRandomLives throws what users, the network and the broker may do at a link in any order,
// and what a hostile broker may do too, and watches what must always hold.
func TestRandomLives(t *testing.T) {
	if *seed != 0 {
		newLife(t, *seed).live()
		return
	}
	for s := range *seeds {
		if newLife(t, uint64(s)+1).live(); t.Failed() {
			return
		}
	}
}

// A life is a link, its shell, its network, its broker and its users, all at random.
type life struct {
	t    *testing.T
	seed uint64
	r    *rand.Rand
	cfg  Config
	link *Link
	now  time.Time
	log  []string

	// The shell.
	dialing, open, leaving bool
	writing                bool
	writer                 []*Request // what is being written, of users
	auth                   *Authenticate

	// The broker.
	toAnswer []header

	// What was promised.
	ready, renewing bool
	throttled       time.Time
	sent            int
	order           []*Request // sent, in order, not yet written or done
	alive           map[*Request]bool
	answers         map[int32]*Request
	closed, over    bool
}

func newLife(t *testing.T, seed uint64) *life {
	r := rand.New(rand.NewPCG(seed, 7))
	l := &life{t: t, seed: seed, r: r, now: epoch, alive: map[*Request]bool{}, answers: map[int32]*Request{}}
	l.cfg = Config{
		ClientID: "random", SoftwareName: "franzi", SoftwareVersion: "1",
		MaxInFlight: 1 + r.IntN(6),
		IdleTimeout: time.Duration(r.IntN(60)) * time.Second,
		Random:      r.Float64,
	}
	if r.IntN(3) == 0 {
		l.cfg.Mechanism = "PLAIN"
	}
	l.link = New(l.cfg)
	return l
}

func (l *life) fail(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf("seed %d: %s", l.seed, fmt.Sprintf(format, args...))
	for _, line := range l.log[max(0, len(l.log)-40):] {
		l.t.Log(line)
	}
	l.t.FailNow()
}

func (l *life) note(format string, args ...any) {
	l.log = append(l.log, fmt.Sprintf("%8v ", l.now.Sub(epoch))+fmt.Sprintf(format, args...))
}

func (l *life) live() {
	steps := 50 + l.r.IntN(300)
	for range steps {
		l.step()
		l.check()
	}
	if !l.closed {
		l.close()
	}
	for range 1000 { // the shell comes to its end
		switch {
		case l.open:
			l.disconnected()
		case l.dialing:
			l.connectFailed()
		}
		l.check()
	}
	if len(l.alive) > 0 {
		l.fail("%d requests are not done at the end", len(l.alive))
	}
	if !l.over || !l.link.Deadline().IsZero() {
		l.fail("at the end: closed %v, deadline %v", l.over, l.link.Deadline())
	}
}

// step does one thing at random.
func (l *life) step() {
	switch n := l.r.IntN(100); {
	case n < 25:
		l.request()
	case n < 30:
		l.cancel()
	case n < 33:
		d := time.Duration(l.r.IntN(5000)-500) * time.Millisecond
		l.note("throttle %v", d)
		l.handle(&Throttle{Key: kmsg.KeyMetadata, Version: 9, For: d})
		if until := l.now.Add(d); until.After(l.throttled) {
			l.throttled = until
		}
	case n < 34 && l.r.IntN(20) == 0:
		l.close()
	case n < 45:
		l.wait()
	case l.dialing:
		if l.r.IntN(4) == 0 {
			l.connectFailed()
		} else {
			l.connected()
		}
	case l.auth != nil && n < 60:
		l.authStep()
	case !l.open:
	case l.writing && n < 65:
		l.wrote()
	case n < 90:
		l.answer()
	case n < 94:
		l.hostile()
	case n < 97:
		l.disconnected()
	}
}

func (l *life) request() {
	keys := []kmsg.APIKey{kmsg.KeyMetadata, kmsg.KeyHeartbeat, kmsg.KeyProduce, kmsg.KeyShareFetch}
	r := &Request{Key: keys[l.r.IntN(len(keys))], Max: maxVersion, To: owner(nil)}
	r.Body = &message{kmsg.NewRequest(r.Key)}
	switch l.r.IntN(6) {
	case 0:
		r.Body = &spliced{r.Key, l.r.IntN(200_000)}
	case 1:
		r.Body = &spliced{r.Key, -1} // cannot be encoded
	case 2:
		r.NoAnswer = true
	case 3:
		r.Min = 50 // no broker has it
	}
	if l.r.IntN(2) == 0 {
		r.Deadline = l.now.Add(time.Duration(l.r.IntN(20_000)-100) * time.Millisecond)
	}
	if l.r.IntN(4) == 0 {
		r.Timeout = time.Duration(1+l.r.IntN(60)) * time.Second
	}
	l.sent++
	l.alive[r] = true
	if !l.closed {
		l.order = append(l.order, r)
	}
	l.note("request %p %v", r, r.Key)
	l.handle(r)
}

func (l *life) cancel() {
	for r := range l.alive {
		if l.r.IntN(3) > 0 {
			continue
		}
		l.note("cancel %p", r)
		l.handle(&Cancel{r})
		return
	}
}

func (l *life) close() {
	l.note("close")
	l.closed = true
	l.handle(&Close{})
}

func (l *life) wait() {
	until := l.now.Add(time.Duration(l.r.ExpFloat64() * float64(2*time.Second)))
	l.note("wait until %v", until.Sub(epoch))
	for {
		d := l.link.Deadline()
		if d.IsZero() || d.After(until) {
			break
		}
		l.now = d
		l.poll()
	}
	l.now = until
	l.poll()
}

func (l *life) connected() {
	l.note("connected")
	l.dialing, l.open = false, true
	l.toAnswer = nil
	l.handle(&Connected{More: l.r.IntN(3) == 0, TLS: l.r.IntN(2) == 0, Peer: Peer{NodeID: -1, Old: []string{"", "", "0.9.0"}[l.r.IntN(3)]}})
}

func (l *life) connectFailed() {
	l.note("connect failed")
	l.dialing, l.leaving = false, false
	l.handle(&ConnectFailed{Err: errors.New("refused")})
}

func (l *life) wrote() {
	l.note("wrote")
	l.writing, l.writer = false, nil
	l.handle(&Wrote{})
}

func (l *life) disconnected() {
	l.note("disconnected")
	d := &Disconnected{Err: errors.New("cut"), Written: l.r.IntN(100)}
	if l.r.IntN(2) == 0 {
		d.Err, d.Ended = io.EOF, true
	}
	l.open, l.leaving, l.ready, l.renewing = false, false, false, false
	l.writing, l.writer, l.auth = false, nil, nil
	l.handle(d)
}

func (l *life) authStep() {
	e := &AuthStep{Attempt: l.auth.Attempt}
	switch first := l.auth.First; {
	case l.r.IntN(10) == 0:
		e.Err = errors.New("no token")
	case first || l.r.IntN(3) == 0:
		e.Response = []byte("secret")
	default:
		e.Done = true
	}
	l.auth = nil
	l.note("step done=%v err=%v", e.Done, e.Err)
	l.handle(e)
}

// answer answers what was written first, mostly as a broker does.
func (l *life) answer() {
	if len(l.toAnswer) == 0 {
		return
	}
	h := l.toAnswer[0]
	l.toAnswer = l.toAnswer[1:]
	if h.raw {
		l.note("answer raw")
		l.handle(&Frame{[]byte{}})
		return
	}
	req := kmsg.NewRequest(h.key)
	req.SetAPIVersion(h.version)
	resp := req.Response()
	switch resp := resp.(type) {
	case *kmsg.APIVersionsResponse:
		switch l.r.IntN(8) {
		case 0:
			resp.ErrorCode, resp.Version = kmsg.UnsupportedVersion, 0
		case 1:
			resp.ErrorCode = kmsg.RebootstrapRequired
		default:
			names := []string{"0.10.2", "0.11.0", "2.8", "4.4"}
			release, err := kmsg.Release(names[l.r.IntN(len(names))])
			if err != nil {
				l.t.Fatal(err)
			}
			for _, r := range release.BrokerAPIs() {
				resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(r.Key), MinVersion: r.Min, MaxVersion: r.Max})
			}
		}
	case *kmsg.SASLHandshakeResponse:
		if l.r.IntN(8) == 0 {
			resp.ErrorCode = kmsg.UnsupportedSASLMechanism
		}
	case *kmsg.SASLAuthenticateResponse:
		if l.r.IntN(8) == 0 {
			resp.ErrorCode = kmsg.SASLAuthenticationFailed
		}
		resp.SessionLifetimeMs = l.r.Int64N(10_000)
	}
	frame, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.id}, resp)
	if err != nil {
		l.t.Fatal(err)
	}
	l.note("answer #%d %v", h.id, h.key)
	l.handle(&Frame{frame[4:]})
}

// hostile sends what no broker should.
func (l *life) hostile() {
	b := make([]byte, l.r.IntN(40))
	for i := range b {
		b[i] = byte(l.r.IntN(256))
	}
	if len(l.toAnswer) > 0 && len(b) >= 4 && l.r.IntN(2) == 0 {
		binary.BigEndian.PutUint32(b, uint32(l.toAnswer[0].id)) // the right id, and garbage
		delete(l.answers, l.toAnswer[0].id)                     // which is an answer, to the link
		l.toAnswer = l.toAnswer[1:]
	}
	if len(l.toAnswer) > 0 && l.toAnswer[0].raw {
		l.toAnswer = l.toAnswer[1:] // anything goes
	}
	l.note("hostile % x", b)
	l.handle(&Frame{b})
}

func (l *life) handle(e Event) {
	l.link.Handle(l.now, e)
	l.poll()
}

func (l *life) poll() {
	for n := 0; ; n++ {
		a, ok := l.link.Poll(l.now)
		if !ok {
			break
		}
		if n > 10_000 {
			l.fail("the link never stops to want something")
		}
		l.perform(a)
	}
	if d := l.link.Deadline(); !d.IsZero() && !d.After(l.now) {
		l.fail("the deadline is %v ago", l.now.Sub(d))
	}
}

func (l *life) perform(a Action) {
	if l.over {
		if _, ok := a.(*Done); !ok {
			l.fail("after it was closed, the link wants %T", a)
		}
	}
	switch a := a.(type) {
	case *Connect:
		l.note("> connect %v", a.To)
		if l.dialing || l.open {
			l.fail("a second connection")
		}
		l.dialing = true
	case *Disconnect:
		l.note("> disconnect")
		if !l.dialing && !l.open || l.leaving {
			l.fail("nothing to disconnect")
		}
		l.leaving = true
	case *Write:
		l.wants(a)
	case *Authenticate:
		l.note("> authenticate %d", a.Attempt)
		if !l.open || l.leaving || l.auth != nil {
			l.fail("no time to authenticate")
		}
		l.auth = a
	case *Done:
		l.doneWith(a.Request)
	case *Closed:
		l.note("> closed")
		if l.open || l.dialing || !l.closed {
			l.fail("closed too early")
		}
		l.over = true
	case *Note:
		l.note("> note %d %v", a.Kind, a.Failure)
		switch a.Kind {
		case NoteReady:
			l.ready = true
		case NoteReauthenticated:
			l.renewing = false
		case NoteThrottled: // by the answer to ApiVersions
			if until := l.now.Add(a.For); until.After(l.throttled) {
				l.throttled = until
			}
		}
	}
}

// wants watches a write.
func (l *life) wants(w *Write) {
	if !l.open || l.leaving || l.writing {
		l.fail("a write: open %v, leaving %v, writing %v", l.open, l.leaving, l.writing)
	}
	l.writing = true
	var all []byte
	for _, b := range w.Buffers {
		all = append(all, b...)
	}
	if w.Size != len(all) || w.Size == 0 {
		l.fail("a write of %d bytes has %d", w.Size, len(all))
	}
	if l.link.con.raw && l.link.phase == phaseAuth {
		l.note("> write raw")
		l.toAnswer = append(l.toAnswer, header{raw: true})
		return
	}
	for len(all) > 0 {
		frame, rest, err := kmsg.SplitFrame(all, kmsg.MaxFrame)
		if err != nil || frame == nil {
			l.fail("a write is no frames: %v", err)
		}
		all = rest
		h, _, err := kmsg.DecodeRequestHeader(frame)
		if err != nil {
			l.fail("a write has no header: %v", err)
		}
		x := header{key: kmsg.APIKey(h.RequestAPIKey), version: h.RequestAPIVersion, id: h.CorrelationID}
		l.note("> write #%d %v v%d", x.id, x.key, x.version)
		own := l.link.phase != phaseReady
		if x.key == kmsg.KeySASLHandshake && l.ready {
			l.renewing = true
			if len(l.toAnswer) > 0 {
				l.fail("SASL begins with %d requests in flight", len(l.toAnswer))
			}
		}
		if own {
			l.toAnswer = append(l.toAnswer, x)
			continue
		}
		if !l.ready || l.renewing || l.now.Before(l.throttled) {
			l.fail("a request is written: ready %v, renewing %v, throttled for %v", l.ready, l.renewing, l.throttled.Sub(l.now))
		}
		r := l.nextWritten(x.key)
		l.writer = append(l.writer, r)
		if !r.NoAnswer {
			l.toAnswer = append(l.toAnswer, x)
			l.answers[x.id] = r
		}
	}
	if len(l.toAnswer) > l.cfg.MaxInFlight {
		l.fail("%d requests are in flight, the limit is %d", len(l.toAnswer), l.cfg.MaxInFlight)
	}
}

// nextWritten returns which request is written: the first that was sent and is not done.
func (l *life) nextWritten(key kmsg.APIKey) *Request {
	for len(l.order) > 0 {
		r := l.order[0]
		l.order = l.order[1:]
		if l.alive[r] && r.state == stateWriting {
			if r.Key != key {
				l.fail("%v is written, %v was sent before", key, r.Key)
			}
			return r
		}
		if l.alive[r] && r.state == stateQueued {
			l.fail("a request was overtaken")
		}
	}
	l.fail("what is written was not sent")
	return nil
}

// doneWith watches the end of a request.
func (l *life) doneWith(r *Request) {
	l.note("> done %p: %v", r, r.Err)
	if !l.alive[r] {
		l.fail("a request is done twice, or was never sent")
	}
	delete(l.alive, r)
	for _, w := range l.writer {
		if _, ok := r.Body.(*spliced); ok && w == r {
			l.fail("a request is done while its bytes are being written")
		}
	}
	switch {
	case r.Err == nil && r.NoAnswer:
		if r.Written != WrittenYes {
			l.fail("a request without an answer succeeded, written: %v", r.Written)
		}
	case r.Err == nil:
		if id, ok := kmsg.CorrelationID(r.Frame); !ok || l.answers[id] != nil && l.answers[id] != r {
			l.fail("a request got the answer of another")
		}
	case r.Frame != nil:
		l.fail("a request failed and was answered")
	case r.Ended.Before(r.Queued) || r.Ended.After(l.now):
		l.fail("a request ended at %v", r.Ended)
	}
}

// check watches what must hold between any two events.
func (l *life) check() {
	for r := range l.alive {
		held := false
		for _, w := range l.writer {
			held = held || w == r
		}
		if passed(l.now, r.Deadline) && !held {
			l.fail("a request is not done at its deadline, %v ago", l.now.Sub(r.Deadline))
		}
	}
	if l.link.flights.len() > l.cfg.MaxInFlight || len(l.link.flights.ring) > 16 {
		l.fail("%d flights, in a ring of %d", l.link.flights.len(), len(l.link.flights.ring))
	}
	if n := l.link.queue.len; n > len(l.alive) {
		l.fail("%d requests wait, %d are not done", n, len(l.alive))
	}
	if !l.writing && (len(l.link.out.batch) > 0 || cap(l.link.out.buf) > keepBytes) {
		l.fail("nothing is written, and the outbox keeps %d requests and %d bytes", len(l.link.out.batch), cap(l.link.out.buf))
	}
}
