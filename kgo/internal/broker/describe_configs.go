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
	wanted := func(def *configDef) bool {
		return c.hasConfig(def) && (asked.ConfigurationKeys == nil || slices.Contains(asked.ConfigurationKeys, def.name))
	}
	add := func(def *configDef, values []layered, dynamicOnly bool) {
		if !wanted(def) || dynamicOnly && (len(values) == 0 || values[0].source != kmsg.ConfigSourceDynamicDefaultBroker) {
			return
		}
		d.Configs = append(d.Configs, c.describeKey(def, values, req))
	}
	switch asked.ResourceType {
	case kmsg.ConfigResourceTopic:
		t := c.topics[asked.ResourceName]
		switch {
		case !legalTopic(asked.ResourceName):
			return failure{kmsg.InvalidTopicException, fmt.Sprintf("no topic can have the name %q", asked.ResourceName)}
		case t == nil:
			return failure{kmsg.UnknownTopicOrPartition, fmt.Sprintf("there is no topic %q", asked.ResourceName)}
		}
		for i := range topicConfigs {
			add(&topicConfigs[i], c.topicValues(&topicConfigs[i], t.configs, x.node().ID), false)
		}
	case kmsg.ConfigResourceBroker:
		id, whole, f := c.brokerResource(x, asked.ResourceName)
		if f.code != kmsg.None {
			return f
		}
		for i := range brokerConfigs {
			add(&brokerConfigs[i], c.brokerValues(&brokerConfigs[i], id), whole)
		}
	case kmsg.ConfigResourceBrokerLogger:
		if _, whole, f := c.brokerResource(x, asked.ResourceName); f.code != kmsg.None || whole {
			return failure{kmsg.InvalidRequest, "loggers are those of the broker that is asked"}
		}
	default:
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
func (c *Cluster) describeKey(d *configDef, values []layered, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceResult {
	e := kmsg.NewDescribeConfigsResponseResourceResult()
	e.Name, e.IsSensitive, e.ConfigType = d.name, d.secret, d.kind
	e.ReadOnly = d.fixed || !c.since("1.1") && slices.ContainsFunc(brokerConfigs, func(b configDef) bool { return &b == d })
	e.ConfigSource = kmsg.ConfigSourceDefault
	e.Value = nullable(c.defaultOf(d), d)
	if len(values) > 0 {
		e.Value, e.ConfigSource = nullable(values[0].value, d), values[0].source
	}
	if req.Version == 0 {
		e.IsDefault = e.ConfigSource == kmsg.ConfigSourceDefault
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
