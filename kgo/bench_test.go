//go:build unix

package kgo_test

import (
	"context"
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A yardstick is a broker that does almost nothing: it answers each frame with the same bytes,
// but for the correlation id, and ApiVersions as it should.
func yardstick(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	resp := kmsg.NewMetadataResponse()
	resp.Version, resp.ControllerID, resp.ClusterID = 12, 1, kbin.Str("yardstick")
	resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "127.0.0.1", Port: int32(l.Addr().(*net.TCPAddr).Port)}}
	resp.Topics = []kmsg.MetadataResponseTopic{{Name: kbin.Str("orders"), Partitions: make([]kmsg.MetadataResponsePartition, 3)}}
	for i := range resp.Topics[0].Partitions {
		p := &resp.Topics[0].Partitions[i]
		p.PartitionIndex, p.LeaderID, p.ReplicaNodes, p.ISRNodes = int32(i), 1, []int32{1}, []int32{1}
	}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{}, resp)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echo(c, append([]byte(nil), answer...))
		}
	}()
	return l.Addr().String()
}

func echo(c net.Conn, answer []byte) {
	defer c.Close()
	buf := make([]byte, 64<<10)
	have := 0
	out := make([]byte, 0, 64<<10)
	for {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		at := 0
		out = out[:0]
		for have-at >= 4 {
			size := int(binary.BigEndian.Uint32(buf[at:]))
			if have-at < 4+size {
				break
			}
			frame := buf[at+4 : at+4+size]
			if binary.BigEndian.Uint16(frame) == uint16(kmsg.KeyAPIVersions) {
				out = append(out, versionsAnswer(frame)...)
			} else {
				start := len(out)
				out = append(out, answer...)
				copy(out[start+4:start+8], frame[4:8])
			}
			at += 4 + size
		}
		have = copy(buf, buf[at:have])
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func versionsAnswer(frame []byte) []byte {
	h, req, err := kmsg.DecodeRequest(frame)
	if err != nil {
		return nil
	}
	resp := req.Response().(*kmsg.APIVersionsResponse)
	resp.APIKeys = []kmsg.APIVersionsResponseAPIVersion{{APIKey: 3, MaxVersion: 12}, {APIKey: 18, MaxVersion: 5}}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
	if err != nil {
		return nil
	}
	return answer
}

// cpu is the time that the process has worked.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The round trip of a lone request for the metadata of one topic.
func BenchmarkDo(b *testing.B) {
	client, err := kgo.NewClient(kgo.SeedBrokers(yardstick(b)))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	if err := client.Ping(ctx); err != nil {
		b.Fatal(err)
	}
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		if _, err := kgo.Do(ctx, client, req); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
}
