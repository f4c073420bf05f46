package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// A confirmation is how a command that destroys something is allowed to.
type confirmation struct {
	yes    bool
	dryRun bool
}

func (c *confirmation) add(cmd *cobra.Command, dryRun string) {
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, dryRun)
}

// confirm asks on the terminal. Without one, only -y allows it.
func (a *app) confirm(cmd *cobra.Command, c *confirmation, question string) error {
	if c.yes || a.explains != nil {
		return nil
	}
	if !a.terminal {
		return misused(cmd, "%s Nobody is there to ask: say -y", question)
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(a.err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return failed("nothing is done")
}

// isTerminal reports whether somebody sits at a file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// joined joins errors, each of which is a part.
func joined(errs []error) error { return errors.Join(errs...) }

// addDryRun adds --dry-run to a command whose changes brokers can check before: it is said to add,
// change or create nothing then.
func addDryRun(cmd *cobra.Command, dryRun *bool, verb string) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "let the brokers check it, and "+verb+" nothing")
}
