package kgo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Errors of records that no broker made.
var (
	// ErrBufferFull is the error of [Producer.TryProduce] when the memory of [BufferBytes] is in
	// use.
	ErrBufferFull = errors.New("kgo: the producer's buffer is full")
	// ErrAborted is the error of records that [Producer.AbortBuffered] failed.
	ErrAborted = errors.New("kgo: the record was aborted")
	// ErrDeliveryTimeout says that the time of [DeliveryTimeout] was over before a broker had
	// taken the record.
	ErrDeliveryTimeout = produce.ErrTimeout
	// ErrRetries says that a record was sent as often as [ProduceRetries] allows.
	ErrRetries = produce.ErrTries
)

// A Producer writes records. Its methods may be called concurrently; the records of one goroutine
// that go to the same partition keep their order, and so do their callbacks.
//
// A record is encoded when it is handed over: when the method returns, the record and all that it
// points to are the caller's again.
type Producer struct {
	client  *Client
	config  *producerConfig
	set     *produce.Settings
	codecs  *compress.Codecs
	memory  *memory
	clock   clock
	names   *identities
	ends    completions
	workers workers
	tags    tags
	waits   waits

	last    atomic.Pointer[produceTopic] // the topic of the record before
	topics  sync.Map                     // *produceTopic by name
	closing atomic.Bool                  // no record is accepted any more; set under mu

	mu    sync.Mutex // held for a few lines
	sinks map[int32]*sink

	hurry atomic.Int64 // how many wait for all records, or for memory

	batches atomic.Int64 // begun and without an end, staged runs included
	onceOld sync.Once    // for the log
	sweeper sweeper

	once   sync.Once
	closed chan struct{} // closed when closing is set
	gone   chan struct{} // closed when nothing is left
	result error         // of closing; set before gone is closed
}

// NewProducer makes a producer. Every mistake in the options is in the error. It does no I/O.
func (c *Client) NewProducer(opts ...ProducerOption) (*Producer, error) {
	config := newProducerConfig()
	for _, o := range opts {
		if o != nil {
			o.applyProducer(config)
		}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	p := &Producer{
		client: c,
		config: config,
		set:    config.settings(c.config),
		codecs: cmp.Or(config.codecs, &c.codecs),
		memory: newMemory(config.bufferBytes, config.batchBytes),
		sinks:  map[int32]*sink{},
		closed: make(chan struct{}),
		gone:   make(chan struct{}),
	}
	p.names = newIdentities(p)
	p.workers.p = p
	p.sweeper.p = p
	p.sweeper.every = max(min(config.deliveryTimeout, config.topicTimeout)/8, time.Millisecond)
	if err := c.enlist(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Produce hands over a record. It blocks while the producer's buffer is full, until ctx ends; what
// ctx says afterwards does not count, see [DeliveryTimeout]. The callback, which may be nil, is
// called exactly once, with where the record is or why it failed, by a goroutine of the
// producer's: records of one partition in their order. It must not block for long, since others
// wait behind it; to produce from it use [Producer.TryProduce].
//
// The error in the callback is an *[Error]; its Written says whether the record may have been
// written all the same.
func (p *Producer) Produce(ctx context.Context, r *Record, callback func(RecordMetadata, error)) {
	s := slot{callback: callback}
	if err := p.enqueue(ctx, r, s, true); err != nil && callback != nil {
		// Refusals must not outrun their callbacks either.
		if p.memory.charge(slotBytes, false) || p.memory.waitCharge(ctx, p.closed, slotBytes) == nil {
			p.refuseCharged(s, notAccepted(r), err)
			return
		}
		p.refuse(s, notAccepted(r), err)
	}
}

// TryProduce is [Producer.Produce] that never blocks: if the buffer is full it returns
// [ErrBufferFull]. An error means that the record was not accepted, and that the callback is not
// called.
func (p *Producer) TryProduce(r *Record, callback func(RecordMetadata, error)) error {
	return p.enqueue(context.Background(), r, slot{callback: callback}, false)
}

// ProduceSync hands over a record and waits until it is written. If ctx ends before, the record may
// still be written, and the error says so. It may be called in a callback.
func (p *Producer) ProduceSync(ctx context.Context, r *Record) (RecordMetadata, error) {
	w := p.waits.take()
	if err := p.enqueue(ctx, r, slot{wait: w}, true); err != nil {
		p.waits.give(w)
		return notAccepted(r), err
	}
	select {
	case <-w.done:
		md, err := w.md, w.err
		p.waits.give(w)
		return md, err
	case <-ctx.Done():
		e := p.refusal(r.Topic, -1, kmsg.None, context.Cause(ctx))
		e.Written = WrittenMaybe
		return notAccepted(r), e
	}
}

// notAccepted is where a record is that has no place.
func notAccepted(r *Record) RecordMetadata {
	if r == nil {
		return RecordMetadata{Partition: -1, Offset: -1}
	}
	return RecordMetadata{Topic: r.Topic, Partition: -1, Offset: -1, Timestamp: r.Timestamp}
}

var errNoRecord = errors.New("the record is nil")

// enqueue puts a record into its partition's batch.
func (p *Producer) enqueue(ctx context.Context, r *Record, s slot, block bool) error {
	if r == nil {
		return p.refusal("", -1, kmsg.None, errNoRecord)
	}
	if p.closing.Load() {
		return p.refusal(r.Topic, -1, kmsg.None, ErrClosed)
	}
	t := p.last.Load()
	if t == nil || t.name != r.Topic {
		var err error
		if t, err = p.topic(r.Topic); err != nil {
			return err
		}
	}
	if r.Timestamp.IsZero() {
		s.ts = p.clock.now()
	} else if s.ts = r.Timestamp.UnixMilli(); s.ts < 0 {
		return p.refusal(r.Topic, -1, kmsg.InvalidTimestamp, fmt.Errorf("%v is before 1970", r.Timestamp))
	}
	parts := t.parts.Load()
	if parts == nil {
		return t.stage(ctx, r, s, block)
	}
	q, err := t.choose(parts, r)
	if err != nil {
		return err
	}
	return q.append(ctx, r, s, block)
}

// topic returns what the producer knows of a topic, and begins to ask for it if that is nothing.
func (p *Producer) topic(name string) (*produceTopic, error) {
	if known, ok := p.topics.Load(name); ok {
		t := known.(*produceTopic)
		p.last.Store(t)
		return t, nil
	}
	if !legalTopic(name) {
		return nil, p.refusal(name, -1, kmsg.InvalidTopicException, nil)
	}
	p.mu.Lock()
	if p.closing.Load() {
		p.mu.Unlock()
		return nil, p.refusal(name, -1, kmsg.None, ErrClosed)
	}
	known, raced := p.topics.LoadOrStore(name, newProduceTopic(p, name))
	p.mu.Unlock()
	t := known.(*produceTopic)
	if raced {
		return t, nil
	}
	meta := p.client.meta
	meta.post(&cluster.Want{Topics: []string{name}, Create: p.client.config.autoCreate})
	for s := meta.snapshot(); ; {
		t.update(s)
		newest := meta.snapshot()
		if newest == s {
			return t, nil
		}
		s = newest // what was told meanwhile must not be undone
	}
}

// legalTopic reports whether a topic may have a name.
func legalTopic(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 249 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// refusal is the error of a record that is not accepted.
func (p *Producer) refusal(topic string, partition int32, code kmsg.ErrorCode, err error) *Error {
	return &Error{Op: "produce", Broker: -1, Topic: topic, Partition: partition, API: kmsg.KeyProduce, Version: -1, Code: code, Err: err}
}

// await waits for memory. Meanwhile nothing waits for more records: what is sent gives memory back.
func (p *Producer) await(ctx context.Context, topic string, partition int32, n int, sync, block bool) ([]byte, error) {
	if !block {
		return nil, ErrBufferFull
	}
	p.setHurry(+1)
	defer p.setHurry(-1)
	buf, err := p.memory.wait(ctx, p.closed, n, sync)
	if err != nil {
		return nil, p.refusal(topic, partition, kmsg.None, err)
	}
	return buf, nil
}

// awaitSlots waits for memory for n callbacks.
func (p *Producer) awaitSlots(ctx context.Context, topic string, partition int32, n int, block bool) error {
	if !block {
		return ErrBufferFull
	}
	p.setHurry(+1)
	defer p.setHurry(-1)
	if err := p.memory.waitCharge(ctx, p.closed, n*slotBytes); err != nil {
		return p.refusal(topic, partition, kmsg.None, err)
	}
	return nil
}

// setHurry says that somebody waits for all records or for memory, or does not any more.
func (p *Producer) setHurry(by int64) {
	now := p.hurry.Add(by)
	if (now > 0) == (now-by > 0) {
		return
	}
	for _, s := range p.allSinks() {
		s.loop.Post(&produce.Hurry{}) // which says what is so when it is handled
	}
}

// Flush sends all records that were handed over before, without waiting for more, and blocks until
// they are written or have failed and their callbacks have returned, or until ctx ends. In a
// callback it would wait for itself.
func (p *Producer) Flush(ctx context.Context) error {
	p.setHurry(+1)
	defer p.setHurry(-1)
	f := newFlush()
	for t := range p.allTopics() {
		t.watch(f)
	}
	p.barrier(f)
	f.end()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// barrier lets a flush wait for the callbacks that are to be called now.
func (p *Producer) barrier(f *flush) {
	f.left.Add(1)
	p.ends.push(ended{call: f.end})
}

// AbortBuffered fails all records that have not been written, with [ErrAborted]. Those that are on
// their way to a broker may be written nevertheless, as their errors say.
func (p *Producer) AbortBuffered() { p.abort(ErrAborted) }

func (p *Producer) abort(err error) {
	for t := range p.allTopics() {
		t.abort(err, false)
	}
}

// Close accepts no more records, waits up to 30 seconds for those that were handed over, fails the
// rest, and waits for their callbacks. Further calls wait for the first. In a callback, like
// [Client.Close] there, it would wait for itself until that time is over.
func (p *Producer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultCloseTimeout)
	defer cancel()
	return p.Shutdown(ctx)
}

// Shutdown is [Producer.Close] with a bound of one's own for the wait: when ctx ends, what is left
// is failed.
func (p *Producer) Shutdown(ctx context.Context) error {
	p.once.Do(func() {
		p.mu.Lock()
		p.closing.Store(true)
		p.mu.Unlock()
		close(p.closed)
		go p.finishAll(ctx)
	})
	select {
	case <-p.gone:
		return p.result
	case <-ctx.Done():
	}
	// What is left is failed now, which takes a moment, unless a callback blocks.
	last := time.NewTimer(lastMoment)
	defer last.Stop()
	select {
	case <-p.gone:
		return p.result
	case <-last.C:
		return context.Cause(ctx)
	}
}

// lastMoment is how long Shutdown waits for callbacks after its context has ended.
const lastMoment = 100 * time.Millisecond

// finishAll is what closing does.
func (p *Producer) finishAll(ctx context.Context) {
	p.result = p.Flush(ctx)
	for t := range p.allTopics() {
		t.abort(ErrClosed, true)
		p.client.meta.post(&cluster.Unwant{Topics: []string{t.name}, Create: p.client.config.autoCreate})
	}
	f := newFlush()
	p.barrier(f)
	f.end()
	p.client.dismiss(p)
	p.names.stop()
	p.sweeper.stop()
	p.clock.stop()
	p.workers.stop()
	for _, s := range p.allSinks() {
		s.loop.Stop()
	}
	<-f.done
	close(p.gone)
}

// allTopics walks the topics.
func (p *Producer) allTopics() func(yield func(*produceTopic) bool) {
	return func(yield func(*produceTopic) bool) {
		p.topics.Range(func(_, t any) bool { return yield(t.(*produceTopic)) })
	}
}

// update takes note of a new snapshot of the cluster.
func (p *Producer) update(s *cluster.Snapshot) {
	for t := range p.allTopics() {
		t.update(s)
	}
}

// BufferedBytes returns how much memory the producer's records and waiting callbacks take, in
// bytes.
func (p *Producer) BufferedBytes() int64 { return p.memory.inUse() }
