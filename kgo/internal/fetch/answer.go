package fetch

import (
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// answered takes note of what became of a request.
func (c *Cell) answered(now time.Time, e *Answered) {
	l := e.Request.lane
	l.flight = false
	resp := e.Response
	if resp != nil { // what is read comes before what is said of it
		clear(c.deliver.Chunks)
		c.deliver = Deliver{e.Request, c.deliver.Chunks[:0]}
		c.do(&c.deliver)
	}
	if resp == nil {
		l.session.epoch = 0
		c.failed(now, l, kmsg.None, e.Failure, e.Fatal)
	} else if resp.ErrorCode != kmsg.None {
		c.refusedAll(now, l, resp.ErrorCode)
	} else {
		l.failures, l.told = 0, false
		l.session.take(e.Request, resp)
		c.read(now, l, e)
	}
	l.part()
	if idle := l.broker.lanes[0]; l.number > 0 && !idle.flight && !idle.rests {
		c.adopt(idle)
	}
	c.queue(l)
}

// take notes what session the answer leaves.
func (s *session) take(r *Request, resp *kmsg.FetchResponse) {
	if resp.SessionID == 0 {
		*s = session{} // the broker has none to spare, or knows no such thing
		return
	}
	if r.SessionEpoch == 0 {
		*s = session{id: resp.SessionID, ids: resp.Version >= versionIDs}
	}
	if s.epoch++; s.epoch < 0 {
		s.epoch = 1
	}
}

// refusedAll takes note of an answer that is an error as a whole.
func (c *Cell) refusedAll(now time.Time, l *lane, code kmsg.ErrorCode) {
	switch code {
	case kmsg.FetchSessionIDNotFound:
		l.session = session{}
	default:
		l.session.epoch = 0 // the broker ends the session if there is one
	}
	switch code {
	case kmsg.FetchSessionIDNotFound, kmsg.InvalidFetchSessionEpoch, kmsg.FetchSessionTopicIDError:
		if l.failures == 0 {
			l.failures++ // at once, but not for ever
			l.since = now
			return
		}
	}
	c.failed(now, l, code, nil, !mayPass(code))
}

// failed lets a lane wait, longer each time. The leaders of its partitions may be others by now; who
// reads from a replica goes back to the leader.
func (c *Cell) failed(now time.Time, l *lane, code kmsg.ErrorCode, err error, fatal bool) {
	if l.failures == 0 {
		l.since = now
	}
	l.failures++
	l.retryAt = now.Add(c.cfg.Backoff.After(l.failures, c.cfg.Random()))
	c.later(l.retryAt)
	if !l.rests {
		l.rests = true
		c.resting = append(c.resting, l)
	}
	for i := len(l.members) - 1; i >= 0; i-- {
		p := l.members[i].p
		c.doubt(p.topic, "a broker did not answer")
		if p.leader != l.broker.id {
			c.mistrust(now, p)
			c.settle(now, p)
		}
	}
	if !l.told && len(l.members) > 0 && (fatal || now.Sub(l.since) >= c.cfg.Patience) {
		l.told = true
		c.do(&Report{Why: Failing, Broker: l.broker.id, Code: code, Err: err})
	}
}

// mistrust lets nobody but the leader serve a partition for a while.
func (c *Cell) mistrust(now time.Time, p *Partition) {
	p.preferred = -1
	p.distrusted = now.Add(distrust)
	c.broker(p.leader).rackless = p.distrusted
}

// read takes in what an answer has for the lane's partitions.
func (c *Cell) read(now time.Time, l *lane, e *Answered) {
	l.answers++
	c.touched = c.touched[:0]
	bytes := 0
	for i := range e.Response.Responses {
		t := &e.Response.Responses[i]
		for j := range t.Partitions {
			d := &t.Partitions[j]
			bytes += len(d.Records)
			p := c.find(t.Topic, t.TopicID, d.PartitionIndex)
			if p == nil {
				continue
			}
			if m := p.memberOf(l); m != nil && m.counts() {
				c.partition(now, m, e, d)
			}
		}
	}
	if l.session.epoch == 0 && len(l.members) > 0 {
		l.first = (l.first + c.served(e.Request)) % len(l.members)
	}
	full := bytes >= e.Request.MaxBytes/2
	c.rest(l, full)
	if l.number == 0 && l.lagging > 0 {
		c.press(l, c.touched)
	} else if l.number > 0 && full {
		l.aim(e.Waited)
	}
}

// aim decides how much to ask for after a full answer that somebody has waited for.
func (l *lane) aim(waited time.Duration) {
	long := longWait * time.Duration(l.target/busyBytes)
	switch {
	case waited >= long:
		l.target, l.early = min(2*l.target, mostBytes), 0
	case waited >= long/4 || l.target == busyBytes:
		l.early = 0
	default:
		if l.early++; l.early == earlyEnough {
			l.target, l.early = l.target/2, 0
		}
	}
}

// served is after how many of a request's partitions the next one begins: where a broker fills its
// answers from the front, all of them shall come to be in front.
func (c *Cell) served(r *Request) int {
	if r.Version < versionMaxBytes && r.Sent < len(r.Entries) {
		return r.Sent
	}
	return max(1, len(c.touched))
}

// rest lets partitions lag no longer that got nothing though there was room, and counts those that
// an answer leaves lagging again and again.
func (c *Cell) rest(l *lane, full bool) {
	if l.lagging == 0 {
		return
	}
	if !full && l.lagging > 0 {
		for _, m := range l.members {
			if m.lags && m.got != l.answers {
				m.setLags(false)
			}
		}
		return
	}
	if l.number == 0 {
		for _, m := range l.members {
			if m.lags && m.got != l.answers {
				m.press = pressEnough // there was so much that it did not get its turn
				c.touched = append(c.touched, m)
			}
		}
	}
}

// partition takes in what an answer has for a partition.
func (c *Cell) partition(now time.Time, m *member, e *Answered, d *kmsg.FetchResponsePartitionData) {
	p, l := m.p, m.lane
	here := p.at == m
	if d.ErrorCode != kmsg.None {
		if here {
			c.refused(now, m, d, e.Response)
		}
		return
	}
	if d.DivergingEpoch.EndOffset >= 0 {
		if here {
			c.do(&Truncated{p, p.stamp, p.position, d.DivergingEpoch.EndOffset, d.DivergingEpoch.Epoch})
			p.state = halted
			c.leave(p)
		}
		return
	}
	p.well()
	p.highWatermark, p.lastStable, p.logStart = d.HighWatermark, d.LastStableOffset, d.LogStartOffset
	if id := d.PreferredReadReplica; id >= 0 && id != l.broker.id && here && len(d.Records) == 0 {
		c.redirect(now, m, e.Request, id)
		return
	}
	chunk, ok := c.walk(p, d)
	c.deliver.Chunks = append(c.deliver.Chunks, chunk)
	switch {
	case chunk.Broken:
		p.state = halted // until somebody has seen it
		c.leave(p)
		return
	case p.position >= p.stop:
		p.state = ended
		c.leave(p)
		c.do(&Ended{p, p.stamp})
		return
	case !ok && here:
		c.stuck(now, m, len(d.Records) > 0, e.Response.Version)
		return
	case !here:
		if p.at != nil {
			c.touch(p.at) // it goes on from elsewhere now
		}
		return
	}
	c.progress(m, len(d.Records))
}

// progress notes whether the partition lags after records have come.
func (c *Cell) progress(m *member, bytes int) {
	p, l := m.p, m.lane
	m.got = l.answers
	c.touched = append(c.touched, m)
	c.touch(m)
	end := p.end(c.cfg.Isolation)
	m.setLags(p.position < end)
	switch {
	case !m.lags:
	case bytes >= m.sent.max/2:
		m.press = pressEnough
	default:
		m.press++
	}
}

// stuck looks into an answer that did not bring the partition ahead.
func (c *Cell) stuck(now time.Time, m *member, records bool, version int16) {
	p := m.p
	end := p.end(c.cfg.Isolation)
	if p.stop > end && p.leader == m.lane.broker.id && end >= 0 && p.position >= end && c.cfg.StopAtEnd {
		p.stop = end // what was there at first is there no more
		c.leave(p)
		p.state = ended
		c.do(&Ended{p, p.stamp})
		return
	}
	if !records {
		m.setLags(p.position < end)
		return
	}
	have, need := c.reader.Cut()
	switch {
	case have == 0:
		c.trouble(now, p, trouble{err: errNoProgress, broker: m.lane.broker.id})
	case need > c.cfg.FrameBytes-frameBytes-newsBytes:
		c.do(&Report{Partition: p, Stamp: p.stamp, Why: TooLarge, Broker: m.lane.broker.id, Code: kmsg.MessageTooLarge,
			Err: fmt.Errorf("the batch has %d bytes", need), From: p.position, To: -1})
		p.state = halted
		c.leave(p)
	case need > m.sent.max || version < versionMaxBytes:
		p.need = max(need, have+1)
		m.setLags(true)
		m.got = m.lane.answers
		c.touch(m)
	}
}

// refused takes note of an error of a partition.
func (c *Cell) refused(now time.Time, m *member, d *kmsg.FetchResponsePartitionData, resp *kmsg.FetchResponse) {
	p, code := m.p, d.ErrorCode
	from := m.lane.broker.id
	meaning := route.Meaning(code)
	if meaning.Is(route.StaleMetadata) {
		c.hint(p, d, resp)
	}
	switch {
	case from != p.leader:
		c.mistrust(now, p)
		c.settle(now, p)
	case code == kmsg.OffsetOutOfRange:
		if m.sent.offset == p.position {
			c.outOfRange(now, p)
		}
	default:
		c.trouble(now, p, trouble{code: code, broker: from})
	}
}

// hint passes on who leads the partition, if the answer says so, and asks else.
func (c *Cell) hint(p *Partition, d *kmsg.FetchResponsePartitionData, resp *kmsg.FetchResponse) {
	leader := d.CurrentLeader
	if leader.LeaderID < 0 || leader.LeaderEpoch < 0 {
		c.doubt(p.topic, "a broker does not lead a partition")
		return
	}
	h := &Hint{cluster.LeaderHint{Topic: p.Topic, TopicID: p.topic.id, Partition: p.Index, Leader: leader.LeaderID, Epoch: leader.LeaderEpoch}}
	if i := slices.IndexFunc(resp.NodeEndpoints, func(e kmsg.FetchResponseNodeEndpoint) bool { return e.NodeID == leader.LeaderID }); i >= 0 {
		e := &resp.NodeEndpoints[i]
		h.Endpoint = &cluster.Broker{ID: e.NodeID, Host: e.Host, Port: e.Port, Rack: e.Rack.S}
	} else if _, known := c.snapshot.Broker(leader.LeaderID); !known {
		c.doubt(p.topic, "a partition is led by a broker that is not known")
	}
	c.do(h)
}

// redirect reads from the replica that the leader names (KIP-392).
func (c *Cell) redirect(now time.Time, m *member, r *Request, to int32) {
	p := m.p
	_, known := c.snapshot.Broker(to)
	if !known {
		c.doubt(p.topic, "a replica is a broker that is not known")
	}
	switch {
	case r.Broker != p.leader || r.Rack == "":
		c.mistrust(now, p)
		c.trouble(now, p, trouble{err: errRedirect, broker: r.Broker})
		return
	case !known || now.Before(p.distrusted):
		c.mistrust(now, p)
		c.touch(m)
		return
	}
	p.preferred = to
	p.recheckAt = now.Add(c.cfg.Recheck)
	c.settle(now, p)
}
