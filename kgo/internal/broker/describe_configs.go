package broker

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) describeConfigs(x *call, req *kmsg.DescribeConfigsRequest) {
	resp := req.NewResponse()
	for i := range req.Resources {
		asked := &req.Resources[i]
		d := kmsg.DescribeConfigsResponseResult{ResourceType: asked.ResourceType, ResourceName: asked.ResourceName, Configs: []kmsg.DescribeConfigsResponseResourceResult{}}
		f := failure{code: x.refuses(asked.ResourceName, -1), text: "as the fault says"}
		if f.code == kmsg.None {
			f = c.describeResource(x, req, asked, &d)
		}
		d.ErrorCode, d.ErrorMessage = f.code, f.words()
		resp.Results = append(resp.Results, d)
	}
	c.answer(x, resp)
}

func (c *Cluster) describeResource(x *call, req *kmsg.DescribeConfigsRequest, asked *kmsg.DescribeConfigsRequestResource, d *kmsg.DescribeConfigsResponseResult) failure {
	all := asked.ConfigurationKeys == nil || len(asked.ConfigurationKeys) == 0 && c.since("2.8")
	describe := func(defs []configDef, values func(*configDef) []layered, is func([]layered) bool) {
		for i := range defs {
			def := &defs[i]
			if !c.hasConfig(def) || !all && !slices.Contains(asked.ConfigurationKeys, def.name) {
				continue
			}
			if list := values(def); is(list) {
				d.Configs = append(d.Configs, c.describeKey(asked.ResourceType, def, list, req))
			}
		}
	}
	switch asked.ResourceType {
	case kmsg.ConfigResourceTopic:
		t := c.topics[asked.ResourceName]
		if t == nil && legalTopic(asked.ResourceName) && !c.since("2.0") {
			t = &topic{} // what it would be
		}
		switch {
		case !legalTopic(asked.ResourceName):
			return failure{kmsg.InvalidTopicException, fmt.Sprintf("no topic can have the name %q", asked.ResourceName)}
		case t == nil:
			return failure{kmsg.UnknownTopicOrPartition, fmt.Sprintf("there is no topic %q", asked.ResourceName)}
		}
		describe(topicConfigs, func(def *configDef) []layered { return c.topicValues(def, t.configs, x.node().ID) },
			func([]layered) bool { return true })
	case kmsg.ConfigResourceBroker:
		id, whole, f := c.brokerResource(x, asked.ResourceName)
		if f.code != kmsg.None {
			return f
		}
		describe(brokerConfigs, func(def *configDef) []layered { return c.brokerValues(def, id) },
			func(all []layered) bool {
				return !whole || len(all) > 0 && all[0].source == kmsg.ConfigSourceDynamicDefaultBroker
			})
	case kmsg.ConfigResourceBrokerLogger:
		if _, whole, f := c.brokerResource(x, asked.ResourceName); f.code != kmsg.None || whole {
			return failure{kmsg.InvalidRequest, "loggers are those of the broker that is asked"}
		}
	default:
		d.ResourceType = c.echoed(d.ResourceType, "2.8")
		return failure{kmsg.InvalidRequest, fmt.Sprintf("resources of type %v have no configuration here", asked.ResourceType)}
	}
	return failure{}
}

// brokerResource reads the name of a broker as a resource: the broker that is asked itself, or
// with no name what is set for all.
func (c *Cluster) brokerResource(x *call, name string) (id int32, whole bool, f failure) {
	if name == "" {
		return -1, true, failure{}
	}
	n, err := strconv.ParseInt(name, 10, 32)
	if err != nil || int32(n) != x.node().ID {
		return 0, false, failure{kmsg.InvalidRequest, fmt.Sprintf("broker %d is asked, for broker %q", x.node().ID, name)}
	}
	return int32(n), false, failure{}
}

// describeKey tells the value of a key, and where it comes from.
func (c *Cluster) describeKey(kind kmsg.ConfigResourceType, d *configDef, values []layered, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceResult {
	e := kmsg.NewDescribeConfigsResponseResourceResult()
	e.Name, e.IsSensitive, e.ConfigType = d.name, d.secret, d.kind
	e.ReadOnly = d.fixed || kind == kmsg.ConfigResourceBroker && !c.since("1.1")
	e.ConfigSource = kmsg.ConfigSourceDefault
	e.Value = nullable(c.defaultOf(d), d)
	if len(values) > 0 {
		e.Value, e.ConfigSource = nullable(values[0].value, d), values[0].source
	}
	if req.Version == 0 {
		e.IsDefault = e.ConfigSource == kmsg.ConfigSourceDefault && !c.since("2.8") // and then always false
		e.ConfigSource = kmsg.ConfigSourceAbsent
	}
	if req.IncludeSynonyms && req.Version >= 1 {
		for _, v := range values {
			name := d.name
			if d.broker != "" && v.source != kmsg.ConfigSourceDynamicTopic {
				name = d.broker
			}
			e.Synonyms = append(e.Synonyms, kmsg.DescribeConfigsResponseSynonym{Name: name, Value: nullable(v.value, d), Source: v.source})
		}
	}
	return e
}

// nullable is a value as it is told: not at all if it is a secret.
func nullable(value string, d *configDef) kbin.NullString {
	if value == none || d.secret {
		return kbin.NullString{}
	}
	return kbin.Str(value)
}
