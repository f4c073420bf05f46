package broker

import (
	"maps"
	"slices"
	"time"
)

// A wait is a call that waits until partitions change as it wants, or until its time is over.
type wait struct {
	parts  []*partition
	timer  *timer
	ready  func() bool
	finish func()
}

// wait lets a call wait for a change of partitions, for at most d. Ready is asked after each;
// finish answers the call.
func (c *Cluster) wait(x *call, d time.Duration, parts []*partition, ready func() bool, finish func()) {
	w := &wait{parts: parts, ready: ready}
	w.finish = func() {
		c.unwait(w)
		x.stop = nil
		finish()
	}
	for _, p := range parts {
		p.waits = append(p.waits, w)
	}
	w.timer = c.after(d, w.finish)
	x.stop = func() { c.unwait(w) }
}

// unwait removes a wait.
func (c *Cluster) unwait(w *wait) {
	c.timers.stop(w.timer)
	for _, p := range w.parts {
		p.waits = slices.DeleteFunc(p.waits, func(o *wait) bool { return o == w })
	}
}

// changed looks whether those who wait for a partition have what they want.
func (c *Cluster) changed(p *partition) {
	if len(p.waits) == 0 {
		return
	}
	for _, w := range slices.Clone(p.waits) {
		// One that was answered may have let another go on.
		if slices.Contains(p.waits, w) && w.ready() {
			w.finish()
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
