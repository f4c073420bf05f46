module github.com/franzi-kafka/franzi/bench/clients/confluent

go 1.26.0

require (
	github.com/confluentinc/confluent-kafka-go/v2 v2.11.1
	github.com/franzi-kafka/franzi/bench v0.0.0
)

replace github.com/franzi-kafka/franzi/bench => ../..

replace github.com/franzi-kafka/franzi => ../../..
