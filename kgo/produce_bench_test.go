//go:build unix

package kgo_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/internal/yardstick"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// An abyss is a broker that takes records for orders[0] and forgets them. It makes no garbage.
func abyss(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	port := int32(l.Addr().(*net.TCPAddr).Port)
	answers := map[kmsg.APIKey][]byte{}
	add := func(key kmsg.APIKey, resp kmsg.Response, version int16) {
		resp.SetAPIVersion(version)
		frame, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{}, resp)
		if err != nil {
			b.Fatal(err)
		}
		answers[key] = frame
	}
	metadata := kmsg.NewMetadataResponse()
	metadata.ControllerID, metadata.ClusterID = 1, kbin.Str("abyss")
	metadata.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "127.0.0.1", Port: port}}
	metadata.Topics = []kmsg.MetadataResponseTopic{{Name: kbin.Str("orders"), Partitions: []kmsg.MetadataResponsePartition{{LeaderID: 1, ReplicaNodes: []int32{1}, ISRNodes: []int32{1}}}}}
	add(kmsg.KeyMetadata, metadata, 12)
	identity := kmsg.NewInitProducerIDResponse()
	identity.ProducerID, identity.ProducerEpoch = 1, 0
	add(kmsg.KeyInitProducerID, identity, 5)
	produced := kmsg.NewProduceResponse()
	part := kmsg.NewProduceResponsePartitionProduceResponse()
	part.LogAppendTimeMs = -1
	topic := kmsg.NewProduceResponseTopicProduceResponse()
	topic.Name, topic.PartitionResponses = "orders", append(topic.PartitionResponses, part)
	produced.Responses = append(produced.Responses, topic)
	add(kmsg.KeyProduce, produced, 12)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(c, answers)
		}
	}()
	return l.Addr().String()
}

func swallow(c net.Conn, answers map[kmsg.APIKey][]byte) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 256<<10)
	out := make([]byte, 0, 4096)
	for {
		h, err := r.Peek(12) // size, key, version, correlation id
		if err != nil {
			return
		}
		size, key := int(binary.BigEndian.Uint32(h)), kmsg.APIKey(binary.BigEndian.Uint16(h[4:]))
		out = append(out[:0], answers[key]...)
		if key == kmsg.KeyAPIVersions {
			frame := make([]byte, 4+size)
			if _, err := io.ReadFull(r, frame); err != nil {
				return
			}
			out = append(out, abyssVersions(frame[4:])...)
		} else {
			copy(out[4:8], h[8:12])
			if _, err := r.Discard(4 + size); err != nil {
				return
			}
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// abyssVersions answers ApiVersions.
func abyssVersions(frame []byte) []byte {
	h, req, err := kmsg.DecodeRequest(frame)
	if err != nil {
		return nil
	}
	resp := req.Response().(*kmsg.APIVersionsResponse)
	for key, max := range map[kmsg.APIKey]int16{kmsg.KeyProduce: 12, kmsg.KeyMetadata: 12, kmsg.KeyAPIVersions: 5, kmsg.KeyInitProducerID: 5} {
		resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(key), MinVersion: 0, MaxVersion: max})
	}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
	if err != nil {
		return nil
	}
	return answer
}

// BenchmarkProduce hands over records without waiting for each.
func BenchmarkProduce(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, codec := range []compress.Codec{compress.None, compress.LZ4} {
			for _, called := range []bool{false, true} {
				b.Run(fmt.Sprintf("size=%d/codec=%v/callback=%v", size, codec, called), func(b *testing.B) {
					client, err := kgo.NewClient(kgo.SeedBrokers(abyss(b)))
					if err != nil {
						b.Fatal(err)
					}
					defer client.Close()
					p, err := client.NewProducer(kgo.Compression(codec))
					if err != nil {
						b.Fatal(err)
					}
					ctx := context.Background()
					r := &kgo.Record{Topic: "orders", Value: make([]byte, size)}
					for i := range r.Value {
						r.Value[i] = byte(i * i >> 3)
					}
					if _, err := p.ProduceSync(ctx, r); err != nil {
						b.Fatal(err)
					}
					var callback func(kgo.RecordMetadata, error)
					if called {
						callback = func(_ kgo.RecordMetadata, err error) {
							if err != nil {
								b.Error(err)
							}
						}
					}
					b.ReportAllocs()
					b.SetBytes(int64(size))
					start := yardstick.CPU()
					for b.Loop() {
						p.Produce(ctx, r, callback)
					}
					if err := p.Flush(ctx); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// BenchmarkProduceSync is a lone record that is waited for.
func BenchmarkProduceSync(b *testing.B) {
	client, err := kgo.NewClient(kgo.SeedBrokers(abyss(b)))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	p, err := client.NewProducer(kgo.Linger(0))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	r := &kgo.Record{Topic: "orders", Value: make([]byte, 100)}
	if _, err := p.ProduceSync(ctx, r); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	start := yardstick.CPU()
	for b.Loop() {
		if _, err := p.ProduceSync(ctx, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
}
