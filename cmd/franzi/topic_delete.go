package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A topicOutcome is what came of something that was done to a topic.
type topicOutcome struct {
	Name  string  `json:"name"`
	Done  bool    `json:"done"`  // false with --dry-run
	Error *string `json:"error"` // the name of a code
}

func outcomeTable(all []topicOutcome, done string) func(*output.Table) {
	return func(t *output.Table) {
		t.Heading("NAME", strings.ToUpper(done), "ERROR")
		for _, one := range all {
			t.Row(one.Name, yesNo(one.Done), dashIfNull(one.Error))
		}
	}
}

func (a *app) topicDeleteCommand() *cobra.Command {
	var c connection
	var ok confirmation
	cmd := &cobra.Command{
		Use:               "delete NAME|PATTERN...",
		Short:             "Delete topics with all their records",
		Long:              "delete deletes topics, by name or by a pattern of * and ?. It asks before, unless -y is given.\nKafka's own topics are deleted only by their names.",
		Example:           "  franzi topic delete orders -b localhost:9092\n  franzi topic delete 'test-*' --dry-run",
		Args:              takes(1, 1<<20),
		ValidArgsFunction: a.completeTopics(&c, true),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			topics, err := s.topics(args, true)
			if err != nil {
				return err
			}
			var names []string
			for _, t := range topics {
				if !t.IsInternal || like(t.Name.S, literal(args)) {
					names = append(names, t.Name.S)
				}
			}
			return a.deleteTopics(cmd, s, names, &ok)
		},
	}
	c.add(cmd)
	ok.add(cmd, "show what would be deleted, and delete nothing")
	return cmd
}

// literal are the names that are no patterns.
func literal(names []string) []string {
	var all []string
	for _, name := range names {
		if !isPattern(name) {
			all = append(all, name)
		}
	}
	return all
}

func (a *app) deleteTopics(cmd *cobra.Command, s *session, names []string, ok *confirmation) error {
	all := []topicOutcome{}
	for _, name := range names {
		all = append(all, topicOutcome{Name: name})
	}
	show := func() error {
		return a.write(output.TableFormat, output.Result{Value: all, Table: outcomeTable(all, "deleted")})
	}
	if len(names) == 0 || ok.dryRun {
		return show()
	}
	if err := a.confirm(cmd, ok, fmt.Sprintf("Delete %s with all records: %s?", plural(len(names), "topic", "topics"), strings.Join(names, ", "))); err != nil {
		return err
	}
	req := kmsg.NewDeleteTopicsRequest()
	req.TimeoutMs = s.waitMs()
	for _, name := range names {
		t := kmsg.NewDeleteTopicsRequestDeleteTopicState()
		t.Name = kbin.Str(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if resp == nil {
		return s.wrap(err)
	}
	codes := map[string]kmsg.ErrorCode{}
	for _, r := range resp.Responses {
		codes[r.Name.S] = r.ErrorCode
	}
	for i := range all {
		code, answered := codes[all[i].Name]
		all[i].Done = answered && code == kmsg.None
		if code != kmsg.None {
			name := code.Name()
			all[i].Error = &name
		}
	}
	if err := show(); err != nil {
		return err
	}
	return s.sayErrors(err)
}
