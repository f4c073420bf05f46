package kgo

import (
	"runtime"
	"sync"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// decompressors verify and decompress batches ahead of the user, on the processors but one that there
// are. They are there while there is work, go aheadBytes ahead, since more would only be out of the
// processor's caches when it is read, and take memory as far as there is some: the user decompresses
// what nobody has begun when it comes to it.
type decompressors struct {
	c    *Consumer
	most int // goroutines

	mu      sync.Mutex
	done    sync.Cond // of units
	todo    []*chunk  // with units that nobody has begun, perhaps
	ahead   int64     // bytes that were decompressed and nobody has taken
	running int
	closed  bool
	all     sync.WaitGroup
}

// aheadBytes is how far ahead of the user a goroutine goes.
const aheadBytes = 2 << 20

// A unit is a compressed batch. What it becomes belongs to who takes it.
type unit struct {
	batch   batch.Batch
	state   unitState
	payload []byte
	room    []byte
	err     error
}

type unitState int8

const (
	unitIdle unitState = iota
	unitBusy           // a worker is at it
	unitDone
	unitGone // the user has it
)

func (d *decompressors) init(c *Consumer) {
	d.c, d.most = c, runtime.GOMAXPROCS(0)-1
	d.done.L = &d.mu
}

// add hands over the batches of a chunk.
func (d *decompressors) add(n *chunk, k *fetch.Chunk) {
	if d.most == 0 {
		return
	}
	n.units = make([]unit, 0, k.Compressed)
	r := batch.NewReader(k.Records)
	for len(n.units) < k.Compressed && r.Next() {
		if r.Batch.Attributes.Codec() != compress.None && r.Batch.LastOffset() >= k.From {
			n.units = append(n.units, unit{batch: r.Batch})
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(n.units) == 0 {
		return
	}
	d.todo = append(d.todo, n)
	d.begin()
}

// begin begins to work if there is anything to do.
func (d *decompressors) begin() {
	if len(d.todo) > 0 && d.running < d.most && d.ahead < aheadBytes*int64(d.most) && !d.closed {
		d.running++
		d.all.Go(d.run)
	}
}

func (d *decompressors) run() {
	m := d.c.memory
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.ahead < aheadBytes*int64(d.most) {
		k, u := d.next()
		if u == nil {
			break
		}
		u.state = unitBusy
		f := k.frame
		f.hold()
		d.mu.Unlock()
		size := d.c.predict(&u.batch)
		ok := m.tryTake(int64(size))
		if ok {
			d.decompress(u, size)
		}
		f.release()
		d.mu.Lock()
		d.done.Broadcast()
		switch {
		case u.state != unitBusy: // nobody wants it any more
			d.mu.Unlock()
			m.change(-int64(cap(u.room)), 0)
			m.put(u.room)
			d.mu.Lock()
		case ok:
			u.state = unitDone
			d.ahead += int64(cap(u.room))
		default:
			u.state = unitIdle
			d.running--
			return // until the user has consumed some
		}
	}
	d.running--
}

// next returns a unit that nobody has begun.
func (d *decompressors) next() (*chunk, *unit) {
	for len(d.todo) > 0 {
		k := d.todo[0]
		for i := range k.units {
			if u := &k.units[i]; u.state == unitIdle {
				return k, u
			}
		}
		d.todo[0] = nil
		d.todo = d.todo[1:]
	}
	return nil, nil
}

// decompress verifies a batch, and decompresses it into memory of which size bytes were taken.
func (d *decompressors) decompress(u *unit, size int) {
	c := d.c
	if !c.config.unverified {
		u.err = u.batch.Verify()
	}
	if u.err == nil {
		u.payload, u.room, u.err = u.batch.Payload(c.codecs, c.memory.get(size), c.config.batchLimit)
	}
	if u.err != nil {
		c.memory.put(u.room)
		u.room, u.payload = nil, nil
	}
	c.memory.change(int64(cap(u.room)-size), 0)
}

// predict guesses how large a batch is when it is decompressed.
func (c *Consumer) predict(b *batch.Batch) int {
	if b.Magic != batch.V2 {
		return min(4*len(b.Raw), c.config.batchLimit)
	}
	const spare = 32 // with which Zstandard is faster
	return min(c.codecs.Predict(b.Raw[batch.HeaderSize:], b.Attributes.Codec()), c.config.batchLimit) + spare
}

// unit returns that of the reader's batch, nil if there is none.
func (k *chunk) unit() *unit {
	if k.next < len(k.units) && &k.units[k.next].batch.Raw[0] == &k.reader.Batch.Raw[0] {
		k.next++
		return &k.units[k.next-1]
	}
	return nil
}

// claim gives a unit to the user, and reports whether a worker has done it; it waits for one that is
// at it.
func (d *decompressors) claim(u *unit) bool {
	if u == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for u.state == unitBusy {
		d.done.Wait()
	}
	done := u.state == unitDone
	if done {
		d.ahead -= int64(cap(u.room))
	}
	u.state = unitGone
	d.begin()
	return done
}

// forget lets go of what is left of a chunk.
func (d *decompressors) forget(k *chunk) {
	if len(k.units) == 0 {
		return
	}
	m := d.c.memory
	freed := int64(0)
	d.mu.Lock()
	for i := range k.units {
		u := &k.units[i]
		if u.state == unitDone {
			freed += int64(cap(u.room))
			m.put(u.room)
			u.room, u.payload = nil, nil
		}
		u.state = unitGone
	}
	d.ahead -= freed
	d.mu.Unlock()
	m.change(-freed, 0)
}

// close waits for what is being decompressed.
func (d *decompressors) close() {
	d.mu.Lock()
	d.closed = true
	clear(d.todo)
	d.todo = nil
	d.mu.Unlock()
	d.all.Wait()
}
