package kgo

import (
	"context"
	"math/bits"
	"sync"
)

// memory has the buffers of a producer's batches. What is out, by capacity, is never more than the
// limit, but for what is taken by force.
type memory struct {
	mu      sync.Mutex
	left    int64
	kept    int64           // bytes in free
	keep    int64           // at most
	free    [][][]byte      // by class
	waiters []chan struct{} // who waits for room, in their order
}

const (
	smallestBuffer = 4 << 10
	// bufferClasses is how many sizes of buffers are kept, each twice as large as the one
	// before; larger ones are left to the garbage collector.
	bufferClasses = 10
)

func newMemory(limit int64) *memory {
	return &memory{left: limit, keep: limit / 4, free: make([][][]byte, bufferClasses)}
}

// class returns which class has buffers of at least n bytes, and their size.
func class(n int) (c, size int) {
	if n <= smallestBuffer {
		return 0, smallestBuffer
	}
	c = bits.Len(uint(n-1)) - bits.Len(uint(smallestBuffer-1))
	return c, smallestBuffer << c
}

// take returns an empty buffer with room for n bytes, nil if there is not enough memory left.
func (m *memory) take(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, size := class(n)
	if len(m.waiters) > 0 || m.left < int64(size) {
		return nil
	}
	return m.get(n)
}

// force is take without a limit, for records that have been accepted already.
func (m *memory) force(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(n)
}

func (m *memory) get(n int) []byte {
	c, size := class(n)
	m.left -= int64(size)
	if c < bufferClasses {
		if list := m.free[c]; len(list) > 0 {
			b := list[len(list)-1]
			list[len(list)-1] = nil
			m.free[c] = list[:len(list)-1]
			m.kept -= int64(size)
			return b
		}
	}
	return make([]byte, 0, size)
}

// give takes a buffer of take or force back.
func (m *memory) give(b []byte) {
	if cap(b) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, size := class(cap(b))
	m.left += int64(size)
	if c < bufferClasses && size == cap(b) && m.kept+int64(size) <= m.keep {
		m.free[c] = append(m.free[c], b[:0])
		m.kept += int64(size)
	}
	m.wake()
}

// reserve counts bytes that are no buffers.
func (m *memory) reserve(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left -= int64(n)
}

func (m *memory) release(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left += int64(n)
	m.wake()
}

// wake lets the first who waits try again.
func (m *memory) wake() {
	if len(m.waiters) > 0 && m.left > 0 {
		close(m.waiters[0])
		m.waiters = m.waiters[1:]
	}
}

// wait is take that blocks until there is memory, ctx ends, or the producer is closed.
func (m *memory) wait(ctx context.Context, closed <-chan struct{}, n int) ([]byte, error) {
	first := false
	for {
		m.mu.Lock()
		_, size := class(n)
		if (first || len(m.waiters) == 0) && m.left >= int64(size) {
			b := m.get(n)
			m.wake()
			m.mu.Unlock()
			return b, nil
		}
		turn := make(chan struct{})
		if first { // it was our turn, but there was not enough
			m.waiters = append([]chan struct{}{turn}, m.waiters...)
		} else {
			m.waiters = append(m.waiters, turn)
		}
		m.mu.Unlock()
		select {
		case <-turn:
			first = true
		case <-ctx.Done():
			m.leave(turn)
			return nil, context.Cause(ctx)
		case <-closed:
			m.leave(turn)
			return nil, ErrClosed
		}
	}
}

// leave takes who waited out of the line, and lets the next go if it was their turn.
func (m *memory) leave(turn chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range m.waiters {
		if w == turn {
			m.waiters = append(m.waiters[:i:i], m.waiters[i+1:]...)
			return
		}
	}
	m.wake()
}

// out returns how many bytes are in use.
func (m *memory) out(limit int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return limit - m.left
}
