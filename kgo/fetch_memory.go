package kgo

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// fetchMemory is the budget of a consumer, and keeps buffers for frames and for what is
// decompressed. It is the [fetch.Budget] of the cell.
//
// Used is what requests may bring, what frames with chunks that are not consumed take, and what is
// decompressed. Buffers that are kept are not used; both together stay within the limit, but
// for what comes by force: a batch that is larger than what was asked for, and the one that the
// user is about to see.
type fetchMemory struct {
	limit int64
	room  func() // is told when who waits may try again

	mu      sync.Mutex
	used    int64
	waiting int64 // bytes of records that are delivered and not consumed
	starved bool  // somebody was refused
	least   int64 // the least that would have helped
	ahead   int64 // the most that may wait then
	kept    int64 // bytes in free
	free    [bufferClasses][][]byte
	poison  bool // buffers that come back are overwritten, for tests
}

// Buffers have the sizes smallestBuffer times 1, 1.25, 1.5, 1.75, 2, 2.5 and so on; what is larger
// than all of these, some GiB, is not kept.
const bufferClasses = 4 * 20

// bufferClass returns which class has buffers of at least n bytes, and their size.
func bufferClass(n int) (class, size int) {
	n = max(n, smallestBuffer)
	double := bits.Len(uint(n)) - bits.Len(uint(smallestBuffer))
	step := smallestBuffer << double / 4
	quarters := (n + step - 1) / step // 4 to 8
	return 4*double + quarters - 4, quarters * step
}

// Take takes room for an answer, see [fetch.Budget].
func (m *fetchMemory) Take(least, most, ahead int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(most, m.limit-m.used)
	if n >= least && m.waiting <= ahead || m.used == 0 {
		n = max(n, least)
		m.used += n
		m.shrink()
		return n
	}
	if !m.starved {
		m.starved, m.least, m.ahead = true, least, ahead
	}
	m.least, m.ahead = min(m.least, least), max(m.ahead, ahead)
	return 0
}

// tryTake takes room for n bytes that are to be decompressed ahead of the user, and reports whether
// there is some: a quarter of the budget is left to who fetches.
func (m *fetchMemory) tryTake(n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+n > m.limit-m.limit/4 {
		return false
	}
	m.used += n
	m.shrink()
	return true
}

// change adds to what is used, and to what waits to be consumed; both may be negative. If that makes
// room it may run the cell, whose actions take other locks: the caller holds none, but for the consumer's
// where the cell is running already.
func (m *fetchMemory) change(used, waiting int64) {
	if used == 0 && waiting == 0 {
		return
	}
	m.mu.Lock()
	m.used += used
	m.waiting += waiting
	tell := m.starved && (m.used == 0 || m.used+m.least <= m.limit && m.waiting <= m.ahead)
	if tell {
		m.starved = false
	}
	m.shrink()
	m.mu.Unlock()
	if tell {
		m.room()
	}
}

// get returns a buffer without contents that has room for n bytes, at most twice as much.
func (m *fetchMemory) get(n int) []byte {
	class, size := bufferClass(n)
	m.mu.Lock()
	for c := class; c < min(class+4, bufferClasses); c++ {
		if buf := m.pop(c); buf != nil {
			m.mu.Unlock()
			return buf
		}
	}
	m.mu.Unlock()
	return make([]byte, 0, size)
}

// put takes back a buffer that nobody reads any more.
func (m *fetchMemory) put(buf []byte) {
	class, size := bufferClass(cap(buf))
	if size > cap(buf) {
		class-- // it has all of that
	}
	if class < 0 || class >= bufferClasses {
		return
	}
	if m.poison {
		buf = buf[:cap(buf)]
		for i := range buf {
			buf[i] = 0xdb
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free[class] = append(m.free[class], buf[:0])
	m.kept += int64(cap(buf))
	m.shrink()
}

// pop takes a buffer out of those that are kept, nil if there is none.
func (m *fetchMemory) pop(class int) []byte {
	last := len(m.free[class]) - 1
	if last < 0 {
		return nil
	}
	buf := m.free[class][last]
	m.free[class][last] = nil
	m.free[class] = m.free[class][:last]
	m.kept -= int64(cap(buf))
	return buf
}

// shrink lets go of buffers whose memory is needed, large ones first.
func (m *fetchMemory) shrink() {
	for class := bufferClasses - 1; class >= 0 && m.used+m.kept > m.limit; {
		if m.pop(class) == nil {
			class--
		}
	}
}

// isStarved reports whether somebody waits for room.
func (m *fetchMemory) isStarved() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.starved
}

// inUse returns what is used and what waits.
func (m *fetchMemory) inUse() (used, waiting int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used, m.waiting
}

// A frame is the memory of an answer. It counts as used while it has chunks that are not consumed,
// and is used again when nobody reads it any more; of a user who does not say so, the garbage
// collector finds out.
type frame struct {
	memory  *fetchMemory
	buf     []byte
	claimed atomic.Bool  // somebody hands out its chunks, or has dropped it
	chunks  atomic.Int32 // that are not consumed
	readers atomic.Int32 // chunks, batches that were shown and not released, workers

	slab    []Batch // for the next that are shown
	batches int     // that may come after those, about
}

// newBatch returns one that is empty. It is for who consumes.
func (f *frame) newBatch() *Batch {
	if len(f.slab) == 0 {
		n := min(max(f.batches, 1), 64)
		f.batches -= n
		f.slab = make([]Batch, n)
	}
	b := &f.slab[0]
	f.slab = f.slab[1:]
	return b
}

// consumed is for the end of a chunk.
func (f *frame) consumed() {
	if f.chunks.Add(-1) == 0 {
		f.memory.change(-int64(cap(f.buf)), 0)
	}
	f.release()
}

func (f *frame) hold() { f.readers.Add(1) }

func (f *frame) release() {
	if f.readers.Add(-1) == 0 {
		f.memory.put(f.buf)
	}
}
