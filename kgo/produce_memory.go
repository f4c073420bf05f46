package kgo

import (
	"context"
	"math/bits"
	"sync"
)

// memory has the buffers of a producer's batches, and counts what waiting callbacks take.
//
// Used buffers, by capacity, and those that are kept for later use together are never more than
// the limit, but for what is taken by force: for records that were accepted already, and gives as
// much back at once. An eighth of the limit comes on top for callbacks; what they take beyond it
// is room that buffers lack, so that records which fail cannot outrun their callbacks.
type memory struct {
	limit   int64
	largest int // buffer; the last class has this size

	mu      sync.Mutex
	used    int64 // bytes of buffers in use
	slots   int64 // bytes of waiting callbacks
	kept    int64 // bytes in free
	free    [][][]byte
	waiters []*waiter // who waits for room, in their order
}

// A waiter waits for room.
type waiter struct {
	size  int64
	slots bool          // it is for callbacks, not a buffer
	sync  bool          // callbacks may wait for it, so it does not wait for them
	ready chan struct{} // closed when it has its room, which is counted then
	buf   []byte        // what it has then, unless it waited for callbacks
}

const (
	smallestBuffer = 4 << 10
	// keptClasses is from how many classes a buffer that is kept may come: the last has four times
	// the size of the one that is wanted.
	keptClasses = 3
)

// newMemory makes a memory of buffers that are no larger than largest.
func newMemory(limit int64, largest int) *memory {
	m := &memory{limit: limit, largest: largest}
	c, _ := m.class(largest)
	m.free = make([][][]byte, c+1)
	return m
}

// class returns which class has buffers of at least n bytes, and their size. Each class has twice
// the size of the one before.
func (m *memory) class(n int) (c, size int) {
	if n > smallestBuffer {
		c = bits.Len(uint(n-1)) - bits.Len(uint(smallestBuffer-1))
	}
	size = smallestBuffer << c
	if n <= m.largest {
		size = min(size, m.largest)
	}
	return c, size
}

// fits reports whether there is room.
func (m *memory) fits(size int64, slots, sync bool) bool {
	callbacks := m.slots
	if slots {
		callbacks += size
		size = 0
	}
	callbacks = max(0, callbacks-m.limit/8)
	if sync {
		callbacks = 0
	}
	return m.used+size+callbacks <= m.limit || slots && callbacks == 0
}

// take returns an empty buffer with room for n bytes, nil if there is not enough memory left, or
// others wait for it.
func (m *memory) take(n int, sync bool) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiters) > 0 {
		return nil
	}
	// A buffer that is kept is better than a new one, also if it is somewhat large.
	c, size := m.class(n)
	for i := c; i < min(c+keptClasses, len(m.free)); i++ {
		if len(m.free[i]) == 0 {
			continue
		}
		if kept := cap(m.free[i][0]); m.fits(int64(kept), false, sync) {
			m.used += int64(kept)
			return m.get(kept)
		}
		break
	}
	if !m.fits(int64(size), false, sync) {
		return nil
	}
	m.used += int64(size)
	return m.get(n)
}

// force is take without a limit, for records that have been accepted already.
func (m *memory) force(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, size := m.class(n)
	m.used += int64(size)
	return m.get(n)
}

// wait is take that blocks until there is memory, ctx ends, or the producer is closed.
func (m *memory) wait(ctx context.Context, closed <-chan struct{}, n int, sync bool) ([]byte, error) {
	_, size := m.class(n)
	w := &waiter{size: int64(size), sync: sync}
	if err := m.waitFor(ctx, closed, w); err != nil {
		return nil, err
	}
	return w.buf, nil
}

// get returns a buffer whose size is counted as used.
func (m *memory) get(n int) []byte {
	c, size := m.class(n)
	if size <= m.largest {
		if list := m.free[c]; len(list) > 0 {
			b := list[len(list)-1]
			list[len(list)-1] = nil
			m.free[c] = list[:len(list)-1]
			m.kept -= int64(size)
			return b
		}
	}
	m.shrink()
	return make([]byte, 0, size)
}

// shrink lets go of kept buffers that have no room any more, the largest first.
func (m *memory) shrink() {
	for c := len(m.free) - 1; c >= 0 && m.used+m.kept > m.limit; c-- {
		for list := m.free[c]; len(list) > 0 && m.used+m.kept > m.limit; list = m.free[c] {
			n := len(list) - 1
			m.kept -= int64(cap(list[n]))
			list[n] = nil
			m.free[c] = list[:n]
		}
	}
}

// give takes a buffer of take, wait or force back.
func (m *memory) give(b []byte) {
	if cap(b) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.putBack(b)
	m.grant()
}

// putBack keeps a buffer that was in use, if there is room for it.
func (m *memory) putBack(b []byte) {
	c, size := m.class(cap(b))
	if size != cap(b) {
		panic("kgo: a buffer of another size comes back")
	}
	m.used -= int64(size)
	if size <= m.largest && m.used+m.kept+int64(size) <= m.limit {
		m.free[c] = append(m.free[c], b[:0])
		m.kept += int64(size)
	}
}

// count counts n bytes that are in use and not in a buffer of ours, or not any more if n is
// negative.
func (m *memory) count(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used += int64(n)
	m.shrink()
	m.grant()
}

// charge counts n bytes for callbacks, if there is room, or whether or not there is.
func (m *memory) charge(n int, force bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !force && (len(m.waiters) > 0 || !m.fits(int64(n), true, false)) {
		return false
	}
	m.slots += int64(n)
	return true
}

// waitCharge is charge that blocks until there is room, ctx ends, or the producer is closed.
func (m *memory) waitCharge(ctx context.Context, closed <-chan struct{}, n int) error {
	return m.waitFor(ctx, closed, &waiter{size: int64(n), slots: true})
}

// discharge takes back a charge.
func (m *memory) discharge(n int) {
	if n == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots -= int64(n)
	m.grant()
}

// grant gives room to those who wait. Nobody overtakes one that waits for a buffer, but who waits
// only for callbacks is overtaken by who must not.
func (m *memory) grant() {
	for i := 0; i < len(m.waiters); {
		w := m.waiters[i]
		switch {
		case m.fits(w.size, w.slots, w.sync):
			if w.slots {
				m.slots += w.size
			} else {
				m.used += w.size
				w.buf = m.get(int(w.size))
			}
			close(w.ready)
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
		case w.sync || !m.fits(w.size, w.slots, true):
			return
		default:
			i++
		}
	}
}

func (m *memory) waitFor(ctx context.Context, closed <-chan struct{}, w *waiter) error {
	w.ready = make(chan struct{})
	m.mu.Lock()
	m.waiters = append(m.waiters, w)
	m.grant()
	m.mu.Unlock()
	err := error(nil)
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-closed:
		err = ErrClosed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, other := range m.waiters {
		if other == w {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			m.grant()
			return err
		}
	}
	// It has its room, just now.
	if w.slots {
		m.slots -= w.size
	} else {
		m.putBack(w.buf)
	}
	m.grant()
	return err
}

// inUse returns how many bytes buffers and callbacks take.
func (m *memory) inUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used + m.slots
}
