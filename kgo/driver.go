package kgo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A driver takes a call from step to step, on the goroutine of who called. It serves one call
// after the other, as long as nothing of the last is under way when that returns.
type driver struct {
	client *Client
	call   route.Call
	live   []*shardRequest // under way
	asked  int             // questions to the cluster's cell without a reply
	first  shardRequest    // for one at a time
	timer  *time.Timer     // made when first needed

	// To decode answers with. The strings of small ones share pieces of memory.
	reader kbin.Reader
	header kmsg.ResponseHeader
	arena  kbin.Arena

	mu     sync.Mutex
	over   bool          // nobody waits any more
	mail   []any         // answers and replies that came meanwhile: a *shardRequest, or what was asked of the cluster
	read   []any         // the mail before, to be used again
	signal chan struct{} // has one element if there is mail
}

// drivers keeps drivers for the next calls. Its bound is maxIdle; those beyond are left to the
// garbage collector.
type drivers struct {
	mu   sync.Mutex
	idle []*driver
}

const maxIdle = 32

func (ds *drivers) get(c *Client) *driver {
	ds.mu.Lock()
	if n := len(ds.idle) - 1; n >= 0 {
		d := ds.idle[n]
		ds.idle[n], ds.idle = nil, ds.idle[:n]
		ds.mu.Unlock()
		return d
	}
	ds.mu.Unlock()
	d := &driver{client: c, signal: make(chan struct{}, 1)}
	d.reader.Lenient, d.reader.Arena = true, &d.arena
	d.first.driver = d
	return d
}

// put takes a driver back whose call is done, unless something of it is under way: a request that
// was cancelled may still be written, and a question may still be answered.
func (ds *drivers) put(d *driver) {
	if len(d.live) > 0 || d.asked > 0 || d.first.abandoned {
		return
	}
	d.call = route.Call{}
	d.reader.Reset(nil)
	d.mail, d.read = emptied(d.mail), emptied(d.read)
	d.over = false // nobody else knows of the driver now
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if len(ds.idle) < maxIdle {
		ds.idle = append(ds.idle, d)
	}
}

// emptied returns a slice for the next call, without what the last one left in it.
func emptied(mail []any) []any {
	if cap(mail) > maxIdle {
		return nil
	}
	clear(mail[:cap(mail)])
	return mail[:0]
}

// deliver hands over an answer or reply. It does not block.
func (d *driver) deliver(what any) {
	d.mu.Lock()
	d.mail = append(d.mail, what)
	d.mu.Unlock()
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// run takes all steps, and returns the answer and what failed.
func (d *driver) run(ctx context.Context) (kmsg.Response, []route.Failure) {
	deadline, bounded := ctx.Deadline()
	for {
		at := now()
		if d.asked > 0 && (ctx.Err() != nil || bounded && !at.Before(deadline) || !at.Before(d.call.Deadline())) {
			if err := d.client.meta.trouble(); err != nil {
				d.call.Blame(err)
			}
		}
		switch {
		case ctx.Err() != nil:
			d.call.Cancel(causeOf(ctx))
		case bounded && !at.Before(deadline): // the context will know in a moment
			d.call.Cancel(errTimeUp)
		}
		step := d.call.Next(at, d.client.meta.snapshot())
		switch step.Do {
		case route.Send:
			for _, s := range step.Shards {
				d.send(s)
			}
		case route.Need:
			need := step.Need
			need.Notify = func() { d.deliver(need) }
			d.asked++
			d.client.meta.post(need)
		case route.Find:
			find := step.Find
			find.Notify = func() { d.deliver(find) }
			d.asked++
			d.client.meta.post(find)
		case route.Tell:
			d.client.meta.post(step.Tell)
		case route.Abandon:
			d.abandon(step.Shards[0])
		case route.Wait:
			d.wait(ctx, step.Until)
		case route.Done:
			d.end()
			return step.Response, step.Failures
		}
		d.collect()
	}
}

// end leaves alone what nobody waits for any more.
func (d *driver) end() {
	if len(d.live) == 0 && d.asked == 0 {
		return
	}
	d.mu.Lock()
	d.over = true
	d.mu.Unlock()
	for _, r := range d.live {
		r.lane.conn.Cancel(&r.Request)
	}
}

// wait blocks until there is mail, until a time, or until the call is over.
//
// What is under way ends by itself when the client is closed, and requests at the deadline. Only
// other waiting needs to know of it.
func (d *driver) wait(ctx context.Context, until time.Time) {
	var alarm <-chan time.Time
	if len(d.live) == 0 || d.asked > 0 || until.Before(d.live[0].Deadline) {
		if d.timer == nil {
			d.timer = time.NewTimer(time.Until(until))
		} else {
			d.timer.Reset(time.Until(until))
		}
		alarm = d.timer.C
		defer d.timer.Stop()
	}
	var closed <-chan struct{}
	if len(d.live) == 0 && d.asked == 0 {
		closed = d.client.closed
	}
	select {
	case <-d.signal:
	case <-alarm:
	case <-ctx.Done():
	case <-closed:
		d.call.Cancel(ErrClosed)
	}
}

// collect tells the call what came.
func (d *driver) collect() {
	d.mu.Lock()
	mail := d.mail
	d.mail, d.read = d.read[:0], mail
	d.mu.Unlock()
	for _, m := range mail {
		switch m := m.(type) {
		case *shardRequest:
			d.answered(m)
		case *cluster.Need:
			d.asked--
			d.call.Told(now(), m)
		case *cluster.NeedCoordinators:
			d.asked--
			d.call.Found(now(), m)
		}
	}
}

// A shardRequest is a shard on its way.
type shardRequest struct {
	link.Request
	driver *driver
	busy   bool // it is under way
	shard  *route.Shard
	lane   *lane
	sent   kmsg.Request // in the shape of its version
	// abandoned says that nobody waits for it though the call goes on. It is not used again.
	// It changes under the driver's lock.
	abandoned bool
}

// Encode writes the request in the shape of a version.
func (r *shardRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	r.driver.mu.Lock() // nobody looks at the user's request once Do has returned
	defer r.driver.mu.Unlock()
	if r.driver.over || r.abandoned {
		return dst, nil, context.Canceled
	}
	req, err := r.shard.Prepare(version)
	if err != nil {
		return dst, nil, err
	}
	r.sent = req
	dst, err = link.AppendRequest(dst, h, req)
	return dst, nil, err
}

// Done hands the answer to who waits for it.
func (r *shardRequest) Done(*link.Request) { r.driver.deliver(r) }

// request returns memory for a request: the driver's own, or new.
func (d *driver) request() *shardRequest {
	if d.first.busy || d.first.abandoned {
		return &shardRequest{driver: d}
	}
	return &d.first
}

func (d *driver) send(s *route.Shard) {
	var p *peer
	if s.Broker == route.Any {
		p = d.client.peers.any(s.Avoid)
		s.Broker = p.info.ID
	} else {
		p = d.client.peers.known(s.Broker)
	}
	if p == nil {
		d.call.Answered(now(), s, nil, &route.Loss{Err: fmt.Errorf("broker %d: %w", s.Broker, errLeft), Kind: route.LostConnection})
		return
	}
	r := d.request()
	r.busy, r.shard, r.sent = true, s, nil
	r.Key, r.Min, r.Max = s.API, s.Min, s.Max
	r.Body, r.To = r, r
	r.Deadline, r.NoAnswer, r.Expect = s.Deadline, s.NoAnswer, s.Expect
	r.Timeout = s.Timeout
	r.lane = p.lane(s.Lane)
	d.live = append(d.live, r)
	r.lane.conn.Send(&r.Request)
}

// abandon gives up a request to a broker that is silent.
func (d *driver) abandon(s *route.Shard) {
	for _, r := range d.live {
		if r.shard == s {
			d.mu.Lock()
			r.abandoned = true
			d.mu.Unlock()
			r.lane.peer().silent.Store(true)
			r.lane.conn.Cancel(&r.Request)
		}
	}
}

// answered decodes an answer, or finds out why there is none.
func (d *driver) answered(r *shardRequest) {
	for i, l := range d.live {
		if l == r {
			last := len(d.live) - 1
			d.live[i], d.live[last] = d.live[last], nil
			d.live = d.live[:last]
			break
		}
	}
	d.client.requestEvent(&r.Request, r.lane)
	if r.Err == nil && !r.NoAnswer {
		r.lane.peer().heard()
	}
	switch {
	case r.abandoned: // the call knows
	case r.Err != nil:
		d.call.Answered(now(), r.shard, nil, d.client.lossOf(r))
	case r.NoAnswer:
		d.call.Answered(now(), r.shard, nil, nil)
	default:
		resp, err := d.decode(r)
		if err != nil {
			d.call.Answered(now(), r.shard, nil, &route.Loss{Err: err, Kind: route.LostForGood, Written: route.Yes})
			break
		}
		r.lane.throttled(&r.Request, r.shard.Throttle(resp))
		d.call.Answered(now(), r.shard, resp, nil)
	}
	r.Frame, r.shard, r.sent, r.lane, r.busy = nil, nil, nil, nil, false
}

// decode reads an answer, as leniently as almost-Kafka brokers need.
func (d *driver) decode(r *shardRequest) (kmsg.Response, error) {
	resp := r.sent.Response()
	if r.Key == kmsg.KeyAPIVersions { // which may come in another version
		_, err := kmsg.DecodeResponseLenient(r.Frame, resp)
		return resp, err
	}
	d.header.Version = kmsg.ResponseHeaderVersion(r.Key, r.Version)
	if own, ok := resp.(interface{ HeaderVersion() int16 }); ok {
		d.header.Version = own.HeaderVersion()
	}
	d.reader.Reset(r.Frame)
	if err := d.header.DecodeFrom(&d.reader); err != nil {
		return nil, err
	}
	return resp, resp.DecodeFrom(&d.reader)
}

// lossOf says what a failure of the connection means for a call.
func (c *Client) lossOf(r *shardRequest) *route.Loss {
	f := r.Err
	loss := &route.Loss{Err: locate(f, r.lane), Kind: route.LostConnection, Code: f.Code}
	if r.Written != link.WrittenNo {
		loss.Written = route.Maybe // its answer is not known
	}
	unsupported, lacks := errors.AsType[*link.UnsupportedError](f)
	switch {
	case lacks && f.Stage == link.StageEncode:
		loss.Kind = route.LostVersion
		loss.Err = newUnsupportedError(r.lane.peer(), unsupported)
	case forGood(f):
		loss.Kind = route.LostForGood
	case errors.Is(f, link.ErrTimeout):
		loss.Kind = route.LostTime
	}
	return loss
}

// forGood reports whether to try again is of no use after an error.
func forGood(err error) bool {
	if _, lacks := errors.AsType[*UnsupportedError](err); lacks || errors.Is(err, ErrClosed) {
		return true
	}
	f, ok := errors.AsType[*link.Failure](err)
	if !ok {
		return false
	}
	switch f.Stage {
	case link.StageEncode:
		return true
	case link.StageTLS:
		return isCertificate(f)
	case link.StageAuth:
		_, lacks := errors.AsType[*link.UnsupportedError](f)
		return f.Code != kmsg.None && !route.Meaning(f.Code).Is(route.Retriable) || lacks ||
			errors.Is(f, sasl.ErrRefused) || errors.Is(f, sasl.ErrImpostor) || errors.Is(f, sasl.ErrTLSRequired)
	}
	return false
}

// refusesUs reports whether a broker has said that it does not accept the credentials. Other brokers
// of the cluster have the same ones.
func refusesUs(err error) bool {
	f, ok := errors.AsType[*link.Failure](err)
	return ok && f.Stage == link.StageAuth && (f.Code == kmsg.SASLAuthenticationFailed || errors.Is(f, sasl.ErrRefused))
}

// A located failure is one of the connection to an address. Seeds have nothing else to be named
// by, and a broker may be forgotten, or be elsewhere, by now.
type located struct {
	*link.Failure
	broker int32 // -1 of a seed
	addr   string
}

// Unwrap returns the failure.
func (e *located) Unwrap() error { return e.Failure }

func locate(f *link.Failure, l *lane) error {
	info := l.peer().info
	return &located{f, info.ID, info.Addr}
}
