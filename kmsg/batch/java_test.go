package batch_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// What Kafka's own classes write and we read, and the other way round. Both vector files have
// lines of name, bytes in hex and what Kafka's classes read in them; RecordBatches.java says how
// that is written. They are made by the tests with the tag kafka.
const (
	byJavaFile = "java.tsv.gz" // bytes by Kafka's classes
	byUsFile   = "ours.tsv.gz" // bytes by this package
	upFile     = "up.tsv.gz"   // bytes by the plain writer, and what a broker makes of them for a newer log
)

type javaVector struct {
	name  string
	bytes []byte
	reads string
}

func parseVectors(t testing.TB, text string) (all []javaVector) {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			t.Fatalf("a vector of %d fields, want 3: %.200s", len(fields), line)
		}
		b, err := hex.DecodeString(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, javaVector{fields[0], b, fields[2]})
	}
	return all
}

func vectors(t testing.TB, file string) []javaVector {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "vectors", "batch", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return parseVectors(t, string(text))
}

// describe writes what we read in bytes as RecordBatches.java writes what Kafka reads.
func describe(data []byte) (string, error) {
	var s strings.Builder
	var room []byte
	r := batch.NewReader(data)
	for r.Next() {
		b := &r.Batch
		if err := b.Verify(); err != nil {
			return "", err
		}
		describeHeader(&s, b)
		payload, grown, err := b.Payload(codecs, room, plainLimit)
		if err != nil {
			return "", err
		}
		room = grown
		w := b.Walk(payload)
		for w.Next() {
			fmt.Fprintf(&s, "| %d %d %s %s ", w.Record.Offset, w.Record.Timestamp, hexOf(w.Record.Key), hexOf(w.Record.Value))
			for k, v := range w.Record.Headers.All() {
				fmt.Fprintf(&s, "%s=%s ", hexOf(k), hexOf(v))
			}
			if b.Attributes.Control() {
				text, err := describeControl(&w.Record)
				if err != nil {
					return "", err
				}
				s.WriteString(text)
			}
		}
		if w.Err() != nil {
			return "", w.Err()
		}
	}
	return strings.TrimSpace(s.String()), r.Err()
}

func describeHeader(s *strings.Builder, b *batch.Batch) {
	timestamps := "CreateTime"
	switch {
	case b.Magic == batch.V0:
		timestamps = "NoTimestampType"
	case b.Attributes.LogAppendTime():
		timestamps = "LogAppendTime"
	}
	base, count, horizon := "", "-", "-"
	if b.Magic == batch.V2 {
		base, count = fmt.Sprint(b.BaseOffset), fmt.Sprint(b.Count)
	}
	if b.Attributes.DeleteHorizon() {
		horizon = fmt.Sprint(b.BaseTimestamp)
	}
	fmt.Fprintf(s, "/ magic=%d offsets=%s-%d epoch=%d codec=%s timestamps=%s max=%d producer=%d/%d/%d count=%s transactional=%t control=%t horizon=%s size=%d crc=%08x ",
		b.Magic, base, b.LastOffset(), b.LeaderEpoch, b.Attributes.Codec(), timestamps, b.MaxTimestamp, b.ProducerID, b.ProducerEpoch, b.BaseSequence,
		count, b.Attributes.Transactional(), b.Attributes.Control(), horizon, len(b.Raw), b.CRC)
}

// describeControl writes a control record as Java's constants are called, and its JSON.
func describeControl(r *batch.Record) (string, error) {
	kind, m, err := batch.DecodeControl(r)
	if err != nil {
		return "", err
	}
	names := map[kmsg.ControlRecordType]string{
		kmsg.ControlRecordAbort: "ABORT", kmsg.ControlRecordCommit: "COMMIT", kmsg.ControlRecordLeaderChange: "LEADER_CHANGE",
		kmsg.ControlRecordSnapshotHeader: "SNAPSHOT_HEADER", kmsg.ControlRecordSnapshotFooter: "SNAPSHOT_FOOTER",
		kmsg.ControlRecordKRaftVersion: "KRAFT_VERSION", kmsg.ControlRecordKRaftVoters: "KRAFT_VOTERS",
	}
	text, err := kjson.Marshal(m)
	return names[kind] + " " + string(text) + " ", err
}

func hexOf(b []byte) string {
	if b == nil {
		return "-"
	}
	return "x" + hex.EncodeToString(b)
}

var inJSON = regexp.MustCompile(`\{.*?\}( \||$)`)

// sameText compares descriptions; the JSON in them by its meaning.
func sameText(a, b string) bool {
	if inJSON.ReplaceAllString(a, "") != inJSON.ReplaceAllString(b, "") {
		return false
	}
	as, bs := inJSON.FindAllString(a, -1), inJSON.FindAllString(b, -1)
	for i := range as {
		var x, y any
		if json.Unmarshal([]byte(strings.TrimSuffix(as[i], " |")), &x) != nil || json.Unmarshal([]byte(strings.TrimSuffix(bs[i], " |")), &y) != nil || !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

// What Kafka's classes write, we read as they do.
func TestReadJavas(t *testing.T) {
	kinds := map[string]bool{}
	for _, v := range vectors(t, byJavaFile) {
		if len(v.bytes) == 0 {
			continue
		}
		got, err := describe(v.bytes)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if !sameText(got, v.reads) {
			t.Errorf("%s: got\n%s\nwant\n%s", v.name, got, v.reads)
		}
		if want, err := readPlain(v.bytes); err != nil {
			t.Errorf("%s: the plain reader: %v", v.name, err)
		} else if ours, _ := readOurs(v.bytes); !reflect.DeepEqual(ours, want) {
			t.Errorf("%s: the plain reader reads something else", v.name)
		}
		for _, kind := range regexp.MustCompile(`(magic|codec|timestamps|transactional|control)=\S+|horizon=\d|count=0|[A-Z]+(_[A-Z]+)? \{`).FindAllString(v.reads, -1) {
			kinds[kind] = true
		}
	}
	for _, kind := range []string{"magic=0", "magic=1", "magic=2", "codec=none", "codec=gzip", "codec=snappy", "codec=lz4", "codec=zstd",
		"timestamps=NoTimestampType", "timestamps=CreateTime", "timestamps=LogAppendTime", "transactional=true", "control=true", "horizon=1", "count=0",
		"ABORT {", "COMMIT {", "LEADER_CHANGE {", "SNAPSHOT_HEADER {", "SNAPSHOT_FOOTER {", "KRAFT_VERSION {", "KRAFT_VOTERS {"} {
		if !kinds[kind] {
			t.Errorf("no vector has %s", kind)
		}
	}
}

// batchHeaders are what a description has besides records. Brokers compress what they convert
// even if that makes it larger, so they may differ.
var batchHeaders = regexp.MustCompile(`/ magic=[^|]*`)

// What brokers made of newer formats for older clients, the converter makes too: the same bytes
// if they are not compressed, the same records else.
func TestConvertLikeJava(t *testing.T) {
	conv := batch.Converter{Codecs: codecs}
	var from javaVector
	n := 0
	for _, v := range vectors(t, byJavaFile) {
		if !strings.HasPrefix(v.name, "down to ") {
			from = v
			continue
		}
		n++
		if _, err := fmt.Sscanf(v.name, "down to %d", &conv.To); err != nil {
			t.Fatal(err)
		}
		got, err := conv.Append(nil, from.bytes)
		if strings.HasPrefix(v.reads, "error Unsupported") {
			if !errors.Is(err, compress.ErrUnknownCodec) {
				t.Errorf("%s %s: got the error %v, want %v", from.name, v.name, err, compress.ErrUnknownCodec)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", from.name, v.name, err)
			continue
		}
		if strings.Contains(v.reads, "codec=none") && !bytes.Equal(got, v.bytes) {
			t.Errorf("%s %s: got\n%x\nwant\n%x", from.name, v.name, got, v.bytes)
		}
		text, err := describe(got)
		if err != nil {
			t.Errorf("%s %s: %v", from.name, v.name, err)
		}
		if got, want := batchHeaders.ReplaceAllString(text, ""), batchHeaders.ReplaceAllString(v.reads, ""); got != want {
			t.Errorf("%s %s: got\n%s\nwant\n%s", from.name, v.name, got, want)
		}
	}
	if n < 50 {
		t.Errorf("only %d conversions are among the vectors", n)
	}
}

// An upConversion is what becomes of message sets in a log of a newer format.
type upConversion struct {
	name  string
	to    batch.Magic
	first int64 // offset
	bytes []byte
}

// upConversions are all formats and codecs that can be converted up, with records of all kinds.
func upConversions(t testing.TB) (all []upConversion) {
	t.Helper()
	for _, f := range formats {
		for to := f.magic + 1; to <= batch.V2; to++ {
			up := upConversion{fmt.Sprintf("format %d %s to %d", f.magic, f.codec, to), to, 100, nil}
			var records []plainRecord
			for i := range int64(12) {
				r := plainRecord{Offset: up.first + i, Timestamp: batch.NoTimestamp, Value: fmt.Appendf(nil, "value %d again and again", i)}
				if f.magic == batch.V1 {
					r.Timestamp = 1_700_000_000_000 + i*i*100 - 3000*(i%2)
				}
				if i%3 > 0 {
					r.Key = []byte("key")[:3*(i%3-1)]
				}
				if i == 5 {
					r.Value = nil
				}
				records = append(records, r)
			}
			if f.codec != compress.None {
				b := plainBatch{Header: batch.Header{Magic: f.magic, Attributes: batch.Attributes(f.codec), MaxTimestamp: 1_700_000_020_000}, Records: records}
				up.bytes = writePlain(t, &b)
			} else {
				for _, r := range records {
					b := plainBatch{Header: batch.Header{Magic: f.magic}, Records: []plainRecord{r}}
					up.bytes = append(up.bytes, writePlain(t, &b)...)
				}
			}
			all = append(all, up)
		}
	}
	return all
}

// What a broker appends to a log that is newer than its producer, the converter makes too: the same
// bytes if they are not compressed, the same records else.
func TestConvertUpLikeJava(t *testing.T) {
	made := vectors(t, upFile)
	all := upConversions(t)
	if len(made) != len(all) || len(all) != 12 {
		t.Fatalf("%d vectors are in the file, want %d; make it again", len(made), len(all))
	}
	for i, v := range made {
		if v.name != all[i].name {
			t.Fatalf("%s is not among the vectors; make them again", all[i].name)
		}
		want, err := hex.DecodeString(v.reads)
		if err != nil {
			t.Fatal(err)
		}
		conv := batch.Converter{To: all[i].to, Codecs: codecs}
		got, err := conv.Append(nil, v.bytes)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if strings.Contains(v.name, "none") {
			if !bytes.Equal(got, want) {
				t.Errorf("%s: got\n%x\nwant\n%x", v.name, got, want)
			}
			continue
		}
		gotText, err := describe(got)
		wantText, wantErr := describe(want)
		gotText, wantText = changing.ReplaceAllString(gotText, ""), changing.ReplaceAllString(wantText, "")
		if err != nil || wantErr != nil || gotText != wantText || !strings.Contains(gotText, fmt.Sprintf("/ magic=%d ", conv.To)) {
			t.Errorf("%s: got %v\n%s\nwant %v\n%s", v.name, err, gotText, wantErr, wantText)
		}
	}
}

// changing are parts of a description that depend on how well a codec compresses.
var changing = regexp.MustCompile(`size=\d+ crc=[0-9a-f]+`)

// What we write, Kafka's classes read as we do.
func TestJavaReadsOurs(t *testing.T) {
	written := map[string]javaVector{}
	for _, v := range vectors(t, byUsFile) {
		written[v.name] = v
		if strings.HasPrefix(v.reads, "error") {
			t.Errorf("%s: Kafka's classes say %s", v.name, v.reads)
		}
		got, err := describe(v.bytes)
		if err != nil || !sameText(got, v.reads) {
			t.Errorf("%s: got %v\n%s\nwant\n%s", v.name, err, got, v.reads)
		}
	}
	all := ours(t)
	if len(all) != len(written) {
		t.Errorf("%d vectors are in the file, want %d; make it again", len(written), len(all))
	}
	for _, v := range all {
		was, ok := written[v.name]
		if !ok {
			t.Errorf("%s is not among the vectors; make them again", v.name)
			continue
		}
		if bytes.Equal(v.bytes, was.bytes) {
			continue
		}
		// A codec's library may compress in another way than when the vectors were made.
		got, err := describe(v.bytes)
		if err != nil || !strings.Contains(got, "codec=") || regexp.MustCompile(`codec=[gslz]`).FindString(got) == "" ||
			!sameText(changing.ReplaceAllString(got, ""), changing.ReplaceAllString(was.reads, "")) {
			t.Errorf("%s: got %v\n%s\nwant\n%s", v.name, err, got, was.reads)
		}
	}
}

// ours are batches of all kinds as this package makes them, without what Kafka reads in them.
func ours(t testing.TB) (all []javaVector) {
	t.Helper()
	add := func(name string, b []byte) { all = append(all, javaVector{name: name, bytes: b}) }
	for _, f := range formats {
		for _, logAppend := range []bool{false, true} {
			if logAppend && f.magic == batch.V0 {
				continue
			}
			name := fmt.Sprintf("format %d %s log append %t", f.magic, f.codec, logAppend)
			b := batch.NewBuilder(nil, f.magic)
			b.BaseOffset, b.LogAppendTime = 100, logAppend
			few(t, b)
			add(name, sealed(t, b, f.codec).Bytes)
			b = batch.NewBuilder(nil, f.magic)
			b.BaseOffset, b.LogAppendTime = 100, logAppend
			for _, offset := range []int64{103, 104, 109} {
				b.AppendAt(offset, 1_700_000_000_000+offset, nil, bytes.Repeat([]byte("value"), 30), nil)
			}
			add(name+", gaps", sealed(t, b, f.codec).Bytes)
		}
		b := batch.NewBuilder(nil, f.magic)
		c := newChance(3)
		for range 40 {
			r := c.record(70)
			b.Append(max(r.Timestamp&(1<<50-1), -1), r.Key, r.Value, headersOf(&r))
		}
		s := sealed(t, b, f.codec)
		add(fmt.Sprintf("format %d %s, many records", f.magic, f.codec), s.Bytes)
		for to := batch.V0; to <= batch.V2; to++ {
			if conv := (batch.Converter{To: to, Codecs: codecs}); f.codec != compress.Zstd {
				out, err := conv.Append(nil, s.Bytes)
				if err != nil {
					t.Fatal(err)
				}
				add(fmt.Sprintf("format %d %s, many records, converted to %d", f.magic, f.codec, to), out)
			}
		}
		r := batch.NewReader(s.Bytes)
		r.Next()
		payload, _, err := r.Batch.Payload(codecs, nil, plainLimit)
		if err != nil {
			t.Fatal(err)
		}
		left, right := batch.NewBuilder(nil, f.magic), batch.NewBuilder(nil, f.magic)
		if err := batch.Split(&r.Batch, payload, left, right); err != nil && !errors.Is(err, batch.ErrOneRecord) {
			t.Fatal(err)
		}
		if f.magic == batch.V2 {
			batch.Assign(s.Bytes, 1<<33, 12)
			add(f.codec.String()+", assigned", bytes.Clone(s.Bytes))
			batch.AssignTime(s.Bytes, 1_800_000_000_000)
			add(f.codec.String()+", time assigned", s.Bytes)
			add(f.codec.String()+", left half", sealed(t, left, f.codec).Bytes)
			add(f.codec.String()+", right half", sealed(t, right, f.codec).Bytes)
		}
	}
	for _, offsets := range loose {
		if offsets.good {
			add(offsets.String(), offsets.message(t))
		}
	}
	b := batch.NewBuilder(nil, batch.V2)
	few(t, b)
	s := sealed(t, b, compress.None)
	s.Number(4711, 3, 77)
	add("idempotent", bytes.Clone(s.Bytes))
	s.Number(4712, 0, 1<<31-1)
	add("numbered again", s.Bytes)
	b = batch.NewBuilder(nil, batch.V2)
	b.Transactional = true
	few(t, b)
	s = sealed(t, b, compress.LZ4)
	s.Number(4711, 3, 77)
	add("transactional", s.Bytes)
	s = batch.NewBuilder(nil, batch.V2).Seal()
	s.Checksum()
	add("no records", s.Bytes)
	for _, m := range controls() {
		key, value, err := batch.EncodeControl(m.kind, m.message)
		if err != nil {
			t.Fatal(err)
		}
		b := batch.NewBuilder(nil, batch.V2)
		b.BaseOffset, b.Control, b.Transactional = 500, true, m.kind <= kmsg.ControlRecordCommit
		b.Append(1_700_000_000_000, key, value, nil)
		s := sealed(t, b, compress.None)
		if b.Transactional {
			s.Number(4711, 3, -1)
		}
		add("control "+m.kind.String(), s.Bytes)
	}
	return all
}

// looseOffsets are those of a compressed message of format 1 and of the messages in it, as
// producers send them that leave them to the broker, and whether they can be read.
type looseOffsets struct {
	outer int64
	inner []int64
	good  bool
}

var loose = []looseOffsets{
	{0, []int64{0, 0, 0}, true},
	{7, []int64{0, 0, 0}, true},
	{0, []int64{0, 1, 2}, true},
	{0, []int64{4, 7}, true},
	{1, []int64{0, 1, 2}, false},
	{-1, []int64{0, 1, 2}, false},
}

func (l looseOffsets) String() string {
	return fmt.Sprintf("format 1, offsets %d in %d", l.inner, l.outer)
}

func (l looseOffsets) message(t testing.TB) []byte {
	var inside []byte
	for _, offset := range l.inner {
		inside = append(inside, oneMessage(&batch.Header{Magic: batch.V1}, offset, 1_700_000_000_000, []byte("key"), []byte("value"))...)
	}
	return oneMessage(&batch.Header{Magic: batch.V1, Attributes: 1}, l.outer, 1_700_000_000_000, nil, compressed(t, inside, compress.Gzip, false))
}

// few appends records with all that a record can have.
func few(t testing.TB, b *batch.Builder) {
	t.Helper()
	for i, r := range []struct {
		key, value []byte
		headers    []batch.RecordHeader
	}{
		{[]byte("one"), []byte("first"), []batch.RecordHeader{{Key: "trace", Value: []byte{1, 2, 3}}}},
		{nil, []byte("second"), []batch.RecordHeader{{Key: "", Value: []byte{}}, {Key: "a"}, {Key: "a", Value: []byte{0}}}},
		{[]byte("three"), nil, nil},
		{[]byte{}, []byte{}, []batch.RecordHeader{{Key: "h\u00e9ader", Value: make([]byte, 70)}}},
		{nil, nil, nil},
		{[]byte("six"), make([]byte, 200), nil},
	} {
		if !b.Append(1_700_000_000_000+int64(i*i*1000)-3000, r.key, r.value, r.headers) {
			t.Fatal("a record does not fit")
		}
	}
}

// sealed seals and compresses.
func sealed(t testing.TB, b *batch.Builder, codec compress.Codec) batch.Sealed {
	t.Helper()
	s := b.Seal()
	if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
		t.Fatal(err)
	}
	return s
}
