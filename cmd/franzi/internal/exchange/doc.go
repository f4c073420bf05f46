// Package exchange finds requests and responses of Kafka's protocol in captured TCP segments
// and pairs them: by their order and correlation ids, connection by connection.
//
// A [Tracker] needs no list of ports. A connection is Kafka's if what its client sends begins
// like a request; of one that was there before the capture, if somewhere in what either side
// sends stands a whole request that can be decoded. Where bytes are missing it goes on at the
// next frame if the missing ones belong to one frame, and else looks for a frame again.
package exchange
