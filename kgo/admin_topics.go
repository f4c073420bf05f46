package kgo

import (
	"cmp"
	"context"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// NewTopic is a topic to create.
type NewTopic struct {
	Name string
	// Partitions is how many there shall be, and ReplicationFactor how many replicas each of them
	// has. 0 leaves it to the brokers, which takes Kafka 2.4 (KIP-464).
	Partitions        int32
	ReplicationFactor int16
	// Assignment has the brokers of each partition, the preferred leader first. It stands for
	// both; nil lets the cluster choose.
	Assignment [][]int32
	// Configs are those that shall differ from the brokers' defaults.
	Configs map[string]string
}

// CreatedTopic is what came of creating a topic.
type CreatedTopic struct {
	Name string
	ID   kbin.UUID // zero if brokers do not tell, before 2.8
	// Partitions and ReplicationFactor are 0 if they were left to the brokers and the user may not
	// see them.
	Partitions        int32
	ReplicationFactor int16
	// Configs are all of the topic's, without synonyms, from 2.4 on (KIP-525); nil if the user may
	// not see them.
	Configs []Config
	Err     error
}

// CreateTopic is [Admin.CreateTopics] for one topic.
func (a *Admin) CreateTopic(ctx context.Context, topic NewTopic, opts ...ChangeOption) error {
	_, err := a.CreateTopics(ctx, []NewTopic{topic}, opts...)
	return err
}

// CreateTopics creates topics. When it returns the controller knows them, other brokers a moment
// later. From Kafka 0.10.1 on; [ValidateOnly] from 0.10.2 on. Java: createTopics.
//
// Errors are for example [kmsg.TopicAlreadyExists] and [kmsg.InvalidReplicationFactor]. A request
// that was lost after it was written is not sent again: see Written of [Error].
func (a *Admin) CreateTopics(ctx context.Context, topics []NewTopic, opts ...ChangeOption) ([]CreatedTopic, error) {
	req := kmsg.NewCreateTopicsRequest()
	least := int16(0)
	if changeConfigOf(opts).validateOnly {
		req.ValidateOnly, least = true, 1
	}
	for _, t := range topics {
		if t.Assignment == nil && (t.Partitions <= 0 || t.ReplicationFactor <= 0) {
			least = 4
		}
		req.Topics = append(req.Topics, t.request())
	}
	if len(topics) == 0 {
		return nil, nil
	}
	resp, err := Do(ctx, a.client, req, atLeast(least))
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyCreateTopics, err)
	told := indexed(resp.Topics, func(t *kmsg.CreateTopicsResponseCreatableTopicResult) string { return t.Name })
	all := make([]CreatedTopic, len(topics))
	for i, t := range topics {
		all[i] = t.created(told[t.Name], o.of(topicPart(t.Name), told[t.Name] != nil))
	}
	return all, o.err()
}

func (t *NewTopic) request() kmsg.CreateTopicsRequestCreatableTopic {
	r := kmsg.NewCreateTopicsRequestCreatableTopic()
	r.Name, r.NumPartitions, r.ReplicationFactor = t.Name, cmp.Or(t.Partitions, -1), cmp.Or(t.ReplicationFactor, -1)
	for i, brokers := range t.Assignment {
		one := kmsg.NewCreateTopicsRequestCreatableReplicaAssignment()
		one.PartitionIndex, one.BrokerIDs = int32(i), brokers
		r.Assignments = append(r.Assignments, one)
	}
	for _, name := range sorted(t.Configs) {
		one := kmsg.NewCreateTopicsRequestCreatableTopicConfig()
		one.Name, one.Value = name, kbin.Str(t.Configs[name])
		r.Configs = append(r.Configs, one)
	}
	return r
}

// created is the result; what old brokers leave out is what was asked for.
func (t *NewTopic) created(told *kmsg.CreateTopicsResponseCreatableTopicResult, err error) CreatedTopic {
	if err != nil {
		return CreatedTopic{Name: t.Name, Err: err}
	}
	c := CreatedTopic{Name: t.Name, ID: told.TopicID, Partitions: max(told.NumPartitions, t.Partitions, 0), ReplicationFactor: max(told.ReplicationFactor, t.ReplicationFactor, 0)}
	if len(t.Assignment) > 0 {
		c.Partitions, c.ReplicationFactor = int32(len(t.Assignment)), int16(len(t.Assignment[0]))
	}
	for i := range told.Configs {
		k := &told.Configs[i]
		c.Configs = append(c.Configs, Config{Name: k.Name, Value: k.Value, Source: k.ConfigSource, ReadOnly: k.ReadOnly, Sensitive: k.IsSensitive})
	}
	sortConfigs(c.Configs)
	return c
}

// TopicResult is what came of something that was done to a topic.
type TopicResult struct {
	Name string    // "" if it was named by its id, and brokers do not tell
	ID   kbin.UUID // zero if it was named by its name, and brokers do not tell, with ZooKeeper
	Err  error
}

// DeleteTopics deletes topics with all their records. When it returns the controller has forgotten
// them, other brokers a moment later. From Kafka 0.10.1 on. Java: deleteTopics.
//
// Errors are for example [kmsg.UnknownTopicOrPartition] and [kmsg.TopicDeletionDisabled]. A request
// that was lost after it was written is not sent again: see Written of [Error].
func (a *Admin) DeleteTopics(ctx context.Context, names ...string) ([]TopicResult, error) {
	return a.deleteTopics(ctx, refsOf(names, nil))
}

// DeleteTopicsByID is [Admin.DeleteTopics] for topics that are named by their ids, so that one that
// was created anew under the same name is safe. From Kafka 2.8 on (KIP-516).
func (a *Admin) DeleteTopicsByID(ctx context.Context, ids ...kbin.UUID) ([]TopicResult, error) {
	return a.deleteTopics(ctx, refsOf(nil, ids))
}

// A topicRef names a topic by its name or by its id.
type topicRef struct {
	name string
	id   kbin.UUID
}

func refsOf(names []string, ids []kbin.UUID) []topicRef {
	all := make([]topicRef, 0, len(names)+len(ids))
	for _, name := range names {
		all = append(all, topicRef{name: name})
	}
	for _, id := range ids {
		all = append(all, topicRef{id: id})
	}
	return all
}

// nullable is the name as requests have it.
func (t topicRef) nullable() kbin.NullString {
	return kbin.NullString{S: t.name, Valid: t.id.IsZero()}
}

// refers makes the reference that an element of an answer is found by: with its id if those were
// asked for.
func refers(name string, id kbin.UUID, like topicRef) topicRef {
	if like.id.IsZero() {
		return topicRef{name: name}
	}
	return topicRef{id: id}
}

func (a *Admin) deleteTopics(ctx context.Context, topics []topicRef) ([]TopicResult, error) {
	req := kmsg.NewDeleteTopicsRequest()
	for _, t := range topics {
		one := kmsg.NewDeleteTopicsRequestDeleteTopicState()
		one.Name, one.TopicID = t.nullable(), t.id
		req.Topics = append(req.Topics, one)
	}
	if len(topics) == 0 {
		return nil, nil
	}
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyDeleteTopics, err)
	told := indexed(resp.Responses, func(r *kmsg.DeleteTopicsResponseDeletableTopicResult) topicRef {
		return refers(r.Name.S, r.TopicID, topics[0])
	})
	all := make([]TopicResult, len(topics))
	for i, t := range topics {
		if r := told[t]; r != nil {
			t = topicRef{cmp.Or(t.name, r.Name.S), cmp.Or(t.id, r.TopicID)}
		}
		all[i] = TopicResult{t.name, t.id, o.ofTopic(t.name, t.id, told[topics[i]] != nil)}
	}
	return all, o.err()
}

// NewPartitions is how a topic shall grow.
type NewPartitions struct {
	Topic string
	// Count is how many partitions there shall be in all, those that are there already included.
	Count int32
	// Assignment has the brokers of each new partition, the preferred leader first; nil lets the
	// cluster choose.
	Assignment [][]int32
}

// CreatePartitions adds partitions to topics, which have names only here. Records with keys then go
// to other partitions than before. From Kafka 1.0 on. Java: createPartitions (KIP-195).
//
// Errors are for example [kmsg.UnknownTopicOrPartition] and [kmsg.InvalidPartitions]. A request that
// was lost after it was written is not sent again: see Written of [Error].
func (a *Admin) CreatePartitions(ctx context.Context, topics []NewPartitions, opts ...ChangeOption) ([]TopicResult, error) {
	req := kmsg.NewCreatePartitionsRequest()
	req.ValidateOnly = changeConfigOf(opts).validateOnly
	for _, t := range topics {
		one := kmsg.NewCreatePartitionsRequestTopic()
		one.Name, one.Count, one.Assignments = t.Topic, t.Count, nil
		for _, brokers := range t.Assignment {
			more := kmsg.NewCreatePartitionsRequestAssignment()
			more.BrokerIDs = brokers
			one.Assignments = append(one.Assignments, more)
		}
		req.Topics = append(req.Topics, one)
	}
	if len(topics) == 0 {
		return nil, nil
	}
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyCreatePartitions, err)
	told := indexed(resp.Results, func(r *kmsg.CreatePartitionsResponseTopicResult) string { return r.Name })
	all := make([]TopicResult, len(topics))
	for i, t := range topics {
		all[i] = TopicResult{Name: t.Topic, Err: o.of(topicPart(t.Topic), told[t.Topic] != nil)}
	}
	return all, o.err()
}

// DescribedTopic is a topic with its partitions.
type DescribedTopic struct {
	Name       string    // "" if the topic was named by an id that brokers do not know
	ID         kbin.UUID // zero if brokers do not tell, before 2.8
	Internal   bool      // Kafka's own
	Partitions []DescribedPartition
	Err        error
}

// DescribedPartition is a partition of a [DescribedTopic].
type DescribedPartition struct {
	PartitionInfo
	// EligibleLeaders are the replicas that are not in sync but have all committed records, and
	// LastKnownEligibleLeaders those that had before they were lost (KIP-966). nil if brokers do
	// not tell, before 3.8, with ZooKeeper, and in answers of [Admin.ListTopics].
	EligibleLeaders, LastKnownEligibleLeaders []int32
}

// ListTopics returns all topics that the user may see, by name, Kafka's own included. From Kafka
// 0.8 on. Java: listTopics, describeTopics.
func (a *Admin) ListTopics(ctx context.Context) ([]DescribedTopic, error) {
	req := kmsg.NewMetadataRequest()
	req.Topics, req.AllowAutoTopicCreation = nil, false
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyMetadata, err)
	all := make([]DescribedTopic, len(resp.Topics))
	for i := range resp.Topics {
		all[i] = describedTopic(&resp.Topics[i], topicRef{}, o)
	}
	slices.SortFunc(all, func(a, b DescribedTopic) int { return cmp.Compare(a.Name, b.Name) })
	return all, o.err()
}

// DescribeTopics returns topics with their partitions. It never creates one. From Kafka 0.8 on.
// Java: describeTopics.
//
// Errors are for example [kmsg.UnknownTopicOrPartition]; those of partitions, like
// [kmsg.LeaderNotAvailable], are in the partitions only.
func (a *Admin) DescribeTopics(ctx context.Context, names ...string) ([]DescribedTopic, error) {
	return a.describeTopics(ctx, refsOf(names, nil))
}

// DescribeTopicsByID is [Admin.DescribeTopics] for topics that are named by their ids. From Kafka
// 3.1 on (KIP-516). The error of an id that brokers do not know is [kmsg.UnknownTopicID].
func (a *Admin) DescribeTopicsByID(ctx context.Context, ids ...kbin.UUID) ([]DescribedTopic, error) {
	return a.describeTopics(ctx, refsOf(nil, ids))
}

func (a *Admin) describeTopics(ctx context.Context, topics []topicRef) ([]DescribedTopic, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	req := kmsg.NewMetadataRequest()
	req.Topics, req.AllowAutoTopicCreation = []kmsg.MetadataRequestTopic{}, false
	for _, t := range topics {
		req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Name: t.nullable(), TopicID: t.id})
	}
	resp, err := Do(ctx, a.client, req)
	if resp == nil {
		return nil, err
	}
	o := outcomesOf(kmsg.KeyMetadata, err)
	told := indexed(resp.Topics, func(t *kmsg.MetadataResponseTopic) topicRef { return refers(t.Name.S, t.TopicID, topics[0]) })
	all := make([]DescribedTopic, len(topics))
	for i, t := range topics {
		all[i] = describedTopic(told[t], t, o)
	}
	if err := a.addEligible(ctx, all); err != nil {
		o.all = append(o.all, err)
	}
	return all, o.err()
}

// describedTopic is what an answer tells about a topic that was asked for, if it does.
func describedTopic(told *kmsg.MetadataResponseTopic, asked topicRef, o *outcomes) DescribedTopic {
	d := DescribedTopic{Name: asked.name, ID: asked.id}
	if told == nil {
		d.Err = o.ofTopic(asked.name, asked.id, false)
		return d
	}
	d.Name, d.ID, d.Internal = cmp.Or(told.Name.S, asked.name), cmp.Or(told.TopicID, asked.id), told.IsInternal
	d.Err = o.ofTopic(d.Name, d.ID, true)
	for i := range told.Partitions {
		p := &told.Partitions[i]
		d.Partitions = append(d.Partitions, DescribedPartition{PartitionInfo: PartitionInfo{p.PartitionIndex, p.LeaderID, p.LeaderEpoch, p.ReplicaNodes, p.ISRNodes, p.OfflineReplicas, p.ErrorCode}})
	}
	slices.SortFunc(d.Partitions, func(a, b DescribedPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	return d
}

// addEligible adds what Metadata does not tell, from brokers that know it. They tell it in pages.
func (a *Admin) addEligible(ctx context.Context, topics []DescribedTopic) error {
	req := kmsg.NewDescribeTopicPartitionsRequest()
	found := map[string][]*DescribedTopic{}
	for i := range topics {
		t := &topics[i]
		if t.Err != nil {
			continue
		}
		if found[t.Name] == nil {
			one := kmsg.NewDescribeTopicPartitionsRequestTopicRequest()
			one.Name = t.Name
			req.Topics = append(req.Topics, one)
		}
		found[t.Name] = append(found[t.Name], t)
	}
	if len(found) == 0 {
		return nil // none named would mean all
	}
	for {
		resp, err := Do(ctx, a.client, req)
		if lacks(err) {
			return nil
		}
		if resp == nil {
			return err
		}
		for i := range resp.Topics {
			for _, t := range found[resp.Topics[i].Name.S] {
				t.addEligible(&resp.Topics[i])
			}
		}
		next := resp.NextCursor
		if next == nil || req.Cursor != nil && req.Cursor.TopicName == next.TopicName && req.Cursor.PartitionIndex == next.PartitionIndex {
			return nil
		}
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.TopicName, cursor.PartitionIndex = next.TopicName, next.PartitionIndex
		req.Cursor = &cursor
	}
}

func (t *DescribedTopic) addEligible(told *kmsg.DescribeTopicPartitionsResponseTopic) {
	if told.TopicID != t.ID {
		return // it was created anew meanwhile
	}
	for i := range told.Partitions {
		p := &told.Partitions[i]
		n, ok := slices.BinarySearchFunc(t.Partitions, p.PartitionIndex, func(d DescribedPartition, n int32) int { return cmp.Compare(d.Partition, n) })
		if ok {
			t.Partitions[n].EligibleLeaders, t.Partitions[n].LastKnownEligibleLeaders = p.EligibleLeaderReplicas, p.LastKnownELR
		}
	}
}
