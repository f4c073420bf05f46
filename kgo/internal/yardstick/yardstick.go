// Package yardstick is for benchmarks: a broker that does almost nothing, so that what is measured is
// the client. It answers each frame with the same bytes, those of Metadata, but for the correlation
// id, and ApiVersions as it should.
package yardstick

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Broker starts one on a socket, until the benchmark ends, and returns its address. It leads the
// three partitions of orders.
func Broker(b *testing.B) string {
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
