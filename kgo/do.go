package kgo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A DoOption is for [Do] and [Client.Request].
type DoOption interface{ applyDo(*route.Options) }

type doOption func(*route.Options)

func (o doOption) applyDo(r *route.Options) { o(r) }

// AtVersion sends the request at that version and no other, unstable ones included. A broker that
// does not serve it is an [*UnsupportedError].
func AtVersion(v int16) DoOption {
	return doOption(func(o *route.Options) { o.Pinned, o.Version = true, v })
}

// atLeast keeps the request from being sent at a lower version.
func atLeast(v int16) DoOption {
	return doOption(func(o *route.Options) { o.AtLeast = v })
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
// The request is not written to, and may be shared between calls, but must not be changed before
// they return. What belongs to several brokers (partitions, groups, all brokers of the cluster)
// is split, and the answers are merged into one, which carries the lowest version that was used.
// Topics get their ids and names where the version wants them. What fails in a way that may pass
// is tried again, if it is safe.
//
// The error joins an *[Error] for each part that failed; the answer is not nil then, and has the
// failed parts with their codes beside those that succeeded, unless nothing at all was learned. A
// code in the answer is an error too, so that a nil error means success.
//
// The answer is the caller's. Bytes in it, like records, are views of what was received.
func Do[R kmsg.Response](ctx context.Context, c *Client, req kmsg.RequestFor[R], opts ...DoOption) (R, error) {
	resp, err := c.Request(ctx, req, opts...)
	r, ok := resp.(R)
	if !ok && resp != nil {
		panic(fmt.Sprintf("kgo: the answer to %v is a %T", req.APIKey(), resp))
	}
	return r, err
}

var errNoRequest = errors.New("the request is nil")

// Request is [Do] for those who do not know which request they have, proxies for example.
func (c *Client) Request(ctx context.Context, req kmsg.Request, opts ...DoOption) (kmsg.Response, error) {
	if isNil(req) {
		return nil, &Error{Op: "request", API: -1, Version: -1, Broker: -1, Partition: -1, Err: errNoRequest}
	}
	o := route.Options{Seed: rand.Uint64(), Once: c.config.once}
	for _, opt := range opts {
		if opt != nil {
			opt.applyDo(&o)
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		o.Deadline = deadline
	}
	if err := c.refusal(ctx, &o); err != nil {
		return nil, &Error{Op: req.APIKey().String(), API: req.APIKey(), Version: -1, Broker: -1, Partition: -1, Err: err}
	}
	d := c.drivers.get(c)
	c.router.Begin(&d.call, now(), req, o)
	resp, failures := d.run(ctx)
	err := c.errorsOf(req.APIKey(), failures)
	c.drivers.put(d)
	return resp, err
}

// refusal says why a request is not begun, nil if it is.
func (c *Client) refusal(ctx context.Context, o *route.Options) error {
	select {
	case <-c.closed:
		return ErrClosed
	default:
	}
	if ctx.Err() != nil {
		return causeOf(ctx)
	}
	if o.Aimed && o.Broker < 0 {
		return &route.UnknownBrokerError{Broker: o.Broker}
	}
	return nil
}

// causeOf is why a context ended: both what contexts say of it and what the user said.
func causeOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	same := cause == err
	if err == context.DeadlineExceeded {
		err = errTimeUp
	}
	if same {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// errTimeUp is [context.DeadlineExceeded] in the words of requests and calls whose time is up: it is
// left to chance which of them notices first.
var errTimeUp error = timeUp{}

type timeUp struct{}

func (timeUp) Error() string { return link.ErrTimeout.Error() }
func (timeUp) Unwrap() error { return context.DeadlineExceeded }

// A Broker is one broker, for requests at a low level. See [Client.Broker].
type Broker struct {
	client *Client
	id     int32
}

// Broker returns the broker with the id, for requests that are sent as they are: to it and no
// other, at req.Version, once. Whether there is such a broker is found out then.
func (c *Client) Broker(id int32) *Broker { return &Broker{c, id} }

// Request sends a request and returns the answer. It blocks like [Do], and the request and the
// answer belong to the caller as there. Codes in the answer are no error here.
func (b *Broker) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	version := int16(-1)
	if !isNil(req) {
		version = req.APIVersion()
	}
	resp, err := b.client.Request(ctx, req, ToBroker(b.id), AtVersion(version), WithoutRetry())
	if resp != nil {
		return resp, nil // an error would be of a code
	}
	return nil, err
}

// ErrUnknownBroker says that the cluster has no broker with that id, or not now.
var ErrUnknownBroker = route.ErrUnknownBroker

// isNil reports whether an interface has nothing, or a pointer to nothing.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// bounded gives a context the time of a call if it has no deadline.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.config.callTimeout, errCallTimeout)
}

var errCallTimeout = errors.New("no answer within CallTimeout")

// now is the time; tests in a bubble of testing/synctest have their own.
func now() time.Time { return time.Now() }
