package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A describedTopic is a topic with its partitions.
type describedTopic struct {
	Name       string               `json:"name"`
	ID         *string              `json:"id"` // null before 2.8
	Internal   bool                 `json:"internal"`
	Partitions []describedPartition `json:"partitions"`
}

// A describedPartition is a partition, and what is wrong with it.
type describedPartition struct {
	Partition    int32    `json:"partition"`
	Leader       *int32   `json:"leader"`      // null if there is none
	LeaderEpoch  *int32   `json:"leaderEpoch"` // null before 2.1
	Replicas     []int32  `json:"replicas"`
	ISR          []int32  `json:"isr"`
	Offline      []int32  `json:"offline"`
	ELR          []int32  `json:"eligibleLeaders"`          // besides those in sync (KIP-966); null if it is not known
	LastKnownELR []int32  `json:"lastKnownEligibleLeaders"` // null if it is not known
	Problems     []string `json:"problems"`
}

func (a *app) topicDescribeCommand() *cobra.Command {
	var c connection
	var unhealthy bool
	cmd := &cobra.Command{
		Use:   "describe [NAME|PATTERN...]",
		Short: "Show the partitions of topics",
		Long: `describe shows leaders and replicas of partitions. With --unhealthy it shows only those that
something is wrong with: no leader, replicas that are not in sync or offline, fewer in sync
than min.insync.replicas asks for, or leaders that are eligible but not in sync (KIP-966); the
exit code is 1 if there are any.`,
		Example: "  franzi topic describe orders -b localhost:9092\n  franzi topic describe --unhealthy",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			return a.describeTopics(s, args, unhealthy)
		},
		ValidArgsFunction: a.completeTopics(&c, true),
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&unhealthy, "unhealthy", false, "only partitions that something is wrong with")
	return cmd
}

func (a *app) describeTopics(s *session, names []string, unhealthy bool) error {
	topics, err := s.topics(names, unhealthy || len(names) > 0)
	if err != nil {
		return err
	}
	least, err := s.minISR(topics, unhealthy)
	if err != nil {
		return err
	}
	elr := s.eligible(topics)
	all, bad := []describedTopic{}, 0
	for _, t := range topics {
		d := describedTopic{Name: t.Name.S, ID: idText(t.TopicID), Internal: t.IsInternal, Partitions: []describedPartition{}}
		slices.SortFunc(t.Partitions, func(a, b kmsg.MetadataResponsePartition) int { return int(a.PartitionIndex) - int(b.PartitionIndex) })
		for i := range t.Partitions {
			p := describePartition(&t.Partitions[i], least[t.Name.S], elr[place{t.Name.S, t.Partitions[i].PartitionIndex}])
			if len(p.Problems) > 0 {
				bad++
			}
			if !unhealthy || len(p.Problems) > 0 {
				d.Partitions = append(d.Partitions, p)
			}
		}
		if !unhealthy || len(d.Partitions) > 0 {
			all = append(all, d)
		}
	}
	if err := a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) { describedTable(t, all) }}); err != nil {
		return err
	}
	if unhealthy && bad > 0 {
		return failed("%s", plural(bad, "partition is", "partitions are")+" not healthy")
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// A place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// eligible asks for what Metadata does not tell (KIP-966), of brokers that know it.
func (s *session) eligible(topics []*kmsg.MetadataResponseTopic) map[place]*kmsg.DescribeTopicPartitionsResponsePartition {
	m := map[place]*kmsg.DescribeTopicPartitionsResponsePartition{}
	if len(topics) == 0 {
		return m
	}
	req := kmsg.NewDescribeTopicPartitionsRequest()
	for _, t := range topics {
		one := kmsg.NewDescribeTopicPartitionsRequestTopicRequest()
		one.Name = t.Name.S
		req.Topics = append(req.Topics, one)
	}
	for {
		resp, err := kgo.Do(s.ctx, s.client, req)
		if resp == nil || err != nil {
			return m // they are an addition
		}
		for i := range resp.Topics {
			t := &resp.Topics[i]
			for j := range t.Partitions {
				m[place{t.Name.S, t.Partitions[j].PartitionIndex}] = &t.Partitions[j]
			}
		}
		if resp.NextCursor == nil {
			return m
		}
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.TopicName, cursor.PartitionIndex = resp.NextCursor.TopicName, resp.NextCursor.PartitionIndex
		req.Cursor = &cursor
	}
}

// minISR is how many replicas must be in sync, by topic, if that is asked for.
func (s *session) minISR(topics []*kmsg.MetadataResponseTopic, wanted bool) (map[string]int, error) {
	m := map[string]int{}
	if !wanted || len(topics) == 0 {
		return m, nil
	}
	var resources []kgo.ConfigResource
	for _, t := range topics {
		resources = append(resources, kgo.ConfigResource{Type: kmsg.ConfigResourceTopic, Name: t.Name.S})
	}
	all, err := s.client.Admin().DescribeConfigs(s.ctx, resources, kgo.ConfigKeys("min.insync.replicas"))
	if unserved(err) {
		return m, nil
	}
	if err != nil {
		return nil, s.wrap(err)
	}
	for _, r := range all {
		c, _ := r.Get("min.insync.replicas")
		if n, err := strconv.Atoi(c.Value.S); err == nil {
			m[r.Resource.Name] = n
		}
	}
	return m, nil
}

func describePartition(p *kmsg.MetadataResponsePartition, least int, elr *kmsg.DescribeTopicPartitionsResponsePartition) describedPartition {
	d := describedPartition{Partition: p.PartitionIndex, Replicas: ids(p.ReplicaNodes), ISR: ids(p.ISRNodes), Offline: ids(p.OfflineReplicas), Problems: []string{}}
	if p.LeaderID >= 0 {
		d.Leader = &p.LeaderID
	} else {
		d.Problems = append(d.Problems, "no leader")
	}
	if p.LeaderEpoch >= 0 {
		d.LeaderEpoch = &p.LeaderEpoch
	}
	if len(p.ISRNodes) < len(p.ReplicaNodes) {
		d.Problems = append(d.Problems, "under-replicated")
	}
	if least > 0 && len(p.ISRNodes) < least {
		d.Problems = append(d.Problems, "below min.insync.replicas")
	}
	if len(p.OfflineReplicas) > 0 {
		d.Problems = append(d.Problems, "offline replicas")
	}
	if elr != nil {
		d.ELR, d.LastKnownELR = ids(elr.EligibleLeaderReplicas), ids(elr.LastKnownELR)
		if len(d.ELR) > 0 || len(d.LastKnownELR) > 0 {
			d.Problems = append(d.Problems, "eligible leaders out of sync")
		}
	}
	return d
}

// ids is a list that is not null.
func ids(list []int32) []int32 {
	if list == nil {
		return []int32{}
	}
	return list
}

func idList(list []int32) string {
	parts := make([]string, len(list))
	for i, id := range list {
		parts[i] = strconv.Itoa(int(id))
	}
	return dash(strings.Join(parts, ","))
}

func describedTable(t *output.Table, all []describedTopic) {
	t.Heading("TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "OFFLINE", "PROBLEMS")
	for _, d := range all {
		for _, p := range d.Partitions {
			t.Row(d.Name, strconv.Itoa(int(p.Partition)), numberOrDash(p.Leader), numberOrDash(p.LeaderEpoch),
				idList(p.Replicas), idList(p.ISR), idList(p.Offline), dash(strings.Join(p.Problems, ", ")))
		}
	}
}
