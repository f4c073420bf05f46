package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/script"
	"github.com/franzi-kafka/franzi/kmsg"
)

// TestScripts plays the stories of testdata: what the cell is told, then, after four dashes,
// what it wants done.
//
//	spacing                               begins anew, with pauses between requests; without it there are none
//	need orders payments all newer=3      ask it something; now, if that is among the words
//	want orders create, unwant orders
//	answer #1 brokers=1,2@host:9 controller=1 cluster=C v=12
//	  orders id=A 0=1/5 1=-1/6!LEADER_NOT_AVAILABLE 2=2/5,isr=2
//	  gone !UNKNOWN_TOPIC_OR_PARTITION
//	answer times=9 brokers=1              the same to each of the next requests, every second
//	fail #1 connection refused            #1 is the request; without, the oldest under way
//	refuse #1 wrong password              the same, by a broker that does not accept who asks
//	find group g1 g2 not=3
//	found g1=2 g2!COORDINATOR_NOT_AVAILABLE unasked=1, lost group g1 2, find-fail broken
//	hint orders/0 id=A leader=2 epoch=6 at=host:9
//	conn 1 ready                          or failing, closed
//	rebootstrap, update-seeds x:1, touch orders, close
//	after 5s                              lets time pass
//	show brokers, show orders, show group g1
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

type player struct {
	t       *testing.T
	start   time.Time
	now     time.Time
	cell    *Cell
	asks    []*AskMetadata
	lookups []*AskCoordinators
	last    *Snapshot
	line    string // the command at hand
	out     []string
}

func newPlayer(t *testing.T) *player {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &player{t: t, start: start, now: start, last: Empty()}
	p.begin(Backoff{Base: -1})
	return p
}

func (p *player) begin(spacing Backoff) {
	p.cell = New(Config{
		Seeds: []string{"seed-a:1", "seed-b:1"}, Backoff: Backoff{100 * time.Millisecond, time.Second, 0},
		Spacing: spacing, Rand: rand.New(rand.NewPCG(1, 1)),
	})
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

func (p *player) command(line string) {
	p.line = line
	head, rest, _ := strings.Cut(line, "\n")
	words := strings.Fields(head)
	args := newArgs(words[1:])
	switch words[0] {
	case "spacing":
		p.begin(Backoff{})
	case "need":
		p.handle(&Need{Topics: args.plain, IDs: args.ids("ids"), All: args.flag("all"), Newer: uint64(args.number("newer", 0)), Now: args.flag("now"), Reason: "asked"})
	case "want":
		p.handle(&Want{Topics: args.plain, IDs: args.ids("ids"), All: args.flag("all"), Create: args.flag("create")})
	case "unwant":
		p.handle(&Unwant{Topics: args.plain, IDs: args.ids("ids"), All: args.flag("all"), Create: args.flag("create")})
	case "touch":
		p.handle(&Touch{Topics: args.plain, IDs: args.ids("ids")})
	case "answer":
		for n := range args.number("times", 1) {
			if n > 0 {
				p.pass(p.now.Add(time.Second))
			}
			ask := p.take(args)
			p.handle(&MetadataAnswer{To: ask, Response: p.response(ask, args, rest)})
		}
	case "fail", "refuse":
		ask := p.take(args)
		p.handle(&MetadataFailed{To: ask, Err: errors.New(strings.Join(args.plain, " ")), Refused: words[0] == "refuse"})
	case "find":
		p.handle(&NeedCoordinators{Type: coordinatorType(args.plain[0]), Keys: args.plain[1:], Not: args.number("not", -1)})
	case "found":
		ask := p.takeLookup()
		p.handle(&CoordinatorsAnswer{To: ask, Found: foundOf(words[1:]), Unasked: int(args.number("unasked", 0))})
	case "find-fail":
		p.handle(&CoordinatorsFailed{To: p.takeLookup(), Err: errors.New(strings.Join(args.plain, " "))})
	case "lost":
		p.handle(&CoordinatorLost{Type: coordinatorType(args.plain[0]), Key: args.plain[1], Broker: atoi(args.plain[2])})
	case "hint":
		topic, number, _ := strings.Cut(args.plain[0], "/")
		h := &LeaderHint{Topic: topic, Partition: atoi(number), Leader: args.number("leader", -1), Epoch: args.number("epoch", -1)}
		if ids := args.ids("id"); len(ids) > 0 {
			h.TopicID = ids[0]
		}
		if at, ok := args.named["at"]; ok {
			b := broker(fmt.Sprint(h.Leader) + "@" + at)
			h.Endpoint = &b
		}
		p.handle(h)
	case "conn":
		p.handle(&Connection{Broker: atoi(args.plain[0]), State: map[string]ConnectionState{"ready": Ready, "failing": Failing, "closed": Closed}[args.plain[1]]})
	case "rebootstrap":
		p.handle(&Rebootstrap{Reason: "told"})
	case "update-seeds":
		p.handle(&UpdateSeeds{Seeds: args.plain})
	case "close":
		p.handle(&Close{})
	case "after":
		d, err := time.ParseDuration(args.plain[0])
		if err != nil {
			p.t.Fatal(err)
		}
		p.pass(p.now.Add(d))
	case "show":
		p.show(args.plain)
	default:
		p.t.Fatalf("what is %q?", line)
	}
}

func (p *player) handle(e Event) {
	p.cell.Handle(p.now, e)
	p.poll()
}

// pass lets time pass, and polls when the cell says so.
func (p *player) pass(until time.Time) {
	for steps := 0; ; steps++ {
		at := p.cell.Deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		if steps > 10000 {
			p.t.Fatalf("the cell's deadline stays at %v", at.Sub(p.start))
		}
		if at.After(p.now) {
			p.now = at
		}
		p.poll()
		if next := p.cell.Deadline(); next.Equal(at) && !at.After(p.now) {
			p.t.Fatalf("nothing came of the deadline at %v", at.Sub(p.start))
		}
	}
	p.now = until
	p.poll()
}

func (p *player) poll() {
	for {
		a, ok := p.cell.Poll(p.now)
		if !ok {
			return
		}
		p.act(a)
	}
}

func (p *player) say(format string, args ...any) {
	p.out = append(p.out, fmt.Sprintf("%v ", p.now.Sub(p.start))+fmt.Sprintf(format, args...))
}

func (p *player) act(a Action) {
	switch a := a.(type) {
	case *AskMetadata:
		p.asks = append(p.asks, a)
		what := strings.Join(a.Topics, " ")
		for _, id := range a.IDs {
			what += " id=" + idName(id)
		}
		if a.All {
			what += "all"
		}
		if a.Create {
			what += " create"
		}
		p.say("ask #%d %s: %s", a.number, targetName(a.Broker, a.Seed), strings.TrimSpace(what))
	case *AskCoordinators:
		p.lookups = append(p.lookups, a)
		p.say("find %v %s: %s", a.Type, targetName(a.Broker, a.Seed), strings.Join(a.Keys, " "))
	case *Publish:
		p.last = a.Snapshot
		p.say("publish seq=%d", a.Snapshot.Seq)
	case *Reply:
		if n := a.Need; n != nil {
			what := strings.TrimSpace(strings.Join(n.Topics, " "))
			if n.All {
				what += "all"
			}
			for _, id := range n.IDs {
				what += " id=" + idName(id)
			}
			switch {
			case n.Err != nil:
				p.say("reply %s: %v", what, n.Err)
			case n.Snapshot != p.last:
				p.t.Fatalf("the reply to %s comes with another snapshot than the one published last", what)
			default:
				p.say("reply %s: known", what)
			}
			return
		}
		var results []string
		for _, r := range a.Coordinators.Results {
			if r.Code != 0 {
				results = append(results, r.Key+"!"+r.Code.Name())
			} else {
				results = append(results, fmt.Sprintf("%s=%d", r.Key, r.Broker.ID))
			}
		}
		if err := a.Coordinators.Err; err != nil {
			results = append(results, "error: "+err.Error())
		}
		p.say("reply found %s", strings.Join(results, " "))
	}
}

func (p *player) take(args args) *AskMetadata {
	i := 0
	if want := args.number("#", 0); want > 0 {
		i = slices.IndexFunc(p.asks, func(a *AskMetadata) bool { return a.number == uint64(want) })
	}
	if i < 0 || i >= len(p.asks) {
		p.t.Fatalf("line %q: no such request is under way", p.line)
	}
	ask := p.asks[i]
	p.asks = slices.Delete(p.asks, i, i+1)
	return ask
}

func (p *player) takeLookup() *AskCoordinators {
	if len(p.lookups) == 0 {
		p.t.Fatalf("line %q: no request for coordinators is under way", p.line)
	}
	ask := p.lookups[0]
	p.lookups = p.lookups[1:]
	return ask
}

// response encodes the answer and decodes it into what the request brought, as a client does.
func (p *player) response(ask *AskMetadata, args args, lines string) *kmsg.MetadataResponse {
	resp := kmsg.NewMetadataResponse()
	resp.Version = int16(args.number("v", 13))
	resp.ControllerID = args.number("controller", -1)
	if c := args.named["cluster"]; c != "" {
		resp.ClusterID = kbin.Str(c)
	}
	if code := args.named["error"]; code != "" {
		resp.ErrorCode = errorCode(code)
	}
	for s := range strings.SplitSeq(args.named["brokers"], ",") {
		if s != "" {
			b := broker(s)
			resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: b.ID, Host: b.Host, Port: b.Port})
		}
	}
	for line := range strings.SplitSeq(lines, "\n") {
		if line != "" {
			resp.Topics = append(resp.Topics, responseTopic(p.t, line, resp.Version))
		}
	}
	body := resp.AppendTo(nil)
	ask.Into.Version = resp.Version
	if err := ask.Into.DecodeFrom(kbin.NewReader(body)); err != nil {
		p.t.Fatal(err)
	}
	return ask.Into
}

func (p *player) show(what []string) {
	s := p.last
	switch {
	case what[0] == "brokers":
		line := fmt.Sprintf("cluster=%s controller=%d", s.ClusterID, s.ControllerID)
		for _, b := range s.Brokers {
			line += fmt.Sprintf(" %d@%s", b.ID, b.Addr())
		}
		p.say("%s", line)
	case what[0] == "topics":
		var names []string
		for _, t := range s.Topics {
			names = append(names, t.Name)
		}
		p.say("topics %s", strings.Join(names, " "))
	case what[0] == "group":
		id, ok := s.Coordinator(kmsg.CoordinatorGroup, what[1])
		p.say("group %s: %d %v", what[1], id, ok)
	default:
		t := s.Topic(what[0])
		if len(what[0]) == 1 {
			t = s.TopicByID(idOf(what[0]))
		}
		if t == nil {
			p.say("%s is not known", what[0])
			return
		}
		line := t.Name
		if !t.ID.IsZero() {
			line += " id=" + idName(t.ID)
		}
		if t.Err != 0 {
			line += " !" + t.Err.Name()
		}
		for i := range t.Partitions {
			part := t.Partition(int32(i))
			line += fmt.Sprintf(" %d=%d/%d", i, part.Leader, part.LeaderEpoch)
			if len(part.ISR) > 0 && part.ISR[0] != part.Leader {
				line += fmt.Sprintf(",isr=%d", part.ISR[0])
			}
			if part.Err != 0 {
				line += "!" + part.Err.Name()
			}
		}
		p.say("%s", line)
	}
}
