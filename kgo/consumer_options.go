package kgo

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A ConsumerOption is for [Client.NewConsumer].
type ConsumerOption interface{ applyConsumer(*consumerConfig) }

type consumerConfig struct {
	topics      []string
	pattern     *regexp.Regexp
	parts       map[string][]int32
	start       Start
	starts      map[topicPartition]Start
	reset       Start
	isolation   kmsg.IsolationLevel
	maxWait     time.Duration
	minBytes    int
	bufferBytes int64
	partBytes   int
	rack        string
	recheck     time.Duration
	stopAtEnd   bool
	control     bool
	unverified  bool
	batchLimit  int
	lanes       int
	codecs      *compress.Codecs

	errs []error
}

type topicPartition struct {
	topic     string
	partition int32
}

func newConsumerConfig() *consumerConfig {
	return &consumerConfig{
		parts:       map[string][]int32{},
		start:       Earliest(),
		starts:      map[topicPartition]Start{},
		reset:       Earliest(),
		isolation:   kmsg.IsolationReadCommitted,
		maxWait:     defaultFetchMaxWait,
		minBytes:    defaultFetchMinBytes,
		bufferBytes: defaultFetchBufferBytes,
		partBytes:   defaultFetchPartitionBytes,
		recheck:     defaultMetadataMaxAge,
		batchLimit:  defaultMaxDecompressed,
		lanes:       defaultFetchLanes,
	}
}

type consumerOption func(*consumerConfig)

func (o consumerOption) applyConsumer(c *consumerConfig) { o(c) }

func (c *consumerConfig) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *consumerConfig) check() error {
	for _, name := range slices.Concat(c.topics, slices.Collect(maps.Keys(c.parts))) {
		if !legalTopic(name) {
			c.wrong("Topics: %q is no name of a topic", name)
		}
	}
	for name, parts := range c.parts {
		if slices.Contains(c.topics, name) {
			c.wrong("Assign: all partitions of %s are consumed already, because of Topics", name)
		}
		if len(parts) > 0 && slices.Min(parts) < 0 {
			c.wrong("Assign: %s has no partition %d", name, slices.Min(parts))
		}
	}
	if c.maxWait < 0 || c.maxWait > 24*time.Hour {
		c.wrong("FetchMaxWait: %v is no time to wait", c.maxWait)
	}
	if c.minBytes < 0 {
		c.wrong("FetchMinBytes: %d is no size", c.minBytes)
	}
	if c.partBytes < 1 {
		c.wrong("FetchPartitionBytes: %d is too small", c.partBytes)
	}
	if c.bufferBytes < int64(c.partBytes) {
		c.wrong("FetchBufferBytes: %d is less than what is asked of one partition, %d", c.bufferBytes, c.partBytes)
	}
	if c.recheck <= 0 {
		c.wrong("RecheckReplica: %v, it must be above 0", c.recheck)
	}
	if c.batchLimit < 1 {
		c.wrong("MaxDecompressedBatch: %d is too small", c.batchLimit)
	}
	if c.lanes < 1 {
		c.wrong("FetchLanes: %d, it must be 1 or more", c.lanes)
	}
	for at, s := range c.starts {
		if s.at.Place == fetch.Offset && s.at.Offset < 0 {
			c.wrong("StartPartitionAt: %s[%d] has no offset %d", at.topic, at.partition, s.at.Offset)
		}
	}
	if c.start.at.Place == fetch.Offset && c.start.at.Offset < 0 {
		c.wrong("StartAt: there is no offset %d", c.start.at.Offset)
	}
	return errors.Join(c.errs...)
}

// Topics names topics to consume, all of their partitions, also those that are added to them
// later. The option may be given several times.
func Topics(names ...string) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.topics = append(c.topics, names...) })
}

// TopicPattern consumes all topics whose names match a regular expression, also those that are
// created later, which are found within [MetadataMaxAge]; but for Kafka's internal ones. To match
// whole names, anchor it: ^orders-.*$.
func TopicPattern(re *regexp.Regexp) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.pattern = re })
}

// Assign names single partitions to consume. Java: assign.
func Assign(partitions map[string][]int32) ConsumerOption {
	return consumerOption(func(c *consumerConfig) {
		for topic, parts := range partitions {
			c.parts[topic] = append(c.parts[topic], parts...)
		}
	})
}

// StartAt sets where to start reading partitions. The default is the earliest record. Partitions
// and topics that come into being while the consumer is there are read from their first record,
// also with [Latest] and [AtOffset]: all that is in them is new. Where to go on from a position that is
// no more is another matter, see [ResetTo].
func StartAt(s Start) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.start = s })
}

// StartPartitionAt sets where to start reading one partition, instead of [StartAt].
func StartPartitionAt(topic string, partition int32, s Start) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.starts[topicPartition{topic, partition}] = s })
}

// ResetTo sets where to go on when a position is not in the log: because retention has removed it,
// the topic was created anew, or the log was truncated. The consumer tells it, by an *[Error] with a
// [PositionError], and goes on there; with [Nowhere] it tells it and waits for a [Consumer.Seek].
// The default is [Earliest]. Java: auto.offset.reset, which is about the start too.
func ResetTo(s Start) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.reset = s })
}

// Isolation says which records of transactions are read: by default those of committed ones,
// [kmsg.IsolationReadCommitted], up to the first record of a transaction that is still open; or all.
// Brokers have transactions since 0.11. Java: isolation.level, where all is the default (KIP-98).
func Isolation(level kmsg.IsolationLevel) ConsumerOption {
	return consumerOption(func(c *consumerConfig) {
		c.isolation = level
		if level != kmsg.IsolationReadCommitted && level != kmsg.IsolationReadUncommitted {
			c.wrong("Isolation: there is no level %d", level)
		}
	})
}

// FetchMaxWait sets how long a broker may wait for records when there are none. The default is
// 500 ms. Java: fetch.max.wait.ms.
func FetchMaxWait(d time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.maxWait = d })
}

// FetchMinBytes sets how many bytes a broker waits for, within [FetchMaxWait]. The default is 1, that
// is, any record. Java: fetch.min.bytes.
func FetchMinBytes(n int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.minBytes = n })
}

// FetchBufferBytes sets how much memory the consumer may use for records, those that are fetched
// and not yet consumed as well as those that are under way, in bytes. One batch comes whole,
// however large it is. The default is 64 MiB. Java has bounds for requests only: fetch.max.bytes.
func FetchBufferBytes(n int64) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.bufferBytes = n })
}

// FetchPartitionBytes sets how many bytes a partition is asked for at most, at a time. It gets less
// when many have something to read, but not below a quarter. One batch comes whole, however
// large it is. The default is 1 MiB. Java: max.partition.fetch.bytes.
func FetchPartitionBytes(n int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.partBytes = n })
}

// Rack says where the consumer is, so that it can read from the replica that is closest instead of
// the leader, if brokers are set up for it (KIP-392). Java: client.rack.
func Rack(rack string) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.rack = rack })
}

// RecheckReplica sets how long a replica is read from before the leader is asked again whether it is
// the closest. The default is 5 minutes. Java: metadata.max.age.ms.
func RecheckReplica(d time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.recheck = d })
}

// StopAtEnd ends consuming where each partition ended when the consumer first looked at it: loops
// end without an error, and [Consumer.Poll] returns io.EOF. A topic or partition that does not exist, or
// not any more, ends with the error that says so.
func StopAtEnd() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.stopAtEnd = true })
}

// KeepControlRecords shows the markers by which Kafka ends transactions; package batch decodes
// them. By default nobody sees them.
func KeepControlRecords() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.control = true })
}

// VerifyChecksums says whether batches are compared with their checksums. They are by default, which
// costs next to nothing. Java: check.crcs.
func VerifyChecksums(on bool) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.unverified = !on })
}

// MaxDecompressedBatch sets how large a batch may become when it is decompressed, in bytes: one that
// would be larger is an error, and its partition waits for [Consumer.Seek] or [Consumer.Skip]. The
// default is 64 MiB.
func MaxDecompressedBatch(n int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.batchLimit = n })
}

// FetchLanes sets how many connections to a broker may read partitions that have something to read.
// One more reads those that wait for records. The default is 1; over long distances more are faster.
func FetchLanes(n int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.lanes = n })
}

func (c *consumerConfig) core(client *clientConfig, budget fetch.Budget) fetch.Config {
	return fetch.Config{
		Isolation:      c.isolation,
		Rack:           c.rack,
		MaxWait:        c.maxWait,
		MinBytes:       c.minBytes,
		Bite:           max(1, c.partBytes/4),
		PartitionBytes: c.partBytes,
		BufferBytes:    c.bufferBytes,
		FrameBytes:     client.maxFrame,
		Lanes:          c.lanes,
		Recheck:        c.recheck,
		Reset:          c.reset.at,
		StopAtEnd:      c.stopAtEnd,
		Patience:       client.requestTimeout,
		Backoff:        client.backoff(),
		Random:         jitter,
		Budget:         budget,
	}
}
