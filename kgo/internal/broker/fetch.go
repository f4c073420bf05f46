package broker

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

func (c *Cluster) fetch(x *call, req *kmsg.FetchRequest) {
	fc, code := c.fetchContext(x.node(), req)
	if code != kmsg.None {
		resp := req.NewResponse()
		resp.ErrorCode = code
		c.answer(x, resp)
		return
	}
	limit := int(req.MaxBytes)
	if req.Version < 3 {
		limit = 1<<31 - 1
	} else {
		limit = min(limit, c.properties.fetchMax)
	}
	q := &fetchCall{x: x, req: req, fc: fc, limit: max(limit, 0)}
	least := min(int(req.MinBytes), q.limit)
	reads, bytes, urgent := c.readAll(q)
	if req.MaxWaitMs <= 0 || len(fc.parts) == 0 || bytes >= least || urgent {
		c.answerFetch(q, reads)
		return
	}
	for _, fp := range fc.parts {
		if p := c.partOf(fp); p != nil {
			q.parts = append(q.parts, p)
		}
	}
	c.wait(x, time.Duration(req.MaxWaitMs)*time.Millisecond, q.parts,
		func() bool { return c.fetchReady(q, least) },
		func() {
			reads, _, _ := c.readAll(q)
			c.answerFetch(q, reads)
		})
}

// A fetchCall is a request to read that is being served.
type fetchCall struct {
	x     *call
	req   *kmsg.FetchRequest
	fc    fetchContext
	limit int          // of bytes
	parts []*partition // those that it waits for
}

// replica returns who follows, -1 for a consumer.
func (q *fetchCall) replica() int32 {
	if q.req.Version >= 15 {
		return q.req.ReplicaState.ReplicaID
	}
	return q.req.ReplicaID
}

// A partRead is what was read from a partition.
type partRead struct {
	code        kmsg.ErrorCode
	unknown     bool // there is no such partition
	records     []byte
	hw, stable  int64
	start       int64
	aborted     []abortedTxn
	diverging   epochStart // where the log departs from the client's, if that has a start
	diverges    bool
	preferred   int32 // the replica to read from instead, -1 for none
	from        int64 // the offset that was read from
	canWaitTill int64 // up to which offset it may be read
}

// partOf returns the partition that a request names, nil if there is none.
func (c *Cluster) partOf(fp *fetchPart) *partition {
	if fp.name == "" {
		return c.byID[fp.id].partition(fp.index)
	}
	return c.find(fp.name, fp.index)
}

// readAll reads the partitions, in order, until the limit is reached. Urgent says that the answer
// cannot wait.
func (c *Cluster) readAll(q *fetchCall) (reads []partRead, bytes int, urgent bool) {
	reads = make([]partRead, len(q.fc.parts))
	known := false
	left, whole := q.limit, q.req.Version >= 3
	for i, fp := range q.fc.parts {
		r := c.readPart(q, fp, min(max(fp.maxBytes, 0), left), whole)
		if len(r.records) > 0 {
			whole = false
			left = max(0, left-len(r.records))
			bytes += len(r.records)
		}
		urgent = urgent || r.code != kmsg.None && !r.unknown || r.diverges || r.preferred >= 0
		known = known || !r.unknown
		reads[i] = r
	}
	// What does not exist does not let the rest come sooner.
	urgent = urgent || !known
	return reads, bytes, urgent
}

// readPart reads one partition.
func (c *Cluster) readPart(q *fetchCall, fp *fetchPart, limit int, whole bool) partRead {
	failed := partRead{hw: -1, stable: -1, start: -1, preferred: -1}
	p := c.partOf(fp)
	name := fp.name
	if p != nil {
		name = p.topic.name
	}
	if failed.code = q.x.refuses(name, fp.index); failed.code != kmsg.None {
		return failed
	}
	if p == nil {
		failed.code, failed.unknown = kmsg.UnknownTopicOrPartition, true
		if q.req.Version >= 13 && c.byID[fp.id] == nil {
			failed.code = kmsg.UnknownTopicID
		}
		return failed
	}
	v, code := c.viewOf(p, q, fp)
	if code != kmsg.None {
		failed.code = code
		return failed
	}
	r := partRead{hw: v.hw, stable: p.log.lastStable(v.hw), start: p.log.start, preferred: -1, from: fp.offset}
	if id := c.preferredReplica(p, q, fp); id >= 0 {
		r.preferred = id
		return r
	}
	r.canWaitTill = v.end
	switch {
	case fp.offset < p.log.start || fp.offset > v.logEnd:
		failed.code = kmsg.OffsetOutOfRange
		return failed
	case fp.lastEpoch >= 0 && q.req.Version >= 12:
		epoch, end := p.log.endOfEpoch(fp.lastEpoch)
		if end < 0 || epoch < 0 {
			failed.code = kmsg.OffsetOutOfRange
			return failed
		}
		if epoch < fp.lastEpoch || end < fp.offset {
			r.diverges, r.diverging = true, epochStart{epoch, end}
			return r
		}
	}
	if q.req.IsolationLevel == kmsg.IsolationReadCommitted {
		r.canWaitTill = min(r.canWaitTill, r.stable)
	}
	if fp.offset < r.canWaitTill {
		r.records = p.log.read(fp.offset, r.canWaitTill, limit, whole)
	}
	if q.req.IsolationLevel == kmsg.IsolationReadCommitted {
		r.aborted = p.log.abortedIn(fp.offset, r.canWaitTill)
	}
	if q.req.Version < 4 && len(r.records) > 0 {
		c.convert(q, p, &r, limit)
	} else if q.req.Version < 10 && p.topic.settings.compression == "zstd" {
		failed.code = kmsg.UnsupportedCompressionType
		return failed
	}
	return r
}

// A view is what a replica may show of a partition.
type view struct {
	hw     int64
	end    int64 // up to where the client may read
	logEnd int64
}

// viewOf returns what the broker that was asked may show, if it has the partition and the client
// knows who leads it.
func (c *Cluster) viewOf(p *partition, q *fetchCall, fp *fetchPart) (view, kmsg.ErrorCode) {
	n := q.x.node()
	info := p.info()
	r := p.replica(n.ID)
	consumer := q.replica() < 0
	leads := c.leads(n, p)
	switch {
	case !leads && (r == nil || !consumer || q.req.Version < 11 || !c.since("2.4")):
		return view{}, kmsg.NotLeaderOrFollower
	}
	if code := checkLeaderEpoch(info, fp.epoch); code != kmsg.None {
		return view{}, code
	}
	v := view{hw: p.hw, logEnd: p.log.end}
	if !leads {
		v.logEnd = r.end
		v.hw = min(v.hw, r.end)
	}
	v.end = v.hw
	if !consumer {
		v.end = v.logEnd
	}
	return v, kmsg.None
}

// checkLeaderEpoch compares the leader epoch that a client knows, -1 for none, with the true one
// (KIP-320).
func checkLeaderEpoch(info *partitionInfo, epoch int32) kmsg.ErrorCode {
	switch {
	case epoch < 0 || epoch == info.epoch:
		return kmsg.None
	case epoch < info.epoch:
		return kmsg.FencedLeaderEpoch
	}
	return kmsg.UnknownLeaderEpoch
}

// preferredReplica is the follower that a consumer should rather read from, since it is in its
// rack (KIP-392), -1 for none.
func (c *Cluster) preferredReplica(p *partition, q *fetchCall, fp *fetchPart) int32 {
	info := p.info()
	n := q.x.node()
	if !c.properties.rackAware || q.req.Version < 11 || q.req.RackID == "" || q.replica() >= 0 || info.leader != n.ID || n.Rack == q.req.RackID {
		return -1
	}
	best := int32(-1)
	for i := range p.replicas {
		r := &p.replicas[i]
		other := c.nodes[r.broker]
		if other.Rack != q.req.RackID || !other.alive || !slices.Contains(info.isr, r.broker) || r.end < fp.offset {
			continue
		}
		if best < 0 || r.end > p.replica(best).end {
			best = r.broker
		}
	}
	return best
}

// convert makes message sets of what was read, for requests from before format 2.
func (c *Cluster) convert(q *fetchCall, p *partition, r *partRead, limit int) {
	conv := batch.Converter{To: batch.V0, Codecs: c.cfg.Codecs}
	if q.req.Version >= 2 {
		conv.To = batch.V1
	}
	convert := conv.Append
	if conv.To == batch.V0 && c.since("0.10.0") && !c.since("0.11.0") {
		convert = c.unpack
	}
	out, err := convert(nil, r.records)
	out = from(out, r.from)
	if err == nil && len(out) == 0 && !c.since("3.0") {
		// Not even one message came whole: it is cut off where the limit is. Later brokers
		// leave out what they cannot convert.
		first := p.log.read(r.from, r.canWaitTill, 1, true)
		if out, err = convert(nil, first); err == nil {
			out = out[:min(len(out), limit)]
		}
	}
	if err != nil {
		*r = partRead{code: kmsg.UnsupportedCompressionType, hw: -1, stable: -1, start: -1, preferred: -1}
		return
	}
	r.records = out
}

// unpack makes messages of format 0 of batches, none of them compressed: what brokers did that knew
// only one newer format.
func (c *Cluster) unpack(dst, src []byte) ([]byte, error) {
	build := batch.NewBuilder(nil, batch.V0)
	r := batch.NewReader(src)
	for r.Next() {
		payload, room, err := r.Batch.Payload(c.cfg.Codecs, c.room, batch.DefaultLimit)
		c.room = room
		if err != nil {
			return dst, err
		}
		for w := r.Batch.Walk(payload); w.Next(); {
			build.AppendAt(w.Record.Offset, batch.NoTimestamp, w.Record.Key, w.Record.Value, nil)
		}
	}
	return append(dst, build.Seal().Bytes...), r.Err()
}

// from leaves out the messages before an offset: with format 2 they may be in one batch with it.
func from(set []byte, offset int64) []byte {
	r := batch.NewReader(set)
	for start := 0; r.Next(); start = r.Pos() {
		if r.Batch.LastOffset() >= offset {
			return set[start:]
		}
	}
	return nil
}

// fetchReady reports whether a fetch that waits has enough to be answered, or news.
func (c *Cluster) fetchReady(q *fetchCall, least int) bool {
	if slices.ContainsFunc(q.parts, func(p *partition) bool { return p.gone }) {
		return true
	}
	bytes := 0
	for _, fp := range q.fc.parts {
		p := c.partOf(fp)
		if p == nil {
			continue
		}
		v, code := c.viewOf(p, q, fp)
		if code != kmsg.None {
			return true
		}
		end := v.end
		if q.req.IsolationLevel == kmsg.IsolationReadCommitted {
			end = p.log.lastStable(end)
		}
		switch {
		case end < fp.offset || fp.offset < p.log.start:
			return true
		case end > fp.offset:
			bytes += int(min(p.log.position(end)-p.log.position(fp.offset), int64(fp.maxBytes)))
		}
		if fp.lastEpoch >= 0 && q.req.Version >= 12 {
			if epoch, endOffset := p.log.endOfEpoch(fp.lastEpoch); endOffset < 0 || epoch < fp.lastEpoch || endOffset < fp.offset {
				return true
			}
		}
	}
	return bytes >= least
}

// answerFetch answers with what was read: of a session that is gone on with, only the news.
func (c *Cluster) answerFetch(q *fetchCall, reads []partRead) {
	resp := q.req.NewResponse()
	fc := &q.fc
	var moved []*fetchPart
	// What does not exist comes last.
	order := make([]int, 0, len(reads))
	for _, unknown := range []bool{false, true} {
		for i := range reads {
			if reads[i].unknown == unknown {
				order = append(order, i)
			}
		}
	}
	for _, i := range order {
		fp, r := fc.parts[i], &reads[i]
		if fc.session != nil && !fp.news(r) {
			continue
		}
		if fc.session != nil && len(r.records) > 0 {
			moved = append(moved, fp)
		}
		c.tellRead(q, resp, fp, r)
		fp.toldHW, fp.toldStart = r.hw, r.start
		if r.code != kmsg.None {
			fp.toldHW = -1 // so that the end of the error is news
		}
	}
	switch {
	case fc.session != nil:
		// Who got records comes last the next time.
		if len(moved) > 0 {
			fc.session.parts = slices.DeleteFunc(slices.Clone(fc.session.parts), func(p *fetchPart) bool { return slices.Contains(moved, p) })
			fc.session.parts = append(fc.session.parts, moved...)
		}
		resp.SessionID = fc.session.id
	case fc.opens:
		resp.SessionID = c.openSession(q.x.node(), q.req, fc.parts)
	}
	c.answer(q.x, resp)
}

// news reports whether a read says something that the client has not been told.
func (fp *fetchPart) news(r *partRead) bool {
	return r.code != kmsg.None || len(r.records) > 0 || r.hw != fp.toldHW || r.start != fp.toldStart || r.diverges || r.preferred >= 0
}

// tellRead puts a read into the answer. Partitions of a topic that follow each other share its
// element.
func (c *Cluster) tellRead(q *fetchCall, resp *kmsg.FetchResponse, fp *fetchPart, r *partRead) {
	n := len(resp.Responses)
	if n == 0 || resp.Responses[n-1].Topic != fp.name || resp.Responses[n-1].TopicID != fp.id {
		resp.Responses = append(resp.Responses, kmsg.FetchResponseFetchableTopicResponse{Topic: fp.name, TopicID: fp.id})
		n++
	}
	t := &resp.Responses[n-1]
	d := kmsg.NewFetchResponsePartitionData()
	d.PartitionIndex, d.ErrorCode = fp.index, r.code
	d.HighWatermark, d.LastStableOffset, d.LogStartOffset = r.hw, r.stable, r.start
	if q.req.IsolationLevel != kmsg.IsolationReadCommitted && !c.since("2.1") {
		d.LastStableOffset = -1
	}
	if q.req.Version >= 11 {
		d.PreferredReadReplica = r.preferred
	}
	d.Records = r.records
	if d.Records == nil {
		d.Records = []byte{}
	}
	if r.diverges {
		d.DivergingEpoch.Epoch, d.DivergingEpoch.EndOffset = r.diverging.epoch, r.diverging.start
	}
	if q.req.Version >= 4 && (!r.unknown || !c.since("3.0")) {
		d.AbortedTransactions = nil // brokers have an empty list for what does not exist
	}
	if q.req.IsolationLevel == kmsg.IsolationReadCommitted && q.req.Version >= 4 && r.code == kmsg.None {
		d.AbortedTransactions = make([]kmsg.FetchResponseAbortedTransaction, 0, len(r.aborted))
		for _, a := range r.aborted {
			d.AbortedTransactions = append(d.AbortedTransactions, kmsg.FetchResponseAbortedTransaction{ProducerID: a.producerID, FirstOffset: a.first})
		}
	}
	if (r.code == kmsg.NotLeaderOrFollower || r.code == kmsg.FencedLeaderEpoch) && q.req.Version >= 16 && !c.cfg.NoLeaderHints {
		c.hintLeader(q, resp, fp, &d)
	}
	t.Partitions = append(t.Partitions, d)
}

// hintLeader says who leads a partition now (KIP-951).
func (c *Cluster) hintLeader(q *fetchCall, resp *kmsg.FetchResponse, fp *fetchPart, d *kmsg.FetchResponsePartitionData) {
	p := c.partOf(fp)
	if p == nil {
		return
	}
	info := p.info()
	d.CurrentLeader.LeaderID, d.CurrentLeader.LeaderEpoch = info.leader, info.epoch
	n := c.nodes[info.leader]
	if n == nil || slices.ContainsFunc(resp.NodeEndpoints, func(e kmsg.FetchResponseNodeEndpoint) bool { return e.NodeID == n.ID }) {
		return
	}
	l := n.Listeners[q.x.conn.listener]
	resp.NodeEndpoints = append(resp.NodeEndpoints, kmsg.FetchResponseNodeEndpoint{NodeID: n.ID, Host: l.Host, Port: l.Port, Rack: rack(n)})
}

// isAbort reports whether a control batch ends its transaction with an abort.
func isAbort(raw []byte) bool {
	r := batch.NewReader(raw)
	if !r.Next() {
		return false
	}
	payload, _, err := r.Batch.Payload(nil, nil, 0)
	if err != nil {
		return false
	}
	w := r.Batch.Walk(payload)
	if !w.Next() {
		return false
	}
	t, err := batch.ControlType(w.Record.Key)
	return err == nil && t == kmsg.ControlRecordAbort
}
