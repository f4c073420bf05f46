package ktest

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Match says which requests a fault is for. It is made by [On] or [OnAny]; its methods narrow
// it and return it.
type Match struct{ m broker.Match }

// On matches the requests of an API.
func On(key kmsg.APIKey) Match {
	m := broker.AnyRequest()
	m.API = key
	return Match{m}
}

// OnAny matches all requests.
func OnAny() Match { return Match{broker.AnyRequest()} }

// Broker matches those to a broker.
func (m Match) Broker(id int32) Match {
	m.m.Broker = id
	return m
}

// Client matches those of clients with a client id.
func (m Match) Client(id string) Match {
	m.m.Client = id
	return m
}

// Topic matches those that name a topic, be it because of their fetch session. Codes are put upon
// this topic's part of the answer only: upon its partitions, where it has those.
func (m Match) Topic(name string) Match {
	m.m.Topic = name
	return m
}

// AnyTopic matches those that name any topic. Codes are put upon the parts of the answer, not
// upon the whole.
func (m Match) AnyTopic() Match {
	m.m.Topic = broker.AnyTopic
	return m
}

// Partition matches those that name a partition. Codes are put upon it only.
func (m Match) Partition(topic string, partition int32) Match {
	m.m.Topic, m.m.Partition = topic, partition
	return m
}

// Nth matches only the nth of what would match otherwise, counted from 1 and from the moment that
// the fault is there.
func (m Match) Nth(n int) Match {
	m.m.Skip, m.m.Times = n-1, 1
	return m
}

// Times matches only the first n, of those that [Match.After] leaves.
func (m Match) Times(n int) Match {
	m.m.Times = n
	return m
}

// After leaves out the first n.
func (m Match) After(n int) Match {
	m.m.Skip = n
	return m
}

// An Effect is what goes wrong with a request. Effects work together.
type Effect struct {
	set func(*Cluster, *broker.Effect)
}

func effect(set func(*broker.Effect)) Effect {
	return Effect{func(_ *Cluster, e *broker.Effect) { set(e) }}
}

// Answer answers with an error code instead of serving the request: as a whole, the way brokers
// fail a request, or those parts of it that the match names.
func Answer(code kmsg.ErrorCode) Effect { return effect(func(e *broker.Effect) { e.Code = code }) }

// AnswerAfter serves the request, and answers with an error code all the same.
func AnswerAfter(code kmsg.ErrorCode) Effect {
	return effect(func(e *broker.Effect) { e.CodeAfter = code })
}

// Hold serves the request late.
func Hold(d time.Duration) Effect { return effect(func(e *broker.Effect) { e.Hold = d }) }

// Delay serves the request, and sends the answer late.
func Delay(d time.Duration) Effect { return effect(func(e *broker.Effect) { e.Delay = d }) }

// Throttle says in the answer that the client is throttled. From 2.0 on the broker answers at
// once and then reads nothing from the connection for that long, before that it answers late
// (KIP-219).
func Throttle(d time.Duration) Effect { return effect(func(e *broker.Effect) { e.Throttle = d }) }

// Stall neither serves the request nor answers, and leaves the connection open.
func Stall() Effect { return effect(func(e *broker.Effect) { e.Stall = true }) }

// CutBefore closes the connection instead of serving the request.
func CutBefore() Effect { return effect(func(e *broker.Effect) { e.Cut = broker.CutBefore }) }

// CutAfter serves the request, and closes the connection instead of answering.
func CutAfter() Effect { return effect(func(e *broker.Effect) { e.Cut = broker.CutAfter }) }

// CutAnswer closes the connection in the midst of the answer, after n bytes of it, which 4 bytes
// of size begin; after half of it if n is 0.
func CutAnswer(n int) Effect {
	return effect(func(e *broker.Effect) { e.Cut, e.CutAt = broker.CutMidway, n })
}

// Reset lets the cut of [CutBefore], [CutAfter] or [CutAnswer] be a reset, not an end in good
// order.
func Reset() Effect { return effect(func(e *broker.Effect) { e.Reset = true }) }

// Trickle sends the answer byte by byte, with a pause after each.
func Trickle(pause time.Duration) Effect { return effect(func(e *broker.Effect) { e.Trickle = pause }) }

// WrongCorrelation adds to the correlation id of the answer.
func WrongCorrelation(delta int32) Effect {
	return effect(func(e *broker.Effect) { e.Correlation = delta })
}

// Rewrite changes the answer before it is written. The function must not keep what it is given,
// nor call the cluster; an answer that cannot be written panics.
func Rewrite(change func(kmsg.Request, kmsg.Response)) Effect {
	return effect(func(e *broker.Effect) { e.Change = append(e.Change, change) })
}

// LeaveOut leaves a partition out of the answer, or a topic if partition is negative.
func LeaveOut(topic string, partition int32) Effect {
	return Effect{func(c *Cluster, e *broker.Effect) {
		e.Change = append(e.Change, func(_ kmsg.Request, resp kmsg.Response) { c.model.LeaveOut(resp, topic, partition) })
	}}
}

// Repeat lets a partition be in the answer twice, or a topic if partition is negative.
func Repeat(topic string, partition int32) Effect {
	return Effect{func(c *Cluster, e *broker.Effect) {
		e.Change = append(e.Change, func(_ kmsg.Request, resp kmsg.Response) { c.model.Repeat(resp, topic, partition) })
	}}
}

// Invent adds a partition to the answer that was not asked for: a copy of the topic's first one,
// with another number.
func Invent(topic string, partition int32) Effect {
	return Effect{func(c *Cluster, e *broker.Effect) {
		e.Change = append(e.Change, func(_ kmsg.Request, resp kmsg.Response) { c.model.Invent(resp, topic, partition) })
	}}
}

// Before the request is served, a thing happens to the cluster. The names are those of the
// cluster's methods.

// ThenMoveLeader moves a leader before the request is served, if the broker can lead.
func ThenMoveLeader(topic string, partition, to int32) Effect {
	return do(func(c *Cluster, now time.Time) { c.model.MoveLeader(now, topic, partition, to) })
}

// ThenKill kills a broker before the request is served.
func ThenKill(broker int32) Effect {
	return do(func(c *Cluster, now time.Time) { c.kill(now, broker) })
}

// ThenRecreateTopic deletes a topic and creates it anew before the request is served.
func ThenRecreateTopic(name string) Effect {
	return do(func(c *Cluster, now time.Time) { c.model.RecreateTopic(now, name) })
}

// ThenDeleteTopic deletes a topic before the request is served.
func ThenDeleteTopic(name string) Effect {
	return do(func(c *Cluster, now time.Time) { c.model.DeleteTopic(now, name) })
}

func do(f func(*Cluster, time.Time)) Effect {
	return Effect{func(c *Cluster, e *broker.Effect) {
		e.Do = append(e.Do, func(now time.Time) { f(c, now) })
	}}
}

// A Rule is a fault that a cluster has.
type Rule struct {
	c *Cluster
	f *broker.Fault
}

// Fault makes requests go wrong, until the rule is removed. Of several rules for a request all
// apply.
func (c *Cluster) Fault(on Match, effects ...Effect) *Rule {
	r := &Rule{c, &broker.Fault{Match: on.m}}
	for _, e := range effects {
		e.set(c, &r.f.Effect)
	}
	c.with(func(m *broker.Cluster) { m.AddFault(r.f) })
	return r
}

// Hits returns how many requests it was for.
func (r *Rule) Hits() int {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	return r.f.Hits()
}

// Remove removes it. What it has stalled or delayed stays so.
func (r *Rule) Remove() {
	r.c.with(func(m *broker.Cluster) { m.RemoveFault(r.f) })
}
