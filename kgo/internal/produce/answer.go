package produce

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// answered resolves the parts of a request.
func (s *Sink) answered(now time.Time, e *Answered) {
	i := slices.Index(s.flights, e.Request)
	if i < 0 {
		panic("produce: an answer to a request that is not in flight")
	}
	s.flights = slices.Delete(s.flights, i, i+1)
	var stale []Port
	if e.Response != nil {
		s.match(now, e, &stale)
	}
	parts := e.Request.Parts
	single := slices.ContainsFunc(parts, func(p Part) bool { return p.Err != nil })
	for i := range parts {
		p := &parts[i]
		if p.done {
			continue
		}
		r := Result{BaseOffset: -1, LogAppendTime: -1, Broker: s.broker, Failure: e.Failure, Written: e.Written}
		switch {
		case e.Response != nil:
			r.Failure, r.Written = ErrNoAnswer, true
		case p.Err != nil:
			r.Failure = p.Err
		case single:
			r.Failure, r.Written = errNotSent, false
		}
		s.resolve(now, p, r, nil, nil, &stale)
	}
	if len(stale) > 0 {
		s.do(&Stale{Ports: stale})
	}
	s.recycle(e.Request)
}

// match finds the parts that an answer speaks of. Brokers mostly answer in the order of the
// request; they may leave parts out, repeat them, or make some up.
func (s *Sink) match(now time.Time, e *Answered, stale *[]Port) {
	parts, next := e.Request.Parts, 0
	var index map[partKey]int
	for i := range e.Response.Responses {
		topic := &e.Response.Responses[i]
		for j := range topic.PartitionResponses {
			p := &topic.PartitionResponses[j]
			at := next
			if at >= len(parts) || !parts[at].is(topic.Name, topic.TopicID, p.Index) {
				if index == nil {
					index = indexOf(parts, topic.Name != "")
				}
				var ok bool
				if at, ok = index[partKey{topic.Name, topic.TopicID, p.Index}]; !ok {
					continue
				}
			}
			next = at + 1
			if parts[at].done {
				continue
			}
			s.resolve(now, &parts[at], Result{
				Code:          p.ErrorCode,
				Message:       p.ErrorMessage.S,
				BaseOffset:    p.BaseOffset,
				LogAppendTime: p.LogAppendTimeMs,
				Version:       e.Response.Version,
				Broker:        s.broker,
			}, p, e.Response, stale)
		}
	}
}

// is reports whether the part is of a partition, named by the topic's name or its id.
func (p *Part) is(topic string, id kbin.UUID, partition int32) bool {
	switch {
	case p.queue.Partition != partition:
		return false
	case topic != "":
		return p.queue.Topic == topic
	}
	return p.sentID == id
}

type partKey struct {
	topic     string
	id        kbin.UUID
	partition int32
}

func indexOf(parts []Part, byName bool) map[partKey]int {
	index := make(map[partKey]int, len(parts))
	for i := range parts {
		p := &parts[i]
		k := partKey{partition: p.queue.Partition}
		if byName {
			k.topic = p.queue.Topic
		} else {
			k.id = p.sentID
		}
		index[k] = i
	}
	return index
}

func (s *Sink) resolve(now time.Time, part *Part, r Result, p *kmsg.ProduceResponsePartitionProduceResponse, resp *kmsg.ProduceResponse, stale *[]Port) {
	part.done = true
	res := part.Port.Resolve(now, part.Batch, r, s.random())
	if res.Stale && !s.hint(part, p, resp) {
		*stale = append(*stale, part.Port)
	}
	if res.Split != nil {
		s.do(&Split{part.Port, res.Split})
		return
	}
	s.put(s.line(part.Port), placeReady)
}

// hint passes on who leads a partition, if the answer says.
func (s *Sink) hint(part *Part, p *kmsg.ProduceResponsePartitionProduceResponse, resp *kmsg.ProduceResponse) bool {
	if p == nil || p.CurrentLeader.LeaderID < 0 || p.CurrentLeader.LeaderEpoch < 0 || p.CurrentLeader.LeaderID == s.broker {
		return false
	}
	h := &Hint{Port: part.Port, TopicID: part.sentID, Leader: p.CurrentLeader.LeaderID, Epoch: p.CurrentLeader.LeaderEpoch}
	for i := range resp.NodeEndpoints {
		if e := &resp.NodeEndpoints[i]; e.NodeID == h.Leader {
			h.Endpoint = *e
		}
	}
	s.do(h)
	return true
}
