package batch

import (
	"math"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Converter rewrites records in another format, as brokers did for clients that were older or
// newer than the log. To and Codecs must be set. It is for one goroutine at a time.
type Converter struct {
	// To is the format to write.
	To Magic
	// Codecs compresses and decompresses; each batch keeps its codec.
	Codecs *compress.Codecs
	// Limit bounds the decompressed size of a batch, 0 means [DefaultLimit].
	Limit int

	room    []byte  // for what is decompressed
	builder Builder // of the batch that is being made, if it has records
	of      Header  // of what its first record is from
	last    int64   // offset of its last record
}

// DefaultLimit is how large a batch may be when it is decompressed, unless its user says
// otherwise: 64 MiB.
const DefaultLimit = 64 << 20

// Append converts the batches in src, appends them to dst and returns the result. Both may not
// overlap. What the format cannot carry is lost, as it was with brokers: headers and producers
// below format 2, timestamps in format 0; control batches are left out below format 2, batches
// without records everywhere, and so is one that is cut off at the end. Offsets stay. Batches
// that have the format already are copied as they are. To format 2, uncompressed messages that
// follow each other become one batch; what producers send may have the same offset in all of
// them, and does not.
//
// The error is an *[Error], for records that cannot be read, or with [compress.ErrUnknownCodec]
// for Zstandard, which exists in format 2 only; and for compressed messages whose offsets do not
// grow, as producers may send them too, or are 2^31 or more apart: a batch of another format has
// no place for them, and Kafka's own classes refuse them as well. On an error dst comes back as
// it was.
func (c *Converter) Append(dst, src []byte) ([]byte, error) {
	out := dst
	var err error
	c.builder.Reset(c.builder.buf, c.To)
	r := NewReader(src)
	for r.Next() {
		if out, err = c.batch(out, &r.Batch); err != nil {
			return dst, err
		}
	}
	if err := r.Err(); err != nil {
		return dst, err
	}
	if out, err = c.flush(out); err != nil {
		return dst, err
	}
	return out, nil
}

// joinedSize is how large a batch of joined messages may become, and one more.
const joinedSize = 1 << 20

// joins reports whether a batch, which is a message, can become part of the one that is being
// made.
func (c *Converter) joins(b *Batch) bool {
	return c.builder.Len() > 0 && c.builder.Size() < joinedSize && b.Attributes == c.of.Attributes &&
		(!b.Attributes.LogAppendTime() || b.MaxTimestamp == c.of.MaxTimestamp) &&
		b.BaseOffset > c.last && b.BaseOffset-c.builder.BaseOffset <= math.MaxInt32
}

func (c *Converter) batch(dst []byte, b *Batch) ([]byte, error) {
	joining := c.To == V2 && b.Magic != V2 && b.Attributes.Codec() == compress.None
	if !joining || !c.joins(b) {
		var err error
		if dst, err = c.flush(dst); err != nil {
			return nil, err
		}
	}
	switch {
	case b.Magic == c.To:
		return append(dst, b.Raw...), nil
	case b.Attributes.Control():
		return dst, nil
	case b.Attributes.Codec() == compress.Zstd && c.To != V2:
		err := noZstd(c.To)
		return nil, &Error{b.pos, false, b.BaseOffset, err.Error(), err}
	}
	limit := c.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	payload, room, err := b.Payload(c.Codecs, c.room, limit)
	c.room = room
	if err != nil {
		return nil, err
	}
	w := b.Walk(payload)
	for w.Next() {
		if !c.record(b, &w.Record) {
			return nil, b.fail(0, "a record at offset %d has no place in a batch from %d on", w.Record.Offset, c.builder.BaseOffset)
		}
	}
	if err := w.Err(); err != nil || joining {
		return dst, err
	}
	return c.flush(dst)
}

// record appends a record to the batch that is being made, and reports whether there is a place
// for its offset. Formats below 2 have no headers, and that is where they come from or go to.
func (c *Converter) record(b *Batch, r *Record) bool {
	if c.builder.Len() == 0 {
		c.builder.BaseOffset = r.Offset
		c.builder.LogAppendTime = b.Attributes.LogAppendTime()
		c.of = b.Header
	}
	c.last = r.Offset
	return c.builder.AppendAt(r.Offset, r.Timestamp, r.Key, r.Value, nil)
}

// flush ends the batch that is being made, and appends it to dst.
func (c *Converter) flush(dst []byte) ([]byte, error) {
	if c.builder.Len() == 0 {
		return dst, nil
	}
	s := c.builder.Seal()
	unused, err := s.Compress(c.Codecs, compress.Settings{Codec: c.of.Attributes.Codec()}, nil)
	if err == nil {
		dst = append(dst, s.Bytes...)
	}
	if unused == nil {
		unused = s.Bytes // it was not compressed
	}
	c.builder.Reset(unused, c.To)
	return dst, err
}
