package batch_test

import (
	"errors"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// controls are control records of every type.
func controls() []struct {
	kind    kmsg.ControlRecordType
	message kmsg.Message
} {
	change := kmsg.NewLeaderChangeMessage()
	change.LeaderID = 3
	change.Voters = []kmsg.LeaderChangeMessageVoter{{VoterID: 3}, {VoterID: 4}}
	change.GrantingVoters = []kmsg.LeaderChangeMessageVoter{{VoterID: 4}}
	header := kmsg.NewSnapshotHeaderRecord()
	header.LastContainedLogTimestamp = 1_700_000_000_000
	version := kmsg.NewKRaftVersionRecord()
	version.KRaftVersion = 1
	voters := kmsg.NewVotersRecord()
	voters.Voters = []kmsg.VotersRecordVoter{{VoterID: 1, VoterDirectoryID: kbin.UUID{1}, Endpoints: []kmsg.VotersRecordEndpoint{{Name: "CONTROLLER", Host: "localhost", Port: 9093}}}}
	abort := kmsg.NewEndTxnMarker()
	abort.CoordinatorEpoch = 12
	return []struct {
		kind    kmsg.ControlRecordType
		message kmsg.Message
	}{
		{kmsg.ControlRecordAbort, abort},
		{kmsg.ControlRecordCommit, kmsg.NewEndTxnMarker()},
		{kmsg.ControlRecordLeaderChange, change},
		{kmsg.ControlRecordSnapshotHeader, header},
		{kmsg.ControlRecordSnapshotFooter, kmsg.NewSnapshotFooterRecord()},
		{kmsg.ControlRecordKRaftVersion, version},
		{kmsg.ControlRecordKRaftVoters, voters},
	}
}

// What is encoded is decoded again, of every type.
func TestControlRoundTrip(t *testing.T) {
	all := controls()
	change := kmsg.NewLeaderChangeMessage() // of a version that no release writes yet
	change.Version, change.LeaderChangeMessageVersion = 1, 1
	change.Voters = []kmsg.LeaderChangeMessageVoter{{VoterID: 3, VoterDirectoryID: kbin.UUID{1}}}
	change.GrantingVoters = []kmsg.LeaderChangeMessageVoter{}
	all = append(all, controls()[0])
	all[len(all)-1].kind, all[len(all)-1].message = kmsg.ControlRecordLeaderChange, change
	for _, test := range all {
		key, value, err := batch.EncodeControl(test.kind, test.message)
		if err != nil {
			t.Fatalf("%s: %v", test.kind, err)
		}
		if kind, err := batch.ControlType(key); err != nil || kind != test.kind {
			t.Errorf("got the type %v and %v, want %v", kind, err, test.kind)
		}
		kind, m, err := batch.DecodeControl(&batch.Record{Key: key, Value: value})
		if err != nil || kind != test.kind {
			t.Fatalf("%s: got %v and %v", test.kind, kind, err)
		}
		compare(t, test.kind.String(), m, test.message)
	}
}

func TestDecodeControlErrors(t *testing.T) {
	for _, test := range []struct {
		name       string
		key, value string
		want       error
	}{
		{"no key", "", "\x00\x00\x00\x00\x00\x00", batch.ErrMalformed},
		{"short key", "\x00\x00\x00", "\x00\x00\x00\x00\x00\x00", batch.ErrMalformed},
		{"key of version -1", "\xff\xff\x00\x00", "\x00\x00\x00\x00\x00\x00", batch.ErrMalformed},
		{"no value", abortKey, "", batch.ErrMalformed},
		{"short value", abortKey, "\x00", batch.ErrMalformed},
		{"marker without an epoch", abortKey, "\x00\x00", nil},
		{"marker of version -1", abortKey, "\xff\xff\x00\x00\x00\x00", nil},
		{"marker that goes on", abortKey, "\x00\x00\x00\x00\x00\x00\x01", nil},
		{"leader change of a version to come", changeKey, "\x00\x63\x00\x00\x00\x00", nil},
		{"leader change that ends", changeKey, "\x00\x00\x00\x00", nil},
	} {
		_, m, err := batch.DecodeControl(&batch.Record{Key: []byte(test.key), Value: []byte(test.value)})
		if err == nil || m != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got %v and the error %v, want one", test.name, m, err)
		}
	}
}

// What later releases may write is not refused (Java: EndTransactionMarker).
func TestDecodeControlOfTheFuture(t *testing.T) {
	kind, m, err := batch.DecodeControl(&batch.Record{Key: []byte(abortKeyNew), Value: []byte("\x00\x05\x00\x00\x00\x07more")})
	if err != nil || kind != kmsg.ControlRecordAbort || m.(*kmsg.EndTxnMarker).CoordinatorEpoch != 7 {
		t.Errorf("a marker of version 5: got %v, %v, %v", kind, m, err)
	}
	if kind, m, err = batch.DecodeControl(&batch.Record{Key: []byte(unknownKey)}); err != nil || kind != 99 || m != nil {
		t.Errorf("type 99: got %v, %v, %v, want no message and no error", kind, m, err)
	}
}

func TestEncodeControlErrors(t *testing.T) {
	bad := kmsg.NewEndTxnMarker()
	bad.Version = 9
	for _, test := range []struct {
		kind kmsg.ControlRecordType
		m    kmsg.Message
	}{
		{kmsg.ControlRecordAbort, kmsg.NewLeaderChangeMessage()},
		{kmsg.ControlRecordLeaderChange, kmsg.NewEndTxnMarker()},
		{kmsg.ControlRecordUnknown, kmsg.NewEndTxnMarker()},
		{99, kmsg.NewEndTxnMarker()},
		{kmsg.ControlRecordAbort, nil},
		{kmsg.ControlRecordAbort, bad},
	} {
		if key, value, err := batch.EncodeControl(test.kind, test.m); err == nil {
			t.Errorf("%v of %T: got %x and %x, want an error", test.kind, test.m, key, value)
		}
	}
}
