package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// onConsumer runs a test with a consumer of the topic orders, of one partition with n records.
func onConsumer(t *testing.T, n int, opts []kgo.ConsumerOption, test func(*stage, *kgo.Consumer)) {
	t.Helper()
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 1, ktest.Replicas(3))}, func(s *stage) {
		s.fill("orders", 1, n)
		s.with(nil, func(c *kgo.Client) { test(s, s.consumer(c, append(opts, kgo.Topics("orders"))...)) })
	})
}

// next returns the next record or error.
func next(o *kgo.Consumer) (*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for r, err := range o.Records(ctx) {
		return r, err
	}
	return nil, io.EOF
}

// nextAt checks the offset of the next record.
func (s *stage) nextAt(o *kgo.Consumer, want int64) {
	s.Helper()
	r, err := next(o)
	if err != nil || r.Offset != want {
		s.Fatalf("got %v, %v, want offset %d", r, err, want)
	}
	if at, err := o.Position(r.Topic, r.Partition); at != want+1 || err != nil {
		s.Errorf("the position is %d behind offset %d: %v", at, want, err)
	}
}

// nextLost checks that the next thing told is that a position is no more.
func (s *stage) nextLost(o *kgo.Consumer, reason error, from, to int64) {
	s.Helper()
	_, err := next(o)
	var lost *kgo.PositionError
	if !errors.As(err, &lost) || !errors.Is(err, reason) || lost.From != from || lost.To != to {
		s.Fatalf("got %v, want %v from %d to %d", err, reason, from, to)
	}
	if at, err := o.Position("orders", 0); to >= 0 && at != to || err != nil {
		s.Errorf("the position is %d, want %d: %v", at, to, err)
	}
}

// A loop goes on behind the last record that was shown, however the one before ended, and in whatever
// way the records are shown.
func TestConsumeBreak(t *testing.T) {
	onConsumer(t, 3000, []kgo.ConsumerOption{kgo.StopAtEnd()}, func(s *stage, o *kgo.Consumer) {
		l := &tally{s: s}
		for i := 0; l.n < 3000; i++ {
			switch i % 4 {
			case 0: // in the middle of a batch
				n := 1 + i%5
				for r, err := range o.Records(context.Background()) {
					if err != nil {
						s.Fatal(err)
					}
					if l.take(r); n == 1 {
						break
					}
					n--
				}
			case 1, 2:
				for b, err := range o.Batches(context.Background()) {
					if err != nil {
						s.Fatal(err)
					}
					for r := range b.Records() {
						l.take(r)
					}
					if at, _ := o.Position("orders", 0); at != b.NextOffset() {
						s.Errorf("the position is %d behind a batch to %d", at, b.NextOffset())
					}
					b.Release()
					break
				}
			case 3:
				batches, err := o.Poll(context.Background())
				if err != nil && err != io.EOF {
					s.Fatal(err)
				}
				for _, b := range batches {
					for r := range b.Records() {
						l.take(r)
					}
				}
			}
		}
		if _, err := o.Poll(context.Background()); err != io.EOF {
			s.Errorf("at the end: got %v, want EOF", err)
		}
	})
}

// A seek counts at once: whatever is under way or was fetched, the next record is the one that was
// sought.
func TestConsumeSeek(t *testing.T) {
	onConsumer(t, 5000, nil, func(s *stage, o *kgo.Consumer) {
		s.nextAt(o, 0)
		at := int64(0)
		for i := range int64(300) {
			switch i % 3 {
			case 0:
				at = i * 7919 % 5000
				if err := o.Seek("orders", 0, kgo.AtOffset(at)); err != nil {
					s.Fatal(err)
				}
				if got, _ := o.Position("orders", 0); got != at {
					s.Errorf("the position is %d, want %d", got, at)
				}
			case 1:
				synctest.Wait()
			}
			s.nextAt(o, at)
			at++
		}
		for _, test := range []struct {
			to   kgo.Start
			want int64
		}{
			{kgo.Earliest(), 0},
			{kgo.Latest().Plus(-10), 4990},
			{kgo.Earliest().Plus(17), 17},
			{kgo.AtTime(time.Now().Add(-time.Hour)), 0},
			{kgo.Ago(time.Hour).Plus(5), 5},
			{kgo.AtOffset(100).Plus(5), 105},
			{kgo.AtOffset(4999), 4999},
		} {
			if err := o.Seek("orders", 0, test.to); err != nil {
				s.Fatal(err)
			}
			s.nextAt(o, test.want)
		}
		if err := o.Seek("orders", 0, kgo.Latest()); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Second)
		s.fill("orders", 1, 1)
		s.nextAt(o, 5000)
		if err := o.Seek("orders", 1, kgo.Latest()); !errors.Is(err, kgo.ErrNotConsumed) {
			s.Errorf("got %v for a partition that is not consumed", err)
		}
	})
}

// Seeks of another goroutine never let a record be shown that is neither the next nor the one that
// was sought; the last one wins.
func TestConsumeSeekConcurrently(t *testing.T) {
	for _, how := range []string{"records", "batches", "poll"} {
		t.Run(how, func(t *testing.T) {
			onConsumer(t, 20000, nil, func(s *stage, o *kgo.Consumer) {
				var mu sync.Mutex
				sought := map[int64]bool{0: true}
				synctest.Wait() // until there is something to seek
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				var all sync.WaitGroup
				all.Go(func() {
					for i := range int64(500) {
						to := i * 104729 % 20000
						mu.Lock()
						sought[to] = true
						mu.Unlock()
						if err := o.Seek("orders", 0, kgo.AtOffset(to)); err != nil {
							s.Error(err)
						}
						if i%10 == 0 {
							time.Sleep(time.Millisecond)
						}
					}
					if err := o.Seek("orders", 0, kgo.AtOffset(19990)); err != nil {
						s.Error(err)
					}
					mu.Lock()
					sought[19990] = true
					mu.Unlock()
				})
				last := int64(-1)
				run := 0
				s.each(ctx, o, how, func(r *kgo.Record) bool {
					mu.Lock()
					ok := r.Offset == last+1 || sought[r.Offset]
					mu.Unlock()
					if !ok {
						s.Errorf("offset %d comes after %d", r.Offset, last)
					}
					if run++; r.Offset != last+1 {
						run = 1
					}
					last = r.Offset
					return !(last == 19999 && run == 10)
				})
				all.Wait()
			})
		})
	}
}

// What is paused is not shown, not even what was fetched, and comes when it is resumed.
func TestConsumePause(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 2)}, func(s *stage) {
		s.fill("orders", 2, 1000)
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.StopAtEnd())
			l := &tally{s: s}
			paused := map[string][]int32{"orders": {0}}
			shown := 0
			for r, err := range o.Records(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				l.take(r)
				if r.Partition == 0 && r.Offset == 100 {
					o.Pause(paused)
					shown = l.n
					continue
				}
				if shown > 0 && r.Partition == 0 && l.next[1] < 1000 {
					t.Fatalf("offset %d is shown though its partition is paused", r.Offset)
				}
				if l.next[1] == 1000 {
					o.Resume(paused)
				}
			}
			if l.n != 2000 {
				t.Errorf("got %d records, want 2000", l.n)
			}
		})
	})
}

// Topics that match a pattern are consumed, also those that are created later, and partitions that
// are added: from their first record.
func TestConsumePattern(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders-a", 1), ktest.SeedTopic("other", 1)}, func(s *stage) {
		s.fill("orders-a", 1, 10)
		s.fill("other", 1, 10)
		s.with([]kgo.ClientOption{kgo.MetadataMaxAge(time.Minute)}, func(c *kgo.Client) {
			o := s.consumer(c, kgo.TopicPattern(regexp.MustCompile("^orders-")), kgo.StartAt(kgo.Latest()))
			time.Sleep(time.Second)
			if err := s.CreateTopic("orders-b", 1); err != nil {
				t.Fatal(err)
			}
			s.fill("orders-b", 1, 2)
			s.GrowTopic("orders-a", 2)
			if _, err := s.Produce("orders-a", 1, ktest.Record{Value: []byte("x")}); err != nil {
				t.Fatal(err)
			}
			var got []string
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			defer cancel()
			for r, err := range o.Records(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset)); len(got) == 3 {
					break
				}
			}
			slices.Sort(got)
			if want := "[orders-a/1@0 orders-b/0@0 orders-b/0@1]"; fmt.Sprint(got) != want {
				t.Errorf("got %v, want %s", got, want)
			}
			if n := len(o.Partitions()); n != 3 {
				t.Errorf("%d partitions are consumed, want 3", n)
			}
		})
	})
}

// A topic that does not exist is told, and consumed when it does.
func TestConsumeMissing(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"), kgo.StartAt(kgo.Latest()))
			begin := time.Now()
			_, err := next(o)
			var e *kgo.Error
			if !errors.Is(err, kmsg.UnknownTopicOrPartition) || !errors.As(err, &e) || e.Topic != "orders" || !e.Retriable {
				t.Errorf("got %v", err)
			}
			if took := time.Since(begin); took < 4*time.Second || took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if err := s.CreateTopic("orders", 1); err != nil {
				t.Fatal(err)
			}
			s.fill("orders", 1, 1)
			s.nextAt(o, 0)
		})
	})
}

// What is not there, or not any more, has an end, which comes after the error that says so.
func TestConsumeMissingEnds(t *testing.T) {
	parts := func(index ...int32) kgo.ConsumerOption { return kgo.Assign(map[string][]int32{"orders": index}) }
	for _, test := range []struct {
		name   string
		what   kgo.ConsumerOption
		delete bool // after the third record
		errs   int
	}{
		{"no topic", kgo.Topics("missing"), false, 1},
		{"no partition", parts(0, 7), false, 1},
		{"deleted", kgo.Topics("orders"), true, 1},
		{"deleted, of single partitions", parts(0), true, 1},
		{"deleted, of a pattern", kgo.TopicPattern(regexp.MustCompile("or.*")), true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 1)}, func(s *stage) {
				s.fill("orders", 1, 10_000)
				s.with(nil, func(c *kgo.Client) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
					defer cancel()
					o := s.consumer(c, test.what, kgo.StopAtEnd(), kgo.FetchPartitionBytes(1000), kgo.FetchBufferBytes(2000))
					n, errs := 0, 0
					for _, err := range o.Records(ctx) {
						if n++; err == nil {
							if test.delete && n == 3 {
								s.DeleteTopic("orders")
							}
							continue
						}
						if errs++; !errors.Is(err, kmsg.UnknownTopicOrPartition) && !errors.Is(err, kmsg.UnknownTopicID) {
							t.Errorf("got the error %v", err)
						}
					}
					if errs != test.errs {
						t.Errorf("got %d errors, want %d", errs, test.errs)
					}
				})
			})
		})
	}
}

// A cluster that cannot be reached is told, and consumed when it can.
func TestConsumeUnreachable(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.fill("orders", 1, 3)
		s.Kill(1)
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Topics("orders"))
			begin := time.Now()
			_, err := next(o)
			var e *kgo.Error
			if !errors.As(err, &e) || e.Topic != "" || !e.Retriable {
				t.Errorf("got %v", err)
			}
			if took := time.Since(begin); took > 40*time.Second {
				t.Errorf("it took %v", took)
			}
			if err := s.Start(1); err != nil {
				t.Fatal(err)
			}
			for i := range int64(3) {
				s.nextAt(o, i)
			}
		})
	})
}

// A consumer may be closed in its own loop.
func TestConsumeCloseInLoop(t *testing.T) {
	onConsumer(t, 10, nil, func(s *stage, o *kgo.Consumer) {
		n := 0
		for _, err := range o.Records(context.Background()) {
			if err != nil {
				t.Error(err)
			}
			if n++; n == 3 {
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		if n != 3 {
			t.Errorf("got %d records after Close, want 3", n)
		}
	})
}

// Partitions come and go while others are consumed.
func TestConsumeAddRemove(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 3), ktest.SeedTopic("more", 1)}, func(s *stage) {
		s.fill("orders", 3, 100)
		s.fill("more", 1, 100)
		s.with(nil, func(c *kgo.Client) {
			o := s.consumer(c, kgo.Assign(map[string][]int32{"orders": {1}}), kgo.StartPartitionAt("orders", 1, kgo.AtOffset(98)))
			seen := func(n int) string {
				var got []string
				for range n {
					r, err := next(o)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset))
				}
				slices.Sort(got)
				return fmt.Sprint(got)
			}
			if got, want := seen(2), "[orders/1@98 orders/1@99]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if err := o.AddPartitions(map[string][]int32{"orders": {1, 2}}, kgo.Latest().Plus(-1)); err != nil {
				t.Fatal(err)
			}
			if err := o.AddTopics("more"); err != nil {
				t.Fatal(err)
			}
			if got, want := seen(1), "[orders/2@99]"; got != want && got != "[more/0@0]" {
				t.Errorf("got %s, want %s", got, want)
			}
			o.RemoveTopics("more")
			o.RemovePartitions(map[string][]int32{"orders": {1, 2}})
			if all := o.Partitions(); len(all) != 0 {
				t.Errorf("%v are consumed", all)
			}
			s.fill("orders", 3, 1)
			s.fill("more", 1, 1)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if all, err := o.Poll(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, %v of what is not consumed any more", all, err)
			}
			if err := o.AddTopics("more"); err != nil {
				t.Fatal(err)
			}
			if got, want := seen(2), "[more/0@0 more/0@1]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	})
}

// Loops end without an error when the consumer is closed, by whomever, and with that of their
// context; a second one gets ErrConcurrentPoll.
func TestConsumeEnds(t *testing.T) {
	onConsumer(t, 10, nil, func(s *stage, o *kgo.Consumer) {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var errs []error
		n := 0
		for _, err := range o.Records(ctx) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if n++; n == 3 {
				for _, err := range o.Records(ctx) {
					errs = append(errs, err)
				}
				if _, err := o.Poll(ctx); err != kgo.ErrConcurrentPoll {
					s.Errorf("Poll: got %v", err)
				}
				cancel(errors.New("enough"))
			}
		}
		if n != 3 || len(errs) != 2 || errs[0] != kgo.ErrConcurrentPoll || !errors.Is(errs[1], context.Canceled) {
			s.Errorf("got %d records and %v", n, errs)
		}
		time.AfterFunc(time.Minute, func() {
			if err := o.Close(); err != nil {
				s.Error(err)
			}
		})
		for _, err := range o.Batches(context.Background()) {
			if err != nil {
				s.Errorf("got %v", err)
			}
		}
		if _, err := o.Poll(context.Background()); err != kgo.ErrClosed {
			s.Errorf("Poll after Close: got %v", err)
		}
		if err := o.AddTopics("more"); err != kgo.ErrClosed {
			s.Errorf("AddTopics after Close: got %v", err)
		}
	})
}

// eachOr is each, with errors.
func (s *stage) eachOr(ctx context.Context, o *kgo.Consumer, how string, f func(*kgo.Record) bool, told func(error)) {
	switch how {
	case "records":
		for r, err := range o.Records(ctx) {
			if err != nil {
				told(err)
				continue
			}
			if !f(r) {
				return
			}
		}
	case "batches":
		for b, err := range o.Batches(ctx) {
			if err != nil {
				told(err)
				continue
			}
			for r := range b.Records() {
				if !f(r) {
					return
				}
			}
		}
	case "poll":
		for ctx.Err() == nil {
			batches, err := o.Poll(ctx)
			for _, b := range batches {
				for r := range b.Records() {
					if !f(r) {
						return
					}
				}
			}
			if err != nil {
				told(err)
			}
		}
	}
}
