package kgo

import (
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// All defaults stand here, with their names in the Java client.
const (
	defaultClientID         = "franzi"               // client.id
	defaultSoftwareName     = "franzi"               // KIP-511
	defaultDialTimeout      = 10 * time.Second       // socket.connection.setup.timeout.ms
	defaultRequestTimeout   = 30 * time.Second       // request.timeout.ms
	defaultCallTimeout      = 60 * time.Second       // default.api.timeout.ms
	defaultIdleTimeout      = 9 * time.Minute        // connections.max.idle.ms
	defaultMetadataMaxAge   = 5 * time.Minute        // metadata.max.age.ms
	defaultRebootstrapAfter = 5 * time.Minute        // metadata.recovery.rebootstrap.trigger.ms
	defaultBackoffMin       = 100 * time.Millisecond // retry.backoff.ms, reconnect.backoff.ms
	defaultBackoffMax       = time.Second            // retry.backoff.max.ms, reconnect.backoff.max.ms
	defaultMaxFrame         = kmsg.MaxFrame          // bytes; no such option in Java
	defaultCloseTimeout     = 30 * time.Second       // of Close

	defaultLinger          = 5 * time.Millisecond // linger.ms
	defaultBatchBytes      = 1_000_000            // batch.size, max.request.size
	defaultRequestBytes    = 1 << 20              // max.request.size
	defaultInFlight        = 5                    // max.in.flight.requests.per.connection
	defaultBufferBytes     = 64 << 20             // buffer.memory
	defaultDeliveryTimeout = 2 * time.Minute      // delivery.timeout.ms
	defaultTopicTimeout    = 60 * time.Second     // max.block.ms

	defaultFetchMaxWait        = 500 * time.Millisecond // fetch.max.wait.ms
	defaultFetchMinBytes       = 1                      // fetch.min.bytes
	defaultFetchBufferBytes    = 64 << 20               // no such option in Java; fetch.max.bytes is a request's
	defaultFetchPartitionBytes = 1 << 20                // max.partition.fetch.bytes
	defaultFetchLanes          = 1                      // no such option in Java
	defaultMaxDecompressed     = batch.DefaultLimit     // no such option in Java
)
