package broker

import (
	"math"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// evictAfter is how long a fetch session is safe from being given up for another (KIP-227).
// Kafka: min.incremental.fetch.session.eviction.ms.
const evictAfter = 2 * time.Minute

// fetchSessions are those of one broker.
type fetchSessions struct {
	byID map[int32]*fetchSession
}

func newFetchSessions() fetchSessions { return fetchSessions{map[int32]*fetchSession{}} }

// A fetchSession remembers what a client reads.
type fetchSession struct {
	id            int32
	epoch         int32 // what the next request must have
	usesIDs       bool  // and not names
	parts         []*fetchPart
	created, used time.Time
}

// A fetchPart is a partition that is to be read.
type fetchPart struct {
	name      string
	id        kbin.UUID
	index     int32
	offset    int64
	maxBytes  int
	epoch     int32 // of the leader, as the client knows it
	lastEpoch int32 // of the record before offset

	toldHW, toldStart int64 // what the session's client was told, -1 for nothing
}

// A fetchContext is one request: what is to be read, and how its answer is told.
type fetchContext struct {
	parts   []*fetchPart
	session *fetchSession // that is gone on with, nil for none
	opens   bool          // a session, if there is room
}

// fetchContext finds out what a request wants to read.
func (c *Cluster) fetchContext(n *node, req *kmsg.FetchRequest) (fetchContext, kmsg.ErrorCode) {
	parts := partsOfFetch(req)
	sessions := &n.sessions
	usesIDs := req.Version >= 13
	switch {
	case req.Version < 7:
		return fetchContext{parts: parts}, kmsg.None
	case req.SessionEpoch <= 0:
		delete(sessions.byID, req.SessionID)
		return fetchContext{parts: parts, opens: req.SessionEpoch == 0}, kmsg.None
	}
	s := sessions.byID[req.SessionID]
	switch {
	case s == nil:
		return fetchContext{}, kmsg.FetchSessionIDNotFound
	case s.epoch != req.SessionEpoch:
		return fetchContext{}, kmsg.InvalidFetchSessionEpoch
	case s.usesIDs != usesIDs:
		return fetchContext{}, kmsg.FetchSessionTopicIDError
	}
	s.update(parts, req)
	s.used = c.now
	s.epoch = nextSessionEpoch(s.epoch)
	if len(s.parts) == 0 {
		delete(sessions.byID, s.id)
		return fetchContext{}, kmsg.None
	}
	return fetchContext{parts: s.parts, session: s}, kmsg.None
}

func nextSessionEpoch(epoch int32) int32 {
	if epoch == math.MaxInt32 {
		return 1
	}
	return epoch + 1
}

func partsOfFetch(req *kmsg.FetchRequest) []*fetchPart {
	var parts []*fetchPart
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			parts = append(parts, &fetchPart{
				name: t.Topic, id: t.TopicID, index: p.Partition,
				offset: p.FetchOffset, maxBytes: int(p.PartitionMaxBytes), epoch: p.CurrentLeaderEpoch, lastEpoch: p.LastFetchedEpoch,
				toldHW: -1, toldStart: -1,
			})
		}
	}
	return parts
}

// update takes over what a request adds to a session, changes and forgets.
func (s *fetchSession) update(parts []*fetchPart, req *kmsg.FetchRequest) {
	type key struct {
		name  string
		id    kbin.UUID
		index int32
	}
	at := make(map[key]*fetchPart, len(s.parts))
	if len(parts) > 0 {
		for _, p := range s.parts {
			at[key{p.name, p.id, p.index}] = p
		}
	}
	for _, p := range parts {
		k := key{p.name, p.id, p.index}
		if known := at[k]; known != nil {
			known.offset, known.maxBytes, known.epoch, known.lastEpoch = p.offset, p.maxBytes, p.epoch, p.lastEpoch
			continue
		}
		at[k] = p
		s.parts = append(s.parts, p)
	}
	for i := range req.ForgottenTopicsData {
		t := &req.ForgottenTopicsData[i]
		s.parts = slices.DeleteFunc(s.parts, func(p *fetchPart) bool {
			return p.name == t.Topic && p.id == t.TopicID && slices.Contains(t.Partitions, p.index)
		})
	}
}

// open remembers a request as a session, if there is room or somebody to give up, and returns its
// id, 0 without one.
func (c *Cluster) openSession(n *node, req *kmsg.FetchRequest, parts []*fetchPart) int32 {
	sessions := &n.sessions
	slots := c.properties.sessionSlots
	if slots <= 0 {
		return 0
	}
	if len(sessions.byID) >= slots && !sessions.evict(c.now, len(parts)) {
		return 0
	}
	s := &fetchSession{epoch: 1, usesIDs: req.Version >= 13, parts: parts, created: c.now, used: c.now}
	for s.id == 0 || sessions.byID[s.id] != nil {
		s.id = c.rand.Int32()
	}
	sessions.byID[s.id] = s
	return s.id
}

// evict gives up the session that was not used for longest, if that is long, or else the smallest
// one that is old enough and smaller than the new one.
func (s *fetchSessions) evict(now time.Time, size int) bool {
	var idle, small *fetchSession
	for _, o := range s.byID {
		if idle == nil || o.used.Before(idle.used) || o.used.Equal(idle.used) && o.id < idle.id {
			idle = o
		}
		if now.Sub(o.created) > evictAfter && (small == nil || len(o.parts) < len(small.parts) || len(o.parts) == len(small.parts) && o.id < small.id) {
			small = o
		}
	}
	switch {
	case idle != nil && now.Sub(idle.used) > evictAfter:
		delete(s.byID, idle.id)
	case small != nil && len(small.parts) < size:
		delete(s.byID, small.id)
	default:
		return false
	}
	return true
}

// names reports whether the session that a request goes on with has a partition that is covered.
func (s *fetchSessions) names(req *kmsg.FetchRequest, covers func(string, kbin.UUID, int32) bool) bool {
	known := s.byID[req.SessionID]
	if req.Version < 7 || req.SessionEpoch <= 0 || known == nil {
		return false
	}
	return slices.ContainsFunc(known.parts, func(p *fetchPart) bool { return covers(p.name, p.id, p.index) })
}
