package ktest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A client speaks to one broker, one request after the other, with messages and nothing else.
type client struct {
	testing.TB
	net.Conn
	next     int32 // correlation id
	patience time.Duration
	buf      []byte
}

// patience is how long an answer may take.
const patience = 20 * time.Second

func dial(t testing.TB, c *ktest.Cluster, addr string) *client {
	t.Helper()
	conn, err := c.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	cl := &client{TB: t, Conn: conn, patience: patience}
	t.Cleanup(func() { conn.Close() })
	return cl
}

// send writes a request.
func (c *client) send(req kmsg.Request) {
	c.Helper()
	c.next++
	frame, err := kmsg.AppendRequest(c.buf[:0], kmsg.RequestHeader{CorrelationID: c.next, ClientID: kbin.Str("tester")}, req)
	if err != nil {
		c.Fatal(err)
	}
	c.buf = frame
	if _, err := c.Write(frame); err != nil {
		c.Fatal(err)
	}
}

// receive reads the answer to a request into resp.
func (c *client) receive(resp kmsg.Response) error {
	c.SetReadDeadline(time.Now().Add(c.patience))
	frame, err := kmsg.ReadFrame(c.Conn, c.buf, kmsg.MaxFrame)
	if err != nil {
		return err
	}
	if c.buf = frame; int32(binary.BigEndian.Uint32(frame)) != c.next {
		return fmt.Errorf("a correlation id of %d, want %d", binary.BigEndian.Uint32(frame), c.next)
	}
	_, err = kmsg.DecodeResponse(frame, resp)
	return err
}

// ask sends a request and returns its answer.
func ask[R kmsg.Response](c *client, req interface {
	kmsg.Request
	NewResponse() R
}, version int16) R {
	c.Helper()
	req.SetAPIVersion(version)
	c.send(req)
	resp := req.NewResponse()
	if err := c.receive(resp); err != nil {
		c.Fatalf("%s version %d: %v", req.APIKey(), version, err)
	}
	return resp
}

// records makes a batch.
func records(values ...string) []byte {
	b := batch.NewBuilder(nil, batch.V2)
	for _, v := range values {
		b.Append(time.Now().UnixMilli(), nil, []byte(v), nil)
	}
	s := b.Seal()
	s.Checksum()
	return s.Bytes
}

// produceRequest makes a request for one partition.
func produceRequest(acks kmsg.Acks, topic string, partition int32, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewProduceRequest()
	req.Acks, req.TimeoutMs = acks, 1000
	req.TopicData = []kmsg.ProduceRequestTopicProduceData{{
		Name:          topic,
		PartitionData: []kmsg.ProduceRequestPartitionProduceData{{Index: partition, Records: records}},
	}}
	return req
}

// fetchRequest makes a request for one partition.
func fetchRequest(topic string, partition int32, offset int64, wait time.Duration) *kmsg.FetchRequest {
	req := kmsg.NewFetchRequest()
	req.MaxWaitMs, req.MinBytes, req.MaxBytes = int32(wait.Milliseconds()), 1, 1<<20
	p := kmsg.NewFetchRequestPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	req.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestPartition{p}}}
	return req
}

// values lists the values of records.
func values(t testing.TB, records []byte) []string {
	t.Helper()
	var all []string
	r := batch.NewReader(records)
	for r.Next() {
		if err := r.Batch.Verify(); err != nil {
			t.Fatal(err)
		}
		payload, _, err := r.Batch.Payload(nil, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		w := r.Batch.Walk(payload)
		for w.Next() {
			all = append(all, string(w.Record.Value))
		}
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return all
}

// resum computes the checksum of a batch of format 2 anew.
func resum(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
