package batch_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// orders makes a batch of records, as examples read them.
func orders(codec compress.Codec, values ...string) []byte {
	b := batch.NewBuilder(nil, batch.V2)
	for i, v := range values {
		b.Append(1_700_000_000_000+int64(i), []byte("order"), []byte(v), []batch.RecordHeader{{Key: "source", Value: []byte("web")}})
	}
	s := b.Seal()
	if _, err := s.Compress(new(compress.Codecs), compress.Settings{Codec: codec}, nil); err != nil {
		log.Fatal(err)
	}
	return s.Bytes
}

// A batch for a request of Produce, in a buffer that grows as it has to.
func ExampleBuilder() {
	b := batch.NewBuilder(nil, batch.V2)
	b.SetLimit(1_000_000) // what brokers take unless they are told otherwise (max.message.bytes)
	for _, value := range []string{"first", "second"} {
		if !b.Append(1_700_000_000_000, []byte("key"), []byte(value), nil) {
			fmt.Println("the batch is full: seal it, and append to another one")
		}
	}
	s := b.Seal()
	s.Checksum()

	partition := kmsg.NewProduceRequestPartitionProduceData()
	partition.Records = s.Bytes
	fmt.Println(s.Count, "records in", len(partition.Records), "bytes")
	// Output: 2 records in 92 bytes
}

// Who brings the buffers appends without an allocation.
func ExampleBuilder_TryAppend() {
	b := batch.NewBuilder(make([]byte, 0, 128), batch.V2)
	value := make([]byte, 50)
	for range 3 {
		size, ok := b.TryAppend(1_700_000_000_000, nil, value, nil)
		if !ok {
			old := b.Grow(make([]byte, 0, 2*size)) // from a pool, say
			fmt.Printf("%d bytes were too few for %d, and are free again\n", cap(old), size)
			_, ok = b.TryAppend(1_700_000_000_000, nil, value, nil)
		}
		fmt.Println(b.Len(), "records,", b.Size(), "bytes,", ok)
	}
	// Output:
	// 1 records, 118 bytes, true
	// 128 bytes were too few for 175, and are free again
	// 2 records, 175 bytes, true
	// 3 records, 232 bytes, true
}

// A producer compresses once, and numbers a batch when it is sent, again after a new start.
func ExampleSealed() {
	codecs := new(compress.Codecs) // one for the whole program
	b := batch.NewBuilder(nil, batch.V2)
	for range 100 {
		b.Append(1_700_000_000_000, nil, []byte("again and again"), nil)
	}
	s := b.Seal()
	before := len(s.Bytes)
	unused, err := s.Compress(codecs, compress.Settings{Codec: compress.LZ4}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("smaller:", len(s.Bytes) < before/2, "and the old buffer is free:", len(unused) == before)

	s.Number(4711, 0, 0)
	s.Number(4711, 1, 0) // the epoch was bumped
	r := batch.NewReader(s.Bytes)
	for r.Next() {
		fmt.Println(r.Batch, r.Batch.Verify())
	}
	// Output:
	// smaller: true and the old buffer is free: true
	// format 2, offsets 0 to 99, 100 records, lz4, producer 4711 epoch 1 sequence 0 <nil>
}

// The records in an answer to Fetch, compressed or not, from the offset on that was asked for.
func ExampleReader() {
	records := append(orders(compress.None, "apples"), orders(compress.Gzip, "pears", "plums")...)
	batch.Assign(records, 41, 0) // what brokers do
	batch.Assign(records[len(orders(compress.None, "apples")):], 42, 0)
	const offset = 43

	codecs := new(compress.Codecs)
	var payload, room []byte
	var err error
	r := batch.NewReader(records)
	r.SkipTo(offset)
	for r.Next() {
		if err := r.Batch.Verify(); err != nil {
			log.Fatal(err)
		}
		if payload, room, err = r.Batch.Payload(codecs, room, batch.DefaultLimit); err != nil {
			log.Fatal(err)
		}
		w := r.Batch.Walk(payload)
		w.SkipTo(offset)
		for w.Next() {
			source, _ := w.Record.Headers.Get("source")
			fmt.Printf("%d: %s=%s from %s\n", w.Record.Offset, w.Record.Key, w.Record.Value, source)
		}
		if w.Err() != nil {
			log.Fatal(w.Err())
		}
		fmt.Println("go on at", r.Batch.LastOffset()+1)
	}
	if r.Err() != nil {
		log.Fatal(r.Err())
	}
	// Output:
	// 43: order=plums from web
	// go on at 44
}

// Brokers fill answers up to the byte.
func ExampleReader_Cut() {
	records := orders(compress.None, "apples")
	r := batch.NewReader(records[:70])
	for r.Next() {
		fmt.Println("a whole batch") // there is none
	}
	have, need := r.Cut()
	fmt.Printf("%d bytes of a batch that has %d: ask for more\n", have, need)
	// Output: 70 bytes of a batch that has 90: ask for more
}

// What is wrong with bytes, and where.
func ExampleError() {
	records := orders(compress.None, "apples")
	records[len(records)-1]++ // in transit
	r := batch.NewReader(records)
	for r.Next() {
		err := r.Batch.Verify()
		var wrong *batch.Error
		if errors.As(err, &wrong) {
			fmt.Println(errors.Is(err, batch.ErrChecksum), "at byte", wrong.Pos, "of the batch at offset", wrong.Offset)
		}
	}
	// Output: true at byte 17 of the batch at offset 0
}

// A record is a view, and gone with what was read; its clone stays.
func ExampleRecord_Clone() {
	records := orders(compress.None, "apples")
	r := batch.NewReader(records)
	r.Next()
	payload, _, err := r.Batch.Payload(nil, nil, batch.DefaultLimit)
	if err != nil {
		log.Fatal(err)
	}
	var kept []batch.Record
	w := r.Batch.Walk(payload)
	for w.Next() {
		kept = append(kept, w.Record.Clone())
	}
	clear(records)
	for name, value := range kept[0].Headers.All() {
		fmt.Printf("%s, %s=%s\n", kept[0].Value, name, value)
	}
	// Output: apples, source=web
}

// A consumer that asked for committed records drops what was aborted.
func ExampleAborted() {
	marker := func(kind kmsg.ControlRecordType) ([]byte, []byte) {
		key, value, err := batch.EncodeControl(kind, kmsg.NewEndTxnMarker())
		if err != nil {
			log.Fatal(err)
		}
		return key, value
	}
	var records []byte
	for offset, kind := range []kmsg.ControlRecordType{-1, kmsg.ControlRecordAbort, -1, kmsg.ControlRecordCommit} {
		b := batch.NewBuilder(nil, batch.V2)
		b.BaseOffset, b.Transactional = int64(offset), true
		key, value := []byte("order"), []byte(fmt.Sprint("number ", offset))
		if kind >= 0 {
			b.Control = true
			key, value = marker(kind)
		}
		b.Append(1_700_000_000_000, key, value, nil)
		s := b.Seal()
		s.Checksum()
		s.Number(4711, 0, 0)
		records = append(records, s.Bytes...)
	}
	answer := kmsg.NewFetchResponsePartitionData()
	answer.Records = records
	answer.AbortedTransactions = []kmsg.FetchResponseAbortedTransaction{{ProducerID: 4711, FirstOffset: 0}}

	var aborted batch.Aborted
	aborted.Reset(answer.AbortedTransactions)
	r := batch.NewReader(answer.Records)
	for r.Next() {
		drop, err := aborted.Drop(&r.Batch)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Batch.BaseOffset, "is dropped:", drop)
	}
	// Output:
	// 0 is dropped: true
	// 1 is dropped: true
	// 2 is dropped: false
	// 3 is dropped: true
}

// What Kafka writes for itself.
func ExampleDecodeControl() {
	key, value, err := batch.EncodeControl(kmsg.ControlRecordAbort, kmsg.NewEndTxnMarker())
	if err != nil {
		log.Fatal(err)
	}
	kind, message, err := batch.DecodeControl(&batch.Record{Key: key, Value: value})
	if err != nil {
		log.Fatal(err)
	}
	if end, ok := message.(*kmsg.EndTxnMarker); ok {
		fmt.Println(kind, "by the coordinator of epoch", end.CoordinatorEpoch)
	}
	// Output: Abort by the coordinator of epoch 0
}

// A broker finds a batch too large (MESSAGE_TOO_LARGE): two halves may fit.
func ExampleSplit() {
	records := orders(compress.None, "apples", "pears", "plums")
	r := batch.NewReader(records)
	r.Next()
	payload, _, err := r.Batch.Payload(nil, nil, batch.DefaultLimit)
	if err != nil {
		log.Fatal(err)
	}
	left, right := batch.NewBuilder(nil, batch.V2), batch.NewBuilder(nil, batch.V2)
	if err := batch.Split(&r.Batch, payload, left, right); err != nil {
		log.Fatal(err)
	}
	fmt.Println(left.Len(), "and", right.Len())
	// Output: 1 and 2
}

// Records for a client of the time before 0.11.
func ExampleConverter() {
	c := batch.Converter{To: batch.V1, Codecs: new(compress.Codecs)}
	old, err := c.Append(nil, orders(compress.None, "apples", "pears"))
	if err != nil {
		log.Fatal(err)
	}
	r := batch.NewReader(old)
	for r.Next() {
		fmt.Println(r.Batch)
	}
	// Output:
	// format 1, offsets 0 to 0, 1 records, none
	// format 1, offsets 1 to 1, 1 records, none
}

// What a broker does when it appends a batch to its log.
func ExampleAssign() {
	records := orders(compress.None, "apples")
	batch.Assign(records, 1000, 7)
	batch.AssignTime(records, 1_800_000_000_000) // for topics with message.timestamp.type=LogAppendTime
	r := batch.NewReader(records)
	for r.Next() {
		fmt.Println(r.Batch, "in epoch", r.Batch.LeaderEpoch, r.Batch.Verify())
	}
	// Output: format 2, offsets 1000 to 1000, 1 records, none, log append time in epoch 7 <nil>
}

// What a broker appends when a transaction is committed.
func ExampleEncodeControl() {
	marker := kmsg.NewEndTxnMarker()
	marker.CoordinatorEpoch = 3
	key, value, err := batch.EncodeControl(kmsg.ControlRecordCommit, marker)
	if err != nil {
		log.Fatal(err)
	}
	b := batch.NewBuilder(nil, batch.V2)
	b.Transactional, b.Control = true, true
	b.Append(1_700_000_000_000, key, value, nil)
	s := b.Seal()
	s.Checksum()
	s.Number(4711, 5, -1) // markers have no sequence number

	r := batch.NewReader(s.Bytes)
	r.Next()
	fmt.Println(r.Batch)
	// Output: format 2, offsets 0 to 0, 1 records, none, producer 4711 epoch 5 sequence -1, transactional, control
}

// A topic with message.timestamp.type=LogAppendTime.
func ExampleAssignTime() {
	raw := orders(compress.Gzip, "first", "second")
	batch.AssignTime(raw, 1_800_000_000_000)
	r := batch.NewReader(raw)
	r.Next()
	payload, _, err := r.Batch.Payload(new(compress.Codecs), nil, 1<<20)
	if err = errors.Join(err, r.Batch.Verify()); err != nil {
		log.Fatal(err)
	}
	w := r.Batch.Walk(payload)
	for w.Next() {
		fmt.Printf("%s at %d\n", w.Record.Value, w.Record.Timestamp)
	}
	// Output:
	// first at 1800000000000
	// second at 1800000000000
}

// What compaction leaves of a batch has gaps.
func ExampleBuilder_AppendAt() {
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset = 100
	for _, offset := range []int64{100, 103, 101, 109} {
		if !b.AppendAt(offset, 1_700_000_000_000, []byte("key"), []byte("value"), nil) {
			fmt.Println("no place for offset", offset)
		}
	}
	s := b.Seal()
	s.Checksum()
	r := batch.NewReader(s.Bytes)
	r.Next()
	fmt.Println(r.Batch.Count, "records up to offset", r.Batch.LastOffset())
	// Output:
	// no place for offset 101
	// 3 records up to offset 109
}

// An answer to Fetch begins with the batch that has the offset which was asked for, and the batch
// with records before it.
func ExampleWalker_SkipTo() {
	raw := orders(compress.None, "first", "second", "third")
	batch.Assign(raw, 500, 0)
	r := batch.NewReader(raw)
	r.Next()
	payload, _, err := r.Batch.Payload(new(compress.Codecs), nil, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	w := r.Batch.Walk(payload)
	w.SkipTo(501)
	for w.Next() {
		fmt.Printf("%d %s\n", w.Record.Offset, w.Record.Value)
	}
	if err := w.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 501 second
	// 502 third
}

// Records are kept beyond the buffer that they came in.
func ExampleWalker_CopyAhead() {
	raw := orders(compress.None, "first", "second", "third")
	r := batch.NewReader(raw)
	r.Next()
	payload, _, err := r.Batch.Payload(new(compress.Codecs), nil, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	var values [][]byte
	w := r.Batch.Walk(payload)
	w.CopyAhead(64 << 10)
	for w.Next() {
		values = append(values, w.Record.Value)
	}
	if err := w.Err(); err != nil {
		log.Fatal(err)
	}
	clear(raw)
	fmt.Printf("%s\n", values)
	// Output:
	// [first second third]
}

// Headers are views of the record; a list of them costs memory.
func ExampleHeaders() {
	b := batch.NewBuilder(nil, batch.V2)
	b.Append(1_700_000_000_000, nil, []byte("value"), []batch.RecordHeader{
		{Key: "trace", Value: []byte("17")}, {Key: "retry"}, {Key: "trace", Value: []byte("18")},
	})
	s := b.Seal()
	r := batch.NewReader(s.Bytes)
	r.Next()
	w := r.Batch.Walk(s.Bytes[batch.HeaderSize:])
	w.Next()
	for key, value := range w.Record.Headers.All() {
		fmt.Printf("%s=%s null: %t\n", key, value, value == nil)
	}
	last, found := w.Record.Headers.Get("trace")
	fmt.Printf("the last trace of %d headers: %s %t\n", w.Record.Headers.Len(), last, found)
	list := w.Record.Headers.AppendTo(nil)
	fmt.Println(list[0].Key, len(list))
	// Output:
	// trace=17 null: false
	// retry= null: true
	// trace=18 null: false
	// the last trace of 3 headers: 18 true
	// trace 3
}
