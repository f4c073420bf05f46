package broker

import (
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

func (c *Cluster) listOffsets(x *call, req *kmsg.ListOffsetsRequest) {
	resp := req.NewResponse()
	for i := range req.Topics {
		asked := &req.Topics[i]
		told := kmsg.ListOffsetsResponseTopicResponse{Name: asked.Name}
		for j := range asked.Partitions {
			d := c.listPartition(x, req, asked, &asked.Partitions[j])
			if req.Version < 4 {
				d.LeaderEpoch = -1
			}
			told.Partitions = append(told.Partitions, d)
		}
		resp.Topics = append(resp.Topics, told)
	}
	c.answer(x, resp)
}

// debugReplica is who may ask any replica.
const debugReplica = -2

func (c *Cluster) listPartition(x *call, req *kmsg.ListOffsetsRequest, topic *kmsg.ListOffsetsRequestTopic, asked *kmsg.ListOffsetsRequestPartition) kmsg.ListOffsetsResponsePartitionResponse {
	d := kmsg.NewListOffsetsResponsePartitionResponse()
	d.PartitionIndex = asked.PartitionIndex
	p := c.find(topic.Name, asked.PartitionIndex)
	fail := func(code kmsg.ErrorCode) kmsg.ListOffsetsResponsePartitionResponse {
		d.ErrorCode = code
		if req.Version == 0 {
			d.OldStyleOffsets = []int64{}
		}
		return d
	}
	if code := x.refuses(topic.Name, asked.PartitionIndex); code != kmsg.None {
		return fail(code)
	}
	if p == nil {
		return fail(kmsg.UnknownTopicOrPartition)
	}
	info := p.info()
	if !c.leads(x.node(), p) && (req.ReplicaID != debugReplica || p.replica(x.node().ID) == nil) {
		return fail(kmsg.NotLeaderOrFollower)
	}
	if code := checkLeaderEpoch(info, asked.CurrentLeaderEpoch); code != kmsg.None {
		return fail(code)
	}
	end := p.hw
	if req.ReplicaID != -1 {
		end = p.log.end
	} else if req.IsolationLevel == kmsg.IsolationReadCommitted {
		end = p.log.lastStable(p.hw)
	}
	if req.Version == 0 {
		if asked.Timestamp < kmsg.TimestampEarliest && c.since("3.8") {
			return fail(kmsg.UnsupportedVersion)
		}
		d.OldStyleOffsets = oldOffsets(p, asked, end, c.since("3.5"))
		return d
	}
	switch asked.Timestamp {
	case kmsg.TimestampLatest:
		d.Offset, d.LeaderEpoch = end, info.epoch
	case kmsg.TimestampEarliest:
		d.Offset, d.LeaderEpoch = p.log.start, p.log.epochAt(p.log.start)
	default:
		code, ok := c.specialOffset(p, req.Version, asked.Timestamp, end, &d)
		switch {
		case !ok:
			c.findTimestamp(p, int64(asked.Timestamp), end, &d)
		case code != kmsg.None:
			return fail(code)
		}
	}
	return d
}

// specialOffset answers for timestamps below zero other than start and end; ok is false for real
// ones.
func (c *Cluster) specialOffset(p *partition, version int16, timestamp kmsg.ListOffsetsTimestamp, end int64, d *kmsg.ListOffsetsResponsePartitionResponse) (code kmsg.ErrorCode, ok bool) {
	since := map[kmsg.ListOffsetsTimestamp]int16{
		kmsg.TimestampMax: 7, kmsg.TimestampEarliestLocal: 8, kmsg.TimestampLatestTiered: 9, kmsg.TimestampEarliestPendingUpload: 11,
	}
	from, special := since[timestamp]
	switch {
	case timestamp >= 0:
		return kmsg.None, false
	case c.since("3.8") && (!special || version < from):
		return kmsg.UnsupportedVersion, true
	case !special || c.served[kmsg.KeyListOffsets].max < from:
		return kmsg.None, false // for all they know it is a time
	}
	switch timestamp {
	case kmsg.TimestampMax:
		c.findMaxTimestamp(p, end, d)
	case kmsg.TimestampEarliestLocal:
		d.Offset, d.LeaderEpoch = p.log.start, p.log.epochAt(p.log.start)
	}
	return kmsg.None, true
}

// findTimestamp finds the first record that is as young as a time or younger.
func (c *Cluster) findTimestamp(p *partition, timestamp, end int64, d *kmsg.ListOffsetsResponsePartitionResponse) {
	for i := range p.log.batches {
		b := &p.log.batches[i]
		if b.base >= end {
			return
		}
		if b.maxTimestamp < timestamp {
			continue
		}
		if c.firstRecord(p, b, end, d, func(at int64) bool { return at >= timestamp }) {
			return
		}
	}
}

// findMaxTimestamp finds the first record with the largest timestamp, if it may be read already:
// of the others none will do.
func (c *Cluster) findMaxTimestamp(p *partition, end int64, d *kmsg.ListOffsetsResponsePartitionResponse) {
	var youngest *logged
	for i := range p.log.batches {
		b := &p.log.batches[i]
		if youngest == nil || b.maxTimestamp > youngest.maxTimestamp {
			youngest = b
		}
	}
	if youngest != nil && youngest.maxTimestamp >= 0 {
		c.firstRecord(p, youngest, end, d, func(at int64) bool { return at >= youngest.maxTimestamp })
	}
}

// firstRecord finds the first record of a batch whose timestamp will do.
func (c *Cluster) firstRecord(p *partition, b *logged, end int64, d *kmsg.ListOffsetsResponsePartitionResponse, will func(int64) bool) bool {
	r := batch.NewReader(b.raw())
	if !r.Next() {
		return false
	}
	payload, room, err := r.Batch.Payload(c.cfg.Codecs, c.room, batch.DefaultLimit)
	c.room = room
	if err != nil {
		return false
	}
	w := r.Batch.Walk(payload)
	w.SkipTo(p.log.start)
	for w.Next() {
		if w.Record.Offset < end && will(w.Record.Timestamp) {
			d.Offset, d.Timestamp, d.LeaderEpoch = w.Record.Offset, w.Record.Timestamp, b.epoch
			return true
		}
	}
	return false
}

// oldOffsets is the answer of version 0: the starts of the log's segments, of which there is one,
// and its end, largest first.
func oldOffsets(p *partition, asked *kmsg.ListOffsetsRequestPartition, end int64, local bool) []int64 {
	offsets := []int64{}
	switch {
	case asked.Timestamp == kmsg.TimestampEarliest, asked.Timestamp == kmsg.TimestampEarliestLocal && local:
		offsets = append(offsets, p.log.start)
	case asked.Timestamp == kmsg.TimestampLatest:
		offsets = append(offsets, end)
		if p.log.size > 0 && p.log.start < end {
			offsets = append(offsets, p.log.start)
		}
	default:
		// Only segments have a time here, that of their last change.
		if len(p.log.batches) > 0 && p.log.changed <= int64(asked.Timestamp) {
			offsets = append(offsets, end, p.log.start)
		}
	}
	return offsets[:min(len(offsets), max(0, int(asked.MaxNumOffsets)))]
}
