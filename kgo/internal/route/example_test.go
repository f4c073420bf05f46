package route_test

import (
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Whoever makes a request drives its call. Here the broker answers at once.
func ExampleCall() {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	router := route.New(route.Config{})
	call := router.Call(now, kmsg.NewDescribeClusterRequest(), route.Options{Deadline: now.Add(time.Minute)})
	for {
		switch step := call.Next(now, cluster.Empty()); step.Do {
		case route.Send:
			for _, shard := range step.Shards {
				fmt.Println("send", shard.API, "in one of the versions", shard.Min, "to", shard.Max)
				sent, err := shard.Prepare(shard.Max)
				if err != nil {
					panic(err)
				}
				resp := sent.Response().(*kmsg.DescribeClusterResponse)
				resp.ClusterID = "here"
				call.Answered(now, shard, resp, nil)
			}
		case route.Done:
			fmt.Println(step.Response.(*kmsg.DescribeClusterResponse).ClusterID, step.Failures)
			return
		}
	}
	// Output:
	// send DescribeCluster in one of the versions 0 to 2
	// here []
}

func ExampleLookup() {
	facts := route.Lookup(kmsg.KeyListOffsets)
	fmt.Println(facts.Target == route.ToLeaders, facts.Repeat == route.Always, facts.Splits)
	// Output: true true true
}

func ExampleMeaning() {
	sense := route.Meaning(kmsg.NotLeaderOrFollower)
	fmt.Println(sense.Is(route.Retriable|route.Undone), sense.Is(route.StaleMetadata), sense.Is(route.Fatal))
	// Output: true true false
}
