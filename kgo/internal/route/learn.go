package route

import (
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// askFor asks the cluster for what items lack.
func (c *Call) askFor() Step {
	c.need = &cluster.Need{Reason: c.reason()}
	for i := range c.items {
		it := &c.items[i]
		if it.verdict != ask {
			continue
		}
		it.asking = true
		if it.stale {
			c.need.Newer = max(c.need.Newer, it.seq)
		}
		if it.topic >= 0 && c.to == ToLeaders {
			c.needTopic(&c.topics[it.topic])
		}
	}
	return Step{Do: Need, Need: c.need}
}

// needTopic adds a topic to what is asked for. Those of an item and the next are mostly the same.
func (c *Call) needTopic(t *topic) {
	switch {
	case t.byID && !slices.Contains(c.need.IDs, t.id):
		c.need.IDs = append(c.need.IDs, t.id)
	case !t.byID && (len(c.need.Topics) == 0 || c.need.Topics[len(c.need.Topics)-1] != t.name):
		c.need.Topics = append(c.need.Topics, t.name)
	}
}

// askBrokers asks which brokers there are now, for a call to all of them.
func (c *Call) askBrokers(now time.Time) Step {
	if c.need != nil {
		return Step{Do: Wait, Until: c.deadline}
	}
	if now.Before(c.freshAt) {
		return Step{Do: Wait, Until: soonest(c.freshAt, c.deadline)}
	}
	c.need = &cluster.Need{Newer: c.freshly, Now: c.setbacks == 0, Reason: c.reason()}
	if c.to == ToReplicas {
		for i := range c.topics {
			c.needTopic(&c.topics[i])
		}
	}
	return Step{Do: Need, Need: c.need}
}

func soonest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (c *Call) reason() string {
	for i := range c.items {
		if it := &c.items[i]; it.verdict == ask && it.code != kmsg.None {
			return c.plan.api.Key.String() + ": " + it.code.Name()
		}
	}
	return c.plan.api.Key.String()
}

// Told gives back a [cluster.Need] of a step. The next snapshot that is given to Next has to be
// the one that was published with it, or a later one.
func (c *Call) Told(now time.Time, need *cluster.Need) {
	if need != c.need || c.done {
		return
	}
	c.need = nil
	if len(c.items) == 0 {
		if need.Err != nil && c.forGood(need.Err) {
			c.end(need.Err)
		} else if need.Err != nil {
			c.setbacks++
			c.lastErr, c.freshAt = need.Err, c.pauseAfter(now, c.setbacks)
		} else if len(need.Snapshot.Brokers) == 0 {
			c.setbacks++
			c.freshAt = c.pauseAfter(now, c.setbacks)
		}
		return
	}
	for i := range c.items {
		it := &c.items[i]
		if !it.asking || it.state != pending {
			continue
		}
		it.asking = false
		if need.Err == nil {
			it.stale, it.fresh = false, true
			continue
		}
		c.unknown(now, it, need.Err)
	}
}

// Blame tells why the cluster has not answered yet to what the call asked, in case that it is given up.
// What is known to have failed before remains the reason.
func (c *Call) Blame(err error) {
	if c.lastErr == nil {
		c.lastErr = err
	}
	for i := range c.items {
		if it := &c.items[i]; it.asking && it.state == pending && it.err == nil && it.code == kmsg.None {
			it.err = err
		}
	}
}

// Deadline is when the call ends, whatever has come of it.
func (c *Call) Deadline() time.Time { return c.deadline }

// unknown notes that the cluster did not tell what an item lacks.
func (c *Call) unknown(now time.Time, it *item, err error) {
	it.attempts++
	it.err, it.calm = err, true
	it.pause = c.pauseAfter(now, it.attempts)
	if c.options.Once || c.tooOften(it) || c.forGood(err) {
		it.fail(c.nobody(), err)
	}
}

func (c *Call) forGood(err error) bool {
	return err != nil && c.router.config.ForGood != nil && c.router.config.ForGood(err)
}

// nobody is the code that stands for not knowing whom to ask.
func (c *Call) nobody() kmsg.ErrorCode {
	switch c.to {
	case ToLeaders:
		return kmsg.LeaderNotAvailable
	case ToGroupCoordinator, ToTransactionCoordinator, ToShareCoordinator:
		return kmsg.CoordinatorNotAvailable
	}
	return kmsg.BrokerNotAvailable
}

// lookFor asks for the coordinators that items lack.
func (c *Call) lookFor() Step {
	find := &cluster.NeedCoordinators{Type: c.coordinatorType(), Not: -1}
	seen := map[string]bool{}
	for i := range c.items {
		it := &c.items[i]
		if it.verdict != lookUp {
			continue
		}
		not := int32(-1)
		if it.stale {
			not = it.broker
		}
		if len(find.Keys) == 0 {
			find.Not = not
		}
		if not != find.Not {
			continue // with the next
		}
		it.asking = true
		if key, _ := c.coordinatorKey(it); !seen[key] {
			seen[key] = true
			find.Keys = append(find.Keys, key)
		}
	}
	c.find = find
	return Step{Do: Find, Find: find}
}

// Found gives back a [cluster.NeedCoordinators] of a step, under the same condition.
func (c *Call) Found(now time.Time, find *cluster.NeedCoordinators) {
	if find != c.find || c.done {
		return
	}
	c.find = nil
	results := make(map[string]*cluster.Coordinator, len(find.Results))
	for i := range find.Results {
		results[find.Results[i].Key] = &find.Results[i]
	}
	c.deposed(results)
	for i := range c.items {
		it := &c.items[i]
		if !it.asking || it.state != pending {
			continue
		}
		it.asking = false
		key, _ := c.coordinatorKey(it)
		switch r := results[key]; {
		case r == nil:
			c.unknown(now, it, find.Err)
		case r.Code != kmsg.None:
			c.nobodyThere(now, it, r.Code, r.Message)
		default:
			it.stale = false
		}
	}
}
