package cluster_test

import (
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A cell is told what happened, and polled for what to do. Here the cluster answers at once.
func ExampleCell() {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	cell := cluster.New(cluster.Config{Seeds: []string{"localhost:9092"}})
	cell.Handle(now, &cluster.Need{Topics: []string{"orders"}})
	for {
		action, ok := cell.Poll(now)
		if !ok {
			break
		}
		switch a := action.(type) {
		case *cluster.AskMetadata:
			fmt.Println("ask", a.Seed, "for", a.Topics)
			resp := kmsg.NewMetadataResponse()
			resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "localhost", Port: 9092}}
			resp.Topics = []kmsg.MetadataResponseTopic{{
				Name:       kbin.Str("orders"),
				Partitions: []kmsg.MetadataResponsePartition{{PartitionIndex: 0, LeaderID: 1, LeaderEpoch: 7}},
			}}
			cell.Handle(now, &cluster.MetadataAnswer{To: a, Response: resp})
		case *cluster.Publish:
			fmt.Println("brokers:", a.Snapshot.Brokers[0].Addr())
		case *cluster.Reply:
			fmt.Println("leader of orders[0]:", a.Need.Snapshot.Topic("orders").Partition(0).Leader)
		}
	}
	// Output:
	// ask localhost:9092 for [orders]
	// brokers: localhost:9092
	// leader of orders[0]: 1
}
