package fetch

import (
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Partition is a partition that is consumed. Who consumes makes it, with New, and hands it over
// with [Assign]; from then on it belongs to the cell, but for Topic, Index and Tag, which do not
// change.
type Partition struct {
	Topic string
	Index int32
	Tag   any // the consumer's

	topic  *topic
	stamp  uint64 // of the last Assign, Seek or Halt; what is delivered carries it
	jumps  uint64 // how often the position did not just advance: answers to requests from before do not count
	state  state
	paused bool

	start  Start   // how the position is found
	bound  int64   // the offset that was found and Delta is to be added to, -1 before
	stop   int64   // where to stop, -1 if that is not known yet; the largest number for never
	report *Report // is sent when the position is found

	position int64 // offset of the next record to fetch
	epoch    int32 // of the leader that wrote the record before, -1 if it is not known
	outside  bool  // the leader said that position is out of its log's range

	leader      int32 // -1 for none
	leaderEpoch int32 // -1 if brokers do not tell
	preferred   int32 // the replica to read from instead, -1 for none
	recheckAt   time.Time
	distrusted  time.Time // until then no replica but the leader will do

	highWatermark, lastStable, logStart int64 // -1 as long as they are not known

	at   *member   // in the lane that fetches it, nil if none does
	old  []*member // in lanes that it has left, and that are about to answer
	need int       // bytes that its next batch takes, if that is known to be more than was asked for

	listed   bool // in the cell's list of those whose offset or epoch is to be asked for
	asked    bool // it is being asked for
	failures int  // in a row
	since    time.Time
	retryAt  time.Time
	troubled bool // in the cell's list of those that wait for their retryAt
	told     bool // of its trouble
	toldCode kmsg.ErrorCode
}

// New returns a partition to assign.
func New(topic string, index int32, tag any) *Partition {
	return &Partition{Topic: topic, Index: index, Tag: tag}
}

// A state is what happens with a partition.
type state int8

const (
	unassigned state = iota
	ending           // its end is asked for, because of StopAtEnd
	searching        // its start is
	validating       // whether the leader's log is still the one that was read is (KIP-320)
	reading
	halted // until a Seek
	ended  // read to its end
)

// asks reports whether brokers must be asked something.
func (s state) asks() bool { return s == ending || s == searching || s == validating }

// A topic is a topic with partitions that are consumed.
type topic struct {
	name  string
	id    kbin.UUID // zero if brokers do not tell
	last  kbin.UUID // that was told
	seen  *cluster.Topic
	parts map[int32]*Partition
	list  []*Partition // the same, in the order of assignment

	doubted bool // what is known of it is in doubt, and that will be told
}

// jump lets go of the position.
func (p *Partition) jump() {
	p.forgetAsk()
	p.position, p.epoch = -1, -1
	p.bound, p.outside, p.need = -1, false, 0
}

// forgetAsk makes answers that are to come not count.
func (p *Partition) forgetAsk() {
	p.jumps++
	p.asked = false
}

// well notes that the partition is out of trouble.
func (p *Partition) well() {
	p.failures, p.told, p.retryAt = 0, false, time.Time{}
}

// end is up to where the partition can be read, -1 if it is not known.
func (p *Partition) end(level kmsg.IsolationLevel) int64 {
	if level == kmsg.IsolationReadCommitted && p.lastStable >= 0 {
		return min(p.lastStable, p.highWatermark)
	}
	return p.highWatermark
}
