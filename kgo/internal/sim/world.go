package sim

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
)

// A world has the time, the schedule, and the cluster.
type world struct {
	seed    uint64
	rand    *rand.Rand
	begin   time.Time
	now     time.Time
	agenda  agenda
	number  uint64   // of the next entry of the agenda
	hosts   []runner // all, in the order of their making
	ready   []runner // that have something to do
	cluster *broker.Cluster
	life    *life
	wires   map[broker.ConnID]*wire
	steps   int // since the time moved last
	total   int

	failure error
	keeps   bool // the trace
	trace   []string
	digest  uint64 // of all that happened, to compare two plays of a seed
}

// A runner is a cell with what is round it.
type runner interface {
	run()                // handles one event, or looks whether something is due
	deadline() time.Time // zero for never
	pending() bool       // it has events
	queued() *bool       // whether it is among the ready
	String() string
}

func newWorld(seed uint64, keeps bool) *world {
	w := &world{seed: seed, rand: rand.New(rand.NewPCG(seed, 0x51)), keeps: keeps, wires: map[broker.ConnID]*wire{}}
	w.begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.now = w.begin
	return w
}

// An entry is something that happens at a time.
type entry struct {
	at     time.Time
	number uint64 // entries of the same time keep their order
	do     func()
}

// An agenda has the earliest entry first.
type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push adds an entry at the end, for package heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(entry)) }

// Pop takes the entry at the end, for package heap.
func (a *agenda) Pop() any {
	n := len(*a) - 1
	e := (*a)[n]
	(*a)[n] = entry{}
	*a = (*a)[:n]
	return e
}

// at lets something happen at a time.
func (w *world) at(t time.Time, do func()) {
	if t.Before(w.now) {
		t = w.now
	}
	w.number++
	heap.Push(&w.agenda, entry{t, w.number, do})
}

// after lets something happen some time from now.
func (w *world) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

// between draws a duration.
func (w *world) between(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(w.rand.Int64N(int64(to-from)))
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rand.IntN(n) == 0 }

// wake puts a runner among the ready.
func (w *world) wake(r runner) {
	if q := r.queued(); !*q {
		*q = true
		w.ready = append(w.ready, r)
	}
}

// fail notes what is wrong; the first counts.
func (w *world) fail(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf(format, args...)
		w.tracef("FAILURE %v", w.failure)
	}
}

// tracef notes what happens.
func (w *world) tracef(format string, args ...any) {
	if !w.keeps {
		return
	}
	line := fmt.Sprintf("%11.6f  ", w.now.Sub(w.begin).Seconds()) + fmt.Sprintf(format, args...)
	h := fnv.New64a()
	h.Write([]byte(line))
	w.digest = w.digest*31 + h.Sum64()
	w.trace = append(w.trace, line)
}

const (
	maxSteps = 200_000   // at one moment: more is a spin
	maxTotal = 5_000_000 // of a life
)

// step does the next thing. It reports false when nothing is left to be done.
func (w *world) step() bool {
	w.total++
	if w.steps++; w.steps > maxSteps || w.total > maxTotal {
		w.fail("LIVE: %d steps without progress", w.steps)
		return false
	}
	if n := len(w.ready); n > 0 {
		i := w.rand.IntN(n)
		r := w.ready[i]
		w.ready[i] = w.ready[n-1]
		w.ready = w.ready[:n-1]
		*r.queued() = false
		r.run()
		if r.pending() {
			w.wake(r)
		} else if d := r.deadline(); !d.IsZero() && !d.After(w.now) {
			w.fail("LIVE: %v is due at a time that has passed, after it was asked", r)
		}
		w.serve()
		return w.failure == nil
	}
	return w.advance()
}

// advance goes to the next moment at which something happens.
func (w *world) advance() bool {
	next := w.cluster.Deadline()
	sooner := func(t time.Time) {
		if next.IsZero() || !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if len(w.agenda) > 0 {
		sooner(w.agenda[0].at)
	}
	for _, r := range w.hosts {
		sooner(r.deadline())
	}
	if next.IsZero() {
		return false
	}
	if next.After(w.now) {
		w.now, w.steps = next, 0
	}
	for len(w.agenda) > 0 && !w.agenda[0].at.After(w.now) && w.failure == nil {
		heap.Pop(&w.agenda).(entry).do()
	}
	for _, r := range w.hosts {
		if d := r.deadline(); !d.IsZero() && !d.After(w.now) {
			w.wake(r)
		}
	}
	w.serve()
	return w.failure == nil
}

// serve passes on what the cluster wants done.
func (w *world) serve() {
	for a, ok := w.cluster.Poll(w.now); ok; a, ok = w.cluster.Poll(w.now) {
		wire := w.wires[a.Conn]
		switch {
		case wire == nil:
		case a.Close:
			delete(w.wires, a.Conn)
			wire.hungUp(a.Reset)
		default:
			wire.answer(a.Bytes)
		}
		if !a.Close {
			w.cluster.Recycle(a.Bytes)
		}
	}
}

// A host runs a cell, as package loop does.
type host[E, A any] struct {
	w    *world
	name string
	cell interface {
		Handle(time.Time, E)
		Poll(time.Time) (A, bool)
		Deadline() time.Time
	}
	act  func(A)
	mail []E
	in   bool
}

func (h *host[E, A]) post(e E) {
	h.mail = append(h.mail, e)
	h.w.wake(h)
}

func (h *host[E, A]) run() {
	if len(h.mail) > 0 {
		e := h.mail[0]
		h.mail = h.mail[1:]
		h.cell.Handle(h.w.now, e)
	}
	for n := 0; ; n++ {
		a, ok := h.cell.Poll(h.w.now)
		if !ok {
			return
		}
		if h.act(a); n > maxSteps {
			h.w.fail("LIVE: %v wants to act without end", h)
			return
		}
	}
}

func (h *host[E, A]) deadline() time.Time { return h.cell.Deadline() }
func (h *host[E, A]) pending() bool       { return len(h.mail) > 0 }
func (h *host[E, A]) queued() *bool       { return &h.in }

// String returns the name.
func (h *host[E, A]) String() string { return h.name }
