package route

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A verdict is what can be done with an item now.
type verdict int8

const (
	hold   verdict = iota // until its pause is over, or nothing: it is done
	send                  // to a broker
	ask                   // the cluster for metadata
	lookUp                // its coordinator
)

// dispatch sends what can be sent, else asks for what has to be known, else waits.
func (c *Call) dispatch(now time.Time, known *cluster.Snapshot) Step {
	until := c.deadline
	verdicts := [4]int{}
	shards := c.firstSent[:0]
	for i := range c.items {
		it := &c.items[i]
		if it.state != pending || it.asking {
			it.verdict = hold
			continue
		}
		var broker int32
		broker, it.verdict = c.target(now, it, known)
		if now.Before(it.pause) && (it.verdict == send && !c.another(it, broker, known) || it.verdict != send && it.calm) {
			it.verdict = hold
		}
		verdicts[it.verdict]++
		switch {
		case it.verdict == send:
			shards = c.put(shards, i, broker)
		case it.verdict == hold && it.state == pending && it.pause.Before(until):
			until = it.pause
		}
	}
	switch {
	case len(shards) > 0:
		for _, s := range shards {
			c.launch(now, s, known)
		}
		return Step{Do: Send, Shards: shards}
	case verdicts[ask] > 0 && c.need == nil:
		return c.askFor()
	case verdicts[lookUp] > 0 && c.find == nil:
		return c.lookFor()
	}
	return Step{Do: Wait, Until: until}
}

// freely is how often an item goes to another broker without a pause. Brokers that send a client
// back and forth are not to make it busy.
const freely = 2

// another says whether an item that failed goes to another broker now, which takes no pause.
func (c *Call) another(it *item, broker int32, known *cluster.Snapshot) bool {
	switch {
	case it.attempts > freely:
		return false
	case broker == Any:
		return it.written != Yes && len(c.avoid) > 0 && len(c.avoid) < len(known.Brokers)
	}
	return broker != it.broker
}

// target finds out whom an item goes to.
func (c *Call) target(now time.Time, it *item, known *cluster.Snapshot) (int32, verdict) {
	if c.options.Aimed {
		c.topicOf(it, known)
		if c.options.Broker < 0 {
			return c.options.Broker, send
		}
		return c.named(it, c.options.Broker, known)
	}
	switch c.to {
	case ToController:
		return c.controller(it, known)
	case ToLeaders:
		return c.leader(now, it, known)
	case ToGroupCoordinator, ToTransactionCoordinator, ToShareCoordinator:
		c.topicOf(it, known)
		return c.coordinator(it, known)
	case ToResources:
		if id, ok := c.resource(it); ok {
			return c.named(it, id, known)
		}
	case ToAll, ToReplicas:
		return c.named(it, it.broker, known)
	}
	return Any, send
}

// lacks says that what is known does not do for an item, if it is as of now.
func (it *item) lacks(known *cluster.Snapshot) bool {
	if !it.fresh {
		it.stale, it.seq = true, known.Seq
	}
	return it.stale
}

// named sends to a broker that has to be that one.
func (c *Call) named(it *item, id int32, known *cluster.Snapshot) (int32, verdict) {
	if _, ok := known.Broker(id); ok {
		return id, send
	}
	if it.lacks(known) {
		return id, ask
	}
	it.broker, it.written = id, No
	it.fail(kmsg.BrokerNotAvailable, &UnknownBrokerError{id})
	return id, hold
}

// ErrUnknownBroker is wrapped by an [*UnknownBrokerError].
var ErrUnknownBroker = errors.New("no such broker")

// An UnknownBrokerError says that the cluster has no such broker.
type UnknownBrokerError struct{ Broker int32 }

// Error says which broker.
func (e *UnknownBrokerError) Error() string {
	return fmt.Sprintf("broker %d is not among the live brokers of the cluster", e.Broker)
}

// Unwrap returns [ErrUnknownBroker].
func (e *UnknownBrokerError) Unwrap() error { return ErrUnknownBroker }

func (c *Call) controller(it *item, known *cluster.Snapshot) (int32, verdict) {
	id := known.ControllerID
	if _, ok := known.Broker(id); ok && (!it.stale || id != it.broker) {
		return id, send
	}
	if it.lacks(known) {
		return Any, ask
	}
	return Any, send // nobody knows: any broker says so, or that it does not have the API
}

// leader finds the leader of an item's partition.
func (c *Call) leader(now time.Time, it *item, known *cluster.Snapshot) (int32, verdict) {
	if it.key.topic == "" && it.key.id.IsZero() {
		it.fail(kmsg.InvalidTopicException, errNoTopic)
		return Any, hold
	}
	t := c.topicOf(it, known)
	if t == nil {
		it.lacks(known)
		return Any, ask
	}
	var p *cluster.Partition
	if t.Err == kmsg.None || Meaning(t.Err).Is(Retriable) {
		p = t.Partition(it.key.partition) // what was known before the error may still hold
	}
	code := t.Err
	switch {
	case p == nil && code == kmsg.None:
		code = kmsg.UnknownTopicOrPartition
	case p == nil:
	case p.Leader < 0:
		code = kmsg.LeaderNotAvailable
	default:
		if _, ok := known.Broker(p.Leader); ok && (!it.stale || p.Leader != it.broker) {
			return p.Leader, send
		}
		code = kmsg.LeaderNotAvailable // it is nowhere, or not what we took it for
	}
	if it.lacks(known) {
		return Any, ask
	}
	it.seq = known.Seq
	c.nobodyThere(now, it, code, "")
	return Any, hold
}

// nobodyThere notes that there is nobody to ask about an item now. Why the last who was asked
// failed is told with that, should it stay so.
func (c *Call) nobodyThere(now time.Time, it *item, code kmsg.ErrorCode, text string) {
	before := it.err
	if before == nil {
		it.broker, it.written = Any, No
	}
	it.attempts++
	c.setback(now, it, code, text)
	it.err, it.calm = before, true
}

var errNoTopic = errors.New("the request names neither a topic nor its id")

// topicOf returns what is known of an item's topic, nil if nothing is, and takes over what the
// user did not say of name and id.
func (c *Call) topicOf(it *item, known *cluster.Snapshot) *cluster.Topic {
	if it.topic < 0 {
		return nil
	}
	mine := &c.topics[it.topic]
	t := known.Topic(mine.name)
	if mine.byID {
		t = known.TopicByID(mine.id)
	}
	if t == nil {
		return nil
	}
	if !mine.byID {
		mine.id = t.ID
	} else if mine.name == "" {
		mine.name = t.Name
	}
	if mine.name != "" && !mine.id.IsZero() && c.ids[mine.name] != mine.id {
		if c.names == nil {
			c.names, c.ids = map[kbin.UUID]string{}, map[string]kbin.UUID{}
		}
		c.names[mine.id], c.ids[mine.name] = mine.name, mine.id
	}
	return t
}

// coordinatorKey returns what a coordinator is found by, and whether there is such a thing:
// InitProducerId without a transactional id goes to any broker.
func (c *Call) coordinatorKey(it *item) (string, bool) {
	key := it.key.other
	if c.plan.keyField >= 0 {
		f := c.value.Field(c.plan.keyField)
		if null, ok := f.Addr().Interface().(*kbin.NullString); ok && !null.Valid {
			return "", false
		}
		key = text(f)
	}
	if c.to == ToShareCoordinator {
		key += ":" + it.key.id.String() + ":" + strconv.Itoa(int(it.key.partition))
	}
	return key, true
}

func (c *Call) coordinator(it *item, known *cluster.Snapshot) (int32, verdict) {
	key, ok := c.coordinatorKey(it)
	if !ok {
		return Any, send
	}
	id, ok := known.Coordinator(c.coordinatorType(), key)
	if _, there := known.Broker(id); !ok || !there || it.stale && id == it.broker {
		return Any, lookUp
	}
	return id, send
}

func (c *Call) toCoordinator() bool {
	return c.to == ToGroupCoordinator || c.to == ToTransactionCoordinator || c.to == ToShareCoordinator
}

func (c *Call) coordinatorType() kmsg.CoordinatorType {
	switch c.to {
	case ToTransactionCoordinator:
		return kmsg.CoordinatorTransaction
	case ToShareCoordinator:
		return kmsg.CoordinatorShare
	}
	return kmsg.CoordinatorGroup
}

// resource returns the broker that an item is about: configs of a broker, and the levels of its
// loggers, are that broker's (KIP-226, KIP-412). Those of all brokers, which have no name, are
// not.
func (c *Call) resource(it *item) (int32, bool) {
	elem := c.plan.in.elem(c.value, it.in)[0]
	keys := c.plan.in.levels[0].keys
	switch kmsg.ConfigResourceType(elem.Field(keys[0].field).Int()) {
	case kmsg.ConfigResourceBroker, kmsg.ConfigResourceBrokerLogger:
		id, err := strconv.ParseInt(elem.Field(keys[1].field).String(), 10, 32)
		return int32(id), err == nil && id >= 0
	}
	return 0, false
}

// brokersKnown makes the brokers the items of a call to all of them. They have to be known as of
// now: a broker that was forgotten is an answer that is wrong.
func (c *Call) brokersKnown(known *cluster.Snapshot) bool {
	if len(c.items) > 0 {
		return true
	}
	if known.NoBrokers && known.Seq > c.freshly {
		c.to, c.whole = ToAny, true // a seed is all there is
		c.items = append(c.items, wholeItem(Any))
		return true
	}
	if known.Seq <= c.freshly || len(known.Brokers) == 0 {
		return false
	}
	var only map[int32]bool
	if c.to == ToReplicas {
		var ok bool
		if only, ok = c.replicas(known); !ok {
			return false
		}
	}
	for _, b := range known.Brokers {
		if only == nil || only[b.ID] {
			it := wholeItem(b.ID)
			it.seq, it.fresh = known.Seq, true
			c.items = append(c.items, it)
		}
	}
	if len(c.items) == 0 { // no broker has a replica: let any say so
		c.to, c.whole = ToAny, true
		c.items = append(c.items, wholeItem(Any))
	}
	return true
}

// replicas returns the brokers with a replica of what a request names, nil for all brokers, and
// whether all topics are known.
func (c *Call) replicas(known *cluster.Snapshot) (map[int32]bool, bool) {
	if c.value.Field(c.plan.in.levels[0].list).Len() == 0 {
		return nil, true
	}
	brokers, complete := map[int32]bool{}, true
	c.plan.in.walk(c.value, func(_ reflect.Value, k key, _ at) {
		t := known.Topic(k.topic)
		if t == nil {
			complete = complete && k.topic == ""
			return
		}
		if p := t.Partition(k.partition); p != nil {
			for _, id := range p.Replicas {
				brokers[id] = true
			}
		}
	})
	return brokers, complete
}
