package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
)

// A configChange is a change of one config.
type configChange struct {
	Name      string  `json:"name"`
	Operation string  `json:"operation"` // set, unset, append, subtract
	Value     *string `json:"value"`     // null for unset
	Done      bool    `json:"done"`      // false with --dry-run
}

// pairChanges reads key=value, key+=value and key-=value.
func pairChanges(cmd *cobra.Command, pairs []string) ([]configChange, error) {
	var all []configChange
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		change := configChange{Name: key, Operation: "set", Value: &value}
		if k, more := strings.CutSuffix(key, "+"); more {
			change.Name, change.Operation = k, "append"
		} else if k, less := strings.CutSuffix(key, "-"); less {
			change.Name, change.Operation = k, "subtract"
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
		all = append(all, configChange{Name: key, Operation: "unset"})
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
	addDryRun(cmd, &dryRun, "change")
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
	addDryRun(cmd, &dryRun, "change")
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
	addDryRun(cmd, &dryRun, "change")
	complete(cmd, "config", completeNothing)
	complete(cmd, "unset", completeNothing)
	return cmd
}

func (a *app) changeConfigs(cmd *cobra.Command, c *connection, kind, name string, changes []configChange, dryRun bool) error {
	r, err := findResource(kind, name)
	if err != nil {
		return err
	}
	for i, one := range changes {
		if slices.ContainsFunc(changes[:i], func(o configChange) bool { return o.Name == one.Name }) {
			return misused(cmd, "%s is to be changed more than once", one.Name)
		}
	}
	s, err := a.connected(cmd, c)
	if err != nil {
		return err
	}
	defer s.close()
	change := kgo.ConfigChange{Resource: r, Set: map[string]string{}, Append: map[string]string{}, Subtract: map[string]string{}}
	for _, one := range changes {
		switch one.Operation {
		case "set":
			change.Set[one.Name] = *one.Value
		case "append":
			change.Append[one.Name] = *one.Value
		case "subtract":
			change.Subtract[one.Name] = *one.Value
		default:
			change.Delete = append(change.Delete, one.Name)
		}
	}
	var opts []kgo.ChangeOption
	if dryRun {
		opts = append(opts, kgo.ValidateOnly())
	}
	if _, err := s.client.Admin().AlterConfigs(s.ctx, []kgo.ConfigChange{change}, opts...); err != nil {
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
