package broker

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A Fault is a rule: what goes wrong with requests that match. It counts what it matched and
// depends on nothing else, so that other faults and other clients do not move it.
type Fault struct {
	Match
	Effect

	matched, hits int
}

// A Match says which requests. [AnyRequest] matches all; fields narrow it.
type Match struct {
	API    kmsg.APIKey // NoAPIKey for any
	Broker int32       // AnyBroker for any
	Client string      // the client id, "" for any
	// Topic and Partition choose requests that name the partition, be it because of the fetch
	// session that they go on with; and with it what Code and CodeAfter are put upon. AnyTopic
	// is every topic of the request.
	Topic     string
	Partition int32 // AnyPartition for any
	// Of the requests that match so far, Skip are let pass, and then Times are hit; 0 for all.
	Skip, Times int
}

// What a Match says that does not choose.
const (
	AnyBroker    int32 = -1  // every broker
	AnyPartition int32 = -1  // every partition, and what is of no partition
	AnyTopic           = "*" // every topic of the request
)

// AnyRequest matches all requests.
func AnyRequest() Match {
	return Match{API: kmsg.NoAPIKey, Broker: AnyBroker, Partition: AnyPartition}
}

// A Cut says when a connection is cut.
type Cut int8

const (
	NoCut     Cut = iota // the connection stays
	CutBefore            // the request has no effect and gets no answer
	CutAfter             // it has, but gets no answer
	CutMidway            // the answer is cut off after CutAt bytes
)

// An Effect is what goes wrong. Fields that are set work together.
type Effect struct {
	// Do runs first. It may call the cluster: to move a leader, say.
	Do []func(now time.Time)
	// Hold lets the request be served late.
	Hold time.Duration
	// Stall leaves the request unserved and the connection open.
	Stall bool
	// Cut cuts the connection, with a reset if Reset is set, without one by closing it.
	Cut   Cut
	CutAt int // half of the answer by default
	Reset bool
	// Code is answered instead of serving the request, or those parts of it that the match
	// names.
	Code kmsg.ErrorCode
	// CodeAfter is put into the answer although the request was served.
	CodeAfter kmsg.ErrorCode
	// Change changes the answer before it is written.
	Change []func(kmsg.Request, kmsg.Response)
	// Throttle is what the answer says, and the broker does.
	Throttle time.Duration
	// Correlation is added to the answer's correlation id.
	Correlation int32
	// Delay lets the answer come late.
	Delay time.Duration
	// Trickle sends the answer byte by byte, with a pause after each.
	Trickle time.Duration
}

// Hits returns how many requests the rule was applied to.
func (f *Fault) Hits() int { return f.hits }

// AddFault adds a rule, which must not be changed afterwards. Of several that match a request all
// apply.
func (c *Cluster) AddFault(f *Fault) { c.rules = append(c.rules, f) }

// RemoveFault removes a rule. Requests that it already holds stay held.
func (c *Cluster) RemoveFault(f *Fault) {
	c.rules = slices.DeleteFunc(c.rules, func(r *Fault) bool { return r == f })
}

// A fault is what all rules together do to one call.
type fault struct {
	do          []func(now time.Time)
	hold        time.Duration
	stall       bool
	cut         Cut
	cutAt       int
	reset       bool
	code        kmsg.ErrorCode
	parts       bool // there are codes for parts of the request
	rules       []*Fault
	change      []func(kmsg.Request, kmsg.Response)
	throttle    time.Duration
	correlation int32
	delay       time.Duration
	trickle     time.Duration
}

// faultsOf finds the rules for a call and counts it.
func (c *Cluster) faultsOf(x *call) fault {
	var all fault
	for _, r := range c.rules {
		if !c.matches(r, x) {
			continue
		}
		r.matched++
		if r.matched <= r.Skip || r.Times > 0 && r.matched > r.Skip+r.Times {
			continue
		}
		r.hits++
		all.add(c, r)
	}
	return all
}

func (c *Cluster) matches(r *Fault, x *call) bool {
	m := &r.Match
	return (m.API == kmsg.NoAPIKey || m.API == x.key) &&
		(m.Broker == AnyBroker || m.Broker == x.node().ID) &&
		(m.Client == "" || m.Client == x.header.ClientID.S) &&
		(m.Topic == "" || c.requestNames(x, m))
}

func (all *fault) add(c *Cluster, r *Fault) {
	e := &r.Effect
	all.do = append(all.do, e.Do...)
	all.hold = max(all.hold, e.Hold)
	all.stall = all.stall || e.Stall
	if e.Cut != NoCut {
		all.cut, all.cutAt, all.reset = e.Cut, e.CutAt, e.Reset
	}
	if e.Code != kmsg.None {
		all.code = e.Code
		if r.Topic != "" {
			all.parts = true
			all.rules = append(all.rules, r)
		}
	}
	if e.CodeAfter != kmsg.None {
		all.change = append(all.change, func(_ kmsg.Request, resp kmsg.Response) { c.setCodes(resp, r) })
	}
	all.change = append(all.change, e.Change...)
	all.throttle = max(all.throttle, e.Throttle)
	all.correlation += e.Correlation
	all.delay = max(all.delay, e.Delay)
	all.trickle = max(all.trickle, e.Trickle)
}

// refuses returns the code that a part of the request gets instead of being served.
func (x *call) refuses(topic string, partition int32) kmsg.ErrorCode {
	for _, r := range x.fault.rules {
		if r.Match.covers(topic, partition) {
			return r.Code
		}
	}
	return kmsg.None
}

// covers reports whether a partition is among those that the match names; a negative one stands
// for its topic.
func (m *Match) covers(topic string, partition int32) bool {
	return (m.Topic == AnyTopic || m.Topic == topic) &&
		(m.Partition == AnyPartition || partition < 0 || m.Partition == partition)
}
