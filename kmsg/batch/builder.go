package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"
)

// A Builder encodes records into a batch as they are appended: a record is free again when
// Append returns. It is made by [NewBuilder] or [Builder.Reset], and for one goroutine at a
// time.
//
// The buffer is the caller's. TryAppend never makes another one: when the buffer is full, the
// caller brings a larger one with [Builder.Grow], from a pool or not, or seals the batch.
type Builder struct {
	// Transactional marks the batch as part of a transaction, Control as one of Kafka's own
	// markers; format 2. They count when the batch is sealed.
	Transactional bool
	Control       bool
	// LogAppendTime marks the timestamps as the broker's: the latest becomes that of all. In
	// format 1 it must be set before the first record is appended; format 0 has none.
	LogAppendTime bool
	// BaseOffset is the offset of the first record, 0 in what producers send. In formats 0 and
	// 1 it must be set before the first record is appended.
	BaseOffset int64

	buf       []byte // header and records so far
	limit     int    // of len(buf)
	magic     Magic
	count     int32
	delta     int32 // of the last record's offset from BaseOffset
	firstTime int64
	maxTime   int64
}

// NewBuilder returns a builder that appends to buf, from its start and up to its capacity.
func NewBuilder(buf []byte, magic Magic) *Builder {
	b := &Builder{}
	b.Reset(buf, magic)
	return b
}

// Reset makes the builder start anew with another buffer, which may be nil. All fields get
// their defaults, and the limit is the largest size that the protocol has.
func (b *Builder) Reset(buf []byte, magic Magic) {
	*b = Builder{buf: buf[:0], magic: magic, limit: math.MaxInt32, delta: -1, firstTime: NoTimestamp, maxTime: NoTimestamp}
	if magic == V2 && cap(buf) >= HeaderSize {
		b.buf = buf[:HeaderSize]
	}
}

// SetLimit sets how large the batch may become, in bytes, uncompressed and with its header.
func (b *Builder) SetLimit(size int) { b.limit = min(size, math.MaxInt32) }

// Magic returns the format.
func (b *Builder) Magic() Magic { return b.magic }

// Len returns how many records there are.
func (b *Builder) Len() int { return int(b.count) }

// Size returns how large the batch is, in bytes, uncompressed and with its header.
func (b *Builder) Size() int {
	if b.magic == V2 {
		return max(len(b.buf), HeaderSize)
	}
	return len(b.buf)
}

// FirstTimestamp is that of the first record, in milliseconds, NoTimestamp without any.
func (b *Builder) FirstTimestamp() int64 { return b.firstTime }

// MaxTimestamp is the latest timestamp of the records so far, in milliseconds, NoTimestamp
// without any.
func (b *Builder) MaxTimestamp() int64 { return b.maxTime }

// Grow moves the records to the start of a buffer whose capacity must be [Builder.Size] or more,
// and returns the old one, which is the caller's again.
func (b *Builder) Grow(buf []byte) (old []byte) {
	old = b.buf
	b.buf = buf[:b.Size()]
	copy(b.buf, old)
	return old
}

// Append adds a record, one offset after the record before, and makes a larger buffer if it
// has to. It reports whether the record fits within the limit; if not, nothing has changed. The
// timestamp is in milliseconds. A nil key or value is null. Formats 0 and 1 carry no headers,
// format 0 no timestamp: they are dropped.
func (b *Builder) Append(timestamp int64, key, value []byte, headers []RecordHeader) bool {
	return b.AppendAt(b.BaseOffset+int64(b.delta)+1, timestamp, key, value, headers)
}

// AppendAt is Append with an offset of one's own, for batches as brokers keep them. An offset
// that is not larger than the one before, or 2^31 or more above BaseOffset, does not fit.
func (b *Builder) AppendAt(offset, timestamp int64, key, value []byte, headers []RecordHeader) bool {
	delta := offset - b.BaseOffset
	if delta <= int64(b.delta) || delta > math.MaxInt32 {
		return false
	}
	last := b.delta
	b.delta = int32(delta) - 1
	size, ok := b.TryAppend(timestamp, key, value, headers)
	if !ok && size <= b.limit {
		b.Grow(make([]byte, 0, min(max(size, 2*cap(b.buf), 512), max(b.limit, size))))
		_, ok = b.TryAppend(timestamp, key, value, headers)
	}
	if !ok {
		b.delta = last
	}
	return ok
}

// TryAppend is Append with the buffer that is there. It returns the size that the batch has
// with the record, and whether that was within the buffer's capacity and the limit; if not,
// nothing has changed. It allocates nothing.
func (b *Builder) TryAppend(timestamp int64, key, value []byte, headers []RecordHeader) (size int, ok bool) {
	if b.magic != V2 {
		return b.tryAppendMessage(timestamp, key, value)
	}
	first := b.firstTime
	if b.count == 0 {
		first = timestamp
	}
	since, delta := timestamp-first, b.delta+1
	body := 1 + varintLen(since) + varintLen(int64(delta)) + bytesLen(key) + bytesLen(value) + 1
	if len(headers) != 0 {
		body += headersLen(headers) - 1
	}
	start := max(len(b.buf), HeaderSize)
	size = start + varintLen(int64(body)) + body
	if size > cap(b.buf) || size > b.limit || delta < 0 {
		return size, false
	}
	b.buf = b.buf[:size]
	d := b.buf[start:]
	i := putVarint(d, 0, int64(body))
	d[i] = 0 // attributes, which are unused
	i = putVarint(d, i+1, since)
	i = putVarint(d, i, int64(delta))
	i = putBytes(d, i, key)
	i = putBytes(d, i, value)
	if len(headers) == 0 {
		d[i] = 0
	} else {
		putHeaders(d, i, headers)
	}
	b.delta = delta
	b.count++
	b.firstTime = first
	b.maxTime = max(b.maxTime, timestamp)
	return size, true
}

// SizeWith returns the size that the batch would have with one more record.
func (b *Builder) SizeWith(timestamp int64, key, value []byte, headers []RecordHeader) int {
	if b.magic != V2 {
		return len(b.buf) + b.messageLen(key, value)
	}
	since := timestamp - b.firstTime
	if b.count == 0 {
		since = 0
	}
	body := 1 + varintLen(since) + varintLen(int64(b.delta+1)) + bytesLen(key) + bytesLen(value) + headersLen(headers)
	return b.Size() + varintLen(int64(body)) + body
}

// varintLen returns how many bytes a zigzag varint takes.
func varintLen(v int64) int { return (bits.Len64(uint64(v<<1^v>>63)|1) + 6) / 7 }

// bytesLen returns how many bytes a key or value takes, with its length.
func bytesLen(b []byte) int {
	if b == nil {
		return 1
	}
	return varintLen(int64(len(b))) + len(b)
}

func headersLen(headers []RecordHeader) int {
	n := varintLen(int64(len(headers)))
	for i := range headers {
		h := &headers[i]
		n += varintLen(int64(len(h.Key))) + len(h.Key) + bytesLen(h.Value)
	}
	return n
}

// putVarint writes a zigzag varint at d[i] and returns the index after it.
func putVarint(d []byte, i int, v int64) int {
	u := uint64(v<<1 ^ v>>63)
	for u >= 0x80 {
		d[i] = byte(u) | 0x80
		u >>= 7
		i++
	}
	d[i] = byte(u)
	return i + 1
}

// putBytes writes a key or value with its length.
func putBytes(d []byte, i int, b []byte) int {
	if b == nil {
		d[i] = 1 // -1
		return i + 1
	}
	i = putVarint(d, i, int64(len(b)))
	return i + copy(d[i:], b)
}

func putHeaders(d []byte, i int, headers []RecordHeader) {
	i = putVarint(d, i, int64(len(headers)))
	for j := range headers {
		h := &headers[j]
		i = putVarint(d, i, int64(len(h.Key)))
		i += copy(d[i:], h.Key)
		i = putBytes(d, i, h.Value)
	}
}

func (b *Builder) messageLen(key, value []byte) int {
	return b.magic.header() + 8 + len(key) + len(value)
}

// tryAppendMessage is TryAppend in the formats 0 and 1. Their offsets count from 0 in what is
// to be compressed in format 1, and are final in all else; the messages of one batch are
// finished when it is sealed.
func (b *Builder) tryAppendMessage(timestamp int64, key, value []byte) (size int, ok bool) {
	n := b.messageLen(key, value)
	start, delta := len(b.buf), b.delta+1
	size = start + n
	if size > cap(b.buf) || size > b.limit || delta < 0 {
		return size, false
	}
	b.buf = b.buf[:size]
	d := b.buf[start:]
	binary.BigEndian.PutUint64(d, uint64(b.BaseOffset+int64(delta)))
	binary.BigEndian.PutUint32(d[atLength:], uint32(n-lengthEnd))
	d[atMagic] = byte(b.magic)
	d[atMessageAttributes] = 0
	rest := d[messageHeaderV0:]
	if b.magic == V1 {
		if b.LogAppendTime {
			d[atMessageAttributes] = byte(logAppendTime)
		}
		binary.BigEndian.PutUint64(d[atMessageTime:], uint64(timestamp))
		rest = d[messageHeaderV1:]
		if b.count == 0 {
			b.firstTime = timestamp
		}
		b.maxTime = max(b.maxTime, timestamp)
	}
	rest = putSized(rest, key)
	putSized(rest, value)
	binary.BigEndian.PutUint32(d[atMessageCRC:], crc32.ChecksumIEEE(d[atMagic:]))
	b.delta = delta
	b.count++
	return size, true
}

// putSized writes bytes with an int32 length, -1 for nil, and returns what follows.
func putSized(d, b []byte) []byte {
	n := len(b)
	if b == nil {
		n = -1
	}
	binary.BigEndian.PutUint32(d, uint32(int32(n)))
	return d[4+copy(d[4:], b):]
}

// Seal ends the batch. The buffer goes with the result, and the builder is as after a Reset
// without a buffer. A batch without records is possible, but brokers refuse it.
func (b *Builder) Seal() Sealed {
	defer b.Reset(nil, b.magic)
	s := Sealed{Magic: b.magic, Count: b.count, lastDelta: max(b.delta, 0), base: b.BaseOffset, maxTime: b.maxTime}
	if b.LogAppendTime {
		s.flags |= logAppendTime
	}
	if b.magic != V2 {
		s.Bytes = b.buf
		return s
	}
	if len(b.buf) < HeaderSize {
		b.Grow(make([]byte, HeaderSize))
	}
	s.Bytes = b.buf
	if b.Transactional {
		s.flags |= transactional
	}
	if b.Control {
		s.flags |= control
	}
	h := Header{
		BaseOffset:      b.BaseOffset,
		LeaderEpoch:     -1,
		Attributes:      s.flags,
		LastOffsetDelta: s.lastDelta,
		BaseTimestamp:   b.firstTime,
		MaxTimestamp:    b.maxTime,
		ProducerID:      -1,
		ProducerEpoch:   -1,
		BaseSequence:    -1,
		Count:           b.count,
	}
	h.put(s.Bytes)
	binary.BigEndian.PutUint32(s.Bytes[atLength:], uint32(len(s.Bytes)-lengthEnd))
	return s
}
