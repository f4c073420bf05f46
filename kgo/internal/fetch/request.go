package fetch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Request is a Fetch to send. It is an action itself; [Answered] tells what became of it. Until
// then it stays as it is, and afterwards its memory is used again.
type Request struct {
	Broker int32
	Lane   int // requests of one lane go over a connection of their own

	// MinVersion and MaxVersion are what will do: a session knows its topics by name or by id.
	MinVersion, MaxVersion int16

	MaxWait   time.Duration
	MinBytes  int
	MaxBytes  int
	Isolation kmsg.IsolationLevel
	Rack      string

	SessionID, SessionEpoch int32
	Entries                 []Entry // all partitions, or in a session those that changed
	Forgotten               []Entry // have left the session

	// Reserved is what was taken of the budget for the answer, in bytes.
	Reserved int64

	// Sent is how many of Entries the request had, and Version its version, as Fill found out.
	Sent    int
	Version int16

	lane *lane
}

// An Entry is a partition in a [Request].
type Entry struct {
	Topic       string
	ID          kbin.UUID
	Index       int32
	Offset      int64
	LeaderEpoch int32
	MaxBytes    int32
	Needed      bool // its next batch takes MaxBytes
}

// restWait is how long a request of a busy lane waits whose partitions do not lag any more, until
// the idle lane takes them over.
const restWait = 100 * time.Millisecond

// Versions of Fetch that matter.
const (
	versionMaxBytes = 3  // the request has a limit, and the first batch comes whole (KIP-74)
	versionSessions = 7  // KIP-227
	versionIDs      = 13 // KIP-516
)

// build makes the lane's next request, nil if it has nothing to ask for, or must not now.
func (c *Cell) build(now time.Time, l *lane) *Request {
	if l.flight || l.rests {
		return nil
	}
	if l.number == 0 {
		c.adopt(l)
	}
	c.recheck(now, l)
	if len(l.members) == 0 {
		return nil
	}
	r := &l.request
	bite := c.size(l)
	if r.Reserved == 0 {
		c.starve(l)
		return nil
	}
	*r = Request{
		Broker: l.broker.id, Lane: l.number, lane: l,
		MinVersion: 0, MaxVersion: math.MaxInt16,
		MaxWait: c.cfg.MaxWait, MinBytes: c.cfg.MinBytes, MaxBytes: r.MaxBytes,
		Isolation: c.cfg.Isolation, Rack: c.cfg.Rack,
		SessionID: l.session.id, SessionEpoch: l.session.epoch,
		Entries: r.Entries[:0], Forgotten: r.Forgotten[:0],
		Reserved: r.Reserved,
	}
	switch {
	case l.lagging > 0:
		r.MaxWait = 0
	case l.number > 0:
		r.MaxWait = min(r.MaxWait, restWait)
	}
	if now.Before(l.broker.rackless) {
		r.Rack = ""
	}
	if l.session.epoch == 0 {
		l.fill(r, bite)
	} else {
		c.diff(l, r, bite)
	}
	l.flight = true
	return r
}

// starve lets a lane wait for room.
func (c *Cell) starve(l *lane) {
	if !l.starves {
		l.starves = true
		c.starved = append(c.starved, l)
		c.do(&Short{})
	}
}

// size takes room for an answer, notes it in the request and returns how much of it is for each
// partition. A lane may use its share of the budget, so that others come to theirs.
func (c *Cell) size(l *lane) (bite int) {
	r := &l.request
	share := int(max(c.cfg.BufferBytes/int64(2*c.active), int64(c.cfg.Bite)))
	target := min(l.target, share)
	bite = min(max(target/max(1, l.lagging), c.cfg.Bite), c.cfg.PartitionBytes)
	want := max(bite, min(bite*l.lagging, target))
	for _, m := range l.dirty {
		if m.p.at == m {
			want = max(want, m.p.need)
		}
	}
	overhead := frameBytes + newsBytes*len(l.members)
	ahead := int64(math.MaxInt64)
	if l.number > 0 && l.lagging > 0 {
		ahead = 2 * int64(want) * int64(c.active)
	}
	least := min(want, c.cfg.Bite)
	r.Reserved = c.cfg.Budget.Take(int64(least+overhead), int64(want+overhead), ahead)
	r.MaxBytes = max(int(r.Reserved)-overhead, 0)
	return bite
}

// fill asks for all partitions, and for a session.
func (l *lane) fill(r *Request, bite int) {
	if l.first >= len(l.members) {
		l.first = 0
	}
	names := false
	for i := range l.members {
		m := l.members[(l.first+i)%len(l.members)]
		m.send(r, bite)
		names = names || m.sent.id.IsZero()
	}
	if names {
		r.MaxVersion = versionIDs - 1
	}
	// Those of a topic stand together, so that its name is sent once.
	if l.first == 0 {
		slices.SortStableFunc(r.Entries, func(a, b Entry) int { return cmp.Compare(a.Topic, b.Topic) })
	}
	l.clean()
}

// diff tells the session what changed.
func (c *Cell) diff(l *lane, r *Request, bite int) {
	r.MinVersion = versionSessions
	if l.session.ids {
		r.MinVersion = versionIDs
	} else {
		r.MaxVersion = versionIDs - 1
	}
	for _, m := range l.dirty {
		if m.p.at != m {
			continue // it has left
		}
		if l.session.ids && m.p.topic.id.IsZero() {
			l.session.epoch = 0 // topics are told by name from now on
			r.SessionEpoch, r.MinVersion, r.MaxVersion = 0, 0, math.MaxInt16
			r.Entries = r.Entries[:0]
			l.fill(r, bite)
			return
		}
		m.send(r, bite)
	}
	for _, f := range l.forget {
		p := c.find(f.topic, kbin.UUID{}, f.index)
		if p != nil && p.at != nil && p.at.lane == l && (p.at.sent.id == f.id || !l.session.ids) {
			continue // it is back, and was sent as it is now
		}
		r.Forgotten = append(r.Forgotten, Entry{Topic: f.topic, ID: f.id, Index: f.index})
	}
	l.clean()
}

// clean notes that the session is told all.
func (l *lane) clean() {
	for _, m := range l.dirty {
		m.dirty = false
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
	clear(l.forget)
	l.forget = l.forget[:0]
}

// send puts the partition into a request.
func (m *member) send(r *Request, bite int) {
	p := m.p
	s := sent{jumps: p.jumps, id: p.topic.id, offset: p.position, leaderEpoch: p.leaderEpoch, max: max(bite, p.need)}
	if m.in && s.id != m.sent.id && r.SessionEpoch > 0 {
		m.lane.forget = append(m.lane.forget, forgotten{p.Topic, m.sent.id, p.Index})
	}
	m.sent, m.in = s, true
	r.Entries = append(r.Entries, Entry{
		Topic: p.Topic, ID: s.id, Index: p.Index,
		Offset: s.offset, LeaderEpoch: s.leaderEpoch, MaxBytes: int32(min(s.max, math.MaxInt32)), Needed: p.need >= s.max,
	})
}

// Fill writes the request into a message, whose memory is used again, in the shape of a version.
// Before there were limits for requests it leaves partitions out that would bring too much; they
// come later.
func (r *Request) Fill(msg *kmsg.FetchRequest, version int16) {
	topics, forgotten := msg.Topics, msg.ForgottenTopicsData
	msg.Version = version
	msg.Reset()
	msg.MaxWaitMs = int32(r.MaxWait.Milliseconds())
	msg.MinBytes, msg.MaxBytes = int32(r.MinBytes), int32(min(r.MaxBytes, math.MaxInt32))
	msg.IsolationLevel, msg.RackID = r.Isolation, r.Rack
	msg.SessionID, msg.SessionEpoch = r.SessionID, r.SessionEpoch
	r.Version, r.Sent = version, len(r.Entries)
	if version < versionMaxBytes {
		r.Sent = r.fit()
		if r.Sent < len(r.Entries) {
			msg.MaxWaitMs = min(msg.MaxWaitMs, partialWait)
		}
	}
	msg.Topics = topics[:0]
	for i := range r.Entries[:r.Sent] {
		e := &r.Entries[i]
		var t *kmsg.FetchRequestTopic
		if n := len(msg.Topics); i > 0 && r.Entries[i-1].Topic == e.Topic && r.Entries[i-1].ID == e.ID {
			t = &msg.Topics[n-1]
		} else {
			msg.Topics = slices.Grow(msg.Topics, 1)[:n+1]
			t = &msg.Topics[n]
			t.Topic, t.TopicID, t.Partitions = e.Topic, e.ID, t.Partitions[:0]
		}
		p := kmsg.NewFetchRequestPartition()
		p.Partition, p.FetchOffset, p.CurrentLeaderEpoch, p.PartitionMaxBytes = e.Index, e.Offset, e.LeaderEpoch, e.MaxBytes
		t.Partitions = append(t.Partitions, p)
	}
	msg.ForgottenTopicsData = forgotten[:0]
	for i := range r.Forgotten {
		e := &r.Forgotten[i]
		n := len(msg.ForgottenTopicsData)
		if i == 0 || r.Forgotten[i-1].Topic != e.Topic || r.Forgotten[i-1].ID != e.ID {
			msg.ForgottenTopicsData = slices.Grow(msg.ForgottenTopicsData, 1)[:n+1]
			t := &msg.ForgottenTopicsData[n]
			t.Topic, t.TopicID, t.Partitions = e.Topic, e.ID, t.Partitions[:0]
			n++
		}
		t := &msg.ForgottenTopicsData[n-1]
		t.Partitions = append(t.Partitions, e.Index)
	}
}

// partialWait is how long a request waits that not all partitions had room in, in milliseconds.
const partialWait = 50

// smallBite is how many bytes of a partition are worth a request.
const smallBite = 64 << 10

// fit makes the partitions' shares smaller and returns how many of them may be asked for without
// bringing more than the request may, one at least.
func (r *Request) fit() int {
	share := int32(max(r.MaxBytes/max(1, len(r.Entries)), smallBite))
	left := r.MaxBytes
	for i := range r.Entries {
		e := &r.Entries[i]
		if !e.Needed {
			e.MaxBytes = min(e.MaxBytes, share)
		}
		if left -= int(e.MaxBytes); left < 0 {
			return max(i, 1)
		}
	}
	return len(r.Entries)
}
