package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/latency"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/ledger"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A demoWork is who writes and who reads.
type demoWork struct {
	d         *demo
	begun     time.Time
	ledger    *ledger.Ledger
	producers []*kgo.Producer
	consumers []*kgo.Consumer
	writers   sync.WaitGroup
	readers   sync.WaitGroup
	stop      context.CancelFunc // of the readers
	ends      []atomic.Int64     // of the partitions, behind the last record that was acknowledged

	produced meter
	whole    meter
	troubles atomic.Int64
}

// A meter counts durations, by the moment and in all.
type meter struct {
	latency.Histogram
	all latency.Snapshot
}

// take returns what came since the last time.
func (m *meter) take() *latency.Snapshot {
	s := m.Take()
	m.all.Merge(s)
	return s
}

func (m *meter) total() *latency.Snapshot {
	m.take()
	return &m.all
}

// seriesEach is how many keys a producer has.
const seriesEach = 500

func newDemoWork(d *demo) (*demoWork, error) {
	w := &demoWork{d: d, ledger: ledger.New(d.writers*seriesEach, d.acknowledged()), ends: make([]atomic.Int64, d.partitions)}
	for range d.writers {
		p, err := d.p.producer(d.s)
		if err != nil {
			return nil, err
		}
		w.producers = append(w.producers, p)
	}
	for i := range min(d.readers, int(d.partitions)) {
		var parts []int32
		for n := int32(i); n < d.partitions; n += int32(d.readers) {
			parts = append(parts, n)
		}
		c, err := d.s.client.NewConsumer(kgo.Assign(map[string][]int32{d.topic: parts}))
		if err != nil {
			return nil, failed("%s", plainly(err))
		}
		w.consumers = append(w.consumers, c)
	}
	return w, nil
}

// begin lets everybody run: the writers until ctx ends.
func (w *demoWork) begin(ctx context.Context) {
	w.begun = time.Now()
	for i, p := range w.producers {
		w.writers.Go(func() { w.write(ctx, i, p) })
	}
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	for _, c := range w.consumers {
		w.readers.Go(func() { w.read(reading, c) })
	}
}

// demoSampled is one of how many records is timed if there is no rate.
const demoSampled = 16

func (w *demoWork) write(ctx context.Context, writer int, p *kgo.Producer) {
	pace := newPace(w.d.rate/float64(w.d.writers), w.begun)
	r := kgo.Record{Topic: w.d.topic, Value: make([]byte, w.d.size)}
	for i := ledger.MinSize; i < len(r.Value); i++ {
		r.Value[i-4] = "lorem ipsum dolor sit amet, "[i%28]
	}
	for i := 0; ; i++ {
		if _, ok := pace.wait(ctx); !ok {
			return
		}
		series := writer*seriesEach + i%seriesEach
		number := w.ledger.Write(series, r.Value)
		r.Key = fmt.Appendf(r.Key[:0], "customer-%d", series)
		var from time.Time
		if w.d.rate > 0 || i%demoSampled == 0 {
			from = time.Now()
		}
		p.Produce(context.WithoutCancel(ctx), &r, func(md kgo.RecordMetadata, err error) {
			w.ledger.Outcome(series, number, err)
			if err != nil {
				w.trouble(err)
				return
			}
			if !from.IsZero() {
				w.produced.Add(time.Since(from))
			}
			if end := &w.ends[md.Partition]; md.Offset >= end.Load() { // one goroutine calls back
				end.Store(md.Offset + 1)
			}
		})
	}
}

func (w *demoWork) read(ctx context.Context, c *kgo.Consumer) {
	for b, err := range c.Batches(ctx) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.trouble(err)
			continue
		}
		for r := range b.Records() {
			if age, err := w.ledger.Read(r.Value); err == nil {
				w.whole.Add(age)
			}
		}
		if err := b.Err(); err != nil {
			w.trouble(err)
		}
		b.Release()
	}
}

// trouble shows what went wrong, as long as that is not too often.
func (w *demoWork) trouble(err error) {
	if n := w.troubles.Add(1); n <= saidMax {
		text := w.d.s.errorText(err)
		if e, ok := errors.AsType[*kgo.Error](err); ok && w.d.view.live { // short enough for its line
			text = fmt.Sprintf("%s, partition %d: %s", e.Op, e.Partition, codeOrText(err))
		}
		w.d.view.event("%s", text)
	} else if n == saidMax+1 {
		w.d.view.event("there are more errors")
	}
}

// finishMax is how long the end may take: writing what is left, and reading it.
const finishMax = 30 * time.Second

// finish waits until all that was handed over is written or has failed, and until it is read. It calls
// show at each tick.
func (w *demoWork) finish(tick <-chan time.Time, show func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.d.s.cmd.Context()), finishMax)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.writers.Wait()
		for _, p := range w.producers {
			p.Shutdown(ctx)
		}
		w.drain(ctx)
		w.stop()
		w.readers.Wait()
		for _, c := range w.consumers {
			c.Close()
		}
	}()
	for {
		select {
		case <-tick:
			show()
		case <-done:
			return
		}
	}
}

// drain waits until the consumers are where the partitions end.
func (w *demoWork) drain(ctx context.Context) {
	w.askEnds(ctx)
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for !w.atEnd() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// askEnds asks the brokers where the partitions end: producers with acks 0 do not know.
func (w *demoWork) askEnds(ctx context.Context) {
	req := kmsg.NewListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Name = w.d.topic
	for n := range w.ends {
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex, p.Timestamp, p.MaxNumOffsets = int32(n), kmsg.TimestampLatest, 1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = []kmsg.ListOffsetsRequestTopic{t}
	resp, err := kgo.Do(ctx, w.d.s.client, req)
	if err != nil {
		w.trouble(err)
	}
	if resp == nil {
		return
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Offset > w.ends[p.PartitionIndex].Load() {
				w.ends[p.PartitionIndex].Store(p.Offset)
			}
		}
	}
}

func (w *demoWork) atEnd() bool {
	for n := range w.ends {
		if w.position(int32(n)) < w.ends[n].Load() {
			return false
		}
	}
	return true
}

// position is where a partition is read.
func (w *demoWork) position(partition int32) int64 {
	at, err := w.consumers[int(partition)%len(w.consumers)].Position(w.d.topic, partition)
	if err != nil {
		return -1
	}
	return at
}

// lag is how many records are written and not read.
func (w *demoWork) lag() (n int64) {
	for i := range w.ends {
		n += max(0, w.ends[i].Load()-max(0, w.position(int32(i))))
	}
	return n
}

// trim lets the cluster in memory forget what was read, so that it does not take ever more memory.
func (w *demoWork) trim() {
	const kept = 10_000
	if w.d.cluster == nil {
		return
	}
	for n := range w.ends {
		if at := w.position(int32(n)) - kept; at > 0 {
			w.d.cluster.Trim(w.d.topic, int32(n), at)
		}
	}
}
