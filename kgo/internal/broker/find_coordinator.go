package broker

import (
	"strings"
	"unicode/utf16"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (c *Cluster) findCoordinator(x *call, req *kmsg.FindCoordinatorRequest) {
	resp := req.NewResponse()
	if req.KeyType != kmsg.CoordinatorGroup && req.KeyType != kmsg.CoordinatorTransaction && !c.since("2.8") {
		if !c.since("2.4") {
			c.hangUp(x.conn, false)
			return
		}
		c.answer(x, refusal(req, kmsg.UnknownServerError))
		return
	}
	if req.Version < 4 {
		d := c.coordinatorFor(x, req, req.Key)
		resp.ErrorCode, resp.NodeID, resp.Host, resp.Port = d.ErrorCode, d.NodeID, d.Host, d.Port
		resp.ErrorMessage = d.ErrorMessage
		c.answer(x, resp)
		return
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, c.coordinatorFor(x, req, key))
	}
	c.answer(x, resp)
}

// coordinatorFor tells who coordinates a group or a transactional id.
func (c *Cluster) coordinatorFor(x *call, req *kmsg.FindCoordinatorRequest, key string) kmsg.FindCoordinatorResponseCoordinator {
	d := kmsg.NewFindCoordinatorResponseCoordinator()
	d.Key, d.NodeID, d.Port = key, -1, -1
	fail := func(code kmsg.ErrorCode, words string) kmsg.FindCoordinatorResponseCoordinator {
		d.ErrorCode, d.ErrorMessage = code, kbin.Str(words)
		return d
	}
	var name string
	switch {
	case req.KeyType == kmsg.CoordinatorGroup:
		name = offsetsTopic
	case req.KeyType == kmsg.CoordinatorTransaction:
		name = txnTopic
	case req.KeyType == kmsg.CoordinatorShare && req.Version >= 6 && strings.Count(key, ":") >= 2 && c.since("4.1"):
		name = shareTopic
	default:
		return fail(kmsg.InvalidRequest, "no coordinator of that type")
	}
	p := c.coordinatorPartition(name, key)
	if p == nil {
		c.autoCreate(name)
		return fail(kmsg.CoordinatorNotAvailable, "the topic "+name+" is being created")
	}
	n := c.nodes[p.info().leader]
	if n == nil || !n.alive {
		return fail(kmsg.CoordinatorNotAvailable, "the coordinator is not alive")
	}
	l := n.Listeners[x.conn.listener]
	d.NodeID, d.Host, d.Port = n.ID, l.Host, l.Port
	if req.Version < 4 && c.since("0.11.0") {
		d.ErrorMessage = kbin.Str("NONE")
	}
	return d
}

const shareTopic = "__share_group_state"

// coordinatorPartition is the partition of an internal topic that keeps what belongs to a key,
// nil if there is none yet.
func (c *Cluster) coordinatorPartition(name, key string) *partition {
	t := c.topics[name]
	if t == nil {
		return nil
	}
	return t.logs[(javaHash(key)&0x7fffffff)%int32(len(t.logs))]
}

// coordinates reports whether a broker is the coordinator of a key.
func (c *Cluster) coordinates(n *node, name, key string) bool {
	p := c.coordinatorPartition(name, key)
	return p != nil && p.info().leader == n.ID
}

// javaHash is String.hashCode of Java.
func javaHash(s string) int32 {
	var h int32
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(u)
	}
	return h
}
