package main

import (
	"context"
	"errors"
	"time"

	theirs "github.com/twmb/franz-go/pkg/kgo"
	theirmsg "github.com/twmb/franz-go/pkg/kmsg"

	"github.com/franzi-kafka/franzi/kbin"
	ours "github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

func allTopics(n int) (all []string) {
	for i := range n {
		all = append(all, topicName(i))
	}
	return all
}

type franzi struct {
	*ours.Client
	topics []string
}

func newFranzi(addrs []string, topics int) (client, error) {
	c, err := ours.NewClient(ours.SeedBrokers(addrs...))
	return &franzi{c, allTopics(topics)}, err
}

func (c *franzi) metadata(ctx context.Context, topic string) error {
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(topic)}}
	resp, err := ours.Do(ctx, c.Client, req)
	if err == nil && len(resp.Topics) != 1 {
		err = errors.New("no such topic")
	}
	return err
}

func (c *franzi) refresh(ctx context.Context) error { return c.RefreshMetadata(ctx, c.topics...) }

func (c *franzi) askEach(ctx context.Context) error {
	for id := int32(1); id <= 3; id++ {
		req := kmsg.NewMetadataRequest()
		req.Version, req.Topics = 12, []kmsg.MetadataRequestTopic{}
		if _, err := c.Broker(id).Request(ctx, req); err != nil {
			return err
		}
	}
	return nil
}

func (c *franzi) close() { c.Close() }

type franzGo struct {
	*theirs.Client
	topics []string
}

func newFranzGo(addrs []string, topics int) (client, error) {
	c, err := theirs.NewClient(theirs.SeedBrokers(addrs...))
	return &franzGo{c, allTopics(topics)}, err
}

func (c *franzGo) request(topics ...string) *theirmsg.MetadataRequest {
	req := theirmsg.NewPtrMetadataRequest()
	for i := range topics {
		t := theirmsg.NewMetadataRequestTopic()
		t.Topic = &topics[i]
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (c *franzGo) metadata(ctx context.Context, topic string) error {
	resp, err := c.request(topic).RequestWith(ctx, c.Client)
	if err == nil && len(resp.Topics) != 1 {
		err = errors.New("no such topic")
	}
	return err
}

// refresh asks anew for what the client keeps: a nanosecond is too old.
func (c *franzGo) refresh(ctx context.Context) error {
	_, err := c.RequestCachedMetadata(ctx, c.request(c.topics...), time.Nanosecond)
	return err
}

func (c *franzGo) askEach(ctx context.Context) error {
	for id := range 3 {
		if _, err := c.Broker(id+1).Request(ctx, c.request(topicName(0))); err != nil {
			return err
		}
	}
	return nil
}

func (c *franzGo) close() { c.Close() }
