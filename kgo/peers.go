package kgo

import (
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/conn"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// peers are the brokers and seeds that the client has, or had, connections to.
type peers struct {
	client *Client

	mu      sync.Mutex // held for a few lines
	brokers map[int32]*peer
	list    []*peer // the brokers; replaced, not changed
	seeds   map[string]*peer
	leaving map[*peer]struct{} // not in the metadata any more, with requests under way
	old     map[string]oldBroker
	closed  bool
}

// An oldBroker is what a broker without ApiVersions was recognised as.
type oldBroker struct {
	release string
	until   time.Time
}

// oldBrokerMemory is how long that is remembered.
const oldBrokerMemory = 10 * time.Minute

// A peer is a broker, or a seed, of which it is not known which broker it is.
type peer struct {
	client *Client
	info   BrokerInfo // ID -1 of a seed
	seed   string

	mu    sync.Mutex
	lanes [lanes]*lane
	own   []*lane     // of those that do not share theirs
	gone  error       // set when the peer is closed
	grace *time.Timer // while it leaves

	versions atomic.Pointer[link.Versions]
	failing  atomic.Bool // the last attempt at an ordinary connection failed
	silent   atomic.Bool // a request was abandoned, and nothing was answered since
	ready    atomic.Bool
}

// lanes is how many kinds of lanes there are.
const lanes = int(route.WaitLane) + 1

// A lane is a peer's connection for one kind of request.
type lane struct {
	of   atomic.Pointer[peer] // changes when a seed turns out to be a broker
	kind route.Lane
	conn *conn.Conn
	// stage is what a request is waiting for now, a [link.Stage].
	stage atomic.Int32
}

func (l *lane) peer() *peer { return l.of.Load() }

func newPeers(c *Client) *peers {
	return &peers{client: c, brokers: map[int32]*peer{}, seeds: map[string]*peer{}, leaving: map[*peer]struct{}{}, old: map[string]oldBroker{}}
}

// get returns a broker of the metadata, or a seed if the id is negative; nil if there is no such
// broker.
func (ps *peers) get(id int32, seed string) *peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if id >= 0 {
		return ps.brokers[id]
	}
	p := ps.seeds[seed]
	if p == nil {
		p = &peer{client: ps.client, info: BrokerInfo{ID: -1, Addr: seed}, seed: seed}
		if ps.closed {
			p.gone = ErrClosed
		}
		ps.seeds[seed] = p
	}
	return p
}

// welcome adds the brokers of a snapshot that are not there, or elsewhere. A seed's connection is
// taken over if it goes to the address of a broker.
func (ps *peers) welcome(s *cluster.Snapshot) {
	var leave []*peer
	ps.mu.Lock()
	for _, b := range s.Brokers {
		p := ps.brokers[b.ID]
		if p != nil && p.info.Addr == b.Addr() {
			continue
		}
		if p != nil {
			leave = append(leave, p)
		}
		ps.brokers[b.ID] = ps.newBroker(b)
	}
	ps.changed(leave)
}

// letGo lets those leave that are not in a snapshot. Once there are brokers, seeds have done
// their work.
func (ps *peers) letGo(s *cluster.Snapshot) {
	var leave []*peer
	ps.mu.Lock()
	for id, p := range ps.brokers {
		if _, ok := s.Broker(id); !ok {
			delete(ps.brokers, id)
			leave = append(leave, p)
		}
	}
	if len(s.Brokers) > 0 {
		for addr, p := range ps.seeds {
			delete(ps.seeds, addr)
			leave = append(leave, p)
		}
	}
	ps.changed(leave)
}

// changed ends a change of the brokers: it takes the lock back.
func (ps *peers) changed(leave []*peer) {
	for _, p := range leave {
		ps.leaving[p] = struct{}{}
	}
	ps.list = slices.Collect(maps.Values(ps.brokers))
	ps.mu.Unlock()
	for _, p := range leave {
		p.leave()
	}
}

// newBroker makes a peer of a broker. It takes over the connection of a seed that has its address.
func (ps *peers) newBroker(b cluster.Broker) *peer {
	p := &peer{client: ps.client, info: infoOf(b)}
	if ps.closed {
		p.gone = ErrClosed
		return p
	}
	seed := ps.seeds[p.info.Addr]
	if seed == nil || ps.client.config.addressMap != nil {
		return p
	}
	seed.mu.Lock()
	defer seed.mu.Unlock()
	if l := seed.lanes[route.Ordinary]; l != nil && seed.gone == nil {
		seed.lanes[route.Ordinary] = nil
		p.lanes[route.Ordinary] = l
		p.versions.Store(seed.versions.Load())
		l.of.Store(p)
		p.failing.Store(seed.failing.Load())
		if seed.ready.Load() {
			p.ready.Store(true)
			ps.client.meta.post(&cluster.Connection{Broker: b.ID, State: cluster.Ready})
		}
	}
	return p
}

// any chooses a broker for a request that any will do for: one that is connected, else one that
// has not failed and is not silent, else any, and not among avoid if there is another. Without
// brokers it is a seed.
func (ps *peers) any(avoid []int32) *peer {
	ps.mu.Lock()
	candidates := ps.list
	ps.mu.Unlock()
	if len(candidates) == 0 {
		for _, seed := range ps.client.meta.seeds() {
			candidates = append(candidates, ps.get(-1, seed))
		}
	}
	var best *peer
	score := -1
	first := rand.IntN(len(candidates))
	for i := range candidates {
		p := candidates[(first+i)%len(candidates)]
		n := 0
		if !slices.Contains(avoid, p.info.ID) {
			n += 4
		}
		if !p.failing.Load() && !p.silent.Load() {
			n += 2
		}
		if p.ready.Load() {
			n++
		}
		if n > score {
			best, score = p, n
		}
	}
	return best
}

// close ends all connections and waits for them.
func (ps *peers) close() {
	ps.mu.Lock()
	ps.closed = true
	ps.mu.Unlock()
	var conns []*conn.Conn
	for _, p := range ps.all() {
		conns = append(conns, p.close(ErrClosed)...)
	}
	for _, c := range conns {
		<-c.Done()
	}
}

// errLeft is the error of requests to a broker that is not in the metadata any more.
var errLeft = errors.New("the broker is not in the metadata any more")

// leave closes the peer when what is under way has had its time. Nobody sends to it any more, but
// for those who found it just before.
func (p *peer) leave() {
	if p.outstanding() == 0 {
		p.depart()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone == nil {
		p.grace = time.AfterFunc(p.client.config.requestTimeout, p.depart)
	}
}

func (p *peer) depart() {
	p.close(errLeft)
	ps := p.client.peers
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.leaving, p)
}

// heard notes that the broker answers.
func (p *peer) heard() {
	if p.silent.Load() {
		p.silent.Store(false)
	}
}

func (p *peer) outstanding() (n int64) {
	for _, l := range p.open() {
		n += l.conn.Stats().Outstanding
	}
	return n
}

// close ends the peer's connections, and returns them for who wants to wait.
func (p *peer) close(err error) []*conn.Conn {
	p.mu.Lock()
	p.gone = err
	if p.grace != nil {
		p.grace.Stop()
	}
	p.mu.Unlock()
	var conns []*conn.Conn
	for _, l := range p.open() {
		l.conn.Close(err)
		conns = append(conns, l.conn)
	}
	return conns
}

// lane returns the peer's lane of a kind. It connects when a request needs it.
func (p *peer) lane(kind route.Lane) *lane {
	p.mu.Lock()
	l := p.lanes[kind]
	p.mu.Unlock()
	if l != nil {
		return l
	}
	made := p.newLane(kind)
	p.mu.Lock()
	if l = p.lanes[kind]; l == nil { // else somebody else was faster, and made is forgotten
		l = made
		p.lanes[kind] = l
	}
	gone := p.gone
	p.mu.Unlock()
	if gone != nil {
		l.conn.Close(gone) // it was made after the others were closed
	}
	return l
}

// standing returns the peer's lane of a kind if it is connected, else nil.
func (p *peer) standing(kind route.Lane) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lanes[kind]; l != nil && l.conn.Stats().State == conn.Ready {
		return l
	}
	return nil
}

// ownLane makes a lane that is nobody else's, see [peer.dismiss].
func (p *peer) ownLane(kind route.Lane) *lane {
	l := p.newLane(kind)
	p.mu.Lock()
	p.own = append(p.own, l)
	gone := p.gone
	p.mu.Unlock()
	if gone != nil {
		l.conn.Close(gone)
	}
	return l
}

// dismiss ends a lane of ownLane.
func (p *peer) dismiss(l *lane) {
	p.mu.Lock()
	p.own = slices.DeleteFunc(p.own, func(other *lane) bool { return other == l })
	p.mu.Unlock()
	l.conn.Close(ErrClosed)
}

// newLane makes a lane, which does nothing until it is sent to. The caller holds no lock: AddressMap
// is the user's.
func (p *peer) newLane(kind route.Lane) *lane {
	c := p.client.config
	l := &lane{kind: kind}
	l.of.Store(p)
	l.stage.Store(int32(link.StageDial))
	l.conn = conn.New(conn.Options{
		Addr:     p.info.Addr,
		DialAddr: p.dialAddr(),
		Dial:     c.dial,
		TLS:      c.tls,
		SASL:     c.sasl,
		MaxFrame: c.maxFrame,
		Link: link.Config{
			ClientID:        c.clientID,
			SoftwareName:    c.softwareName,
			SoftwareVersion: c.softwareVersion,
			Limit:           c.limit(),
			Unstable:        c.unstable,
			DialTimeout:     c.dialTimeout,
			RequestTimeout:  c.requestTimeout,
			IdleTimeout:     c.idleTimeout,
			BackoffMin:      c.backoffMin,
			BackoffMax:      c.backoffMax,
			Random:          jitter,
		},
		Stage:   func(s link.Stage) { l.stage.Store(int32(s)) },
		Peer:    l.known,
		Learned: l.learned,
		Note:    l.note,
	})
	return l
}

func (p *peer) dialAddr() string {
	if f := p.client.config.addressMap; f != nil {
		return f(p.info)
	}
	return ""
}

// known is what is known of the broker when a connection is made.
func (l *lane) known() link.Peer {
	ps := l.peer().client.peers
	known := link.Peer{NodeID: -1}
	if l.peer().info.ID >= 0 {
		known.NodeID = l.peer().info.ID
		known.ClusterID = l.peer().client.meta.snapshot().ClusterID
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if old, ok := ps.old[l.peer().info.Addr]; ok && now().Before(old.until) {
		known.Old = old.release
	}
	return known
}

// learned takes note of what a connection found out about the broker.
func (l *lane) learned(what *link.Learned) {
	ps := l.peer().client.peers
	ps.mu.Lock()
	if what.Forget {
		delete(ps.old, l.peer().info.Addr)
	}
	if what.Versions != nil {
		if what.Remember {
			ps.old[l.peer().info.Addr] = oldBroker{what.Versions.Old, now().Add(oldBrokerMemory)}
		} else if what.Versions.Old == "" {
			delete(ps.old, l.peer().info.Addr)
		}
		l.peer().versions.Store(what.Versions)
	}
	ps.mu.Unlock()
	if what.Versions != nil && what.Versions.Old == "" {
		l.peer().undeceive()
	}
}

// errMistaken ends connections to a broker that was taken for one without ApiVersions.
var errMistaken = errors.New("the broker is newer than it seemed to be")

// undeceive ends the lanes that speak to the broker as to one without ApiVersions, now that another
// has shown that it is none: it was cut off when it was asked. Others take their place.
func (p *peer) undeceive() {
	var mistaken []*lane
	p.mu.Lock()
	for kind, l := range p.lanes {
		if l == nil {
			continue
		}
		if v := l.conn.Versions(); v != nil && v.Old != "" {
			p.lanes[kind] = nil
			mistaken = append(mistaken, l)
		}
	}
	p.mu.Unlock()
	for _, l := range mistaken {
		l.conn.Close(errMistaken)
	}
}

// throttled tells the lane for how long an answer asked to hold back (KIP-219).
func (l *lane) throttled(r *link.Request, d time.Duration) {
	if d > 0 {
		l.conn.Throttled(r, d)
	}
}

// throttleOf returns for how long an answer asks to hold back. Most have the field, a few do not.
func throttleOf(resp kmsg.Response) time.Duration {
	switch resp := resp.(type) {
	case *kmsg.MetadataResponse: // those that come often are spared the search
		return millis(resp.ThrottleTimeMs)
	case *kmsg.ProduceResponse:
		return millis(resp.ThrottleTimeMs)
	case *kmsg.FetchResponse:
		return millis(resp.ThrottleTimeMs)
	}
	field := reflect.ValueOf(resp).Elem().FieldByName("ThrottleTimeMs")
	if !field.IsValid() {
		return 0
	}
	return millis(int32(field.Int()))
}

func millis(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }

// enter notes which stage begins after an event.
func (l *lane) enter(after link.NoteKind) {
	stage := link.StageDial
	switch after {
	case link.NoteConnected:
		stage = link.StageVersions
	case link.NoteNegotiated:
		stage = link.StageAuth // without SASL it is ready in the same moment
	case link.NoteReady:
		stage = link.StageAnswer
	case link.NoteConnectFailed, link.NoteDisconnected:
	default:
		return
	}
	l.stage.Store(int32(stage))
}

// note tells hooks, the log, and the cluster's cell, which asks brokers that are likely to answer.
func (l *lane) note(n *link.Note) {
	p := l.peer()
	c := p.client
	l.enter(n.Kind)
	if l.kind == route.Ordinary {
		state := cluster.Closed
		switch n.Kind {
		case link.NoteReady:
			state = cluster.Ready
		case link.NoteConnectFailed:
			state = cluster.Failing
		case link.NoteDisconnected:
			if n.Failure != nil {
				state = cluster.Failing
			}
		}
		switch n.Kind {
		case link.NoteReady, link.NoteConnectFailed, link.NoteDisconnected:
			p.ready.Store(state == cluster.Ready)
			p.failing.Store(state == cluster.Failing)
			c.meta.post(&cluster.Connection{Broker: p.info.ID, Seed: p.seed, State: state})
		}
	}
	if n.Failure != nil && n.Failure.Code == kmsg.RebootstrapRequired {
		c.meta.post(&cluster.Rebootstrap{Reason: "a broker said that it is not the one that was meant"})
	}
	c.connectionEvent(l, n)
}
