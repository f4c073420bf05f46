package produce

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

// conn returns the connection to a broker.
func (l *life) conn(broker int32) *lifeConn {
	for _, c := range l.conns {
		if c.broker == broker && !c.broken {
			return c
		}
	}
	c := &lifeConn{broker: broker}
	l.conns = append(l.conns, c)
	return c
}

func (l *life) send(broker int32, req *Request) {
	l.requests++
	x := &lifeRequest{req: req, version: 12}
	line := ""
	seen := map[Port]bool{}
	size := 0
	for i := range req.Parts {
		p := &req.Parts[i]
		q := p.Port.(*lifeQueue)
		if seen[q] {
			l.fail("two batches of %v in a request", q)
		}
		seen[q] = true
		flying := 0
		for _, b := range q.core.line {
			if b.state == stateFlying {
				flying++
			}
		}
		if flying > flyingMax || l.identity == Plain && flying > 1 {
			l.fail("%d batches of %v fly", flying, q)
		}
		b := p.Batch
		if b.Sealed.Bytes == nil {
			l.fail("a batch without bytes")
			return
		}
		size += len(b.Sealed.Bytes)
		if tag := b.Tag.(*lifeTag); !slices.ContainsFunc(tag.buffers, func(x []byte) bool { return &x[0] == &b.Sealed.Bytes[0] }) {
			tag.buffers = append(tag.buffers, b.Sealed.Bytes)
		}
		tag := b.Tag.(*lifeTag)
		line += fmt.Sprintf(" %v[%d-%d] numbered=%v seq=%d %v try=%d", q, tag.first, tag.first+tag.count-1, b.numbered, b.sequence, q.core.identity, b.tries)
		x.parts = append(x.parts, lifePart{q: q, id: b.sentID})
	}
	if size != req.Bytes || size > l.set.RequestBytes && len(req.Parts) > 1 {
		l.fail("a request of %d bytes, %d of them told", size, req.Bytes)
	}
	l.note("send to %d:%s", broker, line)
	c := l.conn(broker)
	c.queued = append(c.queued, x)
}

// busy returns a connection with something, at random.
func (l *life) busy(has func(*lifeConn) bool) *lifeConn {
	var some []*lifeConn
	for _, c := range l.conns {
		if has(c) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[l.r.IntN(len(some))]
}

// write lets a request leave the client: its bytes are copied from then on.
func (l *life) write() {
	c := l.busy(func(c *lifeConn) bool { return !c.broken && len(c.queued) > 0 })
	if c == nil {
		return
	}
	x := c.queued[0]
	c.queued = c.queued[1:]
	for i := range x.req.Parts {
		x.parts[i].raw = bytes.Clone(x.req.Parts[i].Batch.Sealed.Bytes)
	}
	c.sent = append(c.sent, x)
	if l.set.Acks == kmsg.AcksNone {
		l.post(c.broker, &Answered{Request: x.req})
	}
}

// deliver lets a broker serve the next request of a connection.
func (l *life) deliver() {
	c := l.busy(func(c *lifeConn) bool { return len(c.sent) > 0 })
	if c == nil {
		return
	}
	x := c.sent[0]
	c.sent = c.sent[1:]
	x.answer = kmsg.NewProduceResponse()
	x.answer.Version = x.version
	for i := range x.parts {
		l.serve(c, x, i)
	}
	if !c.broken {
		c.done = append(c.done, x)
	}
}

// refusals are codes with which a broker refuses without having done anything.
var refusals = []kmsg.ErrorCode{
	kmsg.NotEnoughReplicas, kmsg.NotEnoughReplicas, kmsg.CorruptMessage, kmsg.InvalidRecord, kmsg.TopicAuthorizationFailed,
	kmsg.InvalidTimestamp, kmsg.MessageTooLarge, kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition,
	kmsg.KafkaStorageError, kmsg.UnsupportedCompressionType, kmsg.ThrottlingQuotaExceeded, kmsg.LeaderNotAvailable,
}

// doubts are codes that a broker may answer although it has appended.
var doubts = []kmsg.ErrorCode{
	kmsg.RequestTimedOut, kmsg.NotEnoughReplicasAfterAppend, kmsg.UnknownServerError, kmsg.KafkaStorageError, 999,
}

func (l *life) serve(c *lifeConn, x *lifeRequest, i int) {
	p := &x.parts[i]
	q := p.q
	told := kmsg.ProduceResponseTopicProduceResponse{Name: q.core.Topic}
	part := kmsg.NewProduceResponsePartitionProduceResponse()
	part.BaseOffset = -1
	chance := l.r.IntN(100)
	if l.healed || c.broken {
		chance = 99
	}
	switch {
	case !p.id.IsZero() && p.id != q.id:
		part.ErrorCode = kmsg.UnknownTopicID
	case q.log.leader != c.broker:
		part.ErrorCode = kmsg.NotLeaderOrFollower
		if l.r.IntN(2) == 0 {
			part.CurrentLeader.LeaderID, part.CurrentLeader.LeaderEpoch = q.log.leader, 1
		}
	case chance < 4:
		part.ErrorCode = refusals[l.r.IntN(len(refusals))]
	default:
		w, err := q.log.append(p.raw)
		if err != nil {
			l.fail("%v: %v", q, err)
			return
		}
		part.ErrorCode = w.code
		if w.code == kmsg.None {
			part.BaseOffset = int64(w.base)
			if !w.again {
				l.appended(q, c.broken)
			}
			if w.end > q.log.hw {
				if chance < 10 {
					// Not on all replicas yet. The leader may go before.
					x.pending = append(x.pending, lifePending{i, c.broker, w.end, q.log.deleted})
				} else {
					q.log.hw = len(q.log.records)
				}
			}
			if chance >= 10 && chance < 13 {
				part.ErrorCode = doubts[l.r.IntN(len(doubts))]
				part.BaseOffset = -1
			}
		}
	}
	l.note("broker %d (broken %v) %v: %v at %d", c.broker, c.broken, q, part.ErrorCode.Name(), part.BaseOffset)
	if chance == 13 {
		return // left out
	}
	told.PartitionResponses = append(told.PartitionResponses, part)
	x.answer.Responses = append(x.answer.Responses, told)
}

// appended watches the log. Nothing can be done about what comes late, from a connection that broke,
// if it has no number, or that of a producer id whose epochs are used up; or, with acks 0, to a
// broker that leads again.
func (l *life) appended(q *lifeQueue, late bool) {
	b := q.log.bases[len(q.log.bases)-1]
	for at := b.base; at < b.base+b.count; at++ {
		n := q.log.records[at]
		l.note("  log %v %d: record %d (%d/%d:%d)", q, at, n, b.id, b.epoch, b.first)
		f := &q.fates[n]
		if f.told && !f.ok && !f.written {
			l.fail("PROMISE: %v[%d] is written, it was told that it is certainly not", q, n)
		}
		f.deleted = q.log.deleted
		if q.unsure {
			continue
		}
		again := slices.Contains(q.log.records[:at], n)
		if again && l.identity != Plain {
			l.fail("DUP: %v[%d] is in the log twice", q, n)
		}
		if late = late && b.id != l.identity.ID || late && b.id < 0 || l.set.Acks == kmsg.AcksNone; !again && !late && at > 0 && slices.Max(q.log.records[:at]) > n {
			l.fail("ORDER: %v[%d] comes after [%d]", q, n, slices.Max(q.log.records[:at]))
		}
	}
}

// back brings an answer back, as far as the replicas have what it is about.
func (l *life) back() {
	c := l.busy(func(c *lifeConn) bool { return !c.broken && len(c.done) > 0 })
	if c == nil {
		return
	}
	x := c.done[0]
	for _, p := range x.pending {
		log := &x.parts[p.part].q.log
		code := kmsg.None
		switch {
		case log.deleted != p.deleted:
			code = kmsg.UnknownTopicOrPartition
		case log.leader != p.leader || len(log.records) < p.end:
			code = kmsg.NotLeaderOrFollower
		case log.hw < p.end:
			if !l.healed && l.r.IntN(2) == 0 {
				return // still waiting
			}
			log.hw = len(log.records)
		}
		if code == kmsg.None {
			continue
		}
		name := x.parts[p.part].q.core.Topic
		for i := range x.answer.Responses {
			if t := &x.answer.Responses[i]; t.Name == name && t.PartitionResponses[0].ErrorCode == kmsg.None {
				t.PartitionResponses[0].ErrorCode, t.PartitionResponses[0].BaseOffset = code, -1
			}
		}
	}
	c.done = c.done[1:]
	if l.set.Acks == kmsg.AcksNone {
		return
	}
	l.note("answer from %d", c.broker)
	l.post(c.broker, &Answered{Request: x.req, Response: x.answer})
}

var errCut = errors.New("the connection is lost")

// cut breaks a connection.
func (l *life) cut(c *lifeConn) {
	l.note("cut the connection to %d", c.broker)
	c.broken = true
	lost := slices.Concat(c.done, c.sent)
	queued := c.queued
	c.done, c.queued = nil, nil
	if !l.zombies || l.r.IntN(2) == 0 {
		c.sent = nil
	} else {
		c.sent = slices.Clone(c.sent[:l.r.IntN(len(c.sent)+1)])
	}
	carried := l.r.IntN(2) == 0
	if carried { // they go over the next
		l.conn(c.broker).queued = queued
	}
	if l.set.Acks != kmsg.AcksNone {
		for _, x := range lost {
			l.post(c.broker, &Answered{Request: x.req, Failure: errCut, Written: true})
		}
	}
	if !carried {
		for _, x := range queued {
			l.post(c.broker, &Answered{Request: x.req, Failure: errCut})
		}
	}
}

// cancel ends a request, wherever it is.
func (l *life) cancel(broker int32, req *Request) {
	is := func(x *lifeRequest) bool { return x.req == req }
	for _, c := range l.conns {
		if i := slices.IndexFunc(c.queued, is); i >= 0 {
			c.queued = slices.Delete(c.queued, i, i+1)
			l.post(broker, &Answered{Request: req, Failure: errCut})
			return
		}
		if i := slices.IndexFunc(c.done, is); i >= 0 {
			c.done = slices.Delete(c.done, i, i+1)
			l.post(broker, &Answered{Request: req, Failure: errCut, Written: true})
			return
		}
		if i := slices.IndexFunc(c.sent, is); i >= 0 && !c.broken {
			// It arrives, and its answer is dropped.
			x := c.sent[i]
			c.sent = slices.Delete(c.sent, i, i+1)
			l.conns = append(l.conns, &lifeConn{broker: broker, broken: true, sent: []*lifeRequest{x}})
			l.post(broker, &Answered{Request: req, Failure: errCut, Written: true})
			return
		}
	}
}
