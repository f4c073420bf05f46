package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

func topicConfigs(name string) kgo.ConfigResource {
	return kgo.ConfigResource{Type: kmsg.ConfigResourceTopic, Name: name}
}

func brokerConfigs(id string) kgo.ConfigResource {
	return kgo.ConfigResource{Type: kmsg.ConfigResourceBroker, Name: id}
}

// set lists what is set on a resource itself.
func (a *administrator) set(r kgo.ConfigResource) map[string]string {
	a.Helper()
	own := map[kmsg.ConfigResourceType]kmsg.ConfigSource{kmsg.ConfigResourceTopic: kmsg.ConfigSourceDynamicTopic, kmsg.ConfigResourceBroker: kmsg.ConfigSourceDynamicBroker}[r.Type]
	if r == brokerConfigs("") {
		own = kmsg.ConfigSourceDynamicDefaultBroker
	}
	all, err := a.DescribeConfigs(a.Context(), []kgo.ConfigResource{r})
	if err != nil || len(all) != 1 || all[0].Resource != r {
		a.Fatalf("DescribeConfigs: %+v, %v", all, err)
	}
	m := map[string]string{}
	for _, c := range all[0].Configs {
		if c.Source == own {
			m[c.Name] = c.Value.S
		}
	}
	return m
}

// isSet waits until exactly this is set on a resource.
func (a *administrator) isSet(r kgo.ConfigResource, want map[string]string) {
	a.Helper()
	a.settles(r.String(), func() error {
		if diff := cmp.Diff(want, a.set(r)); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// describeConfigsTask describes configs of a topic that has retention.ms set, and of a broker.
func (a *administrator) describeConfigsTask(broker string) {
	ctx := a.Context()
	asked := []kgo.ConfigResource{topicConfigs("orders"), topicConfigs("no/topic"), brokerConfigs(broker)}
	all, err := a.DescribeConfigs(ctx, asked)
	if !a.has("0.11.0") {
		a.lacks("DescribeConfigs", err)
		_, err := a.AlterConfigs(ctx, []kgo.ConfigChange{{Resource: asked[0]}})
		a.lacks("AlterConfigs", err)
		return
	}
	if len(all) != 3 || all[0].Resource != asked[0] || all[1].Resource != asked[1] || all[2].Resource != asked[2] {
		a.Fatalf("DescribeConfigs: %+v, %v", all, err)
	}
	a.works("orders", all[0].Err)
	a.works("broker", all[2].Err)
	a.fails("no/topic", all[1].Err, err, kmsg.InvalidTopicException)
	var e *kgo.Error
	if errors.As(all[1].Err, &e) && e.Key != asked[1].String() {
		a.Errorf("got key %q, want %q", e.Key, asked[1])
	}
	retention, ok := all[0].Get("retention.ms")
	if !ok || retention.Value != kbin.Str("3600000") || retention.Source != kmsg.ConfigSourceDynamicTopic || retention.ReadOnly || retention.Sensitive {
		a.Errorf("got %+v", retention)
	}
	if (len(retention.Synonyms) == 0) == a.has("1.1") || len(retention.Synonyms) > 0 && retention.Synonyms[0] != (kgo.ConfigSynonym{Name: "retention.ms", Value: kbin.Str("3600000"), Source: kmsg.ConfigSourceDynamicTopic}) {
		a.Errorf("got synonyms %+v", retention.Synonyms)
	}
	if (retention.Type == kmsg.ConfigTypeLong) != a.has("2.6") || retention.Documentation != "" {
		a.Errorf("got %+v", retention)
	}
	if c, ok := all[0].Get("segment.bytes"); !ok || c.Value.S != "1073741824" || c.Source != kmsg.ConfigSourceDefault {
		a.Errorf("got %+v", c)
	}
	if c, ok := all[2].Get("log.dirs"); !ok || !c.ReadOnly {
		a.Errorf("got %+v", c)
	}
	if c, ok := all[2].Get("ssl.key.password"); !ok || !c.Sensitive || c.Value.Valid {
		a.Errorf("got %+v", c)
	}
	if _, ok := all[0].Get("nothing"); ok {
		a.Error("there is a config that there is not")
	}
	some, err := a.DescribeConfigs(ctx, asked[:1], kgo.ConfigKeys("cleanup.policy"), nil, kgo.ConfigKeys("retention.ms"), kgo.ConfigDocs())
	if err != nil || len(some) != 1 || len(some[0].Configs) != 2 || some[0].Configs[0].Name != "cleanup.policy" || some[0].Configs[1].Name != "retention.ms" {
		a.Errorf("two of them: %+v, %v", some, err)
	}
}

// alterConfigsTask changes configs of a topic that has retention.ms set.
func (a *administrator) alterConfigsTask() {
	ctx, orders := a.Context(), topicConfigs("orders")
	if !a.has("0.11.0") {
		return
	}
	alter := func(c kgo.ConfigChange, opts ...kgo.ChangeOption) error {
		a.Helper()
		c.Resource = orders
		all, err := a.AlterConfigs(ctx, []kgo.ConfigChange{c}, opts...)
		if len(all) != 1 || all[0].Resource != orders || all[0].Err != err {
			a.Errorf("AlterConfigs: %+v, %v", all, err)
		}
		return err
	}
	a.works("set", alter(kgo.ConfigChange{Set: map[string]string{"segment.bytes": "2000000", "flush.ms": "1000"}}))
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "segment.bytes": "2000000", "flush.ms": "1000"})
	a.works("only checked", alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": "2000"}, Delete: []string{"retention.ms"}}, kgo.ValidateOnly()))
	a.works("delete", alter(kgo.ConfigChange{Delete: []string{"segment.bytes"}, Set: map[string]string{"flush.ms": "3000"}}))
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "flush.ms": "3000"})
	a.works("append", alter(kgo.ConfigChange{Append: map[string]string{"cleanup.policy": "compact"}}))
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "flush.ms": "3000", "cleanup.policy": "delete,compact"})
	if a.has("3.0") || !a.has("2.3") { // in between it was there twice then
		a.works("append what is there", alter(kgo.ConfigChange{Append: map[string]string{"cleanup.policy": "delete"}}))
	}
	a.works("delete", alter(kgo.ConfigChange{Delete: []string{"flush.ms"}}))
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "cleanup.policy": "delete,compact"})
	a.works("subtract", alter(kgo.ConfigChange{Subtract: map[string]string{"cleanup.policy": "delete"}}))
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "cleanup.policy": "compact"})

	for _, value := range []string{"", "soon"} { // not a number
		err := alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": value}})
		if !errors.Is(err, kmsg.InvalidConfig) && !errors.Is(err, kmsg.InvalidRequest) {
			a.Errorf("flush.ms=%s: got %v", value, err)
		}
	}
	if err := alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": "1"}, Delete: []string{"flush.ms"}}); err == nil {
		a.Error("one config is set and deleted at once")
	}
	a.isSet(orders, map[string]string{"retention.ms": "3600000", "cleanup.policy": "compact"})

	all, err := a.AlterConfigs(ctx, []kgo.ConfigChange{
		{Resource: topicConfigs("no/topic"), Set: map[string]string{"flush.ms": "1"}},
		{Resource: orders, Delete: []string{"cleanup.policy"}},
	})
	if len(all) != 2 || all[0].Err == nil || !errors.Is(err, all[0].Err) || all[1].Err != nil {
		a.Errorf("two of them: %+v, %v", all, err)
	}
	a.isSet(orders, map[string]string{"retention.ms": "3600000"})
	twice := []kgo.ConfigChange{{Resource: orders, Set: map[string]string{"flush.ms": "1"}}, {Resource: orders, Set: map[string]string{"flush.ms": "2"}}}
	if all, err := a.AlterConfigs(ctx, twice); !errors.Is(err, all[1].Err) || all[0].Err == nil || all[1].Err == nil || errors.Is(err, kmsg.InvalidRequest) {
		a.Errorf("one that is named twice: %+v, %v", all, err)
	}
	a.isSet(orders, map[string]string{"retention.ms": "3600000"})
}

// alterBrokerTask changes configs of a broker and of all.
func (a *administrator) alterBrokerTask(broker string) {
	ctx := a.Context()
	if !a.has("0.11.0") {
		return
	}
	change := func(r kgo.ConfigResource) error {
		_, err := a.AlterConfigs(ctx, []kgo.ConfigChange{{Resource: r, Set: map[string]string{"log.retention.ms": "5000000"}}})
		return err
	}
	if !a.has("1.1") {
		err := change(brokerConfigs(broker))
		a.fails("broker", err, err, kmsg.InvalidRequest)
		return
	}
	for _, r := range []kgo.ConfigResource{brokerConfigs(broker), brokerConfigs("")} {
		before := a.set(r) // Kafka sets some itself
		with := maps.Clone(before)
		with["log.retention.ms"] = "5000000"
		a.works(r.String(), change(r))
		a.isSet(r, with)
		_, err := a.AlterConfigs(ctx, []kgo.ConfigChange{{Resource: r, Delete: []string{"log.retention.ms"}}})
		a.works("back", err)
		a.isSet(r, before)
	}
}

// Configs are described and changed on every release that can, and those that are not named stay
// as they are, also where brokers take all of them at once.
func TestAdminConfigs(t *testing.T) {
	onReleases(t, func(a *administrator, s *stage) {
		a.describeConfigsTask("2")
		a.alterConfigsTask()
		a.alterBrokerTask("3")
		if (s.Requests(kmsg.KeyAlterConfigs) > 0) != (a.has("0.11.0") && !a.has("2.3")) {
			t.Errorf("got %d requests for all configs at once", s.Requests(kmsg.KeyAlterConfigs))
		}
	}, ktest.SeedTopic("orders", 1, ktest.Config("retention.ms", "3600000")))
}

// What old brokers would lose is refused, and nothing is changed.
func TestAdminReplaceRefused(t *testing.T) {
	opts := []ktest.Option{ktest.Version("2.0"), ktest.SeedTopic("orders", 1, ktest.Config("retention.ms", "3600000"))}
	onStage(t, opts, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			a := &administrator{s.T, c.Admin(), c, "2.0"}
			secret := s.Fault(ktest.On(kmsg.KeyDescribeConfigs), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				configs := resp.(*kmsg.DescribeConfigsResponse).Results[0].Configs
				for i := range configs {
					if configs[i].Name == "retention.ms" {
						configs[i].IsSensitive, configs[i].Value = true, kbin.NullString{}
					}
				}
			}))
			alter := func(c kgo.ConfigChange) error {
				c.Resource = topicConfigs("orders")
				_, err := a.AlterConfigs(s.Context(), []kgo.ConfigChange{c})
				return err
			}
			err := alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": "1"}})
			var e *kgo.Error
			if !errors.As(err, &e) || e.API != kmsg.KeyAlterConfigs || e.Key != "Topic/orders" || !strings.Contains(err.Error(), "retention.ms is secret") {
				s.Errorf("a secret that would be lost: got %v", err)
			}
			a.works("a secret that is named", alter(kgo.ConfigChange{Set: map[string]string{"retention.ms": "5000000"}}))
			secret.Remove()
			a.isSet(topicConfigs("orders"), map[string]string{"retention.ms": "5000000"})

			all := s.Fault(ktest.On(kmsg.KeyDescribeConfigs), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				configs := resp.(*kmsg.DescribeConfigsResponse).Results[0].Configs
				for i := range configs {
					configs[i].ConfigSource = kmsg.ConfigSourceDynamicTopic
				}
			}))
			if err := alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": "1"}}); err == nil || !strings.Contains(err.Error(), "does not tell which") {
				s.Errorf("a broker that does not tell what is set: got %v", err)
			}
			all.Remove()
			s.Fault(ktest.On(kmsg.KeyDescribeConfigs), ktest.Answer(kmsg.TopicAuthorizationFailed))
			err = alter(kgo.ConfigChange{Set: map[string]string{"flush.ms": "1"}})
			a.fails("who may not read", err, err, kmsg.TopicAuthorizationFailed)
		})
	})
}

// A client that is limited to an old release changes configs as one of that release would.
func TestAdminConfigsLimited(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1, ktest.Config("retention.ms", "3600000"))}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MaxVersions("2.0")}, func(c *kgo.Client) {
			a := &administrator{s.T, c.Admin(), c, "2.0"}
			_, err := a.AlterConfigs(s.Context(), []kgo.ConfigChange{{Resource: topicConfigs("orders"), Set: map[string]string{"flush.ms": "1"}}})
			a.works("AlterConfigs", err)
			a.isSet(topicConfigs("orders"), map[string]string{"retention.ms": "3600000", "flush.ms": "1"})
			_, err = a.AlterConfigs(s.Context(), []kgo.ConfigChange{{Resource: kgo.ConfigResource{Type: kmsg.ConfigResourceGroup, Name: "g"}, Set: map[string]string{"x": "1"}}})
			a.lacks("a group", err)
		})
	})
}

// Documentation is long: it comes only if it is asked for.
func TestAdminConfigDocs(t *testing.T) {
	ask := func(version int16, opts ...kgo.ConfigOption) (got string) {
		onPlayed(t, nil, func(b *played) {
			b.serves(kmsg.KeyDescribeConfigs, 0, version, func(req kmsg.Request, resp kmsg.Response) {
				q, r := req.(*kmsg.DescribeConfigsRequest), resp.(*kmsg.DescribeConfigsResponse)
				got = fmt.Sprintf("v%d synonyms=%t docs=%t", q.Version, q.IncludeSynonyms, q.IncludeDocumentation)
				r.Results = []kmsg.DescribeConfigsResponseResult{{ResourceType: q.Resources[0].ResourceType, ResourceName: q.Resources[0].ResourceName, Configs: []kmsg.DescribeConfigsResponseResourceResult{{Name: "flush.ms"}}}}
				if q.IncludeDocumentation {
					r.Results[0].Configs[0].Documentation = kbin.Str("When.")
				}
			})
		}, func(c *kgo.Client) {
			all, err := c.Admin().DescribeConfigs(context.Background(), []kgo.ConfigResource{topicConfigs("orders")}, opts...)
			if err != nil {
				t.Fatal(err)
			}
			c1, _ := all[0].Get("flush.ms")
			got += " " + c1.Documentation
		})
		return got
	}
	for _, tt := range []struct {
		version int16
		opts    []kgo.ConfigOption
		want    string
	}{
		{4, nil, "v4 synonyms=true docs=false "},
		{4, []kgo.ConfigOption{kgo.ConfigDocs()}, "v4 synonyms=true docs=true When."},
		{2, []kgo.ConfigOption{kgo.ConfigDocs()}, "v2 synonyms=true docs=false "},
		{0, []kgo.ConfigOption{kgo.ConfigDocs()}, "v0 synonyms=false docs=false "},
		{0, nil, "v0 synonyms=false docs=false "},
	} {
		if got := ask(tt.version, tt.opts...); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Resources that have configs are listed, of the only type that there was at first too.
func TestAdminListConfigResources(t *testing.T) {
	ask := func(version int16, types ...kmsg.ConfigResourceType) (got string) {
		onPlayed(t, nil, func(b *played) {
			b.serves(kmsg.KeyListConfigResources, 0, version, func(req kmsg.Request, resp kmsg.Response) {
				q, r := req.(*kmsg.ListConfigResourcesRequest), resp.(*kmsg.ListConfigResourcesResponse)
				for _, e := range []kmsg.ListConfigResourcesResponseConfigResource{{ResourceName: "latency", ResourceType: kmsg.ConfigResourceClientMetrics}, {ResourceName: "orders", ResourceType: kmsg.ConfigResourceTopic}, {ResourceName: "cpu", ResourceType: kmsg.ConfigResourceClientMetrics}} {
					if q.Version == 0 && e.ResourceType == kmsg.ConfigResourceClientMetrics || q.Version > 0 && (len(q.ResourceTypes) == 0 || slices.Contains(q.ResourceTypes, e.ResourceType)) {
						r.ConfigResources = append(r.ConfigResources, e)
					}
				}
			})
		}, func(c *kgo.Client) {
			all, err := c.Admin().ListConfigResources(context.Background(), types...)
			if err != nil {
				got = err.Error()
				return
			}
			got = fmt.Sprint(all)
		})
		return got
	}
	metrics, topic := kmsg.ConfigResourceClientMetrics, kmsg.ConfigResourceTopic
	for _, tt := range []struct {
		version int16
		types   []kmsg.ConfigResourceType
		want    string
	}{
		{1, nil, "[Topic/orders ClientMetrics/cpu ClientMetrics/latency]"},
		{1, []kmsg.ConfigResourceType{metrics}, "[ClientMetrics/cpu ClientMetrics/latency]"},
		{0, nil, "[ClientMetrics/cpu ClientMetrics/latency]"},
		{0, []kmsg.ConfigResourceType{metrics}, "[ClientMetrics/cpu ClientMetrics/latency]"},
		{0, []kmsg.ConfigResourceType{metrics, topic}, "since Kafka 4.1"},
	} {
		if got := ask(tt.version, tt.types...); !strings.Contains(got, tt.want) {
			t.Errorf("version %d, %v: got %s, want %s", tt.version, tt.types, got, tt.want)
		}
	}
}
