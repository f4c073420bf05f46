package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Sealed batch has all its records. In format 2 it is no batch before it has a checksum:
// [Sealed.Compress] or [Sealed.Checksum] go over the records, once; [Sealed.Number], before or
// after that, only over the header, as often as needed. It is for one goroutine at a time, any.
type Sealed struct {
	// Bytes are the batch, or in the formats 0 and 1 the messages, as they go out.
	Bytes []byte
	Magic Magic
	Count int32 // of records

	flags     Attributes
	lastDelta int32
	base      int64
	maxTime   int64
	crc       uint32 // of the records
	shift     uint32 // for join
}

// Checksum goes over the records. It is done when they do not change any more, that is, when
// they are compressed or are not to be; [Sealed.Compress] does it itself.
func (s *Sealed) Checksum() {
	if s.Magic != V2 {
		return
	}
	records := s.Bytes[HeaderSize:]
	s.crc, s.shift = crc32.Checksum(records, castagnoli), shiftOf(len(records))
	s.sign()
}

// Number sets whose batch it is: the id and epoch of the producer, and the sequence number of
// the first record; -1 for all, as it is at first, is nobody's. It may be called again, with
// other numbers, and costs the same for a large batch as for a small one. In the formats 0 and
// 1, which have no such things, it does nothing.
func (s *Sealed) Number(producerID int64, epoch int16, sequence int32) {
	if s.Magic != V2 {
		return
	}
	f := (*[HeaderSize]byte)(s.Bytes)
	binary.BigEndian.PutUint64(f[atProducerID:], uint64(producerID))
	binary.BigEndian.PutUint16(f[atEpoch:], uint16(epoch))
	binary.BigEndian.PutUint32(f[atSequence:], uint32(sequence))
	s.sign()
}

// sign puts in the checksum: the header's, joined with the records'.
func (s *Sealed) sign() {
	header := crc32.Checksum(s.Bytes[atAttributes:HeaderSize], castagnoli)
	binary.BigEndian.PutUint32(s.Bytes[atCRC:], join(header, s.crc, s.shift))
}

// Compress compresses the records into dst, from its start: Bytes then has the memory of dst, if
// that was large enough, and the old bytes are returned, for reuse. If that would make the
// batch no smaller it stays as it is, and dst is returned, or what it grew to. Either way the
// checksum is done. On an error, which is one of package compress, nothing has changed.
//
// It is called once. Zstandard exists in format 2 only (KIP-110), and is
// [compress.ErrUnknownCodec] in others.
func (s *Sealed) Compress(c *compress.Codecs, with compress.Settings, dst []byte) (unused []byte, err error) {
	if with.Codec == compress.None || s.Count == 0 {
		s.Checksum()
		return dst, nil
	}
	if s.Magic != V2 {
		if with.Codec == compress.Zstd {
			return dst, noZstd(s.Magic)
		}
		return s.compressMessages(c, with, dst)
	}
	out := dst[:0]
	if cap(out) < HeaderSize {
		out = make([]byte, 0, HeaderSize+len(s.Bytes)/2)
	}
	out, err = c.Compress(out[:HeaderSize], s.Bytes[HeaderSize:], with)
	if err != nil {
		return dst, err
	}
	if len(out) >= len(s.Bytes) {
		s.Checksum()
		return out, nil
	}
	unused = s.Bytes
	copy(out, s.Bytes[:HeaderSize])
	s.Bytes = out
	binary.BigEndian.PutUint16(out[atAttributes:], uint16(s.flags|Attributes(with.Codec)))
	binary.BigEndian.PutUint32(out[atLength:], uint32(len(out)-lengthEnd))
	s.Checksum()
	return unused, nil
}

// noZstd says that a format has no place for the codec.
func noZstd(m Magic) error {
	return fmt.Errorf("batch: format %d has no zstd: %w", m, compress.ErrUnknownCodec)
}

// compressMessages wraps the messages in one that has them, compressed, for its value.
func (s *Sealed) compressMessages(c *compress.Codecs, with compress.Settings, dst []byte) (unused []byte, err error) {
	header := s.Magic.header() + 8
	out := dst[:0]
	if cap(out) < header {
		out = make([]byte, 0, header+len(s.Bytes)/2)
	}
	with.MessageSetV0 = s.Magic == V0
	// Offsets in a compressed message of format 1 count from its first one's.
	relative := s.Magic == V1 && s.base != 0
	if relative {
		addToOffsets(s.Bytes, -s.base)
	}
	out, err = c.Compress(out[:header], s.Bytes, with)
	if err != nil || len(out) >= len(s.Bytes) {
		if relative {
			addToOffsets(s.Bytes, s.base)
		}
		if err != nil {
			return dst, err
		}
		return out, nil
	}
	unused, s.Bytes = s.Bytes, out
	binary.BigEndian.PutUint64(out, uint64(s.base+int64(s.lastDelta)))
	binary.BigEndian.PutUint32(out[atLength:], uint32(len(out)-lengthEnd))
	out[atMagic] = byte(s.Magic)
	out[atMessageAttributes] = byte(with.Codec)
	if s.Magic == V1 {
		out[atMessageAttributes] |= byte(s.flags & logAppendTime)
		binary.BigEndian.PutUint64(out[atMessageTime:], uint64(s.maxTime))
	}
	binary.BigEndian.PutUint32(out[header-8:], 0xffffffff) // no key
	binary.BigEndian.PutUint32(out[header-4:], uint32(len(out)-header))
	binary.BigEndian.PutUint32(out[atMessageCRC:], crc32.ChecksumIEEE(out[atMagic:]))
	return unused, nil
}

// addToOffsets adds to the offset of each message, which no checksum covers.
func addToOffsets(messages []byte, n int64) {
	for b := messages; len(b) > 0; b = b[lengthEnd+binary.BigEndian.Uint32(b[atLength:]):] {
		binary.BigEndian.PutUint64(b, binary.BigEndian.Uint64(b)+uint64(n))
	}
}
