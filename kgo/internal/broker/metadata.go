package broker

import (
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An image is what a broker knows of the cluster: the truth, or what it was when the broker was
// told to stop listening.
type image struct {
	brokers    []*node // alive
	controller int32
	names      []string
	topics     map[string]*topicInfo
	byID       map[kbin.UUID]*topicInfo
}

// image returns what a broker knows.
func (c *Cluster) image(n *node) *image {
	if n.stale != nil {
		return n.stale
	}
	return c.truth()
}

// truth has no topics: topicInfo looks them up.
func (c *Cluster) truth() *image {
	m := &image{controller: c.controller, names: c.names}
	for _, n := range c.order {
		if n.alive {
			m.brokers = append(m.brokers, n)
		}
	}
	return m
}

// freeze returns an image that stays as it is.
func (c *Cluster) freeze() *image {
	m := c.truth()
	m.names = slices.Clone(m.names)
	m.topics, m.byID = map[string]*topicInfo{}, map[kbin.UUID]*topicInfo{}
	for name, t := range c.topics {
		info := t.topicInfo
		info.partitions = slices.Clone(info.partitions)
		m.topics[name] = &info
		m.byID[info.id] = &info
	}
	return m
}

// topicInfo returns what an image says of a topic, nil if it does not know it.
func (c *Cluster) topicInfo(m *image, name string) *topicInfo {
	if m.topics != nil {
		return m.topics[name]
	}
	if t := c.topics[name]; t != nil {
		return &t.topicInfo
	}
	return nil
}

func (c *Cluster) topicInfoByID(m *image, id kbin.UUID) *topicInfo {
	if m.topics != nil {
		return m.byID[id]
	}
	if t := c.byID[id]; t != nil {
		return &t.topicInfo
	}
	return nil
}

func (c *Cluster) metadata(x *call, req *kmsg.MetadataRequest) {
	m := c.image(x.node())
	resp := req.NewResponse()
	resp.ClusterID = kbin.Str(c.cfg.ClusterID)
	resp.ControllerID = c.controllerFor(m)
	for _, n := range m.brokers {
		l := n.Listeners[x.conn.listener]
		resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: n.ID, Host: l.Host, Port: l.Port, Rack: rack(n)})
	}
	if req.IncludeClusterAuthorizedOperations && req.Version >= 8 && req.Version <= 10 {
		resp.ClusterAuthorizedOperations = c.clusterOperations()
	}
	switch {
	case req.Topics == nil || req.Version == 0 && len(req.Topics) == 0:
		for _, name := range m.names {
			resp.Topics = append(resp.Topics, c.describe(x, m, c.topicInfo(m, name), req))
		}
	default:
		for i := range req.Topics {
			t := c.describeOne(x, m, &req.Topics[i], req)
			if t.ErrorCode == kmsg.InvalidTopicException && !c.since("0.9.0") {
				c.answer(x, refusal(req, t.ErrorCode)) // one spoils all
				return
			}
			resp.Topics = append(resp.Topics, t)
		}
	}
	c.answer(x, resp)
}

// controllerFor is whom to ask for what only the controller does: with KRaft any broker, which
// passes it on.
func (c *Cluster) controllerFor(m *image) int32 {
	switch {
	case c.zooKeeper:
		return m.controller
	case len(m.brokers) == 0:
		return -1
	}
	return m.brokers[c.rand.IntN(len(m.brokers))].ID
}

// describeOne tells of a topic that was asked for by name or id.
func (c *Cluster) describeOne(x *call, m *image, asked *kmsg.MetadataRequestTopic, req *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	fail := kmsg.NewMetadataResponseTopic()
	fail.Name = asked.Name
	fail.Partitions = []kmsg.MetadataResponsePartition{}
	name := asked.Name.S
	var t *topicInfo
	if req.Version >= 12 && !asked.TopicID.IsZero() {
		if t = c.topicInfoByID(m, asked.TopicID); t == nil {
			fail.TopicID, fail.ErrorCode = asked.TopicID, kmsg.UnknownTopicID
			return fail
		}
		name = t.name
	} else {
		t = c.topicInfo(m, name)
	}
	fail.IsInternal = c.isInternal(name)
	if code := x.refuses(name, -1); code != kmsg.None {
		fail.Name, fail.ErrorCode = kbin.Str(name), code
		return fail
	}
	if t == nil {
		fail.ErrorCode = c.unknownTopic(name, req.AllowAutoTopicCreation || req.Version < 4)
		return fail
	}
	return c.describe(x, m, t, req)
}

// unknownTopic says what metadata says of a topic that does not exist, and creates it if the
// client and the brokers allow it.
func (c *Cluster) unknownTopic(name string, create bool) kmsg.ErrorCode {
	create = create && c.properties.autoCreate
	switch {
	case !legalTopic(name) && (create || c.since("2.8")):
		return kmsg.InvalidTopicException
	case !create:
		return kmsg.UnknownTopicOrPartition
	}
	if f := c.autoCreate(name); f.code != kmsg.None {
		return f.code
	}
	if c.zooKeeper {
		return kmsg.LeaderNotAvailable
	}
	return kmsg.UnknownTopicOrPartition // the controller was asked, and has not answered yet
}

func (c *Cluster) describe(x *call, m *image, t *topicInfo, req *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	d := kmsg.NewMetadataResponseTopic()
	d.Name, d.TopicID, d.IsInternal = kbin.Str(t.name), t.id, t.internal
	if req.IncludeTopicAuthorizedOperations {
		d.TopicAuthorizedOperations = c.topicOperations()
	}
	d.Partitions = make([]kmsg.MetadataResponsePartition, len(t.partitions))
	leader := int32(-1) // of all
	if c.cfg.Personality.AnyLeads && len(m.brokers) > 0 {
		leader = m.brokers[c.rand.IntN(len(m.brokers))].ID
	}
	for i := range t.partitions {
		info := &t.partitions[i]
		p := &d.Partitions[i]
		if !c.since("4.0") {
			p = &d.Partitions[len(t.partitions)-1-i] // their order used to mean nothing
		}
		*p = kmsg.NewMetadataResponsePartition()
		p.PartitionIndex, p.LeaderID, p.LeaderEpoch = int32(i), info.leader, c.epochOf(info)
		p.ReplicaNodes, p.ISRNodes = info.replicas, info.isr
		alive := func(id int32) bool { return slices.ContainsFunc(m.brokers, func(n *node) bool { return n.ID == id }) }
		for _, id := range info.replicas {
			if !alive(id) {
				p.OfflineReplicas = append(p.OfflineReplicas, id)
			}
		}
		switch {
		case leader >= 0:
			p.LeaderID = leader
		case info.leader < 0 || !alive(info.leader):
			p.LeaderID, p.ErrorCode = -1, kmsg.LeaderNotAvailable
		case req.Version == 0 && len(p.OfflineReplicas) > 0:
			// Clients of old are told of living brokers alone.
			p.ErrorCode = kmsg.ReplicaNotAvailable
			p.ReplicaNodes = slices.DeleteFunc(slices.Clone(info.replicas), func(id int32) bool { return !alive(id) })
			p.ISRNodes = slices.DeleteFunc(slices.Clone(info.isr), func(id int32) bool { return !alive(id) })
		}
		if code := x.refuses(t.name, int32(i)); code != kmsg.None {
			p.ErrorCode = code
		}
	}
	return d
}

func rack(n *node) kbin.NullString {
	if n.Rack == "" {
		return kbin.NullString{}
	}
	return kbin.Str(n.Rack)
}

// What a client may do, as nobody is forbidden anything: all operations that there are for the
// resource (KIP-430).
func (c *Cluster) clusterOperations() kmsg.ACLOperations {
	return kmsg.ACLOperationsOf(kmsg.ACLOperationCreate, kmsg.ACLOperationAlter, kmsg.ACLOperationDescribe, kmsg.ACLOperationClusterAction,
		kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationAlterConfigs, kmsg.ACLOperationIdempotentWrite)
}

func (c *Cluster) topicOperations() kmsg.ACLOperations {
	return kmsg.ACLOperationsOf(kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationCreate, kmsg.ACLOperationDelete,
		kmsg.ACLOperationAlter, kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationAlterConfigs)
}
