package kgo

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kgo/internal/loop"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Consumer reads partitions. Ahead of who consumes it fetches records from the brokers, within
// [FetchBufferBytes].
//
// One goroutine at a time consumes, with [Consumer.Records], [Consumer.Batches] or [Consumer.Poll],
// in any order; a second one gets [ErrConcurrentPoll]. All other methods may be called by any
// goroutine, also in the loops, and do not block, but for [Consumer.Close] and [Consumer.Shutdown].
//
// Trouble of one partition does not keep the others from being read. It is told as an *[Error] among
// the records: trouble that may pass, like a leader that is not to be found, when it has lasted for
// [RequestTimeout], and once; the consumer goes on trying. A position that is no more is a
// [PositionError], a batch that cannot be read a [BatchError].
type Consumer struct {
	client *Client
	config *consumerConfig
	codecs *compress.Codecs
	memory *fetchMemory
	loop   *loop.Loop[fetch.Event, fetch.Action]
	room   fetch.Room
	keys   headerKeys
	ahead  decompressors

	ctx    context.Context // of questions to brokers
	cancel context.CancelFunc
	asking sync.WaitGroup

	consuming atomic.Bool   // somebody is
	hungry    hunger        // who consumes
	changes   atomic.Uint64 // is counted up when what is being shown may have to end
	signal    chan struct{} // has one element if there may be something for who waits

	lanes fetchLanes

	mu      sync.Mutex // held for a few lines
	topics  map[string]*consumedTopic
	listed  bool        // all topics were looked through for those that match the pattern
	ready   []*consumed // have something, and are not paused
	errs    []error     // that are of no partition
	trash   []*chunk    // to be freed by unlock
	wake    bool        // somebody waits for the signal
	closing bool
	remind  *time.Timer // for topics that nobody knows

	// Of who consumes.
	now   *chunk   // what is being read
	shown []*Batch // are with the user until the next step

	once   sync.Once
	closed chan struct{} // closed when closing is set
	gone   chan struct{} // closed when nothing is left
}

// NewConsumer makes a consumer, which begins to fetch at once. Every mistake in the options is in
// the error. What to consume say [Topics], [TopicPattern] and [Assign], or later
// [Consumer.AddTopics] and [Consumer.AddPartitions].
func (c *Client) NewConsumer(opts ...ConsumerOption) (*Consumer, error) {
	config := newConsumerConfig()
	for _, o := range opts {
		if o != nil {
			o.applyConsumer(config)
		}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	o := &Consumer{
		client: c,
		config: config,
		codecs: cmp.Or(config.codecs, &c.codecs),
		topics: map[string]*consumedTopic{},
		signal: make(chan struct{}, 1),
		closed: make(chan struct{}),
		gone:   make(chan struct{}),
	}
	o.memory = &fetchMemory{limit: config.bufferBytes, room: func() { o.loop.Post(&o.room) }}
	o.ahead.init(o)
	o.lanes.init(o)
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.loop = loop.New[fetch.Event, fetch.Action](&fetchCell{fetch.NewCell(config.core(c.config, o.memory)), o}, o.act)
	if err := c.enlist(o); err != nil {
		o.cancel()
		return nil, err
	}
	o.begin()
	return o, nil
}

// Close ends the consumer. Loops end without an error, what was fetched and not shown is dropped;
// batches that were shown stay good. Further calls do nothing. It blocks until connections are
// closed, 30 seconds at most.
func (c *Consumer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultCloseTimeout)
	defer cancel()
	return c.Shutdown(ctx)
}

// Shutdown is [Consumer.Close] with a bound of one's own: if it returns early, because the context
// ends, the rest is done in the background.
func (c *Consumer) Shutdown(ctx context.Context) error {
	c.once.Do(func() {
		c.mu.Lock()
		c.closing = true
		if c.remind != nil {
			c.remind.Stop()
		}
		c.mu.Unlock()
		c.changes.Add(1)
		close(c.closed)
		go c.finish()
	})
	select {
	case <-c.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// finish is what closing does.
func (c *Consumer) finish() {
	c.cancel()
	c.unwant()
	c.client.dismiss(c)
	c.loop.Post(&fetch.Close{})
	c.lanes.close()
	c.lanes.endSessions()
	c.asking.Wait()
	c.ahead.close()
	c.loop.Stop()
	c.lanes.drop()
	close(c.gone)
}

// update takes note of a new snapshot of the cluster.
func (c *Consumer) update(*cluster.Snapshot) {
	c.loop.Post(&fetch.Known{}) // the newest there is then
	c.resolve()
}

// BufferedBytes returns how much memory is in use, in bytes: what was fetched and is not consumed,
// and what is under way.
func (c *Consumer) BufferedBytes() int64 {
	used, _ := c.memory.inUse()
	return used
}

// A chunk is what one answer brought for one partition, being read by the user. It is read by one
// goroutine at a time, that which consumes; but for what is locked or atomic.
type chunk struct {
	of       *consumed
	stamp    uint64
	frame    *frame
	bytes    int64 // that wait to be consumed
	reader   batch.Reader
	aborted  batch.Aborted
	position atomic.Int64 // of the user
	end      int64        // where the next chunk goes on
	epoch    int32        // of the record before that
	limit    int64        // where to stop
	broken   bool

	high, stable, logStart int64

	// The batch that is open: the reader's.
	open    bool
	walking bool // its records are being shown one by one
	walker  batch.Walker
	slab    recordSlab
	payload []byte
	room    []byte // of the payload, if that was decompressed

	units []unit // compressed batches, that may be decompressed ahead
	next  int    // the first of them that was not opened
}
