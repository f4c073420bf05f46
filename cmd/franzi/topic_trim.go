package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A trimmedPartition is what is, or would be, deleted of a partition.
type trimmedPartition struct {
	Partition int32   `json:"partition"`
	Start     int64   `json:"start"`   // offset of the first record before
	End       int64   `json:"end"`     // offset after the last record
	To        int64   `json:"to"`      // what is before it is deleted
	Offsets   int64   `json:"offsets"` // how many offsets that are
	Done      bool    `json:"done"`    // false with --dry-run
	Error     *string `json:"error"`   // the name of a code
}

func (a *app) topicTrimCommand() *cobra.Command {
	var c connection
	var ok confirmation
	var to string
	var only []int32
	cmd := &cobra.Command{
		Use:   "trim NAME --before OFFSET",
		Short: "Delete the oldest records of a topic",
		Long: `trim deletes all records before an offset, in each partition, or in those that --partition
names. OFFSET is a number, or end for all records, -N for all but the last N, +N for the first N,
@TIME for those before a time like 2026-01-31T12:00:00Z, or -1h for those that are older. It
asks before, unless -y is given.`,
		Example: "  franzi topic trim orders --before end -b localhost:9092\n  franzi topic trim orders --before -24h --dry-run",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := parseSpot(to, time.Now())
			if err != nil {
				return misused(cmd, "--before: %v", err)
			}
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			return a.trimTopic(cmd, s, args[0], before, only, &ok)
		},
		ValidArgsFunction: a.completeTopics(&c, false),
	}
	c.add(cmd)
	cmd.Flags().StringVar(&to, "before", "", "an offset: "+spotHelp)
	cmd.Flags().Int32SliceVar(&only, "partition", nil, "only these partitions")
	ok.add(cmd, "show what would be deleted, and delete nothing")
	complete(cmd, "before", completeNothing)
	complete(cmd, "partition", completeNothing)
	return cmd
}

// What offsets returns where a time has no offset: all records are older; or, of brokers before
// 0.10.1, which look for the last segment that is not younger, all are younger.
const allOlder, allYounger = -1, -2

// offsets asks for an offset of partitions by a timestamp, or what stands for one.
func (s *session) offsets(topic string, partitions []int32, at kmsg.ListOffsetsTimestamp) (map[int32]int64, error) {
	req := kmsg.NewListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Name = topic
	for _, n := range partitions {
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex, p.Timestamp, p.MaxNumOffsets = n, at, 1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = []kmsg.ListOffsetsRequestTopic{t}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if err != nil {
		return nil, s.wrap(err)
	}
	m := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			m[p.PartitionIndex] = p.Offset
			switch {
			case p.Offset >= 0:
			case len(p.OldStyleOffsets) > 0:
				m[p.PartitionIndex] = p.OldStyleOffsets[0]
			case resp.Version == 0:
				m[p.PartitionIndex] = allYounger
			}
		}
	}
	return m, nil
}

// plan says what is to be deleted.
func (s *session) plan(topic string, partitions []int32, before spot) ([]trimmedPartition, error) {
	spots, err := s.find(topic, partitions, before)
	if err != nil {
		return nil, err
	}
	var all []trimmedPartition
	for _, n := range partitions {
		f := spots[n]
		p := trimmedPartition{Partition: n, Start: f.start, End: f.end, To: max(f.at, f.start)} // beyond the end the broker says so
		p.Offsets = max(0, min(p.To, p.End)-p.Start)
		all = append(all, p)
	}
	return all, nil
}

func (a *app) trimTopic(cmd *cobra.Command, s *session, topic string, before spot, only []int32, ok *confirmation) error {
	topics, err := s.topics([]string{topic}, true)
	if err != nil {
		return err
	}
	if isPattern(topic) {
		return misused(cmd, "%q is a pattern: one topic is trimmed at a time", topic)
	}
	partitions := only
	if len(only) == 0 {
		for n := range len(topics[0].Partitions) {
			partitions = append(partitions, int32(n))
		}
	}
	all, err := s.plan(topic, partitions, before)
	if err != nil {
		return err
	}
	var sum int64
	req := kmsg.NewDeleteRecordsRequest()
	req.TimeoutMs = s.waitMs()
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Name = topic
	for _, p := range all {
		if sum += p.Offsets; p.To > p.Start {
			one := kmsg.NewDeleteRecordsRequestPartition()
			one.PartitionIndex, one.Offset = p.Partition, p.To
			t.Partitions = append(t.Partitions, one)
		}
	}
	if len(t.Partitions) == 0 || ok.dryRun {
		return a.showTrimmed(all)
	}
	if err := a.confirm(cmd, ok, fmt.Sprintf("Delete what is before the offset in %s of %s, %d offsets in all?", plural(len(t.Partitions), "partition", "partitions"), topic, sum)); err != nil {
		return err
	}
	req.Topics = []kmsg.DeleteRecordsRequestTopic{t}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if resp == nil {
		return s.wrap(err)
	}
	codes := map[int32]kmsg.ErrorCode{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			codes[p.PartitionIndex] = p.ErrorCode
		}
	}
	for i := range all {
		code, answered := codes[all[i].Partition]
		all[i].Done = answered && code == kmsg.None
		if code != kmsg.None {
			name := code.Name()
			all[i].Error = &name
		}
	}
	if err := a.showTrimmed(all); err != nil {
		return err
	}
	return s.sayErrors(err)
}

func (a *app) showTrimmed(all []trimmedPartition) error {
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("PARTITION", "START", "END", "TO", "OFFSETS", "DONE", "ERROR")
		for _, p := range all {
			n := func(n int64) string { return strconv.FormatInt(n, 10) }
			t.Row(n(int64(p.Partition)), n(p.Start), n(p.End), n(p.To), n(p.Offsets), yesNo(p.Done), dashIfNull(p.Error))
		}
	}})
}
