package broker

import (
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

// An era is in what releases differ, beside the versions that they serve.
type era struct {
	index     int  // of the release in kmsg.Releases
	zooKeeper bool // and not KRaft

	apiVersions   bool // ApiVersions is known (0.10.0, KIP-35)
	muteThrottled bool // a throttled answer comes at once, and then nothing is read for a while (2.0, KIP-219)
	fiveBatches   bool // a producer's last five batches are known again, not just one (1.0)
	resumes       bool // a producer that is not known may begin with any sequence number (2.5, KIP-360)
	hasTopicIDs   bool // topics have ids (2.8, KIP-516)
	recordErrors  bool // INVALID_RECORD is a code; before, records were CORRUPT_MESSAGE (2.4, KIP-467)
	strictHW      bool // the high watermark stands still without min.insync.replicas (3.7, KIP-966)
	keepsMessages bool // messages are stored one by one, and not in batches (before 0.11)
}

func eraOf(release string, zooKeeper bool) era {
	e := era{index: slices.Index(kmsg.Releases(), release)}
	e.zooKeeper = !e.since("3.3") || zooKeeper && !e.since("4.0")
	e.apiVersions = e.since("0.10.0")
	e.muteThrottled = e.since("2.0")
	e.fiveBatches = e.since("1.0")
	e.resumes = e.since("2.5")
	e.hasTopicIDs = e.since("2.8")
	e.recordErrors = e.since("2.4")
	e.strictHW = e.since("3.7") && !e.zooKeeper
	e.keepsMessages = !e.since("0.11.0")
	return e
}

// since reports whether the release is the named one or later.
func (e *era) since(release string) bool { return e.index >= releaseIndex(release) }

// is reports whether the release is the named one.
func (e *era) is(release string) bool { return e.index == releaseIndex(release) }

func releaseIndex(release string) int {
	i := slices.Index(kmsg.Releases(), release)
	if i < 0 {
		panic("broker: no release " + release)
	}
	return i
}
