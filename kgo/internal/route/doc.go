// Package route decides where a request of a user goes, how it is split between brokers and
// merged again, what an error means, and whether to try again.
//
// [Lookup] has the facts of each API, [Meaning] those of each error code. A [Router] makes a
// [Call] of each request. A Call is plain data: whoever makes the request drives it with
// [Call.Next] and tells it what came of each [Step]. It never blocks, and has no goroutine,
// lock, clock, socket, context or logger.
//
//	call := router.Call(now, req, route.Options{Deadline: deadline, Seed: rand.Uint64()})
//	for {
//		step := call.Next(time.Now(), snapshot.Load())
//		switch step.Do {
//		case route.Send: // step.Shards, each to a connection; what comes of each: call.Answered
//		case route.Need: // step.Need to the cluster's cell; at its reply: call.Told
//		case route.Find: // step.Find to the cluster's cell; at its reply: call.Found
//		case route.Tell: // step.Tell to the cluster's cell
//		case route.Abandon: // step.Shards[0]: cancel it
//		case route.Wait: // for one of those, or until step.Until
//		case route.Done: // step.Response and step.Failures
//			return
//		}
//	}
//
// # Requests are shared
//
// The request of the user is never written to; what is sent is a copy that shares what it can.
//
// # Versions
//
// The version is chosen when a connection is ready, within [Shard.Min] and [Shard.Max]. Then
// [Shard.Prepare] puts the request in the shape of that version: some requests have changed
// their shape over time, and either shape may be used with all brokers. Topics get both name and
// id where a version wants ids; if the id is not known, Max keeps below that version.
//
// # Brokers may be silent
//
// A broker that stands still keeps its connections. If it does not answer for two seconds, the
// cluster is asked whether another one has taken over, and what may be sent twice goes there.
//
// # Answers are one
//
// What was split is merged in the order of the request. The answer carries the lowest version
// that was used. A part that failed is in the answer with a code, and among the failures with
// the cause.
package route
