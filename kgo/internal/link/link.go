package link

import (
	"time"

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
	// DialTimeout bounds dialing and TLS, for all addresses together, 10 s by default
	// (socket.connection.setup.timeout.max.ms).
	DialTimeout time.Duration
	// RequestTimeout is how long a broker may take for an answer, 30 s by default
	// (request.timeout.ms); see [Request.Timeout].
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

// A Link is the life of one connection to a broker, and of those that follow it when it breaks.
// It is plain data, for one goroutine at a time: a cell of package loop.
type Link struct {
	cfg Config
}

// New returns a link that connects when it has a request.
func New(cfg Config) *Link { return &Link{cfg: cfg} }

// Handle takes note of an event.
func (l *Link) Handle(now time.Time, event Event) {}

// Poll says what to do, until it says false.
func (l *Link) Poll(now time.Time) (Action, bool) { return nil, false }

// Deadline is when Poll may have an action without an event, zero for never.
func (l *Link) Deadline() time.Time { return time.Time{} }

// Throttles reports whether a client has to hold back by itself when an answer of this version
// says for how long (KIP-219). The broker did it for those before, by holding the answer back.
func Throttles(key kmsg.APIKey, version int16) bool { return false }
