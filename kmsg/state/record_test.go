package state_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
	"github.com/franzi-kafka/franzi/kmsg/state"
)

// A sample is a record that Kafka's own classes wrote.
type sample struct {
	topic      string
	key, value []byte
	name       string // of the value
	version    int16
	json       string // of the value
}

func samples(t testing.TB) []sample {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "vectors", "records.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sample
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		s := sample{topic: parts[0], name: parts[3], json: parts[5]}
		if _, err := fmt.Sscan(parts[4], &s.version); err != nil {
			t.Fatal(err)
		}
		if parts[1] != "-" {
			if s.key, err = hex.DecodeString(parts[1]); err != nil {
				t.Fatal(err)
			}
		}
		if s.value, err = hex.DecodeString(parts[2]); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) < 70 || lines.Err() != nil {
		t.Fatalf("read %d records (%v)", len(all), lines.Err())
	}
	return all
}

// Records of all topics are what Kafka says they are, and are written back as they were.
func TestRecordsOfKafka(t *testing.T) {
	for _, s := range samples(t) {
		rec, err := state.Decode(s.topic, s.key, s.value)
		if err != nil {
			t.Errorf("%s in %s: %v", s.name, s.topic, err)
			continue
		}
		if want := state.NewMessage(s.name); fmt.Sprintf("%T", rec.Value) != fmt.Sprintf("%T", want) || rec.Value.APIVersion() != s.version {
			t.Errorf("%s version %d in %s: got %T version %d", s.name, s.version, s.topic, rec.Value, rec.Value.APIVersion())
			continue
		}
		got, err := kjson.Marshal(rec.Value)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(parse(t, string(got)), parse(t, s.json)); d != "" {
			t.Errorf("%s in %s (-got +want):\n%s", s.name, s.topic, d)
		}
		key, value, err := state.Encode(s.topic, rec)
		if err != nil || !bytes.Equal(key, s.key) || !bytes.Equal(value, s.value) {
			t.Errorf("%s in %s written again: %v\ngot  %x %x\nwant %x %x", s.name, s.topic, err, key, value, s.key, s.value)
		}
		if s.key == nil {
			continue
		}
		// A tombstone of the same key.
		rec, err = state.Decode(s.topic, s.key, nil)
		if err != nil || rec.Value != nil || rec.Key == nil {
			t.Errorf("tombstone of %s: got %v, %v", s.name, rec, err)
		}
		if key, value, err := state.Encode(s.topic, rec); err != nil || !bytes.Equal(key, s.key) || value != nil {
			t.Errorf("tombstone of %s written again: %x %x %v", s.name, key, value, err)
		}
	}
}

func parse(t *testing.T, s string) any {
	t.Helper()
	var x any
	if err := json.Unmarshal([]byte(s), &x); err != nil {
		t.Fatal(err)
	}
	return x
}

// Every record that this package has messages for is found by its type.
func TestAllRecordsAreReachable(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range samples(t) {
		reached[s.name] = true
		reached[strings.TrimSuffix(s.name, "Value")+"Key"] = true
	}
	// Kafka 4.4 does not write these any more, or not to a topic.
	for _, old := range []string{"ShareGroupPartitionMetadataKey", "ShareGroupPartitionMetadataValue", "ProducerSnapshot", "QuorumStateData"} {
		reached[old] = true
	}
	for _, name := range state.MessageNames() {
		m := state.NewMessage(name)
		if typed, ok := m.(interface{ RecordType() int16 }); ok && !reached[name] && typed.RecordType() >= 0 {
			if _, isZk := m.(*state.ZkMigrationStateRecord); !isZk {
				t.Errorf("no sample of %s", name)
			}
		}
	}
}

// Records of before 4.1: a key of version 9 is what type 9 was then, and offsets under the
// oldest key have newer values too.
func TestOldRecords(t *testing.T) {
	rec, err := state.Decode(state.ConsumerOffsets, []byte("\x00\x09\x00\x01g"), nil)
	key, ok := rec.Key.(*state.ShareGroupPartitionMetadataKey)
	if err != nil || !ok || key.GroupID != "g" {
		t.Errorf("got %v, %v", rec, err)
	}
	if back, _, err := state.Encode(state.ConsumerOffsets, rec); err != nil || string(back) != "\x00\x09\x00\x01g" {
		t.Errorf("written again: %x, %v", back, err)
	}

	value := []byte("\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x2a" + "\x00\x02md" + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x02")
	rec, err = state.Decode(state.ConsumerOffsets, []byte("\x00\x00\x00\x01g\x00\x01t\x00\x00\x00\x03"), value)
	offset, ok := rec.Value.(*state.OffsetCommitValue)
	if err != nil || !ok || offset.Offset != 42 {
		t.Errorf("got %v, %v", rec, err)
	}
}

func TestRecordsThatCannotBeDecoded(t *testing.T) {
	tests := []struct {
		name, topic, key, value string
		unknownType             bool
		want                    string
	}{
		{"a topic of the user's", "orders", "", "", false, `"orders"`},
		{"no key", state.ConsumerOffsets, "", "x", false, "key"},
		{"an unknown type", state.ConsumerOffsets, "\x03\xe7", "", true, "999"},
		{"a key cut off", state.ConsumerOffsets, "\x00\x02\x00\x05ab", "", false, "GroupMetadataKey"},
		{"an unknown version of a value", state.ConsumerOffsets, "\x00\x02\x00\x01g", "\x00\x63", true, "99"},
		{"a value cut off", state.ConsumerOffsets, "\x00\x02\x00\x01g", "\x00\x03\x00", false, "GroupMetadataValue"},
		{"an empty value, which is no tombstone", state.TransactionState, "\x00\x00\x00\x01t", "", false, "value"},
		{"another frame", state.ClusterMetadata, "", "\x02\x00\x00", false, "frame version 2"},
		{"an unknown metadata record", state.ClusterMetadata, "", "\x01\x7f\x00", true, "127"},
		{"an unknown version of it", state.ClusterMetadata, "", "\x01\x02\x7f", true, "127"},
		{"a type beyond all", state.RemoteLogMetadata, "", "\x01\xff\xff\x7f\x00", false, "beyond"},
		{"nothing", state.RemoteLogMetadata, "", "", false, "remain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := []byte(tt.value)
			_, err := state.Decode(tt.topic, []byte(tt.key), value)
			var unknown *state.UnknownTypeError
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &unknown) != tt.unknownType {
				t.Errorf("got %v, want an error with %q, unknown type: %v", err, tt.want, tt.unknownType)
			}
		})
	}
}

func TestRecordsThatCannotBeEncoded(t *testing.T) {
	group := state.NewGroupMetadataKey()
	offset, oldOffset := state.NewOffsetCommitKey(), state.NewLegacyOffsetCommitKey()
	for name, rec := range map[string]struct {
		topic string
		state.Record
		want string
	}{
		"a topic of the user's":                 {"orders", state.Record{Key: group}, `"orders"`},
		"no key":                                {state.ConsumerOffsets, state.Record{Value: state.NewGroupMetadataValue()}, "needs a key"},
		"a request":                             {state.ClusterMetadata, state.Record{Value: kmsg.NewMetadataRequest()}, "*kmsg.MetadataRequest is no record"},
		"a version there is not":                {state.ClusterMetadata, state.Record{Value: &state.TopicRecord{Version: 9}}, "version 9"},
		"a request as key":                      {state.ConsumerOffsets, state.Record{Key: &kmsg.HeartbeatRequest{Version: 2}}, "*kmsg.HeartbeatRequest is no key"},
		"a value as key":                        {state.ConsumerOffsets, state.Record{Key: state.NewGroupMetadataValue()}, "*state.GroupMetadataValue is no key"},
		"a record as key":                       {state.ConsumerOffsets, state.Record{Key: state.NewTopicRecord()}, "*state.TopicRecord is no key"},
		"a key of another topic":                {state.TransactionState, state.Record{Key: group}, "*state.GroupMetadataKey is no key"},
		"a key of another topic, the same type": {state.ShareGroupState, state.Record{Key: oldOffset}, "*state.LegacyOffsetCommitKey is no key"},
		"a value of another record":             {state.ConsumerOffsets, state.Record{Key: group, Value: state.NewOffsetCommitValue()}, "has *state.GroupMetadataValue"},
		"a value of another topic":              {state.ConsumerOffsets, state.Record{Key: group, Value: state.NewTransactionLogValue()}, "has *state.GroupMetadataValue"},
		"a key as value":                        {state.ConsumerOffsets, state.Record{Key: group, Value: group}, "has *state.GroupMetadataValue"},
		"a request as value":                    {state.ConsumerOffsets, state.Record{Key: group, Value: kmsg.NewMetadataRequest()}, "has *state.GroupMetadataValue"},
		"an old value under a newer key":        {state.ConsumerOffsets, state.Record{Key: offset, Value: state.NewLegacyOffsetCommitValue()}, "has *state.OffsetCommitValue"},
		"a new value of an old version under the oldest key": {state.ConsumerOffsets, state.Record{Key: oldOffset, Value: state.NewOffsetCommitValue()}, "has *state.LegacyOffsetCommitValue"},
		"a record of another topic":                          {state.ClusterMetadata, state.Record{Value: state.NewRemoteLogSegmentMetadataRecord()}, "is no record of __cluster_metadata"},
		"a record of another topic, reversed":                {state.RemoteLogMetadata, state.Record{Value: state.NewFeatureLevelRecord()}, "is no record of __remote_log_metadata"},
		"a key where none is":                                {state.ClusterMetadata, state.Record{Key: group, Value: state.NewTopicRecord()}, "have no key"},
		"no value where no key is":                           {state.ClusterMetadata, state.Record{}, "<nil> is no record"},
	} {
		key, value, err := state.Encode(rec.topic, rec.Record)
		if err == nil || !strings.Contains(err.Error(), rec.want) || key != nil || value != nil {
			t.Errorf("%s: got %x, %x and the error %v, want one with %q", name, key, value, err, rec.want)
		}
	}
}

// A record that is cut off is an error at each place, in its key and in its value.
func TestEveryPrefixFails(t *testing.T) {
	for _, s := range samples(t) {
		for n := range s.key {
			if rec, err := state.Decode(s.topic, s.key[:n], s.value); err == nil {
				t.Fatalf("%s: the first %d bytes of the key %x decode: %v", s.name, n, s.key, rec)
			}
		}
		for n := range s.value {
			if rec, err := state.Decode(s.topic, s.key, s.value[:n:n]); err == nil {
				t.Fatalf("%s: the first %d bytes of the value %x decode: %v", s.name, n, s.value, rec)
			}
		}
	}
}

// FuzzDecode takes the topic, the key and the value from its input: no panic, at most 32
// bytes of memory for a byte of input, and what decodes is stable.
func FuzzDecode(f *testing.F) {
	for i := range topics {
		f.Add(byte(i), []byte("\x00\x02\x00\x01g"), []byte("\x01\x00\x00"))
	}
	for _, s := range samples(f) {
		f.Add(byte(slices.Index(topics, s.topic)), s.key, s.value)
	}
	f.Fuzz(func(t *testing.T, n byte, key, value []byte) {
		topic := topics[int(n)%len(topics)]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rec, err := state.Decode(topic, key, value)
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(32*(len(key)+len(value))+64<<10); got > limit {
			t.Fatalf("%s: %d bytes of key and value allocated %d, the limit is %d: %x %x", topic, len(key)+len(value), got, limit, key, value)
		}
		if err != nil {
			return
		}
		key2, value2, err := state.Encode(topic, rec)
		if err != nil {
			t.Fatalf("%s: %v decodes but does not encode: %v", topic, rec, err)
		}
		again, err := state.Decode(topic, key2, value2)
		if err != nil {
			t.Fatalf("%s: %x %x does not decode again: %v", topic, key2, value2, err)
		}
		key3, value3, err := state.Encode(topic, again)
		if err != nil || !bytes.Equal(key3, key2) || !bytes.Equal(value3, value2) {
			t.Fatalf("%s is not stable (%v):\n%x %x\n%x %x", topic, err, key2, value2, key3, value3)
		}
	})
}

var topics = []string{state.ConsumerOffsets, state.TransactionState, state.ShareGroupState, state.ClusterMetadata, state.RemoteLogMetadata}

func ExampleDecode() {
	// A record of __consumer_offsets, as any consumer reads it.
	key := []byte("\x00\x01" + "\x00\x07billing" + "\x00\x06orders" + "\x00\x00\x00\x03")
	value := []byte("\x00\x03" + "\x00\x00\x00\x00\x00\x00\x00\x2a" + "\x00\x00\x00\x05" + "\x00\x00" + "\x00\x00\x01\x8c\x00\x00\x00\x00")

	rec, err := state.Decode(state.ConsumerOffsets, key, value)
	if err != nil {
		fmt.Println(err)
		return
	}
	if key, ok := rec.Key.(*state.OffsetCommitKey); ok {
		committed := rec.Value.(*state.OffsetCommitValue) // nil if the offset was deleted
		fmt.Println(key.Group, key.Topic, key.Partition, committed.Offset)
	}
	// Output: billing orders 3 42
}

func ExampleEncode() {
	rec := state.Record{Key: &state.GroupMetadataKey{Group: "billing"}} // no value: a tombstone
	key, value, err := state.Encode(state.ConsumerOffsets, rec)
	fmt.Printf("%q %v %v\n", key, value, err)
	// Output: "\x00\x02\x00\abilling" [] <nil>
}
