package cluster

import (
	"math/rand/v2"
	"time"
)

// Config is how a [Cell] behaves. Zero values take the defaults.
type Config struct {
	Seeds []string // host:port of the brokers to begin with

	MaxAge           time.Duration // 5 min; how old metadata may be before it is refreshed. Java: metadata.max.age.ms
	MaxIdle          time.Duration // 5 min; when topics that nobody asked for are forgotten. Java: metadata.max.idle.ms
	RebootstrapAfter time.Duration // 5 min; without an answer. Java: metadata.recovery.rebootstrap.trigger.ms
	Patience         time.Duration // 1 s; how long to wait for an answer before another broker is asked as well
	Backoff          Backoff       // [DefaultBackoff]; after failures, and for topics that are not whole

	// Rand makes the choices; nobody else uses it.
	Rand *rand.Rand
}

// A Cell knows a cluster. It is for one goroutine at a time; see the package.
type Cell struct{}

// New returns a cell that knows nothing yet, and does nothing until it is asked.
func New(c Config) *Cell { panic("to be written") }

// Handle takes note of an event.
func (c *Cell) Handle(now time.Time, event Event) { panic("to be written") }

// Poll returns what to do now, one action a call, until there is none.
func (c *Cell) Poll(now time.Time) (Action, bool) { panic("to be written") }

// Deadline is when Poll may have an action without another event; zero for never.
func (c *Cell) Deadline() time.Time { panic("to be written") }
