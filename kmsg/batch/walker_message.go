package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// splitMessage returns the key and value of a message of format 0 or 1. It is not ok if their
// lengths do not add up to the message's.
func splitMessage(raw []byte) (key, value []byte, ok bool) {
	rest := raw[Magic(raw[atMagic]).header():]
	if key, rest, ok = sized(rest); !ok {
		return nil, nil, false
	}
	value, rest, ok = sized(rest)
	return key, value, ok && len(rest) == 0
}

// sized splits off bytes with an int32 length, -1 for null.
func sized(b []byte) (view, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int32(binary.BigEndian.Uint32(b))
	b = b[4:]
	switch {
	case n == -1:
		return nil, b, true
	case n < 0 || int64(n) > int64(len(b)):
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// begin prepares the walk through messages. Offsets in a compressed message of format 1 count
// from its first one's, and the message has the last one's (KIP-31), or 0, as some releases of
// librdkafka send it.
func (w *Walker) begin() {
	if w.batch.Magic != V1 || w.batch.Attributes.Codec() == compress.None {
		return
	}
	w.last = -1
	for b := w.payload; len(b) >= lengthEnd; {
		length := int32(binary.BigEndian.Uint32(b[atLength:]))
		if length < w.batch.Magic.minLength() || int64(length) > int64(len(b)-lengthEnd) {
			break // the walk will find it
		}
		w.last = int64(binary.BigEndian.Uint64(b))
		b = b[lengthEnd+int(length):]
	}
	switch offset := w.batch.BaseOffset; {
	case offset == 0 || w.last < 0:
	case offset < w.last:
		w.fail(0, "a message at offset %d with the relative offset %d in it", offset, w.last)
	default:
		w.inner = offset - w.last
	}
}

// nextMessage is Next in the formats 0 and 1.
func (w *Walker) nextMessage() bool {
	for w.off < len(w.payload) {
		if !w.message() {
			return false
		}
		if w.Record.Offset >= w.from {
			return true
		}
	}
	w.left = 0
	return false
}

// message reads a message, and reports whether it could.
func (w *Walker) message() bool {
	b, start := w.payload[w.off:], w.off
	outer := w.batch
	if len(b) <= atMagic {
		return w.fail(start, "%d bytes after the last message", len(b))
	}
	length := int32(binary.BigEndian.Uint32(b[atLength:]))
	if length < outer.Magic.minLength() || int64(length) > int64(len(b)-lengthEnd) {
		return w.fail(start, "a message's length of %d, where %d bytes remain", length, len(b)-lengthEnd)
	}
	b = b[:lengthEnd+int(length)]
	if magic := Magic(b[atMagic]); magic != outer.Magic {
		return w.fail(start, "a message of format %d in one of format %d", magic, outer.Magic)
	}
	r := &w.Record
	r.Headers = Headers{}
	r.Timestamp = NoTimestamp
	if outer.Magic == V1 {
		r.Timestamp = int64(binary.BigEndian.Uint64(b[atMessageTime:]))
		if outer.Attributes&logAppendTime != 0 {
			r.Timestamp = outer.MaxTimestamp
		}
	}
	r.Offset = int64(binary.BigEndian.Uint64(b)) + w.inner
	if outer.Attributes.Codec() != compress.None && !w.insideIsGood(b, start) {
		return false
	}
	var ok bool
	if r.Key, r.Value, ok = splitMessage(b); !ok {
		return w.fail(start, "the lengths of a message's key and value do not add up to its own")
	}
	w.off += len(b)
	return true
}

// insideIsGood checks a message in a compressed one: [Batch.Verify] has not seen it.
func (w *Walker) insideIsGood(b []byte, start int) bool {
	if codec := Attributes(b[atMessageAttributes]).Codec(); codec != compress.None {
		return w.fail(start, "a compressed message in a compressed one")
	}
	if want, got := binary.BigEndian.Uint32(b[atMessageCRC:]), crc32.ChecksumIEEE(b[atMagic:]); want != got {
		w.failWith(start, ErrChecksum, fmt.Sprintf("the checksum of a message is %08x, the bytes have %08x", want, got))
		return false
	}
	if w.batch.Magic == V0 {
		return true // producers wrote what they liked; the broker made it right
	}
	relative := w.Record.Offset - w.inner
	switch {
	case relative == 0 && w.last == 0: // the producer left all of them at 0
	case relative > w.last:
		return w.fail(start, "a message with the relative offset %d where the last has %d", relative, w.last)
	case relative <= int64(w.delta) || relative > math.MaxInt32:
		return w.fail(start, "a message with the relative offset %d after one with %d", relative, w.delta)
	}
	w.delta = int32(relative)
	return true
}
