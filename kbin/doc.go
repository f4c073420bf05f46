// Package kbin reads and writes the primitives of Kafka's protocol: integers of fixed size,
// varints, strings, bytes, arrays and tagged fields, in their classic and their compact
// form (KIP-482).
//
// Appenders add to a slice that the caller owns and return it, as append does; they return no
// errors, and panic at a length that the protocol cannot carry. A [Reader] walks a slice and keeps the first error until the end, so that straight
// code stays straight:
//
//	r := kbin.NewReader(frame)
//	id := r.Int32()
//	name := r.CompactString()
//	if err := r.Finish(); err != nil {
//		return err
//	}
//
// Lengths that come from the wire are checked against the bytes that remain before
// anything is made. Nothing here allocates, except for strings, which are copied, and
// errors.
package kbin
