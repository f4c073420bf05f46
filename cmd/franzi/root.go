package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootHelp = `franzi writes and reads records, asks Kafka brokers anything, and shows what goes over the wire.

Data goes to stdout, all else to stderr. Exit codes: 0 ok, 1 some item failed, 2 wrong usage,
3 no connection or authentication, 4 time is up, 130 interrupted.`

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:     "franzi",
		Short:   "Write and read records, ask Kafka brokers, see what goes over the wire",
		Long:    rootHelp,
		Example: "  franzi demo\n  franzi topic list -b localhost:9092\n  franzi api show Fetch -v 12",
		Version: moduleVersion(),
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },

		SilenceErrors:     true, // run says it, on one line
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // ours is shorter
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("franzi {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.Args = subcommand

	flags := root.PersistentFlags()
	flags.VarP(&a.format, "output", "o", "table, json, jsonl, yaml, raw or template=GO-TEMPLATE")
	flags.BoolP("help", "h", false, "show help")
	a.addHelpJSON(root)
	complete(root, "output", completeFormats)

	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"records", "Records:", []*cobra.Command{a.demoCommand(), a.produceCommand(), a.consumeCommand(), a.cpCommand(), a.benchCommand()}},
		{"clusters", "Clusters:", []*cobra.Command{a.clusterCommand(), a.topicCommand(), a.configCommand(), a.doctorCommand(), a.settingsCommand(), a.fakeCommand()}},
		{"protocol", "The protocol:", []*cobra.Command{a.apiCommand(), a.reqCommand(), a.encodeCommand(), a.decodeCommand(), a.errorCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.AddCommand(a.completionCommand(), a.versionCommand())
	root.SetHelpCommand(helpCommand())
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND...]",
		Short:   "Show help on a command",
		Example: "  franzi help api show",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && about.HasSubCommands() {
				err = subcommand(about, rest)
			}
			if err != nil {
				return err
			}
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if about, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range about.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, c.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// subcommand refuses arguments of a command that only has commands below it.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	path := strings.TrimPrefix(cmd.CommandPath()+" ", "franzi ")
	return unknown("command", path+args[0], prefixed(path, names), cmd.CommandPath()+" --help")
}

func prefixed(prefix string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = prefix + name
	}
	return all
}

// group is a command that only has commands below it.
func group(c *cobra.Command, below ...*cobra.Command) *cobra.Command {
	c.AddCommand(below...)
	c.Args = subcommand
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, c := range below {
			names = append(names, c.Name())
		}
		return misused(cmd, "%s needs one of its commands: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	return c
}

// takes demands a number of arguments, whose names are those of the command's use line.
func takes(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		_, what, _ := strings.Cut(cmd.Use, " ")
		switch n := len(args); {
		case n < low:
			return misused(cmd, "%s takes %s", cmd.CommandPath(), what)
		case n > high && high == 0:
			return misused(cmd, "%s takes no arguments, not %q", cmd.CommandPath(), args[0])
		case n > high:
			return misused(cmd, "%s takes %s, not %q as well", cmd.CommandPath(), what, args[high])
		}
		return nil
	}
}

// flagError says what is wrong with a flag, and which one may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	var bad *pflag.InvalidValueError
	var empty *pflag.ValueRequiredError
	switch {
	case errors.As(err, &absent) && absent.GetSpecifiedShortnames() != "":
		return misused(cmd, "unknown flag -%s", absent.GetSpecifiedName())
	case errors.As(err, &absent):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return unknown("flag", "--"+absent.GetSpecifiedName(), prefixed("--", visible(cmd, names)), cmd.CommandPath()+" --help")
	case errors.As(err, &empty):
		return misused(cmd, "the flag --%s needs a value", empty.GetFlag().Name)
	case errors.As(err, &bad):
		return misused(cmd, "--%s: %s", bad.GetFlag().Name, flagCause(bad))
	}
	return misused(cmd, "%v", err)
}

func flagCause(bad *pflag.InvalidValueError) string {
	if cause := bad.Unwrap(); cause != nil && !strings.HasPrefix(cause.Error(), "strconv.") && !strings.HasPrefix(cause.Error(), "time: ") {
		return cause.Error()
	}
	return fmt.Sprintf("%q is no %s", bad.GetValue(), bad.GetFlag().Value.Type())
}

func visible(cmd *cobra.Command, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return cmd.Flags().Lookup(name).Hidden })
}

// oneOf returns the choice that s is, in any case.
func oneOf(what, s string, choices []string) (string, error) {
	for _, c := range choices {
		if strings.EqualFold(c, s) {
			return c, nil
		}
	}
	all := strings.Join(choices, ", ")
	if best := closest(s, choices); best != "" {
		return "", mistaken("unknown %s %q: did you mean %s? There are %s", what, s, best, all)
	}
	return "", mistaken("unknown %s %q: there are %s", what, s, all)
}
