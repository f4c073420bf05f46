package kgo

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// workers compress and split batches, on as many goroutines as there are processors. They are
// there while there is work, which is bounded by the producer's memory.
//
// What a worker needs besides counts as used memory: as much as a batch for compressing, twice as
// much for splitting.
type workers struct {
	p *Producer

	mu      sync.Mutex
	todo    []work
	next    int
	running int
	over    chan struct{} // not nil when no work is accepted any more; closed when none runs
}

// A work is a batch to be prepared, or to be split.
type work struct {
	queue *queue
	batch *produce.Batch
	split bool
}

// smallBatch is how large a batch is at most that is compressed on the spot: to hand it over
// would take longer.
const smallBatch = 16 << 10

func (w *workers) add(job work) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		return // the batch was given up
	}
	w.todo = append(w.todo, job)
	if w.running < runtime.GOMAXPROCS(0) {
		w.running++
		go w.run()
	}
}

// stop returns when all work is done. What comes after is of batches that were given up.
func (w *workers) stop() {
	w.mu.Lock()
	w.over = make(chan struct{})
	if w.running == 0 {
		close(w.over)
	}
	w.mu.Unlock()
	<-w.over
}

func (w *workers) run() {
	for job, ok := w.take(); ok; job, ok = w.take() {
		if job.split {
			w.split(job.queue, job.batch)
		} else {
			w.compress(job.queue, job.batch)
		}
		q := job.queue
		q.mu.Lock()
		leader := q.core.Leader()
		q.mu.Unlock()
		w.p.tell(leader, q)
	}
}

// take returns the next work. If there is none the worker is gone.
func (w *workers) take() (work, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == len(w.todo) {
		w.todo, w.next = w.todo[:0], 0
		if w.running--; w.running == 0 && w.over != nil {
			close(w.over)
		}
		return work{}, false
	}
	job := w.todo[w.next]
	w.todo[w.next] = work{}
	w.next++
	if w.next > 64 && w.next > len(w.todo)/2 {
		n := copy(w.todo, w.todo[w.next:])
		clear(w.todo[n:])
		w.todo, w.next = w.todo[:n], 0
	}
	return job, true
}

// compress prepares a batch. The compressed bytes go into memory of their size, so that the rest
// is free for other records.
func (w *workers) compress(q *queue, b *produce.Batch) {
	p, t, s := w.p, tagOf(b), b.Sealed
	size := len(s.Bytes)
	room := p.memory.force(size)
	_, err := s.Compress(p.codecs, p.config.compression, room)
	buffer := t.buffer
	switch {
	case err != nil: // of a codec of the user's own: the batch goes as it is
		p.client.log.Warn("cannot compress", "codec", p.config.compression.Codec, "error", err)
		s.Checksum()
	case len(s.Bytes) < size:
		buffer = append(p.memory.force(len(s.Bytes)), s.Bytes...)
		s.Bytes = buffer
		p.memory.give(t.buffer)
	}
	p.memory.give(room)
	q.mu.Lock()
	defer q.mu.Unlock()
	t.buffer = buffer
	q.core.Prepared(b, s)
	q.ended()
}

// split makes two batches of one that is too large for the broker.
func (w *workers) split(q *queue, b *produce.Batch) {
	p := w.p
	left, right, size, err := w.halves(b)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		p.client.log.Error("cannot split a batch", "topic", q.core.Topic, "partition", q.core.Partition, "error", err)
		q.core.Replace(b, nil, nil)
		q.ended()
		return
	}
	q.tooLarge(size)
	if !q.core.Replace(b, &left.batch, &right.batch) {
		q.ended()
		for _, half := range []*tag{left, right} {
			p.memory.give(half.buffer)
			p.keep(half)
		}
		return
	}
	old := tagOf(b)
	n := min(int(left.batch.Sealed.Count), len(old.slots))
	left.inherit(p, old.slots[:n])
	right.inherit(p, old.slots[n:])
	right.flushes = old.flushes
	p.memory.give(old.buffer)
	old.buffer = nil
	p.batches.Add(1) // two for one
	p.keep(old)
}

// inherit takes slots from the batch that this one was part of.
func (t *tag) inherit(p *Producer, slots []slot) {
	if more := len(slots) - cap(t.slots); more > 0 {
		p.memory.charge(more*slotBytes, true)
		t.grow(more)
	}
	t.slots = append(t.slots, slots...)
}

// halves encodes the two halves of a batch anew, and returns the size that it has uncompressed.
func (w *workers) halves(b *produce.Batch) (left, right *tag, size int, err error) {
	p := w.p
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() {
		return nil, nil, 0, fmt.Errorf("kgo: our own batch cannot be read: %w", r.Err())
	}
	payload, _, err := r.Batch.Payload(p.codecs, nil, batch.DefaultLimit)
	if err != nil {
		return nil, nil, 0, err
	}
	p.memory.count(len(payload))
	defer p.memory.count(-len(payload))
	left, right = p.newTag(), p.newTag()
	for _, half := range []*tag{left, right} {
		half.buffer = p.memory.force(len(payload) + batch.HeaderSize)
		half.batch.Builder.Reset(half.buffer, batch.V2)
	}
	if err := batch.Split(&r.Batch, payload, &left.batch.Builder, &right.batch.Builder); err != nil {
		for _, half := range []*tag{left, right} {
			p.memory.give(half.buffer)
			p.keep(half)
		}
		return nil, nil, 0, err
	}
	for _, half := range []*tag{left, right} {
		s := half.batch.Builder.Seal()
		if p.config.compression.Codec == compress.None {
			s.Checksum()
		} else if _, err := s.Compress(p.codecs, p.config.compression, nil); err != nil {
			s.Checksum()
		}
		// Into memory of its size.
		buffer := append(p.memory.force(len(s.Bytes)), s.Bytes...)
		p.memory.give(half.buffer)
		s.Bytes = buffer
		half.buffer, half.batch.Sealed = buffer, s
	}
	return left, right, len(payload) + batch.HeaderSize, nil
}
