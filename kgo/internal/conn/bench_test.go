//go:build unix

package conn

import (
	"net"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/yardstick"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The round trip of a lone request over the loopback interface, beside a bare write and read.
// The broker is in the same process: its part is in both.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		c, err := net.Dial("tcp", yardstick.Broker(b))
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
		start := yardstick.CPU()
		for b.Loop() {
			if _, err := c.Write(frame); err != nil {
				b.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil || n < 8 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
	})
	b.Run("lane", func(b *testing.B) {
		c := New(Options{Addr: yardstick.Broker(b), Link: link.Config{ClientID: "bench"}})
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
		w := newWaiter()
		b.ReportAllocs()
		start := yardstick.CPU()
		for b.Loop() {
			r := link.NewRequest(req)
			r.To = w
			r.Deadline = time.Now().Add(time.Minute)
			c.Send(r)
			if <-w.done; r.Err != nil {
				b.Fatal(r.Err)
			}
		}
		b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
		c.Close(nil)
		<-c.Done()
	})
}

// Many requests of many goroutines over one connection.
func BenchmarkPipeline(b *testing.B) {
	c := New(Options{Addr: yardstick.Broker(b), Link: link.Config{ClientID: "bench"}})
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	b.ReportAllocs()
	b.SetParallelism(50)
	start := yardstick.CPU()
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
	b.ReportMetric(float64(yardstick.CPU()-start)/float64(b.N), "cpu-ns/op")
	c.Close(nil)
	<-c.Done()
}
