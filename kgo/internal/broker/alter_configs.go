package broker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) alterConfigs(x *call, req *kmsg.AlterConfigsRequest) {
	resp := req.NewResponse()
	for i := range req.Resources {
		r := &req.Resources[i]
		var changes []configChange
		for _, set := range r.Configs {
			changes = append(changes, configChange{set.Name, kmsg.ConfigOperationSet, set.Value.S, set.Value.Valid})
		}
		twice := count(req.Resources, func(o kmsg.AlterConfigsRequestResource) bool {
			return o.ResourceType == r.ResourceType && o.ResourceName == r.ResourceName
		}) > 1
		f := c.alter(x, r.ResourceType, r.ResourceName, changes, true, twice, req.ValidateOnly)
		resp.Responses = append(resp.Responses, kmsg.AlterConfigsResponseResourceResponse{
			ErrorCode: f.code, ErrorMessage: f.words(), ResourceType: c.echoed(r.ResourceType, "2.4"), ResourceName: r.ResourceName,
		})
	}
	c.answer(x, resp)
}

// echoed is how the type of a resource comes back: from 2.0 until a release, one that is not known
// does not.
func (c *Cluster) echoed(kind kmsg.ConfigResourceType, until string) kmsg.ConfigResourceType {
	switch kind {
	case kmsg.ConfigResourceTopic, kmsg.ConfigResourceBroker, kmsg.ConfigResourceBrokerLogger:
		return kind
	}
	if !c.since("2.0") || c.since(until) {
		return kind
	}
	return kmsg.ConfigResourceUnknown
}

func (c *Cluster) incrementalAlterConfigs(x *call, req *kmsg.IncrementalAlterConfigsRequest) {
	resp := req.NewResponse()
	for i := range req.Resources {
		r := &req.Resources[i]
		var changes []configChange
		for _, set := range r.Configs {
			changes = append(changes, configChange{set.Name, set.ConfigOperation, set.Value.S, set.Value.Valid})
		}
		twice := count(req.Resources, func(o kmsg.IncrementalAlterConfigsRequestAlterConfigsResource) bool {
			return o.ResourceType == r.ResourceType && o.ResourceName == r.ResourceName
		}) > 1
		f := c.alter(x, r.ResourceType, r.ResourceName, changes, false, twice, req.ValidateOnly)
		resp.Responses = append(resp.Responses, kmsg.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{
			ErrorCode: f.code, ErrorMessage: f.words(), ResourceType: r.ResourceType, ResourceName: r.ResourceName,
		})
	}
	c.answer(x, resp)
}

func count[E any](list []E, is func(E) bool) int {
	n := 0
	for _, e := range list {
		if is(e) {
			n++
		}
	}
	return n
}

// A configChange is what is done to one key.
type configChange struct {
	name  string
	op    kmsg.ConfigOperation
	value string
	valid bool // the value is not null
}

// alter changes the configuration of a resource. With afresh the keys that are not named go back
// to their defaults.
func (c *Cluster) alter(x *call, kind kmsg.ConfigResourceType, name string, changes []configChange, afresh, twice, validateOnly bool) failure {
	if code := x.refuses(name, -1); code != kmsg.None {
		return failure{code, "as the fault says"}
	}
	if twice {
		return failure{kmsg.InvalidRequest, "the request names the resource more than once"}
	}
	var defs []configDef
	var now map[string]string
	var t *topic
	var n *node
	switch kind {
	case kmsg.ConfigResourceTopic:
		if t = c.topics[name]; t == nil && !c.since("2.8") {
			return failure{kmsg.UnknownServerError, fmt.Sprintf("there is no topic %q", name)}
		} else if t == nil {
			return failure{kmsg.UnknownTopicOrPartition, fmt.Sprintf("there is no topic %q", name)}
		}
		defs, now = topicConfigs, t.configs
	case kmsg.ConfigResourceBroker:
		if !c.since("1.1") {
			return failure{kmsg.InvalidRequest, "the configuration of brokers cannot be changed while they run"}
		}
		defs, now = brokerConfigs, c.defaults
		if name != "" {
			id, err := strconv.ParseInt(name, 10, 32)
			if n = c.nodes[int32(id)]; err != nil || n == nil {
				return failure{kmsg.InvalidRequest, fmt.Sprintf("there is no broker %q", name)}
			}
			now = n.configs
		}
	default:
		return failure{kmsg.InvalidRequest, fmt.Sprintf("resources of type %v have no configuration here", kind)}
	}
	next := map[string]string{}
	if !afresh {
		maps.Copy(next, now)
	}
	for _, ch := range changes {
		if f := c.change(next, defs, ch, count(changes, func(o configChange) bool { return o.name == ch.name }) > 1); f.code != kmsg.None {
			return f
		}
	}
	switch {
	case validateOnly:
		return failure{}
	case t != nil:
		t.configs = next
	case n != nil:
		n.configs = next
	default:
		c.defaults = next
	}
	c.reconfigure()
	return failure{}
}

// change does one change to a configuration.
func (c *Cluster) change(configs map[string]string, defs []configDef, ch configChange, twice bool) failure {
	d := c.findConfig(defs, ch.name)
	bad := kmsg.InvalidConfig
	if !c.since("3.3") {
		bad = kmsg.InvalidRequest
	}
	switch {
	case twice:
		return failure{kmsg.InvalidRequest, "the request names " + ch.name + " more than once"}
	case ch.op != kmsg.ConfigOperationDelete && !ch.valid:
		return failure{kmsg.InvalidRequest, "the value of " + ch.name + " is null"}
	case d == nil:
		return failure{kmsg.InvalidConfig, "there is no " + ch.name}
	case d.fixed:
		return failure{kmsg.InvalidRequest, ch.name + " cannot be changed while the broker runs"}
	}
	value := ch.value
	switch ch.op {
	case kmsg.ConfigOperationDelete:
		delete(configs, ch.name)
		return failure{}
	case kmsg.ConfigOperationSet:
	case kmsg.ConfigOperationAppend, kmsg.ConfigOperationSubtract:
		if d.kind != kmsg.ConfigTypeList {
			return failure{bad, ch.name + " is no list"}
		}
		old, set := configs[ch.name]
		if !set {
			old = c.defaultOf(d)
		}
		words := splitList(old)
		for _, w := range splitList(value) {
			if ch.op == kmsg.ConfigOperationSubtract {
				words = slices.DeleteFunc(words, func(o string) bool { return o == w })
			} else if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
		value = strings.Join(words, ",")
	default:
		return failure{kmsg.InvalidRequest, fmt.Sprintf("there is no operation %d", ch.op)}
	}
	if err := d.check(value); err != nil {
		return failure{bad, err.Error()}
	}
	configs[ch.name] = value
	return failure{}
}

// reconfigure reads all settings anew.
func (c *Cluster) reconfigure() {
	c.properties = c.settingsOf(nil)
	for _, t := range c.topics {
		t.settings = c.settingsOf(t.configs)
	}
}
