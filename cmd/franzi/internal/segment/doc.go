// Package segment reads what Kafka calls records as a stream, batch by batch: files of a log
// of any size, with what broke in them, and the offset indexes beside them.
package segment
