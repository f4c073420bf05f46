package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
)

// A helpFlag asks for help in JSON. It sets the flag for help too, so that cobra goes the
// way of help, on which nothing else need be given.
type helpFlag struct {
	asked *bool
	help  pflag.Value
}

func (f *helpFlag) Set(s string) error {
	*f.asked = s == "true"
	return f.help.Set(s)
}

func (f *helpFlag) String() string   { return "false" }
func (f *helpFlag) Type() string     { return "bool" }
func (f *helpFlag) IsBoolFlag() bool { return true }

func (a *app) addHelpJSON(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.Var(&helpFlag{&a.helpJSON, flags.Lookup("help").Value}, "help-json", "show the command and those below it as JSON")
	flags.Lookup("help-json").NoOptDefVal = "true"
	plain := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if !a.helpJSON {
			plain(cmd, args)
			return
		}
		w := output.NewWriter(a.out, a.format, output.JSONFormat)
		if err := w.Write(output.Result{Value: describe(cmd)}); err != nil {
			a.say("%v", err)
		}
	})
}

// A commandHelp is a command as --help-json shows it.
type commandHelp struct {
	Name     string        `json:"name"`
	Path     string        `json:"path"`
	Use      string        `json:"use"`
	Short    string        `json:"short"`
	Help     string        `json:"help,omitempty"`
	Example  string        `json:"example,omitempty"`
	Flags    []flagHelp    `json:"flags"`
	Commands []commandHelp `json:"commands"`
}

type flagHelp struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand,omitempty"`
	Type      string `json:"type"`
	Default   string `json:"default"`
	Help      string `json:"help"`
	Inherited bool   `json:"inherited"`
}

func describe(cmd *cobra.Command) commandHelp {
	c := commandHelp{
		Name: cmd.Name(), Path: cmd.CommandPath(), Use: cmd.UseLine(), Short: cmd.Short,
		Help: cmd.Long, Example: cmd.Example, Flags: []flagHelp{}, Commands: []commandHelp{},
	}
	inherited := cmd.InheritedFlags()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			c.Flags = append(c.Flags, flagHelp{f.Name, f.Shorthand, f.Value.Type(), f.DefValue, f.Usage, inherited.Lookup(f.Name) != nil})
		}
	})
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			c.Commands = append(c.Commands, describe(below))
		}
	}
	return c
}
