package cluster

import "slices"

// hint takes in what a data request told of one leader. The rest of the topic stays as it is: a
// hint is no metadata.
func (c *Cell) hint(e *LeaderHint) {
	t := e.topic(c.snapshot)
	p := e.about(c.snapshot)
	if p == nil || c.closed != nil || e.Leader < 0 || e.Epoch <= p.LeaderEpoch {
		return
	}
	if e.Endpoint != nil && e.Endpoint.ID == e.Leader {
		c.addBroker(*e.Endpoint, true)
	}
	if _, ok := c.snapshot.Broker(e.Leader); !ok {
		return // nobody knows where that is
	}
	next := *t
	next.Partitions = slices.Clone(t.Partitions)
	changed := &next.Partitions[e.Partition]
	changed.Leader, changed.LeaderEpoch, changed.Err = e.Leader, e.Epoch, 0
	s := *c.snapshot
	s.Topics = slices.Clone(s.Topics)
	at, _ := slices.BinarySearchFunc(s.Topics, t, compareTopics)
	s.Topics[at] = &next
	c.setSnapshot(&s)
}

// Helps reports whether the hint goes with what is known, or is newer. Else the cluster is to be asked:
// there is nothing to correct, or a broker that has no newer word does not agree.
func (h *LeaderHint) Helps(s *Snapshot) bool {
	p := h.about(s)
	return p != nil && (h.Epoch > p.LeaderEpoch || h.Leader == p.Leader)
}

// about returns what is known of the partition that the hint is about, nil if nothing is, or only of
// another topic of the same name: epochs of one do not compare with those of another.
func (h *LeaderHint) about(s *Snapshot) *Partition {
	if t := h.topic(s); t != nil {
		return t.Partition(h.Partition)
	}
	return nil
}

func (h *LeaderHint) topic(s *Snapshot) *Topic {
	if h.Topic == "" {
		return s.TopicByID(h.TopicID)
	}
	t := s.Topic(h.Topic)
	if t != nil && t.ID != h.TopicID && !t.ID.IsZero() && !h.TopicID.IsZero() {
		return nil
	}
	return t
}

// addBroker adds a broker that an answer other than that to Metadata has told of. If that is
// newer than what is known it changes the address.
func (c *Cell) addBroker(b Broker, newer bool) {
	at, known := findBroker(c.snapshot.Brokers, b.ID)
	if known {
		was := c.snapshot.Brokers[at]
		if b.Rack == "" {
			b.Rack = was.Rack
		}
		if was == b || !newer {
			return
		}
	}
	if b.Host == "" {
		return
	}
	s := *c.snapshot
	s.Brokers, s.NoBrokers = slices.Clone(s.Brokers), false
	if known {
		s.Brokers[at] = b
	} else {
		s.Brokers = slices.Insert(s.Brokers, at, b)
	}
	c.setSnapshot(&s)
}
