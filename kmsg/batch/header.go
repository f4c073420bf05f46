package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Magic is the number of a record format.
type Magic int8

// The record formats. The first two wrap each record in a message with a checksum of its own;
// compressed, a message holds others. Brokers stopped writing them with 4.0 (KIP-724).
const (
	V0 Magic = 0 // up to Kafka 0.9: no timestamps
	V1 Magic = 1 // from 0.10.0: timestamps, relative offsets in compressed messages (KIP-31, KIP-32)
	V2 Magic = 2 // from 0.11: batches, headers, producer ids (KIP-98)
)

// HeaderSize is how many bytes a batch of format 2 has before its records.
const HeaderSize = 61

// Attributes are the flags of a batch.
type Attributes int16

const (
	codecMask     Attributes = 0x07
	logAppendTime Attributes = 0x08
	transactional Attributes = 0x10
	control       Attributes = 0x20
	deleteHorizon Attributes = 0x40
)

// Codec is what the records are compressed with.
func (a Attributes) Codec() compress.Codec { return compress.Codec(a & codecMask) }

// LogAppendTime reports whether the broker set the timestamps, all of a batch to the one at
// which it appended it, and not the producer (KIP-32).
func (a Attributes) LogAppendTime() bool { return a&logAppendTime != 0 }

// Transactional reports whether the batch belongs to a transaction (KIP-98).
func (a Attributes) Transactional() bool { return a&transactional != 0 }

// Control reports whether the batch holds a marker of Kafka's own instead of a user's records,
// see [DecodeControl].
func (a Attributes) Control() bool { return a&control != 0 }

// DeleteHorizon reports whether BaseTimestamp is the time from which the cleaner of a compacted
// topic may remove the batch's tombstones and markers (KIP-534).
func (a Attributes) DeleteHorizon() bool { return a&deleteHorizon != 0 }

// A Header has what a batch says of itself. Messages of the formats 0 and 1 have less; what
// they lack is -1, or 0 for Attributes.
type Header struct {
	// BaseOffset is the offset of the first record that was ever in the batch: compaction
	// may have removed it. Of a message of format 0 or 1 it is the message's own offset, and
	// of a compressed one that of the last record in it.
	BaseOffset int64
	// Length is how many bytes follow it, as it stands in the batch.
	Length int32
	// LeaderEpoch is that of the leader that appended the batch (KIP-101); format 2.
	LeaderEpoch int32
	Magic       Magic
	CRC         uint32
	Attributes  Attributes
	// LastOffsetDelta is the distance from BaseOffset to the last offset that the batch
	// covers, whose record compaction may have removed; format 2, else 0.
	LastOffsetDelta int32
	// BaseTimestamp is what the timestamps of records count from; format 2.
	BaseTimestamp int64
	// MaxTimestamp is the latest timestamp of the records in milliseconds; with LogAppendTime
	// it is that of them all. In format 1 it is the message's own.
	MaxTimestamp int64
	// ProducerID, ProducerEpoch and BaseSequence are those of an idempotent or transactional
	// producer (KIP-98), -1 without one; format 2.
	ProducerID    int64
	ProducerEpoch int16
	// BaseSequence is the sequence number of the first record that was ever in the batch.
	BaseSequence int32
	// Count is how many records there are; -1 in compressed messages of the formats 0 and 1,
	// which do not tell.
	Count int32
}

// LastOffset is the offset of the last record that the batch covers. Whoever has seen the batch
// goes on at the next one, also if its last records were removed by compaction; but never back:
// brokers that convert records for versions of Fetch below 4 may repeat some within an answer.
func (h Header) LastOffset() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// Idempotent reports whether the batch has a producer id.
func (h Header) Idempotent() bool { return h.ProducerID >= 0 }

// String shows the header on one line, for people.
func (h Header) String() string {
	text := fmt.Sprintf("format %d, offsets %d to %d, %d records, %s", h.Magic, h.BaseOffset, h.LastOffset(), h.Count, h.Attributes.Codec())
	if h.Idempotent() {
		text += fmt.Sprintf(", producer %d epoch %d sequence %d", h.ProducerID, h.ProducerEpoch, h.BaseSequence)
	}
	for _, flag := range []struct {
		is   bool
		name string
	}{{h.Attributes.LogAppendTime(), "log append time"}, {h.Attributes.Transactional(), "transactional"}, {h.Attributes.Control(), "control"}} {
		if flag.is {
			text += ", " + flag.name
		}
	}
	return text
}

// Where the fields of a batch of format 2 stand. The formats share all up to the magic.
const (
	atLength      = 8
	atLeaderEpoch = 12
	atMagic       = 16
	atCRC         = 17
	atAttributes  = 21
	atLastDelta   = 23
	atBaseTime    = 27
	atMaxTime     = 35
	atProducerID  = 43
	atEpoch       = 51
	atSequence    = 53
	atCount       = 57

	lengthEnd = 12 // the part that Length does not count
)

// Where the fields of a message of the formats 0 and 1 stand.
const (
	atMessageCRC        = 12
	atMessageAttributes = 17
	atMessageTime       = 18 // format 1
	messageHeaderV0     = 18
	messageHeaderV1     = 26
	minMessageV0        = messageHeaderV0 + 8 // with the lengths of key and value
	minMessageV1        = messageHeaderV1 + 8
)

// minLength is the smallest Length that a format allows.
func (m Magic) minLength() int32 {
	switch m {
	case V0:
		return minMessageV0 - lengthEnd
	case V1:
		return minMessageV1 - lengthEnd
	}
	return HeaderSize - lengthEnd
}

// header is how many bytes a message has before its key.
func (m Magic) header() int {
	if m == V1 {
		return messageHeaderV1
	}
	return messageHeaderV0
}

// read reads the header of a whole batch, whose length has been checked.
func (h *Header) read(b []byte) {
	if Magic(b[atMagic]) != V2 {
		h.readMessage(b)
		return
	}
	f := (*[HeaderSize]byte)(b)
	*h = Header{
		BaseOffset:      int64(binary.BigEndian.Uint64(f[0:])),
		Length:          int32(binary.BigEndian.Uint32(f[atLength:])),
		LeaderEpoch:     int32(binary.BigEndian.Uint32(f[atLeaderEpoch:])),
		Magic:           V2,
		CRC:             binary.BigEndian.Uint32(f[atCRC:]),
		Attributes:      Attributes(binary.BigEndian.Uint16(f[atAttributes:])),
		LastOffsetDelta: int32(binary.BigEndian.Uint32(f[atLastDelta:])),
		BaseTimestamp:   int64(binary.BigEndian.Uint64(f[atBaseTime:])),
		MaxTimestamp:    int64(binary.BigEndian.Uint64(f[atMaxTime:])),
		ProducerID:      int64(binary.BigEndian.Uint64(f[atProducerID:])),
		ProducerEpoch:   int16(binary.BigEndian.Uint16(f[atEpoch:])),
		BaseSequence:    int32(binary.BigEndian.Uint32(f[atSequence:])),
		Count:           int32(binary.BigEndian.Uint32(f[atCount:])),
	}
}

func (h *Header) readMessage(b []byte) {
	*h = Header{
		BaseOffset:    int64(binary.BigEndian.Uint64(b)),
		Length:        int32(binary.BigEndian.Uint32(b[atLength:])),
		LeaderEpoch:   -1,
		Magic:         Magic(b[atMagic]),
		CRC:           binary.BigEndian.Uint32(b[atMessageCRC:]),
		Attributes:    Attributes(b[atMessageAttributes]) & (codecMask | logAppendTime),
		BaseTimestamp: NoTimestamp,
		MaxTimestamp:  NoTimestamp,
		ProducerID:    -1,
		ProducerEpoch: -1,
		BaseSequence:  -1,
		Count:         1,
	}
	if h.Magic == V1 {
		h.MaxTimestamp = int64(binary.BigEndian.Uint64(b[atMessageTime:]))
		h.BaseTimestamp = h.MaxTimestamp
	} else {
		h.Attributes &= codecMask
	}
	if h.Attributes.Codec() != compress.None {
		h.Count = -1
	}
}

// put writes the header of format 2, without length and checksum, which depend on the rest.
func (h *Header) put(b []byte) {
	f := (*[HeaderSize]byte)(b)
	binary.BigEndian.PutUint64(f[0:], uint64(h.BaseOffset))
	binary.BigEndian.PutUint32(f[atLeaderEpoch:], uint32(h.LeaderEpoch))
	f[atMagic] = byte(V2)
	binary.BigEndian.PutUint16(f[atAttributes:], uint16(h.Attributes))
	binary.BigEndian.PutUint32(f[atLastDelta:], uint32(h.LastOffsetDelta))
	binary.BigEndian.PutUint64(f[atBaseTime:], uint64(h.BaseTimestamp))
	binary.BigEndian.PutUint64(f[atMaxTime:], uint64(h.MaxTimestamp))
	binary.BigEndian.PutUint64(f[atProducerID:], uint64(h.ProducerID))
	binary.BigEndian.PutUint16(f[atEpoch:], uint16(h.ProducerEpoch))
	binary.BigEndian.PutUint32(f[atSequence:], uint32(h.BaseSequence))
	binary.BigEndian.PutUint32(f[atCount:], uint32(h.Count))
}
