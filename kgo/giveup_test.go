package kgo_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

var errUnplugged = errors.New("the cable is unplugged")

// Whose time is up before the client has given up hears what it last failed by, or what it waits for.
func TestGivingUpTellsWhy(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, test := range []struct {
		name  string
		opts  func(s *stage) []kgo.ClientOption
		after func(s *stage)
		cause error
		says  string
		hint  string
		addr  string
	}{
		{
			name: "dialing has no end",
			opts: func(*stage) []kgo.ClientOption { return []kgo.ClientOption{kgo.Dialer(hang)} },
			says: "dialing: not done after", hint: "firewall", addr: "broker",
		},
		{
			name: "dialing fails, and then has no end",
			opts: func(s *stage) []kgo.ClientOption {
				first := true
				return []kgo.ClientOption{kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
					if first {
						first = false
						return nil, errUnplugged
					}
					return hang(ctx, network, addr)
				})}
			},
			cause: errUnplugged, says: "dialing: ", addr: "broker",
		},
		{
			name:  "brokers that say nothing",
			opts:  func(s *stage) []kgo.ClientOption { return nil },
			after: func(s *stage) { s.Fault(ktest.OnAny(), ktest.Stall()) },
			says:  "negotiating versions: ", addr: "broker",
		},
		{
			name:  "brokers that do not answer to Metadata",
			opts:  func(s *stage) []kgo.ClientOption { return nil },
			after: func(s *stage) { s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Stall()) },
			says:  "waiting for the answer: not done after", addr: "broker",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 1)}, func(s *stage) {
				for what, call := range map[string]func(context.Context, *kgo.Client) error{
					"Ping":            func(ctx context.Context, c *kgo.Client) error { return c.Ping(ctx) },
					"RefreshMetadata": func(ctx context.Context, c *kgo.Client) error { return c.RefreshMetadata(ctx, "orders") },
					"ListOffsets": func(ctx context.Context, c *kgo.Client) error {
						_, err := kgo.Do(ctx, c, offsetsRequest("orders", 0))
						return err
					},
					"ListGroups": func(ctx context.Context, c *kgo.Client) error {
						_, err := kgo.Do(ctx, c, kmsg.NewListGroupsRequest())
						return err
					},
				} {
					bounds := map[string]struct {
						opts  []kgo.ClientOption
						bound func() (context.Context, context.CancelFunc)
						is    error
					}{
						"deadline": {bound: func() (context.Context, context.CancelFunc) {
							return context.WithTimeout(context.Background(), 2500*time.Millisecond)
						}, is: context.DeadlineExceeded},
						"CallTimeout": {bound: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }, is: context.DeadlineExceeded, opts: []kgo.ClientOption{kgo.CallTimeout(2500 * time.Millisecond)}},
						"cancellation": {bound: func() (context.Context, context.CancelFunc) {
							ctx, cancel := context.WithCancel(context.Background())
							time.AfterFunc(2500*time.Millisecond, cancel)
							return ctx, cancel
						}, is: context.Canceled},
					}
					for why, b := range bounds {
						if test.after != nil {
							test.after(s)
						}
						s.with(append(test.opts(s), b.opts...), func(c *kgo.Client) {
							ctx, cancel := b.bound()
							defer cancel()
							err := call(ctx, c)
							var e *kgo.Error
							switch {
							case !errors.As(err, &e), !errors.Is(err, b.is), test.cause != nil && !errors.Is(err, test.cause):
								t.Errorf("%s, %s: got %v, want %v and %v", what, why, err, b.is, test.cause)
							case !strings.Contains(e.Error(), test.says), !strings.Contains(e.Hint, test.hint), !strings.HasPrefix(e.Addr, test.addr):
								t.Errorf("%s, %s: got %v, at %q, want to hear of %q", what, why, err, e.Addr, test.says)
							}
							if b.is == context.Canceled && errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("%s: got %v, want that it was cancelled", what, err)
							}
						})
					}
				}
			})
		})
	}
}
