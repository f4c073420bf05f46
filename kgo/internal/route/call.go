package route

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Config is how a [Router] behaves. Zero values take the defaults.
type Config struct {
	Timeout        time.Duration   // 60 s; of a call without a deadline. Java: default.api.timeout.ms
	RequestTimeout time.Duration   // 30 s; of one attempt, beside what the broker is asked to wait. Java: request.timeout.ms
	Backoff        cluster.Backoff // [cluster.DefaultBackoff]; between attempts
	Retries        int             // after the first attempt; 0 for as many as the deadline allows. Java: retries
}

// A Router makes calls. It may be used from several goroutines.
type Router struct {
	config Config
}

// New returns a router.
func New(c Config) *Router { panic("to be written") }

// Options are those of one call.
type Options struct {
	// Deadline is when the call ends, whatever has come of it; zero for [Config.Timeout] from
	// now.
	Deadline time.Time
	// Aimed says that the request goes to Broker, as it is, instead of where it belongs: a
	// broker of the snapshot, or below zero whatever that means to who sends it.
	Aimed  bool
	Broker int32
	// Pinned says that the request goes in Version and no other.
	Pinned  bool
	Version int16
	// Once forbids to try again.
	Once bool
	// Seed makes the jitter.
	Seed uint64
}

// A Call is one request of a user on its way. It is for one goroutine at a time.
type Call struct{}

// Call begins a call.
func (r *Router) Call(now time.Time, req kmsg.Request, o Options) *Call { panic("to be written") }

// Next returns what to do now. Call it again after each step but [Wait], and then when something
// was told, or at Until. Never nil is what is known of the cluster.
func (c *Call) Next(now time.Time, known *cluster.Snapshot) Step { panic("to be written") }

// Answered tells the answer to a shard, decoded at the version that Prepare was called with; or
// why there is none. The response belongs to the call. After [Done] it is ignored.
func (c *Call) Answered(now time.Time, s *Shard, resp kmsg.Response, loss *Loss) {
	panic("to be written")
}

// Told gives back a [cluster.Need] of a step. The next snapshot that is given to Next has to be
// the one that was published with it, or a later one.
func (c *Call) Told(now time.Time, need *cluster.Need) { panic("to be written") }

// Found gives back a [cluster.NeedCoordinators] of a step, under the same condition.
func (c *Call) Found(now time.Time, find *cluster.NeedCoordinators) { panic("to be written") }

// Cancel ends the call: the next step is [Done], with what is there, and with err for the rest.
func (c *Call) Cancel(err error) { panic("to be written") }
