package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

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

// connection has the flags that say which broker to ask, and how.
type connection struct {
	addr     addrFlag
	clientID string
	timeout  time.Duration
}

const defaultTimeout = 10 * time.Second

// check says what is missing to ask a broker.
func (c *connection) check(cmd *cobra.Command) error {
	if c.addr == "" {
		return misused(cmd, "which broker? Say so with -b HOST:PORT")
	}
	if c.timeout <= 0 {
		return misused(cmd, "--timeout: %v is no time to wait", c.timeout)
	}
	return nil
}

func (c *connection) add(cmd *cobra.Command) {
	cmd.Flags().VarP(&c.addr, "broker", "b", "the broker to ask, HOST:PORT (port 9092 if left out)")
	cmd.Flags().StringVar(&c.clientID, "client-id", "franzi", "the client id of requests")
	cmd.Flags().DurationVar(&c.timeout, "timeout", defaultTimeout, "how long all of it may take, like 500ms")
	complete(cmd, "broker", completeNothing)
	complete(cmd, "client-id", completeNothing)
	complete(cmd, "timeout", completeNothing)
}

// An addrFlag is the address of one broker.
type addrFlag string

// Set reads HOST or HOST:PORT.
func (f *addrFlag) Set(s string) error {
	if strings.Contains(s, ",") {
		return fmt.Errorf("%q are several brokers, one is asked", s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "9092"
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return fmt.Errorf("%q is not HOST:PORT", s)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("%q is not HOST:PORT", s)
	}
	*f = addrFlag(net.JoinHostPort(host, port))
	return nil
}

// String returns the address.
func (f *addrFlag) String() string { return string(*f) }

// Type names what the flag takes, for help.
func (*addrFlag) Type() string { return "host:port" }
