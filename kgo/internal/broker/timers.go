package broker

import (
	"container/heap"
	"time"
)

// timers are what is to happen at some time, earliest first; what has the same time happens in
// the order in which it was set.
type timers struct {
	heap timerHeap
	seq  uint64
}

// A timer is one of them.
type timer struct {
	at    time.Time
	seq   uint64
	index int // in the heap, -1 if it is not there
	do    func()
}

// set adds a timer.
func (t *timers) set(at time.Time, do func()) *timer {
	t.seq++
	tm := &timer{at: at, seq: t.seq, do: do}
	heap.Push(&t.heap, tm)
	return tm
}

// stop removes a timer, which may be nil or done.
func (t *timers) stop(tm *timer) {
	if tm != nil && tm.index >= 0 {
		heap.Remove(&t.heap, tm.index)
	}
}

// due removes and returns the first timer whose time has come, nil if there is none.
func (t *timers) due(now time.Time) *timer {
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return nil
	}
	return heap.Pop(&t.heap).(*timer)
}

// next is when the first timer is due, zero for never.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
