package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// Requests take batches, and answers show them.
func TestReqRecords(t *testing.T) {
	var produced []byte
	f := fake{serving(func(req kmsg.Request) any {
		switch r := req.(type) {
		case *kmsg.ProduceRequest:
			produced = bytes.Clone(r.TopicData[0].PartitionData[0].Records)
			return r.NewResponse()
		case *kmsg.FetchRequest:
			resp := r.NewResponse()
			topic, partition := kmsg.NewFetchResponseFetchableTopicResponse(), kmsg.NewFetchResponsePartitionData()
			partition.Records = produced
			topic.Topic, topic.Partitions = "orders", []kmsg.FetchResponsePartitionData{partition}
			resp.Responses = []kmsg.FetchResponseFetchableTopicResponse{topic}
			return resp
		}
		return nil
	}, kmsg.VersionRange{Key: kmsg.KeyProduce, Max: 3}, kmsg.VersionRange{Key: kmsg.KeyFetch, Max: 4})}
	got := f.run(t, "req", "Produce", "-v", "3", "-B", "any", `{"acks":-1,"topicData":[{"name":"orders","partitionData":[{"records":[{"compression":"zstd","records":[{"key":"k","value":"v"}]}]}]}]}`)
	if got.code != exitOK {
		t.Fatalf("got exit %d %s", got.code, got.err)
	}
	r := batch.NewReader(produced)
	if !r.Next() || r.Batch.Verify() != nil || r.Batch.Attributes.Codec().String() != "zstd" || r.Batch.Count != 1 {
		t.Fatalf("the broker got %x", produced)
	}

	const show = "template={{range .responses}}{{range .partitions}}{{json .records}}{{end}}{{end}}"
	got = f.run(t, "req", "Fetch", "-v", "4", "-B", "any", "-o", show)
	if !strings.Contains(got.out, `"compression":"zstd"`) || !strings.Contains(got.out, `"value":"v"`) || got.code != exitOK {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
	got = f.run(t, "req", "Fetch", "-v", "4", "-B", "any", "-o", show, "--opaque")
	if !strings.HasPrefix(got.out, `"AAAAAAAAAAAAAA`) || got.code != exitOK {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
	produced[len(produced)-1] ^= 1
	got = f.run(t, "req", "Fetch", "-v", "4", "-B", "any", "-o", show)
	if !strings.Contains(got.out, `"isValid":false`) || !strings.HasPrefix(got.err, "franzi: responses[0].partitions[0].records: at byte 17, in the batch at offset 0: the checksum is ") || got.code != exitFailed {
		t.Errorf("got exit %d %s%s", got.code, got.out, got.err)
	}
	got = f.run(t, "req", "Produce", "-v", "3", `{"topicData":[{"partitionData":[{"records":[{"records":[{"vaule":"v"}]}]}]}]}`)
	if want := `franzi: line 1, column 58: topicData[0].partitionData[0].records[0].records[0].vaule: a record has no such field: did you mean "value"?` + "\n"; got.err != want || got.code != exitUsage {
		t.Errorf("got exit %d %s, want %s", got.code, got.err, want)
	}
}

// The messages that are looked into for records are those that have some.
func TestCarriesRecords(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	var has func(s *model.Struct) bool
	has = func(s *model.Struct) bool {
		for _, f := range s.Fields {
			if f.Def.Type.Base == def.Records || f.Struct != nil && has(f.Struct) {
				return true
			}
		}
		return false
	}
	for _, msg := range m.Messages {
		if got := carriesRecords(msg.Def.Name); got != has(msg.Root) {
			t.Errorf("%s: got %v", msg.Def.Name, got)
		}
	}
}
