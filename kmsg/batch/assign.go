package batch

import (
	"encoding/binary"
	"hash/crc32"
)

// What brokers change in a batch of format 2 when they append it.

// Assign sets, in the bytes of a batch of format 2, the offset of its first record and the
// epoch of the leader that appends it. The checksum does not cover them.
func Assign(raw []byte, baseOffset int64, leaderEpoch int32) {
	binary.BigEndian.PutUint64(raw, uint64(baseOffset))
	binary.BigEndian.PutUint32(raw[atLeaderEpoch:], uint32(leaderEpoch))
}

// AssignTime sets, in the bytes of a batch of format 2, the time at which it is appended, in
// milliseconds, which becomes the timestamp of all its records (message.timestamp.type), and
// computes the checksum anew.
func AssignTime(raw []byte, timestamp int64) {
	flags := Attributes(binary.BigEndian.Uint16(raw[atAttributes:]))
	binary.BigEndian.PutUint16(raw[atAttributes:], uint16(flags|logAppendTime))
	binary.BigEndian.PutUint64(raw[atMaxTime:], uint64(timestamp))
	binary.BigEndian.PutUint32(raw[atCRC:], crc32.Checksum(raw[atAttributes:], castagnoli))
}
