package batchjson_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Batches of JSON are those of the builder that the client uses, byte for byte where it
// compresses as well.
func TestBuildAgreesWithBuilder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	bytesOf := func(n int) []byte {
		if random.IntN(4) == 0 {
			return nil
		}
		b := make([]byte, random.IntN(n))
		for i := range b {
			b[i] = "abc\xff\x00世"[random.IntN(6)]
		}
		return b
	}
	for range 300 {
		magic := batch.Magic(random.IntN(3))
		codec := compress.Codec(random.IntN(5))
		if codec == compress.Zstd && magic != batch.V2 {
			codec = compress.None
		}
		b := batch.NewBuilder(nil, magic)
		b.BaseOffset = random.Int64N(1000)
		b.LogAppendTime = magic != batch.V0 && random.IntN(4) == 0
		b.Transactional = magic == batch.V2 && random.IntN(4) == 0
		offset := b.BaseOffset
		for range 1 + random.IntN(5) {
			var headers []batch.RecordHeader
			if magic == batch.V2 {
				for range random.IntN(3) {
					headers = append(headers, batch.RecordHeader{Key: string(bytesOf(5)), Value: bytesOf(5)})
				}
			}
			if !b.AppendAt(offset, random.Int64N(1e12), bytesOf(20), bytesOf(200), headers) {
				t.Fatal("the record does not fit")
			}
			offset += 1 + random.Int64N(3)
		}
		s := b.Seal()
		if _, err := s.Compress(new(compress.Codecs), compress.Settings{Codec: codec}, nil); err != nil {
			t.Fatal(err)
		}
		s.Number(random.Int64N(1000), int16(random.IntN(10)), random.Int32N(1000))
		shown, wrong := show(batchjson.Shower{}, s.Bytes)
		if wrong != "" {
			t.Fatalf("%s: %s", wrong, shown)
		}
		back := mustBuild(t, shown)
		if strings.Contains(shown, `"LogAppendTime"`) { // the producer's timestamps are not shown
			if again, _ := show(batchjson.Shower{}, back); plain(again) != plain(shown) {
				t.Fatalf("got  %s\nwant %s", again, shown)
			}
			continue
		}
		if !bytes.Equal(back, s.Bytes) {
			t.Fatalf("%s\ngot  %x\nwant %x", shown, back, s.Bytes)
		}
	}
}

// What JSON leaves out.
func TestBuildDefaults(t *testing.T) {
	for _, tt := range []struct{ json, want string }{
		{`[]`, `[]`},
		{`[{"records":[{"value":"a"}]}]`, `"partitionLeaderEpoch":-1,"magic":2,"crc":_,"isValid":true,"compression":"none","timestampType":"CreateTime","isTransactional":false,"isControl":false,"hasDeleteHorizonMs":false,"lastOffsetDelta":0,"baseTimestamp":-1,"maxTimestamp":-1,"producerId":-1,"producerEpoch":-1,"baseSequence":-1,"recordsCount":1,"records":[{"offset":0,"timestamp":-1,"key":null,"value":"a","headers":[]}]`},
		// Offsets and timestamps follow from each other.
		{`{"baseOffset":5,"records":[{"timestamp":7},{"timestamp":9,"offset":8},{"timestamp":8}]}`, `"lastOffsetDelta":4,"baseTimestamp":7,"maxTimestamp":9,`},
		{`{"records":[{"offset":5},{}]}`, `[{"baseOffset":5,`},
		{`{"records":[{"offset":5},{}]}`, `{"offset":6,`},
		{`{"magic":1,"compression":"gzip","records":[{"timestamp":3},{"timestamp":2}]}`, `"baseOffset":1,"batchLength":_,"magic":1,"crc":_,"isValid":true,"compression":"gzip","timestampType":"CreateTime","maxTimestamp":3,"records":[{"offset":0,"timestamp":3`},
		{`{"magic":1,"compression":"gzip","baseOffset":9,"records":[{},{}]}`, `"records":[{"offset":8,`},
		{`{"magic":0,"compression":"lz4","baseOffset":9,"records":[{"offset":4},{"offset":3}]}`, `"baseOffset":9,`}, // format 0 says what it likes
		{`{"magic":0,"baseOffset":4,"records":[{"key":"a"},{"key":"b"}]}`, `"records":[{"offset":5,"timestamp":-1,"key":"b"`},
		// What compaction leaves over.
		{`{"baseOffset":5,"lastOffsetDelta":9,"records":[]}`, `"lastOffsetDelta":9,"baseTimestamp":-1,"maxTimestamp":-1,"producerId":-1,"producerEpoch":-1,"baseSequence":-1,"recordsCount":0,"records":[]`},
		{`{"hasDeleteHorizonMs":true,"baseTimestamp":500,"records":[{"timestamp":7}]}`, `"hasDeleteHorizonMs":true,"lastOffsetDelta":0,"baseTimestamp":500,"maxTimestamp":7,`},
		{`{"timestampType":"LogAppendTime","maxTimestamp":50,"records":[{"timestamp":7}]}`, `"records":[{"offset":0,"timestamp":50,`},
		{`{"compression":"zstd","records":[{}]}`, `"compression":"zstd"`}, // though it saves nothing
		{`{"attributes":-128,"compression":"gzip","records":[{}]}`, `"compression":"gzip","timestampType":"CreateTime","isTransactional":false,"isControl":false,"hasDeleteHorizonMs":false,"attributes":-127,`},
		// Null, empty, bytes; headers as they come.
		{`{"records":[{"key":null,"value":""}]}`, `"key":null,"value":""`},
		{`{"records":[{"key":{"base64":"/w=="},"value":{"base64":""}}]}`, `"key":{"base64":"/w=="},"value":""`},
		{`{"records":[{"headers":[{"key":"b"},{"key":"a","value":""},{"key":"b","value":{"base64":"/w=="}},{"key":{"base64":"/w=="},"value":null}]}]}`, `"headers":[{"key":"b","value":null},{"key":"a","value":""},{"key":"b","value":{"base64":"/w=="}},{"key":{"base64":"/w=="},"value":null}]`},
		// Types of control records in any case, and by number.
		{`{"isControl":true,"records":[{"control":{"type":"commit"}}]}`, `"control":{"type":"COMMIT","name":"EndTxnMarker","version":0,"message":{"coordinatorEpoch":0}}`},
		{`{"isControl":true,"records":[{"control":{"type":0}}]}`, `"control":{"type":"ABORT",`},
	} {
		b, err := build(tt.json)
		if err != nil {
			t.Errorf("%s: %v", tt.json, err)
			continue
		}
		got, wrong := show(batchjson.Shower{}, b)
		got = computed.ReplaceAllString(got, `"$1":_`)
		if !strings.Contains(got, tt.want) || wrong != "" {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.json, wrong, got, tt.want)
		}
	}
}

var computed = regexp.MustCompile(`"(batchLength|crc)":\d+`)

// What is wrong with JSON is said with its place.
func TestBuildErrors(t *testing.T) {
	record := func(r string) string { return `[{"records":[{"value":"a"},` + r + `]}]` }
	for _, tt := range []struct{ json, want string }{
		{`7`, `a batch or an array of batches is needed, not a number`},
		{`"AAA="`, `a batch or an array of batches is needed, not a string`},
		{`[null]`, `[0]: an object is needed, not null`},
		{`[{},7]`, `[1]: an object is needed, not a number`},
		{`[{"record":[]}]`, `[0].record: a batch has no such field: did you mean "records"?`},
		{`[{"records":null}]`, `[0].records: an array of records is needed, not null`},
		{`[{"records":{}}]`, `[0].records: an array of records is needed, not an object`},
		{`[{"magic":3}]`, `[0].magic: 3 is not between 0 and 2`},
		{`[{"baseOffset":"7"}]`, `[0].baseOffset: a whole number is needed, not a string`},
		{`[{"baseOffset":7.5}]`, `[0].baseOffset: a whole number is needed, not 7.5`},
		{`[{"baseOffset":9223372036854775808}]`, `[0].baseOffset: a whole number is needed, not 9223372036854775808`},
		{`[{"producerEpoch":32768}]`, `[0].producerEpoch: 32768 is not between -32768 and 32767`},
		{`[{"isControl":1}]`, `[0].isControl: true or false is needed, not a number`},
		{`[{"compression":"lz5"}]`, `[0].compression: none, gzip, snappy, lz4 or zstd is needed`},
		{`[{"compression":1}]`, `[0].compression: none, gzip, snappy, lz4 or zstd is needed`},
		{`[{"magic":1,"compression":"zstd"}]`, `[0].compression: zstd is for format 2 only`},
		{`[{"timestampType":"createTime"}]`, `[0].timestampType: CreateTime or LogAppendTime is needed`},
		{`[{"magic":0,"timestampType":"CreateTime"}]`, `[0].timestampType: format 0 has NoTimestampType`},
		{`[{"base64":"*"}]`, `[0].base64: a string in base64 is needed`},
		{`[{"lastOffsetDelta":0,"records":[{},{}]}]`, `[0].lastOffsetDelta: 0 does not fit: the last record is 1 after baseOffset`},
		{record(`{"offset":0}`), `[0].records[1]: offset 0 cannot come after 0 in a batch that begins at 0`},
		{record(`{"offset":2147483648}`), `[0].records[1]: offset 2147483648 cannot come after 0 in a batch that begins at 0`},
		{record(`7`), `[0].records[1]: an object is needed, not a number`},
		{record(`{"vaule":"a"}`), `[0].records[1].vaule: a record has no such field: did you mean "value"?`},
		{record(`{"value":7}`), `[0].records[1].value: a string, null or {"base64": "..."} is needed`},
		{record(`{"key":{"base64":7}}`), `[0].records[1].key.base64: a string in base64 is needed`},
		{record(`{"key":{"hex":"00"}}`), `[0].records[1].key: a string, null or {"base64": "..."} is needed`},
		{record(`{"headers":{}}`), `[0].records[1].headers: an array is needed, not an object`},
		{record(`{"headers":[{}]}`), `[0].records[1].headers[0]: a header needs a key`},
		{record(`{"headers":[{"key":null}]}`), `[0].records[1].headers[0]: a header needs a key`},
		{record(`{"headers":[{"key":"a","vlaue":""}]}`), `[0].records[1].headers[0].vlaue: a header has no such field: did you mean "value"?`},
		{record(`{"control":{"type":"COMMIT"}}`), `[0].records[1].control: only batches with isControl have control records`},
		{`[{"isControl":true,"records":[{"control":{"type":"COMIT"}}]}]`, `[0].records[0].control.type: the type of a control record is one of ABORT, COMMIT, LEADER_CHANGE, SNAPSHOT_HEADER, SNAPSHOT_FOOTER, KRAFT_VERSION, KRAFT_VOTERS; others need key and value`},
		{`[{"isControl":true,"records":[{"control":{"type":"COMMIT","message":{"coordinatorEpoc":1}}}]}]`, `[0].records[0].control.message.coordinatorEpoc: EndTxnMarker version 0 has no such field: did you mean "coordinatorEpoch"?`},
		{`[{"isControl":true,"records":[{"control":{"type":"COMMIT","version":9}}]}]`, `[0].records[0].control: EndTxnMarker`},
		{`[{"isControl":true,"records":[{"control":7}]}]`, `[0].records[0].control: an object is needed, not a number`},
		// What old formats do not have.
		{`[{"magic":1,"producerId":7,"records":[]}]`, `[0]: format 1 has no producer`},
		{`[{"magic":1,"isControl":true,"records":[]}]`, `[0]: format 1 has no flags but compression and timestampType`},
		{`[{"magic":1,"partitionLeaderEpoch":0,"records":[]}]`, `[0]: format 1 has no partitionLeaderEpoch`},
		{`[{"magic":1,"lastOffsetDelta":1,"records":[]}]`, `[0]: format 1 has no lastOffsetDelta`},
		{`[{"magic":1,"records":[{"headers":[{"key":"a"}]}]}]`, `[0].records[0]: format 1 has no headers`},
		{`[{"magic":0,"records":[{"timestamp":5}]}]`, `[0].records[0]: format 0 has no timestamps`},
		{`[{"magic":1,"compression":"gzip","baseOffset":7,"records":[{"offset":3}]}]`, `[0].baseOffset: 7 is not the offset of the last record, 3, which a compressed message of format 1 has`},
	} {
		b, err := build(tt.json)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\ngot  %x %v\nwant %s", tt.json, b, err, tt.want)
		}
	}
}

// The place of an error is where what is wrong begins: a value, or a key that is none.
func TestBuildErrorBegin(t *testing.T) {
	for text, want := range map[string]string{
		`[{"records":[{"value": "a", "key" : 77 }]}]`:    `[{"records":[{"value": "a", "key" : `,
		`[{"records":[{"value": "a", "kye" : "77" }]}]`:  `[{"records":[{"value": "a", `,
		`[{"records": [{"value": "a", "headers": {}}]}]`: `[{"records": [{"value": "a", "headers": `,
	} {
		v, err := output.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = batchjson.Build(v, new(compress.Codecs))
		if e, ok := err.(*batchjson.Error); !ok || text[:e.Begin] != want {
			t.Errorf("%s: got %+v, want it after %s", text, err, want)
		}
	}
}

// Whatever the bytes, what is shown can be built, and is then shown the same; where all is
// good and nothing compressed, bytes come back that say the same.
func FuzzShowAndBuild(f *testing.F) {
	for _, b := range javaBatches(f) {
		f.Add(b, true)
	}
	for _, text := range []string{
		`[{"compression":"lz4","records":[{"value":"a"},{"key":"b"}]}]`,
		`[{"magic":1,"compression":"snappy","records":[{"value":"a"},{"key":"b"}]},{"magic":0,"compression":"gzip","records":[{"value":"a"}]}]`,
		`[{"isControl":true,"records":[{"control":{"type":"COMMIT"}}]},{"partial":true,"base64":"AAAAAAAAAAEAAAA="}]`,
		`[{"attributes":-128,"timestampType":"LogAppendTime","hasDeleteHorizonMs":true,"lastOffsetDelta":9,"records":[]}]`,
	} {
		f.Add(mustBuild(f, text), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, sign bool) {
		if b = bytes.Clone(b); sign { // what is good by its checksum goes deeper
			signed(b)
		}
		first, wrong := show(batchjson.Shower{Limit: 1 << 20}, b)
		built, err := build(first)
		if err != nil {
			t.Fatalf("%v: %s", err, first)
		}
		again, wrongAgain := show(batchjson.Shower{Limit: 1 << 20}, built)
		if x, y := plain(first), plain(again); x != y {
			t.Fatalf("%x\nshown    %s\nbuilt and shown %s", b, x, y)
		}
		if (wrong == "") != (wrongAgain == "") {
			t.Fatalf("got %q, then %q", wrong, wrongAgain)
		}
		if redacted, _ := show(batchjson.Shower{Limit: 1 << 20, Redact: true}, b); strings.Contains(redacted, `"base64":"`) && !strings.Contains(redacted, `bytes]"`) && !strings.Contains(redacted, `{"base64":"`) {
			t.Fatalf("not hidden: %s", redacted)
		}
	})
}

// signed makes length and checksum those of a single batch.
func signed(b []byte) {
	if len(b) < 61 {
		return
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	if b[16] == 2 {
		binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	} else {
		binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[16:]))
	}
}

// plain leaves out of JSON what compressing anew changes, and the places of what is wrong.
func plain(text string) string {
	text = regexp.MustCompile(`"(batchLength|crc)":\d+`).ReplaceAllString(text, "")
	return regexp.MustCompile(`"error":"[^"]*"`).ReplaceAllString(text, "")
}

func BenchmarkShow(b *testing.B) {
	var records []string
	for i := range 1000 {
		records = append(records, fmt.Sprintf(`{"timestamp":%d,"key":"key-%d","value":"some value of a usual size, which is not long, number %d"}`, 1_700_000_000_000+int64(i), i, i))
	}
	data := mustBuild(b, `[{"records":[`+strings.Join(records, ",")+`]}]`)
	s := batchjson.Shower{Codecs: new(compress.Codecs)}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		v, _ := s.Records(data, false)
		v.AppendJSON(nil)
	}
}
