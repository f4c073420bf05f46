// Command kmsg measures Franzi's kmsg beside the kmsg package of franz-go: how much CPU time
// and memory they take to read and write the same bytes, what hostile bytes make them
// allocate, and what it costs to compile them. It prints Markdown tables.
//
//	go run ./kmsg
//
// Both libraries work in one process, in alternating rounds; a ratio is taken round by round,
// and the median of the ratios is what counts. README.md of this module says more.
package main
