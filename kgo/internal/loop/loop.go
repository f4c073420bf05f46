// Package loop runs cells: plain data that decides, fed with events.
//
// A loop has no goroutine of its own. Whoever posts an event becomes the runner if nobody is:
// it hands all mail to the cell, in order, performs the actions that the cell asks for, and goes
// on until there is no mail left. Others only leave their mail. So a cell is run by one goroutine
// at a time and needs no lock, and to post costs no change of goroutine.
//
// Performing an action must not block. It may post, to its own loop too: that mail is handled
// after what is there already. Cells may post to each other in cycles: a loop that is running
// only takes the mail, so calls nest once for each loop, however long the conversation.
package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Cell decides. Handle takes note of an event; Poll says what to do, one action a call, until
// it has none; Deadline is when Poll may have an action without another event, zero for never.
// After Poll had none, Deadline is later than the time that Poll was told.
//
// The times that a loop hands in never run backwards. They are up to some dozens of events old.
type Cell[E, A any] interface {
	Handle(now time.Time, event E)
	Poll(now time.Time) (A, bool)
	Deadline() time.Time
}

const (
	// shift is how many events a runner handles before a fresh goroutine takes over, so that
	// no caller works for others for long. A goroutine costs as much as a few events.
	shift = 64
	// keep is the largest mailbox whose memory is used again.
	keep = 1024
)

// A Loop runs one cell. Its methods may be called by any goroutine, and in actions.
type Loop[E, A any] struct {
	cell Cell[E, A]
	act  func(A)

	stopped atomic.Bool // set under mu

	mu      sync.Mutex
	mail    []E // mail[head:] is posted and not handled; bounded by who posts, see Post
	head    int
	due     bool // the timer went off
	running bool // somebody is the runner

	timer *time.Timer // made when first needed
	alarm time.Time   // when it goes off, zero if it is not set
	want  time.Time   // the cell's deadline, for the runner alone
}

// New returns a loop that runs a cell and performs its actions with act.
func New[E, A any](cell Cell[E, A], act func(A)) *Loop[E, A] {
	return &Loop[E, A]{cell: cell, act: act}
}

// Post gives the cell an event. It never waits for another goroutine, but it may handle this
// event and others before it returns. After Stop it does nothing and returns false.
//
// The mailbox has no bound of its own: who posts must wait for an answer before it posts
// without end.
func (l *Loop[E, A]) Post(event E) bool {
	l.mu.Lock()
	if l.stopped.Load() {
		l.mu.Unlock()
		return false
	}
	if len(l.mail) == cap(l.mail) && l.head > len(l.mail)/2 {
		n := copy(l.mail, l.mail[l.head:])
		clear(l.mail[n:])
		l.mail, l.head = l.mail[:n], 0
	}
	l.mail = append(l.mail, event)
	l.take()
	return true
}

// Stop ends the loop: no event is handled and no action performed any more, but for what
// another goroutine is at just now, and the timer is gone. Mail that was not handled is lost.
func (l *Loop[E, A]) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped.Store(true)
	l.mail, l.head, l.due = nil, 0, false
	if l.timer != nil {
		l.timer.Stop()
	}
}

// wake is what the timer does.
func (l *Loop[E, A]) wake() {
	l.mu.Lock()
	l.alarm = time.Time{}
	if l.stopped.Load() {
		l.mu.Unlock()
		return
	}
	l.due = true
	l.take()
}

// take makes the caller the runner, unless somebody is. It unlocks mu.
func (l *Loop[E, A]) take() {
	idle := !l.running
	l.running = true
	l.mu.Unlock()
	if idle {
		l.run()
	}
}

// run is one shift of the runner. It reads the clock once.
func (l *Loop[E, A]) run() {
	now := time.Now()
	for range shift {
		event, ok, due := l.next()
		if ok {
			l.cell.Handle(now, event)
		} else if !due {
			return
		}
		for !l.stopped.Load() {
			action, ok := l.cell.Poll(now)
			if !ok {
				break
			}
			l.act(action)
		}
		l.want = l.cell.Deadline()
	}
	go l.run()
}

// next returns the next event, or that the timer went off. If there is neither, the caller is
// the runner no more.
func (l *Loop[E, A]) next() (event E, ok, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < len(l.mail) {
		var none E
		event, l.mail[l.head] = l.mail[l.head], none
		l.head++
		return event, true, false
	}
	if l.head > keep {
		l.mail = nil
	}
	l.mail, l.head = l.mail[:0], 0
	if l.due {
		l.due = false
		return event, false, true
	}
	l.running = false
	l.arm()
	return event, false, false
}

// arm sets the timer for the cell's deadline. An alarm that comes too early costs less than to
// move it with every event: a deadline mostly moves to later.
func (l *Loop[E, A]) arm() {
	switch {
	case l.stopped.Load():
	case l.want.IsZero():
		if !l.alarm.IsZero() {
			l.timer.Stop()
			l.alarm = time.Time{}
		}
	case l.alarm.IsZero() || l.want.Before(l.alarm):
		l.alarm = l.want
		if l.timer == nil {
			l.timer = time.AfterFunc(time.Until(l.want), l.wake)
		} else {
			l.timer.Reset(time.Until(l.want))
		}
	}
}
