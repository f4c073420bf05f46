// Package produce decides what a producer sends, and what became of it.
//
// A [Queue] is a partition's records: one batch that is open for more, sealed ones that wait,
// and those that fly, taken by a broker and not yet answered. It belongs to no broker; its
// leader decides whose [Sink] takes from it. A taken batch belongs to its taker until it is
// resolved. Queues are plain data behind a lock that their owner brings: the methods say so.
//
// A Sink is the cell of one broker. It takes at most one batch of a queue into a request, as
// brokers demand, gathers as many queues as fit, and keeps a few requests in flight. What a
// broker answers goes back to the queues, which know what it means for their order.
//
// # Numbers
//
// An idempotent producer (KIP-98) numbers the records of each partition, so that the broker
// drops what it has and refuses what comes too early. A batch is numbered when it is first
// taken, and keeps its number while it is sent again. A batch that was never taken has none,
// so that it can be given up without leaving a gap. When one is given up that has a number,
// nothing else of its partition may be sent under the old numbers:
//
//   - the broker has certainly not written it: later batches get its numbers
//   - it may have written it: the producer's epoch is raised, and all later batches are
//     numbered from 0 in the new one (KIP-360)
//
// Either waits until nothing of the partition flies. In the same way a batch that is to be sent
// again waits until all that fly have come back, so that it leaves first.
package produce
