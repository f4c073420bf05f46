package batch

import (
	"encoding/binary"
	"hash/crc32"
)

// What brokers change in a batch when they append it.

// Assign sets, in the bytes of one batch, the offset of its first record and the epoch of the
// leader that appends it, neither of which the checksum covers. In the formats 0 and 1 it sets
// the message's own offset, which is that of the last record if it is compressed, and there is
// no epoch. A [Header] that was read before keeps what it has.
func Assign(raw []byte, baseOffset int64, leaderEpoch int32) {
	binary.BigEndian.PutUint64(raw, uint64(baseOffset))
	if Magic(raw[atMagic]) == V2 {
		binary.BigEndian.PutUint32(raw[atLeaderEpoch:], uint32(leaderEpoch))
	}
}

// AssignTime sets, in the bytes of one batch, the time at which it is appended, in milliseconds,
// which becomes the timestamp of all its records (message.timestamp.type=LogAppendTime), and
// computes the checksum anew. Format 0 has no place for it, and stays as it is. A [Header] that
// was read before keeps what it has.
func AssignTime(raw []byte, timestamp int64) {
	switch Magic(raw[atMagic]) {
	case V1:
		raw[atMessageAttributes] |= byte(logAppendTime)
		binary.BigEndian.PutUint64(raw[atMessageTime:], uint64(timestamp))
		binary.BigEndian.PutUint32(raw[atMessageCRC:], crc32.ChecksumIEEE(raw[atMagic:]))
	case V2:
		raw[atAttributes+1] |= byte(logAppendTime)
		binary.BigEndian.PutUint64(raw[atMaxTime:], uint64(timestamp))
		binary.BigEndian.PutUint32(raw[atCRC:], crc32.Checksum(raw[atAttributes:], castagnoli))
	}
}
