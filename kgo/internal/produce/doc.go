// Package produce decides what a producer sends, and what became of it.
//
// A [Queue] is a partition's records on their way: one batch that is open for more, sealed ones
// that wait, and those that fly, taken by a broker and not yet resolved. It belongs to no broker;
// its leader decides whose [Sink] takes from it. Queues are plain data behind a lock that their
// owner brings: their methods say so.
//
// A Sink is the cell of one broker, see package loop. It gathers what the queues that the broker
// leads have, at most one batch of each in a request, as brokers demand, and keeps a few requests
// in flight. What the broker answers goes back to the queues, which know what it means for their
// order.
//
//	records          Begin, Seal        Take             Answered
//	-------> [open] ----------> [waiting] ---> [flying] ----------> [Outcome]
//	                    |             ^  ^        |
//	            a worker compresses --'  '--------' sent again, or split
//
// # What holds
//
// Every batch has one [Outcome], and those of a queue come in the order of their records: one
// that ends early waits for those before it. The memory of a batch is its owner's again when its
// outcome does not say InUse, and else with the outcome that says Released.
//
// The batches of a queue are first sent in order, and one that is sent again leaves before all
// that come after it: nothing is taken while some that fly are to come back. They fly to one
// broker at a time.
//
// # Numbers
//
// An idempotent producer (KIP-98) numbers the records of each partition, so that the broker
// drops what it has and refuses what comes too early. A batch is numbered when it is first
// taken, and keeps its number while it is sent again. A batch that was never taken has none, and
// can be given up without leaving a gap.
//
// A broker that knows the producer does not take a batch when the one before it is missing. But
// one that does not know it takes any number (KIP-360): it may be new to the partition, have
// forgotten a producer that was idle, or have lost records. So the first batch goes alone, until
// it is in the log, and again after any failure and after some time of silence. Then this holds,
// on which the rest is built: where a number is missing in the log, no later one is in it. (Only a
// broker that loses all records of the producer while some of its batches are under way can break
// this. Then order may be lost with the records.)
//
// What a batch leaves behind that is given up, or that the broker finds misplaced, depends on
// whether it may be in the log, now or later: a request that was not answered may still be on its
// way (Batch.written).
//
//   - If not, its number is missing for good, and no later one is in the log. Later batches get
//     new numbers, from the missing one on, or, if one of them may still be on its way, from 0 in
//     a newer epoch, so that the broker refuses the straggler.
//   - If so, only a newer epoch tells old from new (KIP-360). Before that, those of the later
//     batches that may be in the log are sent once more under their old numbers: then the broker
//     knows. If it refuses one that may be in the log, nobody can know, and that one is given up
//     as well, as one that may be written.
//
// Either waits until nothing of the partition flies. Brokers before 1.0 remember one batch of a
// producer, not five: to them one flies at a time, as it does without numbers, where order has
// nothing else to rest on.
package produce
