package kgo

import (
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A ProducerOption is for [Client.NewProducer].
type ProducerOption interface{ applyProducer(*producerConfig) }

type producerConfig struct {
	acks            kmsg.Acks
	idempotent      bool
	acksSet         bool
	idempotentSet   bool
	linger          time.Duration
	batchBytes      int
	requestBytes    int
	inFlight        int
	bufferBytes     int64
	deliveryTimeout time.Duration
	topicTimeout    time.Duration
	retries         int
	compression     compress.Settings
	codecs          *compress.Codecs
	partitioner     Partitioner

	errs []error
}

func newProducerConfig() *producerConfig {
	return &producerConfig{
		acks:            kmsg.AcksAll,
		idempotent:      true,
		linger:          defaultLinger,
		batchBytes:      defaultBatchBytes,
		requestBytes:    defaultRequestBytes,
		inFlight:        defaultInFlight,
		bufferBytes:     defaultBufferBytes,
		deliveryTimeout: defaultDeliveryTimeout,
		topicTimeout:    defaultTopicTimeout,
		compression:     compress.Settings{Codec: compress.LZ4},
	}
}

type producerOption func(*producerConfig)

func (o producerOption) applyProducer(c *producerConfig) { o(c) }

func (c *producerConfig) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *producerConfig) check() error {
	if c.acks != kmsg.AcksAll {
		if c.idempotentSet && c.idempotent {
			c.wrong("Idempotence needs RequiredAcks(AcksAll), not %d", c.acks)
		}
		c.idempotent = false
	}
	if c.linger < 0 {
		c.wrong("Linger: %v is no time to wait", c.linger)
	}
	if c.batchBytes < leastBatch {
		c.wrong("BatchBytes: %d is too small, %d is the least", c.batchBytes, leastBatch)
	}
	if c.requestBytes < c.batchBytes {
		c.requestBytes = c.batchBytes
	}
	if c.inFlight < 1 {
		c.wrong("MaxInFlight: %d, it must be 1 or more", c.inFlight)
	}
	if c.bufferBytes < int64(c.batchBytes) {
		c.wrong("BufferBytes: %d is less than one batch, %d", c.bufferBytes, c.batchBytes)
	}
	if c.deliveryTimeout <= 0 {
		c.wrong("DeliveryTimeout: %v, it must be above 0", c.deliveryTimeout)
	}
	if c.topicTimeout <= 0 {
		c.wrong("TopicTimeout: %v, it must be above 0", c.topicTimeout)
	}
	if c.retries < 0 {
		c.wrong("ProduceRetries: %d is no number of times", c.retries)
	}
	if c.codecs == nil || c.compression.Codec <= compress.Zstd {
		if err := c.compression.Check(); err != nil {
			c.wrong("Compression: %w", err)
		}
	}
	return errors.Join(c.errs...)
}

func (c *producerConfig) settings(client *clientConfig) *produce.Settings {
	tries := 0
	if c.retries > 0 {
		tries = c.retries + 1
	}
	return &produce.Settings{
		Acks:            c.acks,
		Linger:          c.linger,
		RequestBytes:    c.requestBytes,
		InFlight:        c.inFlight,
		DeliveryTimeout: c.deliveryTimeout,
		Tries:           tries,
		BackoffMin:      client.backoffMin,
		BackoffMax:      client.backoffMax,
		Prepare:         c.compression.Codec != compress.None,
	}
}

// RequiredAcks sets which replicas must have a record before it counts as written:
// [kmsg.AcksAll], the default, all that are in sync; [kmsg.AcksLeader] the leader alone;
// [kmsg.AcksNone] none: the broker does not answer then, offsets are not known, and records that
// it refuses are lost without a word. Without AcksAll the producer is not idempotent. Java: acks.
func RequiredAcks(acks kmsg.Acks) ProducerOption {
	return producerOption(func(c *producerConfig) {
		c.acks, c.acksSet = acks, true
		if acks < kmsg.AcksAll || acks > kmsg.AcksLeader {
			c.wrong("RequiredAcks: there are no acks %d", acks)
		}
	})
}

// Idempotence says whether brokers number the producer's records and drop those that they have
// already (KIP-98). It is on by default, needs nothing set up, and is what keeps retries from
// doubling records. Brokers before 0.11 lack it: then the producer goes on without, and logs it
// once. Java: enable.idempotence.
func Idempotence(on bool) ProducerOption {
	return producerOption(func(c *producerConfig) { c.idempotent, c.idempotentSet = on, true })
}

// Linger sets how long a batch may wait for more records while a request to its broker is under
// way. Without one, nothing waits. The default is 5 ms. Java: linger.ms.
func Linger(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.linger = d })
}

// BatchBytes sets how large a batch may become, before compression. A record that does not fit
// into one by itself fails. The default is 1,000,000 bytes, a little less than what brokers take
// (message.max.bytes). Java: batch.size, max.request.size.
func BatchBytes(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.batchBytes = n })
}

// RequestBytes sets how large a request may become, in bytes of batches; one batch always fits. The
// default is 1 MiB. Java: max.request.size.
func RequestBytes(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.requestBytes = n })
}

// MaxInFlight sets how many requests a broker may have that it has not answered. Order is kept
// with any number. The default is 5. Java: max.in.flight.requests.per.connection.
func MaxInFlight(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.inFlight = n })
}

// BufferBytes sets how much memory the producer's records may take, in bytes; when it is full
// [Producer.Produce] blocks. The default is 64 MiB. Java: buffer.memory.
func BufferBytes(n int64) ProducerOption {
	return producerOption(func(c *producerConfig) { c.bufferBytes = n })
}

// DeliveryTimeout sets how long after it was handed over a record is given up, if the brokers have
// not taken it by then. The default is 2 minutes. Java: delivery.timeout.ms (KIP-91).
func DeliveryTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.deliveryTimeout = d })
}

// TopicTimeout sets how long records wait for a topic that no broker knows, until they fail. The
// default is 60 s. Java: max.block.ms.
func TopicTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.topicTimeout = d })
}

// ProduceRetries sets how often a batch is sent again. The default, 0, is as often as
// [DeliveryTimeout] allows. Java: retries.
func ProduceRetries(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.retries = n })
}

// Compression sets how batches are compressed; the level is as in [compress.Settings], 0 for a good
// one. A batch that does not become smaller goes out as it is. The default is LZ4. Java:
// compression.type, compression.lz4.level and so on.
func Compression(codec compress.Codec, level ...int) ProducerOption {
	return producerOption(func(c *producerConfig) {
		c.compression = compress.Settings{Codec: codec}
		switch len(level) {
		case 0:
		case 1:
			c.compression.Level = level[0]
		default:
			c.wrong("Compression: %d levels, one is the most", len(level))
		}
	})
}

// Codecs sets the codecs to compress and decompress with, for one of the user's own; they may be
// shared. The default is those of package compress.
func Codecs(codecs *compress.Codecs) interface {
	ProducerOption
	ConsumerOption
} {
	return codecsOption{codecs}
}

type codecsOption struct{ *compress.Codecs }

func (o codecsOption) applyProducer(c *producerConfig) { c.codecs = o.Codecs }
func (o codecsOption) applyConsumer(c *consumerConfig) { c.codecs = o.Codecs }

// Partitioning sets who chooses the partitions of records. The default is what the Java client
// does: by the hash of the key, see [KeyHash]; without a key all go to one partition for a while,
// then to another. Java: partitioner.class.
func Partitioning(p Partitioner) ProducerOption {
	return producerOption(func(c *producerConfig) {
		c.partitioner = p
		if p == nil {
			c.wrong("Partitioning: the partitioner is nil")
		}
	})
}
