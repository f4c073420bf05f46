//go:build kafka

package records

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// codecsOf are those that the broker knows.
func (r *rig) codecsOf() []compress.Codec {
	all := []compress.Codec{compress.None, compress.Gzip, compress.Snappy, compress.LZ4}
	if r.since("2.1") {
		all = append(all, compress.Zstd)
	}
	return all
}

// testJavaReads has Kafka's console consumer read what we wrote, of the release's own or a newer
// one that speaks to it.
func (r *rig) testJavaReads(t *testing.T) {
	version := slices.Max(r.versions(kmsg.KeyProduce))
	var want []string
	for _, codec := range r.codecsOf() {
		topic := r.newTopic(t, "for-java-"+codec.String())
		for range 3 {
			b := batch.NewBuilder(nil, r.logMagic())
			base := int64(len(topic.log))
			for i := range int64(20) {
				value := fmt.Sprintf("%s %d %s", codec, base+i, strings.Repeat("again ", int(i)))
				want = append(want, value)
				e := entry{offset: base + i, timestamp: 1_700_000_000_000 + i, key: []byte("key"), value: []byte(value), magic: r.logMagic(), codec: codec}
				if r.logMagic() == batch.V2 {
					e.headers = []batch.RecordHeader{{Key: "codec", Value: []byte(codec.String())}}
				}
				b.Append(e.timestamp, e.key, e.value, e.headers)
				if r.logMagic() == batch.V0 {
					e.timestamp = batch.NoTimestamp
				}
				topic.log = append(topic.log, e)
			}
			s := b.Seal()
			if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
				t.Fatal(err)
			}
			r.send(t, topic, version, s.Bytes, base)
		}
		r.topics = append(r.topics, topic)
	}
	topics, number := "for-java-.*", strconv.Itoa(len(want))
	var text string
	var err error
	if r.since("0.10.0") {
		text, err = r.cluster.Tool(t.Context(), nil, "org.apache.kafka.tools.consumer.ConsoleConsumer",
			"--bootstrap-server", r.cluster.Addrs()[0], "--include", topics, "--from-beginning", "--max-messages", number)
	} else {
		text, err = r.cluster.Java(t.Context(), nil, "kafka.tools.ConsoleConsumer",
			"--zookeeper", r.cluster.ZooKeeperAddr(), "--whitelist", topics, "--from-beginning", "--max-messages", number)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "again") || len(strings.Fields(line)) == 2 {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %d records, want %d:\n%.2000s", len(got), len(want), text)
	}
	r.row.compared["by Java"] += len(got)
}

// testJavaWrites reads what Kafka's producer writes.
func (r *rig) testJavaWrites(t *testing.T) {
	var topics []*topic
	if r.since("0.10.0") {
		topics = r.javaProduces(t)
	} else {
		topics = r.oldJavaProduces(t)
	}
	r.topics = append(r.topics, topics...)
	for _, topic := range topics {
		zstd := topic.log[0].codec == compress.Zstd
		committed := 0
		for _, e := range topic.log {
			if !e.aborted {
				committed++
			}
		}
		for _, v := range r.versions(kmsg.KeyFetch) {
			if zstd && v < 4 || v < 4 && r.since("0.11.0") && !r.since("1.0") { // see testKind
				continue
			}
			n := r.fetch(t, topic, v, 0, 1<<20, false)
			n += r.fetch(t, topic, v, 0, 2000, false)
			if want := 2 * len(topic.log); n != want {
				t.Errorf("%s, Fetch version %d: got %d records, want %d", topic.name, v, n, want)
			}
			r.row.compared["Java's"] += n
			if v < 4 {
				continue
			}
			if n = r.fetch(t, topic, v, 0, 1<<20, true); n != committed {
				t.Errorf("%s, Fetch version %d: got %d committed records, want %d", topic.name, v, n, committed)
			}
			r.row.compared["Java's"] += n
			r.fromEverywhere(t, topic, v)
		}
	}
}

// fromEverywhere reads committed records from many offsets on, which begins in the middle of
// batches and of transactions, in small bites.
func (r *rig) fromEverywhere(t *testing.T, topic *topic, version int16) {
	t.Helper()
	for offset := int64(0); offset < r.end(topic); offset += 13 {
		want := 0
		for _, e := range topic.log {
			if !e.aborted && e.offset >= offset {
				want++
			}
		}
		n := r.fetch(t, topic, version, offset, 1500, true)
		if n != want {
			t.Errorf("%s, Fetch version %d: got %d committed records from offset %d on, want %d", topic.name, version, n, offset, want)
		}
		r.row.compared["Java's"] += n
	}
}

// javaProduces runs ProduceRecords.java.
func (r *rig) javaProduces(t *testing.T) (topics []*topic) {
	t.Helper()
	var names, features []string
	byName := map[string]*topic{}
	for _, codec := range r.codecsOf() {
		names = append(names, codec.String())
		topic := r.newTopic(t, "by-java-"+codec.String())
		topics = append(topics, topic)
		byName[topic.name] = topic
	}
	if r.since("0.11.0") {
		features = []string{"headers", "idempotence", "transactions"}
	}
	program, err := filepath.Abs(filepath.Join("..", "..", "..", "testdata", "java", "ProduceRecords.java"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.cluster.Tool(t.Context(), nil, program, r.cluster.Addrs()[0], strings.Join(names, ","), strings.Join(features, ","))
	if err != nil {
		t.Fatal(err)
	}
	aborted := 0
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 7 || byName[f[0]] == nil {
			continue // of the logger
		}
		topic := byName[f[0]]
		e := entry{key: fromHex(t, f[3]), value: fromHex(t, f[4]), aborted: f[6] == "aborted", magic: r.logMagic()}
		if e.offset, err = strconv.ParseInt(f[1], 10, 64); err != nil {
			t.Fatal(err)
		}
		if e.timestamp, err = strconv.ParseInt(f[2], 10, 64); err != nil {
			t.Fatal(err)
		}
		if e.codec, err = compress.ParseCodec(strings.TrimPrefix(f[0], "by-java-")); err != nil {
			t.Fatal(err)
		}
		for _, h := range strings.Fields(f[5]) {
			key, value, _ := strings.Cut(h, "=")
			e.headers = append(e.headers, batch.RecordHeader{Key: string(fromHex(t, key)), Value: fromHex(t, value)})
		}
		if e.aborted {
			aborted++
		}
		topic.log = append(topic.log, e)
	}
	for _, topic := range topics {
		if len(topic.log) < 30 || len(features) > 0 && aborted == 0 {
			t.Fatalf("%s: Java's producer told of %d records, and %d in all were aborted:\n%.2000s", topic.name, len(topic.log), aborted, text)
		}
		slices.SortFunc(topic.log, func(a, b entry) int { return int(a.offset - b.offset) })
	}
	return topics
}

func fromHex(t *testing.T, text string) []byte {
	t.Helper()
	if text == "-" {
		return nil
	}
	b, err := hex.DecodeString(strings.TrimPrefix(text, "x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oldJavaProduces runs the console producer of releases that newer clients do not speak to.
func (r *rig) oldJavaProduces(t *testing.T) (topics []*topic) {
	t.Helper()
	for _, codec := range r.codecsOf() {
		topic := r.newTopic(t, "by-java-"+codec.String())
		topics = append(topics, topic)
		var lines strings.Builder
		for i := range int64(60) {
			e := entry{offset: i, timestamp: batch.NoTimestamp, value: []byte(strings.Repeat(fmt.Sprintf("line %d ", i), 1+int(i)%9)), codec: codec}
			fmt.Fprintf(&lines, "%s\n", e.value)
			topic.log = append(topic.log, e)
		}
		// Unless it is told, it waits for nobody's answer.
		if _, err := r.cluster.Java(t.Context(), strings.NewReader(lines.String()), "kafka.tools.ConsoleProducer",
			"--broker-list", r.cluster.Addrs()[0], "--topic", topic.name, "--compression-codec", codec.String(), "--sync", "--request-required-acks", "-1"); err != nil {
			t.Fatal(err)
		}
	}
	return topics
}

// testLog reads the files of the broker's log: of the topics whose content is known, record by
// record, of all others as far as they can be read.
func (r *rig) testLog(t *testing.T) {
	known := map[string]*topic{}
	for _, topic := range r.topics {
		known[topic.name+"-0"] = topic
	}
	dir := r.cluster.Nodes()[0].DataDir()
	var files []string
	for _, pattern := range []string{"*.log", "*.checkpoint"} { // a checkpoint is a snapshot of KRaft's log
		some, err := filepath.Glob(filepath.Join(dir, "*", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	seen := map[string]int{}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		seen[name] += r.readSegment(t, file, known[name])
	}
	for name, topic := range known {
		if seen[name] != len(topic.log) {
			t.Errorf("%s: got %d records in its log, want %d", name, seen[name], len(topic.log))
		}
		r.row.compared["log"] += seen[name]
	}
	if r.since("3.3") {
		for _, kind := range []kmsg.ControlRecordType{kmsg.ControlRecordLeaderChange, kmsg.ControlRecordSnapshotHeader, kmsg.ControlRecordSnapshotFooter} {
			if r.row.control[kind.String()] == 0 {
				t.Errorf("no %v is in KRaft's log", kind)
			}
		}
	}
	if r.since("0.11.0") && (r.row.control["Abort"] == 0 || r.row.control["Commit"] == 0) {
		t.Errorf("no markers of transactions are in the log: %v", r.row.control)
	}
}

// readSegment reads a file, compares its records if the topic is known, and returns how many
// there are.
func (r *rig) readSegment(t *testing.T, file string, topic *topic) (n int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rd := batch.NewReader(data)
	for rd.Next() {
		b := &rd.Batch
		if err := b.Verify(); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		payload, _, err := b.Payload(codecs, nil, batch.DefaultLimit)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		w := b.Walk(payload)
		for w.Next() {
			if b.Attributes.Control() {
				kind, m, err := batch.DecodeControl(&w.Record)
				if err != nil || m == nil {
					t.Fatalf("%s: control record %v: %v", file, kind, err)
				}
				r.row.control[kind.String()]++
				continue
			}
			n++
			if topic == nil {
				continue
			}
			e := topic.at(w.Record.Offset)
			if e == nil {
				t.Fatalf("%s: got a record at offset %d, want none", file, w.Record.Offset)
			}
			want := *e
			if want.timestamp == unknownTime {
				want.timestamp = b.MaxTimestamp
			}
			if diff := same(&w.Record, &want, b.Magic); diff != "" || b.Magic != r.logMagic() {
				t.Errorf("%s: format %d: %s", file, b.Magic, diff)
			}
		}
		if w.Err() != nil {
			t.Fatalf("%s: %v", file, w.Err())
		}
	}
	if have, need := rd.Cut(); rd.Err() != nil || have != 0 && topic != nil {
		t.Errorf("%s: got %v, and %d bytes of %d cut off", file, rd.Err(), have, need)
	}
	return n
}
