package route

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/script"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// TestScripts plays the stories of testdata: what a call is told, then, after four dashes, the
// steps it takes.
//
//	known brokers=1,2,3 controller=2          what the cluster's cell knows
//	  orders id=A 0=1/5 1=2/5
//	coordinator group g=2                     or txn, share
//	call ListOffsets deadline=10s to=3 at=7 once
//	  {"topics": ...}                         at the newest version, or v=3
//	prepare #1 v=3                            shows the request of a shard at a version
//	chosen #1 by=2                            the broker of one that any will do for
//	answer #1 v=7
//	  {"topics": ...}
//	lose #1 connection written=maybe reset    or time, version, good; code=NAME
//	told                                      the need that was asked for; or: told refused; about
//	                                          credentials, the router takes it to be for good
//	found                                     the coordinators; or: found refused, found g!CODE
//	after 100ms, cancel bored
func TestScripts(t *testing.T) { script.Files(t, playFile) }

func playFile(t *testing.T, text string) string {
	var p *player
	return script.Blocks(text, func() { p = newPlayer(t) }, func(block string) []string {
		p.out = nil
		p.play(block)
		return p.out
	})
}

type player struct {
	t      *testing.T
	router *Router
	start  time.Time
	now    time.Time
	known  *knowledge
	call   *Call
	shards []*Shard
	need   *cluster.Need
	find   *cluster.NeedCoordinators
	line   string
	out    []string
}

func newPlayer(t *testing.T) *player {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return &player{
		t: t, start: start, now: start, known: newKnowledge(),
		router: New(Config{
			Backoff: cluster.Backoff{Base: 100 * time.Millisecond, Max: time.Second},
			ForGood: func(err error) bool { return strings.Contains(err.Error(), "credentials") },
		}),
	}
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
		p.drive()
	}
}

func (p *player) say(format string, args ...any) {
	p.out = append(p.out, fmt.Sprintf("%v ", p.now.Sub(p.start))+fmt.Sprintf(format, args...))
}

func (p *player) command(text string) {
	p.line = text
	head, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(head)
	plain, args := split(words[1:])
	var lines []string
	if rest != "" {
		lines = strings.Split(rest, "\n")
	}
	switch of := words[0]; {
	case (of == "answer" || of == "lose" || of == "told" || of == "found" || of == "cancel") && p.call == nil,
		of == "told" && p.need == nil, of == "found" && p.find == nil:
		p.t.Errorf("%s: nobody asked", p.line)
		return
	}
	switch words[0] {
	case "known":
		p.known.learn(p.now, metadataOf(args, lines))
	case "coordinator":
		of := map[string]kmsg.CoordinatorType{"group": kmsg.CoordinatorGroup, "txn": kmsg.CoordinatorTransaction, "share": kmsg.CoordinatorShare}[plain[0]]
		for key, id := range args {
			p.known.coordinate(p.now, of, map[string]int32{key: number(id, -1)})
		}
	case "call":
		p.begin(plain, args, rest)
	case "prepare":
		req, err := p.shard(args).Prepare(int16(number(args["v"], 0)))
		if err == nil {
			err = req.Check()
		}
		if err != nil {
			p.say("%v", err)
			return
		}
		p.say("%s", kjson.MarshalLog(req))
	case "chosen":
		p.shard(args).Broker = number(args["by"], -1)
	case "answer":
		s := p.take(args)
		req, err := s.Prepare(int16(number(args["v"], 0)))
		if err != nil {
			p.t.Fatalf("%s: %v", p.line, err)
		}
		if s.NoAnswer {
			p.call.Answered(p.now, s, nil, nil)
			return
		}
		resp := req.Response()
		if err := kjson.Unmarshal([]byte(rest), resp); err != nil {
			p.t.Fatalf("%s: %v", p.line, err)
		}
		p.call.Answered(p.now, s, resp, nil)
	case "lose":
		s := p.take(args)
		loss := &Loss{Err: errors.New(strings.Join(plain[1:], " "))}
		loss.Kind = map[string]LossKind{"connection": LostConnection, "time": LostTime, "version": LostVersion, "good": LostForGood}[plain[0]]
		loss.Written = map[string]Written{"maybe": Maybe, "yes": Yes}[args["written"]]
		if c := args["code"]; c != "" {
			loss.Code = codeOf(c)
		}
		p.call.Answered(p.now, s, nil, loss)
	case "told":
		need := p.need
		p.need = nil
		if len(plain) > 0 {
			need.Err = errors.New(strings.Join(plain, " "))
		} else {
			need.Snapshot = p.known.snapshot
		}
		p.call.Told(p.now, need)
	case "found":
		find := p.find
		p.find = nil
		for _, key := range find.Keys {
			id, ok := p.known.snapshot.Coordinator(find.Type, key)
			if b, there := p.known.snapshot.Broker(id); ok && there {
				find.Results = append(find.Results, cluster.Coordinator{Key: key, Broker: b})
			}
		}
		for _, w := range plain {
			if key, code, ok := strings.Cut(w, "!"); ok {
				find.Results = append(find.Results, cluster.Coordinator{Key: key, Broker: cluster.Broker{ID: -1}, Code: codeOf(code)})
			} else {
				find.Err = errors.New(strings.Join(plain, " "))
				break
			}
		}
		p.call.Found(p.now, find)
	case "after":
		d, err := time.ParseDuration(plain[0])
		if err != nil {
			p.t.Fatal(err)
		}
		p.now = p.now.Add(d)
	case "cancel":
		p.call.Cancel(errors.New(strings.Join(plain, " ")))
	default:
		p.t.Fatalf("what is %q?", text)
	}
}

func (p *player) begin(plain []string, args map[string]string, body string) {
	key, ok := kmsg.ParseAPIKey(plain[0])
	if !ok {
		p.t.Fatalf("no API %q", plain[0])
	}
	req := kmsg.NewRequest(key)
	req.SetAPIVersion(int16(number(args["v"], int32(kmsg.LookupAPI(key).MaxVersion))))
	if body == "" {
		body = "{}"
	}
	if err := kjson.Unmarshal([]byte(body), req); err != nil {
		p.t.Fatalf("%s: %v", p.line, err)
	}
	req.SetAPIVersion(0)
	o := Options{Once: slices.Contains(plain, "once")}
	if d, ok := args["deadline"]; ok {
		left, err := time.ParseDuration(d)
		if err != nil {
			p.t.Fatal(err)
		}
		o.Deadline = p.now.Add(left)
	}
	if to, ok := args["to"]; ok {
		o.Aimed, o.Broker = true, number(to, -2)
	}
	if at, ok := args["at"]; ok {
		o.Pinned, o.Version = true, int16(number(at, 0))
	}
	p.shards, p.need, p.find = nil, nil, nil
	p.call = p.router.Call(p.now, req, o)
}

// drive takes steps until there is nothing to do.
func (p *player) drive() {
	if p.call == nil {
		return
	}
	for range 1000 {
		step := p.call.Next(p.now, p.known.snapshot)
		switch step.Do {
		case Send:
			for _, s := range step.Shards {
				p.sent(s)
			}
		case Need:
			p.need = step.Need
			what := strings.Join(step.Need.Topics, " ")
			for _, id := range step.Need.IDs {
				what += " id=" + string(rune(id[15]))
			}
			if step.Need.Newer > 0 {
				what += fmt.Sprintf(" newer=%d", step.Need.Newer)
			}
			p.say("need %s (%s)", strings.TrimSpace(what), step.Need.Reason)
		case Find:
			p.find = step.Find
			line := fmt.Sprintf("find %v %s", step.Find.Type, strings.Join(step.Find.Keys, " "))
			if step.Find.Not >= 0 {
				line += fmt.Sprintf(" not=%d", step.Find.Not)
			}
			p.say("%s", line)
		case Tell:
			if h, ok := step.Tell.(*cluster.LeaderHint); ok {
				p.say("tell: leader of %s[%d] is %d, epoch %d, at %v", h.Topic, h.Partition, h.Leader, h.Epoch, h.Endpoint)
			} else {
				p.say("tell: %T", step.Tell)
			}
			p.known.tell(p.now, step.Tell, nil, nil)
		case Abandon:
			p.say("abandon #%d", slices.Index(p.shards, step.Shards[0])+1)
		case Wait:
			silent := slices.ContainsFunc(p.call.flying, func(s *Shard) bool { return s.doubt.Equal(step.Until) })
			if step.Until.Before(p.call.deadline) && !silent {
				p.say("wait until %v", step.Until.Sub(p.start))
			}
			return
		case Done:
			p.finished(step)
			p.call = nil
			return
		}
	}
	p.t.Fatalf("%s: the call takes steps without end", p.line)
}

func (p *player) sent(s *Shard) {
	p.shards = append(p.shards, s)
	to := fmt.Sprint(s.Broker)
	if s.Broker == Any {
		to = "any"
		if len(s.Avoid) > 0 {
			to += fmt.Sprintf(" but %v", s.Avoid)
		}
	}
	line := fmt.Sprintf("send #%d to %s v%d-%d", len(p.shards), to, s.Min, s.Max)
	if path := s.call.plan.in; path != nil {
		for _, k := range keysOf(path, s.req) {
			line += " " + k
		}
	}
	if s.Lane != Ordinary {
		line += [...]string{"", " over produce", " over fetch", " over wait"}[s.Lane]
	}
	if s.Timeout != defaultRequestTimeout {
		line += fmt.Sprintf(" timeout=%v", s.Timeout)
	}
	if s.Expect > 0 {
		line += fmt.Sprintf(" expect=%d", s.Expect)
	}
	if s.NoAnswer {
		line += " no answer"
	}
	p.say("%s", line)
}

func (p *player) finished(step Step) {
	what := "no answer"
	if step.Response != nil {
		text, err := kjson.Marshal(step.Response)
		what = fmt.Sprintf("v%d %s", step.Response.APIVersion(), text)
		if err != nil {
			what = err.Error()
		}
	}
	p.say("done: %s", what)
	for _, s := range step.Shards {
		p.say("  #%d is still under way", slices.Index(p.shards, s)+1)
	}
	for _, f := range step.Failures {
		line := "  "
		switch {
		case f.Topic != "" && f.Partition >= 0:
			line += fmt.Sprintf("%s[%d] ", f.Topic, f.Partition)
		case f.Topic != "":
			line += f.Topic + " "
		}
		if f.Key != "" {
			line += f.Key + " "
		}
		line += fmt.Sprintf("on %d: ", f.Broker)
		if f.Code != kmsg.None {
			line += f.Code.Name()
		}
		if f.Message != "" {
			line += fmt.Sprintf(" %q", f.Message)
		}
		if !f.Answered {
			line += " for"
		}
		if f.Err != nil {
			line += ": " + f.Err.Error()
		}
		line += fmt.Sprintf("; written=%v attempts=%d v%d", f.Written, f.Attempts, f.Version)
		p.say("%s", line)
	}
}

func keysOf(path *path, req kmsg.Request) (keys []string) {
	path.walk(structOf(req), func(_ reflect.Value, k key, _ at) {
		s := k.topic
		if s == "" && !k.id.IsZero() {
			s = "id=" + string(rune(k.id[15]))
		}
		if k.partition >= 0 {
			s += fmt.Sprintf("[%d]", k.partition)
		}
		if k.other != "" {
			s = strings.TrimPrefix(k.other+":"+s, ":")
		}
		keys = append(keys, strings.TrimSuffix(s, ":"))
	})
	return keys
}

func (p *player) shard(args map[string]string) *Shard {
	n := number(args["#"], 1)
	if int(n) > len(p.shards) {
		p.t.Fatalf("%s: there is no shard %d", p.line, n)
	}
	return p.shards[n-1]
}

func (p *player) take(args map[string]string) *Shard {
	s := p.shard(args)
	if s.Broker == Any {
		s.Broker = number(args["by"], Any)
	}
	return s
}

// split divides words into plain ones, and those like name=value or #1.
func split(words []string) (plain []string, named map[string]string) {
	named = map[string]string{}
	for _, w := range words {
		if n, ok := strings.CutPrefix(w, "#"); ok {
			named["#"] = n
		} else if name, value, ok := strings.Cut(w, "="); ok {
			named[name] = value
		} else {
			plain = append(plain, w)
		}
	}
	return plain, named
}
