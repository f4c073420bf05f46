package main

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) topicCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "topic",
		Short:   "List, create, describe, alter and delete topics",
		Example: "  franzi topic create orders -P 12 -c retention.ms=86400000 -b localhost:9092",
	}, a.topicListCommand(), a.topicCreateCommand(), a.topicDescribeCommand(), a.topicAlterCommand(), a.topicDeleteCommand(), a.topicTrimCommand(), a.topicGrowCommand())
}

// A listedTopic is a topic of a list.
type listedTopic struct {
	Name       string  `json:"name"`
	ID         *string `json:"id"` // null before 2.8
	Partitions int     `json:"partitions"`
	Replicas   int     `json:"replicas"` // the most that a partition has
	Internal   bool    `json:"internal"`
	Error      *string `json:"error"` // the name of a code
}

func (a *app) topicListCommand() *cobra.Command {
	var c connection
	var internal bool
	cmd := &cobra.Command{
		Use:     "list [PATTERN...]",
		Short:   "List topics",
		Long:    "list lists all topics, or those whose names are like a pattern of * and ?.",
		Example: "  franzi topic list 'orders-*' -b localhost:9092",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			topics, err := s.topics(args, internal || len(args) > 0)
			if err != nil {
				return err
			}
			all := []listedTopic{}
			for _, t := range topics {
				all = append(all, newListedTopic(t))
			}
			return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
				t.Heading("NAME", "PARTITIONS", "REPLICAS", "INTERNAL", "ERROR")
				for _, one := range all {
					t.Row(one.Name, strconv.Itoa(one.Partitions), strconv.Itoa(one.Replicas), yesNo(one.Internal), dashIfNull(one.Error))
				}
			}})
		},
		ValidArgsFunction: a.completeTopics(&c, true),
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&internal, "internal", false, "Kafka's own topics too")
	return cmd
}

func newListedTopic(t *kmsg.MetadataResponseTopic) listedTopic {
	one := listedTopic{Name: t.Name.S, ID: idText(t.TopicID), Partitions: len(t.Partitions), Internal: t.IsInternal}
	for _, p := range t.Partitions {
		one.Replicas = max(one.Replicas, len(p.ReplicaNodes))
	}
	if t.ErrorCode != kmsg.None {
		name := t.ErrorCode.Name()
		one.Error = &name
	}
	return one
}

func idText(id kbin.UUID) *string {
	if id == (kbin.UUID{}) {
		return nil
	}
	text := id.String()
	return &text
}

// isPattern reports whether a name stands for several.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// topics returns the topics that names or patterns stand for, all without any, by name. A name
// that is no topic is an error.
func (s *session) topics(names []string, internal bool) ([]*kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewMetadataRequest()
	req.AllowAutoTopicCreation = false
	patterns := len(names) == 0 || slices.ContainsFunc(names, isPattern)
	if patterns {
		req.Topics = nil
	} else {
		req.Topics = []kmsg.MetadataRequestTopic{}
		for _, name := range names {
			t := kmsg.NewMetadataRequestTopic()
			t.Name = kbin.Str(name)
			req.Topics = append(req.Topics, t)
		}
	}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if resp == nil || len(names) > 0 && err != nil && !patterns {
		return nil, s.wrap(err)
	}
	byName := map[string]*kmsg.MetadataResponseTopic{}
	var all []*kmsg.MetadataResponseTopic
	for i := range resp.Topics {
		t := &resp.Topics[i]
		byName[t.Name.S] = t
		if len(names) == 0 && (internal || !t.IsInternal) || len(names) > 0 && like(t.Name.S, names) {
			all = append(all, t)
		}
	}
	for _, name := range names {
		if !isPattern(name) && byName[name] == nil {
			return nil, failed("%s: %s", name, strings.TrimSuffix(kmsg.UnknownTopicOrPartition.Message(), "."))
		}
	}
	slices.SortFunc(all, func(a, b *kmsg.MetadataResponseTopic) int { return strings.Compare(a.Name.S, b.Name.S) })
	return all, nil
}

// exists asks for a topic. The error says that there is none, or what else is wrong.
func (s *session) exists(topic string) error {
	req := kmsg.NewMetadataRequest()
	req.AllowAutoTopicCreation = false
	t := kmsg.NewMetadataRequestTopic()
	t.Name = kbin.Str(topic)
	req.Topics = []kmsg.MetadataRequestTopic{t}
	_, err := kgo.Do(s.ctx, s.client, req)
	return err
}

// like reports whether a name is one of the given ones, or like one of the patterns.
func like(name string, patterns []string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); err == nil && ok || p == name {
			return true
		}
	}
	return false
}

// waitMs is how long a broker may wait for what it was asked to do: as long as the command.
func (s *session) waitMs() int32 {
	return int32(max(1000, s.flags.timeout.Milliseconds()*9/10))
}
