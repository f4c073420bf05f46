package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A grownTopic is what came of adding partitions.
type grownTopic struct {
	Name   string  `json:"name"`
	Before int     `json:"before"`
	After  int     `json:"after"`
	Done   bool    `json:"done"`  // false with --dry-run
	Error  *string `json:"error"` // the name of a code
}

func (a *app) topicGrowCommand() *cobra.Command {
	var c connection
	var assign []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "grow NAME COUNT",
		Short: "Add partitions to a topic",
		Long: `grow adds partitions until the topic has COUNT, or as many more as +COUNT says. They cannot be
taken away again, and keys go to other partitions than before.`,
		Example: "  franzi topic grow orders 24 -b localhost:9092\n  franzi topic grow orders +2 --dry-run",
		Args:    takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, more := strings.CutPrefix(args[1], "+")
			n, err := strconv.ParseInt(text, 10, 31)
			if err != nil || n < 1 {
				return misused(cmd, "%q is no number of partitions", args[1])
			}
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			topics, err := s.topics(args[:1], true)
			if err != nil {
				return err
			}
			if isPattern(args[0]) {
				return misused(cmd, "%q is a pattern: one topic is grown at a time", args[0])
			}
			r := &grownTopic{Name: args[0], Before: len(topics[0].Partitions), After: int(n)}
			if more {
				r.After += r.Before
			}
			return a.growTopic(cmd, s, r, assign, dryRun)
		},
		ValidArgsFunction: a.completeTopics(&c, false),
	}
	c.add(cmd)
	cmd.Flags().StringArrayVar(&assign, "assign", nil, "the brokers of the next new partition: 1,2,3")
	addDryRun(cmd, &dryRun, "add")
	complete(cmd, "assign", completeNothing)
	return cmd
}

func (a *app) growTopic(cmd *cobra.Command, s *session, r *grownTopic, assign []string, dryRun bool) error {
	req := kmsg.NewCreatePartitionsRequest()
	req.TimeoutMs, req.ValidateOnly = s.waitMs(), dryRun
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Name, t.Count, t.Assignments = r.Name, int32(r.After), nil // null lets the controller choose
	for _, text := range assign {
		ids, err := brokerList(text)
		if err != nil {
			return misused(cmd, "--assign: %v", err)
		}
		one := kmsg.NewCreatePartitionsRequestAssignment()
		one.BrokerIDs = ids
		t.Assignments = append(t.Assignments, one)
	}
	req.Topics = []kmsg.CreatePartitionsRequestTopic{t}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if resp == nil {
		return s.wrap(err)
	}
	r.Done = err == nil && !dryRun
	for _, result := range resp.Results {
		if result.ErrorCode != kmsg.None {
			name := result.ErrorCode.Name()
			r.Error = &name
		}
	}
	if err := a.write(output.TableFormat, output.Result{Value: r, Table: func(t *output.Table) {
		t.Heading("NAME", "BEFORE", "AFTER", "DONE", "ERROR")
		t.Row(r.Name, strconv.Itoa(r.Before), strconv.Itoa(r.After), yesNo(r.Done), dashIfNull(r.Error))
	}}); err != nil {
		return err
	}
	return s.sayErrors(err)
}
