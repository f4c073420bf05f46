package kgo

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// ErrBufferFull is the error of [Producer.TryProduce] when the memory of [BufferBytes] is in use.
var ErrBufferFull = errors.New("kgo: the producer's buffer is full")

// A Producer writes records. Its methods may be called concurrently; the records of one goroutine
// that go to the same partition keep their order, and so do their callbacks.
//
// A record is encoded when it is handed over: when the method returns, the record and all that it
// points to are the caller's again.
type Producer struct {
	client *Client
	config *producerConfig
	set    *produce.Settings
	codecs *compress.Codecs
	memory *memory
	clock  clock
	names  *identities
	ends   completions

	last   atomic.Pointer[produceTopic] // the topic of the record before
	topics sync.Map                     // *produceTopic by name

	mu    sync.Mutex // held for a few lines
	sinks map[int32]*sink
	hurry int // how many flushes are under way

	batches atomic.Int64 // begun and without an end
	onceOld sync.Once    // for the log
	sweeper sweeper

	closing sync.Once
	closed  chan struct{} // closed when no record is accepted any more
	gone    chan struct{} // closed when all records have had their end
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
		codecs: config.codecs,
		memory: newMemory(config.bufferBytes),
		sinks:  map[int32]*sink{},
		closed: make(chan struct{}),
		gone:   make(chan struct{}),
	}
	if p.codecs == nil {
		p.codecs = &c.codecs
	}
	p.names = newIdentities(p)
	p.sweeper.p = p
	if err := c.enlist(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Produce hands over a record. It blocks while the producer's buffer is full, until ctx ends; what
// ctx says afterwards does not count, see [DeliveryTimeout]. The callback, which may be nil, is
// called exactly once, with where the record is or why it failed, by a goroutine of the
// producer's: records of one partition in their order, and never before Produce has returned
// unless that is what failed. It must not block for long, since others wait behind it; to produce
// from it use [Producer.TryProduce].
func (p *Producer) Produce(ctx context.Context, r *Record, callback func(RecordMetadata, error)) {
	if err := p.enqueue(ctx, r, callback, nil, true); err != nil && callback != nil {
		p.ends.refuse(callback, RecordMetadata{Topic: r.Topic, Partition: -1, Offset: -1, Timestamp: r.Timestamp}, err)
	}
}

// TryProduce is [Producer.Produce] that never blocks: if the buffer is full it returns
// [ErrBufferFull]. An error means that the record was not accepted, and that the callback is not
// called.
func (p *Producer) TryProduce(r *Record, callback func(RecordMetadata, error)) error {
	return p.enqueue(context.Background(), r, callback, nil, false)
}

// ProduceSync hands over a record and waits until it is written. If ctx ends before, the record may
// still be written, and the error says so. It may be called in a callback.
func (p *Producer) ProduceSync(ctx context.Context, r *Record) (RecordMetadata, error) {
	w := newSyncWait()
	failed := RecordMetadata{Topic: r.Topic, Partition: -1, Offset: -1, Timestamp: r.Timestamp}
	if err := p.enqueue(ctx, r, nil, w, true); err != nil {
		return failed, err
	}
	select {
	case <-w.done:
		md, err := w.md, w.err
		return md, err
	case <-ctx.Done():
		return failed, &Error{Op: "produce", Broker: -1, Topic: r.Topic, Partition: -1, API: kmsg.KeyProduce, Version: -1, Written: WrittenMaybe, Err: context.Cause(ctx)}
	}
}

// enqueue puts a record into its partition's batch.
func (p *Producer) enqueue(ctx context.Context, r *Record, callback func(RecordMetadata, error), w *syncWait, block bool) error {
	t := p.last.Load()
	if t == nil || t.name != r.Topic {
		var err error
		if t, err = p.topic(r.Topic); err != nil {
			return err
		}
	}
	ts := int64(0)
	if r.Timestamp.IsZero() {
		ts = p.clock.now()
	} else {
		ts = r.Timestamp.UnixMilli()
	}
	parts := t.parts.Load()
	if parts == nil {
		return t.stage(ctx, r, ts, callback, w, block)
	}
	q, err := t.choose(*parts, r)
	if err != nil {
		return err
	}
	return q.append(ctx, r.Key, r.Value, r.Headers, ts, callback, w, block)
}

// topic returns what the producer knows of a topic, and begins to ask for it if that is nothing.
func (p *Producer) topic(name string) (*produceTopic, error) {
	if known, ok := p.topics.Load(name); ok {
		t := known.(*produceTopic)
		p.last.Store(t)
		return t, nil
	}
	if name == "" || len(name) > 249 {
		return nil, p.refusal(name, -1, kmsg.InvalidTopicException, nil)
	}
	t := newProduceTopic(p, name)
	if known, raced := p.topics.LoadOrStore(name, t); raced {
		return known.(*produceTopic), nil
	}
	p.client.meta.post(&cluster.Want{Topics: []string{name}, Create: p.client.config.autoCreate})
	t.update(p.client.meta.snapshot())
	return t, nil
}

// refusal is the error of a record that is not accepted.
func (p *Producer) refusal(topic string, partition int32, code kmsg.ErrorCode, err error) *Error {
	return &Error{Op: "produce", Broker: -1, Topic: topic, Partition: partition, API: kmsg.KeyProduce, Version: -1, Code: code, Err: err}
}

// Flush sends all records that were handed over before, without waiting for more, and blocks until
// they are written or have failed and their callbacks have returned, or until ctx ends. In a callback it
// would wait for itself.
func (p *Producer) Flush(ctx context.Context) error {
	p.setHurry(+1)
	defer p.setHurry(-1)
	var waits []chan struct{}
	for t := range p.allTopics() {
		waits = append(waits, t.watch()...)
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// AbortBuffered fails all records that have not been written, with [ErrAborted]. Those that are on
// their way to a broker may be written nevertheless, as their errors say.
func (p *Producer) AbortBuffered() { p.abort(ErrAborted) }

// ErrAborted is the error of records that [Producer.AbortBuffered] failed.
var ErrAborted = errors.New("kgo: the record was aborted")

func (p *Producer) abort(err error) {
	for t := range p.allTopics() {
		t.abort(err)
	}
}

// Close accepts no more records, waits up to 30 seconds for those that were handed over, fails the rest,
// and waits for their callbacks. Further calls do nothing.
func (p *Producer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultCloseTimeout)
	defer cancel()
	return p.Shutdown(ctx)
}

// Shutdown is [Producer.Close] with a bound of one's own for the wait.
func (p *Producer) Shutdown(ctx context.Context) error {
	err := error(nil)
	p.closing.Do(func() {
		close(p.closed)
		err = p.Flush(ctx)
		p.abort(ErrClosed)
		for t := range p.allTopics() {
			p.client.meta.post(&cluster.Unwant{Topics: []string{t.name}, Create: p.client.config.autoCreate})
		}
		p.client.dismiss(p)
		p.stop()
		close(p.gone)
	})
	select {
	case <-p.gone:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stop ends what runs.
func (p *Producer) stop() {
	p.names.cancel()
	p.sweeper.stop()
	p.clock.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sinks {
		s.quit()
	}
}

// allTopics walks the topics.
func (p *Producer) allTopics() func(yield func(*produceTopic) bool) {
	return func(yield func(*produceTopic) bool) {
		p.topics.Range(func(_, t any) bool { return yield(t.(*produceTopic)) })
	}
}

func (p *Producer) setHurry(by int) {
	p.mu.Lock()
	p.hurry += by
	sinks := make([]*sink, 0, len(p.sinks))
	for _, s := range p.sinks {
		sinks = append(sinks, s)
	}
	p.mu.Unlock()
	for _, s := range sinks {
		s.loop.Post(&produce.Hurry{On: by > 0})
	}
}

// update takes note of a new snapshot of the cluster.
func (p *Producer) update(s *cluster.Snapshot) {
	for t := range p.allTopics() {
		t.update(s)
	}
}

// BufferedBytes returns how much memory the producer's records take, in bytes.
func (p *Producer) BufferedBytes() int64 { return p.memory.out(p.config.bufferBytes) }

// A sweeper gives up, every now and then, what has run out of time. It runs only while there is
// something.
type sweeper struct {
	p *Producer

	mu      sync.Mutex
	timer   *time.Timer
	running bool
	stopped bool
}

const sweepEvery = time.Second

// start is called when a batch is begun.
func (s *sweeper) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.stopped {
		return
	}
	s.running = true
	if s.timer == nil {
		s.timer = time.AfterFunc(sweepEvery, s.sweep)
	} else {
		s.timer.Reset(sweepEvery)
	}
}

func (s *sweeper) sweep() {
	at := now()
	for t := range s.p.allTopics() {
		t.expire(at)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running = s.p.batches.Load() > 0 && !s.stopped; s.running {
		s.timer.Reset(sweepEvery)
	}
}

func (s *sweeper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}
