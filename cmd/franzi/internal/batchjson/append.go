package batchjson

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A batch is written as JSON has it, and not by [batch.Builder], which writes what producers
// send: JSON may hold what compaction left over, batches without records, a delete horizon, or
// want a codec though it saves nothing.

// offsets gives an offset to each record that has none, one after the record before.
func offsets(records []record, next int64) []int64 {
	all := make([]int64, len(records))
	for i := range records {
		if records[i].offset != nil {
			next = *records[i].offset
		}
		all[i] = next
		next++
	}
	return all
}

// latest is the highest timestamp.
func latest(records []record) int64 {
	latest := int64(batch.NoTimestamp)
	for i := range records {
		latest = max(latest, records[i].timestamp)
	}
	return latest
}

// or is what n points to, if it points to anything.
func or(n *int64, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	return *n
}

// appendBatch appends a batch of format 2.
func (p *parser) appendBatch(dst []byte, o *object, h *header, records []record) []byte {
	base := or(h.base, 0)
	baseTime := int64(batch.NoTimestamp)
	if len(records) > 0 {
		if h.base == nil {
			base = or(records[0].offset, 0)
		}
		baseTime = records[0].timestamp
	}
	baseTime = or(h.baseTime, baseTime)
	payload, last := []byte(nil), int64(-1)
	for i, offset := range offsets(records, base) {
		r := &records[i]
		delta := offset - base
		if delta <= last || delta > math.MaxInt32 {
			p.fail(r.value, r.path, "offset %d cannot come after %d in a batch that begins at %d", offset, base+last, base)
			return dst
		}
		payload, last = appendRecord(payload, r, int32(delta), baseTime), delta
	}
	lastDelta := or(h.lastDelta, max(last, 0))
	if lastDelta < last || lastDelta > math.MaxInt32 {
		p.fail(o.value, join(o.path, "lastOffsetDelta"), "%d does not fit: the last record is %d after baseOffset", lastDelta, last)
		return dst
	}
	start := len(dst)
	dst = kbin.AppendInt64(dst, base)
	dst = append(dst, 0, 0, 0, 0) // length
	dst = kbin.AppendInt32(dst, h.leaderEpoch)
	dst = append(dst, byte(batch.V2), 0, 0, 0, 0) // checksum
	dst = kbin.AppendInt16(dst, int16(h.flags))
	dst = kbin.AppendInt32(dst, int32(lastDelta))
	dst = kbin.AppendInt64(dst, baseTime)
	dst = kbin.AppendInt64(dst, or(h.maxTime, latest(records)))
	dst = kbin.AppendInt64(dst, h.producerID)
	dst = kbin.AppendInt16(dst, h.epoch)
	dst = kbin.AppendInt32(dst, h.sequence)
	dst = kbin.AppendInt32(dst, int32(len(records)))
	dst = p.compressed(dst, payload, h)
	return finish(dst, start, 17, 21, crc32.MakeTable(crc32.Castagnoli))
}

// finish sets the length and the checksum of a batch or message that begins at start.
func finish(dst []byte, start, sum, from int, table *crc32.Table) []byte {
	b := dst[start:]
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[sum:], crc32.Checksum(b[from:], table))
	return dst
}

// compressed appends records, compressed as the header says.
func (p *parser) compressed(dst, payload []byte, h *header) []byte {
	out, err := p.codecs.Compress(dst, payload, compress.Settings{
		Codec: compress.Codec(h.flags & codecMask), MessageSetV0: h.magic == batch.V0,
	})
	if err != nil && p.err == nil {
		p.err = &Error{Reason: err.Error()}
	}
	return out
}

func appendRecord(dst []byte, r *record, delta int32, baseTime int64) []byte {
	body := []byte{0} // attributes, which are unused
	body = kbin.AppendVarlong(body, r.timestamp-baseTime)
	body = kbin.AppendVarint(body, delta)
	body = appendBytes(body, r.key)
	body = appendBytes(body, r.data)
	body = kbin.AppendVarint(body, int32(len(r.headers)))
	for _, h := range r.headers {
		body = appendBytes(body, []byte(h.Key))
		body = appendBytes(body, h.Value)
	}
	return append(kbin.AppendVarint(dst, int32(len(body))), body...)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return kbin.AppendVarint(dst, -1)
	}
	return append(kbin.AppendVarint(dst, int32(len(b))), b...)
}

// appendMessages appends messages of format 0 or 1, one a record.
func (p *parser) appendMessages(dst []byte, h *header, records []record) []byte {
	for i, offset := range offsets(records, or(h.base, 0)) {
		dst = p.appendMessage(dst, h, h.flags&flagLogAppendTime, offset, &records[i])
	}
	return dst
}

// appendCompressed appends a message of format 0 or 1 that holds others. Its offset is that of
// the last one; in format 1 theirs count from the first one's (KIP-31).
func (p *parser) appendCompressed(dst []byte, o *object, h *header, records []record) []byte {
	n := int64(len(records))
	all := offsets(records, or(h.base, n-1)-(n-1))
	last, from := or(h.base, 0), int64(0)
	if n > 0 {
		last = all[n-1]
	}
	if h.magic == batch.V1 && n > 0 {
		from = all[0]
		if h.base != nil && *h.base != last {
			p.fail(o.value, join(o.path, "baseOffset"), "%d is not the offset of the last record, %d, which a compressed message of format 1 has", *h.base, last)
			return dst
		}
	}
	var inner []byte
	for i := range records {
		inner = p.appendMessage(inner, h, h.flags&flagLogAppendTime, all[i]-from, &records[i])
	}
	value := p.compressed([]byte{}, inner, h)
	return p.appendMessage(dst, h, h.flags, or(h.base, last), &record{timestamp: or(h.maxTime, latest(records)), data: value})
}

func (p *parser) appendMessage(dst []byte, h *header, flags batch.Attributes, offset int64, r *record) []byte {
	switch {
	case len(r.headers) > 0:
		p.fail(r.value, r.path, "format %d has no headers", h.magic)
	case h.magic == batch.V0 && r.timestamp != batch.NoTimestamp && len(r.path) > 0:
		p.fail(r.value, r.path, "format 0 has no timestamps")
	}
	start := len(dst)
	dst = kbin.AppendInt64(dst, offset)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, byte(h.magic), byte(flags)) // length, checksum
	if h.magic == batch.V1 {
		dst = kbin.AppendInt64(dst, r.timestamp)
	}
	dst = kbin.AppendNullableBytes(dst, r.key)
	dst = kbin.AppendNullableBytes(dst, r.data)
	return finish(dst, start, 12, 16, crc32.IEEETable)
}
