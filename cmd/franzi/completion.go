package main

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

const completionHelp = `completion prints a script that completes commands, flags and the names of APIs, messages,
versions, errors and releases in your shell.

  bash        source <(franzi completion bash)
  zsh         franzi completion zsh > "${fpath[1]}/_franzi"
  fish        franzi completion fish | source
  powershell  franzi completion powershell | Out-String | Invoke-Expression`

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "completion bash|zsh|fish|powershell",
		Short:             "Print the completion script of a shell",
		Long:              completionHelp,
		Example:           "  source <(franzi completion bash)",
		Args:              takes(1, 1),
		ValidArgsFunction: cobra.FixedCompletions(shells(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			shell, err := oneOf("shell", args[0], shells())
			if err != nil {
				return err
			}
			var script bytes.Buffer
			root := cmd.Root()
			switch shell {
			case "bash":
				err = root.GenBashCompletionV2(&script, true)
			case "zsh":
				err = root.GenZshCompletion(&script)
			case "fish":
				err = root.GenFishCompletion(&script, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(&script)
			}
			if err != nil {
				return err
			}
			value := struct {
				Shell  string `json:"shell"`
				Script string `json:"script"`
			}{shell, script.String()}
			return a.write(output.RawFormat, output.Result{Value: value, Raw: script.Bytes()})
		},
	}
}

// complete tells cobra what completes the values of a flag.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // no such flag, or registered twice
	}
}

// completeFiles tells shells which files the values of a flag are.
func completeFiles(cmd *cobra.Command, flag string, extensions ...string) {
	if err := cmd.MarkFlagFilename(flag, extensions...); err != nil {
		panic(err) // no such flag
	}
}

func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func completeFormats(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return output.Formats(), cobra.ShellCompDirectiveNoFileComp
}

func completeReleases(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return kmsg.Releases(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeFakes offers the releases that brokers in memory can be of.
func completeFakes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return ktest.Releases(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeVersions offers the versions of the message that the first argument names.
func completeVersions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	of := args
	if f := cmd.Flags().Lookup("response-to"); f != nil && f.Changed {
		of = []string{f.Value.String()}
	}
	if len(of) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return versionTexts(of[0]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// versionTexts lists the versions of a message, newest first.
func versionTexts(of string) []string {
	name, err := findMessage(of)
	if err != nil {
		return nil
	}
	low, high := versionsOf(name)
	var versions []string
	for v := high; v >= low; v-- {
		versions = append(versions, strconv.Itoa(int(v)))
	}
	return versions
}

// completeNames offers names for the first argument, in the case of what was typed.
func completeNames(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault // a file: @FILE, JSON, HEX
		}
		return startingWith(names(), typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// startingWith picks the names that begin as typed, in any case.
func startingWith(names []string, typed string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return len(name) < len(typed) || !strings.EqualFold(name[:len(typed)], typed)
	})
}
