module github.com/franzi-kafka/franzi/bench

go 1.26.0

require (
	github.com/franzi-kafka/franzi v0.0.0
	github.com/twmb/franz-go/pkg/kmsg v1.15.1
)

replace github.com/franzi-kafka/franzi => ../
