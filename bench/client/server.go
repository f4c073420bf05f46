package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

func topicName(i int) string { return fmt.Sprintf("topic-%05d", i) }

// cluster is what three brokers say.
type cluster struct {
	mu   sync.Mutex
	all  *kmsg.MetadataResponse
	asks int
}

// serve plays three brokers until the standard input ends.
func serve(topics, partitions int) error {
	c := &cluster{all: kmsg.NewMetadataResponse()}
	c.all.ClusterID, c.all.ControllerID = kbin.Str("bench"), 1
	for i := range topics {
		t := kmsg.MetadataResponseTopic{Name: kbin.Str(topicName(i)), TopicID: kbin.UUID{8: 1, 14: byte(i >> 8), 15: byte(i)}}
		for p := range partitions {
			leader := int32(p%3 + 1)
			t.Partitions = append(t.Partitions, kmsg.MetadataResponsePartition{
				PartitionIndex: int32(p), LeaderID: leader, LeaderEpoch: 5,
				ReplicaNodes: []int32{1, 2, 3}, ISRNodes: []int32{1, 2, 3}, OfflineReplicas: []int32{},
			})
		}
		c.all.Topics = append(c.all.Topics, t)
	}
	for id := range int32(3) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		c.all.Brokers = append(c.all.Brokers, kmsg.MetadataResponseBroker{NodeID: id + 1, Host: "127.0.0.1", Port: int32(l.Addr().(*net.TCPAddr).Port)})
		fmt.Print(l.Addr(), " ")
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go c.answer(conn)
			}
		}()
	}
	fmt.Println()
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func (c *cluster) answer(conn net.Conn) {
	defer conn.Close()
	var frame, out []byte
	for {
		var err error
		if frame, err = kmsg.ReadFrame(conn, frame[:0], kmsg.MaxFrame); err != nil {
			return
		}
		h, req, err := kmsg.DecodeRequest(frame)
		if err != nil {
			fmt.Fprintln(os.Stderr, "client: brokers:", err)
			return
		}
		if out, err = c.append(out[:0], h.CorrelationID, req); err != nil {
			fmt.Fprintln(os.Stderr, "client: brokers:", err)
			return
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (c *cluster) append(out []byte, id int32, req kmsg.Request) ([]byte, error) {
	h := kmsg.ResponseHeader{CorrelationID: id}
	switch req := req.(type) {
	case *kmsg.APIVersionsRequest:
		resp := req.NewResponse()
		resp.APIKeys = []kmsg.APIVersionsResponseAPIVersion{{APIKey: 3, MaxVersion: 12}, {APIKey: 18, MaxVersion: 4}}
		return kmsg.AppendResponse(out, h, resp)
	case *kmsg.MetadataRequest:
		c.mu.Lock()
		defer c.mu.Unlock()
		resp := *c.all
		resp.Version = req.Version
		if len(req.Topics) > 1 { // the next leader of one partition
			c.asks++
			p := &c.all.Topics[c.asks%len(c.all.Topics)].Partitions[0]
			p.LeaderID, p.LeaderEpoch = p.LeaderID%3+1, p.LeaderEpoch+1
		}
		resp.Topics = c.all.Topics[:min(len(req.Topics), len(c.all.Topics))]
		return kmsg.AppendResponse(out, h, &resp)
	}
	return nil, fmt.Errorf("%v is not served", req.APIKey())
}
