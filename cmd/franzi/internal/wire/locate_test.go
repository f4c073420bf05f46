package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/vectors"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/wire"
	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/state"
	"github.com/franzi-kafka/franzi/spec"
)

// A vector is a message that Kafka's own classes wrote.
type vector struct {
	name    string
	version int16
	data    []byte
}

func allVectors(t testing.TB) []vector {
	t.Helper()
	list, err := vectors.Read(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, v := range list {
		data, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vector{v.Message, v.Version, data})
	}
	return all
}

func load(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(spec.FS)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// decode reads with the generated code.
func decode(v vector, data []byte) error {
	m := kmsg.NewMessage(v.name)
	if m == nil {
		m = state.NewMessage(v.name)
	}
	m.SetAPIVersion(v.version)
	return m.DecodeFrom(kbin.NewReader(data))
}

// Locate fails where the generated decoders fail, and only there, on what Kafka wrote, on its
// beginnings, and with bytes changed. The byte is the same or, as decoders read neighbours
// together, one behind theirs.
func TestLocateAgreesWithDecoders(t *testing.T) {
	m := load(t)
	r := rand.New(rand.NewPCG(3, 4))
	failed := 0
	for _, v := range allVectors(t) {
		check := func(data []byte) {
			t.Helper()
			err := decode(v, data)
			p := wire.Locate(m.Message(v.name), v.version, kbin.NewReader(data))
			if (err == nil) != (p == nil) {
				t.Fatalf("%s version %d: the decoder says %v, Locate says %+v: %x", v.name, v.version, err, p, data)
			}
			if err == nil {
				return
			}
			failed++
			var e *kbin.Error
			if !errors.As(err, &e) || p.Offset < e.Offset || p.Offset > len(data) || p.Reason == "" {
				t.Fatalf("%s version %d: the decoder says %v, Locate says %+v: %x", v.name, v.version, err, p, data)
			}
		}
		check(v.data)
		for range 6 {
			if len(v.data) > 0 {
				check(v.data[:r.IntN(len(v.data))])
				changed := bytes.Clone(v.data)
				changed[r.IntN(len(changed))] = byte(r.IntN(256))
				check(changed)
			}
		}
		check(append(bytes.Clone(v.data), 0))
	}
	if failed < 10_000 {
		t.Errorf("only %d failures were compared", failed)
	}
}

// The path leads to the field.
func TestLocatePaths(t *testing.T) {
	m := load(t)
	for _, tt := range []struct {
		name    string
		version int16
		hex     string
		path    string
		offset  int
	}{
		{"HeartbeatRequest", 0, "000161 0000", "generationId", 3},
		{"HeartbeatRequest", 4, "0261 00000000 01 01", "(tagged fields)", 8},
		{"HeartbeatRequest", 4, "0261 00000000 01 01 01 0005", "(tagged fields)", 11},
		{"MetadataRequest", 1, "00000002 000161 0009", "topics[1].name", 9},
		{"CreateTopicsRequest", 0, "00000001 0001 61 00000001 0001 00000001 00000000 00000002 00000000", "topics[0].assignments[0].brokerIds", 25},
		{"LeaveGroupRequest", 3, "0000 00000001 ffff 0000", "members[0].memberId", 8},
		{"SyncGroupRequest", 0, "0000 00000000 0000 00000001 0000 00000005 00", "assignments[0].assignment", 18},
		{"FetchRequest", 18, "00000000000000000000000000 00000000 00000000 01 01 01 01 01 03 0001 02", "replicaState.replicaId", 27},
		{"OffsetCommitValue", 4, "0000000000000000 00000000 01 0000000000000000 01 00 05 0000000000", "topicId", 24},
		{"LeaderChangeMessage", 0, "0000 00000000 02 000000", "voters", 7},
		{"SaslHandshakeResponse", 0, "0000 00000002 0001 61 00", "mechanisms[1]", 9},
		{"SaslHandshakeResponse", 0, "0000 00000000 00", "", 6},
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(tt.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		p := wire.Locate(m.Message(tt.name), tt.version, kbin.NewReader(data))
		if p == nil || p.Path != tt.path || p.Offset != tt.offset {
			t.Errorf("%s version %d of %s: got %+v, want %s at %d", tt.name, tt.version, tt.hex, p, tt.path, tt.offset)
		}
	}
}

// What is said of each field's encoding stands on the same facts as the layout.
func TestEncoding(t *testing.T) {
	m := load(t)
	for _, tt := range []struct {
		path    string
		version int16
		want    string
	}{
		{"MetadataRequest.Topics", 0, "array of MetadataRequestTopic"},
		{"MetadataRequest.Topics", 1, "nullable array of MetadataRequestTopic"},
		{"MetadataRequest.Topics", 9, "compact nullable array of MetadataRequestTopic"},
		{"RequestHeader.ClientId", 2, "nullable string"},
		{"FetchRequest.ClusterId", 12, "tag 0: compact nullable string"},
		{"FetchRequest.ReplicaState", 15, "tag 1: ReplicaState"},
		{"ProduceRequest.Acks", 3, "int16"},
		{"JoinGroupRequest.SessionTimeoutMs", 0, "int32"},
		{"SaslHandshakeResponse.Mechanisms", 0, "array of string"},
		{"LeaveGroupResponse.Members", 4, "compact array of MemberResponse"},
		{"DescribeTopicPartitionsRequest.Cursor", 0, "int8 -1 (null) or 1, Cursor"},
		{"ConsumerGroupMemberMetadataValue.ClassicMemberMetadata", 0, "tag 0: uvarint 0 (null) or 1, ClassicMemberMetadata"},
		{"SaslAuthenticateRequest.AuthBytes", 2, "compact bytes"},
		{"ListGroupsRequest.StatesFilter", 4, "compact array of compact string"},
	} {
		name, field, _ := strings.Cut(tt.path, ".")
		msg := m.Message(name)
		var found *def.Field
		for _, f := range msg.Root.Fields {
			if f.Def.Name == field {
				found = f.Def
			}
		}
		if found == nil {
			t.Fatalf("no field %s", tt.path)
		}
		if got := wire.Encoding(msg.Def, found, tt.version); got != tt.want {
			t.Errorf("%s version %d: got %q, want %q", tt.path, tt.version, got, tt.want)
		}
	}
}

// The order of fields is that of the layout.
func TestInOrder(t *testing.T) {
	m := load(t)
	for _, msg := range m.Messages {
		msg.Def.Valid.Each(func(v int16) {
			var want []string
			for _, l := range def.LayoutOf(msg.Def, v) {
				if l.Depth == 0 {
					want = append(want, l.Path)
				}
			}
			body, tagged := wire.InOrder(msg.Root, v)
			var got []string
			for _, f := range append(body, tagged...) {
				got = append(got, f.Def.Name)
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s version %d: got %v, want %v", msg.Def.Name, v, got, want)
			}
		})
	}
}
