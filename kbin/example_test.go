package kbin_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/franzi-kafka/franzi/kbin"
)

// Write a small message and read it: a correlation id, a topic's name, its partitions, and
// a section for tagged fields that is empty.
func Example() {
	frame := kbin.AppendInt32(nil, 42)
	frame = kbin.AppendCompactString(frame, "orders")
	frame = kbin.AppendFlexInt32s(frame, []int32{0, 1, 2}, true)
	frame = kbin.AppendTags(frame, kbin.Tags{})
	fmt.Printf("% x\n", frame)

	r := kbin.NewReader(frame)
	id := r.Int32()
	topic := r.CompactString()
	partitions := r.FlexInt32s(nil, true)
	var tags kbin.Tags
	r.Tags(&tags)
	if err := r.Finish(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id, topic, partitions)
	// Output:
	// 00 00 00 2a 07 6f 72 64 65 72 73 04 00 00 00 00 00 00 00 01 00 00 00 02 00
	// 42 orders [0 1 2]
}

// A reader keeps its first error, so only the end needs to look at it.
func ExampleNewReader() {
	r := kbin.NewReader([]byte{0, 0, 0, 42, 0, 9, 'o', 'r', 'd'})
	fmt.Println(r.Int32())
	fmt.Printf("%q\n", r.String()) // claims nine bytes
	fmt.Println(r.Int64())         // zero, as all that is read after an error

	err := r.Finish()
	fmt.Println(err)
	fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	// Output:
	// 42
	// ""
	// 0
	// kbin: at byte 6 of 9: a string of 9 bytes where 3 remain
	// true
}
