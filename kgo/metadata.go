package kgo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/loop"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// metadata does what the cell of package cluster decides.
type metadata struct {
	client  *Client
	loop    *loop.Loop[cluster.Event, cluster.Action]
	current atomic.Pointer[cluster.Snapshot]

	seedAddrs atomic.Pointer[[]string]

	mu       sync.Mutex    // held for a few lines
	underWay []*ownRequest // oldest first
	lastErr  error         // why the last request for metadata failed, nil if it was answered
}

func newMetadata(c *Client) *metadata {
	m := &metadata{client: c}
	m.current.Store(cluster.Empty())
	m.seedAddrs.Store(&c.config.seeds)
	cell := cluster.New(cluster.Config{
		Seeds:            c.config.seeds,
		MaxAge:           c.config.metadataMaxAge,
		MaxIdle:          2 * c.config.metadataMaxAge, // what is in use is touched once in that time
		RebootstrapAfter: c.config.rebootstrapAfter,
		Backoff:          c.config.backoff(),
		Rand:             rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	})
	m.loop = loop.New(cell, m.act)
	return m
}

// snapshot is what is known of the cluster now.
func (m *metadata) snapshot() *cluster.Snapshot { return m.current.Load() }

func (m *metadata) post(e cluster.Event) { m.loop.Post(e) }

// close fails what waits.
func (m *metadata) close() { m.loop.Post(&cluster.Close{Err: ErrClosed}) }

// act performs an action. It does not block.
func (m *metadata) act(a cluster.Action) {
	switch a := a.(type) {
	case *cluster.AskMetadata:
		m.client.log.Debug("asking for metadata", "broker", a.Broker, "seed", a.Seed, "reason", a.Reason)
		r := &metadataRequest{m: m, ask: a}
		r.send(m.client, r, kmsg.KeyMetadata, a.Broker, a.Seed)
	case *cluster.AskCoordinators:
		r := &coordinatorsRequest{m: m, ask: a}
		r.Min = coordinatorsSince(a.Type)
		r.send(m.client, r, kmsg.KeyFindCoordinator, a.Broker, a.Seed)
	case *cluster.Publish:
		m.publish(a.Snapshot)
		for _, r := range m.client.allRoles() {
			r.update(a.Snapshot)
		}
	case *cluster.Reply:
		switch {
		case a.Need != nil && a.Need.Notify != nil:
			a.Need.Notify()
		case a.Coordinators != nil && a.Coordinators.Notify != nil:
			a.Coordinators.Notify()
		}
	default:
		panic(fmt.Sprintf("kgo: unknown action %T", a))
	}
}

// publish makes a snapshot the one that is read. Brokers that it names have to be there before, and
// those that it does not may go only afterwards: who reads a snapshot finds its brokers, as long as it
// is the newest.
func (m *metadata) publish(s *cluster.Snapshot) {
	m.client.peers.welcome(s)
	m.current.Store(s)
	m.client.peers.letGo(s)
}

// An ownRequest is one that the client makes for itself, on an ordinary lane.
type ownRequest struct {
	link.Request
	lane *lane
	sent time.Time
}

type ownBody interface {
	link.Body
	link.Owner
}

// send hands the request over, or ends it at once if there is no such broker any more.
func (r *ownRequest) send(c *Client, body ownBody, key kmsg.APIKey, broker int32, seed string) {
	r.Key, r.Max = key, maxVersion
	r.Body, r.To = body, body
	p := c.peers.get(broker, seed)
	if p == nil {
		r.Err = &link.Failure{Stage: link.StageQueue, Err: fmt.Errorf("broker %d is not in the metadata any more", broker)}
		body.Done(&r.Request)
		return
	}
	r.lane, r.sent = p.lane(route.Ordinary), now()
	c.meta.mu.Lock()
	c.meta.underWay = append(c.meta.underWay, r)
	c.meta.mu.Unlock()
	r.lane.conn.Send(&r.Request)
}

// decode reads the answer, as leniently as almost-Kafka brokers need.
func (r *ownRequest) decode(resp kmsg.Response) error {
	resp.SetAPIVersion(r.Version)
	_, err := kmsg.DecodeResponseLenient(r.Frame, resp)
	r.lane.peer().client.requestEvent(&r.Request, r.lane)
	r.Frame = nil
	if err == nil {
		r.lane.throttled(&r.Request, throttleOf(resp))
	}
	return err
}

// answer reads the answer, or says why there is none.
func (r *ownRequest) answer(resp kmsg.Response) error {
	if r.lane == nil {
		return r.Err
	}
	p := r.lane.peer()
	p.client.meta.landed(r)
	if r.Err == nil {
		p.heard()
		return r.decode(resp)
	}
	p.client.requestEvent(&r.Request, r.lane)
	if unsupported, ok := errors.AsType[*link.UnsupportedError](r.Err); ok && r.Err.Stage == link.StageEncode {
		return newUnsupportedError(p, unsupported)
	}
	return locate(r.Err, r.lane)
}

func (m *metadata) landed(r *ownRequest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay = slices.DeleteFunc(m.underWay, func(other *ownRequest) bool { return other == r })
}

// trouble is why the cluster has not answered, for who does not wait any longer: how the last request
// failed, or else where the oldest is held up; nil if neither is known.
func (m *metadata) trouble() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lastErr != nil || len(m.underWay) == 0 {
		return m.lastErr
	}
	r := m.underWay[0]
	f := &link.Failure{Stage: link.Stage(r.lane.stage.Load()), Err: unfinished(now().Sub(r.sent))}
	if s := m.client.config.sasl; s != nil {
		f.Mechanism = s.Name()
	}
	f.TLS = m.client.config.tls != nil
	return locate(f, r.lane)
}

// An unfinished request is neither answered nor lost, after some time.
type unfinished time.Duration

// Error says how long.
func (e unfinished) Error() string {
	return fmt.Sprintf("not done after %v", time.Duration(e).Round(time.Millisecond))
}

// Timeout reports whether that is long for what should take a few milliseconds.
func (e unfinished) Timeout() bool { return time.Duration(e) >= time.Second }

// Temporary makes it a [net.Error].
func (e unfinished) Temporary() bool { return true }

// maxVersion is above every version there is.
const maxVersion = 1<<15 - 1

type metadataRequest struct {
	ownRequest
	m   *metadata
	ask *cluster.AskMetadata
}

// Encode writes the request.
func (r *metadataRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	dst, err := link.AppendRequest(dst, h, r.ask.Request(version))
	return dst, nil, err
}

// Done tells the cell. Large answers are decoded aside, so that others on the connection need not
// wait.
func (r *metadataRequest) Done(*link.Request) {
	if len(r.Frame) > 1<<18 {
		go r.tell()
		return
	}
	r.tell()
}

func (r *metadataRequest) tell() {
	err := r.answer(r.ask.Into)
	r.m.mu.Lock()
	r.m.lastErr = err
	r.m.mu.Unlock()
	if err != nil {
		r.m.client.log.Warn("no metadata", "broker", r.ask.Broker, "seed", r.ask.Seed, "error", err)
		r.m.post(&cluster.MetadataFailed{To: r.ask, Err: err, Refused: refusesUs(err)})
		return
	}
	r.m.post(&cluster.MetadataAnswer{To: r.ask, Response: r.ask.Into})
}

// A coordinatorsRequest asks for coordinators.
type coordinatorsRequest struct {
	ownRequest
	m       *metadata
	ask     *cluster.AskCoordinators
	unasked int // how many keys had no room
}

// coordinatorsSince is the first version of FindCoordinator that knows a type of coordinators: those
// of transactions came with 0.11, of share groups with KIP-932.
func coordinatorsSince(t kmsg.CoordinatorType) int16 {
	switch t {
	case kmsg.CoordinatorGroup:
		return 0
	case kmsg.CoordinatorTransaction:
		return 1
	}
	return 6
}

// Encode writes the request.
func (r *coordinatorsRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	req, unasked := r.ask.Request(version)
	r.unasked = unasked
	dst, err := link.AppendRequest(dst, h, req)
	return dst, nil, err
}

// Done tells the cell.
func (r *coordinatorsRequest) Done(*link.Request) {
	resp := kmsg.NewFindCoordinatorResponse()
	if err := r.answer(resp); err != nil {
		r.m.post(&cluster.CoordinatorsFailed{To: r.ask, Err: err})
		return
	}
	found := cluster.ReadCoordinators(resp, r.ask.Keys[0])
	r.m.post(&cluster.CoordinatorsAnswer{To: r.ask, Found: found, Unasked: r.unasked})
}

// seeds are the addresses to begin with.
func (m *metadata) seeds() []string { return *m.seedAddrs.Load() }
