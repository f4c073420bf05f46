package kgo_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A faults is a stage on which brokers are down.
type faults struct {
	*stage
	down map[int32]bool
}

// Whatever goes wrong on the way, each record is shown once and in order, to whoever consumes in
// whatever way, and nothing is left of the client.
func TestConsumeFaults(t *testing.T) {
	for name, break_ := range map[string]func(*faults, *rand.Rand, int){
		"cut before": func(s *faults, _ *rand.Rand, _ int) { s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.CutBefore()) },
		"cut after":  func(s *faults, _ *rand.Rand, _ int) { s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.CutAfter()) },
		"cut answer": func(s *faults, _ *rand.Rand, _ int) { s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.CutAnswer(0)) },
		"reset answer": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.CutAnswer(100), ktest.Reset())
		},
		"stall": func(s *faults, _ *rand.Rand, _ int) { s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Stall()) },
		"throttle": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Throttle(time.Second))
		},
		"trickle": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Trickle(time.Millisecond))
		},
		"correlation": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.WrongCorrelation(1))
		},
		"session lost": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Answer(kmsg.FetchSessionIDNotFound))
		},
		"session epoch": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.AnswerAfter(kmsg.InvalidFetchSessionEpoch))
		},
		"session ids": func(s *faults, _ *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Answer(kmsg.FetchSessionTopicIDError))
		},
		"left out": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(2), ktest.LeaveOut("orders", r.Int32N(4)))
		},
		"twice": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(2), ktest.Repeat("orders", r.Int32N(4)))
		},
		"invented": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(2), ktest.Invent("orders", 77))
		},
		"not leader": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Partition("orders", r.Int32N(4)).Times(1), ktest.Answer(kmsg.NotLeaderOrFollower))
		},
		"storage": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Partition("orders", r.Int32N(4)).Times(1), ktest.Answer(kmsg.KafkaStorageError))
		},
		"unknown server error": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyFetch).Times(1), ktest.Answer(kmsg.RequestTimedOut))
		},
		"leader moves": func(s *faults, r *rand.Rand, _ int) { s.moveLeader(r) },
		"leader moves, no hints": func(s *faults, r *rand.Rand, _ int) {
			s.Fault(ktest.On(kmsg.KeyMetadata).Times(1), ktest.CutBefore())
			s.moveLeader(r)
		},
		"connections": func(s *faults, r *rand.Rand, _ int) { s.CutConnections(1+r.Int32N(3), r.IntN(2) == 0) },
		"kill": func(s *faults, r *rand.Rand, i int) {
			b := 1 + int32(i/2)%3
			s.down[b] = i%2 == 0
			if i%2 == 0 {
				s.Kill(b)
			} else if err := s.Start(b); err != nil {
				s.Error(err)
			}
		},
		"pause": func(s *faults, r *rand.Rand, i int) {
			b := 1 + int32(i/2)%3
			s.down[b] = i%2 == 0
			if i%2 == 0 {
				s.Pause(b)
			} else {
				s.Continue(b)
			}
		},
	} {
		for _, how := range []string{"records", "batches", "poll"} {
			t.Run(name+" "+how, func(t *testing.T) {
				opts := []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 4, ktest.Replicas(3))}
				onStage(t, opts, func(s *stage) {
					s.with(nil, func(c *kgo.Client) {
						f := &faults{s, map[int32]bool{}}
						f.consumeBroken(c, how, break_)
					})
				})
			})
		}
	}
}

func (s *faults) moveLeader(r *rand.Rand) {
	if err := s.MoveLeader("orders", r.Int32N(4), 1+r.Int32N(3)); err != nil {
		s.Logf("%v", err) // a broker that is not in sync
	}
}

// consumeBroken writes records while something goes wrong again and again, and reads all of them.
func (s *faults) consumeBroken(c *kgo.Client, how string, break_ func(*faults, *rand.Rand, int)) {
	const rounds, parts = 12, 4
	r := rand.New(rand.NewPCG(1, 2))
	wrote := make([]int, parts)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := s.consumer(c, kgo.Topics("orders"), kgo.FetchPartitionBytes(2000))
	done := make(chan int)
	total := make(chan int, 1)
	go func() {
		l := &tally{s: s.stage}
		want := -1
		s.each(ctx, o, how, func(rec *kgo.Record) bool {
			l.take(rec)
			select {
			case want = <-total:
			default:
			}
			return l.n != want
		})
		done <- l.n
	}()
	for i := range rounds {
		break_(s, r, i)
		for p := range int32(parts) {
			var records []ktest.Record
			for range 1 + r.IntN(100) {
				records = append(records, ktest.Record{Value: seedValue(p, wrote[p]+len(records))})
			}
			s.append("orders", p, records)
			wrote[p] += len(records)
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	}
	want := 1
	for _, n := range wrote {
		want += n
	}
	total <- want
	s.append("orders", 0, []ktest.Record{{Value: seedValue(0, wrote[0])}}) // the last one
	select {
	case got := <-done:
		if got != want {
			s.Errorf("got %d records, want %d", got, want)
		}
	case <-time.After(5 * time.Minute):
		s.Errorf("LIVE: not all records came: %+v", o.Partitions())
		cancel()
		<-done
	}
	if n := s.Requests(kmsg.KeyFetch); n > 20*rounds*parts+1000 {
		s.Errorf("LIVE: there were %d requests", n)
	}
}

// append appends records to a partition when all of its replicas that are in sync will have them.
func (s *faults) append(topic string, p int32, records []ktest.Record) {
	s.Helper()
	up := func() bool {
		at := s.Partitions(topic)[p]
		return at.Leader >= 0 && at.HighWatermark == at.End && !s.down[at.Leader]
	}
	if err := s.Wait(context.Background(), up); err != nil {
		s.Fatal(err)
	}
	if _, err := s.Produce(topic, p, records...); err != nil {
		s.Fatal(err)
	}
}

// each shows records until f returns false, or ctx ends.
func (s *stage) each(ctx context.Context, o *kgo.Consumer, how string, f func(*kgo.Record) bool) {
	switch how {
	case "records":
		for r, err := range o.Records(ctx) {
			if err != nil {
				s.Logf("%v", err)
				continue
			}
			if !f(r) {
				return
			}
		}
	case "batches":
		for b, err := range o.Batches(ctx) {
			if err != nil {
				s.Logf("%v", err)
				continue
			}
			for r := range b.Records() {
				if !f(r) {
					return
				}
			}
			b.Release()
		}
	case "poll":
		for {
			batches, err := o.Poll(ctx)
			if err != nil {
				s.Logf("%v", err)
				if ctx.Err() != nil {
					return
				}
			}
			for _, b := range batches {
				for r := range b.Records() {
					if !f(r) {
						return
					}
				}
			}
		}
	}
}

// A broker whose table of sessions is full has room again when a consumer is closed.
func TestConsumeEndsSessions(t *testing.T) {
	opts := []ktest.Option{ktest.SeedTopic("orders", 2), ktest.Property("max.incremental.fetch.session.cache.slots", "1")}
	onStage(t, opts, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			session := func() int32 {
				req := kmsg.NewFetchRequest()
				req.Version, req.SessionEpoch = 12, 0
				part := kmsg.NewFetchRequestPartition()
				part.PartitionMaxBytes = 1000
				req.Topics = []kmsg.FetchRequestTopic{{Topic: "orders", Partitions: []kmsg.FetchRequestPartition{part}}}
				resp, err := c.Broker(1).Request(ctx, req)
				if err != nil {
					t.Fatal(err)
				}
				return resp.(*kmsg.FetchResponse).SessionID
			}
			o := s.consumer(c, kgo.Topics("orders"))
			s.fill("orders", 2, 10)
			for i := range 20 {
				if _, err := next(o); err != nil {
					t.Fatal(i, err)
				}
			}
			if id := session(); id != 0 {
				t.Errorf("while it is read there is room for session %d", id)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
			if session() == 0 {
				t.Error("afterwards there is still no room for a session")
			}
		})
	})
}
