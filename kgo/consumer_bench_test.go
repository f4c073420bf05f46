//go:build unix

package kgo_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/internal/yardstick"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A spring is a broker whose orders[0] never ends: it answers each Fetch with the same batches, as
// if they were those from the offset on that is asked for. It makes no garbage.
type spring struct {
	answers map[kmsg.APIKey][]byte
	batches []int // where they are in the answer to Fetch
	records int   // of a batch
}

func newSpring(b *testing.B, size int, codec compress.Codec) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	port := int32(l.Addr().(*net.TCPAddr).Port)
	s := &spring{answers: map[kmsg.APIKey][]byte{}}
	add := func(key kmsg.APIKey, resp kmsg.Response, version int16) {
		resp.SetAPIVersion(version)
		if s.answers[key], err = kmsg.AppendResponse(nil, kmsg.ResponseHeader{}, resp); err != nil {
			b.Fatal(err)
		}
	}
	metadata := kmsg.NewMetadataResponse()
	metadata.ControllerID, metadata.ClusterID = 1, kbin.Str("spring")
	metadata.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "127.0.0.1", Port: port}}
	metadata.Topics = []kmsg.MetadataResponseTopic{{Name: kbin.Str("orders"), Partitions: []kmsg.MetadataResponsePartition{{LeaderID: 1, ReplicaNodes: []int32{1}, ISRNodes: []int32{1}}}}}
	add(kmsg.KeyMetadata, metadata, 12)
	builder := batch.NewBuilder(nil, batch.V2)
	value := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for builder.Size() < 64<<10 {
		for i := range value {
			value[i] = "0123456789abcdef"[r.IntN(16)]
		}
		builder.Append(1_700_000_000_000, nil, value, nil)
		s.records++
	}
	sealed := builder.Seal()
	var codecs compress.Codecs
	if _, err := sealed.Compress(&codecs, compress.Settings{Codec: codec}, nil); err != nil {
		b.Fatal(err)
	}
	fetched := kmsg.NewFetchResponse()
	part := kmsg.NewFetchResponsePartitionData()
	part.HighWatermark, part.LastStableOffset, part.LogStartOffset = 1<<60, 1<<60, 0
	for range max(1, 512<<10/len(sealed.Bytes)) {
		part.Records = append(part.Records, sealed.Bytes...)
	}
	fetched.Responses = []kmsg.FetchResponseFetchableTopicResponse{{Topic: "orders", Partitions: []kmsg.FetchResponsePartitionData{part}}}
	add(kmsg.KeyFetch, fetched, 12)
	frame := s.answers[kmsg.KeyFetch]
	for at := bytes.Index(frame, sealed.Bytes); at >= 0 && at < len(frame)-len(sealed.Bytes); at += len(sealed.Bytes) {
		s.batches = append(s.batches, at)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return l.Addr().String()
}

func (s *spring) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	fetched := bytes.Clone(s.answers[kmsg.KeyFetch])
	topic := []byte("\x07orders\x02") // as it stands in the request, before one partition
	for {
		h, err := r.Peek(12)
		if err != nil {
			return
		}
		size, key := int(binary.BigEndian.Uint32(h)), kmsg.APIKey(binary.BigEndian.Uint16(h[4:]))
		frame, err := r.Peek(4 + size)
		if err != nil {
			return
		}
		out := s.answers[key]
		switch key {
		case kmsg.KeyAPIVersions:
			out = springVersions(frame[4:])
		case kmsg.KeyFetch:
			out = fetched
			at := bytes.Index(frame, topic) + len(topic) + 8 // after index and leader epoch
			offset := binary.BigEndian.Uint64(frame[at:])
			for _, at := range s.batches {
				binary.BigEndian.PutUint64(out[at:], offset)
				offset += uint64(s.records)
			}
			copy(out[4:8], frame[8:12])
		default:
			copy(out[4:8], frame[8:12])
		}
		if _, err := r.Discard(4 + size); err != nil {
			return
		}
		if _, err := io.Copy(c, bytes.NewReader(out)); err != nil {
			return
		}
	}
}

func springVersions(frame []byte) []byte {
	h, req, err := kmsg.DecodeRequest(frame)
	if err != nil {
		return nil
	}
	resp := req.Response().(*kmsg.APIVersionsResponse)
	for key, max := range map[kmsg.APIKey]int16{kmsg.KeyFetch: 12, kmsg.KeyMetadata: 12, kmsg.KeyAPIVersions: 5} {
		resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(key), MinVersion: 0, MaxVersion: max})
	}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
	if err != nil {
		return nil
	}
	return answer
}

// BenchmarkConsume reads records in the three ways, from a broker on a socket, which is in the
// figures.
func BenchmarkConsume(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, codec := range []compress.Codec{compress.None, compress.LZ4} {
			for _, how := range []string{"batches", "poll", "records"} {
				b.Run(fmt.Sprintf("size=%d/codec=%v/%s", size, codec, how), func(b *testing.B) {
					client, err := kgo.NewClient(kgo.SeedBrokers(newSpring(b, size, codec)))
					if err != nil {
						b.Fatal(err)
					}
					defer client.Close()
					o, err := client.NewConsumer(kgo.Topics("orders"), kgo.StartAt(kgo.AtOffset(0)))
					if err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					b.SetBytes(int64(size))
					start := yardstick.CPU()
					drink(b, o, how)
					b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// drink reads a record for each turn of the benchmark.
func drink(b *testing.B, o *kgo.Consumer, how string) {
	ctx := context.Background()
	switch how {
	case "records":
		for _, err := range o.Records(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			if !b.Loop() {
				return
			}
		}
	case "batches":
		for batch, err := range o.Batches(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			for range batch.Records() {
				if !b.Loop() {
					return
				}
			}
			batch.Release()
		}
	case "poll":
		for {
			batches, err := o.Poll(ctx)
			if err != nil {
				b.Fatal(err)
			}
			for _, batch := range batches {
				for range batch.Records() {
					if !b.Loop() {
						return
					}
				}
				batch.Release()
			}
		}
	}
}
