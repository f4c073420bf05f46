package kgo

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// ConfigResource is something that has configs.
type ConfigResource struct {
	Type kmsg.ConfigResourceType
	// Name is that of a topic, a group, or a subscription to client metrics; of a broker and its
	// loggers it is the id in decimal. For [kmsg.ConfigResourceBroker] "" stands for what is set
	// for all brokers.
	Name string
}

// String returns the type and the name, "Topic/orders" for example, as Key of [Error] has it.
func (r ConfigResource) String() string {
	if r.Name == "" {
		return r.Type.String()
	}
	return r.Type.String() + "/" + r.Name
}

// Config is a config of something.
type Config struct {
	Name string
	// Value is null if there is none, or if it is secret.
	Value kbin.NullString
	// Source says where the value comes from. Brokers before 1.1 only tell defaults from others.
	Source    kmsg.ConfigSource
	ReadOnly  bool // it cannot be changed while brokers run
	Sensitive bool // it is secret: brokers do not tell the value
	// Synonyms are all places where the value is set, the one that counts first; nil if brokers do
	// not tell, before 1.1.
	Synonyms []ConfigSynonym
	// Type is [kmsg.ConfigTypeUnknown] if brokers do not tell, before 2.6.
	Type kmsg.ConfigType
	// Documentation is Kafka's, with [ConfigDocs]; "" if brokers do not tell, before 2.6.
	Documentation string
}

// ConfigSynonym is a place where the value of a [Config] is set.
type ConfigSynonym struct {
	Name   string // of the config there, which may differ
	Value  kbin.NullString
	Source kmsg.ConfigSource
}

// ResourceConfigs are the configs of a resource.
type ResourceConfigs struct {
	Resource ConfigResource
	Configs  []Config // by name
	Err      error
}

// Get returns a config, and whether there is one with that name.
func (r ResourceConfigs) Get(name string) (Config, bool) {
	i, ok := slices.BinarySearchFunc(r.Configs, name, func(c Config, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return Config{Name: name}, false
	}
	return r.Configs[i], true
}

func sortConfigs(all []Config) {
	slices.SortFunc(all, func(a, b Config) int { return strings.Compare(a.Name, b.Name) })
}

// A ConfigOption is for [Admin.DescribeConfigs].
type ConfigOption interface{ applyConfigs(*configQuery) }

type configQuery struct {
	keys []string
	docs bool
}

type configOption func(*configQuery)

func (o configOption) applyConfigs(q *configQuery) { o(q) }

// ConfigKeys asks for the configs with those names only. Java's admin client always asks for all.
func ConfigKeys(names ...string) ConfigOption {
	return configOption(func(q *configQuery) { q.keys = append(q.keys, names...) })
}

// ConfigDocs asks for Kafka's documentation too, which is long. Java: includeDocumentation (KIP-569).
func ConfigDocs() ConfigOption {
	return configOption(func(q *configQuery) { q.docs = true })
}

// DescribeConfigs returns the configs of resources, defaults included. Brokers are asked for their
// own. From Kafka 0.11 on; loggers of brokers from 2.3 on, client metrics from 3.7 on, groups from
// 4.0 on. Java: describeConfigs (KIP-133, KIP-226).
//
// Errors are for example [kmsg.UnknownTopicOrPartition], and [kmsg.InvalidRequest] for types that
// the broker does not know.
func (a *Admin) DescribeConfigs(ctx context.Context, resources []ConfigResource, opts ...ConfigOption) ([]ResourceConfigs, error) {
	var query configQuery
	for _, o := range opts {
		if o != nil {
			o.applyConfigs(&query)
		}
	}
	if len(resources) == 0 {
		return nil, nil
	}
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	ask := func(synonyms, docs bool, least int16) func() (*kmsg.DescribeConfigsResponse, error) {
		return func() (*kmsg.DescribeConfigsResponse, error) {
			req := kmsg.NewDescribeConfigsRequest()
			req.IncludeSynonyms, req.IncludeDocumentation = synonyms, docs
			for _, r := range resources {
				one := kmsg.NewDescribeConfigsRequestResource()
				one.ResourceType, one.ResourceName, one.ConfigurationKeys = r.Type, r.Name, query.keys
				req.Resources = append(req.Resources, one)
			}
			return Do(ctx, a.client, req, atLeast(least))
		}
	}
	tries := []func() (*kmsg.DescribeConfigsResponse, error){ask(true, true, 3), ask(true, false, 1), ask(false, false, 0)}
	if !query.docs {
		tries = tries[1:]
	}
	resp, err := firstServed(tries...)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyDescribeConfigs, err)
	told := indexed(resp.Results, func(r *kmsg.DescribeConfigsResponseResult) ConfigResource {
		return ConfigResource{r.ResourceType, r.ResourceName}
	})
	all := make([]ResourceConfigs, len(resources))
	for i, r := range resources {
		all[i] = ResourceConfigs{Resource: r, Err: o.of(keyPart(r.String()), told[r] != nil)}
		if all[i].Err == nil {
			all[i].Configs = configsOf(r, told[r])
		}
	}
	return all, o.err()
}

func configsOf(r ConfigResource, told *kmsg.DescribeConfigsResponseResult) []Config {
	all := make([]Config, len(told.Configs))
	for i := range told.Configs {
		k := &told.Configs[i]
		c := Config{Name: k.Name, Value: k.Value, Source: k.ConfigSource, ReadOnly: k.ReadOnly, Sensitive: k.IsSensitive, Type: k.ConfigType, Documentation: k.Documentation.S}
		if c.Source == kmsg.ConfigSourceAbsent {
			c.Source = sourceBefore(r.Type, k.IsDefault)
		}
		for _, s := range k.Synonyms {
			c.Synonyms = append(c.Synonyms, ConfigSynonym{s.Name, s.Value, s.Source})
		}
		all[i] = c
	}
	sortConfigs(all)
	return all
}

// sourceBefore is what brokers before 1.1 mean, which only say whether a value is a default.
func sourceBefore(kind kmsg.ConfigResourceType, isDefault bool) kmsg.ConfigSource {
	switch {
	case isDefault:
		return kmsg.ConfigSourceDefault
	case kind == kmsg.ConfigResourceTopic:
		return kmsg.ConfigSourceDynamicTopic
	case kind == kmsg.ConfigResourceBroker:
		return kmsg.ConfigSourceStaticBroker
	}
	return kmsg.ConfigSourceUnknown
}

// ListConfigResources returns resources of some types that have configs, or of all types that the
// broker can list if none are named, by type and name. From Kafka 4.1 on, client metrics from 3.7
// on. Java: listConfigResources (KIP-1142).
func (a *Admin) ListConfigResources(ctx context.Context, types ...kmsg.ConfigResourceType) ([]ConfigResource, error) {
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	ask := func(types []kmsg.ConfigResourceType, least int16) func() (*kmsg.ListConfigResourcesResponse, error) {
		return func() (*kmsg.ListConfigResourcesResponse, error) {
			req := kmsg.NewListConfigResourcesRequest()
			req.ResourceTypes = types
			return Do(ctx, a.client, req, atLeast(least))
		}
	}
	tries := []func() (*kmsg.ListConfigResourcesResponse, error){ask(types, 1)}
	if !slices.ContainsFunc(types, func(t kmsg.ConfigResourceType) bool { return t != kmsg.ConfigResourceClientMetrics }) {
		tries = append(tries, ask(nil, 0)) // which has no others
	}
	resp, err := firstServed(tries...)
	return listedResources(resp), err
}

func listedResources(resp *kmsg.ListConfigResourcesResponse) []ConfigResource {
	if resp == nil {
		return nil
	}
	all := make([]ConfigResource, len(resp.ConfigResources))
	for i, r := range resp.ConfigResources {
		all[i] = ConfigResource{r.ResourceType, r.ResourceName}
	}
	slices.SortFunc(all, func(a, b ConfigResource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return all
}
