package kgo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// ListedOffset is an offset of a partition.
type ListedOffset struct {
	Topic     string
	Partition int32 // -1 for an error of the whole topic
	// Offset is -1 if there is none: no record is as late as was asked for, or nothing is in
	// tiered storage.
	Offset int64
	// Timestamp is that of the record at Offset; zero if no record was looked for.
	Timestamp   time.Time
	LeaderEpoch int32 // of the record at Offset; -1 if brokers do not tell, before 2.1
	Err         error
}

// An OffsetOption is for [Admin.ListOffsets].
type OffsetOption interface{ applyOffsets(*offsetQuery) }

type offsetQuery struct{ isolation kmsg.IsolationLevel }

type offsetOption func(*offsetQuery)

func (o offsetOption) applyOffsets(q *offsetQuery) { o(q) }

// LastStable makes [kmsg.TimestampLatest] stand for the last stable offset, where consumers that
// only read what is committed end, instead of the high watermark. From Kafka 0.11 on. Java:
// IsolationLevel.READ_COMMITTED of the options (KIP-98).
func LastStable() OffsetOption {
	return offsetOption(func(q *offsetQuery) { q.isolation = kmsg.IsolationReadCommitted })
}

// TimestampOf makes a time out of which [Admin.ListOffsets] finds the first offset.
func TimestampOf(t time.Time) kmsg.ListOffsetsTimestamp {
	return kmsg.ListOffsetsTimestamp(t.UnixMilli())
}

// ListOffsets returns the offsets of partitions, by topic: those that are listed, or all of a topic
// for a list that is nil. It asks for the leaders' word on one of
//
//   - [kmsg.TimestampEarliest] and [kmsg.TimestampLatest], the start and the end;
//   - [TimestampOf] a time: the first record that is as late, from Kafka 0.10.1 on (KIP-79);
//   - [kmsg.TimestampMax]: the record with the largest timestamp, from 3.0 on (KIP-734);
//   - [kmsg.TimestampEarliestLocal] from 3.5 on (KIP-405), [kmsg.TimestampLatestTiered] from 3.9
//     on (KIP-1005), [kmsg.TimestampEarliestPendingUpload] from 4.2 on (KIP-1023): bounds of what
//     is in tiered storage.
//
// The results are by topic and partition. Errors are for example [kmsg.UnknownTopicOrPartition].
// Java: listOffsets (KIP-396).
func (a *Admin) ListOffsets(ctx context.Context, at kmsg.ListOffsetsTimestamp, partitions map[string][]int32, opts ...OffsetOption) ([]ListedOffset, error) {
	var query offsetQuery
	for _, o := range opts {
		if o != nil {
			o.applyOffsets(&query)
		}
	}
	if len(partitions) == 0 {
		return nil, nil
	}
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	lists, missing, err := a.partitionsOf(ctx, partitions)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewListOffsetsRequest()
	req.IsolationLevel = query.isolation
	least := int16(0)
	switch {
	case query.isolation == kmsg.IsolationReadCommitted:
		least = 2
	case at >= 0:
		least = 1 // before, it means the age of files
	}
	for _, topic := range sorted(lists) {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Name = topic
		for _, n := range lists[topic] {
			p := kmsg.NewListOffsetsRequestPartition()
			p.PartitionIndex, p.Timestamp = n, at
			t.Partitions = append(t.Partitions, p)
		}
		if len(t.Partitions) > 0 {
			req.Topics = append(req.Topics, t)
		}
	}
	all := make([]ListedOffset, 0, len(missing))
	for _, err := range missing {
		all = append(all, ListedOffset{Topic: err.Topic, Partition: -1, Offset: -1, LeaderEpoch: -1, Err: err})
	}
	var listed error
	if len(req.Topics) > 0 {
		resp, err := Do(ctx, a.client, req, atLeast(least))
		if resp == nil {
			return nil, err
		}
		o := outcomesOf(kmsg.KeyListOffsets, err)
		all = append(all, listedOffsets(req, resp, o)...)
		listed = o.err()
	}
	slices.SortStableFunc(all, func(a, b ListedOffset) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all, withMissing(missing, listed)
}

// withMissing joins the errors of topics with those of partitions.
func withMissing(missing []*Error, err error) error {
	var all []error
	for _, e := range missing {
		all = append(all, e)
	}
	for _, e := range errorsIn(err) {
		all = append(all, e)
	}
	return joined(all)
}

// partitionsOf fills in the partitions of topics for which none are listed. Those that are missing
// are errors.
func (a *Admin) partitionsOf(ctx context.Context, partitions map[string][]int32) (lists map[string][]int32, missing []*Error, err error) {
	lists = make(map[string][]int32, len(partitions))
	var open []string
	for _, topic := range sorted(partitions) {
		if lists[topic] = partitions[topic]; lists[topic] == nil {
			open = append(open, topic)
		}
	}
	if len(open) == 0 {
		return lists, nil, nil
	}
	if err := a.client.RefreshMetadata(ctx, open...); err != nil {
		return nil, nil, err
	}
	known := a.client.Metadata()
	for _, topic := range open {
		t, ok := known.Topic(topic)
		if code := t.Err; !ok || code != kmsg.None {
			if !ok {
				code = kmsg.UnknownTopicOrPartition // it was forgotten meanwhile
			}
			e := adminError(kmsg.KeyMetadata, topicPart(topic), nil)
			e.Code, e.Written = code, WrittenYes
			a.client.complete(e)
			missing = append(missing, e)
			delete(lists, topic)
			continue
		}
		for _, p := range t.Partitions {
			lists[topic] = append(lists[topic], p.Partition)
		}
	}
	return lists, missing, nil
}

func listedOffsets(req *kmsg.ListOffsetsRequest, resp *kmsg.ListOffsetsResponse, o *outcomes) (all []ListedOffset) {
	told := map[part]*kmsg.ListOffsetsResponsePartitionResponse{}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			told[part{topic: t.Name, partition: t.Partitions[j].PartitionIndex}] = &t.Partitions[j]
		}
	}
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			at := part{topic: t.Name, partition: t.Partitions[j].PartitionIndex}
			p := told[at]
			l := ListedOffset{Topic: at.topic, Partition: at.partition, Offset: -1, LeaderEpoch: -1, Err: o.of(at, p != nil)}
			if l.Err == nil {
				l.Offset, l.Timestamp, l.LeaderEpoch = p.Offset, timeOf(p.Timestamp), p.LeaderEpoch
				if len(p.OldStyleOffsets) > 0 { // before 0.10.1
					l.Offset = p.OldStyleOffsets[0]
				}
			}
			all = append(all, l)
		}
	}
	return all
}

// timeOf reads milliseconds since 1970; below zero there is none.
func timeOf(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// RecordsToDelete are the first records of a partition.
type RecordsToDelete struct {
	Topic     string
	Partition int32
	// Before is the offset of the first record that stays; [HighWatermark] deletes all that
	// consumers may see.
	Before int64
}

// HighWatermark stands for the high watermark of a partition in [RecordsToDelete].
const HighWatermark int64 = -1

// DeletedRecords is what came of deleting records.
type DeletedRecords struct {
	Topic     string
	Partition int32
	// LowWatermark is the lowest start offset of all live replicas; -1 if there is an Err.
	LowWatermark int64
	Err          error
}

// DeleteRecords deletes the first records of partitions. The results are in the order of what is
// named; a partition must not be named twice. From Kafka 0.11 on. Java: deleteRecords (KIP-107).
//
// Errors are for example [kmsg.OffsetOutOfRange] if there are no records up to the offset, and
// [kmsg.PolicyViolation] for topics that are only compacted.
func (a *Admin) DeleteRecords(ctx context.Context, records []RecordsToDelete) ([]DeletedRecords, error) {
	req := kmsg.NewDeleteRecordsRequest()
	place := map[string]int{}
	for _, r := range records {
		i, ok := place[r.Topic]
		if !ok {
			i = len(req.Topics)
			place[r.Topic] = i
			t := kmsg.NewDeleteRecordsRequestTopic()
			t.Name = r.Topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewDeleteRecordsRequestPartition()
		p.PartitionIndex, p.Offset = r.Partition, r.Before
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	if len(records) == 0 {
		return nil, nil
	}
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyDeleteRecords, err)
	told := map[part]int64{}
	for i := range resp.Topics {
		for _, p := range resp.Topics[i].Partitions {
			told[part{topic: resp.Topics[i].Name, partition: p.PartitionIndex}] = p.LowWatermark
		}
	}
	all := make([]DeletedRecords, len(records))
	for i, r := range records {
		at := part{topic: r.Topic, partition: r.Partition}
		low, answered := told[at]
		all[i] = DeletedRecords{r.Topic, r.Partition, low, o.of(at, answered)}
		if all[i].Err != nil {
			all[i].LowWatermark = -1
		}
	}
	return all, o.err()
}
