package route

import (
	"errors"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
)

// patience is how long a broker may be silent before the call looks for another one that can answer,
// long before the request's time is up: a broker that stands still, or is cut off, keeps its
// connections, while the others have taken over what it led. It doubles each time, so that brokers
// that are slow are not asked more and more.
const patience = 2 * time.Second

// errSilent is why a shard is abandoned. That another broker seemed able to answer is not told: who
// reads it found that none was.
var errSilent = errors.New("no answer for some time")

// impatient says what to do about shards that have been without an answer for long: ask the cluster
// whether another broker has taken over, and abandon those whose items have another place to go.
// Only what may be sent twice is.
func (c *Call) impatient(now time.Time, known *cluster.Snapshot, wait Step) Step {
	if len(c.flying) == 0 || c.options.Aimed || c.options.Once || !c.repeatable() {
		return wait
	}
	asking := c.need != nil
	if c.toCoordinator() {
		asking = c.find != nil
	}
	for _, s := range c.flying {
		if s.doubts > 0 || !now.Before(s.doubt) {
			if s.toAny && c.anyLeft(s, known) && !now.Before(s.doubt) || !s.toAny && c.moved(s, known) {
				return c.abandon(now, s)
			}
		}
		if !now.Before(s.doubt) {
			switch {
			case s.toAny:
				s.doubted(now)
			case asking:
				continue // its turn comes when that is answered
			case c.toCoordinator():
				s.doubted(now)
				return c.doubtCoordinator(s)
			default:
				return c.doubt(now, known)
			}
		}
		wait.Until = soonest(wait.Until, s.doubt)
	}
	return wait
}

// doubted notes that the silence was too long once more.
func (s *Shard) doubted(now time.Time) {
	s.doubts++
	s.doubt = now.Add(patience << min(s.doubts, 10))
}

// doubt asks the cluster about what the silent shards ask for.
func (c *Call) doubt(now time.Time, known *cluster.Snapshot) Step {
	c.need = &cluster.Need{Newer: known.Seq, Reason: c.plan.api.Key.String() + ": no answer"}
	for _, s := range c.flying {
		if now.Before(s.doubt) {
			continue
		}
		s.doubted(now)
		for _, i := range s.items {
			if it := &c.items[i]; it.topic >= 0 && c.to == ToLeaders {
				c.needTopic(&c.topics[it.topic])
			}
		}
	}
	return Step{Do: Need, Need: c.need}
}

// doubtCoordinator asks who coordinates what a shard asks for. The broker may be alive and not reach us,
// so that metadata does not tell.
func (c *Call) doubtCoordinator(s *Shard) Step {
	c.find = &cluster.NeedCoordinators{Type: c.coordinatorType(), Not: s.Broker}
	for _, i := range s.items {
		if key, _ := c.coordinatorKey(&c.items[i]); !slices.Contains(c.find.Keys, key) {
			c.find.Keys = append(c.find.Keys, key)
		}
	}
	return Step{Do: Find, Find: c.find}
}

// deposed notes for which shards the cluster says that nobody coordinates what they ask for.
func (c *Call) deposed(results map[string]*cluster.Coordinator) {
	for _, s := range c.flying {
		for _, i := range s.items {
			key, _ := c.coordinatorKey(&c.items[i])
			if r := results[key]; s.doubts > 0 && r != nil && Meaning(r.Code).Is(Retriable) {
				s.deposed = true
			}
		}
	}
}

// anyLeft says whether there is a broker that has not been tried.
func (c *Call) anyLeft(s *Shard, known *cluster.Snapshot) bool {
	return slices.ContainsFunc(known.Brokers, func(b cluster.Broker) bool {
		return b.ID != s.Broker && !slices.Contains(c.avoid, b.ID)
	})
}

// moved says whether what a shard asks for is known to be with another broker by now.
func (c *Call) moved(s *Shard, known *cluster.Snapshot) bool {
	if _, ok := known.Broker(s.Broker); !ok {
		return true // the cluster has lost it, or it was shut down
	}
	switch c.to {
	case ToController:
		_, ok := known.Broker(known.ControllerID)
		return ok && known.ControllerID != s.Broker
	case ToLeaders:
		return slices.ContainsFunc(s.items, func(i int32) bool {
			it := &c.items[i]
			t := c.topicOf(it, known)
			if t == nil {
				return false
			}
			p := t.Partition(it.key.partition)
			if p == nil || p.Leader == s.Broker {
				return false
			}
			_, ok := known.Broker(p.Leader)
			return ok
		})
	case ToGroupCoordinator, ToTransactionCoordinator, ToShareCoordinator:
		return s.deposed || slices.ContainsFunc(s.items, func(i int32) bool {
			key, _ := c.coordinatorKey(&c.items[i])
			id, ok := known.Coordinator(c.coordinatorType(), key)
			if _, there := known.Broker(id); !ok || !there {
				return false
			}
			return id != s.Broker
		})
	}
	return false
}

// abandon gives a shard up. What comes of it is ignored from now on; but it may still be prepared.
func (c *Call) abandon(now time.Time, s *Shard) Step {
	i := slices.Index(c.flying, s)
	c.flying = slices.Delete(c.flying, i, i+1)
	for _, i := range s.items {
		it := &c.items[i]
		it.state, it.broker, it.version = pending, s.Broker, -1
	}
	c.lost(now, s, &Loss{Err: errSilent, Kind: LostTime, Written: Maybe})
	return Step{Do: Abandon, Shards: []*Shard{s}}
}
