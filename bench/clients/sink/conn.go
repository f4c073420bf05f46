package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"syscall"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A conn answers the requests of a connection one at a time and in order, as brokers do.
type conn struct {
	*server
	net.Conn
	in      []byte // what was read; in[r:w] is not handled yet
	r, w    int
	out     []byte
	bufs    net.Buffers
	fetched map[int32]*partition
	codecs  compress.Codecs
	room    []byte
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	k := &conn{server: s, Conn: c, in: make([]byte, 64<<10), fetched: map[int32]*partition{}}
	for {
		frame, err := k.frame()
		if err == nil {
			s.requests.Add(1)
			err = k.handle(frame)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				log.Printf("%s: %v", c.RemoteAddr(), err)
			}
			return
		}
	}
}

// frame returns the next request, which holds until the next call.
func (k *conn) frame() ([]byte, error) {
	if k.r == k.w {
		k.r, k.w = 0, 0
	}
	if err := k.fill(4); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(k.in[k.r:]))
	if n > 256<<20 {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	if err := k.fill(4 + n); err != nil {
		return nil, err
	}
	frame := k.in[k.r+4 : k.r+4+n]
	k.r += 4 + n
	return frame, nil
}

// fill reads until n bytes are there. What belongs to a large frame is read to its place, and
// little beyond it, so that nothing has to be moved.
func (k *conn) fill(n int) error {
	if k.w-k.r >= n {
		return nil
	}
	if k.r+n > len(k.in) {
		to := k.in
		if n > len(k.in) {
			to = make([]byte, n+n/4+64<<10)
		}
		k.w = copy(to, k.in[k.r:k.w])
		k.in, k.r = to, 0
	}
	for k.w-k.r < n {
		m, err := k.Read(k.in[k.w:max(k.r+n, min(k.w+16<<10, len(k.in)))])
		k.w += m
		if err != nil {
			return err
		}
	}
	return nil
}

// served are the versions that are served.
func (s *server) served() []kmsg.APIVersionsResponseAPIVersion {
	var all []kmsg.APIVersionsResponseAPIVersion
	for _, v := range []kmsg.VersionRange{
		{Key: kmsg.KeyProduce, Min: 0, Max: int16(s.maxProduce)},
		{Key: kmsg.KeyFetch, Min: 4, Max: int16(s.maxFetch)},
		{Key: kmsg.KeyListOffsets, Min: 1, Max: 8},
		{Key: kmsg.KeyMetadata, Min: 0, Max: 12},
		{Key: kmsg.KeyFindCoordinator, Min: 0, Max: 4},
		{Key: kmsg.KeyAPIVersions, Min: 0, Max: 3},
		{Key: kmsg.KeyInitProducerID, Min: 0, Max: 4},
	} {
		a := kmsg.NewAPIVersionsResponseAPIVersion()
		a.APIKey, a.MinVersion, a.MaxVersion = int16(v.Key), v.Min, v.Max
		all = append(all, a)
	}
	return all
}

func (k *conn) handle(frame []byte) error {
	header, req, err := kmsg.DecodeRequest(frame)
	if header.RequestAPIKey == int16(kmsg.KeyAPIVersions) && (err != nil || header.RequestAPIVersion > 3) {
		resp := kmsg.NewAPIVersionsResponse() // of version 0, which everybody reads
		resp.ErrorCode, resp.APIKeys = kmsg.UnsupportedVersion, k.served()
		return k.reply(header.CorrelationID, resp)
	}
	if err != nil {
		return err
	}
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		return k.produce(header.CorrelationID, req)
	case *kmsg.FetchRequest:
		return k.fetch(header.CorrelationID, req)
	case *kmsg.APIVersionsRequest:
		resp := req.NewResponse()
		resp.APIKeys = k.served()
		return k.reply(header.CorrelationID, resp)
	case *kmsg.MetadataRequest:
		return k.reply(header.CorrelationID, k.metadata(req))
	case *kmsg.InitProducerIDRequest:
		resp := req.NewResponse()
		resp.ProducerID = k.producerIDs.Add(1)
		return k.reply(header.CorrelationID, resp)
	case *kmsg.ListOffsetsRequest:
		return k.reply(header.CorrelationID, offsets(req))
	case *kmsg.FindCoordinatorRequest:
		resp := req.NewResponse()
		resp.NodeID, resp.Host, resp.Port = 1, k.host, k.port
		for _, key := range req.CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.Host, c.Port = key, 1, k.host, k.port
			resp.Coordinators = append(resp.Coordinators, c)
		}
		return k.reply(header.CorrelationID, resp)
	}
	return fmt.Errorf("%s is not served", req.APIKey())
}

func (k *conn) reply(correlation int32, resp kmsg.Response) error {
	b, err := kmsg.AppendResponse(k.out[:0], kmsg.ResponseHeader{CorrelationID: correlation}, resp)
	if err != nil {
		return err
	}
	k.out = b
	_, err = k.Write(b)
	return err
}

// topicID is a topic's id, in which a fetch names it.
func topicID(name string) (id kbin.UUID) {
	sum := sha256.Sum256([]byte(name))
	copy(id[:], sum[:])
	return id
}

func (k *conn) metadata(req *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	resp := req.NewResponse()
	b := kmsg.NewMetadataResponseBroker()
	b.NodeID, b.Host, b.Port = 1, k.host, k.port
	resp.Brokers = append(resp.Brokers, b)
	resp.ClusterID, resp.ControllerID = kbin.Str("sink"), 1
	topics := req.Topics
	if topics == nil { // all of them
		topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("bench")}}
	}
	for _, asked := range topics {
		t := kmsg.NewMetadataResponseTopic()
		t.Name, t.TopicID = asked.Name, topicID(asked.Name.S)
		for p := range k.partitions {
			mp := kmsg.NewMetadataResponsePartition()
			mp.PartitionIndex, mp.LeaderID, mp.LeaderEpoch = int32(p), 1, 0
			mp.ReplicaNodes, mp.ISRNodes = []int32{1}, []int32{1}
			t.Partitions = append(t.Partitions, mp)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func offsets(req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := req.NewResponse()
	for _, t := range req.Topics {
		rt := kmsg.NewListOffsetsResponseTopicResponse()
		rt.Name = t.Name
		for _, p := range t.Partitions {
			rp := kmsg.NewListOffsetsResponsePartitionResponse()
			rp.PartitionIndex, rp.Timestamp, rp.Offset = p.PartitionIndex, -1, 0
			if p.Timestamp == -1 {
				rp.Offset = highWatermark
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func (k *conn) produce(correlation int32, req *kmsg.ProduceRequest) error {
	resp := req.NewResponse()
	k.produceRequests.Add(1)
	for _, t := range req.TopicData {
		rt := kmsg.NewProduceResponseTopicProduceResponse()
		rt.Name, rt.TopicID = t.Name, t.TopicID
		for _, p := range t.PartitionData {
			rp := kmsg.NewProduceResponsePartitionProduceResponse()
			rp.Index, rp.BaseOffset, rp.LogStartOffset = p.Index, k.records.Load(), 0
			if err := k.count(p.Records); err != nil {
				k.badBatches.Add(1)
				log.Printf("produce version %d, partition %d: %v", req.Version, p.Index, err)
				rp.ErrorCode = kmsg.CorruptMessage
			}
			rt.PartitionResponses = append(rt.PartitionResponses, rp)
		}
		resp.Responses = append(resp.Responses, rt)
	}
	if k.delay > 0 {
		time.Sleep(k.delay)
	}
	if req.Acks == kmsg.AcksNone {
		return nil
	}
	return k.reply(correlation, resp)
}

// count counts the batches of a partition, and looks at every record if it is to verify.
func (k *conn) count(records []byte) error {
	r := batch.NewReader(records)
	for r.Next() {
		k.server.batches.Add(1)
		k.server.records.Add(int64(r.Batch.Count))
		k.recordBytes.Add(int64(len(r.Batch.Raw)))
		if !k.verify {
			continue
		}
		if err := r.Batch.Verify(); err != nil {
			return err
		}
		payload, room, err := r.Batch.Payload(&k.codecs, k.room, batch.DefaultLimit)
		if err != nil {
			return err
		}
		k.room = room
		w := r.Batch.Walk(payload)
		for w.Next() {
			k.valueBytes.Add(int64(len(w.Record.Value)))
		}
		if err := w.Err(); err != nil {
			return err
		}
	}
	return r.Err()
}
