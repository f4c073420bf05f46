package kgo

import (
	"sync"
	"sync/atomic"
	"time"
)

// A clock tells the time in milliseconds for who asks often: a reading costs more than encoding a
// small record. While it is asked thousands of times a second, a goroutine reads the time once a
// millisecond; otherwise each reading is a true one.
type clock struct {
	coarse atomic.Int64 // 0 while nobody ticks
	reads  atomic.Int64 // true readings
	used   atomic.Bool  // the coarse time was used since the ticker looked

	mu      sync.Mutex
	marked  time.Time // when reads was a multiple of busyReads last
	stopped bool
	end     chan struct{} // ends the ticking
}

const (
	busyReads  = 256
	busyWithin = 50 * time.Millisecond // so many readings in this time begin the ticking
	tick       = time.Millisecond
	idleTicks  = 64 // so many ticks without use end it
)

func (c *clock) now() int64 {
	if ms := c.coarse.Load(); ms != 0 {
		if !c.used.Load() {
			c.used.Store(true)
		}
		return ms
	}
	t := time.Now()
	if c.reads.Add(1)%busyReads == 0 {
		c.mark(t)
	}
	return t.UnixMilli()
}

func (c *clock) mark(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	busy := t.Sub(c.marked) < busyWithin
	c.marked = t
	if busy && !c.stopped && c.coarse.Load() == 0 {
		c.coarse.Store(t.UnixMilli())
		c.end = make(chan struct{})
		go c.run(c.end)
	}
}

// run ticks as long as somebody asks.
func (c *clock) run(end <-chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	defer c.coarse.Store(0)
	for idle := 0; idle <= idleTicks; idle++ {
		select {
		case at := <-t.C:
			c.coarse.Store(max(at.UnixMilli(), c.coarse.Load()))
		case <-end:
			return
		}
		if c.used.Swap(false) {
			idle = 0
		}
	}
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.end != nil {
		close(c.end)
		c.end = nil
	}
}
