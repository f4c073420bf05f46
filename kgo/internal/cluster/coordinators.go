package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// coordinatorsMax is how many coordinators are remembered. When there are more all are
// forgotten, which costs a request each for those that are needed again.
const coordinatorsMax = 1 << 16

// coordinators are who coordinates what, as part of a snapshot: a table of buckets, of which a
// change copies one, besides the table.
type coordinators struct {
	n       int
	buckets [bucketCount][]coordinator
}

const bucketCount = 64

type coordinator struct {
	coordinatorKey
	broker int32
}

type coordinatorKey struct {
	of  kmsg.CoordinatorType
	key string
}

func (c *coordinators) find(k coordinatorKey) (bucket, at int, ok bool) {
	hash := uint32(2166136261) // FNV-1a
	for _, b := range []byte(k.key) {
		hash = (hash ^ uint32(b)) * 16777619
	}
	bucket = int(hash % bucketCount)
	at, ok = slices.BinarySearchFunc(c.buckets[bucket], k, func(x coordinator, k coordinatorKey) int {
		return cmp.Or(cmp.Compare(x.of, k.of), cmp.Compare(x.key, k.key))
	})
	return bucket, at, ok
}

func (c *coordinators) get(of kmsg.CoordinatorType, key string) (int32, bool) {
	if c == nil {
		return -1, false
	}
	bucket, at, ok := c.find(coordinatorKey{of, key})
	if !ok {
		return -1, false
	}
	return c.buckets[bucket][at].broker, true
}

// An edit makes new coordinators of old ones. It copies each bucket once.
type edit struct {
	*coordinators
	copied  [bucketCount]bool
	changed bool
}

func (c *coordinators) edit() edit {
	next := &coordinators{}
	if c != nil && c.n < coordinatorsMax {
		*next = *c
	}
	return edit{coordinators: next}
}

func (e *edit) set(k coordinatorKey, broker int32) {
	bucket, at, ok := e.find(k)
	e.changed = true
	if !e.copied[bucket] {
		e.copied[bucket] = true
		e.buckets[bucket] = slices.Clone(e.buckets[bucket])
	}
	if ok {
		e.buckets[bucket][at].broker = broker
		return
	}
	e.buckets[bucket] = slices.Insert(e.buckets[bucket], at, coordinator{k, broker})
	e.n++
}

// without returns the coordinators without one that they have.
func (c *coordinators) without(k coordinatorKey) *coordinators {
	bucket, at, _ := c.find(k)
	next := *c
	next.buckets[bucket] = slices.Delete(slices.Clone(c.buckets[bucket]), at, at+1)
	next.n--
	return &next
}

// A lookup is a key that is being asked for, and who waits for it.
type lookup struct {
	waiting []*NeedCoordinators
}

func (c *Cell) needCoordinators(n *NeedCoordinators) {
	n.Results, n.Err, n.left = nil, c.closed, 0
	if c.closed != nil {
		c.replies = append(c.replies, &Reply{Coordinators: n})
		return
	}
	var ask *AskCoordinators
	for _, key := range n.Keys {
		k := coordinatorKey{n.Type, key}
		if n.Not >= 0 {
			c.forgetCoordinator(n.Type, key, n.Not)
		}
		if id, ok := c.snapshot.Coordinator(n.Type, key); ok {
			if b, ok := c.snapshot.Broker(id); ok {
				n.Results = append(n.Results, Coordinator{Key: key, Broker: b})
				continue
			}
		}
		n.left++
		l := c.finding[k]
		if l == nil {
			l = &lookup{}
			c.finding[k] = l
			if ask == nil {
				ask = &AskCoordinators{Type: n.Type, not: max(n.Not, -1)}
			}
			ask.Keys = append(ask.Keys, key)
		}
		l.waiting = append(l.waiting, n)
	}
	if ask != nil {
		c.addLookup(ask)
	}
	if n.left == 0 {
		c.replies = append(c.replies, &Reply{Coordinators: n})
	}
}

// addLookup queues a request, joined with another that was not sent yet and may go to the same brokers.
func (c *Cell) addLookup(ask *AskCoordinators) {
	for _, other := range c.lookups {
		if other.Type == ask.Type && other.not == ask.not {
			other.Keys = append(other.Keys, ask.Keys...)
			return
		}
	}
	c.lookups = append(c.lookups, ask)
	if len(c.snapshot.Brokers) == 0 && !c.snapshot.NoBrokers {
		c.makeDue(&c.bare)
	}
}

// nextLookup returns a request for coordinators to make now, nil for none: brokers have to be
// known first, if there are any to know.
func (c *Cell) nextLookup(now time.Time) *AskCoordinators {
	for _, ask := range slices.Clone(c.looking) {
		if at := c.patientUntil(ask); !at.IsZero() && !now.Before(at) {
			// Whichever answers first counts; that the silent one fails in the end does not.
			c.looked(ask)
			c.healthOf(target{ask.Broker, ask.Seed}).slow = true
			c.lookElsewhere(ask)
		}
	}
	if len(c.lookups) == 0 {
		return nil
	}
	ask := c.lookups[0]
	to, ok := c.chooseOther(ask.not, ask.tried)
	if !ok {
		return nil
	}
	c.lookups = c.lookups[1:]
	ask.Broker, ask.Seed, ask.sent = to.broker, to.seed, now
	c.looking = append(c.looking, ask)
	return ask
}

// patientUntil is when another broker is asked as well if there was no answer; zero if there is none
// that has not been asked.
func (c *Cell) patientUntil(ask *AskCoordinators) time.Time {
	for i := range c.snapshot.Brokers {
		if id := c.snapshot.Brokers[i].ID; id != ask.Broker && !slices.Contains(ask.tried, id) {
			return ask.sent.Add(c.config.Patience << min(len(ask.tried), 10))
		}
	}
	return time.Time{}
}

// lookElsewhere asks another broker, after or beside one that gives no answer: whoever is left, be it
// the one that is not the coordinator.
func (c *Cell) lookElsewhere(ask *AskCoordinators) {
	again := &AskCoordinators{Type: ask.Type, not: -1, tried: append(slices.Clip(ask.tried), ask.Broker)}
	for _, key := range ask.Keys {
		if c.finding[coordinatorKey{ask.Type, key}] != nil {
			again.Keys = append(again.Keys, key)
		}
	}
	if len(again.Keys) > 0 {
		c.lookups = append(c.lookups, again)
	}
}

// looked takes a request off those under way. It reports false for one that took too long.
func (c *Cell) looked(ask *AskCoordinators) bool {
	i := slices.Index(c.looking, ask)
	if i < 0 {
		return false
	}
	c.looking = slices.Delete(c.looking, i, i+1)
	return true
}

func (c *Cell) coordinatorsAnswer(e *CoordinatorsAnswer) {
	inTime := c.looked(e.To)
	if h := c.health[target{e.To.Broker, e.To.Seed}]; h != nil {
		h.slow = false
	}
	edit := c.snapshot.coordinators.edit()
	for _, found := range e.Found {
		k := coordinatorKey{e.To.Type, found.Key}
		if c.finding[k] != nil && found.Code == kmsg.None && found.Broker.ID >= 0 {
			c.addBroker(found.Broker, false)
			edit.set(k, found.Broker.ID)
		}
	}
	if edit.changed {
		s := *c.snapshot
		s.coordinators = edit.coordinators
		c.setSnapshot(&s)
	}
	for _, found := range e.Found {
		k := coordinatorKey{e.To.Type, found.Key}
		if c.finding[k] == nil {
			continue // nobody asked, or asked twice
		}
		if found.Code == kmsg.None && found.Broker.ID < 0 {
			found.Code = kmsg.CoordinatorNotAvailable
		}
		if found.Code != kmsg.None {
			found.Broker = Broker{ID: -1}
		}
		c.found(k, found)
	}
	if !inTime {
		return // another broker is asked for the rest
	}
	asked := len(e.To.Keys) - e.Unasked
	for _, key := range e.To.Keys[:asked] { // those that the answer left out
		c.found(coordinatorKey{e.To.Type, key}, Coordinator{Key: key, Broker: Broker{ID: -1}, Code: kmsg.CoordinatorNotAvailable})
	}
	if rest := e.To.Keys[asked:]; len(rest) > 0 {
		c.lookups = append(c.lookups, &AskCoordinators{Type: e.To.Type, Keys: slices.Clip(rest), not: e.To.not})
	}
}

// found tells who waits for a key.
func (c *Cell) found(k coordinatorKey, result Coordinator) {
	l := c.finding[k]
	if l == nil {
		return
	}
	delete(c.finding, k)
	for _, n := range l.waiting {
		if n.left == 0 {
			continue // it has failed by another key
		}
		n.Results = append(n.Results, result)
		if n.left--; n.left == 0 {
			c.replies = append(c.replies, &Reply{Coordinators: n})
		}
	}
}

func (c *Cell) coordinatorsFailed(e *CoordinatorsFailed) {
	if !c.looked(e.To) {
		return
	}
	if _, ok := c.snapshot.Broker(e.To.not); ok && e.To.not != e.To.Broker {
		c.lookElsewhere(e.To) // who was asked in place of another
		return
	}
	for _, key := range e.To.Keys {
		c.failLookup(coordinatorKey{e.To.Type, key}, e.Err)
	}
}

func (c *Cell) failLookup(k coordinatorKey, err error) {
	l := c.finding[k]
	if l == nil {
		return
	}
	delete(c.finding, k)
	for _, n := range l.waiting {
		if n.left > 0 {
			n.left, n.Err = 0, err
			c.replies = append(c.replies, &Reply{Coordinators: n})
		}
	}
}

// failQueued gives up those that were not sent, as no broker is known.
func (c *Cell) failQueued(err error) {
	if len(c.snapshot.Brokers) > 0 {
		return
	}
	for _, ask := range c.lookups {
		for _, key := range ask.Keys {
			c.failLookup(coordinatorKey{ask.Type, key}, err)
		}
	}
	c.lookups = nil
}

// failLookups gives up all that are under way or queued.
func (c *Cell) failLookups(err error) {
	keys := make([]coordinatorKey, 0, len(c.finding))
	for k := range c.finding {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b coordinatorKey) int {
		return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(a.key, b.key))
	})
	for _, k := range keys {
		c.failLookup(k, err)
	}
	c.lookups, c.looking = nil, nil
}

func (c *Cell) forgetCoordinator(of kmsg.CoordinatorType, key string, broker int32) {
	if id, ok := c.snapshot.Coordinator(of, key); !ok || id != broker {
		return
	}
	s := *c.snapshot
	s.coordinators = s.coordinators.without(coordinatorKey{of, key})
	c.setSnapshot(&s)
}
