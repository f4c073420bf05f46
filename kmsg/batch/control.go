package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A control record stands in a batch whose Attributes say Control. Its key is a version and a
// type, its value a message of that type.

// ControlType returns the type of a control record, by its key.
func ControlType(key []byte) (kmsg.ControlRecordType, error) {
	if len(key) < 4 {
		return kmsg.ControlRecordUnknown, fmt.Errorf("batch: a control record with a key of %d bytes, which takes 4: %w", len(key), ErrMalformed)
	}
	if version := int16(binary.BigEndian.Uint16(key)); version < 0 {
		return kmsg.ControlRecordUnknown, fmt.Errorf("batch: a control record with a key of version %d: %w", version, ErrMalformed)
	}
	return kmsg.ControlRecordType(int16(binary.BigEndian.Uint16(key[2:]))), nil
}

// DecodeControl reads a control record: what ends a transaction is an [kmsg.EndTxnMarker] of
// type abort or commit, and KRaft's log has [kmsg.LeaderChangeMessage],
// [kmsg.SnapshotHeaderRecord], [kmsg.SnapshotFooterRecord], [kmsg.KRaftVersionRecord] and
// [kmsg.VotersRecord]. The message is nil if the type is not known, which is no error. Byte
// fields of the message are views.
func DecodeControl(r *Record) (kmsg.ControlRecordType, kmsg.Message, error) {
	t, err := ControlType(r.Key)
	if err != nil {
		return t, nil, err
	}
	m := newControl(t)
	if m == nil {
		return t, nil, nil
	}
	if len(r.Value) < 2 {
		return t, nil, fmt.Errorf("batch: a control record %s with a value of %d bytes: %w", t, len(r.Value), ErrMalformed)
	}
	m.SetAPIVersion(int16(binary.BigEndian.Uint16(r.Value)))
	value := r.Value
	if isMarker(t) { // the version stands before the message, in others it is a field of it
		value = value[2:]
	}
	if err := m.DecodeFrom(kbin.NewReader(value)); err != nil {
		return t, nil, fmt.Errorf("batch: a control record %s: %w", t, err)
	}
	return t, m, nil
}

func isMarker(t kmsg.ControlRecordType) bool {
	return t == kmsg.ControlRecordAbort || t == kmsg.ControlRecordCommit
}

// newControl returns an empty message for the value of a control record.
func newControl(t kmsg.ControlRecordType) kmsg.Message {
	switch t {
	case kmsg.ControlRecordAbort, kmsg.ControlRecordCommit:
		return kmsg.NewEndTxnMarker()
	case kmsg.ControlRecordLeaderChange:
		return kmsg.NewLeaderChangeMessage()
	case kmsg.ControlRecordSnapshotHeader:
		return kmsg.NewSnapshotHeaderRecord()
	case kmsg.ControlRecordSnapshotFooter:
		return kmsg.NewSnapshotFooterRecord()
	case kmsg.ControlRecordKRaftVersion:
		return kmsg.NewKRaftVersionRecord()
	case kmsg.ControlRecordKRaftVoters:
		return kmsg.NewVotersRecord()
	}
	return nil
}

// EncodeControl returns the key and value of a control record, to be appended to a [Builder]
// whose Control is set. The message must be that of the type, and pass its Check.
func EncodeControl(t kmsg.ControlRecordType, m kmsg.Message) (key, value []byte, err error) {
	want := newControl(t)
	if want == nil || fmt.Sprintf("%T", want) != fmt.Sprintf("%T", m) {
		return nil, nil, fmt.Errorf("batch: a control record %s cannot hold a %T", t, m)
	}
	if err := m.Check(); err != nil {
		return nil, nil, err
	}
	key = kbin.AppendInt16(kbin.AppendInt16(nil, 0), int16(t))
	if isMarker(t) {
		value = kbin.AppendInt16(nil, m.APIVersion())
	}
	return key, m.AppendTo(value), nil
}
