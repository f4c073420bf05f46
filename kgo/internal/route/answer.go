package route

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Answered tells the answer to a shard, decoded at the version that Prepare was called with; or
// why there is none. The response belongs to the call. After [Done] it is ignored.
func (c *Call) Answered(now time.Time, s *Shard, resp kmsg.Response, loss *Loss) {
	i := slices.Index(c.flying, s)
	if i < 0 || c.done {
		return
	}
	c.flying = slices.Delete(c.flying, i, i+1)
	for _, i := range s.items {
		it := &c.items[i]
		it.state, it.broker, it.version = pending, s.Broker, s.version
	}
	if loss != nil {
		c.lost(now, s, loss)
		return
	}
	if resp == nil {
		resp = c.silence(s)
	}
	for _, i := range s.items {
		c.items[i].written = Yes
	}
	c.took(now, s, resp)
}

// lost decides what to do about a shard without an answer.
func (c *Call) lost(now time.Time, s *Shard, loss *Loss) {
	if s.Broker >= 0 && !slices.Contains(c.avoid, s.Broker) {
		c.avoid = append(slices.Clip(c.avoid), s.Broker)
	}
	code := loss.Code
	if code == kmsg.None {
		code = [...]kmsg.ErrorCode{
			LostConnection: kmsg.NetworkException,
			LostTime:       kmsg.RequestTimedOut,
			LostVersion:    kmsg.UnsupportedVersion,
			LostForGood:    kmsg.UnknownServerError,
		}[loss.Kind]
	}
	final := loss.Kind == LostForGood || loss.Kind == LostTime && !now.Before(s.Deadline) || c.options.Once || loss.Written != No && !c.repeatable()
	if loss.Kind == LostVersion {
		if len(s.items) > 1 && c.plan.batch > 0 && !c.single {
			c.single = true // once more, one by one
			for _, i := range s.items {
				c.items[i].attempts--
			}
			return
		}
		c.lacking++
		final = final || s.Broker < 0 || c.options.Aimed || c.to != ToAny || c.lacking >= min(triedBrokers, c.brokers)
	}
	for _, i := range s.items {
		it := &c.items[i]
		it.err, it.written = loss.Err, loss.Written
		if final || c.tooOften(it) {
			it.fail(code, loss.Err)
			continue
		}
		it.stale, it.code = true, code
		c.rest(now, it)
	}
}

// triedBrokers is how many brokers are tried for an API that some of a cluster may have, while
// it is upgraded.
const triedBrokers = 3

// repeatable says whether the request may be sent again though it may have been carried out.
func (c *Call) repeatable() bool {
	if c.plan.repeat == IfMember {
		return c.value.Field(c.plan.member).Len() > 0
	}
	return c.plan.repeat == Always
}

func (c *Call) tooOften(it *item) bool {
	return c.router.config.Retries > 0 && it.attempts > c.router.config.Retries
}

// fail ends an item without an answer. The code stands for the error.
func (it *item) fail(code kmsg.ErrorCode, err error) {
	it.state, it.code, it.err, it.answered = done, code, err, false
}

// setback notes that a code was the answer about an item, and decides whether to try again.
func (c *Call) setback(now time.Time, it *item, code kmsg.ErrorCode, text string) {
	it.code, it.text, it.answered, it.err = code, text, true, nil
	sense := c.meaning(code)
	if sense.Is(StaleCluster) {
		c.tell = append(c.tell, &cluster.Rebootstrap{Reason: code.Name() + " was the answer to " + c.plan.api.Name})
	}
	if sense.Is(Briefly) {
		it.briefs++
	}
	again := sense.Is(Retriable) && !c.options.Once && !c.tooOften(it) &&
		(sense.Is(Undone) || c.repeatable()) &&
		!(sense.Is(Briefly) && it.briefs > briefly) &&
		!(c.options.Aimed && sense&(StaleMetadata|StaleCoordinator|StaleController) != 0)
	if !again {
		it.state = done
		return
	}
	it.state = pending
	it.stale = sense&c.matters() != 0
	c.rest(now, it)
}

// rest lets an item pause. At first the cluster is asked before the pause, as it may know better by
// now; then, as it did not, after it: what is known is new when the item is sent.
func (c *Call) rest(now time.Time, it *item) {
	it.pause = c.pauseAfter(now, it.attempts)
	it.calm = it.attempts > freely
}

// matters is what has to be known to find whom the items go to.
func (c *Call) matters() Sense {
	switch c.to {
	case ToLeaders:
		return StaleMetadata | StaleCluster
	case ToController:
		return StaleController | StaleCluster
	case ToGroupCoordinator, ToTransactionCoordinator, ToShareCoordinator:
		return StaleCoordinator | StaleCluster
	}
	return StaleCluster
}

// meaning is what a code means in an answer of this API.
func (c *Call) meaning(code kmsg.ErrorCode) Sense {
	sense := Meaning(code)
	switch {
	case slices.Contains(c.plan.final, code):
		return Refused
	case code == kmsg.UnknownTopicOrPartition || code == kmsg.UnknownTopicID:
		// A leader or coordinator may not have heard of a topic yet; the controller has.
		if c.to != ToLeaders && c.to != ToGroupCoordinator && c.to != ToTransactionCoordinator {
			return Refused
		}
	case sense.Is(StaleController) && c.to != ToController, sense.Is(StaleCoordinator) && c.to == ToAny:
		return sense &^ (StaleController | StaleCoordinator) // another broker may do
	}
	return sense
}

// took takes in an answer.
func (c *Call) took(now time.Time, s *Shard, resp kmsg.Response) {
	version := resp.APIVersion()
	if !c.raw {
		resp = c.newerAnswer(s, resp)
	}
	a := answer{resp, structOf(resp), version}
	p := c.plan
	if p.throttle >= 0 && a.value.IsValid() {
		if ms := a.value.Field(p.throttle).Int(); ms > 0 {
			c.throttled = now.Add(time.Duration(ms) * time.Millisecond)
		}
	}
	c.answers = append(c.answers, a)
	from := int32(len(c.answers) - 1)
	code, text := c.topCode(a.value)
	if c.whole || c.to == ToAll || c.to == ToReplicas {
		for _, i := range s.items {
			c.items[i].from = from
			c.judge(now, &c.items[i], code, text)
		}
		return
	}
	c.fillNames(a.value)
	c.takeHints(a.value)
	found := c.match(s, a.value)
	for n, i := range s.items {
		it := &c.items[i]
		elem := found[n].elem
		switch {
		case elem.IsValid():
			it.from, it.where = from, found[n].where
			text := ""
			if p.out.text >= 0 {
				text = elem.Field(p.out.text).Addr().Interface().(*kbin.NullString).S
			}
			itemCode := p.out.codeOf(elem)
			if itemCode == kmsg.None {
				itemCode = code
			}
			c.judge(now, it, itemCode, text)
		case code != kmsg.None:
			c.judge(now, it, code, text)
		case c.sparse:
			it.from, it.absent = from, true
			c.judge(now, it, kmsg.None, "")
		default:
			it.fail(kmsg.UnknownServerError, errLeftOut)
		}
	}
}

var errLeftOut = fmt.Errorf("the broker's answer leaves it out")

// judge takes the code that is the answer about an item.
func (c *Call) judge(now time.Time, it *item, code kmsg.ErrorCode, text string) {
	if code == kmsg.None {
		it.state, it.code, it.text, it.err = done, kmsg.None, "", nil
		return
	}
	c.setback(now, it, code, text)
	if it.state == pending {
		it.from = -1
		if it.pause.Before(c.throttled) && code == kmsg.ThrottlingQuotaExceeded {
			it.pause = c.throttled
		}
	}
}

// topCode returns the code of an answer as a whole. If it has none, but has codes for all parts
// of a request that is not split, and all are such that it can be repeated, it is theirs.
func (c *Call) topCode(v reflect.Value) (kmsg.ErrorCode, string) {
	p := c.plan
	if !v.IsValid() {
		return kmsg.None, ""
	}
	if p.code >= 0 {
		if code := kmsg.ErrorCode(v.Field(p.code).Int()); code != kmsg.None {
			text := ""
			if p.text >= 0 {
				text = v.Field(p.text).Addr().Interface().(*kbin.NullString).S
			}
			return code, text
		}
	}
	if !c.whole || p.out == nil || c.raw {
		return kmsg.None, ""
	}
	common, mixed := kmsg.None, false
	p.out.walk(v, func(elem reflect.Value, _ key, _ at) {
		code := p.out.codeOf(elem)
		if common == kmsg.None {
			common = code
		}
		mixed = mixed || code != common || !c.meaning(code).Is(Retriable|Undone)
	})
	if mixed {
		return kmsg.None, ""
	}
	return common, ""
}

// fillNames gives topics in an answer their names, and ids, as far as they are known.
func (c *Call) fillNames(v reflect.Value) {
	out := c.plan.out
	l := &out.levels[0]
	if len(out.levels) < 2 || len(l.keys) < 2 || l.keys[1].role != ofTopicID {
		return
	}
	list := v.Field(l.list)
	for i := range list.Len() {
		elem := list.Index(i)
		name, id := elem.Field(l.keys[0].field), elem.Field(l.keys[1].field).Addr().Interface().(*kbin.UUID)
		if name.Kind() != reflect.String {
			continue
		}
		if name.Len() == 0 {
			name.SetString(c.names[*id])
		} else if id.IsZero() {
			*id = c.ids[name.String()]
		}
	}
}

// normal returns a key in the form in which those of requests and answers compare: with the name
// of a topic, or with its id if the user named it by that and nothing else is known.
func (c *Call) normal(k key) key {
	switch name := c.names[k.id]; {
	case k.topic == "":
		k.topic = name
	case name == "" && !k.id.IsZero() && c.knowsByID(k.id):
		k.topic = ""
	}
	if k.topic != "" {
		k.id = kbin.UUID{}
	}
	return k
}

// knowsByID says whether the user asked for the topic by its id. Few do, for many topics.
func (c *Call) knowsByID(id kbin.UUID) bool {
	return slices.ContainsFunc(c.topics, func(t topic) bool { return t.byID && t.id == id })
}

type found struct {
	elem  reflect.Value
	where at
}

// match returns what an answer says about each item of a shard, in order. Most answers are in
// the order of the request; others are searched.
func (c *Call) match(s *Shard, v reflect.Value) []found {
	out := c.plan.out
	results := make([]found, len(s.items))
	inOrder := 0
	var others map[key]found
	out.walk(v, func(elem reflect.Value, k key, where at) {
		k = c.normal(k)
		if inOrder < len(s.items) && others == nil {
			if k == c.normal(c.items[s.items[inOrder]].key) {
				results[inOrder] = found{elem, where}
				inOrder++
				return
			}
		}
		if others == nil {
			others = make(map[key]found, len(s.items)-inOrder)
		}
		if _, ok := others[k]; !ok {
			others[k] = found{elem, where}
		}
	})
	for n := inOrder; n < len(s.items); n++ {
		k := c.normal(c.items[s.items[n]].key)
		if r, ok := others[k]; ok {
			results[n] = r
			continue
		}
		for m := range inOrder { // the user named it twice
			if c.normal(c.items[s.items[m]].key) == k {
				results[n] = results[m]
				break
			}
		}
	}
	return results
}

// takeHints takes from an answer what it says of leaders elsewhere (KIP-951), for the cluster.
func (c *Call) takeHints(v reflect.Value) {
	p := c.plan
	if p.endpoints < 0 {
		return
	}
	p.out.walk(v, func(elem reflect.Value, k key, _ at) {
		code := p.out.codeOf(elem)
		if !Meaning(code).Is(StaleMetadata) {
			return
		}
		leader := elem.Field(p.out.leader)
		h := &cluster.LeaderHint{
			Topic: k.topic, TopicID: k.id, Partition: k.partition,
			Leader: int32(leader.FieldByName("LeaderID").Int()), Epoch: int32(leader.FieldByName("LeaderEpoch").Int()),
		}
		if h.Leader < 0 || h.Epoch < 0 {
			return
		}
		endpoints := v.Field(p.endpoints)
		for i := range endpoints.Len() {
			e := endpoints.Index(i)
			if int32(e.FieldByName("NodeID").Int()) == h.Leader {
				h.Endpoint = &cluster.Broker{
					ID:   h.Leader,
					Host: e.FieldByName("Host").String(),
					Port: int32(e.FieldByName("Port").Int()),
					Rack: text(e.FieldByName("Rack")),
				}
			}
		}
		c.tell = append(c.tell, h)
	})
}

// silence is the answer to a request that is not answered (Produce with acks 0): as far as
// anybody knows, all went well.
func (c *Call) silence(s *Shard) kmsg.Response {
	resp := s.sent.Response()
	if c.whole {
		return resp // nothing was asked for
	}
	places := make([]part, 0, len(s.items))
	for _, i := range s.items {
		places = append(places, part{item: &c.items[i]})
	}
	c.assemble(structOf(resp), places)
	return resp
}
