package batch

import (
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// ErrOneRecord says that a batch cannot be split.
var ErrOneRecord = errors.New("batch: a batch of one record cannot be split")

// Split appends the first half of a batch's records to left and the others to right, as for a
// batch that a broker finds too large. The payload is what [Batch.Payload] returned. The
// builders must be empty and have the batch's format; they get its flags, not its producer.
// Offsets start from 0 in both, as producers send them.
func Split(b *Batch, payload []byte, left, right *Builder) error {
	n, err := count(b, payload)
	if err != nil {
		return err
	}
	if n < 2 {
		return ErrOneRecord
	}
	for _, half := range []*Builder{left, right} {
		half.Transactional = b.Attributes.Transactional()
		half.Control = b.Attributes.Control()
	}
	w := b.Walk(payload)
	var headers []RecordHeader
	for i := 0; w.Next(); i++ {
		r, half := &w.Record, left
		if i >= n/2 {
			half = right
		}
		headers = r.Headers.AppendTo(headers[:0])
		if !half.Append(r.Timestamp, r.Key, r.Value, headers) {
			return fmt.Errorf("batch: the half of a batch does not fit the builder's limit")
		}
	}
	return w.Err()
}

// count tells how many records there are, and whether all can be read.
func count(b *Batch, payload []byte) (n int, err error) {
	w := b.Walk(payload)
	for w.Next() {
		n++
	}
	return n, w.Err()
}

// A Converter rewrites records in another format, as brokers did for clients that were older or
// newer than the log. The zero value is not ready: it needs Codecs.
type Converter struct {
	// To is the format to write.
	To Magic
	// Codecs compresses and decompresses; each batch keeps its codec.
	Codecs *compress.Codecs
	// Limit bounds the decompressed size of a batch, 0 means [DefaultLimit].
	Limit int
}

// DefaultLimit is how large a batch may be when it is decompressed, unless its user says
// otherwise: 64 MiB.
const DefaultLimit = 64 << 20

// Append converts the batches in src, appends them to dst and returns the result. What the
// format cannot carry is lost, as it was with brokers: headers and producers below format 2,
// timestamps in format 0; control batches are left out below format 2, and so is a batch that
// is cut off at the end. Offsets stay. Batches that have the format already are copied as they
// are; to format 2, uncompressed messages that follow each other become one batch. Zstandard
// exists in format 2 only, and is an error in others. On an error dst comes back as it was.
func (c *Converter) Append(dst, src []byte) ([]byte, error) {
	out := conversion{Converter: c, dst: dst}
	r := NewReader(src)
	for r.Next() {
		if err := out.batch(&r.Batch); err != nil {
			return dst, err
		}
	}
	if err := r.Err(); err != nil {
		return dst, err
	}
	if err := out.flush(); err != nil {
		return dst, err
	}
	return out.dst, nil
}

// A conversion is one run of a Converter.
type conversion struct {
	*Converter
	dst     []byte
	builder Builder // of the batch that is being made, if it has records
	of      Header  // of the batch that its first record is from
	headers []RecordHeader
}

// joinedSize is how large a batch of joined messages may become.
const joinedSize = 1 << 20

func (c *conversion) batch(b *Batch) error {
	joins := c.To == V2 && b.Magic != V2 && b.Attributes.Codec() == compress.None
	if !joins || c.builder.Len() > 0 && (b.Attributes != c.of.Attributes || b.BaseOffset < c.of.BaseOffset || c.builder.Size() > joinedSize) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	switch {
	case b.Magic == c.To:
		c.dst = append(c.dst, b.Raw...)
		return nil
	case b.Attributes.Control():
		return nil
	case b.Attributes.Codec() == compress.Zstd && c.To != V2:
		return &Error{b.pos, false, b.BaseOffset, fmt.Sprintf("a batch compressed with zstd has no form in format %d", c.To), compress.ErrUnknownCodec}
	}
	limit := c.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	payload, err := b.Payload(c.Codecs, nil, limit)
	if err != nil {
		return err
	}
	w := b.Walk(payload)
	for w.Next() {
		if err := c.record(b, &w.Record); err != nil {
			return err
		}
	}
	if err := w.Err(); err != nil || joins {
		return err
	}
	return c.flush()
}

// record appends a record to the batch that is being made.
func (c *conversion) record(b *Batch, r *Record) error {
	c.headers = r.Headers.AppendTo(c.headers[:0])
	if c.builder.Len() == 0 {
		c.builder.Reset(nil, c.To)
		c.builder.BaseOffset = r.Offset
		c.builder.LogAppendTime = b.Attributes.LogAppendTime()
		c.builder.Transactional = b.Attributes.Transactional()
		c.of = b.Header
	}
	if !c.builder.AppendAt(r.Offset, r.Timestamp, r.Key, r.Value, c.headers) {
		return &Error{b.pos, false, b.BaseOffset, fmt.Sprintf("a record at offset %d has no place in a batch from %d on", r.Offset, c.builder.BaseOffset), ErrMalformed}
	}
	return nil
}

// flush ends the batch that is being made.
func (c *conversion) flush() error {
	if c.builder.Len() == 0 {
		return nil
	}
	s := c.builder.Seal()
	c.builder.Reset(nil, c.To)
	if _, err := s.Compress(c.Codecs, compress.Settings{Codec: c.of.Attributes.Codec()}, nil); err != nil {
		return err
	}
	c.dst = append(c.dst, s.Bytes...)
	return nil
}
