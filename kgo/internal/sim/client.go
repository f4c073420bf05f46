package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A client does what the shells round the cells do.
type client struct {
	w        *world
	meta     *host[cluster.Event, cluster.Action]
	snapshot *cluster.Snapshot
	router   *route.Router
	seeds    []string
	lanes    []*lane // all that are not closed, in the order of their making
	calls    int     // under way
	producer *producer
	consumer *consumer
	closed   bool
	frames   int // that brokers got
}

// requestTimeout is how long brokers may take.
const requestTimeout = 10 * time.Second

func newClient(w *world, seeds []string) *client {
	c := &client{w: w, snapshot: cluster.Empty(), seeds: seeds}
	backoff := cluster.DefaultBackoff
	c.router = route.New(route.Config{RequestTimeout: requestTimeout, Backoff: backoff})
	c.meta = &host[cluster.Event, cluster.Action]{w: w, name: "cluster", act: c.act}
	c.meta.cell = cluster.New(cluster.Config{Seeds: seeds, Backoff: backoff, MaxAge: 30 * time.Second, MaxIdle: time.Minute, RebootstrapAfter: 30 * time.Second, Rand: w.rand})
	w.hosts = append(w.hosts, c.meta)
	return c
}

// A lane is a connection to a broker, or to a seed if the id is negative, for one kind of request.
type lane struct {
	*host[link.Event, link.Action]
	client  *client
	broker  int32
	seed    string
	kind    kind
	wire    *wire
	dialing int // counts attempts; of one that is given up nothing comes
	open    int // requests under way
	leaving bool
	gone    bool
	old     bool // the broker seems to lack ApiVersions
}

// A kind is what requests a lane is for.
type kind int

// Kinds of lanes. Each lane of a consumer has a connection of its own.
const (
	forAll kind = iota
	forRecords
	forFetch
)

// lane returns a lane, nil if there is no such broker, or the client is closed.
func (c *client) lane(id int32, seed string, of kind) *lane {
	if c.closed {
		return nil
	}
	if id >= 0 {
		if _, known := c.snapshot.Broker(id); !known {
			return nil
		}
	}
	for _, l := range c.lanes {
		if l.broker == id && l.seed == seed && l.kind == of && !l.leaving {
			return l
		}
	}
	name := fmt.Sprintf("link to %d%s", id, seed)
	switch {
	case of == forRecords:
		name += " for records"
	case of >= forFetch:
		name += fmt.Sprintf(" to fetch, %d", of-forFetch)
	}
	l := &lane{client: c, broker: id, seed: seed, kind: of}
	l.host = &host[link.Event, link.Action]{w: c.w, name: name, act: l.act}
	l.cell = link.New(link.Config{ClientID: "sim", SoftwareName: "sim", SoftwareVersion: "1", RequestTimeout: requestTimeout, IdleTimeout: 20 * time.Second, Random: c.w.rand.Float64})
	c.lanes = append(c.lanes, l)
	c.w.hosts = append(c.w.hosts, l)
	return l
}

// act does what a link wants.
func (l *lane) act(a link.Action) {
	w := l.w
	switch a := a.(type) {
	case *link.Connect:
		l.connect(a)
	case *link.Write:
		l.wire.begin(a)
	case *link.Disconnect:
		l.dialing++
		if wire := l.wire; wire != nil {
			w.after(w.between(0, time.Millisecond), func() { wire.end(errGivenUp) })
		} else {
			w.after(w.between(0, time.Millisecond), func() { l.post(&link.ConnectFailed{Err: errGivenUp}) })
		}
	case *link.Done:
		w.tracef("%v: done %v version %d written %v: %v", l, a.Request.Key, a.Request.Version, a.Request.Written, a.Request.Err)
		l.open--
		a.Request.To.Done(a.Request)
		if l.leaving && l.open == 0 {
			l.post(&link.Close{})
		}
	case *link.Note:
		l.note(a)
	case *link.Closed:
		l.gone = true
	case *link.Learned:
		l.learned(a.Versions)
	default:
		panic(fmt.Sprintf("sim: unknown action %T", a))
	}
}

// connect dials.
func (l *lane) connect(a *link.Connect) {
	w := l.w
	l.dialing++
	attempt := l.dialing
	to := l.broker
	if to < 0 {
		to = brokerAt(l.seed)
	}
	took := w.latency()
	if w.plan().dialFails && w.chance(10) {
		w.after(took, func() {
			if l.dialing == attempt {
				l.post(&link.ConnectFailed{Err: errDial, Took: took})
			}
		})
		return
	}
	w.after(took, func() {
		if l.dialing != attempt {
			return
		}
		id := w.cluster.Connect(w.now, to, 0)
		if id == 0 {
			l.post(&link.ConnectFailed{Err: errRefused, Took: took})
			return
		}
		wire := &wire{w: w, lane: l, id: id}
		w.wires[id] = wire
		l.wire = wire
		known := link.Peer{NodeID: -1}
		if l.broker >= 0 {
			known = link.Peer{NodeID: l.broker, ClusterID: l.client.snapshot.ClusterID}
		}
		w.tracef("%v: connected as %d", l, id)
		l.post(&link.Connected{Took: took, Peer: known})
	})
}

// learned takes note of what the broker speaks. Those that took it for an older one are left.
func (l *lane) learned(v *link.Versions) {
	if v == nil {
		return
	}
	if l.old = v.Old != ""; l.old {
		l.w.tracef("%v: taken for Kafka %s", l, v.Old)
		return
	}
	for _, other := range l.client.lanes {
		if other.broker == l.broker && other.old && !other.leaving {
			other.leave()
		}
	}
}

// note tells the cell of the cluster how the connection is.
func (l *lane) note(n *link.Note) {
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
	default:
		return
	}
	l.w.tracef("%v: note %d: %v", l, n.Kind, n.Failure)
	if l.kind == forAll {
		l.client.meta.post(&cluster.Connection{Broker: l.broker, Seed: l.seed, State: state})
	}
	if n.Failure != nil && n.Failure.Code == kmsg.RebootstrapRequired {
		l.client.meta.post(&cluster.Rebootstrap{Reason: "another cluster"})
	}
}

// errLeft is the failure of requests to brokers that are not known any more.
var errLeft = errors.New("sim: the broker is not in the metadata any more")

// send hands over a request, or ends it at once if there is no such broker.
func (c *client) send(l *lane, r *link.Request) {
	if l == nil {
		r.Err = &link.Failure{Stage: link.StageQueue, Err: errLeft}
		r.To.Done(r)
		return
	}
	l.open++
	l.post(r)
}

// A body is a request's.
type body struct {
	encode func(version int16) (kmsg.Request, error)
	done   func(*link.Request)
}

// Encode writes the request.
func (b *body) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	msg, err := b.encode(version)
	if err != nil {
		return dst, nil, err
	}
	dst, err = link.AppendRequest(dst, h, msg)
	return dst, nil, err
}

// Done passes on the end.
func (b *body) Done(r *link.Request) { b.done(r) }

const maxVersion = 1<<15 - 1

// act does what the cell of the cluster wants.
func (c *client) act(a cluster.Action) {
	switch a := a.(type) {
	case *cluster.AskMetadata:
		c.w.tracef("metadata of %v from %d%s: %s", a.Topics, a.Broker, a.Seed, a.Reason)
		r := &link.Request{Key: kmsg.KeyMetadata, Max: maxVersion}
		b := &body{}
		b.encode = func(version int16) (kmsg.Request, error) { return a.Request(version), nil }
		b.done = func(r *link.Request) { c.metadata(a, r) }
		r.Body, r.To = b, b
		c.send(c.lane(a.Broker, a.Seed, forAll), r)
	case *cluster.Publish:
		c.publish(a.Snapshot)
	case *cluster.Reply:
		if a.Need != nil && a.Need.Notify != nil {
			a.Need.Notify()
		}
	default:
		panic(fmt.Sprintf("sim: unknown action %T", a))
	}
}

// metadata passes on an answer.
func (c *client) metadata(a *cluster.AskMetadata, r *link.Request) {
	if r.Err != nil {
		c.meta.post(&cluster.MetadataFailed{To: a, Err: r.Err})
		return
	}
	a.Into.SetAPIVersion(r.Version)
	if _, err := kmsg.DecodeResponseLenient(r.Frame, a.Into); err != nil {
		c.w.fail("BYTES: metadata that cannot be read: %v", err)
		return
	}
	if r.Version < 7 {
		c.consumer.blind = true
	}
	c.meta.post(&cluster.MetadataAnswer{To: a, Response: a.Into})
}

// publish takes a new snapshot. Brokers that are gone are left, when what they have has had its time.
func (c *client) publish(s *cluster.Snapshot) {
	c.snapshot = s
	if c.w.keeps {
		c.w.tracef("snapshot %d: %d brokers", s.Seq, len(s.Brokers))
		for _, t := range s.Topics {
			c.w.tracef("snapshot %d: %s %v %v: %s", s.Seq, t.Name, t.ID, t.Err, leadersOf(t))
		}
	}
	for _, l := range c.lanes {
		_, known := s.Broker(l.broker)
		if known || l.leaving || l.broker < 0 && len(s.Brokers) == 0 {
			continue
		}
		l.leave()
	}
	c.producer.update(s)
	c.consumer.update(s)
}

// leadersOf lists the leaders of partitions with their epochs.
func leadersOf(t *cluster.Topic) string {
	var text []byte
	for _, p := range t.Partitions {
		text = fmt.Appendf(text, "%d/%d ", p.Leader, p.LeaderEpoch)
	}
	return string(text)
}

// leave ends the lane when what is under way has ended.
func (l *lane) leave() {
	l.leaving = true
	if l.open == 0 {
		l.post(&link.Close{Err: errLeft})
		return
	}
	l.w.after(requestTimeout, func() { l.post(&link.Close{Err: errLeft}) })
}

// sweep forgets lanes that are gone.
func (c *client) sweep() {
	keep := c.lanes[:0]
	for _, l := range c.lanes {
		if !l.gone || l.pending() {
			keep = append(keep, l)
			continue
		}
		for i, r := range c.w.hosts {
			if r == runner(l) {
				c.w.hosts = append(c.w.hosts[:i], c.w.hosts[i+1:]...)
				break
			}
		}
	}
	clear(c.lanes[len(keep):])
	c.lanes = keep
}

// A caller takes a call of package route from step to step.
type caller struct {
	c     *client
	call  *route.Call
	until time.Time
	in    bool
	over  bool
	bound time.Time // when it must be over
	done  func(kmsg.Response, []route.Failure)
	live  []flight
}

// A flight is a shard under way.
type flight struct {
	shard   *route.Shard
	request *link.Request
	lane    *lane
}

// land takes a shard from those that are under way, and reports whether it was among them.
func (x *caller) land(s *route.Shard) (f flight, ok bool) {
	for i, f := range x.live {
		if f.shard == s {
			x.live = append(x.live[:i], x.live[i+1:]...)
			return f, true
		}
	}
	return flight{}, false
}

// abandon gives up a shard: what comes of it is ignored.
func (x *caller) abandon(s *route.Shard) {
	if f, ok := x.land(s); ok {
		f.lane.post(&link.Cancel{Request: f.request})
	}
}

// do makes a request as users do.
func (c *client) do(req kmsg.Request, within time.Duration, done func(kmsg.Response, []route.Failure)) {
	c.call(req, route.Options{Deadline: c.w.now.Add(within), Seed: c.w.rand.Uint64()}, done)
}

// call makes a request.
func (c *client) call(req kmsg.Request, options route.Options, done func(kmsg.Response, []route.Failure)) {
	x := &caller{c: c, done: done, bound: options.Deadline}
	x.call = c.router.Call(c.w.now, req, options)
	c.calls++
	c.w.hosts = append(c.w.hosts, x)
	c.w.wake(x)
}

func (x *caller) run() {
	if x.over {
		return
	}
	c := x.c
	if c.w.now.After(x.bound.Add(time.Second)) {
		c.w.fail("LIVE: a call goes on after its deadline")
	}
	for {
		step := x.call.Next(c.w.now, c.snapshot)
		switch step.Do {
		case route.Send:
			for _, s := range step.Shards {
				x.send(s)
			}
		case route.Need:
			need := step.Need
			need.Notify = func() { x.hear(func() { x.call.Told(c.w.now, need) }) }
			c.meta.post(need)
		case route.Tell:
			c.meta.post(step.Tell)
		case route.Wait:
			x.until = step.Until
			return
		case route.Done:
			x.over, x.until = true, time.Time{}
			c.calls--
			for i, r := range c.w.hosts {
				if r == runner(x) {
					c.w.hosts = append(c.w.hosts[:i], c.w.hosts[i+1:]...)
					break
				}
			}
			x.done(step.Response, step.Failures)
			return
		case route.Abandon:
			x.abandon(step.Shards[0])
		default:
			panic(fmt.Sprintf("sim: step %d", step.Do))
		}
	}
}

// hear tells the call something, unless it is over.
func (x *caller) hear(what func()) {
	if !x.over {
		what()
		x.until = time.Time{}
		x.c.w.wake(x)
	}
}

func (x *caller) send(s *route.Shard) {
	c := x.c
	if s.Broker == route.Any {
		s.Broker = c.any(s.Avoid)
	}
	seed := ""
	if s.Broker < 0 {
		seed = c.seeds[c.w.rand.IntN(len(c.seeds))]
	}
	l := c.lane(s.Broker, seed, forAll)
	if l == nil {
		x.call.Answered(c.w.now, s, nil, &route.Loss{Err: errLeft, Kind: route.LostConnection})
		return
	}
	r := &link.Request{Key: s.API, Min: s.Min, Max: s.Max, Deadline: s.Deadline, Timeout: s.Timeout, NoAnswer: s.NoAnswer, Expect: s.Expect}
	b := &body{}
	var sent kmsg.Request
	b.encode = func(version int16) (_ kmsg.Request, err error) {
		sent, err = s.Prepare(version)
		return sent, err
	}
	b.done = func(r *link.Request) {
		if _, ok := x.land(s); !ok {
			return
		}
		x.hear(func() {
			if r.Err != nil {
				loss := &route.Loss{Err: r.Err, Kind: route.LostConnection, Code: r.Err.Code}
				if r.Written != link.WrittenNo {
					loss.Written = route.Maybe
				}
				var unsupported *link.UnsupportedError
				switch {
				case errors.As(r.Err, &unsupported) && r.Err.Stage == link.StageEncode:
					loss.Kind = route.LostVersion
				case errors.Is(r.Err, link.ErrTimeout):
					loss.Kind = route.LostTime
				}
				x.call.Answered(c.w.now, s, nil, loss)
				return
			}
			resp := sent.Response()
			if _, err := kmsg.DecodeResponseLenient(r.Frame, resp); err != nil {
				c.w.fail("BYTES: an answer to %v that cannot be read: %v", s.API, err)
				return
			}
			if d := s.Throttle(resp); d > 0 {
				l.post(&link.Throttle{Key: r.Key, Version: r.Version, For: d})
			}
			x.call.Answered(c.w.now, s, resp, nil)
		})
	}
	r.Body, r.To = b, b
	x.live = append(x.live, flight{s, r, l})
	c.send(l, r)
}

// any chooses a broker; a seed if none is known.
func (c *client) any(avoid []int32) int32 {
	all := c.snapshot.Brokers
	if len(all) == 0 {
		return -1
	}
	first := c.w.rand.IntN(len(all))
	for i := range all {
		id := all[(first+i)%len(all)].ID
		avoided := false
		for _, a := range avoid {
			avoided = avoided || a == id
		}
		if !avoided {
			return id
		}
	}
	return all[first].ID
}

// cancel ends the call, as closing the client does.
func (x *caller) cancel() { x.hear(func() { x.call.Cancel(errGivenUp) }) }

func (x *caller) deadline() time.Time { return x.until }
func (x *caller) pending() bool       { return false }
func (x *caller) queued() *bool       { return &x.in }

// String names it.
func (x *caller) String() string { return "call" }

// addrOf is where a broker is.
func addrOf(id int32) string { return fmt.Sprintf("broker%d:9092", id) }

// brokerAt is which broker is at an address.
func brokerAt(addr string) (id int32) {
	fmt.Sscanf(addr, "broker%d:9092", &id)
	return id
}

// putSize corrects the size of a frame that begins at a place.
func putSize(frame []byte, start int) {
	binary.BigEndian.PutUint32(frame[start:], uint32(len(frame)-start-4))
}
