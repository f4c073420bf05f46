package conn_test

import (
	"fmt"
	"net"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// serve plays a broker that serves two APIs, on one connection.
func serve(l net.Listener) {
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	for {
		frame, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
		if err != nil {
			return
		}
		h, req, err := kmsg.DecodeRequest(frame)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp := req.Response()
		switch resp := resp.(type) {
		case *kmsg.APIVersionsResponse:
			resp.APIKeys = []kmsg.APIVersionsResponseAPIVersion{
				{APIKey: int16(kmsg.KeyAPIVersions), MaxVersion: 5},
				{APIKey: int16(kmsg.KeyMetadata), MaxVersion: 12},
			}
		case *kmsg.MetadataResponse:
			resp.ClusterID = kbin.Str("example")
		}
		answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
