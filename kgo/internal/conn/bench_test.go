//go:build unix

package conn

import (
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A yardstick is a broker that does almost nothing: it answers each frame with the same bytes,
// but for the correlation id, and ApiVersions as it should.
func yardstick(b *testing.B) string {
	b.Helper()
	resp := kmsg.NewMetadataResponse()
	resp.Version = 12
	resp.Topics = []kmsg.MetadataResponseTopic{{Name: kbin.Str("orders"), Partitions: make([]kmsg.MetadataResponsePartition, 3)}}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{}, resp)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
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

// The round trip of a lone request over the loopback interface, beside a bare write and read.
// The broker is in the same process: its part is in both.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		c, err := net.Dial("tcp", yardstick(b))
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		req := kmsg.NewMetadataRequest()
		req.Version = 12
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
		frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{ClientID: kbin.Str("bench")}, req)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 4096)
		b.ReportAllocs()
		start := cpu()
		for b.Loop() {
			if _, err := c.Write(frame); err != nil {
				b.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil || n < 8 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
	})
	b.Run("lane", func(b *testing.B) {
		c := New(Options{Addr: yardstick(b), Link: link.Config{ClientID: "bench"}})
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
		w := newWaiter()
		b.ReportAllocs()
		start := cpu()
		for b.Loop() {
			r := link.NewRequest(req)
			r.To = w
			r.Deadline = time.Now().Add(time.Minute)
			c.Send(r)
			if <-w.done; r.Err != nil {
				b.Fatal(r.Err)
			}
		}
		b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
		c.Close(nil)
		<-c.Done()
	})
}

// Many requests of many goroutines over one connection.
func BenchmarkPipeline(b *testing.B) {
	c := New(Options{Addr: yardstick(b), Link: link.Config{ClientID: "bench"}})
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	b.ReportAllocs()
	b.SetParallelism(50)
	start := cpu()
	b.RunParallel(func(pb *testing.PB) {
		w := newWaiter()
		for pb.Next() {
			r := link.NewRequest(req)
			r.To = w
			c.Send(r)
			if <-w.done; r.Err != nil {
				b.Error(r.Err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
	c.Close(nil)
	<-c.Done()
}
