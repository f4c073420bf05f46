package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// offsets is what ListOffsets says, in short.
func (a *administrator) offsets(at kmsg.ListOffsetsTimestamp, partitions map[string][]int32, opts ...kgo.OffsetOption) (got string) {
	a.Helper()
	all, err := a.ListOffsets(a.Context(), at, partitions, opts...)
	if err != nil {
		a.Errorf("ListOffsets %v: %v", at, err)
	}
	for _, o := range all {
		got += fmt.Sprintf("%s/%d=%d ", o.Topic, o.Partition, o.Offset)
		if (o.LeaderEpoch >= 0) && !a.has("2.1") || o.Err != nil {
			a.Errorf("got %+v", o)
		}
	}
	return got
}

// offsetsTask looks at topics orders, with two partitions, of which the second has five records
// with the timestamps that are named, and payments, with one partition and none.
func (a *administrator) offsetsTask(first, step time.Time) {
	ctx := a.Context()
	everything := map[string][]int32{"orders": nil, "payments": nil}
	expect := func(what, got, want string) {
		a.Helper()
		if got != want {
			a.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	expect("the start", a.offsets(kmsg.TimestampEarliest, everything), "orders/0=0 orders/1=0 payments/0=0 ")
	expect("the end", a.offsets(kmsg.TimestampLatest, everything), "orders/0=0 orders/1=5 payments/0=0 ")
	expect("one", a.offsets(kmsg.TimestampLatest, map[string][]int32{"orders": {1}}), "orders/1=5 ")
	expect("none", a.offsets(kmsg.TimestampLatest, map[string][]int32{"orders": {}}), "")
	if a.has("0.11.0") {
		expect("the stable end", a.offsets(kmsg.TimestampLatest, map[string][]int32{"orders": {1, 0}}, kgo.LastStable(), nil), "orders/0=0 orders/1=5 ")
	} else {
		_, err := a.ListOffsets(ctx, kmsg.TimestampLatest, everything, kgo.LastStable())
		a.lacks("the stable end", err)
	}
	if a.has("0.10.1") {
		expect("the third", a.offsets(kgo.TimestampOf(step), map[string][]int32{"orders": {1}}), "orders/1=2 ")
		expect("too late", a.offsets(kgo.TimestampOf(step.Add(time.Hour)), map[string][]int32{"orders": {1}}), "orders/1=-1 ")
		all, err := a.ListOffsets(ctx, kgo.TimestampOf(first), map[string][]int32{"orders": {1}})
		if err != nil || len(all) != 1 || !all[0].Timestamp.Equal(first) || all[0].Offset != 0 {
			a.Errorf("the first: %+v, %v, want %v", all, err, first)
		}
	} else {
		_, err := a.ListOffsets(ctx, kgo.TimestampOf(first), everything)
		a.lacks("by time", err)
	}
	for at, since := range map[kmsg.ListOffsetsTimestamp]string{kmsg.TimestampMax: "3.0", kmsg.TimestampEarliestLocal: "3.5", kmsg.TimestampLatestTiered: "3.9", kmsg.TimestampEarliestPendingUpload: "4.2"} {
		if !a.has(since) {
			_, err := a.ListOffsets(ctx, at, everything)
			a.lacks(at.String(), err)
		}
	}
	if a.has("3.0") {
		expect("the largest timestamp", a.offsets(kmsg.TimestampMax, map[string][]int32{"orders": {1}}), "orders/1=4 ")
	}
	if a.has("3.5") {
		expect("what is local", a.offsets(kmsg.TimestampEarliestLocal, everything), "orders/0=0 orders/1=0 payments/0=0 ")
	}
	if a.has("3.9") {
		expect("what is tiered", a.offsets(kmsg.TimestampLatestTiered, everything), "orders/0=-1 orders/1=-1 payments/0=-1 ")
	}
	all, err := a.ListOffsets(ctx, kmsg.TimestampLatest, map[string][]int32{"orders": {1}, "nowhere": nil, "payments": {7}})
	if len(all) != 3 || all[0].Topic != "nowhere" || all[0].Partition != -1 || all[1].Offset != 5 || all[1].Err != nil || all[2].Partition != 7 || all[2].Offset != -1 || all[2].Err == nil {
		a.Fatalf("what there is not: %+v, %v", all, err)
	}
	a.fails("nowhere", all[0].Err, err, kmsg.UnknownTopicOrPartition)
	if !errors.Is(all[2].Err, kmsg.UnknownTopicOrPartition) || !errors.Is(err, all[2].Err) {
		a.Errorf("a partition that there is not: %v, %v", all[2].Err, err)
	}
}

// deleteRecordsTask deletes from what offsetsTask looked at.
func (a *administrator) deleteRecordsTask() {
	ctx := a.Context()
	records := []kgo.RecordsToDelete{{Topic: "orders", Partition: 1, Before: 3}, {Topic: "payments", Before: kgo.HighWatermark}, {Topic: "orders", Partition: 0, Before: 9}}
	all, err := a.DeleteRecords(ctx, records)
	if !a.has("0.11.0") {
		a.lacks("DeleteRecords", err)
		return
	}
	if len(all) != 3 || all[0].Err != nil || all[1].Err != nil {
		a.Fatalf("DeleteRecords: %+v, %v", all, err)
	}
	a.fails("beyond the end", all[2].Err, err, kmsg.OffsetOutOfRange)
	all[2].Err = nil
	if diff := cmp.Diff([]kgo.DeletedRecords{{Topic: "orders", Partition: 1, LowWatermark: 3}, {Topic: "payments"}, {Topic: "orders", LowWatermark: -1}}, all); diff != "" {
		a.Errorf("got the other, want this: %s", diff)
	}
	if got := a.offsets(kmsg.TimestampEarliest, map[string][]int32{"orders": {1}}); got != "orders/1=3 " {
		a.Errorf("the start is %s, want 3", got)
	}
}

// Offsets are told and records deleted on every release that can.
func TestAdminOffsets(t *testing.T) {
	onReleases(t, func(a *administrator, s *stage) {
		first := time.Now().Truncate(time.Millisecond)
		for n := range 5 {
			if _, err := s.Produce("orders", 1, ktest.Record{Timestamp: first.Add(time.Duration(n) * time.Second), Value: []byte("v")}); err != nil {
				t.Fatal(err)
			}
		}
		a.offsetsTask(first, first.Add(1500*time.Millisecond))
		a.deleteRecordsTask()
	}, ktest.SeedTopic("orders", 2), ktest.SeedTopic("payments", 1))
}

// What is asked of the leaders is what was meant.
func TestAdminListOffsetsAsks(t *testing.T) {
	for want, opts := range map[string][]kgo.OffsetOption{"ReadUncommitted": nil, "ReadCommitted": {kgo.LastStable()}} {
		asked := ""
		onPlayed(t, nil, func(b *played) {
			b.serves(kmsg.KeyMetadata, 0, 12, func(req kmsg.Request, resp kmsg.Response) {
				b.metadata(req, resp)
				for _, t := range req.(*kmsg.MetadataRequest).Topics {
					resp.(*kmsg.MetadataResponse).Topics = append(resp.(*kmsg.MetadataResponse).Topics, kmsg.MetadataResponseTopic{Name: t.Name, Partitions: []kmsg.MetadataResponsePartition{{LeaderID: 1}}})
				}
			})
			b.serves(kmsg.KeyListOffsets, 0, 7, func(req kmsg.Request, resp kmsg.Response) {
				q := req.(*kmsg.ListOffsetsRequest)
				asked = q.IsolationLevel.String()
				resp.(*kmsg.ListOffsetsResponse).Topics = []kmsg.ListOffsetsResponseTopicResponse{{Name: "orders", Partitions: []kmsg.ListOffsetsResponsePartitionResponse{{Offset: 3, Timestamp: 1000, LeaderEpoch: 2}}}}
			})
		}, func(c *kgo.Client) {
			all, err := c.Admin().ListOffsets(context.Background(), kmsg.TimestampLatest, map[string][]int32{"orders": {0}}, opts...)
			if diff := cmp.Diff([]kgo.ListedOffset{{Topic: "orders", Offset: 3, Timestamp: time.UnixMilli(1000), LeaderEpoch: 2}}, all); diff != "" || err != nil {
				t.Errorf("got the other, want this: %s, %v", diff, err)
			}
		})
		if asked != want {
			t.Errorf("got %s, want %s", asked, want)
		}
	}
}
