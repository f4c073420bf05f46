package fetch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/script"
	"github.com/franzi-kafka/franzi/kmsg"
)

// TestScripts plays the stories of testdata: what the cell is told, then, after four dashes, what
// it wants done.
//
//	config committed rack=a reset=latest stop-at-end lanes=2 buffer=4MiB   before anything else
//	known brokers=1,2
//	  orders id=A 0=1/5 1=-1/6!LEADER_NOT_AVAILABLE     leader and epoch
//	assign orders/0 orders/1=latest orders/2=7@3 orders/3=time:5 orders/4=latest-10
//	unassign, pause, resume orders/0; seek orders/0=12; halt orders/0; room; close
//	late-seek, same-seek orders/0=12      one that another has overtaken; one that is known already
//	answer 1.0 session=7 v=12 waited=10ms !CODE      to the request of that broker and lane
//	  orders/0 end=10 stable=9 start=2 records=0-4,5-9@6,10-12:lz4 size=300000 aborted=9:4
//	  orders/1 !NOT_LEADER_OR_FOLLOWER leader=2/6 preferred=3 diverges=7@3 cut=400000 broken
//	endpoint 2=host:9092                                  goes with the next answer
//	fail 1.0 connection refused                           fatal 1.0 ... that nothing will help
//	offsets orders/0=5@3 orders/1!CODE, epochs orders/0=5@3    to the oldest that has them
//	offsets-fail 1 broken pipe, epochs-unsupported
//	consume 1000                                          gives memory back
//	after 5s                                              lets time pass
func TestScripts(t *testing.T) { script.Files(t, playFile) }

// playFile plays a file and returns it with what came out.
func playFile(t *testing.T, text string) string {
	var p *player
	return script.Blocks(text, func() { p = newPlayer(t) }, func(block string) []string {
		p.out = nil
		p.play(block)
		return p.out
	})
}

// A purse is a Budget for one goroutine.
type purse struct {
	limit, used, waiting int64
	short                bool
}

func (b *purse) Take(least, most, ahead int64) int64 {
	n := min(most, b.limit-b.used)
	if n < least || b.waiting > ahead {
		b.short = true
		return 0
	}
	b.used += n
	return n
}

type player struct {
	t         *testing.T
	start     time.Time
	now       time.Time
	cfg       Config
	cell      *Cell
	budget    *purse
	parts     map[string]*Partition
	stamps    map[*Partition]uint64
	flights   map[string]*Request
	offsets   []*AskOffsets
	epochs    []*AskEpochs
	endpoints []kmsg.FetchResponseNodeEndpoint
	line      string
	out       []string
}

func newPlayer(t *testing.T) *player {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &player{
		t: t, start: start, now: start, budget: &purse{limit: 64 << 20},
		parts: map[string]*Partition{}, stamps: map[*Partition]uint64{}, flights: map[string]*Request{},
	}
	p.cfg = Config{
		MaxWait: 500 * time.Millisecond, MinBytes: 1, Bite: 256 << 10, PartitionBytes: 1 << 20, BufferBytes: 64 << 20, FrameBytes: 100 << 20,
		Lanes: 1, Recheck: 5 * time.Minute, Reset: Start{Place: Earliest}, Patience: 30 * time.Second,
		Backoff: cluster.Backoff{Base: 100 * time.Millisecond, Max: time.Second},
		Random:  func() float64 { return 0.5 },
		Budget:  p.budget,
	}
	return p
}

func (p *player) play(block string) {
	var lines []string
	for line := range strings.SplitSeq(block, "\n") {
		switch {
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "== "), line == "":
		case strings.HasPrefix(line, " "):
			lines[len(lines)-1] += "\n" + strings.TrimSpace(line)
		default:
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		p.command(line)
	}
}

func (p *player) fatalf(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s: %s", p.line, fmt.Sprintf(format, args...))
}

func (p *player) command(line string) {
	p.line = line
	head, rest, _ := strings.Cut(line, "\n")
	words := strings.Fields(head)
	args := words[1:]
	if p.cell == nil && words[0] != "config" {
		p.cell = NewCell(p.cfg)
	}
	switch words[0] {
	case "config":
		p.configure(args)
	case "known":
		p.handle(&Known{p.snapshot(args, rest)})
	case "assign":
		e := &Assign{}
		for _, a := range args {
			name, at := cutAny(a)
			part := p.newPart(name)
			e.Parts = append(e.Parts, Assigned{part, p.stamp(part), p.place(at)})
		}
		p.handle(e)
	case "unassign":
		p.handle(&Unassign{p.named(args)})
	case "pause":
		p.handle(&Pause{p.named(args)})
	case "resume":
		p.handle(&Resume{p.named(args)})
	case "seek":
		for _, a := range args {
			name, at := cutAny(a)
			part := p.part(name)
			p.handle(&Seek{part, p.stamp(part), p.place(at)})
		}
	case "late-seek":
		name, at := cutAny(args[0])
		p.handle(&Seek{p.part(name), p.stamps[p.part(name)] - 1, p.place(at)})
	case "same-seek":
		name, at := cutAny(args[0])
		p.handle(&Seek{p.part(name), p.stamps[p.part(name)], p.place(at)})
	case "halt":
		for _, part := range p.named(args) {
			p.handle(&Halt{part, p.stamp(part)})
		}
	case "answer":
		p.answer(args, rest)
	case "endpoint":
		id, addr, _ := strings.Cut(args[0], "=")
		host, port, _ := strings.Cut(addr, ":")
		p.endpoints = append(p.endpoints, kmsg.FetchResponseNodeEndpoint{NodeID: int32(p.number(id)), Host: host, Port: int32(p.number(port))})
	case "fail", "fatal":
		r := p.flight(args[0])
		p.budget.used -= r.Reserved
		p.handle(&Answered{Request: r, Failure: errors.New(strings.Join(args[1:], " ")), Fatal: words[0] == "fatal"})
	case "offsets":
		p.tellOffsets(args)
	case "offsets-fail":
		ask := p.offsets[0]
		p.offsets = p.offsets[1:]
		p.handle(&Offsets{To: ask, Err: errors.New(strings.Join(args, " "))})
	case "epochs":
		p.tellEpochs(args)
	case "epochs-fail", "epochs-unsupported":
		ask := p.epochs[0]
		p.epochs = p.epochs[1:]
		p.handle(&Epochs{To: ask, Err: errors.New(strings.Join(args, " ")), Unsupported: words[0] == "epochs-unsupported"})
	case "consume":
		n := p.budget.waiting
		if len(args) > 0 {
			n = p.number(args[0])
		}
		p.budget.used -= n
		p.budget.waiting -= n
		if p.budget.short {
			p.budget.short = false
			p.handle(&Room{})
		}
	case "room":
		p.handle(&Room{})
	case "close":
		p.handle(&Close{})
	case "after":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			p.fatalf("%v", err)
		}
		p.wait(d)
	case "show":
		p.show(args)
	default:
		p.fatalf("no such command")
	}
}

func (p *player) configure(args []string) {
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "committed":
			p.cfg.Isolation = kmsg.IsolationReadCommitted
		case "rack":
			p.cfg.Rack = value
		case "reset":
			p.cfg.Reset = p.place(value)
		case "stop-at-end":
			p.cfg.StopAtEnd = true
		case "lanes":
			p.cfg.Lanes = int(p.number(value))
		case "buffer":
			p.cfg.BufferBytes = p.number(value)
			p.budget.limit = p.cfg.BufferBytes
		default:
			p.fatalf("no such setting %s", name)
		}
	}
}

// wait lets time pass, from deadline to deadline.
func (p *player) wait(d time.Duration) {
	until := p.now.Add(d)
	for {
		at := p.cell.Deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		if at.Before(p.now) {
			p.fatalf("the deadline %v is before now, %v", at.Sub(p.start), p.now.Sub(p.start))
		}
		p.now = at
		p.poll()
	}
	p.now = until
	p.poll()
}

func (p *player) handle(e Event) {
	p.cell.Handle(p.now, e)
	p.poll()
}

func (p *player) poll() {
	for range 1000 {
		a, ok := p.cell.Poll(p.now)
		if !ok {
			if at := p.cell.Deadline(); !at.IsZero() && !at.After(p.now) {
				p.fatalf("nothing to do, but the deadline is past")
			}
			return
		}
		p.act(a)
	}
	p.fatalf("it goes on for ever")
}

func (p *player) say(format string, args ...any) {
	p.out = append(p.out, fmt.Sprintf("%v %s", p.now.Sub(p.start), fmt.Sprintf(format, args...)))
}

func (p *player) act(a Action) {
	switch a := a.(type) {
	case *Request:
		key := fmt.Sprintf("%d.%d", a.Broker, a.Lane)
		if p.flights[key] != nil {
			p.fatalf("a second request on lane %s", key)
		}
		p.flights[key] = a
		p.say("%s", requestText(key, a))
	case *Deliver:
		for i := range a.Chunks {
			k := &a.Chunks[i]
			p.budget.used += int64(len(k.Records))
			p.budget.waiting += int64(len(k.Records))
			if text := p.chunkText(k); text != "" {
				p.say("deliver %s", text)
			}
		}
	case *Positioned:
		p.say("positioned %s at %d", name(a.Partition), a.Offset)
	case *Ended:
		p.say("ended %s", name(a.Partition))
	case *Report:
		text := [...]string{"failing", "out of range", "recreated", "too large"}[a.Why]
		if a.Partition != nil {
			text += " " + name(a.Partition)
		}
		if a.Broker >= 0 {
			text += fmt.Sprintf(" broker=%d", a.Broker)
		}
		if a.Code != kmsg.None {
			text += " " + a.Code.Name()
		}
		if a.Err != nil {
			text += " (" + a.Err.Error() + ")"
		}
		if a.Why != Failing {
			text += fmt.Sprintf(" from %d to %d", a.From, a.To)
		}
		p.say("report %s", text)
	case *Truncated:
		p.say("truncated %s at %d, diverged from %d@%d", name(a.Partition), a.Position, a.Diverged, a.Epoch)
	case *AskOffsets:
		p.offsets = append(p.offsets, a)
		var of []string
		for _, part := range a.Parts {
			of = append(of, fmt.Sprintf("%s=%s/%d", name(part.Partition), timeText(part.Timestamp), part.LeaderEpoch))
		}
		p.say("ask offsets %s", strings.Join(of, " "))
	case *AskEpochs:
		p.epochs = append(p.epochs, a)
		var of []string
		for _, part := range a.Parts {
			of = append(of, fmt.Sprintf("%s=%d/%d", name(part.Partition), part.Epoch, part.LeaderEpoch))
		}
		p.say("ask epochs %s", strings.Join(of, " "))
	case *Stale:
		p.say("stale %s: %s", strings.Join(a.Topics, " "), a.Reason)
	case *Hint:
		text := fmt.Sprintf("%s/%d leader=%d epoch=%d", a.Topic, a.Partition, a.Leader, a.Epoch)
		if a.Endpoint != nil {
			text += " at " + a.Endpoint.Addr()
		}
		p.say("hint %s", text)
	case *Short:
		p.say("short of room")
	default:
		p.fatalf("unknown action %T", a)
	}
}

func timeText(ts int64) string {
	switch ts {
	case int64(kmsg.TimestampEarliest):
		return "earliest"
	case int64(kmsg.TimestampLatest):
		return "latest"
	}
	return strconv.FormatInt(ts, 10)
}

func requestText(key string, r *Request) string {
	kind := fmt.Sprintf("session=%d:%d", r.SessionID, r.SessionEpoch)
	if r.SessionEpoch == 0 {
		kind = "full"
		if r.SessionID != 0 {
			kind += fmt.Sprintf(" ends=%d", r.SessionID)
		}
	}
	text := fmt.Sprintf("fetch %s %s wait=%v max=%dK", key, kind, r.MaxWait, (r.MaxBytes+1023)>>10)
	if r.Rack != "" {
		text += " rack=" + r.Rack
	}
	if r.MinVersion > 0 && r.MinVersion != versionSessions {
		text += fmt.Sprintf(" v>=%d", r.MinVersion)
	}
	if r.MaxVersion < math.MaxInt16 {
		text += fmt.Sprintf(" v<=%d", r.MaxVersion)
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		text += fmt.Sprintf(" %s/%d:%d/%d", e.Topic, e.Index, e.Offset, e.LeaderEpoch)
		if e.Needed {
			text += fmt.Sprintf("(%d)", e.MaxBytes)
		}
	}
	for i := range r.Forgotten {
		text += fmt.Sprintf(" -%s/%d", r.Forgotten[i].Topic, r.Forgotten[i].Index)
		if !r.Forgotten[i].ID.IsZero() {
			text += "(" + idName(r.Forgotten[i].ID) + ")"
		}
	}
	return text
}

func (p *player) chunkText(k *Chunk) string {
	if len(k.Records) == 0 {
		return ""
	}
	text := fmt.Sprintf("%s %d..%d in %d", name(k.Partition), k.From, k.End, k.Batches)
	if k.Compressed > 0 {
		text += fmt.Sprintf(", %d compressed", k.Compressed)
	}
	if k.Limit != math.MaxInt64 {
		text += fmt.Sprintf(", stop at %d", k.Limit)
	}
	if len(k.Aborted) > 0 {
		text += fmt.Sprintf(", %d aborted", len(k.Aborted))
	}
	if k.Broken {
		text += ", broken"
	}
	if k.Stamp != p.stamps[k.Partition] {
		text += ", stale"
	}
	return text
}

func name(p *Partition) string { return fmt.Sprintf("%s/%d", p.Topic, p.Index) }

// cutAny splits "orders/0=latest-10" and "orders/0".
func cutAny(a string) (name, value string) {
	name, value, _ = strings.Cut(a, "=")
	return name, value
}

func (p *player) newPart(text string) *Partition {
	topic, index, _ := strings.Cut(text, "/")
	part := New(topic, int32(p.number(index)), nil)
	p.parts[text] = part
	return part
}

func (p *player) part(text string) *Partition {
	part := p.parts[text]
	if part == nil {
		p.fatalf("no partition %s", text)
	}
	return part
}

func (p *player) named(names []string) (all []*Partition) {
	for _, n := range names {
		all = append(all, p.part(n))
	}
	return all
}

func (p *player) stamp(part *Partition) uint64 {
	p.stamps[part]++
	return p.stamps[part]
}

func (p *player) number(s string) int64 {
	mul := int64(1)
	if v, ok := strings.CutSuffix(s, "MiB"); ok {
		s, mul = v, 1<<20
	} else if v, ok := strings.CutSuffix(s, "KiB"); ok {
		s, mul = v, 1<<10
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.fatalf("%v", err)
	}
	return n * mul
}

// place reads "earliest", "latest-10", "7@3", "time:5", "back:1h", "nowhere".
func (p *player) place(text string) Start {
	for word, place := range map[string]Place{"earliest": Earliest, "latest": Latest} {
		if d, ok := strings.CutPrefix(text, word); ok {
			s := Start{Place: place}
			if d != "" {
				s.Delta = p.number(d)
			}
			return s
		}
	}
	if v, ok := strings.CutPrefix(text, "time:"); ok {
		return Start{Place: Timestamp, Time: p.number(v)}
	}
	if v, ok := strings.CutPrefix(text, "back:"); ok {
		d, err := time.ParseDuration(v)
		if err != nil {
			p.fatalf("%v", err)
		}
		return Start{Place: Back, Back: d}
	}
	switch text {
	case "":
		return Start{Place: Earliest}
	case "nowhere":
		return Start{}
	}
	offset, epoch, known := strings.Cut(text, "@")
	s := Start{Place: Offset, Offset: p.number(offset), Epoch: -1}
	if known {
		s.Epoch = int32(p.number(epoch))
	}
	return s
}

func idOf(s string) (id kbin.UUID) {
	if s != "" {
		id[15] = s[0]
	}
	return id
}

func idName(id kbin.UUID) string {
	if id.IsZero() {
		return ""
	}
	return string(id[15:])
}

// snapshot reads what "known" says.
func (p *player) snapshot(args []string, rest string) *cluster.Snapshot {
	s := &cluster.Snapshot{ControllerID: -1}
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "brokers="); ok {
			for id := range strings.SplitSeq(v, ",") {
				s.Brokers = append(s.Brokers, cluster.Broker{ID: int32(p.number(id)), Host: "h" + id, Port: 9092})
			}
		}
	}
	for line := range strings.SplitSeq(rest, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		t := &cluster.Topic{Name: words[0]}
		for _, w := range words[1:] {
			switch {
			case strings.HasPrefix(w, "id="):
				t.ID = idOf(w[3:])
			case strings.HasPrefix(w, "!"):
				t.Err = p.code(w[1:])
			default:
				of, code, _ := strings.Cut(w, "!")
				index, leader, _ := strings.Cut(of, "=")
				id, epoch, _ := strings.Cut(leader, "/")
				n := int(p.number(index))
				for len(t.Partitions) <= n {
					t.Partitions = append(t.Partitions, cluster.Partition{Leader: -1, LeaderEpoch: -1})
				}
				part := &t.Partitions[n]
				part.Leader = int32(p.number(id))
				if epoch != "" {
					part.LeaderEpoch = int32(p.number(epoch))
				}
				if code != "" {
					part.Err = p.code(code)
				}
			}
		}
		s.Topics = append(s.Topics, t)
	}
	slices.SortFunc(s.Topics, func(a, b *cluster.Topic) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func (p *player) code(name string) kmsg.ErrorCode {
	for c := kmsg.ErrorCode(-1); c < 200; c++ {
		if c.Name() == name {
			return c
		}
	}
	p.fatalf("no code %s", name)
	return 0
}

func (p *player) flight(key string) *Request {
	r := p.flights[key]
	if r == nil {
		p.fatalf("no request is under way there")
	}
	delete(p.flights, key)
	return r
}
