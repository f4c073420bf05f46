package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// completionTimeout is how long a shell waits for a cluster.
const completionTimeout = 2 * time.Second

// asking completes with what a cluster says, and with nothing if it does not.
func (a *app) asking(c *connection, ask func(*session) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		quick := *c
		quick.timeout, quick.explain = completionTimeout, false
		if cmd.Context() == nil {
			cmd.SetContext(context.Background())
		}
		s, err := a.connected(cmd, &quick)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer s.close()
		return startingWith(ask(s), typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeTopics offers topics, for the first argument or for all.
func (a *app) completeTopics(c *connection, many bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, directive := a.asking(c, topicNames)(cmd, args, typed)
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), directive
	}
}

func topicNames(s *session) []string {
	topics, err := s.topics(nil, true)
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range topics {
		names = append(names, t.Name.S)
	}
	return names
}

func groupNames(s *session) []string {
	resp, _ := kgo.Do(s.ctx, s.client, kmsg.NewListGroupsRequest()) // what there is, is offered
	var names []string
	if resp != nil {
		for _, g := range resp.Groups {
			names = append(names, g.GroupID)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func brokerIDs(s *session) []string {
	names := []string{}
	for _, b := range s.client.Metadata().Brokers() {
		names = append(names, strconv.Itoa(int(b.ID)))
	}
	return names
}

// completeResources offers types of resources, then their names, then the keys of configs.
func (a *app) completeResources(c *connection) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return startingWith(resourceKindNames(), typed), cobra.ShellCompDirectiveNoFileComp
		}
		if len(args) == 1 {
			ask := func(*session) []string { return nil }
			switch args[0] {
			case "topic":
				ask = topicNames
			case "group":
				ask = groupNames
			case "broker":
				ask = func(s *session) []string { return append(brokerIDs(s), "default") }
			case "broker-logger":
				ask = brokerIDs
			}
			return a.asking(c, ask)(cmd, args, typed)
		}
		r, err := findResource(args[0], args[1])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		keys := func(s *session) []string {
			list, err := s.configs(r, nil, false)
			if err != nil {
				return nil
			}
			end := ""
			if cmd.Name() == "set" {
				end = "="
			}
			var names []string
			for _, c := range list {
				names = append(names, c.Name+end)
			}
			return names
		}
		names, directive := a.asking(c, keys)(cmd, args, typed)
		if cmd.Name() == "set" {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return names, directive
	}
}
