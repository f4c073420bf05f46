package kafkatest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// A program that asks an old broker what it speaks. It needs Java and is therefore not run.
func ExampleStart() {
	ctx := context.Background()
	cluster, err := kafkatest.Start(ctx, kafkatest.Options{Version: "0.10.2.2"})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	versions, err := kafkatest.ApiVersions(ctx, cluster.Addrs()[0])
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range versions {
		fmt.Printf("API key %d: versions %d to %d\n", v.Key, v.Min, v.Max)
	}
}
