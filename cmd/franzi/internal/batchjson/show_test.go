package batchjson_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// show shows batches as JSON on one line, and what is wrong with them.
func show(s batchjson.Shower, b []byte) (text, wrong string) {
	s.Codecs = new(compress.Codecs)
	v, errs := s.Records(b, false)
	var all []string
	for _, err := range errs {
		all = append(all, err.Error())
	}
	return string(v.AppendJSON(nil)), strings.Join(all, "\n")
}

func build(text string) ([]byte, error) {
	v, err := output.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return batchjson.Build(v, new(compress.Codecs))
}

func mustBuild(t testing.TB, text string) []byte {
	t.Helper()
	b, err := build(text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return b
}

// javaBatches are batches that Kafka's own classes wrote, one of each format.
func javaBatches(t testing.TB) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "testdata", "vectors", "batches.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for line := range strings.Lines(string(data)) {
		_, digits, _ := strings.Cut(strings.TrimSpace(line), "\t")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// What Java wrote is shown whole, and comes back byte for byte.
func TestJavaBatches(t *testing.T) {
	want := []string{
		`[{"baseOffset":0,"batchLength":22,"magic":0,"crc":2984618505,"isValid":true,"compression":"none","timestampType":"NoTimestampType","records":[{"offset":0,"timestamp":-1,"key":"one","value":"first","headers":[]}]},` +
			`{"baseOffset":1,"batchLength":20,"magic":0,"crc":2800896157,"isValid":true,"compression":"none","timestampType":"NoTimestampType","records":[{"offset":1,"timestamp":-1,"key":null,"value":"second","headers":[]}]},` +
			`{"baseOffset":2,"batchLength":19,"magic":0,"crc":857499201,"isValid":true,"compression":"none","timestampType":"NoTimestampType","records":[{"offset":2,"timestamp":-1,"key":"three","value":null,"headers":[]}]}]`,
		`[{"baseOffset":0,"batchLength":30,"magic":1,"crc":4167251590,"isValid":true,"compression":"none","timestampType":"CreateTime","maxTimestamp":1700000000000,"records":[{"offset":0,"timestamp":1700000000000,"key":"one","value":"first","headers":[]}]},` +
			`{"baseOffset":1,"batchLength":28,"magic":1,"crc":2820703454,"isValid":true,"compression":"none","timestampType":"CreateTime","maxTimestamp":1700000000000,"records":[{"offset":1,"timestamp":1700000000000,"key":null,"value":"second","headers":[]}]},` +
			`{"baseOffset":2,"batchLength":27,"magic":1,"crc":978851657,"isValid":true,"compression":"none","timestampType":"CreateTime","maxTimestamp":1700000000000,"records":[{"offset":2,"timestamp":1700000000000,"key":"three","value":null,"headers":[]}]}]`,
		`[{"baseOffset":0,"batchLength":119,"partitionLeaderEpoch":-1,"magic":2,"crc":321904830,"isValid":true,"compression":"none","timestampType":"CreateTime","isTransactional":false,"isControl":false,"hasDeleteHorizonMs":false,` +
			`"lastOffsetDelta":2,"baseTimestamp":1700000000000,"maxTimestamp":1700000000000,"producerId":-1,"producerEpoch":-1,"baseSequence":-1,"recordsCount":3,"records":[` +
			`{"offset":0,"timestamp":1700000000000,"key":"one","value":"first","headers":[{"key":"trace","value":"\u0001\u0002\u0003"}]},` +
			`{"offset":1,"timestamp":1700000000000,"key":null,"value":"second","headers":[{"key":"trace","value":"\u0001\u0002\u0003"}]},` +
			`{"offset":2,"timestamp":1700000000000,"key":"three","value":null,"headers":[{"key":"trace","value":"\u0001\u0002\u0003"}]}]}]`,
	}
	for magic, b := range javaBatches(t) {
		got, wrong := show(batchjson.Shower{}, b)
		if d := cmp.Diff(got, want[magic]); d != "" || wrong != "" {
			t.Errorf("format %d: %s (-got +want):\n%s", magic, wrong, d)
		}
		if back := mustBuild(t, got); !bytes.Equal(back, b) {
			t.Errorf("format %d: got  %x\nwant %x", magic, back, b)
		}
	}
}

// What is wrong is said, the rest is shown, and nothing is lost.
func TestShowWrong(t *testing.T) {
	good := mustBuild(t, `[{"baseOffset":7,"records":[{"key":"k","value":"a"},{"key":"k","value":"b"}]}]`)
	last := mustBuild(t, `[{"baseOffset":9,"records":[{"value":"last"}]}]`)
	with := func(at int, b ...byte) []byte {
		changed := bytes.Clone(good)
		copy(changed[at:], b)
		return changed
	}
	signed := func(b []byte) []byte {
		batch.AssignTime(b, 5) // computes the checksum
		return b
	}
	for _, tt := range []struct {
		name  string
		bytes []byte
		shown string // in the JSON of the wrong one
		wrong string
	}{
		{"a wrong checksum: all records are there", with(len(good)-2, 'B'), `"isValid":false,`, "at byte 17, in the batch at offset 7: the checksum is "},
		{"a count that lies", signed(with(60, 3)), `"recordsCount":3,"records":[]`, "in the batch at offset 7: a batch of 3 records whose last offset is 1 after its first"},
		{"a record that lies", signed(with(70, 90)), `"value":"a"`, "at byte 70, in the batch at offset 7: a record's length does not fit in the 9 bytes that remain"},
		{"a codec that is unknown", signed(with(22, 5)), `"compression":"Codec(5)"`, "decompress Codec(5): unknown codec"},
		{"a codec that it is not", signed(with(22, 1)), `"compression":"gzip"`, "decompress gzip: corrupt"},
		{"no batch", with(16, 7), `"size":79,"error":"at byte 0, in the batch at offset 7: format 7 is unknown"`, "format 7 is unknown"},
		{"a control record without a type", signed(with(22, 0x20)), `"isControl":true`, "a control record with a key of 1 bytes, which takes 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := bytes.Join([][]byte{tt.bytes, last}, nil)
			got, wrong := show(batchjson.Shower{}, all)
			if !strings.Contains(got, tt.shown) || !strings.Contains(got, `"base64":"`) || !strings.HasSuffix(got, `"records":[{"offset":9,"timestamp":-1,"key":null,"value":"last","headers":[]}]}]`) {
				t.Errorf("got %s\nwant in it %s", got, tt.shown)
			}
			if !strings.Contains(wrong, tt.wrong) || strings.Contains(wrong, "\n") {
				t.Errorf("got %s\nwant %s", wrong, tt.wrong)
			}
			if back := mustBuild(t, got); !bytes.Equal(back, all) {
				t.Errorf("got  %x\nwant %x", back, all)
			}
		})
	}
}

// What the end cuts off is no error, and comes back.
func TestShowPartial(t *testing.T) {
	b := mustBuild(t, `[{"baseOffset":7,"records":[{"value":"a"}]}]`)
	for n := 1; n < len(b); n++ {
		got, wrong := show(batchjson.Shower{}, b[:n])
		if n < 8 && wrong != "at byte 0: zeros up to the end" || n >= 8 && wrong != "" {
			t.Fatalf("%d bytes: %s", n, wrong)
		}
		if back := mustBuild(t, got); !bytes.Equal(back, b[:n]) {
			t.Fatalf("%d bytes: got %x of %s", n, back, got)
		}
	}
	got, _ := show(batchjson.Shower{}, b[:20])
	if want := `[{"partial":true,"size":20,"batchLength":57,"base64":"AAAAAAAAAAcAAAA5/////wIQHlk="}]`; got[:50] != want[:50] {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A piece of a snapshot begins anywhere.
func TestShowUnaligned(t *testing.T) {
	first := mustBuild(t, `[{"baseOffset":7,"records":[{"value":"a"}]}]`)
	second := mustBuild(t, `[{"baseOffset":8,"records":[{"value":"b"}]}]`)
	s := batchjson.Shower{Codecs: new(compress.Codecs)}
	for cut := range first {
		piece := bytes.Join([][]byte{first[cut:], second, second[:30]}, nil)
		v, wrong := s.Records(piece, true)
		shown := string(v.AppendJSON(nil))
		if len(wrong) > 0 || !strings.Contains(shown, `"value":"b"`) {
			t.Fatalf("from byte %d on: %v %s", cut, wrong, shown)
		}
		if back := mustBuild(t, shown); !bytes.Equal(back, piece) {
			t.Fatalf("from byte %d on: got %x", cut, back)
		}
	}
}

// What is hidden is nowhere.
func TestShowRedacted(t *testing.T) {
	b := mustBuild(t, `[{"records":[{"key":"secret","value":"secret","headers":[{"key":"h","value":"secret"},{"key":"n","value":null}]},{"key":null,"value":""}]}]`)
	got, _ := show(batchjson.Shower{Redact: true}, b)
	if want := `"records":[{"offset":0,"timestamp":-1,"key":"[6 bytes]","value":"[6 bytes]","headers":[{"key":"h","value":"[6 bytes]"},{"key":"n","value":null}]},{"offset":1,"timestamp":-1,"key":null,"value":"[0 bytes]","headers":[]}]}]`; !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, wrong := range [][]byte{b[:len(b)-1], append(bytes.Clone(b), b[20:]...), append(b[:17:17], append([]byte{1, 2, 3, 4}, b[21:]...)...)} {
		got, _ := show(batchjson.Shower{Redact: true}, wrong)
		if strings.Contains(got, "secret") || strings.Contains(got, "c2Vjcm") || strings.Contains(got, "zZWNyZX") || strings.Contains(got, "NlY3JldA") {
			t.Errorf("got %s", got)
		}
	}
}

// A bomb is shown as what it is.
func TestShowLimit(t *testing.T) {
	b := mustBuild(t, `[{"compression":"zstd","records":[{"value":"`+strings.Repeat("x", 10_000)+`"}]}]`)
	if _, wrong := show(batchjson.Shower{Limit: 1000}, b); !strings.Contains(wrong, "more bytes than the limit of 1000") {
		t.Errorf("got %s", wrong)
	}
	if _, wrong := show(batchjson.Shower{Limit: 20_000}, b); wrong != "" {
		t.Errorf("got %s", wrong)
	}
}

// All control records of Kafka are named, and come back; others too.
func TestControl(t *testing.T) {
	for _, control := range []string{
		`{"type":"ABORT","name":"EndTxnMarker","version":0,"message":{"coordinatorEpoch":3}}`,
		`{"type":"COMMIT","name":"EndTxnMarker","version":0,"message":{"coordinatorEpoch":3}}`,
		`{"type":"LEADER_CHANGE","name":"LeaderChangeMessage","version":0,"message":{"version":0,"leaderId":1,"voters":[{"voterId":1}],"grantingVoters":[]}}`,
		`{"type":"SNAPSHOT_HEADER","name":"SnapshotHeaderRecord","version":0,"message":{"version":0,"lastContainedLogTimestamp":5}}`,
		`{"type":"SNAPSHOT_FOOTER","name":"SnapshotFooterRecord","version":0,"message":{"version":0}}`,
		`{"type":"KRAFT_VERSION","name":"KRaftVersionRecord","version":0,"message":{"version":0,"kRaftVersion":1}}`,
		`{"type":"KRAFT_VOTERS","name":"VotersRecord","version":0,"message":{"version":0,"voters":[]}}`,
	} {
		b := mustBuild(t, `[{"isControl":true,"records":[{"control":`+control+`}]}]`)
		got, wrong := show(batchjson.Shower{}, b)
		if want := `"records":[{"offset":0,"timestamp":-1,"control":` + control + `,"headers":[]}]}]`; !strings.HasSuffix(got, want) || wrong != "" {
			t.Errorf("%s got %s\nwant %s", wrong, got, want)
		}
	}
	for _, tt := range []struct{ key, value, want string }{
		{"00000009", "0001", `"control":{"type":9},"key":"\u0000\u0000\u0000\t","value":"\u0000\u0001"`},                                                                                                                       // of a later release
		{"00010001", "000000000003", `"control":{"type":"COMMIT","name":"EndTxnMarker","version":0,"message":{"coordinatorEpoch":3}},"key":"\u0000\u0001\u0000\u0001","value":"\u0000\u0000\u0000\u0000\u0000\u0003"`},         // a later version of the key
		{"00000001", "00070000000300", `"control":{"type":"COMMIT","name":"EndTxnMarker","version":0,"message":{"coordinatorEpoch":3}},"key":"\u0000\u0000\u0000\u0001","value":"\u0000\u0007\u0000\u0000\u0000\u0003\u0000"`}, // of the message
	} {
		k, _ := hex.DecodeString(tt.key)
		v, _ := hex.DecodeString(tt.value)
		builder := batch.NewBuilder(nil, batch.V2)
		builder.Control = true
		builder.Append(-1, k, v, nil)
		s := builder.Seal()
		s.Checksum()
		got, wrong := show(batchjson.Shower{}, s.Bytes)
		if !strings.Contains(got, tt.want) || wrong != "" {
			t.Errorf("%s got %s\nwant %s", wrong, got, tt.want)
		}
		if back := mustBuild(t, got); binary.BigEndian.Uint32(back[57:]) != 1 || !bytes.Contains(back, k) || !bytes.Contains(back, v) {
			t.Errorf("got %x, want %s and %s in it", back, tt.key, tt.value)
		}
	}
}
