package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// errNoCreation says that brokers are from before Kafka 0.10.1, when CreateTopics came (KIP-4).
var errNoCreation = errors.New("brokers before Kafka 0.10.1 create no topics on request")

// newTopic asks for a topic. What is -1 is left to the brokers.
func newTopic(name string, partitions int32, replicas int16) *kmsg.CreateTopicsRequest {
	req := kmsg.NewCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestCreatableTopic()
	t.Name, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
	req.Topics = append(req.Topics, t)
	return req
}

// create has topics created. Brokers before 2.4 do not choose how many partitions and replicas those
// get (KIP-464): then it does so, in the request, and says it. The error is errNoCreation if there is
// no asking for topics at all.
func (s *session) create(req *kmsg.CreateTopicsRequest) (*kmsg.CreateTopicsResponse, error) {
	switch newest, err := s.newest(kmsg.KeyCreateTopics); {
	case err != nil:
		return nil, err
	case newest < 0:
		return nil, errNoCreation
	case newest < 4:
		s.choose(req)
	}
	req.TimeoutMs = s.waitMs()
	return kgo.Do(s.ctx, s.client, req)
}

// newest is the newest version of an API that brokers serve, -1 if they do not. What is connected has
// told it, unless that was by an address that no broker says is its own.
func (s *session) newest(key kmsg.APIKey) (int16, error) {
	if newest, known := s.told(key); known {
		return newest, nil
	}
	req := kmsg.NewAPIVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = software()
	if _, err := kgo.Do(s.ctx, s.client, req); err != nil && !unserved(err) {
		return -1, err
	}
	newest, _ := s.told(key)
	return newest, nil
}

// told is what brokers have told that are connected.
func (s *session) told(key kmsg.APIKey) (newest int16, known bool) {
	for _, b := range s.client.Metadata().Brokers() {
		for _, served := range s.client.Versions(b.ID) {
			known = true
			if served.Key == key {
				return served.Max, true
			}
		}
	}
	return -1, known
}

// choose chooses what is left to brokers that do not. Three replicas are what most want, and can have
// only of three brokers.
func (s *session) choose(req *kmsg.CreateTopicsRequest) {
	replicas := int16(max(1, min(3, len(s.client.Metadata().Brokers()))))
	var chosen []string
	for i := range req.Topics {
		t := &req.Topics[i]
		if len(t.Assignments) > 0 {
			continue // which say it
		}
		chosen = nil // all topics of a request are alike
		if t.NumPartitions < 0 {
			t.NumPartitions = 1
			chosen = append(chosen, "1 partition")
		}
		if t.ReplicationFactor < 0 {
			t.ReplicationFactor = replicas
			chosen = append(chosen, plural(int(replicas), "replica", "replicas"))
		}
	}
	if len(chosen) > 0 {
		s.app.say("brokers before Kafka 2.4 leave the choice to clients: %s", strings.Join(chosen, ", "))
	}
}

// letCreate lets brokers create topics as they do for whoever asks about one that is not there, which
// is all that there was before 0.10.1. The answer is what another broker would have given.
func (s *session) letCreate(req *kmsg.CreateTopicsRequest) (*kmsg.CreateTopicsResponse, error) {
	if s.flags.explain {
		return nil, failed("%v, but for who asks about one: --explain has nothing to show", errNoCreation)
	}
	s.renew() // one of 0.9 is silent for long when another of its brokers is connected
	resp := kmsg.NewCreateTopicsResponse()
	var errs []error
	for i := range req.Topics {
		t := &req.Topics[i]
		if req.ValidateOnly || t.NumPartitions >= 0 || t.ReplicationFactor >= 0 || len(t.Configs)+len(t.Assignments) > 0 {
			return nil, failed("%v, but as they see fit, for who asks about one: leave all flags for the topic away, or use Kafka's kafka-topics.sh", errNoCreation)
		}
		one := kmsg.NewCreateTopicsResponseCreatableTopicResult()
		one.Name, one.NumPartitions, one.ReplicationFactor = t.Name, -1, -1
		made, err := s.askInto(t.Name)
		if e, ok := errors.AsType[*kgo.Error](err); ok && e.Code != kmsg.None {
			one.ErrorCode = e.Code
		} else if err != nil {
			return nil, err
		} else if len(made.Partitions) > 0 {
			one.NumPartitions, one.ReplicationFactor = int32(len(made.Partitions)), int16(len(made.Partitions[0].ReplicaNodes))
		}
		if err != nil {
			errs = append(errs, err)
		}
		resp.Topics = append(resp.Topics, one)
	}
	return resp, errors.Join(errs...)
}

// askInto makes a topic be by asking about it, and waits until it is led.
func (s *session) askInto(name string) (*kmsg.MetadataResponseTopic, error) {
	fail := &kgo.Error{Op: kmsg.KeyCreateTopics.String(), Broker: -1, Topic: name, Partition: -1, API: kmsg.KeyCreateTopics, Version: -1}
	switch err := s.exists(name); {
	case err == nil:
		fail.Code = kmsg.TopicAlreadyExists
		return nil, fail
	case !errors.Is(err, kmsg.UnknownTopicOrPartition):
		return nil, err
	}
	req := kmsg.NewMetadataRequest() // which allows it
	t := kmsg.NewMetadataRequestTopic()
	t.Name = kbin.Str(name)
	req.Topics = append(req.Topics, t)
	resp, err := kgo.Do(s.ctx, s.client, req)
	for errors.Is(err, kmsg.LeaderNotAvailable) && s.ctx.Err() == nil {
		select {
		case <-time.After(20 * time.Millisecond):
			resp, err = kgo.Do(s.ctx, s.client, req)
		case <-s.ctx.Done():
		}
	}
	switch {
	case errors.Is(err, kmsg.UnknownTopicOrPartition):
		fail.Code, fail.Err = kmsg.UnknownTopicOrPartition, fmt.Errorf("%w, but for who asks about one, and these do not (auto.create.topics.enable): use Kafka's kafka-topics.sh", errNoCreation)
		return nil, fail
	case err != nil:
		return nil, err
	}
	return &resp.Topics[0], nil
}
