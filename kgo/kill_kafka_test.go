//go:build kafka && unix

package kgo_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// survivors is a cluster of three brokers of which one fails, and a client that is in use all the
// time.
type survivors struct {
	*testing.T
	cluster *kafkatest.Cluster
	client  *kgo.Client // in use
	watch   *kgo.Client // asks a broker what it says of leaders

	mu    sync.Mutex
	calls []watchedCall
}

// A watchedCall is one that was made while brokers fail.
type watchedCall struct {
	api        kmsg.APIKey
	start, end time.Time
	err        error
}

const survivingPartitions = 12

// One of three brokers is killed, and another one stands still for 20 seconds, while 100 requests a
// second run. No answer is wrong, and errors are of what only that broker could answer.
func TestKafkaBrokerFails(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true})
	s := &survivors{T: t, cluster: cluster, client: kafkaClient(t, cluster), watch: kafkaClient(t, cluster)}
	s.fill()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { s.use(ctx, &running) })

	killed, paused := cluster.Node(2), cluster.Node(3)
	s.phase("killed", killed, killed.Kill, func() {
		s.named(killed.ID())
		time.Sleep(6 * time.Second)
	})
	s.phase("started again", killed, func() error { return killed.Start(t.Context()) }, func() {
		time.Sleep(2 * time.Second)
	})
	s.phase("stands still", paused, paused.Pause, func() {
		at := time.Now()
		s.named(paused.ID())
		time.Sleep(20*time.Second - time.Since(at))
	})
	s.phase("goes on", paused, paused.Continue, func() { time.Sleep(2 * time.Second) })
}

// fill creates the topic, with one record more in each partition than in the one before: so many
// are its end from then on.
func (s *survivors) fill() {
	ctx := s.Context()
	if err := s.client.Admin().CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: survivingPartitions, ReplicationFactor: 3}); err != nil {
		s.Fatal(err)
	}
	p, err := s.client.NewProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	if err != nil {
		s.Fatal(err)
	}
	defer p.Close()
	for n := range int32(survivingPartitions) {
		for range n + 1 {
			if _, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Partition: n, Value: []byte("v")}); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// use makes 100 requests a second until the context ends.
func (s *survivors) use(ctx context.Context, running *sync.WaitGroup) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		running.Go(func() {
			c := watchedCall{start: time.Now()}
			if n%2 == 0 {
				c.api, c.err = kmsg.KeyListOffsets, s.offsets(ctx)
			} else {
				c.api, c.err = kmsg.KeyMetadata, s.topic(ctx)
			}
			if ctx.Err() != nil {
				return // of the test's end
			}
			c.end = time.Now()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls = append(s.calls, c)
		})
	}
}

// offsets asks for the ends of all partitions, and holds them against what they are.
func (s *survivors) offsets(ctx context.Context) error {
	all := make([]int32, survivingPartitions)
	for n := range all {
		all[n] = int32(n)
	}
	resp, err := kgo.Do(ctx, s.client, offsetsRequest("orders", all...))
	if ctx.Err() != nil {
		return nil
	}
	if resp == nil || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != survivingPartitions {
		s.Errorf("ListOffsets: got %+v, %v", resp, err)
		return err
	}
	for n, p := range resp.Topics[0].Partitions {
		if p.PartitionIndex != int32(n) || p.ErrorCode == kmsg.None && p.Offset != int64(n)+1 {
			s.Errorf("wrong answer: partition %d: %+v", n, p)
		}
	}
	return err
}

// topic asks for what every broker knows.
func (s *survivors) topic(ctx context.Context) error {
	resp, err := kgo.Do(ctx, s.client, topicsRequest("orders"))
	if err == nil && (len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != survivingPartitions) {
		s.Errorf("wrong answer: %+v", resp)
	}
	return err
}

// leads returns the partitions that a broker leads, as the first one says.
func (s *survivors) leads(id int32) []int32 {
	s.Helper()
	req := topicsRequest("orders")
	req.Version = 9
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	resp, err := s.watch.Broker(1).Request(ctx, req)
	if err != nil {
		s.Fatal(err)
	}
	all := []int32{}
	for _, p := range resp.(*kmsg.MetadataResponse).Topics[0].Partitions {
		if p.LeaderID == id {
			all = append(all, p.PartitionIndex)
		}
	}
	return all
}

// named waits until Kafka names other leaders of all that a broker leads.
func (s *survivors) named(id int32) {
	s.Helper()
	start := time.Now()
	for len(s.leads(id)) > 0 {
		if time.Since(start) > time.Minute {
			s.Fatal("no other leaders")
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Logf("other leaders are named after %v", time.Since(start).Round(time.Millisecond))
}

// phase lets something happen to a broker, and checks the calls from then on.
func (s *survivors) phase(what string, n *kafkatest.Node, happens func() error, lasts func()) {
	s.Helper()
	time.Sleep(time.Second)
	led := s.leads(n.ID())
	start := time.Now()
	if err := happens(); err != nil {
		s.Fatal(err)
	}
	s.Logf("broker %d, which leads %v, %s", n.ID(), led, what)
	lasts()
	end := time.Now()

	s.mu.Lock()
	defer s.mu.Unlock()
	var count, failed int
	slowest, last := map[kmsg.APIKey]time.Duration{}, map[kmsg.APIKey]time.Duration{}
	for _, c := range s.calls {
		if c.start.Before(start) && c.end.Before(start) || c.start.After(end) {
			continue
		}
		count++
		took := c.end.Sub(c.start)
		slowest[c.api] = max(slowest[c.api], took)
		if c.err != nil || took > 500*time.Millisecond {
			last[c.api] = max(last[c.api], c.start.Sub(start))
		}
		if c.err != nil {
			failed++
			s.blames(c, n.ID(), led)
		}
	}
	s.Logf("%s: %d calls, %d failed; the slowest Metadata took %v, ListOffsets %v; the last that failed or took more than 500 ms began after %v, %v", what, count, failed,
		slowest[kmsg.KeyMetadata].Round(time.Millisecond), slowest[kmsg.KeyListOffsets].Round(time.Millisecond), last[kmsg.KeyMetadata].Round(time.Millisecond), last[kmsg.KeyListOffsets].Round(time.Millisecond))
	if count < 50 {
		s.Errorf("%s: %d calls only", what, count)
	}
	s.calls = nil
}

// blames checks that a call failed for what only that broker could answer.
func (s *survivors) blames(c watchedCall, id int32, led []int32) {
	s.Helper()
	parts := []error{c.err}
	if all, ok := c.err.(interface{ Unwrap() []error }); ok && !isType[*kgo.Error](c.err) {
		parts = all.Unwrap()
	}
	for _, part := range parts {
		e, ok := part.(*kgo.Error)
		if !ok || e.Topic != "orders" || !slices.Contains(led, e.Partition) {
			s.Errorf("%v of broker %d's failure, which leads %v, failed after %v: %v", c.api, id, led, c.end.Sub(c.start), part)
		}
	}
}
