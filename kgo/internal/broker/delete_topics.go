package broker

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) deleteTopics(x *call, req *kmsg.DeleteTopicsRequest) {
	resp := req.NewResponse()
	var doomed []*topic
	asked := req.Topics
	for _, name := range req.TopicNames {
		asked = append(asked, kmsg.DeleteTopicsRequestDeleteTopicState{Name: kbin.Str(name)})
	}
	for i := range asked {
		a := &asked[i]
		same := func(o kmsg.DeleteTopicsRequestDeleteTopicState) bool {
			return o.Name == a.Name && o.TopicID == a.TopicID
		}
		first := slices.IndexFunc(asked, same)
		if first < i && !c.tellsTwice() {
			continue
		}
		d := kmsg.NewDeleteTopicsResponseDeletableTopicResult()
		d.Name, d.TopicID = a.Name, a.TopicID
		t := c.topics[a.Name.S]
		if !a.TopicID.IsZero() {
			t = c.byID[a.TopicID]
		}
		f := c.canDelete(x, a, t, req.Version)
		if slices.ContainsFunc(asked[i+1:], same) && !c.zooKeeper {
			f = failure{kmsg.InvalidRequest, "the request names the topic more than once"}
		}
		if f.code == kmsg.None {
			if d.Name = kbin.Str(t.name); !c.zooKeeper {
				d.TopicID = t.id
			}
			doomed = append(doomed, t)
		}
		d.ErrorCode, d.ErrorMessage = f.code, f.words()
		resp.Responses = append(resp.Responses, d)
	}
	for _, t := range doomed {
		if c.topics[t.name] == t {
			c.removeTopic(t)
		}
	}
	c.answer(x, resp)
}

func (c *Cluster) canDelete(x *call, a *kmsg.DeleteTopicsRequestDeleteTopicState, t *topic, version int16) failure {
	switch {
	case c.zooKeeper && x.node().ID != c.controller:
		return failure{kmsg.NotController, ""}
	case !c.properties.deleteTopics && version < 3:
		return failure{kmsg.InvalidRequest, "delete.topic.enable is false"}
	case !c.properties.deleteTopics:
		return failure{kmsg.TopicDeletionDisabled, "delete.topic.enable is false"}
	case a.Name.Valid && !a.TopicID.IsZero():
		return failure{kmsg.InvalidRequest, "a name and an id"}
	case t == nil && !a.TopicID.IsZero():
		return failure{kmsg.UnknownTopicID, "no topic has the id"}
	case t == nil:
		return failure{kmsg.UnknownTopicOrPartition, fmt.Sprintf("there is no topic %q", a.Name.S)}
	}
	if code := x.refuses(t.name, -1); code != kmsg.None {
		return failure{code, "as the fault says"}
	}
	return failure{}
}
