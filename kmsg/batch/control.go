package batch

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A control record stands in a batch whose Attributes say Control. Its key is a version and a
// type, its value a message of that type.

// ControlType returns the type of a control record, by its key. A type that this package does
// not know comes back as its number. The error is [ErrMalformed].
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
// [kmsg.VotersRecord]. The message is nil if the type is not known, which is no error; an
// EndTxnMarker of a version that is not known is read as one that is, as Java does. Byte fields
// of the message are views. The error is [ErrMalformed], or one of the message's DecodeFrom.
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
	version := int16(binary.BigEndian.Uint16(r.Value))
	value := kbin.NewReader(r.Value)
	if isMarker(t) { // the version stands before the message, in others it is a field of it
		value.Int16()
		if version > endTxnMarkerVersion {
			version, value.Lenient = endTxnMarkerVersion, true
		}
	}
	m.SetAPIVersion(version)
	if err := m.DecodeFrom(value); err != nil {
		return t, nil, fmt.Errorf("batch: a control record %s: %w", t, err)
	}
	return t, m, nil
}

// endTxnMarkerVersion is the newest version of [kmsg.EndTxnMarker].
const endTxnMarkerVersion = 0

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
// whose Control is set. The message must be that of the type, at the version that is to be
// written, and pass its Check, whose error it returns else. It allocates both.
func EncodeControl(t kmsg.ControlRecordType, m kmsg.Message) (key, value []byte, err error) {
	want := newControl(t)
	if want == nil || reflect.TypeOf(want) != reflect.TypeOf(m) {
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
