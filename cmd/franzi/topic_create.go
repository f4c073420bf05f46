package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A createdTopic is what came of creating a topic.
type createdTopic struct {
	Name       string  `json:"name"`
	ID         *string `json:"id"`         // null before 2.8, and with --dry-run
	Partitions *int32  `json:"partitions"` // null before 2.4 unless they were given
	Replicas   *int16  `json:"replicas"`
	Error      *string `json:"error"` // the name of a code
}

func (a *app) topicCreateCommand() *cobra.Command {
	var c connection
	var partitions int32
	var replicas int16
	var configs, assign []string
	var exists, dryRun bool
	cmd := &cobra.Command{
		Use:   "create NAME...",
		Short: "Create topics",
		Long: `create creates topics. Without --partitions and --replicas the brokers choose, from 2.4 on; older
ones are asked for 1 partition and 3 replicas, or as many as there are brokers. Those before 0.10.1
create a topic as they see fit, unless their auto.create.topics.enable is off. --assign lists the
brokers of each partition, the first being its preferred leader, and stands for both.`,
		Example:           "  franzi topic create orders payments -P 12 -r 3 -c cleanup.policy=compact\n  franzi topic create orders --assign 1,2 --assign 2,3 --dry-run",
		Args:              takes(1, 1<<20),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, args []string) error {
			req := kmsg.NewCreateTopicsRequest()
			req.ValidateOnly = dryRun
			for _, name := range args {
				t := kmsg.NewCreateTopicsRequestCreatableTopic()
				t.Name, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
				for i, text := range assign {
					ids, err := brokerList(text)
					if err != nil {
						return misused(cmd, "--assign: %v", err)
					}
					one := kmsg.NewCreateTopicsRequestCreatableReplicaAssignment()
					one.PartitionIndex, one.BrokerIDs = int32(i), ids
					t.Assignments = append(t.Assignments, one)
				}
				if len(assign) > 0 {
					if err := alone(cmd, "assign", "partitions", "replicas"); err != nil {
						return err
					}
					t.NumPartitions, t.ReplicationFactor = -1, -1
				}
				for _, text := range configs {
					key, value, ok := strings.Cut(text, "=")
					if !ok || key == "" {
						return misused(cmd, "--config: %q is not key=value", text)
					}
					one := kmsg.NewCreateTopicsRequestCreatableTopicConfig()
					one.Name, one.Value = key, kbin.Str(value)
					t.Configs = append(t.Configs, one)
				}
				req.Topics = append(req.Topics, t)
			}
			return a.createTopics(cmd, &c, req, exists)
		},
	}
	c.add(cmd)
	cmd.Flags().Int32VarP(&partitions, "partitions", "P", -1, "how many partitions; -1 leaves it to the brokers")
	cmd.Flags().Int16VarP(&replicas, "replicas", "r", -1, "how many replicas of each; -1 leaves it to the brokers")
	cmd.Flags().StringArrayVarP(&configs, "config", "c", nil, "a config, key=value")
	cmd.Flags().StringArrayVar(&assign, "assign", nil, "the brokers of the next partition: 1,2,3")
	cmd.Flags().BoolVar(&exists, "if-not-exists", false, "a topic that is there already is no error")
	addDryRun(cmd, &dryRun, "create")
	for _, name := range []string{"partitions", "replicas", "config", "assign"} {
		complete(cmd, name, completeNothing)
	}
	return cmd
}

// brokerList reads ids of brokers, separated by commas.
func brokerList(text string) ([]int32, error) {
	var ids []int32
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no list of brokers like 1,2,3", text)
		}
		ids = append(ids, int32(n))
	}
	return ids, nil
}

func (a *app) createTopics(cmd *cobra.Command, c *connection, req *kmsg.CreateTopicsRequest, exists bool) error {
	s, err := a.connected(cmd, c)
	if err != nil {
		return err
	}
	defer s.close()
	resp, err := s.create(req)
	if err == errNoCreation {
		resp, err = s.letCreate(req)
	}
	if resp == nil {
		return s.wrap(err)
	}
	all := []createdTopic{}
	var left []error
	for _, e := range parted(err) {
		if k, ok := e.(*kgo.Error); exists && ok && k.Code == kmsg.TopicAlreadyExists {
			continue
		}
		if e != nil {
			left = append(left, e)
		}
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		one := createdTopic{Name: t.Name, ID: idText(t.TopicID)}
		if t.NumPartitions > 0 {
			one.Partitions, one.Replicas = &t.NumPartitions, &t.ReplicationFactor
		}
		if t.ErrorCode != kmsg.None {
			name := t.ErrorCode.Name()
			one.Error = &name
		} else if one.Partitions == nil && len(req.Topics) > 0 && req.Topics[0].NumPartitions > 0 {
			one.Partitions, one.Replicas = &req.Topics[0].NumPartitions, &req.Topics[0].ReplicationFactor
		}
		all = append(all, one)
	}
	if !req.ValidateOnly {
		for _, one := range all {
			if one.Error == nil {
				s.settle(one.Name)
			}
		}
	}
	writeErr := a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("NAME", "PARTITIONS", "REPLICAS", "ID", "ERROR")
		for _, one := range all {
			t.Row(one.Name, numberOrDash(one.Partitions), numberOrDash(one.Replicas), dashIfNull(one.ID), dashIfNull(one.Error))
		}
	}})
	if writeErr != nil {
		return writeErr
	}
	if len(left) > 0 {
		return s.sayErrors(joined(left))
	}
	return nil
}

// settleMax is how long a command waits for brokers to learn of what it has done.
const settleMax = 2 * time.Second

// settle waits until brokers tell of a topic that was created, which they do a little later, so that
// the next command finds it. It does not insist.
func (s *session) settle(topic string) {
	ctx, cancel := context.WithTimeout(s.ctx, settleMax)
	defer cancel()
	for ctx.Err() == nil && errors.Is(s.exists(topic), kmsg.UnknownTopicOrPartition) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func numberOrDash[N int16 | int32](n *N) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(int(*n))
}
