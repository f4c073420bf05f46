package kgo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// ConfigChange is how the configs of a resource shall change. Those that are not named stay as they
// are.
type ConfigChange struct {
	Resource ConfigResource
	Set      map[string]string
	Delete   []string // these go back to what counts without them
	// Append adds items to lists, and Subtract takes them away; several are separated by commas.
	Append, Subtract map[string]string
}

// ResourceResult is what came of changing the configs of a resource.
type ResourceResult struct {
	Resource ConfigResource
	Err      error
}

// AlterConfigs changes configs of topics, brokers, loggers of brokers, client metrics and groups.
// Each resource changes as a whole or not at all; one that is named twice is refused. From Kafka
// 0.11 on; brokers from 1.1 on, their loggers from 2.4 on, client metrics from 3.7 on, groups from
// 4.0 on. Java: incrementalAlterConfigs (KIP-339).
//
// Brokers before 2.3 only take all configs of a resource at once. For them configs are read,
// changed and written back: what somebody else changes in between is lost. What is secret cannot
// be read, so where a broker has such configs the change is refused, unless it names them all.
//
// Errors are for example [kmsg.InvalidConfig] and [kmsg.InvalidRequest].
func (a *Admin) AlterConfigs(ctx context.Context, changes []ConfigChange, opts ...ChangeOption) ([]ResourceResult, error) {
	validateOnly := changeConfigOf(opts).validateOnly
	all, errs := make([]ResourceResult, len(changes)), &outcomes{api: kmsg.KeyIncrementalAlterConfigs}
	named := map[ConfigResource]int{}
	for _, c := range changes {
		named[c.Resource]++
	}
	req := kmsg.NewIncrementalAlterConfigsRequest()
	req.ValidateOnly = validateOnly
	for i := range changes {
		r := changes[i].Resource
		if all[i].Resource = r; named[r] > 1 { // some releases refuse both, some take the last
			all[i].Err = adminError(errs.api, keyPart(r.String()), errTwice)
			errs.all = append(errs.all, all[i].Err)
			continue
		}
		req.Resources = append(req.Resources, changes[i].request())
	}
	if len(req.Resources) == 0 {
		return all, errs.err()
	}
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(errs.api, err)
	told := indexed(resp.Responses, func(r *kmsg.IncrementalAlterConfigsResponseAlterConfigsResourceResponse) ConfigResource {
		return ConfigResource{r.ResourceType, r.ResourceName}
	})
	var old []ConfigChange // for brokers that do not serve it
	var results []*ResourceResult
	for i, c := range changes {
		if all[i].Err != nil {
			continue
		}
		all[i].Err = o.of(keyPart(c.Resource.String()), told[c.Resource] != nil)
		if lacks(all[i].Err) && c.replaceable() {
			old, results = append(old, c), append(results, &all[i])
		} else if all[i].Err != nil {
			errs.all = append(errs.all, all[i].Err)
		}
	}
	for i, err := range a.replaceConfigs(ctx, old, validateOnly) {
		if results[i].Err = err; err != nil {
			errs.all = append(errs.all, err)
		}
	}
	return all, errs.err()
}

func (c *ConfigChange) request() kmsg.IncrementalAlterConfigsRequestAlterConfigsResource {
	r := kmsg.NewIncrementalAlterConfigsRequestAlterConfigsResource()
	r.ResourceType, r.ResourceName = c.Resource.Type, c.Resource.Name
	add := func(name string, operation kmsg.ConfigOperation, value kbin.NullString) {
		one := kmsg.NewIncrementalAlterConfigsRequestAlterableConfig()
		one.Name, one.ConfigOperation, one.Value = name, operation, value
		r.Configs = append(r.Configs, one)
	}
	addAll := func(values map[string]string, operation kmsg.ConfigOperation) {
		for _, name := range sorted(values) {
			add(name, operation, kbin.Str(values[name]))
		}
	}
	addAll(c.Set, kmsg.ConfigOperationSet)
	for _, name := range c.Delete {
		add(name, kmsg.ConfigOperationDelete, kbin.NullString{})
	}
	addAll(c.Append, kmsg.ConfigOperationAppend)
	addAll(c.Subtract, kmsg.ConfigOperationSubtract)
	return r
}

// replaceable reports whether old brokers have configs of the resource.
func (c *ConfigChange) replaceable() bool {
	return c.Resource.Type == kmsg.ConfigResourceTopic || c.Resource.Type == kmsg.ConfigResourceBroker
}

// replaceConfigs changes configs where brokers only take all of a resource at once. It returns the
// error of each change.
func (a *Admin) replaceConfigs(ctx context.Context, changes []ConfigChange, validateOnly bool) []error {
	resources := make([]ConfigResource, len(changes))
	for i := range changes {
		resources[i] = changes[i].Resource
	}
	errs := make([]error, len(changes))
	current, err := a.DescribeConfigs(ctx, resources)
	if current == nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	req := kmsg.NewAlterConfigsRequest()
	req.ValidateOnly = validateOnly
	for i, r := range current {
		if errs[i] = r.Err; r.Err != nil {
			continue
		}
		next, err := changes[i].applied(r.Configs)
		if err != nil {
			errs[i] = adminError(kmsg.KeyAlterConfigs, keyPart(r.Resource.String()), err)
			continue
		}
		one := kmsg.NewAlterConfigsRequestResource()
		one.ResourceType, one.ResourceName = r.Resource.Type, r.Resource.Name
		for _, name := range sorted(next) {
			set := kmsg.NewAlterConfigsRequestAlterableConfig()
			set.Name, set.Value = name, kbin.Str(next[name])
			one.Configs = append(one.Configs, set)
		}
		req.Resources = append(req.Resources, one)
	}
	if len(req.Resources) == 0 {
		return errs
	}
	resp, err := Do(ctx, a.client, req)
	o := outcomesOf(kmsg.KeyAlterConfigs, err)
	told := map[ConfigResource]bool{}
	if resp != nil {
		for i := range resp.Responses {
			told[ConfigResource{resp.Responses[i].ResourceType, resp.Responses[i].ResourceName}] = true
		}
	}
	for i, r := range resources {
		if errs[i] == nil {
			errs[i] = o.of(keyPart(r.String()), told[r])
		}
	}
	return errs
}

// Why configs are not replaced.
var (
	errTwice     = errors.New("it is named more than once")
	errAllTheirs = errors.New("the broker does not tell which of its configs are set, and takes all of them at once: the others would be lost")
)

// applied returns all that is set on the resource after the change.
func (c *ConfigChange) applied(configs []Config) (map[string]string, error) {
	next, defaults := map[string]string{}, false
	value := map[string]string{} // what counts now
	changed := c.names()
	for i := range configs {
		k := &configs[i]
		value[k.Name] = k.Value.S
		own := k.Source == ownSource(c.Resource)
		defaults = defaults || !own
		switch {
		case own && k.Sensitive && changed[k.Name] == 0:
			return nil, fmt.Errorf("%s is secret, and brokers before 2.3 take all configs at once: it would be lost", k.Name)
		case own && !k.Sensitive && !k.ReadOnly:
			next[k.Name] = k.Value.S
		}
	}
	if len(configs) > 1 && !defaults && c.Resource.Type == kmsg.ConfigResourceTopic {
		return nil, errAllTheirs
	}
	for name, n := range changed {
		if n > 1 {
			return nil, fmt.Errorf("%s: %w", name, errTwice)
		}
	}
	maps.Copy(next, c.Set)
	for _, name := range c.Delete {
		delete(next, name)
	}
	for name, items := range c.Append {
		list := splitItems(value[name])
		for _, item := range splitItems(items) {
			if !slices.Contains(list, item) {
				list = append(list, item)
			}
		}
		next[name] = strings.Join(list, ",")
	}
	for name, items := range c.Subtract {
		gone := splitItems(items)
		list := slices.DeleteFunc(splitItems(value[name]), func(item string) bool { return slices.Contains(gone, item) })
		next[name] = strings.Join(list, ",")
	}
	return next, nil
}

// names counts how often each config is named.
func (c *ConfigChange) names() map[string]int {
	names := map[string]int{}
	for _, values := range []map[string]string{c.Set, c.Append, c.Subtract} {
		for name := range values {
			names[name]++
		}
	}
	for _, name := range c.Delete {
		names[name]++
	}
	return names
}

// ownSource is the source of what is set on a resource itself.
func ownSource(r ConfigResource) kmsg.ConfigSource {
	switch {
	case r.Type == kmsg.ConfigResourceTopic:
		return kmsg.ConfigSourceDynamicTopic
	case r.Name == "":
		return kmsg.ConfigSourceDynamicDefaultBroker
	}
	return kmsg.ConfigSourceDynamicBroker
}

func splitItems(list string) []string {
	items := strings.Split(list, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" })
}
