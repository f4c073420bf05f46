package kgo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A DoOption is for [Do] and [Client.Request].
type DoOption interface{ applyDo(*route.Options) }

type doOption func(*route.Options)

func (o doOption) applyDo(r *route.Options) { o(r) }

// AtVersion sends the request at that version and no other, unstable ones included. A broker that
// does not serve it is an error.
func AtVersion(v int16) DoOption {
	return doOption(func(o *route.Options) { o.Pinned, o.Version = true, v })
}

// ToBroker sends the whole request to one broker instead of where it belongs.
func ToBroker(id int32) DoOption {
	return doOption(func(o *route.Options) { o.Aimed, o.Broker = true, id })
}

// WithoutRetry tries once only.
func WithoutRetry() DoOption {
	return doOption(func(o *route.Options) { o.Once = true })
}

// Do sends a request to the broker or brokers that it belongs to, and returns the answer. It
// blocks until then, or until ctx ends; without a deadline in ctx, for [CallTimeout] at most.
//
// The version is the highest that both sides speak: req.Version does not count, see [AtVersion].
// The request is not written to, and may be shared between calls. What belongs to several brokers
// (partitions, groups, all brokers of the cluster) is split, and the answers are merged into one,
// which carries the lowest version that was used. Topics get their ids and names where the
// version wants them. What fails in a way that may pass is tried again, if it is safe.
//
// The error joins an *[Error] for each part that failed; the answer is not nil then, and has the
// failed parts with their codes beside those that succeeded, unless nothing at all was learned. A
// code in the answer is an error too, so that a nil error means success.
func Do[R kmsg.Response](ctx context.Context, c *Client, req kmsg.RequestFor[R], opts ...DoOption) (R, error) {
	resp, err := c.Request(ctx, req, opts...)
	r, ok := resp.(R)
	if !ok && resp != nil {
		panic(fmt.Sprintf("kgo: the answer to %v is a %T", req.APIKey(), resp))
	}
	return r, err
}

// Request is [Do] for those who do not know which request they have, proxies for example.
func (c *Client) Request(ctx context.Context, req kmsg.Request, opts ...DoOption) (kmsg.Response, error) {
	o := route.Options{Seed: rand.Uint64()}
	for _, opt := range opts {
		if opt != nil {
			opt.applyDo(&o)
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		o.Deadline = deadline
	}
	select {
	case <-c.closed:
		return nil, &Error{Op: req.APIKey().String(), API: req.APIKey(), Broker: -1, Partition: -1, Err: ErrClosed}
	default:
	}
	d := &driver{client: c, call: c.router.Call(now(), req, o), signal: make(chan struct{}, 1)}
	return d.run(ctx, req.APIKey())
}

// A Broker is one broker, for requests at a low level. See [Client.Broker].
type Broker struct {
	client *Client
	id     int32
}

// Broker returns the broker with the id, for requests that are sent as they are: to it and no
// other, at req.Version, once. Whether there is such a broker is found out then.
func (c *Client) Broker(id int32) *Broker { return &Broker{c, id} }

// Request sends a request and returns the answer. Codes in the answer are no error here.
func (b *Broker) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	resp, err := b.client.Request(ctx, req, ToBroker(b.id), AtVersion(req.APIVersion()), WithoutRetry())
	if resp == nil {
		return nil, err
	}
	var e *Error
	if errors.As(err, &e) && e.Code == kmsg.None {
		return nil, err
	}
	return resp, nil
}

// A driver takes a call from step to step, on the goroutine of who called.
type driver struct {
	client *Client
	call   *route.Call
	live   []*shardRequest // under way

	mu     sync.Mutex
	over   bool          // nobody waits any more
	mail   []any         // answers and replies that came meanwhile: a *shardRequest, or what was asked of the cluster
	signal chan struct{} // has one element if there is mail
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

func (d *driver) run(ctx context.Context, api kmsg.APIKey) (kmsg.Response, error) {
	for {
		step := d.call.Next(now(), d.client.meta.snapshot())
		switch step.Do {
		case route.Send:
			for _, s := range step.Shards {
				d.send(s)
			}
		case route.Need:
			need := step.Need
			need.Notify = func() { d.deliver(need) }
			d.client.meta.post(need)
		case route.Find:
			find := step.Find
			find.Notify = func() { d.deliver(find) }
			d.client.meta.post(find)
		case route.Tell:
			d.client.meta.post(step.Tell)
		case route.Wait:
			d.wait(ctx, step.Until)
		case route.Done:
			d.mu.Lock()
			d.over = true
			d.mu.Unlock()
			for _, r := range d.live {
				r.lane.conn.Cancel(&r.Request)
			}
			return step.Response, d.client.errorsOf(api, step.Failures)
		}
		d.collect()
	}
}

// wait blocks until there is mail, until a time, or until the call is over.
func (d *driver) wait(ctx context.Context, until time.Time) {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-d.signal:
	case <-alarm:
	case <-ctx.Done():
		d.call.Cancel(context.Cause(ctx))
	case <-d.client.closed:
		d.call.Cancel(ErrClosed)
	}
}

// collect tells the call what came.
func (d *driver) collect() {
	d.mu.Lock()
	mail := d.mail
	d.mail = nil
	d.mu.Unlock()
	for _, m := range mail {
		switch m := m.(type) {
		case *shardRequest:
			d.answered(m)
		case *cluster.Need:
			d.call.Told(now(), m)
		case *cluster.NeedCoordinators:
			d.call.Found(now(), m)
		}
	}
}

// A shardRequest is a shard on its way.
type shardRequest struct {
	link.Request
	driver *driver
	shard  *route.Shard
	lane   *lane
	sent   kmsg.Request // in the shape of its version
}

// Encode writes the request in the shape of a version.
func (r *shardRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	r.driver.mu.Lock() // nobody looks at the user's request once Do has returned
	defer r.driver.mu.Unlock()
	if r.driver.over {
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

func (d *driver) send(s *route.Shard) {
	r := &shardRequest{driver: d, shard: s}
	r.Key, r.Min, r.Max = s.API, s.Min, s.Max
	r.Body, r.To = r, r
	r.Deadline, r.NoAnswer, r.Expect = s.Deadline, s.NoAnswer, s.Expect
	r.Timeout = s.Timeout
	var p *peer
	if s.Broker == route.Any {
		p = d.client.peers.any(s.Avoid, d.client.meta.seeds())
		s.Broker = p.info.ID
	} else {
		p = d.client.peers.get(s.Broker, "")
	}
	if p == nil {
		d.call.Answered(now(), s, nil, &route.Loss{Err: fmt.Errorf("broker %d: %w", s.Broker, errLeft), Kind: route.LostConnection})
		return
	}
	r.lane = p.lane(s.Lane)
	d.live = append(d.live, r)
	r.lane.conn.Send(&r.Request)
}

// answered decodes an answer, or finds out why there is none.
func (d *driver) answered(r *shardRequest) {
	for i, l := range d.live {
		if l == r {
			d.live = append(d.live[:i], d.live[i+1:]...)
			break
		}
	}
	d.client.requestEvent(&r.Request, r.lane)
	switch {
	case r.Err != nil:
		d.call.Answered(now(), r.shard, nil, d.client.lossOf(r))
		return
	case r.NoAnswer:
		d.call.Answered(now(), r.shard, nil, nil)
		return
	}
	resp := r.sent.Response()
	if _, err := kmsg.DecodeResponseLenient(r.Frame, resp); err != nil {
		d.call.Answered(now(), r.shard, nil, &route.Loss{Err: err, Kind: route.LostForGood, Written: route.Yes})
		return
	}
	r.lane.throttled(&r.Request, resp)
	d.call.Answered(now(), r.shard, resp, nil)
}

// lossOf says what a failure of the connection means for a call.
func (c *Client) lossOf(r *shardRequest) *route.Loss {
	f := r.Err
	loss := &route.Loss{Err: f, Kind: route.LostConnection, Code: f.Code}
	switch r.Written {
	case link.WrittenMaybe:
		loss.Written = route.Maybe
	case link.WrittenYes:
		loss.Written = route.Maybe // its answer is not known
	}
	var unsupported *link.UnsupportedError
	switch {
	case errors.As(f, &unsupported):
		loss.Kind = route.LostVersion
		loss.Err = &route.UnsupportedError{
			API:     unsupported.Key,
			Broker:  r.shard.Broker,
			Need:    kmsg.VersionRange{Key: unsupported.Key, Min: unsupported.Min, Max: unsupported.Max},
			Offered: unsupported.Broker,
			HasNone: !unsupported.HasBroker,
		}
	case f.Stage == link.StageEncode, errors.Is(f, link.ErrClosed) && errors.Is(f, ErrClosed):
		loss.Kind = route.LostForGood
	case f.Stage == link.StageAuth && f.Code != kmsg.None, f.Stage == link.StageTLS && isCertificate(f):
		loss.Kind = route.LostForGood
	case errors.Is(f, link.ErrTimeout):
		loss.Kind = route.LostTime
	}
	return loss
}
