package kgo

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A produceTopic is a topic that is produced to. As long as its partitions are not known, records
// are staged: encoded one after the other, to be dealt out in their order.
//
// It stays as long as the producer does: its queues know which numbers brokers expect.
type produceTopic struct {
	p      *Producer
	name   string
	sticky stickyPartition

	parts atomic.Pointer[partitions] // nil as long as the topic is not known

	mu     sync.Mutex // before the lock of any queue
	seen   *cluster.Topic
	id     kbin.UUID
	staged []staged // oldest first
	closed error    // why no record is accepted any more
}

// partitions are the queues of a topic. They do not change.
type partitions struct {
	all []*queue
	// known is how many the topic has, as far as is known. It may have fewer than it had if it
	// was made anew: then what the others have runs out of time.
	known int
}

func newProduceTopic(p *Producer, name string) *produceTopic {
	return &produceTopic{p: p, name: name}
}

// recordOverhead is about what a record takes besides key and value.
const recordOverhead = 8

// choose returns the queue of a record's partition.
func (t *produceTopic) choose(parts *partitions, r *Record) (*queue, error) {
	n := int32(parts.known)
	i := int32(AnyPartition)
	if own := t.p.config.partitioner; own != nil {
		if i = own.Partition(r, n); i < AnyPartition || i >= n {
			return nil, t.p.refusal(t.name, i, kmsg.UnknownTopicOrPartition, fmt.Errorf("the topic has %d partitions", n))
		}
	}
	switch {
	case i >= 0:
	case r.Key != nil:
		i = KeyHash(r.Key) % n
	default:
		i = t.sticky.choose(recordOverhead+len(r.Value), parts.all[:n])
	}
	return parts.all[i], nil
}

// update takes note of a snapshot of the cluster.
func (t *produceTopic) update(s *cluster.Snapshot) {
	known := s.Topic(t.name)
	if known == nil {
		return
	}
	t.mu.Lock()
	if known == t.seen || t.closed != nil {
		t.mu.Unlock()
		return
	}
	t.seen = known
	var news []news
	var runs []staged
	err, _ := t.refused().(*Error)
	switch {
	case len(known.Partitions) > 0:
		news = t.lead(known, t.learn(known))
	case err != nil:
		runs, t.staged = t.staged, nil
	}
	t.mu.Unlock()
	t.fail(runs, err)
	for _, n := range news {
		t.p.sink(n.broker).loop.Post(n.event)
	}
}

// learn makes the queues that are missing, and gives them what is staged. The lock is held.
func (t *produceTopic) learn(known *cluster.Topic) *partitions {
	if !known.ID.IsZero() {
		t.id = known.ID
	}
	n := len(known.Partitions)
	parts := t.parts.Load()
	if parts != nil && parts.known == n {
		return parts
	}
	next := &partitions{known: n}
	if parts != nil {
		next.all = parts.all
	}
	if len(next.all) < n {
		all := append(make([]*queue, 0, n), next.all...)
		for i := len(all); i < n; i++ {
			q := newQueue(t, int32(i))
			q.led.Store(known.Partitions[i].Leader >= 0) // for what is dealt
			all = append(all, q)
		}
		next.all = all
	}
	// Records that come now wait for the lock in stage, so those that are staged come first.
	t.deal(next)
	t.parts.Store(next)
	return next
}

// lead tells the queues their leaders. The lock is held, so that what is newest stays.
func (t *produceTopic) lead(known *cluster.Topic, parts *partitions) (news []news) {
	for i, q := range parts.all {
		leader := int32(-1)
		if i < len(known.Partitions) {
			leader = known.Partitions[i].Leader
		}
		news = q.setLeader(leader, news)
	}
	return news
}

// expire gives up what has run out of time, and returns when there is more to do, zero for never.
func (t *produceTopic) expire(at time.Time) (next time.Time) {
	t.mu.Lock()
	runs, err := t.late(at)
	if len(t.staged) > 0 {
		next = t.staged[0].since.Add(t.p.config.topicTimeout)
	}
	t.mu.Unlock()
	t.fail(runs, err)
	for _, q := range t.queues() {
		if due := q.expire(at); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

func (t *produceTopic) queues() []*queue {
	if parts := t.parts.Load(); parts != nil {
		return parts.all
	}
	return nil
}

// watch lets a flush wait for all records that are there now.
func (t *produceTopic) watch(f *flush) {
	t.mu.Lock()
	if n := len(t.staged); n > 0 {
		t.staged[n-1].watch(f)
	}
	t.mu.Unlock()
	for _, q := range t.queues() {
		q.watch(f)
	}
}

// abort fails all records, and all that come if it is for good.
func (t *produceTopic) abort(err error, forGood bool) {
	t.mu.Lock()
	if forGood {
		t.closed = err
	}
	runs := t.staged
	t.staged = nil
	t.mu.Unlock()
	t.fail(runs, t.p.refusal(t.name, -1, kmsg.None, err))
	for _, q := range t.queues() {
		q.abort(err, forGood)
	}
}
