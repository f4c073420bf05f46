package cluster

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// doubtMax is how often in a row an answer about a topic may be contradicted by what is known before it
// is believed. If no id tells that it is the same topic, that was created anew; if one does, what is
// known came from a hint that had no id, and was about another topic of the name.
const doubtMax = 10

// A doubt counts the answers about a topic that what is known contradicts.
type doubt struct {
	answers int  // in a row
	unsure  bool // they may be about another topic
}

// A merger makes the next snapshot of the last one and an answer, in place of which it changes
// nothing. What is equal is shared.
type merger struct {
	cell    *Cell
	was     *Snapshot
	now     time.Time
	ask     *AskMetadata
	version int16 // of the answer

	brokers []Broker
	none    bool     // there are none, and no answer will tell any
	topics  []*Topic // those of was with replacements, nil for dropped; nil as long as all are the same
	added   []*Topic
	moved   bool // byID has to be made anew
	marks   []bool
	last    int // where the last topic of the answer was
}

// merge takes in an answer.
func (c *Cell) merge(now time.Time, e *MetadataAnswer) {
	resp, ask := e.Response, e.To
	m := merger{cell: c, was: c.snapshot, now: now, ask: ask, version: resp.Version}
	if ask.full {
		c.full, c.fullAt = false, now
	}
	if id := resp.ClusterID.S; id != "" && m.was.ClusterID != "" && id != m.was.ClusterID {
		m.was = &Snapshot{ClusterID: id} // the seeds lead to another cluster: nothing holds any more
		c.full = !ask.full
		clear(c.doubts)
	}
	next := &Snapshot{
		Seq:          ask.number,
		Old:          m.was.Old,
		ClusterID:    cmp.Or(resp.ClusterID.S, m.was.ClusterID),
		ControllerID: resp.ControllerID,
		coordinators: m.was.coordinators,
	}
	m.mergeBrokers(resp)
	next.Brokers, next.NoBrokers = m.brokers, m.none
	m.marks = slices.Grow(c.marks[:0], len(m.was.Topics))[:len(m.was.Topics)]
	clear(m.marks)
	c.marks = m.marks
	for i := range resp.Topics {
		m.take(&resp.Topics[i])
	}
	m.missing(resp)
	next.Topics, next.byID = m.finish()
	if ask.full || next.Old.IsZero() {
		c.refresh = now.Add(c.config.MaxAge)
		next.Old = c.refresh
	}
	for _, in := range c.due {
		in.due = in.due && in.answered <= in.newer
	}
	c.setSnapshot(next)
	c.dropHealth()
}

// mergeBrokers sets the brokers. An answer without any keeps those that are known, and is no good,
// unless it is from a release that has no better one, which it is of no use to ask again.
func (m *merger) mergeBrokers(resp *kmsg.MetadataResponse) {
	c := m.cell
	c.bare.settle(m.ask.number)
	m.brokers, c.present = m.was.Brokers, nil
	if len(resp.Brokers) == 0 {
		if m.none = len(m.brokers) == 0 && resp.Version == 0; m.none {
			return
		}
		c.bare.failures++
		c.retryLater(m.now, &c.bare)
		return
	}
	c.bare.failures = 0
	brokers := make([]Broker, len(resp.Brokers))
	for i := range resp.Brokers {
		b := &resp.Brokers[i]
		brokers[i] = Broker{b.NodeID, b.Host, b.Port, b.Rack.S}
	}
	slices.SortStableFunc(brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	brokers = slices.CompactFunc(brokers, func(a, b Broker) bool { return a.ID == b.ID })
	if !slices.Equal(brokers, m.brokers) {
		m.brokers = brokers
	}
	for _, b := range brokers {
		if b.ID >= 0 && b.ID < presentMax {
			c.present = append(c.present, make([]bool, max(0, int(b.ID)+1-len(c.present)))...)
			c.present[b.ID] = true
		}
	}
}

// presentMax bounds the table of brokers, which is there because each partition is looked up.
const presentMax = 1 << 12

// isBroker says whether a leader is among the brokers.
func (m *merger) isBroker(id int32) bool {
	if present := m.cell.present; id >= 0 && int(id) < len(present) {
		return present[id]
	}
	_, ok := findBroker(m.brokers, id)
	return ok
}

// take merges a topic of the answer, if somebody is interested in it.
func (m *merger) take(got *kmsg.MetadataResponseTopic) {
	c, name, id := m.cell, got.Name.S, got.TopicID
	byName, byID := c.names[name], c.ids[id]
	if id.IsZero() {
		byID = nil
	}
	if byName == nil && byID == nil && !c.keepsAll(m.now) || name == "" && id.IsZero() {
		return
	}
	at, known := m.last+1, name != "" // answers are often in order
	if at >= len(m.was.Topics) || m.was.Topics[at].Name != name {
		at, known = findName(m.was.Topics, name)
	}
	if name == "" || len(m.was.Topics) > 0 && m.was.Topics[0].Name == "" {
		switch t := m.was.TopicByID(id); {
		case t != nil && name == "":
			at = m.at(t)
			known = m.current(at) != nil && m.current(at).ID == id // unless it was just created anew
		case t != nil && t.Name == "":
			m.drop(m.at(t)) // the id has got a name
		}
	}
	var was *Topic
	if known {
		m.marks[at] = true
		m.last = at
		was = m.current(at)
	}
	t, whole := m.topic(was, got)
	switch {
	case !known:
		m.added = append(m.added, t)
	case t != was:
		m.replace(at, t)
		if old := m.cell.ids[was.ID]; old != nil && t.ID != was.ID && !was.ID.IsZero() {
			m.added = append(m.added, &Topic{ID: was.ID, Err: kmsg.UnknownTopicID}) // created anew
		}
	}
	m.answered(byName, t, whole)
	m.answered(byID, t, whole)
}

// answered notes that a topic somebody is interested in was in the answer.
func (m *merger) answered(in *interest, t *Topic, whole bool) {
	if in == nil {
		return
	}
	in.settle(m.ask.number)
	if whole {
		in.failures = 0
		return
	}
	in.failures++
	if in.wants > 0 && passes(t.Err) {
		m.cell.retryLater(m.now, in)
	}
}

// passes reports whether what a topic's code says may be otherwise soon. Java does not retry
// BROKER_NOT_AVAILABLE; it speaks of a broker that may come back.
func passes(code kmsg.ErrorCode) bool {
	return code == kmsg.None || code.Retriable() || code == kmsg.BrokerNotAvailable
}

// missing deals with topics that are not in the answer though they should be.
func (m *merger) missing(resp *kmsg.MetadataResponse) {
	c, number := m.cell, m.ask.number
	for _, in := range m.ask.interests {
		if in.answered == number {
			continue
		}
		in.settle(number)
		code := kmsg.UnknownTopicOrPartition
		t := m.was.Topic(in.name)
		switch {
		case in.name == "" && in.id.IsZero():
			continue // all topics
		case in.name == "":
			t = m.was.TopicByID(in.id)
			code = kmsg.UnknownTopicID
			if resp.Version < 12 {
				code = kmsg.UnsupportedVersion
			}
		}
		next := &Topic{Name: in.name, ID: in.id, Err: code}
		if t == nil {
			m.added = append(m.added, next)
		} else if at := m.at(t); m.current(at) != nil && m.current(at).Err != code {
			*next = *m.current(at)
			next.Err = code
			m.replace(at, next)
		}
		m.answered(in, next, false)
	}
	if !m.ask.full && !m.ask.All {
		return
	}
	for at, t := range m.was.Topics {
		if !m.marks[at] && c.names[t.Name] == nil && (t.ID.IsZero() || c.ids[t.ID] == nil) {
			m.drop(at)
		}
	}
}

// at returns where a topic of the last snapshot is in it.
func (m *merger) at(t *Topic) int {
	i, _ := slices.BinarySearchFunc(m.was.Topics, t, compareTopics)
	return i
}

func (m *merger) current(at int) *Topic {
	if m.topics != nil {
		return m.topics[at]
	}
	return m.was.Topics[at]
}

func (m *merger) replace(at int, t *Topic) {
	if m.topics == nil {
		m.topics = slices.Clone(m.was.Topics)
	}
	m.moved = m.moved || t == nil || m.topics[at] == nil || t.ID != m.topics[at].ID
	m.topics[at] = t
}

func (m *merger) drop(at int) { m.replace(at, nil) }

// finish returns the topics of the next snapshot, and their order by id.
func (m *merger) finish() ([]*Topic, []int32) {
	topics := m.topics
	if topics == nil {
		if len(m.added) == 0 {
			return m.was.Topics, m.was.byID
		}
		topics = slices.Clone(m.was.Topics)
	}
	if !m.moved && len(m.added) == 0 {
		return topics, m.was.byID
	}
	topics = slices.DeleteFunc(topics, func(t *Topic) bool { return t == nil })
	topics = append(topics, m.added...)
	slices.SortStableFunc(topics, compareTopics)
	topics = slices.CompactFunc(topics, func(a, b *Topic) bool { return compareTopics(a, b) == 0 })
	return slices.Clip(topics), indexByID(topics)
}

func indexByID(topics []*Topic) []int32 {
	byID := make([]int32, 0, len(topics))
	for i, t := range topics {
		if !t.ID.IsZero() {
			byID = append(byID, int32(i))
		}
	}
	slices.SortFunc(byID, func(a, b int32) int { return compareID(topics[a].ID, topics[b].ID) })
	return byID
}

// compareTopics orders topics by name, and those without by id.
func compareTopics(a, b *Topic) int {
	if order := strings.Compare(a.Name, b.Name); order != 0 || a.Name != "" {
		return order
	}
	return compareID(a.ID, b.ID)
}
