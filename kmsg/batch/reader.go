package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
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

	buf []byte
	off int // of what follows Batch
	err *Error
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

// Next moves to the next batch and reports whether there is one. It checks that the batch has
// the size that it says, nothing else: see [Batch.Verify].
func (r *Reader) Next() bool {
	b := r.buf[r.off:]
	if len(b) <= atMagic || r.err != nil {
		return false
	}
	length := int32(binary.BigEndian.Uint32(b[atLength:]))
	magic := Magic(b[atMagic])
	switch {
	case magic < V0 || magic > V2:
		r.fail(b, "format %d is unknown", magic)
		return false
	case length < magic.minLength():
		r.fail(b, "a length of %d, but format %d takes %d or more", length, magic, magic.minLength())
		return false
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

func (r *Reader) fail(b []byte, format string, args ...any) {
	r.err = &Error{r.off, false, int64(binary.BigEndian.Uint64(b)), fmt.Sprintf(format, args...), ErrMalformed}
}

// Err returns what ended the walk, an *[Error], or nil at the end of the bytes.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Offset returns the position of the byte after the batch.
func (r *Reader) Offset() int { return r.off }

// Cut returns how many bytes are left over at the end because they are only the beginning of a
// batch, and how many the whole batch has: 0 if too few are there to tell. Both are 0 if
// nothing is cut off. Whoever finds no batch but a cut one has to ask for more bytes.
func (r *Reader) Cut() (have, need int) {
	b := r.buf[r.off:]
	if len(b) < lengthEnd {
		return len(b), 0
	}
	return len(b), int(max(int64(int32(binary.BigEndian.Uint32(b[atLength:]))), 0)) + lengthEnd
}

// Verify computes the checksum of the batch and compares it with the one in it: CRC-32C of
// batches of format 2, CRC-32 of older messages. The error is an *[Error].
func (b *Batch) Verify() error {
	var sum uint32
	if b.Magic == V2 {
		sum = crc32.Checksum(b.Raw[atAttributes:], castagnoli)
	} else {
		sum = crc32.ChecksumIEEE(b.Raw[atMagic:])
	}
	if sum != b.CRC {
		return &Error{b.pos, false, b.BaseOffset, fmt.Sprintf("the checksum is %08x, the bytes have %08x", b.CRC, sum), ErrChecksum}
	}
	return nil
}

// Clone returns a copy that shares no memory with b.
func (b *Batch) Clone() Batch {
	c := *b
	c.Raw = append([]byte(nil), b.Raw...)
	return c
}
