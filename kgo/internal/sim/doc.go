// Package sim plays the life of a client and a cluster from a seed: the cells of production
// (link, cluster, route, produce, fetch) and the model of package broker, on one thread, in virtual
// time, over a network that loses, delays and breaks. A consumer follows while a producer writes.
// The same seed gives the same life, to the last byte.
//
// What is simulated is what the shells do: who posts to whom, in which order cells get their
// turn, when a writer reads the bytes that it was lent, how long a worker has a batch. What is
// not: goroutines, locks, sockets, TLS and SASL, the staging of topics that are not known, and
// transactions.
//
// # What is checked
//
//   - LOSS: what was acknowledged is in the log, where it was said to be.
//   - DUP: an idempotent producer's records are there once at most.
//   - ORDER: they are there in the order in which they were handed over.
//   - BYTES: brokers get what was handed over; memory that was given back is overwritten.
//   - SKIP: a consumer is shown all that the log has from where it began, or sought, or is told to
//     have gone on. Only what compaction took has no record.
//   - REPEAT: nothing is shown twice, but after a seek or a position that was lost.
//   - TRUTH: what was shown is what the log has, in the end. If the log has lost it, or the topic is
//     another one, that was told.
//   - RC: nothing is left out as part of a transaction, for there is none.
//   - PROMISE: each record has one outcome, in order, and what is said not to be written is not.
//   - LIVE: when all is well again, all is written, and read, soon; nobody spins, nor floods brokers.
//   - MEM: memory is bounded, and comes back.
//   - CLOSE: when all is closed nothing is left: no request, no connection, no deadline,
//     no byte of a budget.
//
// Where brokers themselves lose what they had acknowledged (an unclean election, a topic made
// anew) LOSS, DUP and ORDER are not held against the client. TRUTH is not where nothing shows that a
// log is another one: before there were leader epochs, and before requests had ids of topics.
//
// A life has a plan, see [Plan]: how long it is, which release the brokers are of, what goes wrong
// and how often. All of it comes from the seed. After the plan's time all faults are healed, and
// the checks of LIVE begin.
package sim
