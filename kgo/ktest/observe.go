package ktest

import (
	"context"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Record is one of a partition.
type Record struct {
	Offset     int64     // -1 or anything in records that are to be produced
	Timestamp  time.Time // zero for none; the time of producing in records that are to be produced
	Key, Value []byte    // nil for null
	Headers    []Header

	// What its batch says; not for records that are to be produced.
	LeaderEpoch   int32
	ProducerID    int64 // -1 for none
	ProducerEpoch int16
	Sequence      int32 // the record's own, -1 for none
	Transactional bool
	Control       bool // a marker of Kafka's own
}

// A Header is one of a record.
type Header struct {
	Key   string
	Value []byte // nil for null
}

// Log returns the records of a partition, from its start to its end, whether or not consumers may
// see them yet, markers of transactions among them. A partition that does not exist, or
// whose records cannot be read, ends the test as other mistakes do.
func (c *Cluster) Log(topic string, partition int32) []Record {
	var all []Record
	c.with(func(m *broker.Cluster) {
		c.must(m.Walk(topic, partition, func(b *batch.Batch, r *batch.Record) bool {
			clone := r.Clone()
			out := Record{
				Offset: r.Offset, Key: clone.Key, Value: clone.Value,
				LeaderEpoch: b.LeaderEpoch, ProducerID: b.ProducerID, ProducerEpoch: b.ProducerEpoch, Sequence: -1,
				Transactional: b.Attributes.Transactional(), Control: b.Attributes.Control(),
			}
			if r.Timestamp != batch.NoTimestamp {
				out.Timestamp = time.UnixMilli(r.Timestamp)
			}
			if b.BaseSequence >= 0 {
				out.Sequence = int32((int64(b.BaseSequence) + r.Offset - b.BaseOffset) % (1 << 31))
			}
			for key, value := range clone.Headers.All() {
				out.Headers = append(out.Headers, Header{string(key), value})
			}
			all = append(all, out)
			return true
		}))
	})
	return all
}

// Produce appends records to a partition, as one batch, without a client. It returns the offset
// of the first. The error says why the broker does not take them.
func (c *Cluster) Produce(topic string, partition int32, records ...Record) (int64, error) {
	b := batch.NewBuilder(nil, batch.V2)
	for _, r := range records {
		at := r.Timestamp
		if at.IsZero() {
			at = time.Now()
		}
		headers := make([]batch.RecordHeader, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = batch.RecordHeader{Key: h.Key, Value: h.Value}
		}
		b.Append(at.UnixMilli(), r.Key, r.Value, headers)
	}
	s := b.Seal()
	s.Checksum()
	var base int64
	var err error
	c.do(func(now time.Time) { base, err = c.model.Append(now, topic, partition, s.Bytes) })
	return base, err
}

// AppendBatch appends a batch of format 2 as it is, unchecked, with the offset that it has or
// with the next one if that is negative: so a log can be as compaction or transactions leave it,
// or broken. The error says that the bytes are not one batch, or that its offset lies before the
// log's end.
func (c *Cluster) AppendBatch(topic string, partition int32, raw []byte) error {
	var err error
	c.do(func(now time.Time) { err = c.model.AppendRaw(now, topic, partition, raw) })
	return err
}

// A Partition is what there is of a partition.
type Partition struct {
	Leader   int32 // -1 for none
	Epoch    int32 // of the leader
	Replicas []int32
	ISR      []int32 // replicas in sync
	// Start is the offset of the first record, End that of the next one, HighWatermark that up
	// to which consumers may read.
	Start, HighWatermark, End int64
}

// Partitions returns those of a topic; nil if there is no such topic.
func (c *Cluster) Partitions(topic string) []Partition {
	var all []Partition
	c.with(func(m *broker.Cluster) {
		for _, p := range m.Partitions(topic) {
			all = append(all, Partition(p))
		}
	})
	return all
}

// Topics returns the names of all topics, sorted.
func (c *Cluster) Topics() (names []string) {
	c.with(func(m *broker.Cluster) { names = m.Topics() })
	return names
}

// TopicID returns the id of a topic; zero if there is no such topic, or brokers before 2.8.
func (c *Cluster) TopicID(topic string) (id kbin.UUID) {
	c.with(func(m *broker.Cluster) { id = m.TopicID(topic) })
	return id
}

// ClusterID returns the id of the cluster.
func (c *Cluster) ClusterID() (id string) {
	c.with(func(m *broker.Cluster) { id = m.ClusterID() })
	return id
}

// Controller returns the id of the broker that is the controller; -1 with KRaft.
func (c *Cluster) Controller() (id int32) {
	c.with(func(m *broker.Cluster) { id = m.Controller() })
	return id
}

// Requests returns how many requests of an API have come to some brokers, to all of them if none
// is named. [kmsg.NoAPIKey] stands for all APIs.
func (c *Cluster) Requests(key kmsg.APIKey, brokers ...int32) int {
	sum := 0
	c.with(func(m *broker.Cluster) {
		if len(brokers) == 0 {
			sum = m.Requests(key, broker.AnyBroker)
		}
		for _, id := range brokers {
			sum += m.Requests(key, id)
		}
	})
	return sum
}

// A Connection is one of a client.
type Connection struct {
	Broker     int32
	RemoteAddr string
	Software   string // the client's name and version, as it says itself (KIP-511)
	User       string // who has logged in, or whom the certificate names
	Serving    bool   // it waits for an answer
}

// Connections returns all connections, oldest first, to some brokers, or to all if none is named.
func (c *Cluster) Connections(brokers ...int32) []Connection {
	var all []Connection
	c.with(func(m *broker.Cluster) {
		for _, k := range m.Connections() {
			if cn := c.conns[k.ID]; cn != nil && (len(brokers) == 0 || slices.Contains(brokers, k.Broker)) {
				user := k.User
				if user == "" {
					user = shown(cn.net)
				}
				all = append(all, Connection{k.Broker, cn.net.RemoteAddr().String(), k.Software, user, k.Serving})
			}
		}
	})
	return all
}

// Wait waits until a condition holds. It is asked whenever something has happened in the cluster,
// and may call the cluster's methods. The error is the context's, if that ends before.
func (c *Cluster) Wait(ctx context.Context, holds func() bool) error {
	for {
		c.mu.Lock()
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		if holds() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
