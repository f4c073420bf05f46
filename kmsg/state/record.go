package state

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The topics that Decode and Encode know.
const (
	ConsumerOffsets   = "__consumer_offsets"
	TransactionState  = "__transaction_state"
	ShareGroupState   = "__share_group_state"
	ClusterMetadata   = "__cluster_metadata"
	RemoteLogMetadata = "__remote_log_metadata"
)

// A Record is what one of Kafka's own topics says.
type Record struct {
	// Type is the number of the record type, which tells what Key and Value are.
	Type int16
	// Key is nil for ClusterMetadata and RemoteLogMetadata, which have none.
	Key kmsg.Message
	// Value is nil for a tombstone, which deletes what the key stands for.
	Value kmsg.Message
}

// An UnknownTypeError says that a topic has a record of a type, or a version of it, that
// this release does not know.
type UnknownTypeError struct {
	Topic string
	Type  int16
	Err   error // about the version, nil if the type is unknown
}

// Error says which type of which topic is unknown.
func (e *UnknownTypeError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("state: a record of type %d in %s: %v", e.Type, e.Topic, e.Err)
	}
	return fmt.Sprintf("state: a record of type %d in %s, which is unknown", e.Type, e.Topic)
}

// Unwrap returns what is wrong with the version.
func (e *UnknownTypeError) Unwrap() error { return e.Err }

// keyed are the topics whose records have the type in front of the key and the version in
// front of the value, two bytes each.
var keyed = map[string]struct{ key, value func(int16) kmsg.Message }{
	ConsumerOffsets:  {groupKey, groupValue},
	TransactionState: {transactionKey, transactionValue},
	ShareGroupState:  {shareKey, shareValue},
}

// framed are the topics whose records have type and version in front of the value, as
// varints behind the version of this frame.
var framed = map[string]func(int16) kmsg.Message{
	ClusterMetadata:   metadataRecord,
	RemoteLogMetadata: remoteLogRecord,
}

// frameVersion is the only version of the frame so far.
const frameVersion = 1

// Decode says what a record of one of Kafka's own topics is. Byte fields are views of key
// and value. A nil value is a tombstone. Control records, which have their own format, are
// not for Decode.
func Decode(topic string, key, value []byte) (Record, error) {
	if t, ok := keyed[topic]; ok {
		return decodeKeyed(topic, t.key, t.value, key, value)
	}
	if newRecord, ok := framed[topic]; ok {
		return decodeFramed(topic, newRecord, value)
	}
	return Record{}, fmt.Errorf("state: %q is none of Kafka's own topics that are known", topic)
}

func decodeKeyed(topic string, newKey, newValue func(int16) kmsg.Message, key, value []byte) (Record, error) {
	r := kbin.NewReader(key)
	rec := Record{Type: r.Int16()}
	if err := r.Err(); err != nil {
		return rec, fmt.Errorf("state: the key of a record in %s: %w", topic, err)
	}
	if rec.Key = newKey(rec.Type); rec.Key == nil {
		return rec, &UnknownTypeError{Topic: topic, Type: rec.Type}
	}
	if err := rec.Key.DecodeFrom(r); err != nil || value == nil {
		return rec, err
	}
	r.Reset(value)
	version := r.Int16()
	if err := r.Err(); err != nil {
		return rec, fmt.Errorf("state: the value of a record in %s: %w", topic, err)
	}
	rec.Value = valueOf(newValue(rec.Type), version)
	if err := rec.Value.Check(); err != nil {
		return rec, &UnknownTypeError{topic, rec.Type, err}
	}
	return rec, rec.Value.DecodeFrom(r)
}

// valueOf returns the message that has the version. Offsets of the oldest key were written
// with newer values too.
func valueOf(m kmsg.Message, version int16) kmsg.Message {
	m.SetAPIVersion(version)
	if _, legacy := m.(*LegacyOffsetCommitValue); legacy && m.Check() != nil {
		return &OffsetCommitValue{Version: version}
	}
	return m
}

func decodeFramed(topic string, newRecord func(int16) kmsg.Message, value []byte) (Record, error) {
	r := kbin.NewReader(value)
	frame, recordType, version := r.Uvarint(), r.Uvarint(), r.Uvarint()
	switch err := r.Err(); {
	case err != nil:
		return Record{}, fmt.Errorf("state: a record in %s: %w", topic, err)
	case frame != frameVersion:
		return Record{}, fmt.Errorf("state: a record in %s with frame version %d, only %d is known", topic, frame, frameVersion)
	case recordType > 1<<15-1 || version > 1<<15-1:
		return Record{}, fmt.Errorf("state: a record in %s of type %d and version %d, which is beyond what Kafka has", topic, recordType, version)
	}
	rec := Record{Type: int16(recordType), Value: newRecord(int16(recordType))}
	if rec.Value == nil {
		return rec, &UnknownTypeError{Topic: topic, Type: rec.Type}
	}
	rec.Value.SetAPIVersion(int16(version))
	if err := rec.Value.Check(); err != nil {
		return rec, &UnknownTypeError{topic, rec.Type, err}
	}
	return rec, rec.Value.DecodeFrom(r)
}

// Encode makes the key and value of a record in one of Kafka's own topics. Type is ignored:
// it follows from the messages, which must be what Decode would make of the bytes: messages
// of another topic, a value of another record than the key's, and a key where there is none
// are errors.
func Encode(topic string, rec Record) (key, value []byte, err error) {
	for _, m := range []kmsg.Message{rec.Key, rec.Value} {
		if m == nil {
			continue
		}
		if err := m.Check(); err != nil {
			return nil, nil, err
		}
	}
	if t, ok := keyed[topic]; ok {
		return encodeKeyed(topic, t.key, t.value, rec)
	}
	if newRecord, ok := framed[topic]; ok {
		return encodeFramed(topic, newRecord, rec)
	}
	return nil, nil, fmt.Errorf("state: %q is none of Kafka's own topics that are known", topic)
}

func encodeKeyed(topic string, newKey, newValue func(int16) kmsg.Message, rec Record) (key, value []byte, err error) {
	if rec.Key == nil {
		return nil, nil, fmt.Errorf("state: a record of %s needs a key", topic)
	}
	recordType := rec.Key.APIVersion() // of keys from before 4.1
	if typed, ok := rec.Key.(interface{ RecordType() int16 }); ok {
		recordType = typed.RecordType()
	}
	if !sameType(rec.Key, newKey(recordType)) {
		return nil, nil, fmt.Errorf("state: %T is no key of %s", rec.Key, topic)
	}
	key = rec.Key.AppendTo(binary.BigEndian.AppendUint16(nil, uint16(recordType)))
	if rec.Value == nil {
		return key, nil, nil
	}
	version := rec.Value.APIVersion()
	if want := valueOf(newValue(recordType), version); !sameType(rec.Value, want) {
		return nil, nil, fmt.Errorf("state: a value %T of version %d under a key %T, where %s has %T", rec.Value, version, rec.Key, topic, want)
	}
	return key, rec.Value.AppendTo(binary.BigEndian.AppendUint16(nil, uint16(version))), nil
}

func encodeFramed(topic string, newRecord func(int16) kmsg.Message, rec Record) (key, value []byte, err error) {
	if rec.Key != nil {
		return nil, nil, fmt.Errorf("state: records of %s have no key, not %T", topic, rec.Key)
	}
	typed, ok := rec.Value.(interface{ RecordType() int16 })
	if !ok || !sameType(rec.Value, newRecord(typed.RecordType())) {
		return nil, nil, fmt.Errorf("state: %T is no record of %s", rec.Value, topic)
	}
	value = kbin.AppendUvarint(nil, frameVersion)
	value = kbin.AppendUvarint(value, uint32(typed.RecordType()))
	value = kbin.AppendUvarint(value, uint32(rec.Value.APIVersion()))
	return nil, rec.Value.AppendTo(value), nil
}

// sameType reports whether two messages are of the same Go type; want may be nil.
func sameType(got, want kmsg.Message) bool { return reflect.TypeOf(got) == reflect.TypeOf(want) }
