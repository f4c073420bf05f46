package link

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/script"
	"github.com/franzi-kafka/franzi/kmsg"
)

// TestScripts plays the stories in testdata. A story is blocks with an empty line between them:
// commands, a line ----, and what the link then wants done. Lines that begin with # say why.
//
//	link [mechanism=M] [inflight=N] [limit=RELEASE] ...   the link, with its configuration
//	ready [like=RELEASE] ...                 connect, negotiate, answer one request, in silence
//	request NAME API [min=N] [max=N] [deadline=D] [timeout=D] [noanswer] [splice=N] [bad]
//	cancel NAME · throttle API VERSION D · close [REASON]
//	connected [tls] [more] [old=RELEASE] [cluster=ID] [node=N]
//	refused [tls] [ended]                     no address would do
//	wrote                                     the write is done
//	answer [CODE] [KEY=VALUE ...]             the broker answers what was written first
//	frame HEX                                 the broker sends this
//	disconnected [ended] [tls] [protocol] [head=HEX] [written=N]
//	step [send=TEXT] [done] [error=TEXT] [stale]
//	wait D                                    time passes
//
// Requests that are written have numbers, their correlation ids.
func TestScripts(t *testing.T) { script.Files(t, play) }

// play plays a script and returns it with what happened.
func play(t *testing.T, text string) string {
	var out strings.Builder
	p := &player{t: t}
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		p.log = nil
		commands, _, _ := strings.Cut(block, "\n----")
		for _, line := range strings.Split(commands, "\n") {
			fmt.Fprintln(&out, line)
			if line != "" && !strings.HasPrefix(line, "#") {
				p.command(line)
			}
		}
		if len(p.log) > 0 {
			fmt.Fprintf(&out, "----\n%s\n", strings.Join(p.log, "\n"))
		}
	}
	return out.String()
}

// A player plays the shell, the network and the broker.
type player struct {
	t        *testing.T
	link     *Link
	now      time.Time
	names    map[string]*Request
	written  []header // what the broker has to answer
	write    *Write
	attempt  uint32
	waiting  bool // the command is wait
	log      []string
	answered map[string]int
}

type header struct {
	key     kmsg.APIKey
	version int16
	id      int32
	raw     bool
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// args are the words of a command after the first.
type args struct {
	p     *player
	line  string
	plain []string
	named map[string]string
}

func (a *args) has(word string) bool {
	for _, w := range a.plain {
		if w == word {
			return true
		}
	}
	return false
}

func (a *args) duration(name string) time.Duration {
	text, ok := a.named[name]
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		a.p.t.Fatalf("%s: %v", a.line, err)
	}
	return d
}

func (a *args) int(name string, otherwise int) int {
	text, ok := a.named[name]
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		a.p.t.Fatalf("%s: %v", a.line, err)
	}
	return n
}

func (a *args) hex(name string) []byte {
	b, err := hex.DecodeString(a.named[name])
	if err != nil {
		a.p.t.Fatalf("%s: %v", a.line, err)
	}
	return b
}

func (p *player) command(line string) {
	words := strings.Fields(line)
	a := &args{p: p, line: line, named: map[string]string{}}
	for _, w := range words[1:] {
		if name, value, ok := strings.Cut(w, "="); ok {
			a.named[name] = value
		} else {
			a.plain = append(a.plain, w)
		}
	}
	switch words[0] {
	case "link":
		p.start(a)
	case "ready":
		log := p.log
		for _, c := range []string{"request _ Metadata", "connected", "wrote", "answer like=" + or(a.named["like"], "4.4"), "wrote", "answer"} {
			p.command(c)
		}
		if p.link.phase != phaseReady || p.names["_"].Err != nil {
			p.t.Fatalf("not ready: %q", p.log)
		}
		p.log = log
	case "request":
		p.handle(p.request(a))
	case "cancel":
		p.handle(&Cancel{p.names[a.plain[0]]})
	case "throttle":
		version, err := strconv.ParseInt(a.plain[1], 10, 16)
		d, err2 := time.ParseDuration(a.plain[2])
		if err = errors.Join(err, err2); err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		p.handle(&Throttle{Key: p.key(a.plain[0]), Version: int16(version), For: d})
	case "close":
		var why error
		if len(a.plain) > 0 {
			why = errors.New(strings.Join(a.plain, " "))
		}
		p.handle(&Close{why})
	case "connected":
		peer := Peer{ClusterID: a.named["cluster"], NodeID: int32(a.int("node", -1)), Old: a.named["old"]}
		p.written = nil
		p.handle(&Connected{TLS: a.has("tls"), More: a.has("more"), Peer: peer, Took: time.Millisecond})
	case "refused":
		p.handle(&ConnectFailed{Err: errors.New("refused"), TLS: a.has("tls"), Ended: a.has("ended"), Head: a.hex("head")})
	case "wrote":
		p.write = nil
		p.handle(&Wrote{})
	case "answer":
		p.handle(&Frame{p.answer(a)})
	case "frame":
		b, err := hex.DecodeString(strings.Join(a.plain, ""))
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		p.handle(&Frame{b})
	case "disconnected":
		d := &Disconnected{Err: errors.New("cut"), TLS: a.has("tls"), Protocol: a.has("protocol"), Head: a.hex("head"), Written: a.int("written", 0)}
		if a.has("ended") {
			d.Err, d.Ended = io.EOF, true
		}
		p.write = nil
		p.handle(d)
	case "step":
		e := &AuthStep{Attempt: p.attempt, Done: a.has("done")}
		if text, ok := a.named["send"]; ok {
			e.Response = []byte(text)
		}
		if text, ok := a.named["error"]; ok {
			e.Err = errors.New(text)
		}
		if a.has("stale") {
			e.Attempt--
		}
		p.handle(e)
	case "wait":
		d, err := time.ParseDuration(a.plain[0])
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		p.wait(d)
	default:
		p.t.Fatalf("no command: %s", line)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (p *player) start(a *args) {
	p.now, p.names, p.written, p.write = epoch, map[string]*Request{}, nil, nil
	cfg := Config{
		ClientID:        "test",
		SoftwareName:    "franzi",
		SoftwareVersion: "v1",
		Mechanism:       a.named["mechanism"],
		MaxInFlight:     a.int("inflight", 0),
		Unstable:        a.has("unstable"),
		RequestTimeout:  a.duration("requesttimeout"),
		IdleTimeout:     a.duration("idle"),
		Random:          func() float64 { return 0.5 },
	}
	if name := a.named["limit"]; name != "" {
		r, err := kmsg.Release(name)
		if err != nil {
			p.t.Fatal(err)
		}
		cfg.Limit = LimitTo(r)
	}
	p.link = New(cfg)
}

func (p *player) key(name string) kmsg.APIKey {
	key, ok := kmsg.ParseAPIKey(name)
	if !ok {
		p.t.Fatalf("no API %s", name)
	}
	return key
}

func (p *player) request(a *args) *Request {
	name, key := a.plain[0], p.key(a.plain[1])
	r := &Request{
		Key:      key,
		Min:      int16(a.int("min", 0)),
		Max:      int16(a.int("max", maxVersion)),
		Timeout:  a.duration("timeout"),
		NoAnswer: a.has("noanswer"),
		To:       owner(func(*Request) {}),
		Body:     &message{kmsg.NewRequest(key)},
	}
	if d := a.duration("deadline"); d != 0 {
		r.Deadline = p.now.Add(d)
	}
	if a.named["splice"] != "" {
		r.Body = &spliced{key, a.int("splice", 0)}
	}
	if a.has("bad") {
		r.Body = &spliced{key, -1}
	}
	p.names[name] = r
	return r
}

type owner func(*Request)

func (o owner) Done(r *Request) { o(r) }

// spliced is a body whose bytes are not copied.
type spliced struct {
	key kmsg.APIKey
	n   int
}

func (s *spliced) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []Splice, error) {
	if s.n < 0 {
		return dst, nil, errors.New("a field is bad")
	}
	start := len(dst)
	dst = AppendHeader(dst, h, s.key, version)
	at := len(dst) - start
	dst = append(dst, "tail"...)
	return dst, []Splice{{At: at, Bytes: make([]byte, s.n)}, {At: at + 2}, {At: at + 4, Bytes: []byte("end")}}, nil
}

// answer makes the broker's answer to what was written first.
func (p *player) answer(a *args) []byte {
	if len(p.written) == 0 {
		p.t.Fatalf("%s: nothing is to be answered, after %q", a.line, p.log)
	}
	h := p.written[0]
	p.written = p.written[1:]
	if h.raw {
		return []byte(a.named["text"])
	}
	req := kmsg.NewRequest(h.key)
	req.SetAPIVersion(h.version)
	resp := req.Response()
	code := kmsg.None
	if len(a.plain) > 0 {
		code, _ = kmsg.ParseErrorCode(a.plain[0])
	}
	switch resp := resp.(type) {
	case *kmsg.APIVersionsResponse:
		resp.ErrorCode = code
		if code == kmsg.UnsupportedVersion {
			resp.Version = 0
		}
		for _, r := range strings.Split(a.named["serves"], ",") {
			if r != "" {
				resp.APIKeys = append(resp.APIKeys, p.served(r))
			}
		}
		if name := a.named["like"]; name != "" {
			release, err := kmsg.Release(name)
			if err != nil {
				p.t.Fatal(err)
			}
			for _, r := range release.BrokerAPIs() {
				resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(r.Key), MinVersion: r.Min, MaxVersion: r.Max})
			}
		}
		resp.ThrottleTimeMs = int32(a.duration("throttle").Milliseconds())
		if level := a.int("transaction.version", -1); level >= 0 {
			resp.FinalizedFeaturesEpoch = 1
			resp.FinalizedFeatures = []kmsg.APIVersionsResponseFinalizedFeatureKey{{Name: "transaction.version", MaxVersionLevel: int16(level)}}
		}
	case *kmsg.SASLHandshakeResponse:
		resp.ErrorCode = code
		if offers := a.named["offers"]; offers != "" {
			resp.Mechanisms = strings.Split(offers, ",")
		}
	case *kmsg.SASLAuthenticateResponse:
		resp.ErrorCode = code
		resp.AuthBytes = []byte(a.named["text"])
		resp.SessionLifetimeMs = a.duration("lifetime").Milliseconds()
		if m, ok := a.named["message"]; ok {
			resp.ErrorMessage.S, resp.ErrorMessage.Valid = m, true
		}
	}
	id := h.id + int32(a.int("skew", 0))
	frame, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: id}, resp)
	if err != nil {
		p.t.Fatalf("%s: %v", a.line, err)
	}
	return frame[4 : len(frame)-a.int("short", 0)]
}

// served reads API:MIN-MAX.
func (p *player) served(text string) kmsg.APIVersionsResponseAPIVersion {
	name, versions, _ := strings.Cut(text, ":")
	var low, high int16
	if _, err := fmt.Sscanf(strings.ReplaceAll(versions, "..", " "), "%d %d", &low, &high); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
	key, err := strconv.ParseInt(name, 10, 16)
	if err != nil {
		key = int64(p.key(name))
	}
	return kmsg.APIVersionsResponseAPIVersion{APIKey: int16(key), MinVersion: low, MaxVersion: high}
}

func (p *player) handle(e Event) {
	p.link.Handle(p.now, e)
	p.poll()
}

// wait lets time pass, and the link do what it wants to at its deadlines.
func (p *player) wait(d time.Duration) {
	p.waiting = true
	defer func() { p.waiting = false }()
	for until := p.now.Add(d); ; {
		next := p.link.Deadline()
		if next.IsZero() || next.After(until) {
			p.now = until
			p.poll()
			return
		}
		if !next.After(p.now) {
			p.t.Fatalf("at %v the deadline is %v", p.now.Sub(epoch), next.Sub(epoch))
		}
		p.now = next
		p.poll()
	}
}

func (p *player) poll() {
	for {
		a, ok := p.link.Poll(p.now)
		if !ok {
			return
		}
		at := ""
		if p.waiting {
			at = fmt.Sprintf("at %v: ", p.now.Sub(epoch))
		}
		p.log = append(p.log, at+p.show(a))
	}
}

func (p *player) show(a Action) string {
	switch a := a.(type) {
	case *Connect:
		return "connect " + [...]string{"fresh", "next", "same"}[a.To]
	case *Write:
		return "write " + p.showWrite(a)
	case *Disconnect:
		if a.Abrupt {
			return "disconnect abruptly"
		}
		return "disconnect"
	case *Authenticate:
		p.attempt = a.Attempt
		if a.First {
			return "authenticate"
		}
		return fmt.Sprintf("authenticate %q", a.Challenge)
	case *Done:
		return p.showDone(a.Request)
	case *Closed:
		return "closed"
	case *Learned:
		return showLearned(a)
	case *Note:
		return showNote(a)
	}
	panic("an action of another kind")
}

func (p *player) showWrite(w *Write) string {
	if p.write != nil {
		p.t.Fatal("a write before the one before is done")
	}
	p.write = w
	var all []byte
	for _, b := range w.Buffers {
		all = append(all, b...)
	}
	if len(all) != w.Size {
		p.t.Fatalf("a write of %d bytes says it has %d", len(all), w.Size)
	}
	var shown []string
	for len(all) > 0 {
		frame, rest, err := kmsg.SplitFrame(all, kmsg.MaxFrame)
		if err != nil || frame == nil {
			p.t.Fatalf("a write is no frames: %v", err)
		}
		all = rest
		if p.link.phase == phaseAuth && p.link.con.raw {
			p.written = append(p.written, header{raw: true})
			shown = append(shown, fmt.Sprintf("raw %q", frame))
			continue
		}
		h, _, err := kmsg.DecodeRequestHeader(frame)
		if err != nil {
			p.t.Fatalf("a write has no header: %v", err)
		}
		x := header{key: kmsg.APIKey(h.RequestAPIKey), version: h.RequestAPIVersion, id: h.CorrelationID}
		text := fmt.Sprintf("#%d %v v%d", x.id, x.key, x.version)
		if _, req, err := kmsg.DecodeRequest(frame); err == nil {
			text += showOwn(req)
		} else if len(w.Buffers) > 1 {
			text += fmt.Sprintf(" of %d bytes", 4+len(frame))
		}
		noAnswer := false
		for _, b := range p.link.out.batch {
			noAnswer = noAnswer || b.req != nil && b.req.NoAnswer && x.key == b.req.Key
		}
		if !noAnswer {
			p.written = append(p.written, x)
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, " + ")
}

// showOwn shows what is in requests of the link's own.
func showOwn(req kmsg.Request) string {
	switch req := req.(type) {
	case *kmsg.APIVersionsRequest:
		text := ""
		if req.ClientSoftwareName != "" {
			text = fmt.Sprintf(" from %s %s", req.ClientSoftwareName, req.ClientSoftwareVersion)
		}
		if req.ClusterID.Valid {
			text += fmt.Sprintf(" to %s/%d", req.ClusterID.S, req.NodeID)
		}
		return text
	case *kmsg.SASLHandshakeRequest:
		return " " + req.Mechanism
	case *kmsg.SASLAuthenticateRequest:
		return fmt.Sprintf(" %q", []byte(req.AuthBytes))
	}
	return ""
}

func (p *player) showDone(r *Request) string {
	name := ""
	for n, x := range p.names {
		if x == r {
			name = n
		}
	}
	if p.answered == nil {
		p.answered = map[string]int{}
	}
	if r.Err == nil {
		if r.NoAnswer {
			return fmt.Sprintf("done %s v%d, written: %v", name, r.Version, r.Written)
		}
		id := int32(binary.BigEndian.Uint32(r.Frame))
		return fmt.Sprintf("done %s v%d with answer #%d", name, r.Version, id)
	}
	return fmt.Sprintf("failed %s, written: %v, %v%s", name, r.Written, r.Err, showFacts(r.Err))
}

func showFacts(f *Failure) string {
	var facts []string
	if f.Ended {
		facts = append(facts, "ended")
	}
	if f.TLS {
		facts = append(facts, "TLS")
	}
	if f.Ready {
		facts = append(facts, fmt.Sprintf("ready, %d answers", f.Answers))
	}
	if f.LooksLikeTLS() {
		facts = append(facts, "looks like TLS")
	}
	if f.LooksLikeHTTP() {
		facts = append(facts, "looks like HTTP")
	}
	if f.Throttled > 0 {
		facts = append(facts, fmt.Sprintf("throttled for %v", f.Throttled))
	}
	if len(facts) == 0 {
		return ""
	}
	return " [" + strings.Join(facts, ", ") + "]"
}

func showLearned(l *Learned) string {
	if l.Forget {
		return "learned to forget"
	}
	v := l.Versions
	text := fmt.Sprintf("learned %d APIs", len(v.All()))
	if v.Old != "" {
		text += " of " + v.Old
	}
	if v.Assumed {
		text += " as assumed"
	}
	if l.Remember {
		text += ", to be remembered"
	}
	if level, ok := v.Feature("transaction.version"); ok {
		text += fmt.Sprintf(", transaction.version %d", level)
	}
	return text
}

func showNote(n *Note) string {
	text := "note " + [...]string{
		"", "connected", "negotiated", "authenticated", "reauthenticated", "ready", "connect failed", "throttled", "disconnected",
	}[n.Kind]
	if n.For != 0 {
		text += fmt.Sprintf(" for %v", n.For)
	}
	if n.Idle {
		text += ", idle"
	}
	if n.Failure != nil {
		text += fmt.Sprintf(": %v%s", n.Failure, showFacts(n.Failure))
	}
	return text
}
