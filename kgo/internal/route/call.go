package route

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Config is how a [Router] behaves. Zero values take the defaults.
type Config struct {
	Timeout        time.Duration   // 60 s; of a call without a deadline. Java: default.api.timeout.ms
	RequestTimeout time.Duration   // 30 s; of one attempt, beside what the broker is asked to wait. Java: request.timeout.ms
	Backoff        cluster.Backoff // [cluster.DefaultBackoff]; between attempts
	Retries        int             // after the first attempt; 0 for as many as the deadline allows. Java: retries
	// ForGood reports whether it is of no use to ask for brokers or coordinators again after an
	// error, as with credentials that are refused; nil for never.
	ForGood func(error) bool
}

const (
	defaultTimeout        = 60 * time.Second
	defaultRequestTimeout = 30 * time.Second
)

// briefly is how often something is tried again that may well last, as an unknown topic does.
const briefly = 3

// Options are those of one call.
type Options struct {
	// Deadline is when the call ends, whatever has come of it; zero for [Config.Timeout] from
	// now.
	Deadline time.Time
	// Aimed says that the request goes to Broker, undivided, instead of where it belongs: a
	// broker of the snapshot, or below zero whatever that means to who sends it.
	Aimed  bool
	Broker int32
	// Pinned says that the request goes in Version and no other. Aimed and pinned, it goes as it
	// is: nothing is put in another shape.
	Pinned  bool
	Version int16
	// AtLeast is the lowest version that will do, besides what the request itself demands.
	AtLeast int16
	// Once forbids to try again.
	Once bool
	// Seed makes the jitter.
	Seed uint64
}

// ErrDeadline is among the causes of a [Failure] if the deadline of the call came first.
var ErrDeadline = errors.New("time is up")

// A Call is one request of a user on its way. It is for one goroutine at a time.
type Call struct {
	router   *Router
	plan     *plan
	req      kmsg.Request // not to be written to; the user's, or a copy in the newer shape
	value    reflect.Value
	older    bool // the user's has the older shape
	raw      bool // it goes as it is
	whole    bool // there are no items but the request itself
	sparse   bool // the answer has only items that there is something to say about
	to       Target
	options  Options
	deadline time.Time
	random   uint64

	items  []item
	topics []topic              // that items are about
	names  map[kbin.UUID]string // of topics, as far as they are known
	ids    map[string]kbin.UUID // the reverse

	flying    []*Shard
	answers   []answer
	single    bool // a broker has no room for several items
	brokers   int  // how many there were at the last attempt
	lacking   int  // how many attempts found a broker without a version that would do
	avoid     []int32
	throttled time.Time // by the last answer that said so

	begun    bool
	freshly  uint64 // the snapshot has to be later, for all brokers
	need     *cluster.Need
	find     *cluster.NeedCoordinators
	tell     []cluster.Event
	setbacks int       // failures to learn of the brokers, in a row
	freshAt  time.Time // when to try again

	ended   bool  // no more of it is tried
	cause   error // why
	lastErr error // why the brokers are not known
	done    bool
	last    Step // when it is done

	// Memory for the first of each; most calls have one.
	firstItem   [1]item
	firstShard  Shard
	firstFlying [1]*Shard
	firstSent   [1]*Shard
	firstAnswer [1]answer
}

// An item is what a request asks for one of, or the request as a whole.
type item struct {
	key   key
	in    at    // in the request
	topic int32 // among the call's, -1 for none

	state    state
	verdict  verdict // of the last look at it
	attempts int
	briefs   int       // attempts that failed in a way that may well last
	pause    time.Time // when it is tried again, unless it goes to another broker
	calm     bool      // nor is the cluster asked before
	stale    bool      // what is known has led to a failure
	fresh    bool      // the cluster was asked for it
	asking   bool      // the cluster is being asked

	// The last attempt.
	broker  int32
	seq     uint64 // of the snapshot
	version int16
	written Written

	// What came of it.
	from     int32 // among the answers, -1 for none
	where    at    // in that answer
	absent   bool  // there is nothing about it in that answer, and need not be
	code     kmsg.ErrorCode
	text     string
	answered bool  // the code is of an answer
	err      error // else, or of an attempt before
}

type state int8

const (
	pending state = iota
	flying
	done
)

// A topic is one that items are about.
type topic struct {
	name string
	id   kbin.UUID
	byID bool // the id is the user's: it does not change
}

// An answer is one that is part of the whole.
type answer struct {
	resp    kmsg.Response
	value   reflect.Value
	version int16
}

// Call begins a call.
func (r *Router) Call(now time.Time, req kmsg.Request, o Options) *Call {
	c := new(Call)
	r.Begin(c, now, req, o)
	return c
}

// Begin is [Router.Call] in memory that there is already: a zero Call, which must not be copied
// from then on. One that is done, and of which no shard is under way, may be made zero for another.
func (r *Router) Begin(c *Call, now time.Time, req kmsg.Request, o Options) {
	c.router, c.plan, c.req, c.options, c.deadline, c.random = r, r.plan(req), req, o, o.Deadline, o.Seed
	if c.deadline.IsZero() {
		c.deadline = now.Add(r.config.Timeout)
	}
	c.to = c.plan.to
	if c.raw = o.Aimed && o.Pinned; !c.raw {
		c.req, c.older = newerShape(req)
	}
	c.value = structOf(c.req)
	c.sparse = c.plan.sparse || inSession(c.req)
	c.items, c.flying, c.answers = c.firstItem[:0], c.firstFlying[:0], c.firstAnswer[:0]
	switch {
	case c.raw:
	case c.to == ToAll, c.to == ToReplicas:
		if !o.Aimed { // the brokers are the items, as soon as they are known
			if c.to == ToReplicas {
				c.plan.in.walk(c.value, func(_ reflect.Value, k key, _ at) { c.addTopic(k) })
			}
			return
		}
	case c.plan.in != nil:
		c.plan.in.walk(c.value, c.addItem)
	}
	if len(c.items) == 0 {
		c.whole = true
		c.items = append(c.items, wholeItem(Any))
		if c.plan.in != nil && c.plan.keyField < 0 && c.to != ToController {
			c.to = ToAny // it asks for nothing: let any broker say so
		}
	}
	if q, ok := c.req.(*kmsg.AddPartitionsToTxnRequest); ok && !slices.ContainsFunc(q.Transactions, verifies) {
		c.single = true // several are for brokers, which may do more
	}
	if err := c.refuse(); err != nil && !o.Aimed {
		c.whole, c.items = true, c.items[:1]
		c.items[0] = wholeItem(Any)
		c.items[0].fail(kmsg.InvalidRequest, err)
	}
}

// wholeItem is the item of a request that is not split, or of a call to all brokers.
func wholeItem(broker int32) item {
	return item{key: noKey, topic: -1, broker: broker, version: -1, from: -1}
}

func verifies(t kmsg.AddPartitionsToTxnRequestTransaction) bool { return t.VerifyOnly }

// structOf returns the struct of a message, invalid if it is none.
func structOf(m kmsg.Message) reflect.Value {
	if v := reflect.ValueOf(m); v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return reflect.Value{}
}

// refuse says why a request cannot be sent without being aimed.
func (c *Call) refuse() error {
	api := c.plan.api.Key
	if c.plan.to == ToNobody {
		return &RefusedError{api, "clients do not send it: aim it at a broker if that is meant"}
	}
	if inSession(c.req) {
		return &RefusedError{api, "a fetch session belongs to one broker: aim the request at it"}
	}
	return nil
}

// inSession says whether a request goes on with a fetch session (KIP-227).
func inSession(req kmsg.Request) bool {
	q, ok := req.(*kmsg.FetchRequest)
	return ok && (q.SessionID != 0 || q.SessionEpoch > 0)
}

// addItem adds an item of the request.
func (c *Call) addItem(_ reflect.Value, k key, in at) {
	it := item{key: k, in: in, topic: -1, broker: -1, version: -1, from: -1}
	if k.topic != "" || !k.id.IsZero() {
		it.topic = c.addTopic(k)
	}
	c.items = append(c.items, it)
}

// addTopic returns the topic of a key. Partitions of a topic mostly follow each other.
func (c *Call) addTopic(k key) int32 {
	t := topic{name: k.topic, id: k.id, byID: !k.id.IsZero()}
	last := len(c.topics) - 1
	if last < 0 || c.topics[last].name != t.name || t.byID && c.topics[last].id != t.id {
		c.topics = append(c.topics, t)
		last++
	}
	return int32(last)
}

// Next returns what to do now. Call it again after each step but [Wait], and then when something
// was told, or at Until. What is known of the cluster is never nil.
func (c *Call) Next(now time.Time, known *cluster.Snapshot) Step {
	if c.done {
		return c.last
	}
	if !c.ended && !now.Before(c.deadline) {
		c.end(ErrDeadline)
	}
	if c.ended {
		return c.finish()
	}
	if !c.begun {
		c.begun = true
		c.freshly = known.Seq
		if !known.Old.IsZero() && now.After(known.Old) {
			c.tell = append(c.tell, c.touch())
		}
	}
	if len(c.tell) > 0 {
		e := c.tell[0]
		c.tell = c.tell[1:]
		return Step{Do: Tell, Tell: e}
	}
	if !c.brokersKnown(known) {
		return c.askBrokers(now)
	}
	step := c.dispatch(now, known)
	switch {
	case step.Do != Wait:
		return step
	case c.complete():
		return c.finish()
	}
	return c.impatient(now, known, step)
}

// touch says which topics the call is about.
func (c *Call) touch() *cluster.Touch {
	e := &cluster.Touch{}
	for i := range c.topics {
		if t := &c.topics[i]; t.byID {
			e.IDs = append(e.IDs, t.id)
		} else {
			e.Topics = append(e.Topics, t.name)
		}
	}
	return e
}

// complete says whether nothing is left to be done.
func (c *Call) complete() bool {
	for i := range c.items {
		if c.items[i].state != done {
			return false
		}
	}
	return true
}

// Cancel ends the call: the next step is [Done], with what is there, and with err for the rest.
func (c *Call) Cancel(err error) {
	if !c.ended {
		c.end(err)
	}
}

func (c *Call) end(err error) { c.ended, c.cause = true, err }

// pauseAfter returns when to try again after the n-th failure.
func (c *Call) pauseAfter(now time.Time, n int) time.Time {
	// SplitMix64: a call has its own few random numbers.
	c.random += 0x9e3779b97f4a7c15
	z := c.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return now.Add(c.router.config.Backoff.After(n, float64(z>>11)/(1<<53)))
}
