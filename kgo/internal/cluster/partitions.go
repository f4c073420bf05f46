package cluster

import (
	"cmp"
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

// topic returns what is known of a topic after an answer, was itself if there is nothing new,
// and whether that is all there is to know: it is not if partitions are missing, have no leader,
// have one that is no broker, or contradict what is known.
func (m *merger) topic(was *Topic, got *kmsg.MetadataResponseTopic) (t *Topic, whole bool) {
	if was != nil && !was.ID.IsZero() && !got.TopicID.IsZero() && was.ID != got.TopicID {
		was = nil // created anew
	}
	base := was
	if base == nil {
		base = &Topic{ID: got.TopicID}
	}
	p := partitions{m: m, was: base.Partitions, got: got.Partitions}
	// An id on one side only, or on none, does not tell a topic from another of the same name. Nor
	// does the same on both while what came with it is in doubt.
	doubted := m.cell.doubts[got.Name.S]
	p.unsure = base.ID.IsZero() || got.TopicID.IsZero() || doubted.unsure
	p.credulous = doubted.answers >= doubtMax
	p.survey(got.ErrorCode)
	switch {
	case p.doubtful:
		m.cell.doubts[got.Name.S] = doubt{doubted.answers + 1, p.unsure}
	case doubted.answers > 0:
		delete(m.cell.doubts, got.Name.S)
	}
	whole = p.whole && got.ErrorCode == kmsg.None && len(got.Partitions) > 0
	id := got.TopicID
	if id.IsZero() && m.keepsID(base, got) && !p.credulous {
		id = base.ID
	}
	if was != nil && !p.changed && was.Err == got.ErrorCode && was.ID == id &&
		(was.Internal == got.IsInternal || got.ErrorCode != kmsg.None) {
		return was, whole
	}
	t = &Topic{Name: cmp.Or(got.Name.S, base.Name), ID: id, Internal: got.IsInternal, Err: got.ErrorCode, Partitions: base.Partitions}
	if p.changed {
		t.Partitions = p.build()
	}
	return t, whole
}

// keepsID says whether a topic still has the id that is known when an answer tells none. Without an
// id requests name the topic, which is always right; with that of a topic that was deleted they fail.
func (m *merger) keepsID(was *Topic, got *kmsg.MetadataResponseTopic) bool {
	switch {
	case got.ErrorCode != kmsg.None:
		return true // errors do not tell it
	case m.version >= 10:
		return false // the broker would, if it knew one; it does not while a cluster is upgraded to 2.8
	}
	// The version has no room for it. It says nothing of the id, unless the topic was gone meanwhile.
	return was.Err != kmsg.UnknownTopicOrPartition && was.Err != kmsg.UnknownTopicID
}

// partitions compares those of an answer with those that are known.
type partitions struct {
	m         *merger
	was       []Partition
	got       []kmsg.MetadataResponsePartition
	unsure    bool // the topic may be another one of the name
	credulous bool // older epochs are believed, and if unsure missing partitions

	size     int  // how many there are afterwards
	changed  bool // some are not as they were
	doubtful bool // some contradict what is known
	whole    bool
	lists    int // int32s in replica lists that have to be copied
}

// survey finds out what is new, without making anything.
func (p *partitions) survey(err kmsg.ErrorCode) {
	p.size = len(p.was)
	p.whole = true
	if len(p.got) == 0 {
		return
	}
	limit := p.limit()
	last, inOrder := int32(-1), true
	for i := range p.got {
		g := &p.got[i]
		n := g.PartitionIndex
		if n < 0 || int(n) >= limit {
			p.whole = false
			continue
		}
		inOrder = inOrder && n == last+1
		last = n
		p.size = max(p.size, int(n)+1)
		if g.LeaderID < 0 || !p.m.isBroker(g.LeaderID) {
			p.whole = false
		}
		if int(n) >= len(p.was) {
			p.changed = true
			p.count(g)
			continue
		}
		w := &p.was[n]
		switch {
		case p.older(w, g):
			p.doubtful, p.whole = true, false
		case !same(w, g):
			p.changed = true
			p.count(g)
		}
	}
	if !inOrder || int(last)+1 < p.size {
		p.gaps(limit)
	}
}

// gaps looks for partitions that the answer leaves out. They may be gone with their topic, unless this
// is the same one.
func (p *partitions) gaps(limit int) {
	c := p.m.cell
	seen := slices.Grow(c.seen[:0], p.size)[:p.size]
	clear(seen)
	c.seen = seen
	for i := range p.got {
		if n := p.got[i].PartitionIndex; n >= 0 && int(n) < limit {
			seen[n] = true
		}
	}
	first := slices.Index(seen, false)
	if first < 0 {
		return
	}
	p.whole = false
	switch {
	case !p.unsure:
		return
	case !p.credulous:
		p.doubtful = p.doubtful || first < len(p.was)
		return
	}
	for p.size > 0 && !seen[p.size-1] {
		p.size--
	}
	p.changed = p.changed || p.size != len(p.was)
}

// limit is how large a partition's number may be: anything is possible, but not that a short
// answer makes us keep a long list.
func (p *partitions) limit() int { return max(len(p.was), 2*len(p.got)+16) }

// older says whether the answer is from a broker that has not heard of the leader we know.
func (p *partitions) older(w *Partition, g *kmsg.MetadataResponsePartition) bool {
	return !p.credulous && g.LeaderEpoch >= 0 && g.LeaderEpoch < w.LeaderEpoch
}

func (p *partitions) count(g *kmsg.MetadataResponsePartition) {
	p.lists += len(g.ReplicaNodes) + len(g.ISRNodes) + len(g.OfflineReplicas)
}

// same says whether nothing changed.
func same(w *Partition, g *kmsg.MetadataResponsePartition) bool {
	return w.Leader == g.LeaderID && w.LeaderEpoch == g.LeaderEpoch && w.Err == g.ErrorCode &&
		slices.Equal(w.ISR, g.ISRNodes) && slices.Equal(w.Replicas, g.ReplicaNodes) &&
		slices.Equal(w.Offline, g.OfflineReplicas)
}

// build returns the partitions afterwards.
func (p *partitions) build() []Partition {
	all := make([]Partition, p.size)
	n := copy(all, p.was)
	for i := range all[n:] {
		all[n+i] = Partition{Leader: -1, LeaderEpoch: -1, Err: kmsg.LeaderNotAvailable}
	}
	lists := make([]int32, 0, p.lists)
	list := func(from []int32) []int32 {
		start := len(lists)
		lists = append(lists, from...)
		return lists[start:len(lists):len(lists)]
	}
	for i := range p.got {
		g := &p.got[i]
		if g.PartitionIndex < 0 || int(g.PartitionIndex) >= p.size {
			continue
		}
		w := &all[g.PartitionIndex]
		if p.older(w, g) || same(w, g) {
			continue
		}
		*w = Partition{Leader: g.LeaderID, LeaderEpoch: g.LeaderEpoch, Err: g.ErrorCode}
		w.Replicas = list(g.ReplicaNodes)
		w.ISR = w.Replicas
		if !slices.Equal(g.ISRNodes, g.ReplicaNodes) {
			w.ISR = list(g.ISRNodes)
		}
		if len(g.OfflineReplicas) > 0 {
			w.Offline = list(g.OfflineReplicas)
		}
	}
	return all
}
