package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

// A versionFlag is the version of a message, if the user gave one.
type versionFlag struct {
	n   int16
	set bool
}

func (f *versionFlag) add(cmd *cobra.Command, help string) {
	cmd.Flags().VarP(f, "api-version", "v", help)
	complete(cmd, "api-version", completeVersions)
}

// Set reads a version.
func (f *versionFlag) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 15)
	if err != nil {
		return fmt.Errorf("%q is no version", s)
	}
	*f = versionFlag{int16(n), true}
	return nil
}

// String returns the version, "" without.
func (f *versionFlag) String() string {
	if !f.set {
		return ""
	}
	return strconv.Itoa(int(f.n))
}

// Type names what the flag takes, for help.
func (*versionFlag) Type() string { return "version" }

// alone refuses flags that mean nothing beside another one.
func alone(cmd *cobra.Command, flag string, others ...string) error {
	for _, other := range others {
		if cmd.Flags().Changed(other) {
			return misused(cmd, "--%s and --%s do not go together", flag, other)
		}
	}
	return nil
}

// addOpaque adds the flag for those who do not want to see what records are.
func addOpaque(cmd *cobra.Command, opaque *bool) {
	cmd.Flags().BoolVar(opaque, "opaque", false, "leave records in base64, byte for byte, instead of showing their batches")
}
