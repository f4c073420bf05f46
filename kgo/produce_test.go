package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// orders is a topic on a broker.
func orders(partitions int, opts ...ktest.TopicOption) []ktest.Option {
	return []ktest.Option{ktest.SeedTopic("orders", partitions, opts...)}
}

// All that a record has arrives, null and empty told apart, and the record is the caller's again.
func TestProduceRecord(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c)
			at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
			records := []kgo.Record{
				{Key: nil, Value: nil},
				{Key: []byte{}, Value: []byte{}},
				{Key: []byte("k"), Value: []byte("v"), Timestamp: at},
				{Value: []byte("v"), Headers: []kgo.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
			}
			want := []ktest.Record{
				{Key: nil, Value: nil},
				{Key: []byte{}, Value: []byte{}},
				{Key: []byte("k"), Value: []byte("v")},
				{Value: []byte("v"), Headers: []ktest.Header{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: "", Value: []byte{}}}},
			}
			for i, r := range records {
				r.Topic = "orders"
				md, err := p.ProduceSync(context.Background(), &r)
				switch {
				case err != nil:
					t.Fatal(err)
				case md.Topic != "orders" || md.Partition != 0 || md.Offset != int64(i):
					t.Errorf("record %d is at %+v", i, md)
				case !r.Timestamp.IsZero() && !md.Timestamp.Equal(at):
					t.Errorf("record %d has the time %v, want %v", i, md.Timestamp, at)
				case r.Timestamp.IsZero() && time.Since(md.Timestamp) > time.Second:
					t.Errorf("record %d has the time %v, want now", i, md.Timestamp)
				}
				clear(r.Key)
				clear(r.Value)
			}
			log := s.Log("orders", 0)
			for i := range log {
				if log[i].Sequence != int32(i) || log[i].ProducerID < 0 {
					t.Errorf("record %d is from producer %d, sequence %d", i, log[i].ProducerID, log[i].Sequence)
				}
				log[i] = ktest.Record{Key: log[i].Key, Value: log[i].Value, Headers: log[i].Headers}
			}
			if diff := cmp.Diff(want, log); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	})
}

// A topic that stamps records itself tells its time.
func TestProduceLogAppendTime(t *testing.T) {
	onStage(t, orders(1, ktest.Config("message.timestamp.type", "LogAppendTime")), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			md, err := s.producer(c).ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Timestamp: time.UnixMilli(1)})
			if err != nil || time.Since(md.Timestamp).Abs() > time.Second {
				t.Errorf("got %+v, %v, want the broker's time", md, err)
			}
		})
	})
}

// Every codec, with batches that workers compress and small ones.
func TestProduceCompression(t *testing.T) {
	for _, codec := range []compress.Codec{compress.None, compress.Gzip, compress.Snappy, compress.LZ4, compress.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			onStage(t, orders(3), func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					p := s.producer(c, kgo.Compression(codec), kgo.BatchBytes(60_000))
					l := newLedger(s, "orders", 3)
					for i := range 3000 {
						l.produceSized(p, i%900)
						if i%500 == 0 {
							time.Sleep(time.Second)
						}
					}
					s.flush(p, time.Second)
					l.check(allowance{})
				})
			})
		})
	}
}

// Brokers of every release are produced to, the idempotent way if they know it.
func TestProduceReleases(t *testing.T) {
	for _, release := range ktest.Releases() {
		for _, codec := range []compress.Codec{compress.None, compress.LZ4, compress.Zstd} {
			t.Run(release+" "+codec.String(), func(t *testing.T) {
				onStage(t, append(orders(2), ktest.Version(release)), func(s *stage) {
					s.with(nil, func(c *kgo.Client) {
						p := s.producer(c, kgo.Compression(codec))
						l := newLedger(s, "orders", 2)
						for range 100 {
							l.produceSized(p, 100)
						}
						s.flush(p, 30*time.Second)
						l.check(allowance{plain: true})
						old := strings.HasPrefix(release, "0.8") || strings.HasPrefix(release, "0.9") || strings.HasPrefix(release, "0.10")
						if known := s.Log("orders", 0)[0].ProducerID >= 0; known == old {
							t.Errorf("the log knows the producer: %v", known)
						}
					})
				})
			})
		}
	}
}

// Headers need batches; a broker that has message sets gets an error, and other records arrive.
func TestProduceHeadersToOldBroker(t *testing.T) {
	onStage(t, append(orders(1), ktest.Version("0.10.2")), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c)
			r := kgo.Record{Topic: "orders", Headers: []kgo.Header{{Key: "a"}}}
			if _, err := p.ProduceSync(context.Background(), &r); !errors.Is(err, kmsg.UnsupportedForMessageFormat) {
				t.Errorf("got %v, want %v", err, kmsg.UnsupportedForMessageFormat)
			}
			r.Headers = nil
			if _, err := p.ProduceSync(context.Background(), &r); err != nil {
				t.Error(err)
			}
		})
	})
}

// Acks 1 and 0; without answers offsets are not known.
func TestProduceAcks(t *testing.T) {
	for _, acks := range []kmsg.Acks{kmsg.AcksNone, kmsg.AcksLeader, kmsg.AcksAll} {
		t.Run(fmt.Sprint(acks), func(t *testing.T) {
			onStage(t, orders(2), func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					p := s.producer(c, kgo.RequiredAcks(acks))
					l := newLedger(s, "orders", 2)
					for range 500 {
						l.produce(p)
					}
					s.flush(p, time.Second)
					time.Sleep(time.Second)
					l.check(allowance{offsets: acks == kmsg.AcksNone, plain: true})
				})
			})
		})
	}
}

// A batch that is larger than the topic allows is split, again and again, in order; a record that
// is too large by itself fails.
func TestProduceSplits(t *testing.T) {
	onStage(t, orders(2, ktest.Config("max.message.bytes", "5000")), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.Compression(compress.None))
			l := newLedger(s, "orders", 2)
			for i := range 600 {
				size := 200
				if i == 300 {
					size = 6000
				}
				l.produceSized(p, size)
			}
			s.flush(p, time.Minute)
			l.check(allowance{failures: true})
			if err := l.entries[300].err; !errors.Is(err, kmsg.MessageTooLarge) || l.failed() != 1 {
				t.Errorf("the large one: %v, failed in all: %d", err, l.failed())
			}
		})
	})
}

// What a broker took for too large is not built again and again; later it is tried once more, for a
// limit may be raised.
func TestProduceLearnsLimits(t *testing.T) {
	onStage(t, orders(1, ktest.Config("max.message.bytes", "5000")), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.Compression(compress.None))
			l := newLedger(s, "orders", 1)
			o := s.consumer(c, kgo.Topics("orders"))
			burst := func() (requests, batches int) {
				was := s.Requests(kmsg.KeyProduce)
				for range 2000 {
					l.produceSized(p, 200)
				}
				s.flush(p, time.Minute)
				requests = s.Requests(kmsg.KeyProduce) - was
				for b, err := range o.Batches(context.Background()) {
					if err != nil {
						t.Fatal(err)
					}
					batches++
					if b.NextOffset() == int64(len(l.entries)) {
						break
					}
				}
				return requests, batches
			}
			for range 5 {
				burst()
			}
			if requests, batches := burst(); requests > batches*5/4 {
				t.Errorf("%d requests brought %d batches, though it was known how large they may be", requests, batches)
			}
			time.Sleep(20 * time.Minute)
			if requests, batches := burst(); requests == batches {
				t.Errorf("20 minutes later %d requests brought as many batches, want a try with larger ones", requests)
			}
			l.check(allowance{})
		})
	})
}

// A batch that began when its leader was known to take no large ones goes on when that is forgotten.
func TestProduceForgetsLimits(t *testing.T) {
	onStage(t, orders(1, ktest.Config("max.message.bytes", "5000")), func(s *stage) {
		s.with([]kgo.ClientOption{kgo.RequestTimeout(time.Hour)}, func(c *kgo.Client) {
			p := s.producer(c, kgo.Compression(compress.None), kgo.Linger(time.Hour), kgo.DeliveryTimeout(3*time.Hour))
			l := newLedger(s, "orders", 1)
			for range 200 {
				l.produceSized(p, 200)
			}
			s.flush(p, time.Minute)
			s.Pause(1)
			l.produceSized(p, 200)
			time.Sleep(time.Second) // it is on its way
			l.produceSized(p, 200)  // begins a batch
			time.Sleep(11 * time.Minute)
			for range 200 {
				l.produceSized(p, 200)
			}
			s.Continue(1)
			s.flush(p, time.Minute)
			l.check(allowance{})
		})
	})
}

// What is wrong with a record, told at once where it can be.
func TestProduceRefusals(t *testing.T) {
	for _, test := range []struct {
		name  string
		r     kgo.Record
		fault func(s *stage)
		opts  []kgo.ProducerOption
		is    error
		after time.Duration
		maybe bool
	}{
		{name: "no topic", is: kmsg.InvalidTopicException},
		{name: "no name of a topic", r: kgo.Record{Topic: "a b"}, is: kmsg.InvalidTopicException},
		{name: "unknown topic", r: kgo.Record{Topic: "nowhere"}, is: kmsg.UnknownTopicOrPartition, after: time.Minute},
		{name: "unknown partition", r: kgo.Record{Topic: "orders", Partition: 2}, is: kmsg.UnknownTopicOrPartition},
		{name: "negative partition", r: kgo.Record{Topic: "orders", Partition: -2}, is: kmsg.UnknownTopicOrPartition},
		{name: "before 1970", r: kgo.Record{Topic: "orders", Timestamp: time.UnixMilli(-5)}, is: kmsg.InvalidTimestamp},
		{name: "too large", r: kgo.Record{Topic: "orders", Value: make([]byte, 1_000_000)}, is: kmsg.MessageTooLarge},
		{name: "may not write", r: kgo.Record{Topic: "orders"}, is: kmsg.TopicAuthorizationFailed, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Answer(kmsg.TopicAuthorizationFailed))
		}},
		{name: "may not see the topic", r: kgo.Record{Topic: "orders"}, is: kmsg.TopicAuthorizationFailed, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyMetadata).Topic("orders"), ktest.Answer(kmsg.TopicAuthorizationFailed))
		}},
		{name: "may not be idempotent", r: kgo.Record{Topic: "orders"}, is: kmsg.ClusterAuthorizationFailed, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyInitProducerID), ktest.Answer(kmsg.ClusterAuthorizationFailed))
		}},
		{name: "metadata without partitions and without an error", r: kgo.Record{Topic: "orders"}, is: kmsg.UnknownTopicOrPartition, after: time.Minute, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyMetadata).Topic("orders"), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				topics := resp.(*kmsg.MetadataResponse).Topics
				for i := range topics {
					topics[i].Partitions = nil
				}
			}))
		}},
		{name: "no answers", r: kgo.Record{Topic: "orders"}, is: kgo.ErrDeliveryTimeout, after: 2 * time.Minute, maybe: true, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Stall())
		}},
		{name: "no connection", r: kgo.Record{Topic: "orders"}, is: kmsg.UnknownTopicOrPartition, after: time.Minute, fault: func(s *stage) { s.Kill(1) }},
		{name: "sent as often as allowed", r: kgo.Record{Topic: "orders"}, is: kgo.ErrRetries, opts: []kgo.ProducerOption{kgo.ProduceRetries(3)}, after: 5 * time.Second, fault: func(s *stage) {
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Answer(kmsg.NotEnoughReplicas))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, orders(2), func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					p := s.producer(c, test.opts...)
					if test.r.Topic == "orders" && test.fault == nil { // so that the topic is known
						if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}); err != nil {
							t.Fatal(err)
						}
					}
					if test.fault != nil {
						test.fault(s)
					}
					for range 2 { // the second finds what the first left
						begin := time.Now()
						_, err := p.ProduceSync(context.Background(), &test.r)
						var e *kgo.Error
						if !errors.Is(err, test.is) || !errors.As(err, &e) || e.Op != "produce" || e.Topic != test.r.Topic {
							t.Fatalf("got %v, want %v", err, test.is)
						}
						if took := time.Since(begin); took > test.after+time.Second || test.after >= time.Minute && took < test.after {
							t.Errorf("took %v, want about %v", took, test.after)
						}
						if (e.Written == kgo.WrittenMaybe) != test.maybe {
							t.Errorf("Written is %v", e.Written)
						}
					}
					if test.maybe {
						time.Sleep(time.Minute) // what is under way keeps its memory until it ends
					}
					s.flush(p, time.Second)
				})
			})
		})
	}
}

// Records that ran out of time do not stand in the way of later ones, in whichever state they
// were, nor do they come back.
func TestProduceDeliveryTimeout(t *testing.T) {
	onStage(t, orders(2), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.DeliveryTimeout(10*time.Second))
			l := newLedger(s, "orders", 2)
			phase := func(records int) {
				for range records {
					l.produce(p)
					time.Sleep(10 * time.Millisecond)
				}
			}
			phase(100)
			for _, effects := range [][]ktest.Effect{
				{ktest.Stall()},
				{ktest.Hold(12 * time.Second)},
				{ktest.Delay(12 * time.Second)},
				{ktest.Answer(kmsg.NotEnoughReplicas)},
				{ktest.AnswerAfter(kmsg.RequestTimedOut)},
				{ktest.CutBefore()},
				{ktest.CutAfter()},
			} {
				failed := l.failed()
				rule := s.Fault(ktest.On(kmsg.KeyProduce), effects...)
				phase(2000)
				rule.Remove()
				if l.failed() == failed {
					t.Error("no record ran out of time")
				}
				begin := len(l.entries)
				time.Sleep(time.Minute)
				phase(100)
				s.flush(p, 30*time.Second)
				for n := begin; n < len(l.entries); n++ {
					if err := l.entries[n].err; err != nil {
						t.Fatalf("record %d, after all was well: %v", n, err)
					}
				}
			}
			l.check(allowance{failures: true, offsets: true})
		})
	})
}

// The buffer is bounded: TryProduce says so, Produce waits for it or for its context.
func TestProduceBufferFull(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			const limit = 100_000
			p := s.producer(c, kgo.BufferBytes(limit), kgo.BatchBytes(10_000), kgo.Compression(compress.None))
			l := newLedger(s, "orders", 1)
			stall := s.Fault(ktest.On(kmsg.KeyProduce), ktest.Hold(5*time.Second))
			accepted := 0
			for {
				r, callback := l.next(1000)
				if err := p.TryProduce(r, callback); err != nil {
					if !errors.Is(err, kgo.ErrBufferFull) {
						t.Fatal(err)
					}
					l.entries = l.entries[:len(l.entries)-1]
					break
				}
				accepted++
			}
			if accepted < limit/2000 || accepted > limit/1000 || p.BufferedBytes() > limit+limit/8 {
				t.Errorf("accepted %d records, %d bytes", accepted, p.BufferedBytes())
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if _, err := p.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: make([]byte, 9000)}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want that the context ended", err)
			}
			stall.Remove()
			for range 1000 { // many times the buffer
				l.produceSized(p, 1000)
				if used := p.BufferedBytes(); used > limit+limit/8 {
					t.Fatalf("MEM: %d bytes are in use", used)
				}
			}
			s.flush(p, time.Minute)
			l.check(allowance{})
		})
	})
}

// Failures do not outrun callbacks: who produces waits.
func TestProduceCallbacksBound(t *testing.T) {
	for _, test := range []struct {
		name   string
		record kgo.Record
	}{
		{"refused by the broker", kgo.Record{Topic: "orders", Value: make([]byte, 100)}},
		{"refused at once", kgo.Record{Topic: "orders", Partition: 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, orders(1), func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					const limit = 64_000
					p := s.producer(c, kgo.BufferBytes(limit), kgo.BatchBytes(4096))
					if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}); err != nil {
						t.Fatal(err)
					}
					s.Fault(ktest.On(kmsg.KeyProduce), ktest.Answer(kmsg.TopicAuthorizationFailed))
					block := make(chan struct{})
					var calls, accepted int
					var mu sync.Mutex
					done := make(chan struct{})
					const n = 8_000
					go func() {
						defer close(done)
						for range n {
							p.Produce(context.Background(), &test.record, func(_ kgo.RecordMetadata, err error) {
								<-block
								mu.Lock()
								defer mu.Unlock()
								if calls++; err == nil {
									t.Error("no error")
								}
							})
							mu.Lock()
							accepted++
							mu.Unlock()
						}
					}()
					time.Sleep(time.Hour)
					mu.Lock()
					if accepted > 5_000 || calls > 0 {
						t.Errorf("%d records were accepted and no callback has returned", accepted)
					}
					mu.Unlock()
					close(block)
					<-done
					s.flush(p, time.Minute)
					if calls != n {
						t.Errorf("PROMISE: got %d calls, want %d", calls, n)
					}
				})
			})
		})
	}
}

// What may be done in a callback: ProduceSync, to known and to new topics, also when it fails, and
// TryProduce.
func TestProduceInCallbacks(t *testing.T) {
	onStage(t, append(orders(2), ktest.SeedTopic("other", 1), ktest.SeedTopic("third", 1)), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c)
			var errs []error
			done := make(chan struct{})
			p.Produce(context.Background(), &kgo.Record{Topic: "orders"}, func(kgo.RecordMetadata, error) {
				for _, r := range []kgo.Record{{Topic: "orders"}, {Topic: "orders", Partition: 7}, {Topic: "other"}, {Topic: "third", Partition: 7}} {
					_, err := p.ProduceSync(context.Background(), &r)
					errs = append(errs, err)
				}
				errs = append(errs, p.TryProduce(&kgo.Record{Topic: "orders"}, func(kgo.RecordMetadata, error) { close(done) }))
			})
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("LIVE: the callback does not return")
			}
			for i, err := range errs {
				if fails := i == 1 || i == 3; fails != errors.Is(err, kmsg.UnknownTopicOrPartition) || !fails && err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
		})
	})
}

// Flush waits for the callbacks of all records, also if the last has none.
func TestFlushWaitsForCallbacks(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.BatchBytes(1024), kgo.Compression(compress.None))
			var returned bool
			p.Produce(context.Background(), &kgo.Record{Topic: "orders", Value: make([]byte, 900)}, func(kgo.RecordMetadata, error) {
				time.Sleep(time.Minute)
				returned = true
			})
			p.Produce(context.Background(), &kgo.Record{Topic: "orders", Value: make([]byte, 900)}, nil)
			if err := p.Flush(context.Background()); err != nil || !returned {
				t.Errorf("Flush: %v, the callback has returned: %v", err, returned)
			}
		})
	})
}

// Linger does not hold up a record when nothing is under way, and nobody who flushes. After a flush
// others wait for more again.
func TestProduceLinger(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			p := s.producer(c, kgo.Linger(time.Hour))
			begin := time.Now()
			for range 3 {
				if _, err := p.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}); err != nil {
					t.Fatal(err)
				}
			}
			l := newLedger(s, "orders", 1)
			s.Fault(ktest.On(kmsg.KeyProduce), ktest.Delay(100*time.Millisecond))
			for range 2 {
				before := s.Requests(kmsg.KeyProduce)
				for range 100 {
					l.produce(p)
					time.Sleep(time.Millisecond)
				}
				s.flush(p, time.Second)
				if took := time.Since(begin); took > time.Second {
					t.Errorf("it took %v", took)
				}
				if n := s.Requests(kmsg.KeyProduce) - before; n > 3 {
					t.Errorf("%d requests for records that could wait", n)
				}
				begin = time.Now()
			}
		})
	})
}
