// Package broker talks to one broker over one connection, a request at a time: enough to ask
// it anything, and to say clearly what went wrong, which is an [*Error] unless the request
// itself cannot be written.
package broker
