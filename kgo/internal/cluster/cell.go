package cluster

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Config is how a [Cell] behaves. Zero values take the defaults.
type Config struct {
	Seeds []string // host:port of the brokers to begin with

	MaxAge           time.Duration // 5 min; how old metadata may be before it is refreshed. Java: metadata.max.age.ms
	MaxIdle          time.Duration // 5 min; when topics that nobody asked for are forgotten. Java: metadata.max.idle.ms
	RebootstrapAfter time.Duration // 5 min; without an answer. Java: metadata.recovery.rebootstrap.trigger.ms
	Patience         time.Duration // 1 s; how long to wait for an answer before another broker is asked as well; twice as long for each that is waited for already
	Backoff          Backoff       // [DefaultBackoff]; after failures, and for topics that are not whole

	// Spacing is between an answer and the next request: its Base, and up to Max after answers that
	// told nothing new. By default it is from the Base of Backoff to twice as long; with a Base below
	// zero there is none.
	Spacing Backoff

	// Rand makes the choices; nobody else uses it. With nil they are the same every time.
	Rand *rand.Rand
}

// withDefaults returns the config with defaults for what is zero.
func (c Config) withDefaults() Config {
	for _, d := range []*time.Duration{&c.MaxAge, &c.MaxIdle, &c.RebootstrapAfter} {
		if *d <= 0 {
			*d = 5 * time.Minute
		}
	}
	if c.Patience <= 0 {
		c.Patience = time.Second
	}
	if c.Backoff == (Backoff{}) {
		c.Backoff = DefaultBackoff
	}
	if c.Spacing == (Backoff{}) {
		c.Spacing = Backoff{Base: c.Backoff.Base, Max: min(2*c.Backoff.Base, c.Backoff.Max), Jitter: c.Backoff.Jitter}
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(0, 0))
	}
	return c
}

// A Cell knows a cluster. It is for one goroutine at a time; see the package.
type Cell struct {
	config Config

	snapshot *Snapshot
	changed  bool // snapshot is yet to be published

	// What somebody is interested in. Of interests, bare is the one in brokers and controller,
	// which every answer serves, and all that in all topics.
	names     map[string]*interest
	ids       map[kbin.UUID]*interest
	all, bare interest
	wants     int         // of all interests
	order     *everything // nil if it has to be made

	due      []*interest // to be asked for now
	retrying []*interest // to be asked for at their retryAt
	full     bool        // everything is to be asked for
	fullAt   time.Time   // when everything was answered last
	idle     bool        // nobody has asked since the last full answer

	asked    uint64         // number of the last request
	flights  []*AskMetadata // requests under way, oldest first
	waiting  []waiting
	spare    *kmsg.MetadataResponse // for the next answer
	marks    []bool                 // scratch of merger
	seen     []bool                 // scratch of partitions
	present  []bool                 // ids of brokers, during a merge
	doubts   map[string]doubt       // about topics, see partitions
	refresh  time.Time              // when everything is asked for again; zero as long as nothing is known
	notUntil time.Time              // no request before

	// How often answers are asked for, see spacing.go.
	answeredAt time.Time // last
	spaced     time.Time // no request before, unless something is urgent
	vain       int       // answers in a row that told nothing new
	urgentNow  time.Time // how far those have used up their time who want to know how things are now

	// Failures since the last answer, of a run that began with the request at since.
	failures int
	pauses   int
	since    time.Time
	lastErr  error
	rebooted time.Time // when all brokers were forgotten last
	health   map[target]*health

	finding map[coordinatorKey]*lookup
	lookups []*AskCoordinators // to be sent
	looking []*AskCoordinators // under way, and not for long

	replies []*Reply
	closed  error
}

// New returns a cell that knows nothing yet, and does nothing until it is asked.
func New(c Config) *Cell {
	return &Cell{
		config:   c.withDefaults(),
		snapshot: nothing,
		names:    map[string]*interest{},
		ids:      map[kbin.UUID]*interest{},
		doubts:   map[string]doubt{},
		health:   map[target]*health{},
		finding:  map[coordinatorKey]*lookup{},
		idle:     true,
	}
}

// Handle takes note of an event.
func (c *Cell) Handle(now time.Time, event Event) {
	switch e := event.(type) {
	case *Need:
		c.need(now, e)
	case *Want:
		c.want(now, e)
	case *Unwant:
		c.unwant(now, e)
	case *Touch:
		c.touched(now, e)
	case *MetadataAnswer:
		c.answer(now, e)
	case *MetadataFailed:
		c.failed(now, e)
	case *NeedCoordinators:
		c.needCoordinators(e)
	case *CoordinatorsAnswer:
		c.coordinatorsAnswer(e)
	case *CoordinatorsFailed:
		c.coordinatorsFailed(e)
	case *CoordinatorLost:
		c.forgetCoordinator(e.Type, e.Key, e.Broker)
	case *LeaderHint:
		c.hint(e)
	case *Connection:
		c.connection(now, e)
	case *Rebootstrap:
		c.rebootstrap(now, e.Reason)
	case *UpdateSeeds:
		c.config.Seeds = e.Seeds
	case *Close:
		c.close(e.Err)
	default:
		panic(fmt.Sprintf("cluster: unknown event %T", event))
	}
}

// Poll returns what to do now, one action a call, until there is none.
func (c *Cell) Poll(now time.Time) (Action, bool) {
	if c.changed {
		c.changed = false
		return &Publish{c.snapshot}, true
	}
	if len(c.replies) > 0 {
		r := c.replies[0]
		c.replies = c.replies[1:]
		return r, true
	}
	if c.closed != nil {
		return nil, false
	}
	if ask := c.nextLookup(now); ask != nil {
		return ask, true
	}
	if ask := c.nextAsk(now); ask != nil {
		return ask, true
	}
	return nil, false
}

// Deadline is when Poll may have an action without another event; zero for never.
func (c *Cell) Deadline() time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if c.closed != nil {
		return at
	}
	for _, in := range c.retrying {
		sooner(in.retryAt)
	}
	if !c.full && (c.wants > 0 || !c.idle) {
		sooner(c.refresh)
	}
	for _, ask := range c.looking {
		sooner(c.patientUntil(ask))
	}
	held := false
	for _, f := range c.flights {
		if !f.late {
			sooner(f.sent.Add(c.patience()))
			held = true
		}
	}
	if !held && (c.full || c.anyDue()) && c.anyFree() {
		sooner(c.notBefore())
	}
	return at
}

// close ends all that waits.
func (c *Cell) close(err error) {
	if c.closed != nil {
		return
	}
	if err == nil {
		err = errClosed
	}
	c.closed = err
	for _, w := range c.waiting {
		w.need.Err = err
		c.replies = append(c.replies, &Reply{Need: w.need})
	}
	c.waiting = nil
	c.failLookups(err)
}
