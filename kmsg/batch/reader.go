package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// A Reader walks the batches in the bytes that Kafka calls records: in an answer to Fetch, in
// a request of Produce, in a file of a log. Each message of the formats 0 and 1 counts as a
// batch, as in Kafka's own classes; formats may be mixed.
//
//	r := batch.NewReader(records)
//	for r.Next() {
//		fmt.Println(r.Batch)
//	}
//	if r.Err() != nil { ... }
//
// The end may cut a batch off, since brokers fill answers up to the byte: that is no error,
// Next leaves it out, and [Reader.Cut] tells. A Reader allocates nothing; it is for one
// goroutine at a time.
type Reader struct {
	// Batch is the batch that Next found. It holds views of the Reader's bytes; a copy of it
	// stays good when the Reader goes on.
	Batch Batch

	buf  []byte
	off  int   // of what follows Batch
	from int64 // offset that batches must reach
	err  *Error
}

// A Batch is a batch as it is read.
type Batch struct {
	Header
	// Raw is a view of the whole batch, header included.
	Raw []byte

	pos int // of Raw in what was read, for errors
}

// NewReader returns a reader of b.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Reset makes the reader start anew with b.
func (r *Reader) Reset(b []byte) { *r = Reader{buf: b} }

// SkipTo makes Next leave out the batches that end before an offset. Answers to Fetch begin
// with the batch that has the offset which was asked for: [Walker.SkipTo] leaves out its
// earlier records.
func (r *Reader) SkipTo(offset int64) { r.from = offset }

// Next moves to the next batch and reports whether there is one. It checks that the batch has
// the size that it says, nothing else: see [Batch.Verify].
func (r *Reader) Next() bool {
	for r.next() {
		if r.from <= 0 || r.Batch.LastOffset() >= r.from || r.Batch.Check() != nil {
			return true
		}
	}
	return false
}

// minMessage is the smallest length that any format allows.
const minMessage = minMessageV0 - lengthEnd

func (r *Reader) next() bool {
	b := r.buf[r.off:]
	if len(b) < lengthEnd || r.err != nil {
		return false
	}
	length := int32(binary.BigEndian.Uint32(b[atLength:]))
	if length < minMessage {
		return r.fail("a length of %d, but every format takes %d or more", length, minMessage)
	}
	if len(b) <= atMagic {
		return false
	}
	switch magic := Magic(b[atMagic]); {
	case magic < V0 || magic > V2:
		return r.fail("format %d is unknown", magic)
	case length < magic.minLength():
		return r.fail("a length of %d, but format %d takes %d or more", length, magic, magic.minLength())
	case int64(length) > int64(len(b)-lengthEnd):
		return false
	}
	end := lengthEnd + int(length)
	r.Batch.Raw = b[:end:end]
	r.Batch.pos = r.off
	r.Batch.Header.read(r.Batch.Raw)
	r.off += end
	return true
}

// fail ends the walk because of what stands in place of the next batch's header.
func (r *Reader) fail(format string, args ...any) bool {
	offset := int64(binary.BigEndian.Uint64(r.buf[r.off:]))
	r.err = &Error{r.off, false, offset, fmt.Sprintf(format, args...), ErrMalformed}
	return false
}

// Err returns what ended the walk, an *[Error], or nil at the end of the bytes.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Pos returns the position of the byte after the batch.
func (r *Reader) Pos() int { return r.off }

// Cut returns, after Next has found nothing more, how many bytes are left over because they are
// only the beginning of a batch, and how many the whole batch has: 0 if too few are there to
// tell. Both are 0 if nothing is cut off, or the walk ended with an error. Whoever finds no
// batch but a cut one has to ask for more bytes.
func (r *Reader) Cut() (have, need int) {
	b := r.buf[r.off:]
	if r.err != nil {
		return 0, 0
	}
	if len(b) < lengthEnd {
		return len(b), 0
	}
	length := int64(int32(binary.BigEndian.Uint32(b[atLength:])))
	return len(b), int(min(length+lengthEnd, math.MaxInt))
}

// Verify computes the checksum of the batch and compares it with the one in it, CRC-32C of
// batches of format 2, CRC-32 of older messages, and then does what Check does. The error is an
// *[Error].
func (b *Batch) Verify() error {
	at, sum := atCRC, uint32(0)
	if b.Magic == V2 {
		sum = crc32.Checksum(b.Raw[atAttributes:], castagnoli)
	} else {
		at, sum = atMessageCRC, crc32.ChecksumIEEE(b.Raw[atMagic:])
	}
	if sum != b.CRC {
		return &Error{b.pos + at, false, b.BaseOffset, fmt.Sprintf("the checksum is %08x, the bytes have %08x", b.CRC, sum), ErrChecksum}
	}
	return b.Check()
}

// Check looks whether the counts and offsets in the header can be true: with a batch that passes,
// who goes on after [Header.LastOffset] gets ahead. [Batch.Verify] and [Batch.Walk] do it
// themselves. It costs next to nothing. The error is an *[Error].
func (b *Batch) Check() error {
	switch {
	case b.Magic == V2 && b.Count < 0:
		return b.fail(atCount, "a batch of %d records", b.Count)
	case b.LastOffsetDelta < 0:
		return b.fail(atLastDelta, "a batch whose last offset is %d after its first", b.LastOffsetDelta)
	case b.Magic == V2 && int64(b.Count) > int64(b.LastOffsetDelta)+1:
		return b.fail(atCount, "a batch of %d records whose last offset is %d after its first", b.Count, b.LastOffsetDelta)
	case b.BaseOffset >= math.MaxInt64-int64(b.LastOffsetDelta):
		return b.fail(0, "offsets end before %d and %d more", b.BaseOffset, b.LastOffsetDelta)
	}
	return nil
}

// fail makes an error of the byte at of the batch.
func (b *Batch) fail(at int, format string, args ...any) *Error {
	return &Error{b.pos + at, false, b.BaseOffset, fmt.Sprintf(format, args...), ErrMalformed}
}

// Clone returns a copy that shares no memory with b.
func (b *Batch) Clone() Batch {
	c := *b
	c.Raw = append([]byte(nil), b.Raw...)
	return c
}
