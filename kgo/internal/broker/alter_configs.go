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
	var all []resourceChange
	for i := range req.Resources {
		r := resourceChange{kind: req.Resources[i].ResourceType, name: req.Resources[i].ResourceName}
		for _, set := range req.Resources[i].Configs {
			r.changes = append(r.changes, configChange{set.Name, kmsg.ConfigOperationSet, set.Value.S, set.Value.Valid})
		}
		all = append(all, r)
	}
	each := lastOfEach(all)
	if len(each) < len(all) && c.since("2.6") {
		return // brokers fail inside, and never answer
	}
	resp := req.NewResponse()
	for _, r := range each {
		f := c.alter(x, r, true, false, req.ValidateOnly)
		resp.Responses = append(resp.Responses, kmsg.AlterConfigsResponseResourceResponse{
			ErrorCode: f.code, ErrorMessage: f.words(), ResourceType: c.echoed(r.kind, "2.4"), ResourceName: r.name,
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
	var all []resourceChange
	for i := range req.Resources {
		r := resourceChange{kind: req.Resources[i].ResourceType, name: req.Resources[i].ResourceName}
		for _, set := range req.Resources[i].Configs {
			r.changes = append(r.changes, configChange{set.Name, set.ConfigOperation, set.Value.S, set.Value.Valid})
		}
		all = append(all, r)
	}
	if !c.since("3.2") {
		all = lastOfEach(all)
	}
	resp := req.NewResponse()
	for _, r := range all {
		f := c.alter(x, r, false, count(all, r.same) > 1, req.ValidateOnly)
		resp.Responses = append(resp.Responses, kmsg.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{
			ErrorCode: f.code, ErrorMessage: f.words(), ResourceType: r.kind, ResourceName: r.name,
		})
	}
	c.answer(x, resp)
}

// A resourceChange is what is done to the configuration of one resource.
type resourceChange struct {
	kind    kmsg.ConfigResourceType
	name    string
	changes []configChange
}

func (r resourceChange) same(o resourceChange) bool { return o.kind == r.kind && o.name == r.name }

// lastOfEach leaves of a resource that is named more than once what is said of it last.
func lastOfEach(all []resourceChange) (each []resourceChange) {
	for _, r := range all {
		if i := slices.IndexFunc(each, r.same); i >= 0 {
			each[i] = r
			continue
		}
		each = append(each, r)
	}
	return each
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
// to their defaults. Twice says that the request names the resource more than once.
func (c *Cluster) alter(x *call, r resourceChange, afresh, twice, validateOnly bool) failure {
	name := r.name
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
	switch r.kind {
	case kmsg.ConfigResourceTopic:
		if t = c.topics[name]; t == nil && !c.since("2.7") {
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
		return failure{kmsg.InvalidRequest, fmt.Sprintf("resources of type %v have no configuration here", r.kind)}
	}
	next := map[string]string{}
	if !afresh {
		maps.Copy(next, now)
	}
	mayRepeat := afresh && !c.since("3.2") // then the last counts
	for _, ch := range r.changes {
		twice := !mayRepeat && count(r.changes, func(o configChange) bool { return o.name == ch.name }) > 1
		if f := c.change(next, defs, ch, twice); f.code != kmsg.None {
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
		switch {
		case set:
		case !c.since("2.6"):
			return failure{kmsg.UnknownServerError, ch.name + " is not set, and brokers look at nothing else"}
		default:
			old = c.defaultOf(d)
		}
		value = c.changeList(ch.op, old, value)
	default:
		return failure{kmsg.InvalidRequest, fmt.Sprintf("there is no operation %d", ch.op)}
	}
	if err := d.check(value); err != nil {
		return failure{bad, err.Error()}
	}
	configs[ch.name] = value
	return failure{}
}

// changeList adds to a list or takes from it, each time the first that is the same. Brokers before
// 3.3 add what is there already, and take nothing for a list with one empty item; with ZooKeeper,
// later ones look only at what was there before.
func (e *era) changeList(op kmsg.ConfigOperation, list, value string) string {
	split := splitList
	if !e.since("3.3") {
		split = func(list string) []string { return strings.Split(list, ",") }
	}
	words := split(list)
	before := slices.Clone(words)
	for _, w := range split(value) {
		i := slices.Index(words, w)
		switch {
		case op == kmsg.ConfigOperationSubtract && i >= 0:
			words = slices.Delete(words, i, i+1)
		case op == kmsg.ConfigOperationSubtract:
		case i < 0, !e.since("3.3"), e.zooKeeper && !slices.Contains(before, w):
			words = append(words, w)
		}
	}
	return strings.Join(words, ",")
}

// reconfigure reads all settings anew.
func (c *Cluster) reconfigure() {
	c.properties = c.settingsOf(nil)
	for _, t := range c.topics {
		t.settings = c.settingsOf(t.configs)
	}
}
