package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A batch that cannot be read is told with topic, partition and offset, once, nothing spins, and
// the partition goes on behind it when that is wanted.
func TestConsumeCorrupt(t *testing.T) {
	for name, spoil := range map[string]func([]byte){
		"checksum": func(b []byte) { b[len(b)-1]++ },
		"count":    func(b []byte) { b[60]++ },
	} {
		for _, how := range []string{"records", "batches", "poll"} {
			t.Run(name+" "+how, func(t *testing.T) {
				onConsumer(t, 10, nil, func(s *stage, o *kgo.Consumer) {
					b := batch.NewBuilder(nil, batch.V2)
					b.BaseOffset = 10
					for range 5 {
						b.Append(1, nil, []byte("bad"), nil)
					}
					sealed := b.Seal()
					sealed.Checksum()
					spoil(sealed.Bytes)
					if err := s.AppendBatch("orders", 0, sealed.Bytes); err != nil {
						t.Fatal(err)
					}
					if _, err := s.Produce("orders", 0, ktest.Record{Value: []byte("good")}); err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
					defer cancel()
					var got []string
					note := func(err error) {
						var bad *kgo.BatchError
						var e *kgo.Error
						if !errors.As(err, &bad) || !errors.As(err, &e) || e.Topic != "orders" || e.Partition != 0 {
							return
						}
						got = append(got, fmt.Sprint("error ", bad.Offset))
						if at, _ := o.Position("orders", 0); at != 10 {
							t.Errorf("the position is %d, want 10", at)
						}
						requests := s.Requests(kmsg.KeyFetch)
						time.Sleep(time.Minute)
						if n := s.Requests(kmsg.KeyFetch) - requests; n > 200 {
							t.Errorf("LIVE: there were %d requests in a minute", n)
						}
						if at, err := o.Skip("orders", 0); at != 15 || err != nil {
							t.Errorf("Skip: got %d, %v, want 15", at, err)
						}
					}
					s.eachOr(ctx, o, how, func(r *kgo.Record) bool {
						got = append(got, fmt.Sprint(r.Offset))
						return r.Offset < 15
					}, note)
					if _, err := o.Skip("orders", 0); !errors.Is(err, kgo.ErrNotStopped) {
						t.Errorf("got %v for a partition that goes on by itself", err)
					}
					want := "[0 1 2 3 4 5 6 7 8 9 error 10 15]"
					if fmt.Sprint(got) != want {
						t.Errorf("got %v, want %s", got, want)
					}
				})
			})
		}
	}
}

// A batch whose records turn out to be malformed is shown up to there; with checksums that are not
// verified that is all that tells.
func TestConsumeMalformed(t *testing.T) {
	for _, how := range []string{"records", "batches", "poll"} {
		t.Run(how, func(t *testing.T) {
			onConsumer(t, 10, []kgo.ConsumerOption{kgo.VerifyChecksums(false)}, func(s *stage, o *kgo.Consumer) {
				b := batch.NewBuilder(nil, batch.V2)
				b.BaseOffset = 10
				for range 5 {
					b.Append(1, nil, []byte("bad"), nil)
				}
				sealed := b.Seal()
				sealed.Checksum()
				third := len(sealed.Bytes) - 3*(len(sealed.Bytes)-batch.HeaderSize)/5
				sealed.Bytes[third] = 0x7f // its length
				if err := s.AppendBatch("orders", 0, sealed.Bytes); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Produce("orders", 0, ktest.Record{Value: []byte("good")}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				var got []string
				s.eachOr(ctx, o, how, func(r *kgo.Record) bool {
					got = append(got, fmt.Sprint(r.Offset))
					return r.Offset < 15
				}, func(err error) {
					var bad *kgo.BatchError
					if errors.As(err, &bad) {
						got = append(got, fmt.Sprint("error ", bad.Offset))
					}
					if at, err := o.Skip("orders", 0); at != 15 || err != nil {
						t.Errorf("Skip: got %d, %v, want 15", at, err)
					}
				})
				want := "[0 1 2 3 4 5 6 7 8 9 10 11 error 12 15]"
				if how == "poll" { // which may have returned the next batch as well
					want = strings.Replace(want, "error 12 15", "15", 1)
				}
				if fmt.Sprint(got) != want {
					t.Errorf("got %v, want %s", got, want)
				}
			})
		})
	}
}

// Positions that are no more are told as what they are.
func TestConsumeLost(t *testing.T) {
	t.Run("trimmed", func(t *testing.T) {
		onConsumer(t, 1000, []kgo.ConsumerOption{kgo.FetchPartitionBytes(1000)}, func(s *stage, o *kgo.Consumer) {
			s.nextAt(o, 0)
			s.Trim("orders", 0, 900)
			if err := o.Seek("orders", 0, kgo.AtOffset(5)); err != nil {
				t.Fatal(err)
			}
			s.nextLost(o, kgo.ErrOutOfRange, 5, 900)
			s.nextAt(o, 900)
		})
	})
	t.Run("beyond the end", func(t *testing.T) {
		onConsumer(t, 1000, []kgo.ConsumerOption{kgo.ResetTo(kgo.Latest()), kgo.StartAt(kgo.AtOffset(5000))}, func(s *stage, o *kgo.Consumer) {
			s.nextLost(o, kgo.ErrOutOfRange, 5000, 1000)
			s.fill("orders", 1, 1)
			s.nextAt(o, 1000)
		})
	})
	t.Run("nowhere", func(t *testing.T) {
		onConsumer(t, 1000, []kgo.ConsumerOption{kgo.ResetTo(kgo.Nowhere()), kgo.StartAt(kgo.AtOffset(5000))}, func(s *stage, o *kgo.Consumer) {
			s.nextLost(o, kgo.ErrOutOfRange, 5000, -1)
			if err := o.Seek("orders", 0, kgo.AtOffset(7)); err != nil {
				t.Fatal(err)
			}
			s.nextAt(o, 7)
		})
	})
	t.Run("truncated", func(t *testing.T) {
		onConsumer(t, 1000, nil, func(s *stage, o *kgo.Consumer) {
			for i := range int64(1000) {
				s.nextAt(o, i)
			}
			s.Lose("orders", 0, 990)
			s.fill("orders", 1, 5)
			s.nextLost(o, kgo.ErrTruncated, 1000, 990)
			s.nextAt(o, 990)
		})
	})
	t.Run("truncated, nowhere", func(t *testing.T) {
		onConsumer(t, 1000, []kgo.ConsumerOption{kgo.ResetTo(kgo.Nowhere())}, func(s *stage, o *kgo.Consumer) {
			for i := range int64(1000) {
				s.nextAt(o, i)
			}
			s.Lose("orders", 0, 990)
			s.fill("orders", 1, 5)
			s.nextLost(o, kgo.ErrTruncated, 1000, -1)
			if at, err := o.Skip("orders", 0); at != 990 || err != nil {
				t.Errorf("Skip: got %d, %v, want 990", at, err)
			}
			s.nextAt(o, 990)
		})
	})
	t.Run("truncated, not seen", func(t *testing.T) { // what was fetched only is nobody's loss
		onConsumer(t, 1000, nil, func(s *stage, o *kgo.Consumer) {
			s.nextAt(o, 0)
			time.Sleep(time.Second)
			s.Lose("orders", 0, 500)
			s.fill("orders", 1, 50)
			time.Sleep(10 * time.Second)
			for i := int64(1); i < 550; i++ {
				s.nextAt(o, i)
			}
		})
	})
	t.Run("recreated", func(t *testing.T) {
		onConsumer(t, 10, nil, func(s *stage, o *kgo.Consumer) {
			for i := range int64(10) {
				s.nextAt(o, i)
			}
			s.RecreateTopic("orders")
			s.fill("orders", 1, 100)
			s.nextLost(o, kgo.ErrRecreated, 10, 0)
			for i := range int64(100) {
				s.nextAt(o, i)
			}
		})
	})
}

// An offset that no record has yet is told, also by who reads to the end only.
func TestConsumeBehindEnd(t *testing.T) {
	for _, opts := range [][]kgo.ConsumerOption{nil, {kgo.StopAtEnd()}} {
		onConsumer(t, 500, append(opts, kgo.StartAt(kgo.AtOffset(10_000))), func(s *stage, o *kgo.Consumer) {
			s.nextLost(o, kmsg.OffsetOutOfRange, 10_000, 0)
			for want := range int64(500) {
				s.nextAt(o, want)
			}
		})
	}
}
