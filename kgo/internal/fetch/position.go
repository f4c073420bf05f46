package fetch

import (
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// ask asks for the offsets and epochs that are missing: one request for each leader, so that one
// which does not answer holds up its own partitions only. It reports whether there is anything to
// ask.
func (c *Cell) ask(now time.Time) bool {
	if len(c.lookups) == 0 {
		return false
	}
	type group struct {
		leader int32
		state  state
	}
	offsets, epochs := map[group]*AskOffsets{}, map[group]*AskEpochs{}
	for _, p := range c.lookups {
		p.listed = false
		if !p.state.asks() || p.leader < 0 || p.asked || now.Before(p.retryAt) {
			continue
		}
		p.asked = true
		key := group{p.leader, p.state}
		if p.state == validating {
			a := epochs[key]
			if a == nil {
				a = &AskEpochs{}
				epochs[key] = a
				c.do(a)
			}
			a.Parts = append(a.Parts, EpochAsk{p, p.epoch, p.leaderEpoch, p.jumps})
			continue
		}
		a := offsets[key]
		if a == nil {
			a = &AskOffsets{Isolation: c.cfg.Isolation}
			offsets[key] = a
			c.do(a)
		}
		a.Parts = append(a.Parts, OffsetAsk{p, p.lookFor(now), p.leaderEpoch, p.jumps, p.state})
	}
	c.lookups = c.lookups[:0]
	return len(c.actions) > 0
}

// lookFor is the timestamp whose offset the partition needs next.
func (p *Partition) lookFor(now time.Time) int64 {
	switch {
	case p.state == ending:
		return int64(kmsg.TimestampLatest)
	case p.bound < 0:
		return p.start.timestamp(now)
	case p.start.Delta < 0:
		return int64(kmsg.TimestampEarliest)
	}
	return int64(kmsg.TimestampLatest)
}

// Request returns the request.
func (a *AskOffsets) Request() *kmsg.ListOffsetsRequest {
	req := kmsg.NewListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = a.Isolation
	at := map[string]int{}
	for i := range a.Parts {
		of := &a.Parts[i]
		n, known := at[of.Partition.Topic]
		if !known {
			n = len(req.Topics)
			at[of.Partition.Topic] = n
			req.Topics = append(req.Topics, kmsg.ListOffsetsRequestTopic{Name: of.Partition.Topic})
		}
		part := kmsg.NewListOffsetsRequestPartition()
		part.PartitionIndex, part.Timestamp, part.CurrentLeaderEpoch = of.Partition.Index, kmsg.ListOffsetsTimestamp(of.Timestamp), of.LeaderEpoch
		req.Topics[n].Partitions = append(req.Topics[n].Partitions, part)
	}
	return req
}

// Request returns the request.
func (a *AskEpochs) Request() *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	at := map[string]int{}
	for i := range a.Parts {
		of := &a.Parts[i]
		n, known := at[of.Partition.Topic]
		if !known {
			n = len(req.Topics)
			at[of.Partition.Topic] = n
			req.Topics = append(req.Topics, kmsg.OffsetForLeaderEpochRequestOffsetForLeaderTopic{Topic: of.Partition.Topic})
		}
		part := kmsg.NewOffsetForLeaderEpochRequestOffsetForLeaderPartition()
		part.Partition, part.LeaderEpoch, part.CurrentLeaderEpoch = of.Partition.Index, of.Epoch, of.LeaderEpoch
		req.Topics[n].Partitions = append(req.Topics[n].Partitions, part)
	}
	return req
}

// offsets takes note of an answer to ListOffsets.
func (c *Cell) offsets(now time.Time, e *Offsets) {
	told := map[*Partition]*kmsg.ListOffsetsResponsePartitionResponse{}
	if e.Response != nil {
		for i := range e.Response.Topics {
			t := &e.Response.Topics[i]
			for j := range t.Partitions {
				if p := c.find(t.Name, kbin.UUID{}, t.Partitions[j].PartitionIndex); p != nil {
					told[p] = &t.Partitions[j]
				}
			}
		}
	}
	for i := range e.To.Parts {
		ask := &e.To.Parts[i]
		p := ask.Partition
		if p.jumps != ask.jumps || p.state != ask.state || !p.asked {
			continue
		}
		p.asked = false
		d := told[p]
		switch {
		case d == nil:
			c.unanswered(now, p, kmsg.None, e.Err)
		case d.ErrorCode != kmsg.None:
			c.unanswered(now, p, d.ErrorCode, nil)
		default:
			p.well()
			switch {
			case e.Response.Version > 0:
				c.told(p, d.Offset, d.LeaderEpoch, Latest)
			case len(d.OldStyleOffsets) > 0:
				c.told(p, d.OldStyleOffsets[0], -1, Earliest)
			default:
				c.told(p, -1, -1, Earliest)
			}
			c.settle(now, p)
		}
	}
}

// told takes note of an offset that was looked for, -1 if there is none. Of a time that says what to
// take instead: the end if no record is that young, or, in the days when the last segment was looked
// for that is not younger, the begin if all are.
func (c *Cell) told(p *Partition, offset int64, epoch int32, instead Place) {
	switch {
	case offset < 0 && (p.start.Place == Timestamp || p.start.Place == Back) && p.bound < 0 && p.state == searching:
		p.start = Start{Place: instead, Delta: p.start.Delta}
	case offset < 0:
		c.told(p, 0, -1, instead) // of a broker that says neither an offset nor why not
	case p.state == ending:
		p.stop = offset
		p.state = searching
		if p.start.Place == Offset {
			c.found(p, p.start.Offset, p.start.Epoch)
		} else if p.start.Place == Nowhere {
			p.state = halted
		}
	case p.start.Delta == 0:
		c.found(p, offset, epoch)
	case p.bound < 0:
		p.bound = offset
	case p.start.Delta < 0:
		c.found(p, max(offset, p.bound+p.start.Delta), -1)
	default:
		c.found(p, min(offset, p.bound+p.start.Delta), -1)
	}
}

// found begins to read.
func (c *Cell) found(p *Partition, offset int64, epoch int32) {
	p.position, p.epoch = offset, epoch
	p.state = reading
	if p.report != nil {
		p.report.To = offset
		c.do(p.report)
		p.report = nil
	} else {
		c.do(&Positioned{p, p.stamp, offset})
	}
	c.finish(p)
}

// finish ends a partition that was read to where it is to stop. If the user says that it begins behind
// that, its leader shall tell whether it has such an offset.
func (c *Cell) finish(p *Partition) {
	if p.position == p.stop || p.position > p.stop && p.start.Place != Offset {
		p.state = ended
		c.do(&Ended{p, p.stamp})
	}
}

// unanswered lets a partition wait whose offset or epoch was not told.
func (c *Cell) unanswered(now time.Time, p *Partition, code kmsg.ErrorCode, err error) {
	if code == kmsg.None || route.Meaning(code).Is(route.StaleMetadata) {
		c.doubt(p.topic, "its leader did not tell an offset")
	}
	c.trouble(now, p, trouble{code: code, err: err, broker: p.leader})
}

// epochs takes note of an answer to OffsetForLeaderEpoch.
func (c *Cell) epochs(now time.Time, e *Epochs) {
	if e.Response != nil && e.Response.Version < 2 {
		e.Unsupported = true // it does not look at the leader's epoch
	}
	told := map[*Partition]*kmsg.OffsetForLeaderEpochResponseEpochEndOffset{}
	if e.Response != nil {
		for i := range e.Response.Topics {
			t := &e.Response.Topics[i]
			for j := range t.Partitions {
				if p := c.find(t.Topic, kbin.UUID{}, t.Partitions[j].Partition); p != nil {
					told[p] = &t.Partitions[j]
				}
			}
		}
	}
	for i := range e.To.Parts {
		ask := &e.To.Parts[i]
		p := ask.Partition
		if p.jumps != ask.jumps || p.state != validating || !p.asked {
			continue
		}
		p.asked = false
		d := told[p]
		switch {
		case e.Unsupported || d != nil && forbidden(d.ErrorCode):
			p.well()
			c.valid(p)
		case d == nil:
			c.unanswered(now, p, kmsg.None, e.Err)
			continue
		case d.ErrorCode != kmsg.None:
			c.unanswered(now, p, d.ErrorCode, nil)
			continue
		default:
			p.well()
			c.compare(p, d)
		}
		c.settle(now, p)
	}
}

// forbidden reports whether a broker does not let us ask: before 2.3 that took more permissions
// than to read. Then nobody checks, as before there were epochs.
func forbidden(code kmsg.ErrorCode) bool {
	return code == kmsg.ClusterAuthorizationFailed || code == kmsg.TopicAuthorizationFailed
}

// compare looks whether the leader's log has what was read: it must have records of the same
// epoch up to the position at least.
func (c *Cell) compare(p *Partition, d *kmsg.OffsetForLeaderEpochResponseEpochEndOffset) {
	unknown := d.EndOffset < 0 || d.LeaderEpoch < 0
	if !unknown && d.EndOffset >= p.position {
		c.valid(p)
		return
	}
	if unknown && p.outside {
		c.valid(p) // nothing is left that could be compared
		return
	}
	t := &Truncated{Partition: p, Stamp: p.stamp, Position: p.position, Diverged: d.EndOffset, Epoch: d.LeaderEpoch}
	if unknown {
		t.Diverged, t.Epoch = -1, -1
	}
	p.state = halted
	c.do(t)
}

// valid goes on reading.
func (c *Cell) valid(p *Partition) {
	p.state = reading
	if p.outside {
		c.lost(p, &Report{Why: OutOfRange, Code: kmsg.OffsetOutOfRange, From: p.position}, c.cfg.Reset)
	}
}

// outOfRange goes on from somewhere else, because the leader does not have the position. If what was
// read may have been taken back, that is looked into first.
func (c *Cell) outOfRange(now time.Time, p *Partition) {
	p.outside = true
	if p.epoch >= 0 && p.leaderEpoch >= 0 {
		p.state = validating
	} else {
		c.valid(p)
	}
	c.settle(now, p)
}

// find returns a partition by its topic's name or, without one, id.
func (c *Cell) find(name string, id kbin.UUID, index int32) *Partition {
	t := c.names[name]
	if name == "" {
		t = c.ids[id]
	}
	if t == nil {
		return nil
	}
	return t.parts[index]
}
