package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

const configKinds = `TYPE is topic, broker, broker-logger, group or client-metrics; NAME is the topic, the broker's
id ("default" for what holds for all brokers), the group, or the subscription.`

func (a *app) configCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "config",
		Short:   "Get, set and unset configs of topics, brokers, groups",
		Long:    configKinds,
		Example: "  franzi config get topic orders -b localhost:9092",
	}, a.configGetCommand(), a.configSetCommand(), a.configUnsetCommand())
}

var resourceKinds = map[string]kmsg.ConfigResourceType{
	"topic": kmsg.ConfigResourceTopic, "broker": kmsg.ConfigResourceBroker, "broker-logger": kmsg.ConfigResourceBrokerLogger,
	"group": kmsg.ConfigResourceGroup, "client-metrics": kmsg.ConfigResourceClientMetrics,
}

func resourceKindNames() []string {
	return []string{"topic", "broker", "broker-logger", "group", "client-metrics"}
}

func findResource(kind, name string) (kgo.ConfigResource, error) {
	k, err := oneOf("type", kind, resourceKindNames())
	if err != nil {
		return kgo.ConfigResource{}, err
	}
	r := kgo.ConfigResource{Type: resourceKinds[k], Name: name}
	if r.Type == kmsg.ConfigResourceBroker && name == "default" {
		r.Name = "" // all brokers
	}
	return r, nil
}

// A shownConfig is a config of something.
type shownConfig struct {
	Name      string          `json:"name"`
	Value     *string         `json:"value"` // null if it is secret, or not set
	Source    string          `json:"source"`
	Default   bool            `json:"default"`
	ReadOnly  bool            `json:"readOnly"`
	Sensitive bool            `json:"sensitive"`
	Synonyms  []configSynonym `json:"synonyms"` // from the strongest on; empty before 1.1
	Doc       *string         `json:"doc"`      // with --docs, from 2.6 on
}

// A configSynonym is a config that stands behind another.
type configSynonym struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

func (a *app) configGetCommand() *cobra.Command {
	var c connection
	var all, docs bool
	cmd := &cobra.Command{
		Use:     "get TYPE NAME [KEY...]",
		Short:   "Show configs",
		Long:    "get shows the configs that are not Kafka's defaults, or those that are named, or all.\n\n" + configKinds,
		Example: "  franzi config get topic orders -b localhost:9092\n  franzi config get broker 1 log.retention.hours",
		Args:    takes(2, 1<<20),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := findResource(args[0], args[1])
			if err != nil {
				return err
			}
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			return a.getConfigs(s, r, args[2:], all, docs)
		},
		ValidArgsFunction: a.completeResources(&c),
	}
	c.add(cmd)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "Kafka's defaults too")
	cmd.Flags().BoolVar(&docs, "docs", false, "with Kafka's documentation")
	return cmd
}

// configs asks for the configs of a resource, all if no keys are named.
func (s *session) configs(r kgo.ConfigResource, keys []string, docs bool) ([]kgo.Config, error) {
	opts := []kgo.ConfigOption{kgo.ConfigKeys(keys...)}
	if docs {
		opts = append(opts, kgo.ConfigDocs())
	}
	all, err := s.client.Admin().DescribeConfigs(s.ctx, []kgo.ConfigResource{r}, opts...)
	if err != nil {
		return nil, s.wrap(err)
	}
	return all[0].Configs, nil
}

func (a *app) getConfigs(s *session, r kgo.ConfigResource, keys []string, all, docs bool) error {
	list, err := s.configs(r, keys, docs)
	if err != nil {
		return err
	}
	shown := []shownConfig{}
	for i := range list {
		if all || len(keys) > 0 || list[i].Source != kmsg.ConfigSourceDefault {
			shown = append(shown, newShownConfig(&list[i]))
		}
	}
	for _, key := range keys {
		if !slices.ContainsFunc(shown, func(c shownConfig) bool { return c.Name == key }) {
			a.say("there is no config %q", key)
		}
	}
	if err := a.write(output.TableFormat, output.Result{Value: shown, Table: func(t *output.Table) {
		t.Heading("NAME", "VALUE", "SOURCE", "NOTE")
		for _, c := range shown {
			var notes []string
			if c.Sensitive {
				notes = append(notes, "secret")
			}
			if c.ReadOnly {
				notes = append(notes, "read-only")
			}
			if c.Doc != nil {
				notes = append(notes, *c.Doc)
			}
			t.Row(c.Name, dashIfNull(c.Value), c.Source, strings.Join(notes, ", "))
		}
	}}); err != nil {
		return err
	}
	if len(shown) < len(keys) {
		return errSaid()
	}
	return nil
}

func newShownConfig(c *kgo.Config) shownConfig {
	shown := shownConfig{Name: c.Name, Value: textOrNil(c.Value), Source: c.Source.String(), Default: c.Source == kmsg.ConfigSourceDefault,
		ReadOnly: c.ReadOnly, Sensitive: c.Sensitive, Synonyms: []configSynonym{}}
	if c.Documentation != "" {
		shown.Doc = &c.Documentation
	}
	for _, y := range c.Synonyms {
		shown.Synonyms = append(shown.Synonyms, configSynonym{y.Name, textOrNil(y.Value), y.Source.String()})
	}
	return shown
}

func textOrNil(s kbin.NullString) *string {
	if !s.Valid {
		return nil
	}
	return &s.S
}
