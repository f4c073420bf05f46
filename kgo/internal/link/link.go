package link

import (
	"cmp"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Config is how a link behaves. Zero values stand for the defaults.
type Config struct {
	// ClientID is the name that the client gives itself in every request (client.id).
	ClientID string
	// SoftwareName and SoftwareVersion are what ApiVersions tells the broker (KIP-511).
	// Characters that brokers refuse are replaced.
	SoftwareName, SoftwareVersion string
	// Mechanism is the name of the SASL mechanism, "" for none.
	Mechanism string
	// Limit restricts the versions, nil for none. If it leaves no ApiVersions, brokers are not
	// asked, and taken to serve what it says.
	Limit Limit
	// Unstable allows versions that Kafka has not finished. Brokers serve them only if they are
	// told to, too.
	Unstable bool

	// MaxInFlight is how many requests may be written and unanswered, 100 by default
	// (max.in.flight.requests.per.connection).
	MaxInFlight int
	// DialTimeout bounds dialing and TLS, for all addresses together, and the answer to
	// ApiVersions; 10 s by default (socket.connection.setup.timeout.ms).
	DialTimeout time.Duration
	// RequestTimeout is how long a broker may take for an answer, 30 s by default
	// (request.timeout.ms), see [Request.Timeout]; and how long all steps of SASL may take.
	RequestTimeout time.Duration
	// Silence is how long a broker may say nothing to ApiVersions until it is asked whether it
	// is one of those that do not know it, 3 s by default.
	Silence time.Duration
	// IdleTimeout is when a connection that nobody uses is closed, 9 min by default
	// (connections.max.idle.ms); negative for never.
	IdleTimeout time.Duration
	// BackoffMin and BackoffMax are between tries to connect, 100 ms and 1 s by default
	// (reconnect.backoff.ms, reconnect.backoff.max.ms), doubled after each failure, with 20 %
	// jitter (KIP-580).
	BackoffMin, BackoffMax time.Duration

	// Random returns numbers in [0, 1), for jitter. It must be set, and is called by whoever
	// runs the link.
	Random func() float64
}

func (c Config) withDefaults() Config {
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 100)
	c.DialTimeout = cmp.Or(c.DialTimeout, 10*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 30*time.Second)
	c.Silence = cmp.Or(c.Silence, 3*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 9*time.Minute)
	c.BackoffMin = cmp.Or(c.BackoffMin, 100*time.Millisecond)
	c.BackoffMax = cmp.Or(c.BackoffMax, time.Second)
	c.SoftwareName, c.SoftwareVersion = CleanSoftware(c.SoftwareName), CleanSoftware(c.SoftwareVersion)
	return c
}

// A phase is what a link is doing.
type phase uint8

const (
	phaseIdle      phase = iota // no connection; if there are requests, waiting to try again
	phaseDialing                // a Connect is out
	phaseVersions               // asking for versions, see trial
	phaseHandshake              // SaslHandshake
	phaseAuth                   // steps of the mechanism
	phaseReady
	phaseLeaving // a Disconnect is out
)

// A Link is the life of one connection to a broker, and of those that follow it when it breaks.
// It is plain data, for one goroutine at a time: a cell of package loop.
type Link struct {
	cfg   Config
	phase phase

	queue   queue     // requests that wait to be written
	expiry  time.Time // no request's deadline is earlier; zero if none has one
	actions []Action  // decided and not polled: actions[polled:]
	polled  int

	closed bool
	said   bool     // that it is closed
	why    *Failure // with which requests fail then

	// Trying to connect.
	trying   bool      // connect at once, whether or not a request waits
	target   Target    // of the next Connect, if trying; then of the present one
	more     bool      // there are other addresses to try
	retry    time.Time // no try before; zero for at once
	failures int       // to get an answer to a request, in a row
	last     *Failure  // the last of them
	trial    trial
	old      string   // the release that the trial found
	first    *Failure // how the first ApiVersions of the trial failed
	looks    int      // how often the broker was taken for one that cuts connections off
	doubted  bool     // the broker may be newer than the limit, and not serve what that allows

	// The connection.
	con     connection
	attempt uint32             // which Connect it came from
	corr    int32              // the last correlation id
	header  kmsg.RequestHeader // of the request that is encoded; used again
	flights flights            // written or being written, and to be answered
	out     outbox
	cause   *Failure // why it is ended, nil if nobody needs it

	throttled time.Time // nothing is written before; it outlives the connection
}

// A connection is what a link knows of the connection that it has.
type connection struct {
	tls      bool
	peer     Peer
	since    time.Time
	step     time.Time // when the present step of the setup began
	deadline time.Time // when it must be over
	pending  *internal // to be written for it
	frames   int64     // that came
	versions *Versions
	asked    int16 // the version of ApiVersions
	recalled bool  // versions are what the owner remembers

	waiting  bool          // for the mechanism
	raw      bool          // SASL without headers, after SaslHandshake v0
	told     []byte        // what the mechanism sent last, which nobody is to repeat
	renewing bool          // SASL, or the trial, again, as soon as nothing is in flight
	renewAt  time.Time     // when to begin with that, zero for never
	lifetime time.Duration // of the SASL session, zero for ever

	ready   bool      // it was, once
	answers int64     // to requests
	used    time.Time // last
	turn    time.Time // since when the head of the flights may be answered
	idle    bool      // it is ended because nobody uses it
}

// New returns a link that connects when it has a request.
func New(cfg Config) *Link {
	l := &Link{cfg: cfg.withDefaults()}
	l.header.ClientID = kbin.Str(l.cfg.ClientID)
	return l
}

// Handle takes note of an event.
func (l *Link) Handle(now time.Time, event Event) {
	switch e := event.(type) {
	case *Request:
		l.onRequest(now, e)
	case *Cancel:
		l.onCancel(now, e.Request)
	case *Throttle:
		l.onThrottle(now, e)
	case *Close:
		l.onClose(now, e.Err)
	case *Connected:
		l.onConnected(now, e)
	case *ConnectFailed:
		l.onConnectFailed(now, e)
	case *Frame:
		l.onFrame(now, e.Bytes)
	case *Wrote:
		l.onWrote(now)
	case *Disconnected:
		l.onDisconnected(now, e)
	case *AuthStep:
		l.onAuthStep(now, e)
	}
}

// Poll says what to do, until it says false.
func (l *Link) Poll(now time.Time) (Action, bool) {
	if l.polled == len(l.actions) {
		l.actions, l.polled = l.actions[:0], 0
		l.advance(now)
		if len(l.actions) == 0 {
			return nil, false
		}
	}
	a := l.actions[l.polled]
	l.actions[l.polled] = nil
	l.polled++
	return a, true
}

func (l *Link) do(a Action) { l.actions = append(l.actions, a) }

// advance does what the time and the state allow.
func (l *Link) advance(now time.Time) {
	if passed(now, l.expiry) {
		l.expire(now)
	}
	switch l.phase {
	case phaseIdle:
		l.tryConnect(now)
	case phaseVersions, phaseHandshake, phaseAuth:
		if passed(now, l.con.deadline) {
			l.onSetupTimeout(now)
		} else {
			l.writePending(now)
		}
	case phaseReady:
		l.advanceReady(now)
	}
}

// Deadline is when Poll may have an action without an event, zero for never.
func (l *Link) Deadline() time.Time {
	d := l.expiry
	switch l.phase {
	case phaseIdle:
		if l.queue.len > 0 {
			d = sooner(d, l.retry)
		}
	case phaseVersions, phaseHandshake, phaseAuth:
		d = sooner(d, l.con.deadline)
	case phaseReady:
		d = l.readyDeadline(d)
	}
	return d
}

// passed reports whether a time has come, if there is one.
func passed(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }

// sooner returns the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
