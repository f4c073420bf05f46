//go:build kafka

package records

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

var tableFile = flag.String("table", "", "write what was compared to `FILE`, as a Markdown table")

func TestRecords(t *testing.T) {
	var rows []*row
	for _, release := range kafkatest.Eras() {
		t.Run(release, func(t *testing.T) {
			r := newRig(t, release)
			rows = append(rows, &r.row)
			t.Run("ours", r.testOurs)
			t.Run("ours by Java", r.testJavaReads)
			t.Run("Java's", r.testJavaWrites)
			t.Run("compacted", r.testCompacted)
			t.Run("log", r.testLog)
		})
	}
	text := table(rows)
	t.Log("\n" + text)
	if *tableFile != "" {
		if err := os.WriteFile(*tableFile, []byte(tableHead+text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// codecs are for all tests.
var codecs = new(compress.Codecs)

// A rig is a broker of a release.
type rig struct {
	release string
	cluster *kafkatest.Cluster
	conn    *rawconn.Conn
	apis    []kmsg.VersionRange
	topics  []*topic // whose log is known
	row     row
}

// A topic has one partition.
type topic struct {
	name string
	id   kbin.UUID // from 2.8 on
	log  []entry   // what is in it, by offset
}

// An entry is a record in a log, as it must be seen.
type entry struct {
	offset    int64
	timestamp int64 // batch.NoTimestamp if the format has none
	key       []byte
	value     []byte
	headers   []batch.RecordHeader
	aborted   bool // it is part of an aborted transaction
	magic     batch.Magic
	codec     compress.Codec
}

const timeout = 10_000 // milliseconds, of requests that have one

func newRig(t *testing.T, release string) *rig {
	t.Helper()
	r := &rig{release: release, row: newRow(release)}
	r.cluster = kafkatest.New(t, kafkatest.Options{Version: release, Properties: map[string]string{
		"num.partitions":                   "1",
		"log.retention.hours":              "1000000", // the records are of 2023
		"log.cleaner.enable":               "true",    // the default from 0.9.0.1 on
		"log.cleaner.backoff.ms":           "200",
		"group.initial.rebalance.delay.ms": "0",
	}})
	addr := r.cluster.Addrs()[0]
	var err error
	if r.apis, _, err = rawconn.Discover(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	if r.conn, err = rawconn.Dial(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

// since reports whether the broker is of a release or a later one.
func (r *rig) since(release string) bool { return !jars.Before(r.release, release) }

// versions are those of an API that the broker serves and we know.
func (r *rig) versions(key kmsg.APIKey) (all []int16) {
	api := kmsg.LookupAPI(key)
	for _, v := range r.apis {
		if v.Key != key {
			continue
		}
		low := max(v.Min, api.MinVersion)
		if key == kmsg.KeyProduce && r.since("4.0") {
			low = 3 // less is offered, but not served (KAFKA-18659)
		}
		for version := low; version <= min(v.Max, api.MaxVersion); version++ {
			all = append(all, version)
		}
	}
	return all
}

// ask sends a request, in the newest version if newest is set, and waits for errors to pass that
// do so by themselves. Others end the test, unless they are allowed.
func ask[R kmsg.Response](t *testing.T, r *rig, req kmsg.RequestFor[R], newest bool, allowed ...kmsg.ErrorCode) R {
	t.Helper()
	if newest {
		req.SetAPIVersion(slices.Max(r.versions(req.APIKey())))
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for give := time.Now().Add(15 * time.Second); ; <-tick.C {
		resp, err := r.conn.Ask(req)
		if err != nil {
			t.Fatalf("%s version %d: %v", req.APIKey(), req.APIVersion(), err)
		}
		bad := slices.DeleteFunc(rawconn.ErrorCodes(resp), func(c kmsg.ErrorCode) bool { return slices.Contains(allowed, c) })
		if len(bad) == 0 {
			return resp.(R)
		}
		if time.Now().After(give) || slices.ContainsFunc(bad, func(c kmsg.ErrorCode) bool { return !rawconn.Passes(c) }) {
			t.Fatalf("%s version %d: %v in %s", req.APIKey(), req.APIVersion(), bad, resp)
		}
	}
}

// newTopic makes a topic, and waits until it can be used.
func (r *rig) newTopic(t *testing.T, name string, configs ...string) *topic {
	t.Helper()
	switch {
	case len(r.versions(kmsg.KeyCreateTopics)) > 0:
		one := kmsg.NewCreateTopicsRequestCreatableTopic()
		one.Name, one.NumPartitions, one.ReplicationFactor = name, 1, 1
		for i := 0; i < len(configs); i += 2 {
			one.Configs = append(one.Configs, kmsg.CreateTopicsRequestCreatableTopicConfig{Name: configs[i], Value: kbin.Str(configs[i+1])})
		}
		req := kmsg.NewCreateTopicsRequest()
		req.TimeoutMs, req.Topics = timeout, append(req.Topics, one)
		ask(t, r, req, true)
	case len(configs) > 0:
		args := []string{"--zookeeper", r.cluster.ZooKeeperAddr(), "--create", "--topic", name, "--partitions", "1", "--replication-factor", "1"}
		for i := 0; i < len(configs); i += 2 {
			args = append(args, "--config", configs[i]+"="+configs[i+1])
		}
		if _, err := r.cluster.Java(t.Context(), nil, "kafka.admin.TopicCommand", args...); err != nil {
			t.Fatal(err)
		}
	} // else it is made when it is asked for
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
	return &topic{name: name, id: ask(t, r, req, true).Topics[0].TopicID}
}

// logMagic is the format in which the broker keeps records.
func (r *rig) logMagic() batch.Magic {
	switch {
	case r.since("0.11.0"):
		return batch.V2
	case r.since("0.10.0"):
		return batch.V1
	}
	return batch.V0
}

// same compares a record with an entry of the log, as an answer in a format can have it.
func same(r *batch.Record, e *entry, magic batch.Magic) string {
	timestamp := e.timestamp
	if magic == batch.V0 {
		timestamp = batch.NoTimestamp
	}
	headers := e.headers
	if magic < batch.V2 {
		headers = nil
	}
	equal := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
	got := r.Headers.AppendTo(nil)
	if r.Offset != e.offset || r.Timestamp != timestamp || !equal(r.Key, e.key) || !equal(r.Value, e.value) ||
		!slices.EqualFunc(got, headers, func(a, b batch.RecordHeader) bool { return a.Key == b.Key && equal(a.Value, b.Value) }) {
		return fmt.Sprintf("got offset %d, timestamp %d, key %x, value %x, headers %v, want %d, %d, %x, %x, %v",
			r.Offset, r.Timestamp, r.Key, r.Value, got, e.offset, timestamp, e.key, e.value, headers)
	}
	return ""
}

// A row is what was compared with one broker.
type row struct {
	release           string
	formats, codecs   map[string]bool // that we produced
	produced, fetched map[int16]bool  // versions
	compared          map[string]int  // records, by where they come from
	control           map[string]int  // control records in the log
}

func newRow(release string) row {
	return row{release, map[string]bool{}, map[string]bool{}, map[int16]bool{}, map[int16]bool{}, map[string]int{}, map[string]int{}}
}

// tableHead stands before the table in a file.
const tableHead = `# Records on brokers of every era

What package batch has read and written with real brokers: each of these records was compared in
key, value, headers, timestamp and offset with what went in. Made with

    go test -tags kafka -timeout 30m ./internal/kafkatest/records -args -table=eras.md

which fails if one differs. Fetched records count once for each version of Fetch and each size of the
answer. Before 0.9 the log's cleaner does not read compressed messages (KAFKA-1374).

`

func table(rows []*row) string {
	var b strings.Builder
	b.WriteString("| Kafka | formats | codecs | Produce | Fetch | records of ours fetched | read by Java | of Java's fetched | after compaction | in log files | control records |\n|---|---|---|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d | %d | %d | %d | %s |\n", r.release, list(r.formats), list(r.codecs), span(r.produced), span(r.fetched),
			r.compared["ours"], r.compared["by Java"], r.compared["Java's"], r.compared["compacted"], r.compared["log"], counts(r.control))
	}
	return b.String()
}

func keys[K cmp.Ordered, V any](m map[K]V) (all []K) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func list(m map[string]bool) string { return strings.Join(keys(m), ", ") }

// span is a range of versions.
func span(m map[int16]bool) string {
	all := keys(m)
	if len(all) == 0 {
		return ""
	}
	text := fmt.Sprintf("%d–%d", all[0], all[len(all)-1])
	if len(all) != int(all[len(all)-1]-all[0])+1 {
		text = fmt.Sprint(all)
	}
	return text
}

func counts(m map[string]int) string {
	var all []string
	for _, k := range keys(m) {
		all = append(all, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(all, ", ")
}
