package batch

import (
	"bytes"
	"fmt"
	"math"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Walker walks the records of a batch. It allocates nothing and is for one goroutine at a
// time. Its Record is overwritten by Next; Key, Value and Headers are views of the payload and
// hold as long as that does.
type Walker struct {
	// Record is the record that Next found.
	Record Record

	whole   []byte // the payload
	base    int    // of the whole, where payload begins
	payload []byte // the whole, or a copy of a part of it
	step    int    // how much to copy at once
	off     int
	left    int32 // records that are still to come; in format 0 and 1, -1 for as many as there are
	delta   int32 // offset delta of the record before, -1 at first
	batch   *Batch
	from    int64 // offset of the first record to stop at
	inner   int64 // what to add to offsets of compressed messages of format 1
	last    int64 // the last of these offsets
	err     *Error
}

// Payload returns the records of the batch without its header: as they stand in it, which is a
// view, or decompressed into buf, from its start, if they are compressed. Buf may be nil, and
// is replaced if it is too small; either way it comes back as room, for the next call, which
// overwrites the payload. Decompressed records are never larger than limit, in bytes. The error
// is an *[Error], with one of package compress if it is of a codec.
func (b *Batch) Payload(c *compress.Codecs, buf []byte, limit int) (payload, room []byte, err error) {
	codec := b.Attributes.Codec()
	raw, err := b.body()
	if err != nil {
		return nil, buf, err
	}
	if codec == compress.None || len(raw) == 0 && b.Count == 0 {
		return raw, buf, nil
	}
	out, err := c.Decompress(buf[:0], raw, codec, limit)
	if err != nil {
		return nil, buf, &Error{b.pos + len(b.Raw) - len(raw), false, b.BaseOffset, err.Error(), err}
	}
	return out[:len(out):len(out)], out, nil
}

// body is what follows the header: the records of a batch of format 2, the value of a
// compressed message, a whole uncompressed message.
func (b *Batch) body() ([]byte, error) {
	switch {
	case b.Magic == V2:
		return b.Raw[HeaderSize:], nil
	case b.Attributes.Codec() == compress.None:
		return b.Raw, nil
	}
	_, value, ok := splitMessage(b.Raw)
	if !ok || value == nil {
		return nil, b.fail(b.Magic.header(), "a compressed message without a value of the length that it says")
	}
	return value, nil
}

// Walk returns a walker of the batch's records. The payload is what [Batch.Payload] returned.
// The walker refers to b, which must not change meanwhile.
//
// Some producers leave offsets to the broker. In a compressed message of format 1 all relative
// offsets may be 0, and then all records have the message's offset; if that is 0, it does not
// count, and records have their relative offsets. Kafka's own classes read it so.
func (b *Batch) Walk(payload []byte) Walker {
	w := Walker{whole: payload, payload: payload, batch: b, left: b.Count, delta: -1, from: math.MinInt64}
	if err := b.Check(); err != nil {
		w.end(err.(*Error))
	} else if b.Magic != V2 {
		w.left = -1
		w.begin()
	}
	return w
}

// SkipTo makes Next leave out the records before an offset, which costs less than walking them:
// nothing is checked but their lengths and offsets.
func (w *Walker) SkipTo(offset int64) { w.from = offset }

// CopyAhead lets Key, Value and Headers be views of copies, which the walker allocates, of about n
// bytes of records each or of one that is larger, and never touches again: whoever keeps many of the
// records need not copy each. In the formats 0 and 1 the whole payload is copied. It is for before the
// first Next.
func (w *Walker) CopyAhead(n int) {
	if w.left < 0 {
		w.payload = bytes.Clone(w.whole)
	} else if w.left > 0 {
		w.payload, w.step = nil, max(n, 1)
	}
}

// copyMore begins the next copy with the record at byte start, which does not fit in this one, and
// reports whether there was more to copy.
func (w *Walker) copyMore(start int) bool {
	rest := w.whole[w.base+start:]
	if w.step == 0 || len(rest) == len(w.payload)-start || start == 0 && len(w.payload) > 0 {
		return false
	}
	n := min(w.step, len(rest))
	if size, i := varint(rest, 0); i >= 0 && size > int64(n-i) {
		n = i + int(min(size, int64(len(rest)-i)))
	}
	w.payload, w.base, w.off = bytes.Clone(rest[:n]), w.base+start, 0
	return true
}

// Err returns what ended the walk, an *[Error], or nil after the last record.
func (w *Walker) Err() error {
	if w.err == nil {
		return nil
	}
	return w.err
}

// fail ends the walk because of the record at byte off.
func (w *Walker) fail(off int, format string, args ...any) bool {
	w.failWith(off, ErrMalformed, fmt.Sprintf(format, args...))
	return false
}

func (w *Walker) failWith(off int, err error, reason string) {
	b := w.batch
	e := &Error{Pos: w.base + off, Inside: true, Offset: b.BaseOffset, Reason: reason, Err: err}
	if b.Attributes.Codec() == compress.None {
		e.Inside = false
		e.Pos += b.pos + len(b.Raw) - len(w.whole)
	}
	w.end(e)
}

func (w *Walker) end(err *Error) {
	w.err = err
	w.off, w.left = len(w.payload), 0
}

// Next moves to the next record and reports whether there is one. At the end it looks whether
// the batch has as many records and bytes as it says.
func (w *Walker) Next() bool {
	for w.left > 0 {
		b, start := w.payload, w.off
		size, i := short(b, start)
		if i < 0 {
			size, i = varint(b, start)
		}
		if i < 0 || size < 0 || size > int64(len(b)-i) {
			if w.copyMore(start) {
				continue
			}
			return w.failLength(start)
		}
		b = b[:i+int(size)]
		w.off = len(b)
		at := i + 1 // after the attributes, which are unused
		ts, i := short(b, at)
		if i < 0 {
			ts, i = varint(b, at)
		}
		at = i
		delta, i := short(b, at)
		if i < 0 {
			delta, i = varint(b, at)
		}
		if i < 0 || delta <= int64(w.delta) || delta > int64(w.batch.LastOffsetDelta) {
			return w.failDelta(start, delta, i)
		}
		w.delta = int32(delta)
		w.left--
		r := &w.Record
		r.Offset = w.batch.BaseOffset + delta
		if r.Offset < w.from {
			continue
		}
		r.Timestamp = w.batch.BaseTimestamp + ts
		if w.batch.Attributes&logAppendTime != 0 {
			r.Timestamp = w.batch.MaxTimestamp
		}
		at = i
		key, i := short(b, at)
		if i < 0 {
			key, i = varint(b, at)
		}
		if key >= 0 && i >= 0 && key <= int64(len(b)-i) {
			n := i + int(key)
			r.Key = b[i:n:n]
			i = n
		} else if key == -1 {
			r.Key = nil
		} else {
			return w.fail(start, "a record's key of %d bytes does not fit", key)
		}
		at = i
		value, i := short(b, at)
		if i < 0 {
			value, i = varint(b, at)
		}
		if value >= 0 && i >= 0 && value <= int64(len(b)-i) {
			n := i + int(value)
			r.Value = b[i:n:n]
			i = n
		} else if value == -1 {
			r.Value = nil
		} else {
			return w.fail(start, "a record's value of %d bytes does not fit", value)
		}
		if i == len(b)-1 && b[i] == 0 {
			r.Headers = Headers{}
			return true
		}
		return w.headers(b, i, start)
	}
	return w.rest()
}

// headers checks the headers of a record, from byte i to the end of b.
func (w *Walker) headers(b []byte, i, start int) bool {
	count, i := varint(b, i)
	if i < 0 || count < 0 || count > int64(len(b)-i)/2 {
		return w.fail(start, "a record with %d headers, which do not fit", count)
	}
	first := i
	for range count {
		n, at := short(b, i)
		if at < 0 {
			n, at = varint(b, i)
		}
		if at < 0 || n < 0 || n > int64(len(b)-at) {
			return w.fail(start, "the key of a record's header, of %d bytes, does not fit", n)
		}
		i = at + int(n)
		n, at = short(b, i)
		if at < 0 {
			n, at = varint(b, i)
		}
		if at < 0 || n < -1 || n > int64(len(b)-at) {
			return w.fail(start, "the value of a record's header, of %d bytes, does not fit", n)
		}
		i = at + int(max(n, 0))
	}
	if i != len(b) {
		return w.fail(start, "a record goes on for %d bytes after its headers", len(b)-i)
	}
	w.Record.Headers = Headers{b[first:len(b):len(b)], int(count)}
	return true
}

// failLength says why a record's length is wrong.
func (w *Walker) failLength(start int) bool {
	left := len(w.whole) - w.base - start
	if left == 0 {
		return w.fail(start, "the batch has %d records less than the %d that it says", w.left, w.batch.Count)
	}
	return w.fail(start, "a record's length does not fit in the %d bytes that remain", left)
}

func (w *Walker) failDelta(start int, delta int64, i int) bool {
	if i < 0 {
		return w.fail(start, "a record is too short for its timestamp and offset")
	}
	return w.fail(start, "a record's offset is %d after the batch's, but after %d and up to %d is possible", delta, w.delta, w.batch.LastOffsetDelta)
}

// rest is Next at the end of a batch, and in the formats 0 and 1.
func (w *Walker) rest() bool {
	switch {
	case w.left < 0:
		return w.nextMessage()
	case w.base+w.off < len(w.whole) && w.err == nil:
		return w.fail(w.off, "%d bytes after the last record", len(w.whole)-w.base-w.off)
	}
	return false
}

// short reads a zigzag varint of one or two bytes, as most are, and returns it and the index of
// what follows; -1 if it is longer, or the last byte, or not there. It must stay inlinable.
func short(b []byte, i int) (int64, int) {
	if i >= 0 && i < len(b)-1 {
		u := uint64(b[i])
		if u < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + 1
		}
		if v := uint64(b[i+1]); v < 0x80 {
			u = u&0x7f | v<<7
			return int64(u>>1) ^ -int64(u&1), i + 2
		}
	}
	return 0, -1
}

// varint reads a zigzag varint and returns it and the index of what follows, -1 if the bytes
// end too early or it has more than 64 bits.
func varint(b []byte, i int) (int64, int) {
	if i < 0 || i >= len(b) {
		return 0, -1
	}
	var u uint64
	for n, c := range b[i:] {
		if n == 9 && c > 1 || n > 9 {
			return 0, -1
		}
		u |= uint64(c&0x7f) << (7 * n)
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + n + 1
		}
	}
	return 0, -1
}
