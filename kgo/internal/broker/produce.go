package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func (c *Cluster) produce(x *call, req *kmsg.ProduceRequest) {
	resp := req.NewResponse()
	if req.Version >= 3 && !c.since("2.8") && !c.readable(req) {
		c.hangUp(x.conn, false)
		return
	}
	badAcks := req.Acks != kmsg.AcksAll && req.Acks != kmsg.AcksLeader && req.Acks != kmsg.AcksNone
	var pending []pendingWrite
	var failed bool
	resp.Responses = make([]kmsg.ProduceResponseTopicProduceResponse, 0, len(req.TopicData))
	for i := range req.TopicData {
		asked := &req.TopicData[i]
		name := asked.Name
		unknown := kmsg.UnknownTopicOrPartition
		if req.Version >= 13 {
			name, unknown = c.topicName(asked.TopicID), kmsg.UnknownTopicID
		}
		told := kmsg.ProduceResponseTopicProduceResponse{Name: asked.Name, TopicID: asked.TopicID}
		told.PartitionResponses = make([]kmsg.ProduceResponsePartitionProduceResponse, len(asked.PartitionData))
		for j := range asked.PartitionData {
			data := &asked.PartitionData[j]
			part := &told.PartitionResponses[j]
			*part = kmsg.NewProduceResponsePartitionProduceResponse()
			part.Index, part.BaseOffset = data.Index, -1
			p := c.find(name, data.Index)
			var w written
			switch code := x.refuses(name, data.Index); {
			case code != kmsg.None:
				w.code = code
			case badAcks:
				w.code = kmsg.InvalidRequiredAcks
			case c.topics[name] == nil:
				w.code = unknown
			case p == nil:
				w.code = kmsg.UnknownTopicOrPartition
			case p.topic.internal && x.header.ClientID.S != "__admin_client":
				w.code = kmsg.InvalidTopicException
			default:
				w = c.appendTo(p, x.node(), data.Records, req)
			}
			c.tell(x, resp, part, p, &w)
			failed = failed || w.code != kmsg.None
			if w.code == kmsg.None && req.Acks == kmsg.AcksAll && p.hw < w.end {
				pending = append(pending, pendingWrite{p, p.topic.partitions[p.index].epoch, w.end, i, j})
			}
		}
		resp.Responses = append(resp.Responses, told)
	}
	switch {
	case req.Acks == kmsg.AcksNone && failed && !badAcks:
		c.hangUp(x.conn, false) // the only way to say it
	case req.Acks == kmsg.AcksNone:
		c.silent(x)
	case len(pending) == 0:
		c.answer(x, resp)
	default:
		c.awaitReplicas(x, req, resp, pending)
	}
}

// tell puts what has become of a partition's records into the answer.
func (c *Cluster) tell(x *call, resp *kmsg.ProduceResponse, part *kmsg.ProduceResponsePartitionProduceResponse, p *partition, w *written) {
	part.ErrorCode = w.code
	if w.code == kmsg.None || w.begun {
		part.LogStartOffset = p.log.start
	}
	if w.code == kmsg.None {
		part.BaseOffset = w.base
		if w.appendTime > 0 {
			part.LogAppendTimeMs = w.appendTime
		}
		return
	}
	// Brokers find words only for records.
	if len(w.records) > 0 {
		part.ErrorMessage = kbin.Str(w.text)
	}
	for _, bad := range w.records {
		e := kmsg.NewProduceResponseBatchIndexAndErrorMessage()
		e.BatchIndex, e.BatchIndexErrorMessage = bad, kbin.Str(w.text)
		part.RecordErrors = append(part.RecordErrors, e)
	}
	if w.code == kmsg.NotLeaderOrFollower && resp.Version >= 10 && !c.cfg.NoLeaderHints && p != nil {
		info := p.info()
		part.CurrentLeader.LeaderID, part.CurrentLeader.LeaderEpoch = info.leader, info.epoch
		if n := c.nodes[info.leader]; n != nil {
			for i := range resp.NodeEndpoints {
				if resp.NodeEndpoints[i].NodeID == n.ID {
					return
				}
			}
			l := n.Listeners[x.conn.listener]
			resp.NodeEndpoints = append(resp.NodeEndpoints, kmsg.ProduceResponseNodeEndpoint{NodeID: n.ID, Host: l.Host, Port: l.Port, Rack: rack(n)})
		}
	}
}

// A pendingWrite is an append that not all replicas in sync have.
type pendingWrite struct {
	p     *partition
	epoch int32 // of the leader
	end   int64 // what the high watermark must reach
	i, j  int   // where in the answer
}

// awaitReplicas answers when all replicas in sync have everything, or the client's time is over.
func (c *Cluster) awaitReplicas(x *call, req *kmsg.ProduceRequest, resp *kmsg.ProduceResponse, pending []pendingWrite) {
	timeout := time.Duration(req.TimeoutMs) * time.Millisecond
	var parts []*partition
	for _, w := range pending {
		parts = append(parts, w.p)
	}
	settle := func(expired bool) bool {
		left := pending[:0]
		for _, w := range pending {
			code := kmsg.None
			switch {
			case w.p.gone || w.p.info().epoch != w.epoch || !c.leads(x.node(), w.p):
				code = kmsg.NotLeaderOrFollower
			case w.p.hw >= w.end && !w.p.inSync():
				code = kmsg.NotEnoughReplicasAfterAppend
			case w.p.hw >= w.end:
			case expired:
				code = kmsg.RequestTimedOut
			default:
				left = append(left, w)
				continue
			}
			if code != kmsg.None {
				// The offset stays in the answer: the records are there.
				resp.Responses[w.i].PartitionResponses[w.j].ErrorCode = code
			}
		}
		pending = left
		return len(pending) == 0
	}
	c.wait(x, timeout, parts, func() bool { return settle(false) }, func() {
		settle(true)
		c.answer(x, resp)
	})
}

// written is what has become of records.
type written struct {
	failure
	begun      bool    // it failed late: the log was looked at
	records    []int32 // those that are to blame
	base, end  int64   // offsets of the first record and after the last
	appendTime int64   // if the broker set it
}

func fails(code kmsg.ErrorCode, format string, args ...any) written {
	return written{failure: failure{code, fmt.Sprintf(format, args...)}}
}

func failsLate(code kmsg.ErrorCode, format string, args ...any) written {
	w := fails(code, format, args...)
	w.begun = true
	return w
}

// appendTo appends what a client has sent to a partition, on a broker.
func (c *Cluster) appendTo(p *partition, n *node, records []byte, req *kmsg.ProduceRequest) written {
	if req.Version >= 3 {
		if w := checkBatches(records, req.Version); w.code != kmsg.None {
			return c.old(w)
		}
	}
	switch {
	case !c.leads(n, p):
		return fails(kmsg.NotLeaderOrFollower, "broker %d does not lead the partition", n.ID)
	case req.Acks == kmsg.AcksAll && !p.inSync():
		return failsLate(kmsg.NotEnoughReplicas, "%d replicas are in sync, %d must be", len(p.info().isr), p.topic.settings.minISR)
	}
	if req.Version < 3 && (len(records) < batch.HeaderSize || batch.Magic(records[16]) != batch.V2) {
		return c.appendSet(p, records)
	}
	return c.old(c.appendBatch(p, records))
}

// readable reports whether brokers can read a request with such records. Before 2.8 they could
// not without a batch, before 2.2 not if there was anything but one batch of format 2.
func (c *Cluster) readable(req *kmsg.ProduceRequest) bool {
	for i := range req.TopicData {
		for j := range req.TopicData[i].PartitionData {
			records := req.TopicData[i].PartitionData[j].Records
			if w := checkBatches(records, req.Version); w.code == kmsg.InvalidRecord && (!c.since("2.2") || !batch.NewReader(records).Next()) {
				return false
			}
		}
	}
	return true
}

// checkBatches checks what a request of version 3 or later may carry: one batch of format 2.
func checkBatches(records []byte, version int16) written {
	r := batch.NewReader(records)
	switch {
	case !r.Next():
		return fails(kmsg.InvalidRecord, "no record batch")
	case r.Batch.Magic != batch.V2:
		return fails(kmsg.InvalidRecord, "a message set of format %d, from version 3 on it is record batches", r.Batch.Magic)
	case version < 7 && r.Batch.Attributes.Codec() == compress.Zstd:
		return fails(kmsg.UnsupportedCompressionType, "zstd in a request of version %d, it begins with 7", version)
	case r.Pos() < len(records):
		return fails(kmsg.InvalidRecord, "more than one record batch")
	}
	return written{}
}

// appendBatch appends a batch of format 2.
func (c *Cluster) appendBatch(p *partition, raw []byte) written {
	s := p.topic.settings
	r := batch.NewReader(raw)
	if !r.Next() {
		return fails(kmsg.CorruptMessage, "no record batch: %v", r.Err())
	}
	b := &r.Batch
	switch {
	case b.BaseOffset != 0:
		return failsLate(kmsg.InvalidRecord, "a base offset of %d, clients send 0", b.BaseOffset)
	case len(b.Raw) > s.maxMessage:
		return fails(kmsg.MessageTooLarge, "a batch of %d bytes, the topic takes %d", len(b.Raw), s.maxMessage)
	}
	if err := b.Verify(); err != nil {
		if errors.Is(err, batch.ErrChecksum) {
			return fails(kmsg.CorruptMessage, "%v", err)
		}
		return failsLate(kmsg.InvalidRecord, "%v", err)
	}
	if w := c.checkRecords(p, b); w.code != kmsg.None {
		return w
	}
	if b.Idempotent() {
		if dup := p.producers.duplicate(&b.Header); dup != nil {
			return written{base: dup.base, end: dup.last + 1, appendTime: dup.timestamp}
		}
		rules := c.producerRules()
		if code := p.producers.check(c.now, &b.Header, &rules); code != kmsg.None {
			return failsLate(code, "%d is not the sequence number that producer %d with epoch %d goes on with", b.BaseSequence, b.ProducerID, b.ProducerEpoch)
		}
	}
	return c.store(p, b)
}

func (c *Cluster) producerRules() producerRules {
	rules := producerRules{seen: c.keepBatches(), unknown: !c.resumes, code: kmsg.UnknownProducerID, expireIn: c.properties.producerExpiry}
	if !c.fiveBatches {
		rules.code = kmsg.OutOfOrderSequenceNumber
	}
	return rules
}

// store puts a batch that was checked into the log.
func (c *Cluster) store(p *partition, b *batch.Batch) written {
	w := written{base: p.log.end}
	h := b.Header
	h.BaseOffset, h.LeaderEpoch = p.log.end, p.info().epoch
	if p.topic.settings.appendTime {
		w.appendTime = c.nowMs()
		h.MaxTimestamp = w.appendTime
	}
	p.log.append(c.nowMs(), b.Raw, &h)
	last := &p.log.batches[len(p.log.batches)-1]
	if w.appendTime > 0 {
		batch.AssignTime(last.raw(), w.appendTime)
	}
	batch.Assign(last.raw(), h.BaseOffset, h.LeaderEpoch)
	p.producers.add(c.now, last, c.keepBatches())
	w.end = p.log.end
	c.grown(p)
	return w
}

// checkRecords looks into a batch: whether it holds what it says, keys where the topic is
// compacted, and timestamps that are near enough.
func (c *Cluster) checkRecords(p *partition, b *batch.Batch) written {
	s := p.topic.settings
	codec := b.Attributes.Codec()
	switch {
	case codec > compress.Zstd:
		return fails(kmsg.CorruptMessage, "codec %d is unknown", codec)
	case b.Attributes.Control():
		return failsLate(kmsg.InvalidRecord, "clients do not write control records")
	case b.Count <= 0 || b.Count != b.LastOffsetDelta+1:
		return failsLate(kmsg.InvalidRecord, "%d records with offsets up to %d", b.Count, b.LastOffsetDelta)
	case b.Idempotent() && b.BaseSequence < 0:
		return failsLate(kmsg.InvalidRecord, "a producer id with the sequence number %d", b.BaseSequence)
	}
	if c.cfg.TrustRecords && !s.compact {
		return written{}
	}
	payload, room, err := b.Payload(c.cfg.Codecs, c.room, batch.DefaultLimit)
	c.room = room
	if err != nil {
		return fails(kmsg.CorruptMessage, "%v", err)
	}
	var w written
	early, late := c.nowMs()-s.before.Milliseconds(), c.nowMs()+s.after.Milliseconds()
	walk := b.Walk(payload)
	for i := int32(0); walk.Next(); i++ {
		switch r := &walk.Record; {
		case s.compact && r.Key == nil:
			w.blame(i, kmsg.InvalidRecord, "a record without a key in a compacted topic")
		case !s.appendTime && r.Timestamp != batch.NoTimestamp && (r.Timestamp < early || r.Timestamp > late):
			w.blame(i, kmsg.InvalidTimestamp, "a timestamp too far from the broker's time")
		}
	}
	if err := walk.Err(); err != nil {
		return failsLate(kmsg.InvalidRecord, "%v", err)
	}
	return w
}

// blame notes a bad record.
func (w *written) blame(record int32, code kmsg.ErrorCode, text string) {
	if w.code == kmsg.None || w.code == code {
		w.code, w.text, w.begun = code, text, true
		w.records = append(w.records, record)
	}
}

// old turns a failure into what brokers said before they had a word for bad records.
func (c *Cluster) old(w written) written {
	if w.code == kmsg.InvalidRecord && !c.recordErrors {
		w.code, w.begun = kmsg.CorruptMessage, false
	}
	return w
}

// appendSet appends a message set as batches of format 2: as one, or where brokers keep messages
// one by one, each message that is not compressed as one of its own.
func (c *Cluster) appendSet(p *partition, set []byte) written {
	batches, w := c.modernize(p, set)
	if w.code != kmsg.None {
		return w
	}
	w = written{base: p.log.end, end: p.log.end}
	for i, raw := range batches {
		one := c.appendBatch(p, raw)
		if one.code != kmsg.None {
			return one
		}
		if i == 0 {
			w = one
		}
		w.end = one.end
	}
	return w
}

// modernize makes batches of format 2 of a message set.
func (c *Cluster) modernize(p *partition, set []byte) (batches [][]byte, w written) {
	r := batch.NewReader(set)
	build := &c.builder
	build.Reset(nil, batch.V2)
	codec := compress.None
	seal := func() error {
		if build.Len() == 0 {
			return nil
		}
		sealed := build.Seal()
		_, err := sealed.Compress(c.cfg.Codecs, compress.Settings{Codec: codec}, nil)
		batches = append(batches, sealed.Bytes)
		build.Reset(nil, batch.V2)
		return err
	}
	for r.Next() {
		b := &r.Batch
		if len(b.Raw) > p.topic.settings.maxMessage {
			return nil, fails(kmsg.MessageTooLarge, "a message of %d bytes, the topic takes %d", len(b.Raw), p.topic.settings.maxMessage)
		}
		if err := b.Verify(); err != nil {
			return nil, fails(kmsg.CorruptMessage, "%v", err)
		}
		codec = b.Attributes.Codec()
		payload, room, err := b.Payload(c.cfg.Codecs, c.room, batch.DefaultLimit)
		c.room = room
		if err != nil {
			return nil, fails(kmsg.CorruptMessage, "%v", err)
		}
		walk := b.Walk(payload)
		for walk.Next() {
			rec := &walk.Record
			build.Append(rec.Timestamp, rec.Key, rec.Value, nil)
		}
		if err := walk.Err(); err != nil {
			return nil, fails(kmsg.CorruptMessage, "%v", err)
		}
		if c.keepsMessages {
			if err := seal(); err != nil {
				return nil, fails(kmsg.UnknownServerError, "%v", err)
			}
		}
	}
	if err := r.Err(); err != nil {
		return nil, fails(kmsg.CorruptMessage, "%v", err)
	}
	if err := seal(); err != nil {
		return nil, fails(kmsg.UnknownServerError, "%v", err)
	}
	return batches, written{}
}
