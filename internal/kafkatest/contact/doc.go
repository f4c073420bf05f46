// Package contact proves the protocol on real brokers: its tests send every API at every
// version that a release of Kafka serves, decode the answer strictly, encode it again and
// want the same bytes. They run with the build tag kafka:
//
//	go test -tags kafka -timeout 30m -v ./internal/kafkatest/contact
//
// and take a release's name as the subtest: -run 'TestContact/^4.4.0$'. With -args
// -table=FILE they write how much was exercised, as a Markdown table.
package contact
