package route

import (
	"math"
	"reflect"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Shard is a request to one broker: all of a [Call] or a part of it. From [Send] until
// [Call.Answered] it belongs to whoever sends it.
type Shard struct {
	// Broker is whom it goes to: a broker of the snapshot, or what [Options.Broker] says.
	// [Any] stands for any broker: whoever sends it chooses one, not among Avoid if another is
	// left, and sets it here.
	Broker int32
	Avoid  []int32

	API      kmsg.APIKey
	Min, Max int16 // the versions that it can be sent in
	Lane     Lane
	// Deadline is when the answer has to be there: a moment before the call's.
	Deadline time.Time
	// Timeout is how long the broker may take to answer, longer than usual if the request asks
	// it to wait.
	Timeout time.Duration
	// NoAnswer says that the broker will not answer (Produce with acks 0): once it is written,
	// it is answered with nil.
	NoAnswer bool
	// Expect is how many bytes of data the answer may have by what was asked for, 0 if that
	// cannot be told.
	Expect int

	call    *Call
	items   []int32 // of the call
	toAny   bool
	doubt   time.Time // when the silence is too long
	doubts  int       // how often it was
	deposed bool      // nobody coordinates its items, as far as the cluster knows
	req     kmsg.Request
	own     bool  // req is not the user's
	wait    int32 // what TimeoutMs is set to, 0 to leave it alone
	sent    kmsg.Request
	version int16 // that it was prepared for last, -1 for none
	memory  [1]int32
}

// Any is the broker of a [Shard] that any broker will do for.
const Any int32 = -1

// Prepare returns the request in the shape of a version. The result is for whoever sends the
// shard, and shares memory with the request of the user: it is not to be written to. The error
// says that the version has no room for what is asked. It may be called more than once, from one
// goroutine at a time.
func (s *Shard) Prepare(version int16) (kmsg.Request, error) {
	req := s.req.ShallowCopy()
	req.SetAPIVersion(version)
	if s.wait > 0 {
		structOf(req).Field(s.call.plan.timeout).SetInt(int64(s.wait))
	}
	if !s.call.raw {
		if err := shapeFor(req, version); err != nil {
			return nil, err
		}
	}
	s.sent, s.version = req, version
	return req, nil
}

// Throttle returns for how long an answer to the shard asks to hold back (KIP-219).
func (s *Shard) Throttle(resp kmsg.Response) time.Duration {
	p := s.call.plan
	v := structOf(resp)
	if p.throttle < 0 || !v.IsValid() {
		return 0
	}
	return time.Duration(v.Field(p.throttle).Int()) * time.Millisecond
}

// put adds an item to the shard for a broker.
func (c *Call) put(shards []*Shard, item int, broker int32) []*Shard {
	var s *Shard
	for i := len(shards) - 1; i >= 0 && !c.single; i-- { // mostly the last
		if shards[i].Broker == broker {
			s = shards[i]
			break
		}
	}
	if s == nil {
		s = c.newShard(broker)
		shards = append(shards, s)
	}
	s.items = append(s.items, int32(item))
	return shards
}

// newShard returns a shard; the first of a call takes no memory.
func (c *Call) newShard(broker int32) *Shard {
	s := &c.firstShard
	if s.call != nil {
		s = new(Shard)
	}
	s.Broker, s.call, s.version = broker, c, -1
	s.items = s.memory[:0]
	return s
}

// lastMoment is how long before the end of the call its requests end, so that why they were not
// answered is known by then.
const lastMoment = 10 * time.Millisecond

// launch makes the request of a shard.
func (c *Call) launch(now time.Time, s *Shard, known *cluster.Snapshot) {
	p := c.plan
	s.API, s.Min, s.Max, s.Lane = p.api.Key, p.api.MinVersion, p.api.MaxVersion, p.lane
	s.Deadline = c.deadline.Add(-min(c.deadline.Sub(now)/100, lastMoment))
	s.Avoid = c.avoid
	s.toAny, s.doubt = s.Broker == Any, now.Add(patience<<min(c.items[s.items[0]].attempts, 10))
	c.brokers = len(known.Brokers)
	c.makeRequest(s, known)
	if c.options.Pinned {
		s.Min, s.Max = c.options.Version, c.options.Version
	}
	c.setWaits(now, s)
	for _, i := range s.items {
		it := &c.items[i]
		it.state, it.broker, it.seq = flying, s.Broker, known.Seq
		it.attempts++
		it.calm, it.stale, it.fresh, it.verdict = false, false, false, hold
	}
	c.flying = append(c.flying, s)
}

// makeRequest makes the request: the call's own if it is about all items, else one with some.
func (c *Call) makeRequest(s *Shard, known *cluster.Snapshot) {
	s.req = c.req
	if c.raw {
		return
	}
	switch {
	case c.to == ToReplicas && !c.whole:
		s.req, s.own = c.narrowed(s.Broker, known), true
	case c.whole, c.to == ToAll:
	case len(s.items) < len(c.items), c.plan.ids > 0:
		places := make([]at, len(s.items))
		for n, i := range s.items {
			places[n] = c.items[i].in
		}
		s.req, s.own = c.rebuilt(places), true
		if c.plan.ids > 0 {
			c.fillTopics(s)
		}
	}
	low, high := c.boundsOf(s, known)
	s.Min, s.Max = max(s.Min, low, c.options.AtLeast), min(s.Max, high)
}

// narrowed returns the request with the partitions that a broker has a replica of.
func (c *Call) narrowed(broker int32, known *cluster.Snapshot) kmsg.Request {
	var places []at
	c.plan.in.walk(c.value, func(_ reflect.Value, k key, where at) {
		t := known.Topic(k.topic)
		if t == nil {
			return
		}
		if p := t.Partition(k.partition); p != nil && contains(p.Replicas, broker) {
			places = append(places, where)
		}
	})
	if places == nil {
		return c.req // about everything
	}
	return c.rebuilt(places)
}

func contains(list []int32, n int32) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

// rebuilt returns a request with some of the items, in order.
func (c *Call) rebuilt(places []at) kmsg.Request {
	req := c.req.ShallowCopy()
	c.plan.in.rebuild(structOf(req), c.value, places, 0)
	return req
}

// rebuild sets the list of a level to the elements at some places, and so on down.
func (p *path) rebuild(dst, src reflect.Value, places []at, depth int) {
	l := &p.levels[depth]
	from, list := src.Field(l.list), dst.Field(l.list)
	n := 1
	for i := 1; i < len(places); i++ {
		if places[i][depth] != places[i-1][depth] || depth == len(p.levels)-1 {
			n++
		}
	}
	made := reflect.MakeSlice(list.Type(), n, n)
	n = 0
	for len(places) > 0 {
		count := 1
		for depth < len(p.levels)-1 && count < len(places) && places[count][depth] == places[0][depth] {
			count++
		}
		elem := from.Index(int(places[0][depth]))
		made.Index(n).Set(elem)
		if depth < len(p.levels)-1 {
			p.rebuild(made.Index(n), elem, places[:count], depth+1)
		}
		places = places[count:]
		n++
	}
	list.Set(made)
}

// fillTopics gives the topics of a request both name and id, as far as they are known, and keeps
// the versions to those that want what is known.
func (c *Call) fillTopics(s *Shard) {
	v := structOf(s.req)
	l := &c.plan.in.levels[0]
	list := v.Field(l.list)
	names, ids := true, true
	last, n := int32(-1), -1
	for _, i := range s.items {
		it := &c.items[i]
		if it.in[0] != last {
			last = it.in[0]
			n++
		}
		t := &c.topics[it.topic]
		elem := list.Index(n)
		elem.Field(l.keys[0].field).SetString(t.name)
		*elem.Field(l.keys[1].field).Addr().Interface().(*kbin.UUID) = t.id
		names, ids = names && t.name != "", ids && !t.id.IsZero()
	}
	if !ids {
		s.Max = min(s.Max, c.plan.ids-1)
	}
	if !names {
		s.Min = max(s.Min, c.plan.ids)
	}
}

// setWaits sets what the broker may take, and what the client expects.
func (c *Call) setWaits(now time.Time, s *Shard) {
	p := c.plan
	s.Timeout = c.router.config.RequestTimeout
	if !c.value.IsValid() {
		return
	}
	ms := int64(0)
	for _, f := range p.wait {
		if ms = c.value.Field(f).Int(); ms >= 0 {
			break
		}
	}
	if p.timeout >= 0 && !c.raw {
		ms = c.value.Field(p.timeout).Int()
		if ms == p.timeoutDefault {
			// What the user leaves open the broker gets nine tenths of, so that its answer is in
			// time.
			left := min(c.deadline.Sub(now), s.Timeout) * 9 / 10
			s.wait, ms = int32(max(left.Milliseconds(), 1)), 0
		}
	}
	s.Timeout += time.Duration(max(ms, 0)) * time.Millisecond
	if p.lane == WaitLane && len(p.wait) == 0 {
		s.Timeout = max(s.Timeout, c.deadline.Sub(now)) // SyncGroup does not say how long the leader may take
	}
	if p.expect >= 0 {
		if n := c.value.Field(p.expect).Int(); n > 0 && n < math.MaxInt32 {
			s.Expect = int(n)
		}
	}
	s.NoAnswer = p.api.Key == kmsg.KeyProduce && p.acks >= 0 && c.value.Field(p.acks).Int() == int64(kmsg.AcksNone)
}
