// Package records proves package batch on real brokers: its tests produce every format and codec
// that a release takes, by every version of Produce, fetch them by every version of Fetch and
// compare them byte for byte; Kafka's consumer reads what we wrote, we read what Kafka's producer
// wrote, transactions included, and the files of the broker's log. They run with the build tag
// kafka:
//
//	go test -tags kafka -timeout 30m -v ./internal/kafkatest/records
//
// and take a release's name as the subtest: -run 'TestRecords/^4.4.0$'. With -args -table=FILE
// they write what was compared, as a Markdown table: eras.md is the last one.
package records
