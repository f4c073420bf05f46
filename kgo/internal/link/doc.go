// Package link decides the life of one connection to a broker: when to connect and to try
// again, which versions to speak, how to authenticate, what to write when, which answer belongs
// to which request, what to do about silence, and when to let go.
//
// A [Link] is plain data: it has no goroutine, lock, clock, socket, context or log. It is told
// events and says actions, see package loop; package conn does them.
package link
