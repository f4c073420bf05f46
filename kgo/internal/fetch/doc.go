// Package fetch decides what a consumer reads from brokers, and when.
//
// A [Cell] has all partitions of one consumer and all lanes to brokers. It is plain data, run by
// package loop: it is told events and says actions. One cell for all, not one for each broker, so
// that a partition moves from lane to lane without anybody handing it over, and one goroutine at
// a time looks after the budget.
//
//	consumer                         shell
//	Assign, Unassign, Seek, Halt     Request     answered by Answered
//	Pause, Resume, Room   -------->  AskOffsets  answered by Offsets
//	                                 AskEpochs   answered by Epochs
//	cluster                          Deliver, Positioned, Report, Truncated, Ended: to the consumer
//	Known                 -------->  Stale, Hint: to the cluster
//
// # Stamps
//
// Nobody waits for the cell. Who assigns, seeks or halts a partition gives it a new stamp at once,
// and tells the cell; what is delivered carries the stamp under which it was asked for, and is
// dropped where it arrives if the partition has a newer one.
//
// # Positions
//
// A partition's position is where the cell will read next, ahead of where the consumer is. It
// moves behind what an answer brought, and jumps by a seek or a reset. An answer counts if its
// partition has not jumped since it was asked for, and if no later leader was heard of; of what it
// brings, only what is at the position or behind it counts. So two lanes may cover a partition at
// the same time, and nothing is read twice or left out.
//
// When a partition gets a leader of a later epoch than that of the last record, the new leader is
// asked where that epoch ended in its log (KIP-320). If that is before the position, what was read is
// not what the log has: [Truncated]. LastFetchedEpoch is not sent, by which the leader would find
// out at each fetch: brokers call a position out of range whose epoch they do not remember, as
// after retention has taken all records, and a reset would follow where none is due.
//
// # Lanes
//
// A broker answers one request of a connection at a time, and a fetch session (KIP-227) is
// serial. So each lane is a connection of its own with a session of its own, and one request under
// way. The idle lane of a broker has partitions that are read to their end: its requests wait at
// the broker. Busy lanes have those that lag: their requests do not wait, and the next goes out
// when an answer is read. So a partition with news now and then does not stand behind the
// megabytes of one that catches up.
//
//   - A partition that lags moves to a busy lane with an answer of the idle lane: at once if it got
//     half of what it asked for, or did not get its turn, else with the second that leaves it
//     lagging.
//   - One that is read to its end stays until the idle lane is free, which takes it over while the
//     busy lane's request still covers it: at no moment nobody looks.
//   - One that is new, or was moved by a seek, goes to the busy lane if the idle one is waiting at the
//     broker.
//   - A lane that does not get anything for partitions that should have something takes them for
//     read to their end, so that nobody asks without a pause.
//
// # The budget
//
// A request takes what it may bring of the consumer's [Budget], and not more than its lane's share;
// what it did not bring is given back with the answer, the rest as it is consumed. Without room a
// lane waits. A busy lane also waits while the consumer has more before it than twice what all
// lanes bring: further ahead data only gets cold. One batch may be larger than all that; it comes
// whole (KIP-74) and is not refused.
//
// Bites, what a partition is asked for, are a busy lane's target divided by those that lag, between
// 256 KiB and 1 MiB by default. The target is between 2 MiB and 16 MiB: it grows when somebody
// had to wait long for a full answer, as over long distances, where a request must bring more, and
// comes back when answers are there in time, for more than needed leaves the processor's caches.
//
// # Trouble
//
// What package route knows of error codes says whether to wait and try again, to ask who leads, or
// to tell. Trouble that may pass is told when it has lasted, [Config.Patience], what will not pass
// at once, and both once; it goes on being tried with growing pauses. A position that is not in the
// log is reset as [Config.Reset] says, after a look whether the log was truncated.
package fetch
