package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A configChange is a change of one config.
type configChange struct {
	Name      string  `json:"name"`
	Operation string  `json:"operation"` // set, unset, append, subtract
	Value     *string `json:"value"`     // null for unset
	Done      bool    `json:"done"`      // false with --dry-run

	operation kmsg.ConfigOperation
}

// pairChanges reads key=value, key+=value and key-=value.
func pairChanges(cmd *cobra.Command, pairs []string) ([]configChange, error) {
	var all []configChange
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		change := configChange{Name: key, Operation: "set", Value: &value, operation: kmsg.ConfigOperationSet}
		if k, more := strings.CutSuffix(key, "+"); more {
			change.Name, change.Operation, change.operation = k, "append", kmsg.ConfigOperationAppend
		} else if k, less := strings.CutSuffix(key, "-"); less {
			change.Name, change.Operation, change.operation = k, "subtract", kmsg.ConfigOperationSubtract
		}
		if !ok || change.Name == "" {
			return nil, misused(cmd, "%q is not key=value", pair)
		}
		all = append(all, change)
	}
	return all, nil
}

func unsetsOf(keys []string) []configChange {
	var all []configChange
	for _, key := range keys {
		all = append(all, configChange{Name: key, Operation: "unset", operation: kmsg.ConfigOperationDelete})
	}
	return all
}

const setHelp = `set changes configs, and leaves the others as they are. key+=value adds to a list, key-=value
takes from it. Brokers before 2.3 can only take all configs of a resource at once: they are
read, changed and written back, so that what somebody else changes meanwhile is lost.

`

func (a *app) configSetCommand() *cobra.Command {
	var c connection
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "set TYPE NAME KEY=VALUE...",
		Short:   "Set configs",
		Long:    setHelp + configKinds,
		Example: "  franzi config set topic orders retention.ms=86400000 -b localhost:9092\n  franzi config set broker default log.retention.hours=24 --dry-run",
		Args:    takes(3, 1<<20),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := pairChanges(cmd, args[2:])
			if err != nil {
				return err
			}
			return a.changeConfigs(cmd, &c, args[0], args[1], changes, dryRun)
		},
		ValidArgsFunction: a.completeResources(&c),
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "let the brokers check it, and change nothing")
	return cmd
}

func (a *app) configUnsetCommand() *cobra.Command {
	var c connection
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "unset TYPE NAME KEY...",
		Short:   "Let configs go back to their defaults",
		Long:    configKinds,
		Example: "  franzi config unset topic orders retention.ms -b localhost:9092",
		Args:    takes(3, 1<<20),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeConfigs(cmd, &c, args[0], args[1], unsetsOf(args[2:]), dryRun)
		},
		ValidArgsFunction: a.completeResources(&c),
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "let the brokers check it, and change nothing")
	return cmd
}

func (a *app) topicAlterCommand() *cobra.Command {
	var c connection
	var set, unset []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "alter NAME",
		Short:   "Change configs of a topic",
		Long:    "alter changes configs of a topic as franzi config does, which can do the same and more. To add\npartitions see franzi topic grow.",
		Example: "  franzi topic alter orders -c retention.ms=86400000 --unset cleanup.policy -b localhost:9092",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := pairChanges(cmd, set)
			if err != nil {
				return err
			}
			if changes = append(changes, unsetsOf(unset)...); len(changes) == 0 {
				return misused(cmd, "nothing to change: say -c KEY=VALUE or --unset KEY")
			}
			return a.changeConfigs(cmd, &c, "topic", args[0], changes, dryRun)
		},
		ValidArgsFunction: a.completeTopics(&c, false),
	}
	c.add(cmd)
	cmd.Flags().StringArrayVarP(&set, "config", "c", nil, "a config to set, key=value, key+=value or key-=value")
	cmd.Flags().StringArrayVar(&unset, "unset", nil, "a config that goes back to its default")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "let the brokers check it, and change nothing")
	complete(cmd, "config", completeNothing)
	complete(cmd, "unset", completeNothing)
	return cmd
}

func (a *app) changeConfigs(cmd *cobra.Command, c *connection, kind, name string, changes []configChange, dryRun bool) error {
	r, err := findResource(kind, name)
	if err != nil {
		return err
	}
	s, err := a.connected(cmd, c)
	if err != nil {
		return err
	}
	defer s.close()
	req := kmsg.NewIncrementalAlterConfigsRequest()
	req.ValidateOnly = dryRun
	one := kmsg.NewIncrementalAlterConfigsRequestAlterConfigsResource()
	one.ResourceType, one.ResourceName = r.kind, r.name
	for _, change := range changes {
		alter := kmsg.NewIncrementalAlterConfigsRequestAlterableConfig()
		alter.Name, alter.ConfigOperation = change.Name, change.operation
		if change.Value != nil {
			alter.Value = kbin.Str(*change.Value)
		}
		one.Configs = append(one.Configs, alter)
	}
	req.Resources = []kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{one}
	_, err = kgo.Do(s.ctx, s.client, req)
	if unserved(err) {
		err = s.replaceConfigs(r, changes, dryRun)
	}
	if err != nil {
		return s.sayErrors(err)
	}
	for i := range changes {
		changes[i].Done = !dryRun
	}
	return a.write(output.TableFormat, output.Result{Value: changes, Table: func(t *output.Table) {
		t.Heading("NAME", "OPERATION", "VALUE", "DONE")
		for _, change := range changes {
			t.Row(change.Name, change.Operation, dashIfNull(change.Value), yesNo(change.Done))
		}
	}})
}

// replaceConfigs writes all configs of a resource anew, for brokers before 2.3. What is secret
// cannot be read, and so not be written back.
func (s *session) replaceConfigs(r resource, changes []configChange, dryRun bool) error {
	list, err := s.configs(r, nil, false)
	if err != nil {
		return err
	}
	values := map[string]string{}
	var order []string
	put := func(name, value string) {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	for i := range list {
		c := &list[i]
		own := c.ConfigSource == kmsg.ConfigSourceDynamicTopic || c.ConfigSource == kmsg.ConfigSourceDynamicBroker || c.ConfigSource == kmsg.ConfigSourceAbsent && !c.IsDefault && !c.ReadOnly
		if !own {
			continue
		}
		if c.IsSensitive {
			return failed("%s is secret, and brokers before 2.3 take all configs at once: it would be lost", c.Name)
		}
		put(c.Name, c.Value.S)
	}
	for _, change := range changes {
		switch change.operation {
		case kmsg.ConfigOperationSet:
			put(change.Name, *change.Value)
		case kmsg.ConfigOperationDelete:
			delete(values, change.Name)
		default:
			return failed("brokers before 2.3 cannot change lists: set %s to all of its items", change.Name)
		}
	}
	req := kmsg.NewAlterConfigsRequest()
	req.ValidateOnly = dryRun
	one := kmsg.NewAlterConfigsRequestResource()
	one.ResourceType, one.ResourceName = r.kind, r.name
	for _, name := range order {
		if value, ok := values[name]; ok {
			alter := kmsg.NewAlterConfigsRequestAlterableConfig()
			alter.Name, alter.Value = name, kbin.Str(value)
			one.Configs = append(one.Configs, alter)
		}
	}
	req.Resources = []kmsg.AlterConfigsRequestResource{one}
	_, err = kgo.Do(s.ctx, s.client, req)
	return err
}
