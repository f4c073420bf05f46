// Package cluster keeps what is known of a cluster, and decides when to ask again.
//
// A [Cell] is plain data: it is told what happened and when, and says what to do. It has no
// goroutine, lock, clock, socket, context or logger; package loop runs it. What is known is a
// [Snapshot], which never changes once it is published, so that any goroutine may read it
// without a lock.
//
// # In
//
// Whoever wants to know something that the snapshot does not say, or says wrongly, posts a
// [Need] or a [NeedCoordinators] and gets it back in a [Reply]. Who works with topics for long
// posts a [Want], and an [Unwant] in the end, and reads each new snapshot. What came of requests
// is told by [MetadataAnswer], [MetadataFailed], [CoordinatorsAnswer] and [CoordinatorsFailed];
// what other answers say of the cluster by [LeaderHint] and [Rebootstrap]; how connections are
// by [Connection].
//
// # Out
//
// [AskMetadata] and [AskCoordinators] are requests to make, [Publish] is a new snapshot, and
// [Reply] gives a question back. A snapshot is published before the replies that rest on it.
//
// # Rules
//
// One request for metadata is under way at a time, and what is needed meanwhile goes into the
// next; but a broker that does not answer for [Config.Patience] holds nobody up: another is
// asked, for coordinators too. After a failure another broker is asked at once, unless the failed
// one refuses the client, then after a pause that grows (KIP-580). An answer is followed by a pause
// too, but for what nothing is known of yet. Every third request of a run of failures goes to a
// seed (KIP-899), and when nothing was learned for [Config.RebootstrapAfter], all do (KIP-1102).
//
// The leader of a partition is replaced only by one of the same or a later epoch, as long as
// the topic has the same id, unless ten answers in a row say otherwise. Brokers that know no epochs
// are believed always. A topic that was created anew under the same name starts anew. What an answer
// leaves out or contradicts keeps what was known, and is asked for again.
package cluster
