package route

import (
	"errors"
	"flag"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

var seeds = flag.Uint64("seeds", 30, "how many seeds TestRandomly plays for each API")

// TestRandomly drives calls of all APIs through a world in which anything can happen: brokers
// answer nonsense, and codes of all kinds, connections break, the cluster cannot be asked, the
// call is cancelled. Each call ends, by its deadline at the latest, takes few steps on the way,
// and leaves the request alone.
func TestRandomly(t *testing.T) {
	router := New(Config{})
	for _, api := range kmsg.APIs() {
		for seed := range *seeds {
			h := &havoc{t: t, universe: newUniverse(seed), router: router}
			h.play(api.Key)
			if t.Failed() {
				t.Fatalf("%v, seed %d", api.Key, seed)
			}
		}
	}
}

type havoc struct {
	*universe
	t      testing.TB
	router *Router
	call   *Call
	flying []*Shard
	need   *cluster.Need
	find   *cluster.NeedCoordinators
	sends  int
}

func (h *havoc) play(key kmsg.APIKey) {
	var req kmsg.Request
	if p := h.router.plan(kmsg.NewRequest(key)); p.in != nil {
		req = h.request(key, p)
	}
	if req == nil {
		req = kmsg.NewRequest(key)
		req.Reset()
	}
	req.SetAPIVersion(kmsg.LookupAPI(key).MaxVersion)
	before := req.AppendTo(nil)
	o := Options{Seed: 1, Once: h.rand.IntN(8) == 0, Aimed: h.rand.IntN(4) == 0, Broker: int32(h.rand.IntN(7) - 1)}
	if h.rand.IntN(4) == 0 {
		o.Pinned, o.Version = true, kmsg.LookupAPI(key).MaxVersion
	}
	start := h.now
	o.Deadline = start.Add(time.Duration(1+h.rand.IntN(20)) * time.Second)
	h.call = h.router.Call(h.now, req, o)
	cancelled := h.rand.IntN(200)
	for n := range 3000 {
		if n == cancelled {
			h.call.Cancel(errBroken)
		}
		step := h.call.Next(h.now, h.known.snapshot)
		switch step.Do {
		case Send:
			h.flying = append(h.flying, step.Shards...)
			h.sends += len(step.Shards)
		case Need:
			if h.need != nil {
				h.t.Fatal("a second need")
			}
			h.need = step.Need
		case Find:
			if h.find != nil || len(step.Find.Keys) == 0 {
				h.t.Fatalf("a second find, or an empty one: %+v", step.Find)
			}
			h.find = step.Find
		case Tell:
			h.known.tell(h.now, step.Tell, nil, nil)
		case Abandon:
			i := slices.Index(h.flying, step.Shards[0])
			if i < 0 || o.Aimed || o.Once {
				h.t.Fatalf("shard %+v is abandoned", step.Shards[0])
			}
			h.flying = slices.Delete(h.flying, i, i+1)
			h.call.Answered(h.now, step.Shards[0], nil, &Loss{Err: errBroken, Kind: LostForGood}) // changes nothing

		case Wait:
			if step.Until.IsZero() || step.Until.Before(h.now) || step.Until.After(o.Deadline) {
				h.t.Fatalf("wait until %v at %v, the deadline is %v", step.Until, h.now, o.Deadline)
			}
			h.happen(step.Until)
		case Done:
			if h.now.After(o.Deadline) {
				h.t.Fatalf("done at %v, the deadline was %v", h.now, o.Deadline)
			}
			h.check(step, req, before)
			return
		default:
			h.t.Fatalf("what is %v?", step.Do)
		}
	}
	h.t.Fatalf("no end after %v, %d requests", h.now.Sub(start), h.sends)
}

func (h *havoc) check(step Step, req kmsg.Request, before []byte) {
	if !slices.Equal(before, req.AppendTo(nil)) {
		h.t.Fatal("the request was written to")
	}
	for _, s := range step.Shards {
		if !slices.Contains(h.flying, s) {
			h.t.Fatal("a shard is under way that was not sent")
		}
	}
	if len(step.Shards) != len(h.flying) {
		h.t.Fatalf("got %d shards under way, want %d", len(step.Shards), len(h.flying))
	}
	if step.Response == nil && len(step.Failures) == 0 {
		h.t.Fatal("no answer, and no failure")
	}
	for _, f := range step.Failures {
		if f.Code == kmsg.None || !f.Answered && f.Err == nil || f.API != req.APIKey() {
			h.t.Fatalf("a failure without a reason: %+v", f)
		}
	}
	// What comes afterwards changes nothing.
	for _, s := range h.flying {
		h.call.Answered(h.now, s, nil, &Loss{Err: errBroken})
	}
	if again := h.call.Next(h.now, h.known.snapshot); again.Response != step.Response || len(again.Failures) != len(step.Failures) {
		h.t.Fatal("the end was not the end")
	}
}

// happen lets something happen, or time pass.
func (h *havoc) happen(until time.Time) {
	switch n := h.rand.IntN(10); {
	case n < 5 && len(h.flying) > 0:
		i := h.rand.IntN(len(h.flying))
		s := h.flying[i]
		h.flying = slices.Delete(h.flying, i, i+1)
		h.answer(s)
	case n < 7 && h.need != nil:
		need := h.need
		h.need = nil
		if h.rand.IntN(4) == 0 {
			need.Err = errBroken
		} else {
			h.learn(need)
			need.Snapshot = h.known.snapshot
		}
		h.call.Told(h.now, need)
	case n < 9 && h.find != nil:
		find := h.find
		h.find = nil
		h.findAll(find)
		h.call.Found(h.now, find)
	default:
		step := time.Duration(h.rand.Int64N(int64(time.Second)))
		if h.need == nil && h.find == nil && len(h.flying) == 0 || h.now.Add(step).After(until) {
			h.now = until
		} else {
			h.now = h.now.Add(step)
		}
	}
}

// learn lets metadata change, and has all that was asked for in it, be it with an error.
func (h *havoc) learn(need *cluster.Need) {
	resp := kmsg.NewMetadataResponse()
	resp.Version, resp.ControllerID = 12, int32(h.rand.IntN(6)-1)
	for _, id := range h.brokers {
		if h.rand.IntN(8) > 0 {
			resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: "h", Port: 1})
		}
	}
	for _, t := range h.topics {
		topic := t
		topic.Partitions = slices.Clone(t.Partitions)
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			p.LeaderID, p.LeaderEpoch = int32(h.rand.IntN(6)-1), int32(h.rand.IntN(100))
		}
		switch h.rand.IntN(8) {
		case 0:
			topic.ErrorCode, topic.Partitions = kmsg.UnknownTopicOrPartition, nil
		case 1:
			topic.TopicID = kbin.UUID{0: 99, 1: byte(h.rand.IntN(5))}
		}
		resp.Topics = append(resp.Topics, topic)
	}
	h.known.learn(h.now, resp)
	for _, id := range need.IDs {
		if h.known.snapshot.TopicByID(id) == nil {
			missing := kmsg.NewMetadataResponseTopic()
			missing.Name, missing.TopicID, missing.ErrorCode = kbin.NullString{}, id, kmsg.UnknownTopicID
			resp.Topics = append(resp.Topics, missing)
		}
	}
	h.known.learn(h.now, resp)
}

func (h *havoc) findAll(find *cluster.NeedCoordinators) {
	if h.rand.IntN(4) == 0 {
		find.Err = errBroken
		return
	}
	for _, key := range find.Keys {
		if h.rand.IntN(4) == 0 {
			find.Results = append(find.Results, cluster.Coordinator{Key: key, Code: h.code(), Broker: cluster.Broker{ID: -1}})
			continue
		}
		found := h.known.coordinate(h.now, find.Type, map[string]int32{key: h.brokers[h.rand.IntN(len(h.brokers))]})
		find.Results = append(find.Results, found.Results...)
	}
}

// code returns any code, mostly none or one that can be retried.
func (h *havoc) code() kmsg.ErrorCode {
	common := []kmsg.ErrorCode{kmsg.NotLeaderOrFollower, kmsg.NotCoordinator, kmsg.NotController, kmsg.CoordinatorLoadInProgress, kmsg.UnknownTopicOrPartition, kmsg.ThrottlingQuotaExceeded, kmsg.UnknownTopicID, kmsg.CoordinatorNotAvailable}
	if h.rand.IntN(2) == 0 {
		return common[h.rand.IntN(len(common))]
	}
	return kmsg.ErrorCode(h.rand.IntN(140) + 1)
}

func (h *havoc) answer(s *Shard) {
	if s.Broker == Any {
		s.Broker = int32(h.rand.IntN(6) - 1)
	}
	if h.rand.IntN(3) == 0 {
		loss := &Loss{Err: errBroken, Kind: LossKind(h.rand.IntN(3)), Written: Written(h.rand.IntN(2))}
		if h.rand.IntN(10) == 0 {
			loss.Kind = LostForGood
		}
		h.call.Answered(h.now, s, nil, loss)
		return
	}
	version := s.Min
	if s.Max > s.Min {
		version += int16(h.rand.IntN(int(s.Max - s.Min + 1)))
	}
	sent, err := s.Prepare(version)
	if err == nil {
		err = sent.Check()
	}
	if s.Min > s.Max || err != nil {
		h.call.Answered(h.now, s, nil, &Loss{Err: errors.Join(errBroken, err), Kind: LostForGood})
		return
	}
	if s.NoAnswer {
		h.call.Answered(h.now, s, nil, nil)
		return
	}
	h.call.Answered(h.now, s, h.nonsense(sent), nil)
}

// nonsense is an answer that is right in form only, or right but for codes.
func (h *havoc) nonsense(sent kmsg.Request) kmsg.Response {
	p := h.router.plan(sent)
	resp := sent.Response()
	if p.in != nil && p.out != nil && h.rand.IntN(3) > 0 {
		resp = h.imaginary(received(sent), p)
		p.out.walk(structOf(resp), func(elem reflect.Value, _ key, _ at) {
			if h.rand.IntN(2) == 0 {
				p.out.setCode(elem, h.code())
			}
		})
	} else {
		randomly(structOf(resp), h.rand)
	}
	if p.code >= 0 && h.rand.IntN(3) == 0 {
		structOf(resp).Field(p.code).SetInt(int64(h.code()))
	}
	fresh := sent.Response()
	if err := fresh.DecodeFrom(kbin.NewReader(resp.AppendTo(nil))); err != nil {
		h.t.Fatal(err)
	}
	return fresh
}
