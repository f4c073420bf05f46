package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/settings"
)

const settingsHelp = `settings shows what franzi knows of how to reach a cluster, and where it has that from, without
connecting. From the strongest to the weakest:

  flags and -X KEY=VALUE
  --command-config FILE, a file of properties as Kafka's tools take it
  the profile that -p names
  the environment: FRANZI_SASL_PASSWORD for sasl.password, FRANZI_BROKERS
  the profile that FRANZI_PROFILE names, or else the default one

Brokers that the command line names leave a profile aside that -p does not name; see franzi
settings profiles. A secret is given as it is, or by .file, .env or .command after its key.`

const profilesHelp = `profiles lists the profiles of ~/.config/franzi/config.toml, or of the file that FRANZI_CONFIG
names. Their keys are those of franzi settings list:

  default = "local"
  [profiles.local]
  brokers = "localhost:9092"
  [profiles.prod]
  brokers = ["a:9093", "b:9093"]
  security.protocol = "SASL_SSL"
  sasl.mechanism = "SCRAM-SHA-512"
  sasl.username = "alice"
  sasl.password.command = "pass show kafka"`

func (a *app) settingsCommand() *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:               "settings",
		Short:             "Show how a cluster is reached, and who says so",
		Long:              settingsHelp,
		Example:           "  franzi settings -p prod\n  franzi settings list",
		Args:              subcommand,
		ValidArgsFunction: completeNothing,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.showSettings(cmd, &c) },
	}
	c.add(cmd)
	cmd.AddCommand(&cobra.Command{
		Use:               "list",
		Short:             "List all keys that can be set",
		Example:           "  franzi settings list -o 'template={{.key}}'",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE:              func(*cobra.Command, []string) error { return a.listSettings() },
	}, &cobra.Command{
		Use:               "profiles",
		Short:             "List the profiles of the configuration file",
		Long:              profilesHelp,
		Example:           "  franzi settings profiles",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE:              func(*cobra.Command, []string) error { return a.listProfiles() },
	})
	return cmd
}

// A shownSetting is a setting that counts.
type shownSetting struct {
	Key   string `json:"key"`
	Value string `json:"value"` // hidden of a secret
	From  string `json:"from"`
}

func (a *app) showSettings(cmd *cobra.Command, c *connection) error {
	s, err := c.load(a, cmd)
	if err != nil {
		return err
	}
	all := []shownSetting{}
	for _, e := range s.Effective() {
		all = append(all, shownSetting{e.Key.Name, e.Value, e.From})
	}
	protocol, err := s.Protocol()
	if err != nil {
		return mistaken("%v", err)
	}
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("KEY", "VALUE", "FROM")
		for _, one := range all {
			t.Row(one.Key, one.Value, one.From)
		}
		t.Line("")
		t.Line("Connections use %s.", protocol)
	}})
}

// A knownSetting is a key that can be set.
type knownSetting struct {
	Key      string   `json:"key"`
	Aliases  []string `json:"aliases"`
	Variable string   `json:"variable"` // in the environment
	Secret   bool     `json:"secret"`
	Doc      string   `json:"doc"`
}

func (a *app) listSettings() error {
	var all []knownSetting
	for _, k := range settings.Keys() {
		one := knownSetting{k.Name, k.Aliases, settings.Variable(k.Name), k.Secret, k.Doc}
		if one.Aliases == nil {
			one.Aliases = []string{}
		}
		all = append(all, one)
	}
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("KEY", "ALSO", "SECRET", "WHAT")
		for _, one := range all {
			t.Row(one.Key, dash(strings.Join(one.Aliases, ", ")), yesNo(one.Secret), one.Doc)
		}
	}})
}

// A knownProfile is a profile of the configuration file.
type knownProfile struct {
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

func (a *app) listProfiles() error {
	names, byDefault, err := settings.Profiles(a.environ)
	if err != nil {
		return mistaken("%v", err)
	}
	all := []knownProfile{}
	for _, name := range names {
		all = append(all, knownProfile{name, name == byDefault})
	}
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("NAME", "DEFAULT")
		for _, p := range all {
			t.Row(p.Name, yesNo(p.Default))
		}
	}})
}
