package kgo_test

import (
	"sync"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Whatever goes wrong, once or for a while, an idempotent producer loses, doubles and reorders
// nothing, and goes on soon after.
func TestProduceThroughFaults(t *testing.T) {
	produce := ktest.On(kmsg.KeyProduce)
	once := func(effects ...ktest.Effect) func(s *faulty) {
		return func(s *faulty) { s.fault(produce.Nth(5), effects...) }
	}
	often := func(effects ...ktest.Effect) func(s *faulty) {
		return func(s *faulty) { s.fault(produce.After(3).Times(6), effects...) }
	}
	// Later is what happens while records are under way.
	later := func(f func(s *faulty)) func(s *faulty) {
		return func(s *faulty) {
			time.Sleep(500 * time.Millisecond)
			f(s)
		}
	}
	for _, test := range []struct {
		name  string
		opts  []ktest.Option
		fault func(s *faulty)
		may   allowance
		live  time.Duration // 10 s if zero
	}{
		{name: "nothing", fault: func(*faulty) {}},
		{name: "cut before the request is served", fault: often(ktest.CutBefore())},
		{name: "cut after the request is served", fault: often(ktest.CutAfter()), may: allowance{offsets: true}},
		{name: "reset after the request is served", fault: often(ktest.CutAfter(), ktest.Reset()), may: allowance{offsets: true}},
		{name: "cut in the midst of the answer", fault: often(ktest.CutAnswer(0)), may: allowance{offsets: true}},
		{name: "one byte at a time", fault: often(ktest.Trickle(time.Millisecond))},
		{name: "no answer", fault: once(ktest.Stall()), live: time.Minute},
		{name: "late answers", fault: often(ktest.Delay(time.Second))},
		{name: "served late", fault: often(ktest.Hold(time.Second))},
		{name: "throttled", fault: often(ktest.Throttle(200 * time.Millisecond))},
		{name: "another request's answer", fault: once(ktest.WrongCorrelation(7)), may: allowance{offsets: true}},
		{name: "not the leader", fault: often(ktest.Answer(kmsg.NotLeaderOrFollower))},
		{name: "leader not available", fault: often(ktest.Answer(kmsg.LeaderNotAvailable))},
		{name: "unknown topic", fault: often(ktest.Answer(kmsg.UnknownTopicOrPartition))},
		{name: "unknown topic id", fault: often(ktest.Answer(kmsg.UnknownTopicID))},
		{name: "too few replicas", fault: often(ktest.Answer(kmsg.NotEnoughReplicas))},
		{name: "too few replicas, after it was appended", fault: often(ktest.AnswerAfter(kmsg.NotEnoughReplicasAfterAppend)), may: allowance{offsets: true}},
		{name: "timed out, though it was appended", fault: often(ktest.AnswerAfter(kmsg.RequestTimedOut)), may: allowance{offsets: true}},
		{name: "storage error", fault: often(ktest.Answer(kmsg.KafkaStorageError))},
		{name: "corrupt on the way", fault: once(ktest.Answer(kmsg.CorruptMessage))},
		{name: "out of order, said without reason", fault: once(ktest.Answer(kmsg.OutOfOrderSequenceNumber))},
		{name: "producer id unknown, said without reason", fault: once(ktest.Answer(kmsg.UnknownProducerID))},
		{name: "a partition left out", fault: often(ktest.LeaveOut("orders", 1)), may: allowance{offsets: true}},
		{name: "a partition twice", fault: often(ktest.Repeat("orders", 1))},
		{name: "a partition that was not asked for", fault: often(ktest.Invent("orders", 1))},
		{name: "no answer to metadata", fault: func(s *faulty) {
			s.fault(ktest.On(kmsg.KeyMetadata).Nth(2), ktest.Stall())
			s.fault(produce.Nth(5), ktest.Answer(kmsg.NotLeaderOrFollower))
		}, live: time.Minute},
		{name: "no producer id for a while", fault: func(s *faulty) {
			s.fault(ktest.On(kmsg.KeyInitProducerID).Times(4), ktest.Answer(kmsg.CoordinatorLoadInProgress))
		}},
		{name: "metadata knows no leader for a while", fault: func(s *faulty) {
			s.fault(ktest.On(kmsg.KeyMetadata).After(1).Times(5), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				topics := resp.(*kmsg.MetadataResponse).Topics
				for i := range topics {
					for j := range topics[i].Partitions {
						p := &topics[i].Partitions[j]
						p.LeaderID, p.ErrorCode = -1, kmsg.LeaderNotAvailable
					}
				}
			}))
			s.fault(produce.Nth(5), ktest.Answer(kmsg.NotLeaderOrFollower))
		}},
		{name: "metadata hides the topic for a while", fault: func(s *faulty) {
			s.fault(ktest.On(kmsg.KeyMetadata).After(1).Times(5), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				topics := resp.(*kmsg.MetadataResponse).Topics
				for i := range topics {
					topics[i].ErrorCode, topics[i].Partitions = kmsg.UnknownTopicOrPartition, nil
				}
			}))
			s.fault(produce.Nth(5), ktest.Answer(kmsg.NotLeaderOrFollower))
		}},
		{name: "a connection is cut twice when versions are asked for", fault: func(s *faulty) {
			// It looks like one to a broker of 0.9.
			s.fault(ktest.On(kmsg.KeyAPIVersions).Times(2), ktest.CutBefore())
		}, may: allowance{plain: true}, live: time.Minute},
		{name: "a producer id that is none", fault: func(s *faulty) {
			s.fault(ktest.On(kmsg.KeyInitProducerID).Times(2), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				resp.(*kmsg.InitProducerIDResponse).ProducerID = -1
			}))
		}},
		{name: "leaders move, told in the answers", fault: later(func(s *faulty) { moveAll(s) })},
		{name: "leaders move, not told", opts: []ktest.Option{ktest.NoLeaderHints()}, fault: later(func(s *faulty) { moveAll(s) })},
		{name: "leaders move while requests are under way", fault: func(s *faulty) {
			s.fault(produce.After(3).Times(3), ktest.ThenMoveLeader("orders", 1, 3), ktest.ThenMoveLeader("orders", 2, 1), ktest.Delay(300*time.Millisecond))
		}, may: allowance{offsets: true}},
		{name: "a broker is killed and comes back", fault: later(func(s *faulty) {
			s.Kill(1)
			time.Sleep(time.Second)
			s.start(1)
		}), may: allowance{offsets: true}, live: 30 * time.Second},
		{name: "each broker in turn", fault: later(func(s *faulty) {
			for id := range int32(3) {
				s.Stop(id + 1)
				time.Sleep(2 * time.Second)
				s.start(id + 1)
				time.Sleep(time.Second)
			}
		}), may: allowance{offsets: true}, live: 30 * time.Second},
		{name: "a broker halts for a while", fault: later(func(s *faulty) {
			s.Pause(2)
			time.Sleep(5 * time.Second)
			s.Continue(2)
		}), may: allowance{offsets: true}, live: 30 * time.Second},
		{name: "all connections are cut, again and again", fault: later(func(s *faulty) {
			for i := range 20 {
				s.CutConnections(int32(i%3)+1, i%2 == 0)
				time.Sleep(50 * time.Millisecond)
			}
		}), may: allowance{offsets: true}},
		{name: "the topic is made anew", fault: later(func(s *faulty) { s.RecreateTopic("orders") }), may: allowance{lost: true, offsets: true}},
		{name: "stale metadata from a broker", fault: later(func(s *faulty) {
			s.FreezeMetadata(1, true)
			moveAll(s)
			time.Sleep(time.Second)
			s.FreezeMetadata(1, false)
		}), live: 30 * time.Second},
		{name: "the topic grows", fault: later(func(s *faulty) { s.GrowTopic("orders", 6) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, append([]ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 4, ktest.Replicas(3))}, test.opts...), func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					p := s.producer(c)
					l := newLedger(s, "orders", 4)
					var fault sync.WaitGroup
					f := &faulty{stage: s}
					fault.Go(func() { test.fault(f) })
					time.Sleep(time.Millisecond)
					pause := 2 * time.Millisecond
					if test.may.plain {
						pause = 20 * time.Millisecond
					}
					for range 1000 {
						l.produce(p)
						time.Sleep(pause)
					}
					live := test.live
					if live == 0 {
						live = 10 * time.Second
					}
					fault.Wait()
					s.flush(p, live)
					if test.may.plain { // at first
						l.produce(p)
						s.flush(p, time.Second)
						if log := s.Log("orders", int32((len(l.entries)-1)%4)); log[len(log)-1].ProducerID < 0 {
							t.Error("DUP: the producer goes on without an id")
						}
					}
					l.check(test.may)
					for _, r := range f.rules {
						if r.Hits() == 0 {
							t.Error("a fault did not come to pass")
						}
					}
				})
			})
		})
	}
}

// A faulty is a stage where things go wrong.
type faulty struct {
	*stage
	rules []*ktest.Rule
}

func (s *faulty) fault(on ktest.Match, effects ...ktest.Effect) {
	s.rules = append(s.rules, s.Fault(on, effects...))
}

func (s *faulty) start(broker int32) {
	if err := s.Start(broker); err != nil {
		s.Error(err)
	}
}

// moveAll moves all leaders of orders to the next broker.
func moveAll(s *faulty) {
	for p, info := range s.Partitions("orders") {
		if err := s.MoveLeader("orders", int32(p), info.Leader%3+1); err != nil {
			s.Error(err)
		}
	}
}
