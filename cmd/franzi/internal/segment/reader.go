package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Kind is what an [Item] is.
type Kind int

// The kinds of items.
const (
	Batch   Kind = iota
	Partial      // the beginning of a batch, which the end of the stream cuts off
	Garbage      // bytes that are no batch
	Zeros        // zeros up to the end, as files have that were made large in advance
)

// An Item is what stands at a place of the stream.
type Item struct {
	Kind     Kind
	Position int64 // of its first byte
	Size     int64
	// Bytes are all of its bytes; nil if it has more than [Reader.Keep] and is no batch.
	// They hold until the next item is read.
	Bytes []byte
	Batch batch.Batch // of kind Batch, a view of Bytes
	Need  int64       // of kind Partial: the size of the whole batch, 0 if it is not known
	Err   error       // of kind Garbage: why it is no batch
}

// maxBatch is the largest batch that is taken for one. Brokers take no larger requests.
const maxBatch = kmsg.MaxFrame

// A Reader reads items from a stream. Its memory is bounded by the largest batch and by Keep.
// It is for one goroutine at a time.
type Reader struct {
	// Keep is how many bytes an item that is no batch may have to be returned with them.
	Keep int
	// CutOff says that the end may cut a batch off, as in an answer to Fetch. Without it the
	// Reader looks for whole batches after the beginning of one that seems to go beyond the end.
	CutOff bool

	in    io.Reader
	err   error  // of in
	buf   []byte // what was read
	off   int    // in buf, of what follows the last item
	pos   int64  // in the stream, of buf[off]
	taken int    // bytes of the last item, which go when the next is read

	walk   batch.Reader
	some   bool  // a batch has been read
	last   int64 // its last offset
	effort int   // bytes that the search for batches may still checksum
}

// NewReader returns a reader of in, which is at position 0.
func NewReader(in io.Reader) *Reader {
	return &Reader{Keep: 1 << 20, in: in, effort: 1 << 30}
}

// Position returns the position after the last item.
func (r *Reader) Position() int64 { return r.pos + int64(r.taken) }

// headerSize is how many bytes are read before the size of a batch is known.
const headerSize = 17

// Next returns the next item, or [io.EOF] at the end. Another error is that of the stream.
func (r *Reader) Next() (*Item, error) {
	r.skip(r.taken)
	r.taken = 0
	if !r.fill(headerSize) && len(r.rest()) == 0 {
		return nil, r.end()
	}
	r.walk.Reset(r.rest())
	if r.walk.Next() {
		return r.batch(), nil
	}
	if r.walk.Err() != nil {
		return r.garbage(r.walk.Err())
	}
	_, need := r.walk.Cut()
	if need > maxBatch {
		return r.garbage(fmt.Errorf("a batch of %d bytes, more than brokers take", need))
	}
	if need > 0 && r.fill(need) {
		r.walk.Reset(r.rest())
		if r.walk.Next() {
			return r.batch(), nil
		}
		return r.garbage(r.walk.Err()) // of which Next had too few bytes to tell
	}
	if r.err != io.EOF {
		return nil, r.err
	}
	return r.partial(need)
}

func (r *Reader) batch() *Item {
	b := r.walk.Batch
	r.some, r.last = true, b.LastOffset()
	r.taken = len(b.Raw)
	return &Item{Kind: Batch, Position: r.pos, Size: int64(len(b.Raw)), Bytes: b.Raw, Batch: b}
}

// partial returns what the end cuts off, unless its size is wrong and batches follow.
func (r *Reader) partial(need int) (*Item, error) {
	whole := r.rest()
	if isZero(whole) {
		r.taken = len(whole)
		return &Item{Kind: Zeros, Position: r.pos, Size: int64(len(whole)), Bytes: whole}, nil
	}
	if !r.CutOff && len(whole) >= headerSize {
		at, pos := r.off, r.pos
		item, err := r.garbage(fmt.Errorf("a batch of %d bytes where %d remain", need, len(whole)))
		if err != nil || item.Kind == Zeros || item.Size < int64(len(whole)) {
			return item, err
		}
		r.off, r.pos = at, pos // all is in buf still: the search went to the end without reading
	}
	r.taken = len(whole)
	return &Item{Kind: Partial, Position: r.pos, Size: int64(len(whole)), Bytes: whole, Need: int64(need)}, nil
}

// garbage goes over bytes that are no batch, up to where one begins or the end.
func (r *Reader) garbage(why error) (*Item, error) {
	item := &Item{Kind: Garbage, Position: r.pos, Err: why}
	kept, zero := make([]byte, 0, 512), true
	drop := func(n int) {
		b := r.rest()[:n]
		zero = zero && isZero(b)
		item.Size += int64(n)
		if kept != nil && len(kept)+n <= r.Keep {
			kept = append(kept, b...)
		} else {
			kept = nil
		}
		r.skip(n)
	}
	drop(1)
	i := 0 // in rest, where a batch may begin
	for {
		for i >= 64<<10 {
			drop(64 << 10)
			i -= 64 << 10
		}
		if !r.fill(i + headerSize) {
			drop(len(r.rest()))
			break
		}
		if r.begins(i) {
			drop(i)
			break
		}
		i++
	}
	item.Bytes = kept
	if r.err != nil && r.err != io.EOF {
		return nil, r.err
	}
	if zero && len(r.rest()) == 0 {
		item.Kind, item.Err = Zeros, nil
	}
	return item, nil
}

// begins reports whether a batch begins at byte i of the rest: its header must make sense
// after the batches so far, and its checksum must be right.
func (r *Reader) begins(i int) bool {
	b := r.rest()[i:]
	offset, length := int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))
	switch {
	case b[16] > byte(batch.V2) || length < 14 || length > maxBatch-12 || offset < 0:
		return false
	case r.some && (offset <= r.last || offset-r.last > 1<<31) || !r.some && offset > 1<<40:
		return false
	}
	size := int(length) + 12
	if size > r.effort || !r.fill(i+size) {
		return false
	}
	r.walk.Reset(r.rest()[i:])
	if !r.walk.Next() || r.walk.Batch.Attributes>>7 != 0 {
		return false
	}
	r.effort -= size
	return r.walk.Batch.Verify() == nil
}

func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

func (r *Reader) rest() []byte { return r.buf[r.off:] }

func (r *Reader) skip(n int) {
	r.off += n
	r.pos += int64(n)
}

// end is the error at the end of the stream.
func (r *Reader) end() error {
	if r.err == nil {
		return io.EOF
	}
	return r.err
}

// fill reads until the rest has n bytes, and reports whether it has. It takes memory as bytes
// come, not as they are promised.
func (r *Reader) fill(n int) bool {
	for len(r.rest()) < n && r.err == nil {
		if len(r.buf) == cap(r.buf) {
			r.room()
		}
		var m int
		m, r.err = r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+m]
	}
	return len(r.rest()) >= n
}

// room makes room at the end of buf: what was consumed goes, or buf doubles.
func (r *Reader) room() {
	rest := r.rest()
	if 2*len(rest) <= cap(r.buf) && cap(r.buf) > 0 {
		r.buf = r.buf[:copy(r.buf, rest)]
	} else {
		grown := make([]byte, len(rest), max(64<<10, 2*len(rest)))
		copy(grown, rest)
		r.buf = grown
	}
	r.off = 0
}
