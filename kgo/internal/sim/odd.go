package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// Faults that only consumers notice.

// compacted stands for the number of a record in a batch that compaction went over.
const compacted = -2

// compactedValue is that of such records.
const compactedValue = "what compaction left"

// numberOf is the number of a record in the producer's book, which its value begins with.
func numberOf(value []byte) int {
	if string(value) == compactedValue {
		return compacted
	}
	n := -1
	fmt.Sscanf(string(value), "%d", &n)
	return n
}

// compacted appends a batch as compaction leaves it: its first records are gone, its last, or all.
func (l *life) compacted() {
	q := l.anyPart()
	if q == nil {
		return
	}
	all := l.w.cluster.Partitions(q.topic.name)
	if int(q.number) >= len(all) || all[q.number].Leader < 0 {
		return
	}
	covers := 1 + int64(l.w.rand.IntN(5))
	keeps := l.w.rand.Int64N(covers + 1) // the record that is left, none if it is the last
	base := all[q.number].End
	b := batch.NewBuilder(nil, batch.V2)
	b.AppendAt(keeps, l.w.now.UnixMilli(), nil, []byte(compactedValue), nil)
	s := b.Seal()
	s.Checksum()
	s.Number(-1, -1, -1)
	raw := s.Bytes
	if keeps == covers {
		raw = raw[:batch.HeaderSize]
		binary.BigEndian.PutUint32(raw[8:], batch.HeaderSize-12)
		binary.BigEndian.PutUint32(raw[57:], 0) // records
	}
	binary.BigEndian.PutUint32(raw[23:], uint32(covers-1)) // the last offset, from the first on
	batch.Assign(raw, base, 0)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	if err := l.w.cluster.AppendRaw(l.w.now, q.topic.name, q.number, raw); err != nil {
		l.w.fail("a batch that cannot be appended: %v", err)
		return
	}
	l.w.tracef("%v: offsets %d to %d, compacted, left is %d", q, base, base+covers-1, base+keeps)
	if q.holes == nil {
		q.holes = map[int64]bool{}
	}
	for at := range covers {
		if at != keeps {
			q.holes[base+at] = true
		}
	}
}

// anyBatch returns an offset with which a batch begins, or the end of the log: what logs are cut at.
// It is -1 if there is no log.
func (l *life) anyBatch(q *part) int64 {
	all := l.w.cluster.Partitions(q.topic.name)
	if int(q.number) >= len(all) {
		return -1
	}
	p := all[q.number]
	offsets := []int64{p.End}
	l.w.cluster.Walk(q.topic.name, q.number, func(b *batch.Batch, _ *batch.Record) bool {
		if at := max(b.BaseOffset, p.Start); at != offsets[len(offsets)-1] {
			offsets = append(offsets, at)
		}
		return true
	})
	return offsets[l.w.rand.IntN(len(offsets))]
}

// anyReader returns a partition that is consumed, nil if there is none.
func (l *life) anyReader() *reader {
	if len(l.o.parts) == 0 {
		return nil
	}
	return l.o.parts[l.w.rand.IntN(len(l.o.parts))]
}

// seek has the user go somewhere else.
func (l *life) seek() {
	r := l.anyReader()
	if r == nil {
		return
	}
	to := fetch.Start{Place: fetch.Offset, Epoch: -1}
	switch log := r.log(); l.w.rand.IntN(5) {
	case 0:
		to.Place = fetch.Earliest
	case 1:
		to.Place = fetch.Latest
	case 2:
		to.Offset = log.end + l.w.rand.Int64N(10) // not there yet, perhaps
	default:
		to.Offset = log.start + l.w.rand.Int64N(log.end-log.start+1)
	}
	r.seek(to, true)
}

// pause stops the user from reading a partition, or lets him again.
func (r *reader) pause(paused bool) {
	r.paused = paused
	parts := []*fetch.Partition{r.core}
	if paused {
		r.o.post(&fetch.Pause{Parts: parts})
		return
	}
	r.o.post(&fetch.Resume{Parts: parts})
	r.list()
}
