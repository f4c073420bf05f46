package cluster

import (
	"slices"
	"time"
)

// A target is whom a request can go to: a broker, or a seed if the address is set.
type target struct {
	broker int32
	seed   string
}

func (a *AskMetadata) target() target { return target{a.Broker, a.Seed} }

// health is how likely a target is to answer.
type health struct {
	state    ConnectionState
	slow     bool // did not answer in time
	failures int  // since the last answer
	failedAt time.Time
}

func (h *health) sound() bool {
	return h == nil || h.state != Failing && !h.slow && h.failures == 0
}

func (c *Cell) healthOf(t target) *health {
	h := c.health[t]
	if h == nil {
		h = &health{}
		c.health[t] = h
	}
	return h
}

func (c *Cell) connection(now time.Time, e *Connection) {
	t := target{e.Broker, e.Seed}
	if e.Seed != "" {
		t.broker = -1
	}
	switch h := c.healthOf(t); e.State {
	case Ready:
		*h = health{state: Ready, slow: h.slow}
	case Failing:
		h.state, h.failedAt = Failing, now
	case Closed:
		if h.state == Ready {
			h.state = Closed
		}
	}
}

// dropHealth forgets brokers that are gone.
func (c *Cell) dropHealth() {
	for t := range c.health {
		if _, ok := c.snapshot.Broker(t.broker); !ok && t.seed == "" {
			delete(c.health, t)
		}
	}
}

// choose returns whom to ask for metadata next: a broker with a connection rather than one
// without, and one that has failed last of all, the longest ago first. A seed is asked if no
// broker is known, if all of them fail, and every third time while requests fail, as all brokers
// may have been replaced (KIP-899). Who is being asked already is left out.
func (c *Cell) choose() (target, bool) {
	broker, ok := c.best(c.brokerTargets(), true)
	if ok && c.failures%3 != 2 && c.health[broker].sound() {
		return broker, true
	}
	seed, okSeed := c.best(c.seedTargets(), true)
	if okSeed && (!ok || c.failures%3 == 2 || c.health[seed].sound()) {
		return seed, true
	}
	return broker, ok
}

// chooseOther returns whom to ask for anything but metadata: none that was tried if there is another,
// and the one that is not to be asked only if no other is sound. It is a seed only if there will be
// nobody else.
func (c *Cell) chooseOther(not int32, tried []int32) (target, bool) {
	switch {
	case len(c.snapshot.Brokers) > 0:
		all := c.brokerTargets()
		prefer := func(ok func(t target) bool) {
			if slices.ContainsFunc(all, ok) {
				all = slices.DeleteFunc(all, func(t target) bool { return !ok(t) })
			}
		}
		prefer(func(t target) bool { return !slices.Contains(tried, t.broker) })
		if not >= 0 {
			prefer(func(t target) bool { return t.broker != not && c.health[t].sound() })
		}
		return c.best(all, false)
	case c.snapshot.NoBrokers:
		return c.best(c.seedTargets(), false)
	}
	return target{}, false
}

func (c *Cell) seedTargets() []target {
	all := make([]target, len(c.config.Seeds))
	for i, s := range c.config.Seeds {
		all[i] = target{-1, s}
	}
	return all
}

func (c *Cell) brokerTargets() []target {
	all := make([]target, len(c.snapshot.Brokers))
	for i := range c.snapshot.Brokers {
		all[i] = target{c.snapshot.Brokers[i].ID, ""}
	}
	return all
}

// best chooses among targets, at random among equals.
func (c *Cell) best(all []target, idle bool) (target, bool) {
	var best target
	var bestHealth *health
	n := 0 // as good as best
	for _, t := range all {
		if idle && c.beingAsked(t) {
			continue
		}
		h := c.health[t]
		switch order := compareHealth(h, bestHealth); {
		case n == 0 || order < 0:
			best, bestHealth, n = t, h, 1
		case order == 0:
			n++
			if c.config.Rand.IntN(n) == 0 {
				best, bestHealth = t, h
			}
		}
	}
	return best, n > 0
}

// compareHealth returns below zero if a is better than b.
func compareHealth(a, b *health) int {
	rank := func(h *health) int {
		switch {
		case h == nil:
			return 1
		case !h.sound():
			return 2
		case h.state == Ready:
			return 0
		}
		return 1
	}
	if order := rank(a) - rank(b); order != 0 || rank(a) < 2 {
		return order
	}
	return a.failedAt.Compare(b.failedAt)
}

func (c *Cell) beingAsked(t target) bool {
	for _, f := range c.flights {
		if f.target() == t {
			return true
		}
	}
	return false
}

// anyFree says whether there is somebody who is not being asked already.
func (c *Cell) anyFree() bool {
	free := func(t target) bool { return !c.beingAsked(t) }
	return slices.ContainsFunc(c.seedTargets(), free) || slices.ContainsFunc(c.brokerTargets(), free)
}

// anySound says whether there is somebody to ask next who has not failed.
func (c *Cell) anySound() bool {
	t, ok := c.choose()
	return ok && c.health[t].sound()
}
