// Package link decides the life of one connection to a broker: when to connect and to try
// again, which versions to speak, how to authenticate, what to write when, which answer belongs
// to which request, what to do about silence, and when to let go.
//
// A [Link] is plain data: it has no goroutine, lock, clock, socket, context or log. It is told
// events and says actions, see package loop; package conn does them. It outlives connections: a
// lane to a broker is one link.
//
// # What goes in and comes out
//
//	users                        shell
//	Request, Cancel  --------->  Done
//	Throttle, Close              Connect       answered by Connected or ConnectFailed
//	                             Write         answered by Wrote
//	                             Authenticate  answered by AuthStep
//	                             Disconnect    answered by Disconnected
//	                             Learned, Note, Closed
//	                             (Frame and Disconnected come of their own accord, too)
//
// # What holds
//
// Every request is done once, whatever happens, with an answer or a [Failure].
//
// There is at most one connection, and at most one write that is not done. So it is known of each
// request whether the broker may have it ([Written]), and what comes while the writer is at work
// is joined into the next write.
//
// Requests are written in the order in which they came, not before the connection is ready, not
// while the broker asked to be spared (KIP-219), and not while SASL is being renewed (KIP-368).
//
// Bytes that a request lends to the writer ([Splice]) are its own again when it is done, and not
// before the writer has let go of them: if they are stuck there at the request's deadline, the
// connection is ended.
//
// A broker answers in order. An answer to something else, or to nothing, ends the connection.
//
// # Patience
//
// A request has two limits. Its Deadline is its owner's patience, wherever it waits: it fails
// alone, and if it was written, the connection stays and the late answer is dropped. Its Timeout
// is the connection's patience with the broker: an answer that is due, because nothing is before
// it, and does not come ends the connection, with all that is in flight. So a caller with little
// patience does not take the connection from others, and a broker that is dead is left.
//
// When a connection cannot be made ready at any of the broker's addresses, all that wait fail;
// they would only wait for the same again. Those that come later wait for the next try, which
// comes after a pause that doubles (KIP-580). When a connection that was ready is lost, what was
// written fails, and what was not goes over the next.
package link
