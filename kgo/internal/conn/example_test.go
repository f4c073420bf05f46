package conn_test

import (
	"fmt"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/conn"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A call waits for a request.
type call struct{ done chan struct{} }

func (c *call) Done(*link.Request) { close(c.done) }

func Example() {
	network := new(memnet.Network)
	listener, err := network.Listen("broker1:9092")
	if err != nil {
		fmt.Println(err)
		return
	}
	go serve(listener)

	lane := conn.New(conn.Options{Addr: "broker1:9092", Dial: network.DialContext})
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	r := link.NewRequest(req)
	wait := &call{make(chan struct{})}
	r.To = wait
	lane.Send(r)
	<-wait.done
	if r.Err != nil {
		fmt.Println(r.Err)
		return
	}
	resp := req.NewResponse()
	resp.Version = r.Version
	_, err = kmsg.DecodeResponse(r.Frame, resp)
	fmt.Println(r.Version, resp.ClusterID.S, err)

	lane.Close(nil)
	<-lane.Done()
	// Output: 12 example <nil>
}
