// Command rawclient is a Kafka client of nothing but messages: it finds out which versions a
// broker speaks, creates a topic, produces records to it and fetches them again, with brokers
// from 0.8.2 on. What a real client has besides, retries, batching, groups, is left out.
//
//	go run github.com/franzi-kafka/franzi/kmsg/examples/rawclient -broker localhost:9092 -topic example
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func main() {
	broker := flag.String("broker", "localhost:9092", "`address` of a broker")
	topic := flag.String("topic", "example", "`name` of the topic, which is created")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *broker, *topic); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic string) error {
	seed, err := dial(ctx, broker)
	if err != nil {
		return err
	}
	defer seed.Close()
	if err := createTopic(seed, topic); err != nil {
		return err
	}
	leader, id, err := findLeader(ctx, seed, topic)
	if err != nil {
		return err
	}
	c, err := dial(ctx, leader)
	if err != nil {
		return err
	}
	defer c.Close()
	offset, err := produce(c, topic, id, "one", "two", "three")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "produced from offset", offset)
	return fetch(c, topic, id, offset, 3, func(r *batch.Record) {
		fmt.Fprintf(out, "fetched %s at offset %d\n", r.Value, r.Offset)
	})
}

// A client is a connection to a broker, with one request in flight.
type client struct {
	net.Conn
	versions []kmsg.VersionRange // what the broker serves
	lastID   int32
}

// dial connects and asks for versions. Version 0 of the question is understood by all brokers
// that understand it at all; those before 0.10 hang up, or say nothing.
func dial(ctx context.Context, addr string) (*client, error) {
	c, err := connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	c.versions = []kmsg.VersionRange{{Key: kmsg.KeyAPIVersions}}
	c.SetDeadline(time.Now().Add(3 * time.Second))
	resp, err := ask(c, kmsg.NewAPIVersionsRequest())
	if err != nil {
		old, err := kmsg.Release("0.8.2")
		if err != nil {
			return nil, err
		}
		c.Close()
		if c, err = connect(ctx, addr); err != nil {
			return nil, err
		}
		c.versions = old.BrokerAPIs()
	} else if resp.ErrorCode != kmsg.None {
		c.Close()
		return nil, resp.ErrorCode
	} else {
		c.versions = nil
		for _, k := range resp.APIKeys {
			c.versions = append(c.versions, kmsg.VersionRange{Key: kmsg.APIKey(k.APIKey), Min: k.MinVersion, Max: k.MaxVersion})
		}
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	return c, nil
}

func connect(ctx context.Context, addr string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	return &client{Conn: conn}, nil
}

// version is the newest version of an API that both sides speak.
func (c *client) version(key kmsg.APIKey) (int16, bool) {
	api := kmsg.LookupAPI(key)
	for _, v := range c.versions {
		if newest := min(v.Max, api.MaxVersion); v.Key == key && newest >= max(v.Min, api.MinVersion) {
			return newest, true
		}
	}
	return 0, false
}

// ask sends a request in the newest version that both sides speak, and waits for the answer.
func ask[R kmsg.Response](c *client, req kmsg.RequestFor[R]) (resp R, err error) {
	version, ok := c.version(req.APIKey())
	if !ok {
		return resp, fmt.Errorf("the broker has no version of %s that we know", req.APIKey())
	}
	req.SetAPIVersion(version)
	c.lastID++
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: c.lastID, ClientID: kbin.Str("rawclient")}, req)
	if err != nil {
		return resp, err
	}
	if _, err := c.Write(frame); err != nil {
		return resp, err
	}
	answer, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
	if err != nil {
		return resp, err
	}
	resp = req.NewResponse()
	header, err := kmsg.DecodeResponse(answer, resp)
	if err == nil && header.CorrelationID != c.lastID {
		err = fmt.Errorf("the answer is to request %d, not to %d", header.CorrelationID, c.lastID)
	}
	return resp, err
}

// createTopic creates a topic, unless it is there. Brokers before 0.10.1 create one when they
// are asked for its metadata.
func createTopic(c *client, name string) error {
	if _, ok := c.version(kmsg.KeyCreateTopics); !ok {
		return nil
	}
	topic := kmsg.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	req := kmsg.NewCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := ask(c, req)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if t.ErrorCode != kmsg.None && t.ErrorCode != kmsg.TopicAlreadyExists {
			return fmt.Errorf("creating %s: %w %s", name, t.ErrorCode, t.ErrorMessage.S)
		}
	}
	return nil
}

// findLeader returns the address of the broker that leads partition 0 and, from 2.8 on, the
// topic's id. It waits until there is a leader.
func findLeader(ctx context.Context, c *client, name string) (addr string, id kbin.UUID, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(name)}}
		resp, err := ask(c, req)
		if err != nil {
			return "", id, err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				for _, b := range resp.Brokers {
					if p.PartitionIndex == 0 && p.ErrorCode == kmsg.None && p.LeaderID == b.NodeID {
						return net.JoinHostPort(b.Host, fmt.Sprint(b.Port)), t.TopicID, nil
					}
				}
			}
		}
		select {
		case <-ctx.Done():
			return "", id, ctx.Err()
		case <-tick.C:
		}
	}
}

// produce writes records to partition 0 and returns the offset of the first. A batch has the
// format of the request's version.
func produce(c *client, topic string, id kbin.UUID, values ...string) (offset int64, err error) {
	version, _ := c.version(kmsg.KeyProduce)
	format := batch.V0
	if version >= 3 {
		format = batch.V2
	} else if version == 2 {
		format = batch.V1
	}
	b := batch.NewBuilder(nil, format)
	for _, v := range values {
		b.Append(time.Now().UnixMilli(), nil, []byte(v), nil)
	}
	sealed := b.Seal()
	sealed.Checksum()

	partition := kmsg.NewProduceRequestPartitionProduceData()
	partition.Records = sealed.Bytes
	data := kmsg.NewProduceRequestTopicProduceData()
	data.Name, data.TopicID = topic, id // the version takes what it needs
	data.PartitionData = append(data.PartitionData, partition)
	req := kmsg.NewProduceRequest()
	req.Acks, req.TimeoutMs = kmsg.AcksAll, 10_000
	req.TopicData = append(req.TopicData, data)
	resp, err := ask(c, req)
	if err != nil {
		return 0, err
	}
	for _, t := range resp.Responses {
		for _, p := range t.PartitionResponses {
			return p.BaseOffset, p.ErrorCode.Err()
		}
	}
	return 0, errNoPartition
}

var errNoPartition = errors.New("the answer does not have the partition that it was asked for")

// fetch reads n records from an offset on.
func fetch(c *client, topic string, id kbin.UUID, offset int64, n int, see func(*batch.Record)) error {
	codecs := new(compress.Codecs)
	var payload, room []byte
	for n > 0 {
		partition := kmsg.NewFetchRequestPartition()
		partition.FetchOffset, partition.PartitionMaxBytes = offset, 1<<20
		data := kmsg.NewFetchRequestTopic()
		data.Topic, data.TopicID = topic, id
		data.Partitions = append(data.Partitions, partition)
		req := kmsg.NewFetchRequest()
		req.MaxWaitMs, req.MinBytes = 500, 1
		req.Topics = append(req.Topics, data)
		resp, err := ask(c, req)
		if err != nil {
			return err
		}
		records, err := recordsOf(resp)
		if err != nil {
			return err
		}
		r := batch.NewReader(records)
		r.SkipTo(offset)
		for r.Next() {
			if err := r.Batch.Verify(); err != nil {
				return err
			}
			if payload, room, err = r.Batch.Payload(codecs, room, batch.DefaultLimit); err != nil {
				return err
			}
			w := r.Batch.Walk(payload)
			w.SkipTo(offset)
			for w.Next() {
				see(&w.Record)
				n--
			}
			if w.Err() != nil {
				return w.Err()
			}
			offset = r.Batch.LastOffset() + 1
		}
		if r.Err() != nil {
			return r.Err()
		}
	}
	return nil
}

// recordsOf returns the records of the only partition in an answer.
func recordsOf(resp *kmsg.FetchResponse) ([]byte, error) {
	if resp.ErrorCode != kmsg.None {
		return nil, resp.ErrorCode
	}
	for _, t := range resp.Responses {
		for _, p := range t.Partitions {
			return p.Records, p.ErrorCode.Err()
		}
	}
	return nil, errNoPartition
}
