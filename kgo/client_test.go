package kgo_test

import (
	"context"
	"errors"
	"math"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A stage is a cluster in memory, in a bubble, with clients of which nothing may be left.
type stage struct {
	*testing.T
	*ktest.Cluster
}

// onStage runs a test with a cluster, in virtual time. In the end clients have to be closed, and
// nothing of them may be left.
func onStage(t *testing.T, opts []ktest.Option, test func(s *stage)) {
	t.Helper()
	onStageWith(t, func(*testing.T) []ktest.Option { return opts }, test)
}

// onStageWith is onStage with options that are made in the bubble.
func onStageWith(t *testing.T, opts func(*testing.T) []ktest.Option, test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, Cluster: ktest.NewCluster(t, opts(t)...)}
		test(s)
		s.bare()
	})
}

// bare checks that nothing of clients is left: no goroutine and no connection.
func (s *stage) bare() {
	s.Helper()
	synctest.Wait()
	for _, g := range clientGoroutines() {
		s.Errorf("a goroutine is left: %s", g)
	}
	if open := s.Connections(); len(open) > 0 {
		s.Errorf("connections are left: %v", open)
	}
}

// clientGoroutines returns the stacks of goroutines that work for a client.
func clientGoroutines() (all []string) {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "franzi/kgo.") || strings.Contains(g, "franzi/kgo/internal/conn.") || strings.Contains(g, "franzi/kgo/internal/loop.") {
			all = append(all, g)
		}
	}
	return all
}

// client makes a client of the cluster. The test closes it.
func (s *stage) client(opts ...kgo.ClientOption) *kgo.Client {
	s.Helper()
	c, err := kgo.NewClient(append([]kgo.ClientOption{kgo.SeedBrokers(s.Addrs()...), kgo.Dialer(s.DialContext)}, opts...)...)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// with runs a test with a client, and closes it.
func (s *stage) with(opts []kgo.ClientOption, test func(c *kgo.Client)) {
	s.Helper()
	c := s.client(opts...)
	defer s.end(c)
	test(c)
}

func (s *stage) end(c *kgo.Client) {
	s.Helper()
	if err := c.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
}

// topicsRequest asks for the metadata of topics.
func topicsRequest(names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewMetadataRequest()
	req.AllowAutoTopicCreation = false
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range names {
		req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Name: kbin.Str(name)})
	}
	return req
}

// offsetsRequest asks for the last offset of partitions of a topic.
func offsetsRequest(topic string, partitions ...int32) *kmsg.ListOffsetsRequest {
	req := kmsg.NewListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Name = topic
	for _, n := range partitions {
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex, p.Timestamp = n, kmsg.TimestampLatest
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

// A client that nobody uses does nothing: making it connects to nobody.
func TestNewClientDoesNothing(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		dialed := 0
		c := s.client(kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed++
			return s.DialContext(ctx, network, addr)
		}))
		time.Sleep(time.Hour)
		if dialed > 0 {
			t.Errorf("it dialed %d times", dialed)
		}
		if n := len(clientGoroutines()); n > 0 {
			t.Errorf("it has %d goroutines", n)
		}
		s.end(c)
	})
}

// Every mistake is told, all at once.
func TestOptionsAreChecked(t *testing.T) {
	_, err := kgo.NewClient(
		kgo.SeedBrokers("one:9092", ":9092", "a:b:c"),
		kgo.DialTimeout(0),
		kgo.RequestTimeout(-time.Second),
		kgo.CallTimeout(0),
		kgo.Retries(-1),
		kgo.Backoff(time.Second, time.Millisecond),
		kgo.IdleTimeout(0),
		kgo.MetadataMaxAge(0),
		kgo.RebootstrapAfter(0),
		kgo.MaxFrameBytes(10),
		kgo.MaxVersions("0.1"),
		kgo.ClientID(strings.Repeat("x", 1<<15)),
		kgo.SASL(&sasl.Plain{Credentials: sasl.Password("alice", "secret")}),
		nil, // an option that is not there is none
	)
	for _, want := range []string{
		`":9092"`, `"a:b:c"`, "DialTimeout", "RequestTimeout", "CallTimeout", "Retries", "Backoff", "IdleTimeout",
		"MetadataMaxAge", "RebootstrapAfter", "MaxFrameBytes", "MaxVersions", "ClientID", "SASL",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to tell of %s", err, want)
		}
	}
	if !errors.Is(err, sasl.ErrTLSRequired) {
		t.Errorf("got %v, want what the mechanism says in it", err)
	}
	beyond := math.MaxInt32
	beyond++ // where int is an int32, it is negative now, and as wrong
	for _, test := range []struct {
		name string
		opts []kgo.ClientOption
		want string // in the error, "" for none
	}{
		{"nothing", nil, "SeedBrokers"},
		{"no addresses", []kgo.ClientOption{kgo.SeedBrokers()}, "SeedBrokers"},
		{"no mechanism", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.SASL(nil)}, "SASL"},
		{"no mechanism of a type", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.SASL((*sasl.Plain)(nil))}, "SASL"},
		{"a client id of no text", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.ClientID("\xff")}, "ClientID"},
		{"no port", []kgo.ClientOption{kgo.SeedBrokers("a")}, ""},
		{"several in one", []kgo.ClientOption{kgo.SeedBrokers("a:1, b:2,c")}, ""},
		{"an IPv6 address", []kgo.ClientOption{kgo.SeedBrokers("::1", "[::1]", "[::1]:9092")}, ""},
		{"a port that is none", []kgo.ClientOption{kgo.SeedBrokers("a:x")}, `"a:x"`},
		{"a port too high", []kgo.ClientOption{kgo.SeedBrokers("a:65536")}, `"a:65536"`},
		{"a URL", []kgo.ClientOption{kgo.SeedBrokers("kafka://a:9092")}, `"kafka://a:9092"`},
		{"retries", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.Retries(0)}, ""},
		{"no idle timeout", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.IdleTimeout(-1)}, ""},
		{"frames beyond the protocol", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.MaxFrameBytes(beyond)}, "MaxFrameBytes"},
		{"TLS of Go", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.TLS(nil)}, ""},
		{"a password over TLS", []kgo.ClientOption{kgo.SeedBrokers("a"), kgo.TLS(nil), kgo.SASL(&sasl.Plain{Credentials: sasl.Password("a", "b")})}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := kgo.NewClient(test.opts...)
			switch {
			case err == nil && test.want == "":
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			case err == nil || test.want == "" || !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// Closing ends what is under way at once, however often and from how many sides it is done.
func TestClose(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 3)}, func(s *stage) {
		s.Fault(ktest.On(kmsg.KeyListOffsets), ktest.Stall())
		c := s.client()
		var calls sync.WaitGroup
		start := time.Now()
		for n := range int32(3) {
			calls.Go(func() {
				_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", n))
				wantClosed(t, err)
				if e, ok := errors.AsType[*kgo.Error](err); !ok || e.Retriable {
					t.Errorf("got %+v, want an error that cannot pass", e)
				}
			})
		}
		time.Sleep(time.Second)
		for range 3 {
			calls.Go(func() {
				if err := c.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		calls.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("closing took %v, want no time", took-time.Second)
		}
		s.bare()
		if err := c.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
		if err := c.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown after Close: %v", err)
		}
		wantClosed(t, c.Ping(context.Background()))
		wantClosed(t, c.RefreshMetadata(context.Background(), "orders"))
		_, err := kgo.Do(context.Background(), c, topicsRequest("orders"))
		wantClosed(t, err)
		_, err = c.Broker(1).Request(context.Background(), topicsRequest("orders"))
		wantClosed(t, err)
		wantClosed(t, c.UpdateSeeds("other:9092"))
		if got := len(c.Metadata().Brokers()); got != 3 {
			t.Errorf("got %d brokers, want those that were known", got)
		}
		if _, err := c.NewProducer(); !errors.Is(err, kgo.ErrClosed) {
			t.Errorf("NewProducer: got %v, want ErrClosed", err)
		}
	})
}

func wantClosed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, kgo.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// A client that was never used is closed as well, and one whose brokers do not answer.
func TestCloseUnused(t *testing.T) {
	onStage(t, nil, func(s *stage) { s.end(s.client()) })
	onStage(t, nil, func(s *stage) {
		c := s.client()
		s.Pause(1)
		go c.Ping(context.Background())
		time.Sleep(time.Second)
		s.end(c)
		s.Continue(1) // so that the cluster sees the end of connections
	})
}

// A dialer that does not obey its context holds Shutdown up only as long as the caller wants.
func TestShutdownIsBounded(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		release := make(chan struct{})
		c := s.client(kgo.Dialer(func(context.Context, string, string) (net.Conn, error) {
			<-release
			return nil, errors.New("too late")
		}))
		go c.Ping(context.Background())
		time.Sleep(time.Second)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v, want the deadline after a minute", err, time.Since(start))
		}
		start = time.Now()
		if err := c.Close(); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 30*time.Second {
			t.Errorf("got %v after %v, want the deadline after 30 s", err, time.Since(start))
		}
		close(release)
		s.end(c)
	})
}

// Whatever a call waits for, it ends at once when its context does, and when the client is closed,
// and leaves nothing.
func TestCancelAtEachStep(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(s *stage)
		dial func(s *stage) kgo.ClientOption
	}{
		{name: "dialing", dial: func(*stage) kgo.ClientOption {
			return kgo.Dialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		}},
		{name: "versions", do: func(s *stage) { s.Fault(ktest.On(kmsg.KeyAPIVersions), ktest.Stall()) }},
		{name: "metadata", do: func(s *stage) { s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Stall()) }},
		{name: "pause", do: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyListOffsets).AnyTopic(), ktest.Answer(kmsg.LeaderNotAvailable))
		}},
		{name: "refused connections", do: func(s *stage) { s.Kill(1) }},
		{name: "answer", do: func(s *stage) { s.Fault(ktest.On(kmsg.KeyListOffsets), ktest.Stall()) }},
		{name: "part of an answer", do: func(s *stage) { s.Fault(ktest.On(kmsg.KeyListOffsets), ktest.Trickle(time.Minute)) }},
		{name: "coordinator", do: func(s *stage) { s.Fault(ktest.On(kmsg.KeyFindCoordinator), ktest.Stall()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, how := range []string{"cancel", "deadline", "close"} {
				t.Run(how, func(t *testing.T) {
					onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
						if test.do != nil {
							test.do(s)
						}
						var opts []kgo.ClientOption
						if test.dial != nil {
							opts = append(opts, test.dial(s))
						}
						c := s.client(opts...)
						cancelOne(t, c, how, func(ctx context.Context) error {
							if test.name == "coordinator" {
								req := kmsg.NewHeartbeatRequest()
								req.GroupID = "billing"
								_, err := kgo.Do(ctx, c, req)
								return err
							}
							_, err := kgo.Do(ctx, c, offsetsRequest("orders", 0))
							return err
						})
						s.end(c)
					})
				})
			}
		})
	}
}

// cancelOne ends a call after three seconds, and checks how it ends.
func cancelOne(t *testing.T, c *kgo.Client, how string, call func(context.Context) error) {
	t.Helper()
	why := errors.New("bored")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	want := error(context.Canceled)
	const after = 3 * time.Second
	switch how {
	case "cancel":
		time.AfterFunc(after, func() { cancel(why) })
	case "deadline":
		bounded, free := context.WithTimeout(ctx, after)
		defer free()
		ctx, want = bounded, context.DeadlineExceeded
	case "close":
		time.AfterFunc(after, func() { c.Close() })
		want = kgo.ErrClosed
	}
	start := time.Now()
	err := call(ctx)
	took := time.Since(start)
	if how == "deadline" && took < after {
		took += 10 * time.Millisecond // requests end a moment before the call
	}
	if took != after {
		t.Errorf("it took %v, want %v: %v", took, after, err)
	}
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if how == "cancel" && !errors.Is(err, why) {
		t.Errorf("got %v, want the cause in it", err)
	}
	t.Log(err)
}
