package kgo_test

import (
	"context"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Who says in which rack it is reads from the replica there, as long as that is up, and from the leader
// else; nothing is read twice or left out by going from one to the other (KIP-392).
func TestConsumeClosestReplica(t *testing.T) {
	opts := []ktest.Option{ktest.Brokers(3), ktest.Racks("a", "b", "c"), ktest.SeedTopic("orders", 1, ktest.Replicas(3)),
		ktest.Property("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector")}
	onStage(t, opts, func(s *stage) {
		s.fill("orders", 1, 1000)
		leader := s.Partitions("orders")[0].Leader
		other := leader%3 + 1
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.Rack(string(rune('a'+other-1))), kgo.RecheckReplica(time.Minute))
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			l := &tally{s: s}
			read := func(n int) {
				for r, err := range o.Records(ctx) {
					if err != nil {
						t.Fatal(err)
					}
					if l.take(r); l.n == n {
						return
					}
				}
			}
			counts := func() (atLeader, atOther int) {
				return s.Requests(kmsg.KeyFetch, leader), s.Requests(kmsg.KeyFetch, other)
			}
			read(1000)
			before, _ := counts()
			time.Sleep(5 * time.Minute)
			atLeader, atOther := counts()
			if atLeader-before > 20 || atOther < 400 {
				t.Errorf("in five minutes the leader got %d requests, the closest replica %d in all", atLeader-before, atOther)
			}
			s.fillMore("orders", 1000, 10)
			read(1010)
			s.Kill(other)
			s.fillMore("orders", 1010, 10)
			read(1020)
			if err := s.Start(other); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Minute)
			_, before = counts()
			time.Sleep(5 * time.Minute)
			if _, atOther := counts(); atOther-before < 400 {
				t.Errorf("the closest replica is not gone back to: it got %d requests in five minutes", atOther-before)
			}
			s.fillMore("orders", 1020, 10)
			read(1030)
		})
	})
}

// fillMore appends n records to the first partition of a topic, which has from.
func (s *stage) fillMore(topic string, from, n int) {
	s.Helper()
	for at := from; at < from+n; at++ {
		if _, err := s.Produce(topic, 0, ktest.Record{Value: seedValue(0, at)}); err != nil {
			s.Fatal(err)
		}
	}
}

// A consumer has two connections to a broker for fetching, and a session on each that it uses.
func TestConsumeLanes(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(1), ktest.SeedTopic("orders", 8)}, func(s *stage) {
		s.fill("orders", 8, 2000)
		s.with([]kgo.ClientOption{kgo.ClientID("fetcher")}, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.FetchPartitionBytes(10_000))
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			n := 0
			for _, err := range o.Records(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 16000 {
					break
				}
			}
			time.Sleep(time.Minute)
			if open := len(s.Connections()); open > 3 {
				t.Errorf("there are %d connections", open)
			}
			// Idle: one long poll, which holds nothing up.
			before := s.Requests(kmsg.KeyFetch)
			time.Sleep(time.Minute)
			if got := s.Requests(kmsg.KeyFetch) - before; got > 125 {
				t.Errorf("an idle consumer makes %d requests a minute", got)
			}
			begin := time.Now()
			s.fillMore("orders", 2000, 1)
			for r, err := range o.Records(ctx) {
				if err != nil || r.Offset != 2000 {
					t.Fatal(r, err)
				}
				break
			}
			if took := time.Since(begin); took > 10*time.Millisecond {
				t.Errorf("a record took %v", took)
			}
		})
	})
}
