package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/settings"
	"github.com/franzi-kafka/franzi/kgo"
)

// connection has the flags that say which cluster to ask, and how.
type connection struct {
	set     []settings.Assignment
	file    string
	profile string
	timeout time.Duration
	explain bool
	verbose bool

	options []kgo.ClientOption // that the command wants
}

const defaultTimeout = 10 * time.Second

// add adds the flags to a command.
func (c *connection) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.VarP(&assignFlag{c, "bootstrap.servers", "-b", "host:port,..."}, "brokers", "b", "the brokers to begin with (port 9092 if left out)")
	flags.StringVarP(&c.profile, "profile", "p", "", "the profile of the configuration file to use")
	flags.VarP(&propertyFlag{c}, "set", "X", "set a property, named as by Java or librdkafka; see franzi settings")
	flags.StringVar(&c.file, "command-config", "", "a file of properties, as Kafka's own tools take it")
	flags.Var(&truthFlag{assignFlag{c, "tls", "--tls", "bool"}}, "tls", "use TLS")
	flags.Lookup("tls").NoOptDefVal = "true"
	flags.Var(&assignFlag{c, "ssl.truststore.location", "--tls-ca", "file"}, "tls-ca", "the authorities to trust, PEM (default those of the system)")
	flags.Var(&assignFlag{c, "ssl.certificate.location", "--tls-cert", "file"}, "tls-cert", "the client's certificate, PEM, its key beside it or with --tls-key")
	flags.Var(&assignFlag{c, "ssl.key.location", "--tls-key", "file"}, "tls-key", "the client's private key, PEM")
	flags.Var(&assignFlag{c, "ssl.server.name", "--tls-name", "name"}, "tls-name", "the name that certificates must be of, instead of the host's")
	flags.Var(&assignFlag{c, "sasl.mechanism", "--sasl", "mechanism"}, "sasl", "log in: "+strings.Join(settings.Mechanisms(), ", "))
	flags.Var(&assignFlag{c, "sasl.username", "--user", "name"}, "user", "who logs in; the password by FRANZI_SASL_PASSWORD or -X sasl.password.file=...")
	flags.Var(&assignFlag{c, "address.map", "--map", "from=to,..."}, "map", "reach brokers elsewhere than they advertise: HOST:PORT=HOST:PORT")
	flags.Var(&assignFlag{c, "client.id", "--client-id", "id"}, "client-id", "the client id of requests (default franzi)")
	flags.DurationVar(&c.timeout, "timeout", defaultTimeout, "how long all of it may take, like 500ms")
	flags.BoolVar(&c.explain, "explain", false, "show the requests instead; those that change something are not sent")
	flags.BoolVar(&c.verbose, "verbose", false, "tell on stderr what happens to connections")
	for _, name := range []string{"brokers", "set", "tls-name", "user", "map", "client-id", "timeout"} {
		complete(cmd, name, completeNothing)
	}
	complete(cmd, "sasl", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return startingWith(settings.Mechanisms(), typed), cobra.ShellCompDirectiveNoFileComp
	})
	complete(cmd, "profile", completeProfiles)
}

// noExplain hides --explain in commands that refuse it.
func noExplain(cmd *cobra.Command) {
	if err := cmd.Flags().MarkHidden("explain"); err != nil {
		panic(err) // there is no such flag
	}
}

func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names, _, err := settings.Profiles(os.Environ())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// load reads the settings.
func (c *connection) load(a *app, cmd *cobra.Command) (*settings.Settings, error) {
	if c.timeout <= 0 {
		return nil, misused(cmd, "--timeout: %v is no time to wait", c.timeout)
	}
	s, err := settings.Load(settings.Input{Set: c.set, File: c.file, Profile: c.profile, Environ: a.environ})
	if err != nil {
		return nil, mistaken("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	for _, w := range s.Warnings() {
		a.say("%s", w)
	}
	if c.verbose && len(s.Ignored()) > 0 {
		a.say("these settings mean nothing here: %s", strings.Join(s.Ignored(), ", "))
	}
	return s, nil
}

// An assignFlag is a flag that sets a property.
type assignFlag struct {
	c         *connection
	key, flag string
	kind      string
}

// Set takes note of the value.
func (f *assignFlag) Set(s string) error {
	f.c.set = append(f.c.set, settings.Assignment{Key: f.key, Value: s, From: f.flag})
	return nil
}

// String returns nothing: there is no default.
func (f *assignFlag) String() string { return "" }

// Type names what the flag takes, for help.
func (f *assignFlag) Type() string { return f.kind }

// A truthFlag is an assignFlag without a value.
type truthFlag struct{ assignFlag }

// IsBoolFlag tells pflag that no value need follow.
func (*truthFlag) IsBoolFlag() bool { return true }

// A propertyFlag is -X.
type propertyFlag struct{ c *connection }

// Set reads key=value.
func (f *propertyFlag) Set(s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" {
		return fmt.Errorf("%q is not key=value", s)
	}
	f.c.set = append(f.c.set, settings.Assignment{Key: strings.TrimSpace(key), Value: value, From: "-X"})
	return nil
}

// String returns nothing: there is no default.
func (*propertyFlag) String() string { return "" }

// Type names what the flag takes, for help.
func (*propertyFlag) Type() string { return "key=value" }
