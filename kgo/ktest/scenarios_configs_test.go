package ktest_test

import (
	"strconv"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func playConfigs(s *stage) {
	if !s.has(kmsg.KeyDescribeConfigs) {
		return
	}
	s.topic("configs", 1, "retention.ms", "86400000")
	current, _ := s.newest(kmsg.KeyDescribeConfigs)
	s.eventually("the topic's configuration", func(c *client) bool {
		req := kmsg.NewDescribeConfigsRequest()
		req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTopic, ResourceName: "configs", ConfigurationKeys: []string{"retention.ms"}}}
		return ask(c, req, current).Results[0].Configs[0].Value.S == "86400000"
	})
	describe := func(v int16, kind kmsg.ConfigResourceType, name string, keys ...string) {
		req := kmsg.NewDescribeConfigsRequest()
		req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name, ConfigurationKeys: keys}}
		req.IncludeSynonyms = v >= 1
		s.hear(req, v)
	}
	s.each(kmsg.KeyDescribeConfigs, func(v int16) {
		describe(v, kmsg.ConfigResourceTopic, "configs", "retention.ms", "cleanup.policy", "max.message.bytes", "no.such.key")
		describe(v, kmsg.ConfigResourceTopic, "configs", []string{}...)
		describe(v, kmsg.ConfigResourceTopic, "configs-unknown", "retention.ms")
		describe(v, kmsg.ConfigResourceTopic, "bad name", "retention.ms")
		describe(v, kmsg.ConfigResourceBroker, "1", "message.max.bytes", "num.partitions", "log.retention.ms", "num.io.threads")
		describe(v, kmsg.ConfigResourceBroker, "7", "num.partitions")
		describe(v, kmsg.ConfigResourceBroker, "one", "num.partitions")
		describe(v, 3, "x", "num.partitions")
	})
	s.title("-- all keys")
	req := kmsg.NewDescribeConfigsRequest()
	req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTopic, ResourceName: "configs"}}
	s.hear(req, current)
	s.title("-- alter")
	alter := func(v int16, kind kmsg.ConfigResourceType, name string, pairs ...string) {
		req := kmsg.NewAlterConfigsRequest()
		r := kmsg.AlterConfigsRequestResource{ResourceType: kind, ResourceName: name}
		for i := 0; i < len(pairs); i += 2 {
			r.Configs = append(r.Configs, kmsg.AlterConfigsRequestAlterableConfig{Name: pairs[i], Value: kbin.Str(pairs[i+1])})
		}
		req.Resources = []kmsg.AlterConfigsRequestResource{r}
		s.hear(req, v)
	}
	standard := "1048588"
	if !s.since("2.5") {
		standard = "1000012"
	}
	settle := func(value string) {
		s.eventually("a new value", func(c *client) bool {
			req := kmsg.NewDescribeConfigsRequest()
			req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTopic, ResourceName: "configs", ConfigurationKeys: []string{"max.message.bytes"}}}
			resp := ask(c, req, current)
			return len(resp.Results[0].Configs) == 1 && resp.Results[0].Configs[0].Value.S == value
		})
	}
	s.each(kmsg.KeyAlterConfigs, func(v int16) {
		alter(v, kmsg.ConfigResourceTopic, "configs", "max.message.bytes", "20000")
		settle("20000")
		describe(current, kmsg.ConfigResourceTopic, "configs", "retention.ms", "max.message.bytes")
		alter(v, kmsg.ConfigResourceTopic, "configs", "max.message.bytes", "many")
		alter(v, kmsg.ConfigResourceTopic, "configs", "no.such.key", "1")
		alter(v, kmsg.ConfigResourceTopic, "configs-unknown", "max.message.bytes", "20000")
		alter(v, kmsg.ConfigResourceBroker, "1", "num.partitions", "5")
		alter(v, 3, "x", "max.message.bytes", "20000")
		alter(v, kmsg.ConfigResourceTopic, "configs", "max.message.bytes", "30000", "retention.ms", "86400000")
		settle("30000")
	})
	if !s.has(kmsg.KeyIncrementalAlterConfigs) {
		return
	}
	s.title("-- incrementally")
	s.each(kmsg.KeyIncrementalAlterConfigs, func(v int16) {
		change := func(kind kmsg.ConfigResourceType, name, key string, op kmsg.ConfigOperation, value kbin.NullString) {
			req := kmsg.NewIncrementalAlterConfigsRequest()
			req.Resources = []kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{{ResourceType: kind, ResourceName: name, Configs: []kmsg.IncrementalAlterConfigsRequestAlterableConfig{
				{Name: key, ConfigOperation: op, Value: value},
			}}}
			s.hear(req, v)
		}
		const topic = kmsg.ConfigResourceTopic
		change(topic, "configs", "max.message.bytes", kmsg.ConfigOperationSet, kbin.Str("40000"))
		settle("40000")
		change(topic, "configs", "cleanup.policy", kmsg.ConfigOperationAppend, kbin.Str("compact"))
		change(topic, "configs", "max.message.bytes", kmsg.ConfigOperationDelete, kbin.NullString{})
		settle(standard)
		describe(current, topic, "configs", "retention.ms", "max.message.bytes", "cleanup.policy")
		change(topic, "configs", "cleanup.policy", kmsg.ConfigOperationSubtract, kbin.Str("compact"))
		change(topic, "configs", "max.message.bytes", kmsg.ConfigOperationAppend, kbin.Str("1"))
		change(topic, "configs", "max.message.bytes", kmsg.ConfigOperationSet, kbin.NullString{})
		change(topic, "configs", "max.message.bytes", kmsg.ConfigOperationSet, kbin.Str("many"))
		change(topic, "configs", "no.such.key", kmsg.ConfigOperationSet, kbin.Str("1"))
		change(topic, "configs-unknown", "max.message.bytes", kmsg.ConfigOperationSet, kbin.Str("1"))
		change(kmsg.ConfigResourceBroker, "1", "num.partitions", kmsg.ConfigOperationSet, kbin.Str("5"))
		change(kmsg.ConfigResourceBroker, "1", "background.threads", kmsg.ConfigOperationSet, kbin.Str("12"))
		s.eventually("the broker's new value", func(c *client) bool {
			req := kmsg.NewDescribeConfigsRequest()
			req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceBroker, ResourceName: "1", ConfigurationKeys: []string{"background.threads"}}}
			return ask(c, req, current).Results[0].Configs[0].Value.S == "12"
		})
		describe(current, kmsg.ConfigResourceBroker, "1", "background.threads")
		change(kmsg.ConfigResourceBroker, "1", "background.threads", kmsg.ConfigOperationDelete, kbin.NullString{})
	})
}

// A setting is what is done to one key of a topic: name, operation, value.
type setting struct {
	name  string
	op    kmsg.ConfigOperation
	value string
}

// topicSettings are those of one topic, as a request for incremental changes names them.
func topicSettings(topic string, settings ...setting) kmsg.IncrementalAlterConfigsRequestAlterConfigsResource {
	r := kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{ResourceType: kmsg.ConfigResourceTopic, ResourceName: topic}
	for _, set := range settings {
		r.Configs = append(r.Configs, kmsg.IncrementalAlterConfigsRequestAlterableConfig{Name: set.name, ConfigOperation: set.op, Value: kbin.Str(set.value)})
	}
	return r
}

// hearSettings changes topics' configurations and writes down what is said, and then what the
// keys of one topic are. That the changes are there shows another that comes after them.
func (s *stage) hearSettings(resources []kmsg.IncrementalAlterConfigsRequestAlterConfigsResource, topic string, keys ...string) {
	s.Helper()
	req := kmsg.NewIncrementalAlterConfigsRequest()
	req.Resources = resources
	s.hear(req, s.mustNewest(kmsg.KeyIncrementalAlterConfigs))
	s.settled(topic)
	s.describeTopic(topic, keys...)
}

// settled returns when a broker tells of all that was changed of a topic before.
func (s *stage) settled(topic string) {
	s.Helper()
	s.changes++
	value := strconv.Itoa(86_400_000 + s.changes)
	req := kmsg.NewIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, topicSettings(topic, setting{"retention.ms", kmsg.ConfigOperationSet, value}))
	c := s.connect(s.addr)
	defer c.Close()
	if resp := ask(c, req, s.mustNewest(kmsg.KeyIncrementalAlterConfigs)); resp.Responses[0].ErrorCode != kmsg.None {
		s.Fatalf("changing %s: %v", topic, resp)
	}
	s.eventually("a change of "+topic, func(c *client) bool {
		resp := ask(c, describeTopic(topic, "retention.ms"), s.mustNewest(kmsg.KeyDescribeConfigs))
		return len(resp.Results[0].Configs) == 1 && resp.Results[0].Configs[0].Value.S == value
	})
}

func describeTopic(topic string, keys ...string) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewDescribeConfigsRequest()
	req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTopic, ResourceName: topic, ConfigurationKeys: keys}}
	return req
}

// describeTopic writes down the values of some of a topic's keys.
func (s *stage) describeTopic(topic string, keys ...string) {
	s.Helper()
	for _, key := range keys {
		c := s.connect(s.addr)
		resp := ask(c, describeTopic(topic, key), s.mustNewest(kmsg.KeyDescribeConfigs))
		c.Close()
		for _, r := range resp.Results[0].Configs {
			s.title("%s of %s: %q", r.Name, topic, r.Value.S)
		}
	}
}

// playConfigLists adds to lists what is in them already, and takes from them what is there twice
// or not at all.
func playConfigLists(s *stage) {
	if !s.has(kmsg.KeyIncrementalAlterConfigs) {
		return
	}
	s.topic("lists", 1)
	const throttled = "follower.replication.throttled.replicas"
	const policy = "cleanup.policy"
	for _, set := range []setting{
		{policy, kmsg.ConfigOperationAppend, "delete"}, // which it is by default
		{policy, kmsg.ConfigOperationSet, "compact"},
		{policy, kmsg.ConfigOperationAppend, "compact"},
		{policy, kmsg.ConfigOperationAppend, "delete,delete"},
		{policy, kmsg.ConfigOperationSubtract, "compact"},
		{throttled, kmsg.ConfigOperationAppend, "0:1"}, // to nothing
		{throttled, kmsg.ConfigOperationAppend, "0:1"},
		{throttled, kmsg.ConfigOperationSet, "0:1"},
		{throttled, kmsg.ConfigOperationAppend, "0:2,0:1"},
		{throttled, kmsg.ConfigOperationAppend, "0:3,0:3"},
		{throttled, kmsg.ConfigOperationSubtract, "0:1"},
		{throttled, kmsg.ConfigOperationSubtract, "0:9"},
		{throttled, kmsg.ConfigOperationSet, "0:1,0:1,0:2"},
		{throttled, kmsg.ConfigOperationSubtract, "0:1"},
		{throttled, kmsg.ConfigOperationSet, "0:1"},
		{throttled, kmsg.ConfigOperationSubtract, "0:1"},
	} {
		s.title("-- %v %s", set.op, set.value)
		s.hearSettings([]kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{topicSettings("lists", set)}, "lists", set.name)
	}
}

// playNamedTwice names topics and keys of them more than once in one request.
func playNamedTwice(s *stage) {
	if !s.has(kmsg.KeyAlterConfigs) {
		return
	}
	s.topic("twice", 1)
	s.topic("twice-other", 1)
	alter := func(resources ...kmsg.AlterConfigsRequestResource) {
		req := kmsg.NewAlterConfigsRequest()
		req.Resources = resources
		c := s.connect(s.addr)
		defer c.Close()
		c.patience = silence // an answer to some never comes
		s.hearOn(c, req, s.mustNewest(kmsg.KeyAlterConfigs))
	}
	resource := func(topic string, pairs ...string) kmsg.AlterConfigsRequestResource {
		r := kmsg.AlterConfigsRequestResource{ResourceType: kmsg.ConfigResourceTopic, ResourceName: topic}
		for i := 0; i < len(pairs); i += 2 {
			r.Configs = append(r.Configs, kmsg.AlterConfigsRequestAlterableConfig{Name: pairs[i], Value: kbin.Str(pairs[i+1])})
		}
		return r
	}
	s.title("-- altered")
	alter(resource("twice", "max.message.bytes", "20001"), resource("twice-other", "max.message.bytes", "20002"), resource("twice", "max.message.bytes", "20003"))
	alter(resource("twice", "max.message.bytes", "20004", "max.message.bytes", "20005"))
	alter(resource("twice"), resource("twice-unknown"), resource("twice-unknown"))
	if !s.has(kmsg.KeyIncrementalAlterConfigs) {
		return
	}
	size := func(value string) setting {
		return setting{"max.message.bytes", kmsg.ConfigOperationSet, value}
	}
	incrementally := func(resources ...kmsg.IncrementalAlterConfigsRequestAlterConfigsResource) {
		s.hearSettings(resources, "twice", "max.message.bytes", "segment.bytes")
		s.settled("twice-other")
		s.describeTopic("twice-other", "max.message.bytes")
	}
	s.title("-- incrementally")
	incrementally(topicSettings("twice", size("30001")), topicSettings("twice-other", size("30002")), topicSettings("twice", setting{"segment.bytes", kmsg.ConfigOperationSet, "2000000"}))
	incrementally(topicSettings("twice", size("30003")), topicSettings("twice", size("30004")))
	incrementally(topicSettings("twice-unknown", size("30003")), topicSettings("twice-unknown", size("30004")))
	s.title("-- a key")
	incrementally(topicSettings("twice", size("30005"), size("30006")))
	incrementally(topicSettings("twice", size("30007"), size("30008")), topicSettings("twice-other", size("30009")))
}
