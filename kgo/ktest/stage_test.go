package ktest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A stage is a broker, of this package or of Kafka's, on which scenarios are played. What the
// broker says is written down so that two brokers which do the same have said the same: ids,
// addresses, words and times of the day are replaced.
type stage struct {
	testing.TB
	release  *kmsg.ReleaseVersions
	dialer   func(addr string) (net.Conn, error)
	addr     string // of the only broker
	saslAddr string // of a listener with SASL, "" if there is none
	kraft    bool
	vague    bool // which epoch a leader has is left to chance, with ZooKeeper and several brokers

	out     strings.Builder
	started time.Time
	known   map[string]string // what stands for ids, in a scenario
	conn    *client
	// begin lets a partition take part in a transaction; nil where nobody asks whether it does.
	begin   func(transactionalID string, id int64, epoch int16, topic string, partition int32)
	changes int // of configurations, see settled
}

// since reports whether the release is the named one or later.
func (s *stage) since(release string) bool {
	all := kmsg.Releases()
	return slices.Index(all, s.release.Name) >= slices.Index(all, release)
}

// title begins a scenario or a part of one.
func (s *stage) title(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// connect opens a connection.
func (s *stage) connect(addr string) *client {
	s.Helper()
	conn, err := s.dialer(addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { conn.Close() })
	return &client{TB: s.TB, Conn: conn, patience: patience}
}

// hear asks the broker over the connection that is there, and writes down what it says.
func (s *stage) hear(req kmsg.Request, version int16) kmsg.Response {
	s.Helper()
	if s.conn == nil {
		s.conn = s.connect(s.addr)
	}
	resp := s.hearOn(s.conn, req, version)
	if resp == nil {
		s.conn.Close()
		s.conn = nil
	}
	return resp
}

// silence is how long nothing has to come for it to count as silence.
const silence = time.Second

// hearOn is hear on a connection; it returns nil if the broker has closed it.
func (s *stage) hearOn(c *client, req kmsg.Request, version int16) kmsg.Response {
	s.Helper()
	resp, said := s.answer(c, req, version)
	fmt.Fprintf(&s.out, "%s v%d: %s\n", req.APIKey(), version, said)
	return resp
}

// answer asks and returns what was said, as it is and as it is written down.
func (s *stage) answer(c *client, req kmsg.Request, version int16) (kmsg.Response, string) {
	s.Helper()
	req.SetAPIVersion(version)
	if err := req.Check(); err != nil {
		s.Fatalf("%v\nin %v", err, req)
	}
	c.send(req)
	resp := req.Response()
	if err := c.receive(resp); err != nil {
		return nil, lost(err)
	}
	text, err := kjson.Marshal(resp)
	if err != nil {
		s.Fatal(err)
	}
	return resp, s.tidy("", text)
}

// lost says how a connection was lost.
func lost(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "silence"
	}
	return "closed"
}

// each plays something in every version of an API that the release has.
func (s *stage) each(key kmsg.APIKey, play func(version int16)) {
	r, ok := s.release.Broker(key)
	if !ok {
		return
	}
	for v := r.Min; v <= r.Max; v++ {
		play(v)
	}
}

// telling plays something in the versions of an API whose answers differ from those of the version
// before, and in the newest.
func (s *stage) telling(key kmsg.APIKey, play func(version int16)) {
	versions := map[kmsg.APIKey][]int16{
		kmsg.KeyProduce: {0, 1, 2, 3, 5, 8, 10, 13},
		kmsg.KeyFetch:   {0, 1, 2, 4, 5, 7, 9, 11, 12, 13, 16},
	}[key]
	r, _ := s.release.Broker(key)
	s.each(key, func(v int16) {
		if v == r.Min || v == r.Max || slices.Contains(versions, v) {
			play(v)
		}
	})
}

// newest is the newest version of an API that the release has; ok is false if there is none.
func (s *stage) newest(key kmsg.APIKey) (version int16, ok bool) {
	r, ok := s.release.Broker(key)
	return r.Max, ok
}

// has reports whether the release has an API.
func (s *stage) has(key kmsg.APIKey) bool {
	_, ok := s.release.Broker(key)
	return ok
}

// tidy writes JSON down, on one line.
func (s *stage) tidy(key string, text json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var parts []string
	switch text[0] {
	case '{':
		d.Token()
		for d.More() {
			t, err := d.Token()
			if err != nil {
				s.Fatal(err)
			}
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				s.Fatal(err)
			}
			name := t.(string)
			if slices.Contains(dropped, name) {
				continue
			}
			parts = append(parts, name+":"+s.tidy(name, value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case '[':
		d.Token()
		for d.More() {
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				s.Fatal(err)
			}
			// How many replicas must be in sync is set where this cluster does not set it.
			if !bytes.HasPrefix(value, []byte(`{"name":"min.insync.replicas"`)) {
				parts = append(parts, s.tidy(key, value))
			}
		}
		if key == "configs" || key == "mechanisms" || bytes.Contains(text, []byte(`"resourceType"`)) || bytes.Contains(text, []byte(`"leaderId"`)) || key == "topics" && s.conn != nil {
			slices.Sort(parts) // what comes in any order
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return s.scalar(key, text)
}

// dropped are fields that say nothing here: quotas, features, and what is for people.
var dropped = []string{"throttleTimeMs", "errorMessage", "host", "port", "rack", "documentation", "supportedFeatures", "finalizedFeatures", "finalizedFeaturesEpoch", "zkMigrationReady"}

// scalar writes a value down, or what stands for it.
func (s *stage) scalar(key string, text json.RawMessage) string {
	plain := strings.Trim(string(text), `"`)
	switch key {
	case "errorCode", "topicConfigErrorCode":
		n, err := strconv.ParseInt(plain, 10, 16)
		if err != nil {
			s.Fatal(err)
		}
		return kmsg.ErrorCode(n).Name()
	case "authBytes":
		raw, err := base64.StdEncoding.DecodeString(plain)
		if err != nil {
			s.Fatal(err)
		}
		return saslText(raw)
	case "sessionLifetimeMs":
		if plain != "0" {
			return "some"
		}
	case "batchIndexErrorMessage":
		if plain != "null" {
			return "words"
		}
	case "topicId":
		return s.nameOf("topic", plain, kbin.UUID{}.String())
	case "clusterId":
		return s.nameOf("cluster", plain, "null")
	case "producerId":
		return s.nameOf("producer", plain, "-1")
	case "sessionId":
		return s.nameOf("session", plain, "0")
	case "timestamp", "logAppendTimeMs":
		if n, err := strconv.ParseInt(plain, 10, 64); err == nil && n > 9e11 {
			return "now"
		}
	case "records":
		raw, err := base64.StdEncoding.DecodeString(plain)
		if err != nil {
			return plain
		}
		return s.recordsIn(raw)
	}
	return plain
}

// saslText writes down what of a broker's message is not drawn.
func saslText(raw []byte) string {
	var attrs []string
	for part := range strings.SplitSeq(string(raw), ",") {
		name, value, _ := strings.Cut(part, "=")
		if len(value) > 8 {
			value = "..."
		}
		attrs = append(attrs, name+"="+value)
	}
	if len(raw) > 0 && raw[0] == '{' || len(raw) == 0 {
		return strconv.Quote(string(raw))
	}
	return strings.Join(attrs, ",")
}

// nameOf gives an id a name.
func (s *stage) nameOf(kind, id, none string) string {
	if id == none {
		return "none"
	}
	if s.known[id] == "" {
		n := 1
		for _, name := range s.known {
			if strings.HasPrefix(name, kind+"-") {
				n++
			}
		}
		s.known[id] = fmt.Sprintf("%s-%d", kind, n)
	}
	return s.known[id]
}

// recordsIn writes records down: format, offsets and values, and whether something is cut off.
func (s *stage) recordsIn(raw []byte) string {
	var parts []string
	r := batch.NewReader(raw)
	for r.Next() {
		b := &r.Batch
		if err := b.Verify(); err != nil {
			return fmt.Sprintf("bad batch: %v", err)
		}
		payload, _, err := b.Payload(new(compress.Codecs), nil, batch.DefaultLimit)
		if err != nil {
			return fmt.Sprintf("bad batch: %v", err)
		}
		text := fmt.Sprintf("v%d", b.Magic)
		if c := b.Attributes.Codec(); c != compress.None {
			text += "," + c.String()
		}
		if b.Magic == batch.V2 && b.LeaderEpoch != 0 && !s.vague {
			text += fmt.Sprintf(",epoch=%d", b.LeaderEpoch)
		}
		if b.Attributes.LogAppendTime() {
			text += ",appended"
		}
		if b.Idempotent() {
			text += fmt.Sprintf(",%s/%d@%d", s.nameOf("producer", fmt.Sprint(b.ProducerID), "-1"), b.ProducerEpoch, b.BaseSequence)
		}
		w := b.Walk(payload)
		for w.Next() {
			value := string(w.Record.Value)
			if len(value) > 20 {
				value = fmt.Sprintf("%d bytes", len(value))
			}
			text += fmt.Sprintf(" %d=%s", w.Record.Offset, value)
		}
		if err := w.Err(); err != nil {
			return fmt.Sprintf("bad records: %v", err)
		}
		parts = append(parts, text)
	}
	if have, _ := r.Cut(); have > 0 && len(parts) == 0 {
		parts = append(parts, "cut")
	}
	if err := r.Err(); err != nil {
		parts = append(parts, err.Error())
	}
	return "(" + strings.Join(parts, "; ") + ")"
}

// eventually asks until the answer is as wanted, and does not write it down.
func (s *stage) eventually(what string, try func(c *client) bool) {
	s.Helper()
	c := s.connect(s.addr)
	defer c.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if try(c) {
			return
		}
	}
	s.Fatalf("%s did not happen in %v", what, patience)
}

// topic creates a topic, if it can with a configuration, and waits until it has leaders. Without
// CreateTopics it is made by asking for it, and has 3 partitions.
func (s *stage) topic(name string, partitions int32, configs ...string) {
	s.Helper()
	v, ok := s.newest(kmsg.KeyCreateTopics)
	if ok {
		t := kmsg.NewCreateTopicsRequestCreatableTopic()
		t.Name, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
		for i := 0; i < len(configs); i += 2 {
			t.Configs = append(t.Configs, kmsg.CreateTopicsRequestCreatableTopicConfig{Name: configs[i], Value: kbin.Str(configs[i+1])})
		}
		req := kmsg.NewCreateTopicsRequest()
		req.Topics = append(req.Topics, t)
		c := s.connect(s.addr)
		defer c.Close()
		if resp := ask(c, req, v); resp.Topics[0].ErrorCode != kmsg.None {
			s.Fatalf("creating topic %s: %v", name, resp)
		}
	}
	s.eventually("topic "+name, func(c *client) bool {
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
		resp := ask(c, req, 0)
		t := &resp.Topics[0]
		return t.ErrorCode == kmsg.None && len(t.Partitions) > 0 && !slices.ContainsFunc(t.Partitions, func(p kmsg.MetadataResponsePartition) bool {
			return p.ErrorCode != kmsg.None || p.LeaderID < 0
		})
	})
	// A broker can tell of a topic before it leads it.
	s.eventually("leaders of "+name, func(c *client) bool {
		r, _ := s.release.Broker(kmsg.KeyListOffsets)
		resp := ask(c, s.listRequest(name, 0, kmsg.TimestampLatest), max(r.Min, min(1, r.Max)))
		return resp.Topics[0].Partitions[0].ErrorCode == kmsg.None
	})
}

// topicID returns the id of a topic.
func (s *stage) topicID(name string) kbin.UUID {
	c := s.connect(s.addr)
	defer c.Close()
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
	req.AllowAutoTopicCreation = false
	return ask(c, req, 10).Topics[0].TopicID
}

func (s *stage) listRequest(topic string, partition int32, timestamp kmsg.ListOffsetsTimestamp) *kmsg.ListOffsetsRequest {
	req := kmsg.NewListOffsetsRequest()
	req.ReplicaID = -1
	p := kmsg.NewListOffsetsRequestPartition()
	p.PartitionIndex, p.Timestamp = partition, timestamp
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Name: topic, Partitions: []kmsg.ListOffsetsRequestPartition{p}}}
	return req
}

// fill writes records to a partition in the newest way, one batch for each list of values.
func (s *stage) fill(topic string, partition int32, batches ...[]string) {
	s.Helper()
	c := s.connect(s.addr)
	defer c.Close()
	for _, values := range batches {
		v := min(s.mustNewest(kmsg.KeyProduce), 12)
		resp := ask(c, produceRequest(kmsg.AcksAll, topic, partition, s.batchFor(v, values...)), v)
		if code := resp.Responses[0].PartitionResponses[0].ErrorCode; code != kmsg.None {
			s.Fatalf("writing to %s: %v", topic, code)
		}
	}
}

func (s *stage) mustNewest(key kmsg.APIKey) int16 {
	v, ok := s.newest(key)
	if !ok {
		s.Fatalf("no %s", key)
	}
	return v
}

// batchFor makes records in the format that belongs to a version of Produce.
func (s *stage) batchFor(version int16, values ...string) []byte {
	return s.build(magicFor(version), nil, values...)
}

func magicFor(version int16) batch.Magic {
	switch {
	case version < 2:
		return batch.V0
	case version < 3:
		return batch.V1
	}
	return batch.V2
}

// build makes a batch; change may alter the builder before records come.
func (s *stage) build(magic batch.Magic, change func(*batch.Builder), values ...string) []byte {
	return s.seal(magic, change, values...).Bytes
}

func (s *stage) seal(magic batch.Magic, change func(*batch.Builder), values ...string) *batch.Sealed {
	b := batch.NewBuilder(nil, magic)
	if change != nil {
		change(b)
	}
	for _, v := range values {
		b.Append(s.started.UnixMilli(), nil, []byte(v), nil)
	}
	sealed := b.Seal()
	sealed.Checksum()
	return &sealed
}
