package produce

import (
	"container/heap"
	"time"
)

// lines are the queues that a sink has to do with, each in one place at most.
type lines struct {
	byPort    map[Port]*line
	ready     fifo      // to be looked at, in this order
	lingers   []*line   // wait for more records
	lingerDue time.Time // no line lingers for longer; may be too early
	resting   lineHeap  // wait after a failure, by time
	parked    []*line   // lack an identity
}

// A line is a queue in a sink.
type line struct {
	port  Port
	place place
	index int       // in its place, but for ready
	at    time.Time // when it is to be looked at, where it lingers or rests
	turn  uint64    // of the request that it has a batch in
}

// A place is where a line is.
type place uint8

const (
	placeNone place = iota // nothing to do until it is told
	placeReady
	placeLinger
	placeResting
	placeParked
)

func (s *lines) line(p Port) *line {
	l := s.byPort[p]
	if l == nil {
		l = &line{port: p}
		s.byPort[p] = l
	}
	return l
}

// put moves a line to a place, to its end.
func (s *lines) put(l *line, to place) {
	if l.place == to && to == placeReady {
		return
	}
	switch l.place {
	case placeLinger:
		removeLine(&s.lingers, l)
	case placeResting:
		heap.Remove(&s.resting, l.index)
	case placeParked:
		removeLine(&s.parked, l)
	}
	l.place = to
	switch to {
	case placeReady:
		s.ready.push(l)
	case placeLinger:
		addLine(&s.lingers, l)
		s.lingerDue = sooner(s.lingerDue, l.at)
	case placeResting:
		heap.Push(&s.resting, l)
	case placeParked:
		addLine(&s.parked, l)
	}
	if len(s.lingers) == 0 {
		s.lingerDue = time.Time{}
	}
}

// release makes all lines of a place ready.
func (s *lines) release(from place) {
	list := &s.lingers
	if from == placeParked {
		list = &s.parked
	} else {
		s.lingerDue = time.Time{}
	}
	for i, l := range *list {
		l.place = placeReady
		s.ready.push(l)
		(*list)[i] = nil
	}
	*list = (*list)[:0]
}

// wake makes lines ready that have rested.
func (s *lines) wake(now time.Time) {
	for len(s.resting) > 0 && !now.Before(s.resting[0].at) {
		s.put(s.resting[0], placeReady)
	}
}

// restDue is when the next line has rested, zero for never.
func (s *lines) restDue() time.Time {
	if len(s.resting) == 0 {
		return time.Time{}
	}
	return s.resting[0].at
}

func addLine(list *[]*line, l *line) {
	l.index = len(*list)
	*list = append(*list, l)
}

func removeLine(list *[]*line, l *line) {
	n := len(*list) - 1
	last := (*list)[n]
	(*list)[l.index], last.index = last, l.index
	(*list)[n] = nil
	*list = (*list)[:n]
}

// A lineHeap has the line with the earliest time first.
type lineHeap []*line

func (h lineHeap) Len() int           { return len(h) }
func (h lineHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h lineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push adds a line at the end, for package heap.
func (h *lineHeap) Push(x any) {
	l := x.(*line)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop takes the line at the end, for package heap.
func (h *lineHeap) Pop() any {
	n := len(*h) - 1
	l := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	return l
}

// A fifo is a queue in a ring.
type fifo struct {
	ring  []*line
	first int
	count int
}

func (f *fifo) len() int { return f.count }

func (f *fifo) push(l *line) {
	if f.count == len(f.ring) {
		f.grow()
	}
	f.ring[(f.first+f.count)%len(f.ring)] = l
	f.count++
}

func (f *fifo) pop() *line {
	l := f.ring[f.first]
	f.ring[f.first] = nil
	f.first = (f.first + 1) % len(f.ring)
	f.count--
	return l
}

// unpop puts back what pop returned last.
func (f *fifo) unpop(l *line) {
	f.first = (f.first + len(f.ring) - 1) % len(f.ring)
	f.ring[f.first] = l
	f.count++
}

func (f *fifo) grow() {
	ring := make([]*line, max(8, 2*len(f.ring)))
	for i := range f.count {
		ring[i] = f.ring[(f.first+i)%len(f.ring)]
	}
	f.ring, f.first = ring, 0
}

// passed reports whether a time has come, if there is one.
func passed(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }

// sooner returns the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
