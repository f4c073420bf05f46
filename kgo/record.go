package kgo

import (
	"time"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Record is a message of a topic, on its way there or back.
//
// To be produced it needs a Topic. Partition counts only if [ManualPartitioner] chooses by it; a
// zero Timestamp means now; Offset and LeaderEpoch do not count. Nil stands for null in Key and
// Value, which is not the same as empty.
type Record struct {
	Topic     string
	Partition int32
	Key       []byte
	Value     []byte
	Headers   []Header
	Timestamp time.Time // Kafka keeps milliseconds
	Offset    int64
	// LeaderEpoch is that of the leader that took the record, -1 if it is not known.
	LeaderEpoch int32
}

// A Header is a key, which may occur several times in a record, and a value, which may be nil,
// for null (KIP-82).
type Header = batch.RecordHeader

// RecordMetadata says where a produced record is.
type RecordMetadata struct {
	Topic     string
	Partition int32 // -1 if the record failed before it was given one
	// Offset is -1 if it is not known: with acks 0, or when the broker has the record from an
	// attempt before and does not remember where.
	Offset int64
	// Timestamp is the record's, or the time at which the broker appended it, if the topic has
	// message.timestamp.type=LogAppendTime.
	Timestamp time.Time
}
