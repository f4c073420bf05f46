package kgo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A consumedTopic is a topic of a consumer.
type consumedTopic struct {
	name    string
	whole   bool // all partitions
	matches bool // because of the pattern
	parts   map[int32]*consumed

	found   bool // its partitions were found
	missing bool // brokers said that there is no such topic
	since   time.Time
	told    kmsg.ErrorCode
}

// A consumed is a partition of a consumer. All of it is under the consumer's lock.
type consumed struct {
	topic *consumedTopic
	index int32
	core  *fetch.Partition

	stamp   uint64 // of the last change of position
	start   Start  // where it begins
	paused  bool
	removed bool
	ended   bool  // has been read to its end, with StopAtEnd
	stopped bool  // waits for a Seek
	skipTo  int64 // for Skip, -1 if it does not know

	position int64          // of the user, unless now is set; -1 if it is not known yet
	lost     *PositionError // is told when it is known where to go on
	now      *chunk         // is being read
	queue    []event
	listed   bool // among the ready

	high, stable, logStart int64
}

// An event is what comes to the user of a partition: one of these.
type event struct {
	chunk *chunk
	err   error
	to    int64 // position after err, -1 for no change
	ended bool
}

// begin asks for what the options name.
func (c *Consumer) begin() {
	c.mu.Lock()
	names := c.addTopics(c.config.topics)
	var parts []topicPartition
	for topic, list := range c.config.parts {
		for _, index := range list {
			parts = append(parts, topicPartition{topic, index})
		}
	}
	more, assign := c.addPartitions(parts, c.config.start)
	c.mu.Unlock()
	c.want(append(names, more...), c.config.pattern != nil)
	c.assign(assign)
}

// want has topics watched, and asks for them.
func (c *Consumer) want(names []string, all bool) {
	if len(names) == 0 && !all {
		return
	}
	c.client.meta.post(&cluster.Want{Topics: names, All: all, Create: c.client.config.autoCreate && !all})
	c.ask(names, all)
	c.update(nil)
}

func (c *Consumer) ask(names []string, all bool) {
	need := &cluster.Need{Topics: names, All: all, Reason: "to consume"}
	need.Notify = func() { c.answered(need) }
	c.client.meta.post(need)
}

// answered takes note of an answer to what was asked.
func (c *Consumer) answered(need *cluster.Need) {
	if need.Err != nil {
		if !errors.Is(need.Err, ErrClosed) {
			c.tell(c.client.errorOf(kmsg.KeyMetadata, need.Err))
		}
		return
	}
	if need.All {
		c.mu.Lock()
		c.listed = true
		c.mu.Unlock()
	}
	c.resolve()
	c.mu.Lock()
	c.rouse() // there may be nothing to read
	c.mu.Unlock()
}

// unwant takes back what was wanted.
func (c *Consumer) unwant() {
	c.mu.Lock()
	var names []string
	for _, t := range c.topics {
		if !t.matches {
			names = append(names, t.name)
		}
		for _, p := range t.parts {
			c.drop(p)
		}
	}
	c.unlock()
	create := c.client.config.autoCreate
	if len(names) > 0 {
		c.client.meta.post(&cluster.Unwant{Topics: names, Create: create})
	}
	if c.config.pattern != nil {
		c.client.meta.post(&cluster.Unwant{All: true})
	}
}

// AddTopics consumes more topics, all of their partitions; those that are consumed already are left
// as they are. The error says which names no topic can have, or that the consumer is closed.
func (c *Consumer) AddTopics(names ...string) error {
	for _, name := range names {
		if !legalTopic(name) {
			return &Error{Op: "consume", Broker: -1, Topic: name, Partition: -1, API: kmsg.NoAPIKey, Version: -1, Code: kmsg.InvalidTopicException}
		}
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	added := c.addTopics(names)
	c.mu.Unlock()
	c.want(added, false)
	return nil
}

// addTopics returns those that are new.
func (c *Consumer) addTopics(names []string) (added []string) {
	for _, name := range names {
		t := c.topics[name]
		if t == nil {
			t = c.addTopic(name)
			added = append(added, name)
		}
		t.whole = true
	}
	return added
}

func (c *Consumer) addTopic(name string) *consumedTopic {
	t := &consumedTopic{name: name, parts: map[int32]*consumed{}, since: now()}
	c.topics[name] = t
	return t
}

// AddPartitions consumes more partitions, from start on; those that are consumed already are left
// as they are.
func (c *Consumer) AddPartitions(partitions map[string][]int32, start Start) error {
	var all []topicPartition
	for topic, list := range partitions {
		for _, index := range list {
			if !legalTopic(topic) || index < 0 {
				return &Error{Op: "consume", Broker: -1, Topic: topic, Partition: index, API: kmsg.NoAPIKey, Version: -1, Code: kmsg.UnknownTopicOrPartition}
			}
			all = append(all, topicPartition{topic, index})
		}
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	names, assign := c.addPartitions(all, start)
	c.mu.Unlock()
	c.want(names, false)
	c.assign(assign)
	return nil
}

func (c *Consumer) addPartitions(parts []topicPartition, start Start) (names []string, assign []*consumed) {
	slices.SortFunc(parts, func(a, b topicPartition) int {
		if n := strings.Compare(a.topic, b.topic); n != 0 {
			return n
		}
		return int(a.partition - b.partition)
	})
	for _, at := range parts {
		t := c.topics[at.topic]
		if t == nil {
			t = c.addTopic(at.topic)
			names = append(names, at.topic)
		}
		if t.parts[at.partition] == nil {
			assign = append(assign, c.addPartition(t, at.partition, start))
		}
	}
	return names, assign
}

func (c *Consumer) addPartition(t *consumedTopic, index int32, start Start) *consumed {
	if own, ok := c.config.starts[topicPartition{t.name, index}]; ok {
		start = own
	}
	p := &consumed{topic: t, index: index, stamp: 1, start: start, position: -1, skipTo: -1, high: -1, stable: -1, logStart: -1}
	p.core = fetch.New(t.name, index, p)
	p.stopped = start.at.Place == fetch.Nowhere
	t.parts[index] = p
	return p
}

// assign hands partitions to the cell.
func (c *Consumer) assign(parts []*consumed) {
	if len(parts) == 0 {
		return
	}
	e := &fetch.Assign{}
	for _, p := range parts {
		e.Parts = append(e.Parts, fetch.Assigned{Partition: p.core})
	}
	c.loop.Post(e)
}

// RemoveTopics stops consuming topics; what was fetched of them is dropped. Those that the pattern
// of [TopicPattern] matches come back with the next metadata.
func (c *Consumer) RemoveTopics(names ...string) {
	c.remove(func(t *consumedTopic) []int32 {
		if !slices.Contains(names, t.name) {
			return nil
		}
		t.whole = false
		return slices.Collect(maps.Keys(t.parts))
	})
}

// RemovePartitions stops consuming single partitions, of those that were named by [Assign] or
// [Consumer.AddPartitions]; what was fetched of them is dropped.
func (c *Consumer) RemovePartitions(partitions map[string][]int32) {
	c.remove(func(t *consumedTopic) []int32 {
		if t.whole {
			return nil
		}
		return partitions[t.name]
	})
}

func (c *Consumer) remove(which func(*consumedTopic) []int32) {
	e := &fetch.Unassign{}
	var names []string
	c.mu.Lock()
	for name, t := range c.topics {
		for _, index := range which(t) {
			if p := t.parts[index]; p != nil {
				c.drop(p)
				delete(t.parts, index)
				e.Parts = append(e.Parts, p.core)
			}
		}
		if len(t.parts) == 0 && !t.whole {
			delete(c.topics, name)
			if !t.matches {
				names = append(names, name)
			}
		}
	}
	c.rouse()
	c.unlock()
	c.changes.Add(1)
	if len(e.Parts) > 0 {
		c.loop.Post(e)
	}
	if len(names) > 0 {
		c.client.meta.post(&cluster.Unwant{Topics: names, Create: c.client.config.autoCreate})
	}
}

// drop ends a partition.
func (c *Consumer) drop(p *consumed) {
	c.restamp(p)
	p.removed = true
}

// missingPatience is how long nobody is told that there is no such topic: one that was just created
// is not known to all brokers at once.
const missingPatience = 5 * time.Second

// resolve finds the partitions of topics, with the newest that is known of the cluster.
func (c *Consumer) resolve() {
	at := now()
	var assign []*consumed
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	s := c.client.meta.snapshot()
	if re := c.config.pattern; re != nil {
		for _, k := range s.Topics {
			if k.Err == kmsg.None && !k.Internal && k.Name != "" && c.topics[k.Name] == nil && re.MatchString(k.Name) {
				t := c.addTopic(k.Name)
				t.whole, t.matches = true, true
				t.missing = c.listed // it is new
			}
		}
	}
	for _, t := range c.topics {
		k := s.Topic(t.name)
		switch {
		case !t.whole:
			t.found = true
		case k == nil:
		case len(k.Partitions) > 0:
			start := c.config.start
			if t.found || t.missing {
				start = start.later()
			}
			for i := range int32(len(k.Partitions)) {
				if t.parts[i] == nil {
					assign = append(assign, c.addPartition(t, i, start))
				}
			}
			t.found, t.told = true, kmsg.None
		case k.Err != kmsg.None:
			c.lacks(at, t, k.Err)
		}
	}
	c.mu.Unlock()
	c.assign(assign)
}

// lacks takes note of a topic without partitions, and tells it: at once if waiting will not help, else
// when it has lasted.
func (c *Consumer) lacks(at time.Time, t *consumedTopic, code kmsg.ErrorCode) {
	t.missing = t.missing || code == kmsg.UnknownTopicOrPartition
	if t.found || t.told == code {
		return
	}
	if m := route.Meaning(code); m.Is(route.Retriable) {
		if left := missingPatience - at.Sub(t.since); left > 0 {
			if c.remind == nil {
				c.remind = time.AfterFunc(left, c.resolve)
			} else {
				c.remind.Reset(left)
			}
			return
		}
	}
	t.told = code
	e := &Error{Op: "fetch", Broker: -1, Topic: t.name, Partition: -1, API: kmsg.KeyMetadata, Version: -1, Code: code}
	e.Retriable = route.Meaning(code).Is(route.Retriable)
	c.client.complete(e)
	c.errs = append(c.errs, e)
	c.rouse()
}

// tell shows an error that is of no partition.
func (c *Consumer) tell(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, err)
	}
	c.rouse()
}

// maxErrors is how many errors wait for who consumes; more would say the same.
const maxErrors = 64

// rouse wakes who waits for records.
func (c *Consumer) rouse() {
	if c.wake {
		c.wake = false
		select {
		case c.signal <- struct{}{}:
		default:
		}
	}
}

// over reports whether all was read, with StopAtEnd.
func (c *Consumer) over() bool {
	if !c.config.stopAtEnd || c.config.pattern != nil && !c.listed {
		return false
	}
	for _, t := range c.topics {
		if !t.found && t.told == kmsg.None {
			return false
		}
		for _, p := range t.parts {
			if !p.ended && !p.stopped {
				return false
			}
		}
	}
	return true
}

// question lets a goroutine ask brokers something.
func (c *Consumer) question(ask func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.asking.Go(func() { ask(c.ctx) })
	}
}
