// Package loop runs cells: plain data that decides, fed with events.
package loop

import "time"

// A Cell decides. Handle takes note of an event; Poll says what to do, one action a call, until
// it has none; Deadline is when Poll may have an action without another event, zero for never.
type Cell[E, A any] interface {
	Handle(now time.Time, event E)
	Poll(now time.Time) (A, bool)
	Deadline() time.Time
}
