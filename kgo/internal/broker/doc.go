// Package broker is the model of a cluster of Kafka's brokers: what they keep, what they answer
// to each request in each version, how leaders move when brokers go, and how all of it can go
// wrong.
//
// It decides and does nothing else: no goroutine, lock, clock, socket, context or log. Package
// ktest puts it behind connections, the simulator drives it from a seed. Time and randomness are
// handed in, so the same calls give the same bytes.
//
//	c, err := broker.New(broker.Config{Brokers: brokers}, rand)
//	id := c.Connect(now, 1, 0)          // a client has connected to broker 1
//	c.Frame(now, id, frame)             // and has sent a request
//	for a, ok := c.Poll(now); ok; a, ok = c.Poll(now) {
//		... write a.Bytes, close the connection
//	}
//	... call Poll again at c.Deadline()
//
// # What it models
//
// The requests of a connection are answered in order, one at a time, as brokers do: a fetch that
// waits for records holds up what comes after it, a throttled connection is not read. Brokers of
// every release from 0.8.2 on differ in the versions they serve, in what they say to an API or a
// version that they do not have, and in what ZooKeeper's controller leaves to clients and KRaft's
// does not.
//
// A partition has one log, that of its leader, and of each follower how far it is. Followers
// follow at once unless they are held back or Config.ReplicationDelay says otherwise; the high
// watermark, the replicas in sync, the epochs of leaders, elections, clean and unclean, and what
// they truncate follow from that.
//
// Faults are rules on requests, see [Fault]. Rules count what they matched and never draw lots,
// so a rule means the same whatever else happens.
//
// # Invariants
//
//   - A connection has at most one request that is being served; those behind it wait in order.
//   - Logs hold batches of format 2 whose offsets ascend and whose checksums are right, except
//     for those that [Cluster.AppendRaw] put there.
//   - Nothing that is handed in is kept: Frame and its like copy what they need later.
package broker
