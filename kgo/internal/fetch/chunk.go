package fetch

import (
	"errors"
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

var (
	errNoProgress = errors.New("the answer has only records from before the offset that was asked for")
	errRedirect   = errors.New("the broker names another replica though it was not asked for one")
)

// walk goes over the headers of the batches that came for a partition, moves its position behind
// them, and reports whether it moved.
//
// The position is behind the last offset that a batch covers, whether or not there is a record with
// it: compaction takes records, also the last of a batch and all of it.
func (c *Cell) walk(p *Partition, d *kmsg.FetchResponsePartitionData) (Chunk, bool) {
	k := Chunk{
		Partition: p, Stamp: p.stamp, From: p.position, Limit: p.stop,
		HighWatermark: d.HighWatermark, LastStable: d.LastStableOffset, LogStart: d.LogStartOffset,
	}
	position, epoch := p.position, p.epoch
	c.reader.Reset(d.Records)
	r := &c.reader
	// Of what another lane has brought already nothing is needed, but for the markers that end
	// transactions of the list.
	aborts := len(d.AbortedTransactions) > 0 && c.cfg.Isolation == kmsg.IsolationReadCommitted
	begin, whole := 0, 0
	for position < p.stop && r.Next() {
		b := &r.Batch
		whole = r.Pos()
		if b.Check() != nil {
			k.Broken = true
			break
		}
		if b.LastOffset() < p.position && !aborts {
			begin = whole
			continue
		}
		k.Batches++
		if b.Attributes.Codec() != 0 {
			k.Compressed++
		}
		if last := b.LastOffset(); last >= position {
			position, epoch = last+1, b.LeaderEpoch
		}
	}
	if r.Err() != nil {
		k.Broken = true
		whole = len(d.Records)
	}
	moved := position > p.position
	if moved || k.Broken {
		k.Records = d.Records[begin:whole:whole]
		if aborts {
			k.Aborted = slices.Clone(d.AbortedTransactions)
		}
	}
	p.position, p.epoch = position, epoch
	if moved {
		p.need = 0
	}
	k.End, k.Epoch = position, epoch
	return k, moved
}
