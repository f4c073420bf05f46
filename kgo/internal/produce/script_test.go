package produce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/script"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// TestScripts plays the stories of testdata: what a producer is told, then, after four dashes,
// what becomes of it. A story begins with "producer". A batch is named by its records, as in
// orders/0[4-6].
//
//	producer acks=1 linger=5ms inflight=2 request=200 timeout=10s tries=3 prepare plain
//	                                      as producers are by default, but for a linger of 1h
//	identity 7/0                          the producer's id and epoch
//	leader orders/0 2                     or none
//	topic orders id=2
//	append orders/0 3                     records; size=100 makes each that large
//	seal orders/0                         as when a batch is full
//	prepared orders/0                     the worker is done with the first batch that it has
//	split orders/0, cannot split orders/0
//	answer #1                             orders/0=CODE, orders/0=CODE>2@5 with a hint, orders/0=lost
//	lose #1 written                       or not; or fatal orders/0
//	after 5ms, expire orders/0, abort, hurry, no hurry
func TestScripts(t *testing.T) { script.Files(t, playFile) }

func playFile(t *testing.T, text string) string {
	p := &player{t: t}
	return script.Blocks(text, func() {}, func(block string) []string {
		p.out = nil
		for line := range strings.SplitSeq(block, "\n") {
			if words := strings.Fields(line); len(words) > 0 && words[0][0] != '#' {
				if words[0] == "producer" {
					p = newPlayer(t, words[1:])
				} else {
					p.command(line, words)
				}
			}
		}
		return p.out
	})
}

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

type player struct {
	t        *testing.T
	set      *Settings
	now      time.Time
	identity Identity
	ids      map[string]kbin.UUID
	ports    map[string]*port
	sinks    map[int32]*Sink
	requests []*Request
	brokers  map[*Request]int32
	events   []func()
	busy     bool
	line     string
	out      []string
}

func newPlayer(t *testing.T, words []string) *player {
	p := &player{
		t: t, now: epoch, identity: NoIdentity,
		ids: map[string]kbin.UUID{}, ports: map[string]*port{}, sinks: map[int32]*Sink{}, brokers: map[*Request]int32{},
		set: &Settings{
			Acks: kmsg.AcksAll, Linger: time.Hour, RequestBytes: 1 << 20, InFlight: 5, DeliveryTimeout: 2 * time.Minute,
			BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second,
		},
	}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch name {
		case "acks":
			p.set.Acks = kmsg.Acks(n)
		case "linger":
			p.set.Linger = d
		case "inflight":
			p.set.InFlight = n
		case "request":
			p.set.RequestBytes = n
		case "timeout":
			p.set.DeliveryTimeout = d
		case "tries":
			p.set.Tries = n
		case "prepare":
			p.set.Prepare = true
		case "plain":
			p.identity = Plain
		default:
			t.Fatalf("producer %q", w)
		}
	}
	return p
}

// A port is a queue of a script.
type port struct {
	p       *player
	name    string
	core    *Queue
	records int // appended so far
	offset  int64
	preparing,
	splitting []*Batch
}

// A name is what a script calls a batch.
type name struct{ first, last int }

func (x *port) Take(now time.Time, broker int32, identity Identity, eager bool, room int) Taken {
	defer x.ended()
	return x.core.Take(now, broker, identity, eager, room)
}

func (x *port) Resolve(now time.Time, b *Batch, r Result, jitter float64) Resolution {
	defer x.ended()
	return x.core.Resolve(now, b, r, jitter)
}

func (x *port) ended() {
	for _, o := range x.core.Ended() {
		line := x.batch(o.Batch)
		switch {
		case o.Released:
			line = "released " + line
		case o.Err == nil:
			line = fmt.Sprintf("done %s at %d", line, o.BaseOffset)
			if o.LogAppendTime >= 0 {
				line += fmt.Sprintf(" time=%d", o.LogAppendTime)
			}
		default:
			line = fmt.Sprintf("failed %s: %s", line, words(o.Err))
			switch last := o.Last; {
			case last.Failure != nil && last.Failure != o.Err:
				line += fmt.Sprintf(" (%v)", last.Failure)
			case last.Code != kmsg.None && error(last.Code) != o.Err:
				line += fmt.Sprintf(" (%s)", last.Code.Name())
			}
			if o.Written {
				line += ", perhaps written"
			}
			if o.InUse {
				line += ", in use"
			}
		}
		x.p.say("%s", line)
	}
}

func words(err error) string {
	if code, ok := err.(kmsg.ErrorCode); ok {
		return code.Name()
	}
	return err.Error()
}

func (x *port) batch(b *Batch) string {
	n := b.Tag.(*name)
	if n.first == n.last {
		return fmt.Sprintf("%s[%d]", x.name, n.first)
	}
	return fmt.Sprintf("%s[%d-%d]", x.name, n.first, n.last)
}

func (p *player) say(format string, args ...any) {
	p.out = append(p.out, fmt.Sprintf("%v ", p.now.Sub(epoch))+fmt.Sprintf(format, args...))
}

func (p *player) port(name string) *port {
	x := p.ports[name]
	if x == nil {
		topic, partition, ok := strings.Cut(name, "/")
		n, err := strconv.Atoi(partition)
		if !ok || err != nil {
			p.t.Fatalf("%s: no partition %q", p.line, name)
		}
		x = &port{p: p, name: name, core: NewQueue(p.set, topic, p.ids[topic], int32(n))}
		p.ports[name] = x
	}
	return x
}

func (p *player) sink(broker int32) *Sink {
	s := p.sinks[broker]
	if s == nil {
		s = NewSink(p.set, broker, func() float64 { return 0.5 })
		s.Handle(p.now, &Identified{p.identity})
		p.sinks[broker] = s
	}
	return s
}

// post tells a sink, after all that it and others were told before.
func (p *player) post(broker int32, e Event) {
	if broker < 0 {
		return
	}
	p.events = append(p.events, func() {
		s := p.sink(broker)
		s.Handle(p.now, e)
		p.poll(broker, s)
	})
	if p.busy {
		return
	}
	p.busy = true
	for len(p.events) > 0 {
		do := p.events[0]
		p.events = p.events[1:]
		do()
	}
	p.busy = false
}

func (p *player) poll(broker int32, s *Sink) {
	for n := 0; ; n++ {
		a, ok := s.Poll(p.now)
		if !ok {
			break
		}
		if n > 100 {
			p.t.Fatalf("%s: the sink never stops to want something", p.line)
		}
		p.act(broker, a)
	}
	if d := s.Deadline(); !d.IsZero() && !d.After(p.now) {
		p.t.Fatalf("%s: the deadline of sink %d is %v ago", p.line, broker, p.now.Sub(d))
	}
}

func (p *player) act(broker int32, a Action) {
	switch a := a.(type) {
	case *Request:
		p.requests = append(p.requests, a)
		p.brokers[a] = broker
		line := fmt.Sprintf("send #%d to %d:", len(p.requests), broker)
		for _, part := range a.Parts {
			line += " " + p.sent(part)
		}
		p.say("%s", line)
	case *Cancel:
		p.say("cancel #%d", slices.Index(p.requests, a.Request)+1)
	case *Prepare:
		x := a.Port.(*port)
		x.preparing = append(x.preparing, a.Batch)
		p.say("prepare %s", x.batch(a.Batch))
	case *Split:
		x := a.Port.(*port)
		x.splitting = append(x.splitting, a.Batch)
		p.say("split %s", x.batch(a.Batch))
	case *Hint:
		line := fmt.Sprintf("hint: %d leads %s in epoch %d", a.Leader, a.Port.(*port).name, a.Epoch)
		if a.Endpoint.Host != "" {
			line += fmt.Sprintf(" at %s:%d", a.Endpoint.Host, a.Endpoint.Port)
		}
		if !a.TopicID.IsZero() {
			line += fmt.Sprintf(", of id=%d", a.TopicID[15])
		}
		p.say("%s", line)
	case *Stale:
		line := "stale:"
		if a.Slow {
			line = "slow:"
		}
		for _, x := range a.Ports {
			line += " " + x.(*port).name
		}
		p.say("%s", line)
	case *Want:
		if a.Need == NeedIdentity {
			p.say("want an identity")
		} else {
			p.say("want a newer epoch than %d/%d", a.Old.ID, a.Old.Epoch)
		}
	case *Moved:
		x := a.Port.(*port)
		p.say("moved: %s to %d", x.name, x.core.Leader())
		p.post(x.core.Leader(), &Ready{x})
	}
}

// sent says what a part of a request is, and checks its bytes.
func (p *player) sent(part Part) string {
	b := part.Batch
	x := part.Port.(*port)
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() || r.Pos() != len(b.Sealed.Bytes) {
		p.t.Fatalf("%s: what is sent is not one batch: %v", p.line, r.Err())
	}
	if err := r.Batch.Verify(); err != nil {
		p.t.Fatalf("%s: %v", p.line, err)
	}
	payload, _, err := r.Batch.Payload(nil, nil, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	n := b.Tag.(*name)
	at := n.first
	w := r.Batch.Walk(payload)
	for ; w.Next(); at++ {
		if got, want := strings.TrimLeft(string(w.Record.Value), "0"), strconv.Itoa(at); got != want {
			p.t.Fatalf("%s: got record %s in %s, want %s", p.line, got, x.batch(b), want)
		}
	}
	if at != n.last+1 {
		p.t.Fatalf("%s: %s has records up to %d", p.line, x.batch(b), at-1)
	}
	line := x.batch(b)
	if h := r.Batch.Header; h.ProducerID >= 0 {
		line += fmt.Sprintf("=%d/%d:%d", h.ProducerID, h.ProducerEpoch, h.BaseSequence)
	}
	return line
}

func (p *player) command(line string, words []string) {
	p.line = line
	switch words[0] {
	case "identity":
		id, e, _ := strings.Cut(words[1], "/")
		p.identity = Identity{int64(p.number(id)), int16(p.number(e))}
		for _, broker := range slices.Sorted(maps.Keys(p.sinks)) {
			p.post(broker, &Identified{p.identity})
		}
	case "sequence": // as if so many records had been sent
		q := p.port(words[1]).core
		q.identity, q.sequence = p.identity, int32(p.number(words[2]))
	case "leader":
		x := p.port(words[1])
		leader := int32(-1)
		if words[2] != "none" {
			leader = int32(p.number(words[2]))
		}
		if !x.core.SetLeader(leader) {
			return
		}
		if away := x.core.Away(); away >= 0 {
			p.post(away, &Left{x})
		}
		if !x.core.Idle() {
			p.post(leader, &Ready{x})
		}
	case "topic":
		id := kbin.UUID{15: byte(p.number(strings.TrimPrefix(words[2], "id=")))}
		p.ids[words[1]] = id
		for _, x := range p.ports {
			if x.core.Topic == words[1] {
				x.core.SetTopicID(id)
			}
		}
	case "append":
		size := 0
		if len(words) > 3 {
			size = p.number(strings.TrimPrefix(words[3], "size="))
		}
		p.append(p.port(words[1]), p.number(words[2]), size)
	case "seal":
		x := p.port(words[1])
		b := x.core.Seal()
		if b == nil {
			p.t.Fatalf("%s: nothing to seal", p.line)
		}
		if b.working {
			x.preparing = append(x.preparing, b)
			p.say("prepare %s", x.batch(b))
		}
		p.post(x.core.Leader(), &Ready{x})
	case "prepared":
		x := p.port(words[1])
		b := x.preparing[0]
		x.preparing = x.preparing[1:]
		s := b.Sealed
		s.Checksum()
		x.core.Prepared(b, s)
		x.ended()
		p.post(x.core.Leader(), &Ready{x})
	case "split":
		p.split(p.port(words[1]), true)
	case "cannot":
		p.split(p.port(words[2]), false)
	case "answer":
		p.answer(p.request(words[1]), words[2:])
	case "lose":
		r := p.request(words[1])
		e := &Answered{Request: r, Failure: errors.New("the connection is lost"), Written: words[2] == "written"}
		if words[2] == "fatal" {
			for i := range r.Parts {
				if r.Parts[i].Port.(*port).name == words[3] {
					r.Parts[i].Err = fmt.Errorf("%w: no such format", ErrFatal)
				}
			}
		}
		p.post(p.brokers[r], e)
	case "after":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			p.t.Fatal(err)
		}
		p.wait(p.now.Add(d))
	case "expire":
		x := p.port(words[1])
		next := x.core.Expire(p.now)
		x.ended()
		if !next.IsZero() {
			p.say("next %v", next.Sub(epoch))
		}
	case "aged":
		p.say("aged: %v", p.port(words[1]).core.Aged(p.now))
	case "abort":
		for _, n := range slices.Sorted(maps.Keys(p.ports)) {
			x := p.ports[n]
			x.core.GiveUp(errors.New("aborted"))
			x.ended()
		}
	case "hurry", "no":
		for _, broker := range slices.Sorted(maps.Keys(p.sinks)) {
			p.post(broker, &Hurry{On: words[0] == "hurry"})
		}
	default:
		p.t.Fatalf("what is %q?", line)
	}
}

func (p *player) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		p.t.Fatalf("%s: %v", p.line, err)
	}
	return n
}
