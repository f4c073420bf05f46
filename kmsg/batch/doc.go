// Package batch reads and writes what Kafka's protocol calls records: batches of format 2, and
// the message sets of the formats 0 and 1 before it.
//
// # Reading
//
// A [Reader] walks batches, a [Walker] the records of one; neither allocates, and what they
// return are views of what they were given.
//
//	r := batch.NewReader(records)
//	for r.Next() {
//		if err := r.Batch.Verify(); err != nil { ... }
//		payload, room, err = r.Batch.Payload(codecs, room, limit) // decompressed, if it was compressed
//		if err != nil { ... }
//		w := r.Batch.Walk(payload)
//		for w.Next() {
//			fmt.Println(w.Record.Offset, w.Record.Value)
//		}
//		if err := w.Err(); err != nil { ... }
//	}
//	if err := r.Err(); err != nil { ... }
//
// What lies about itself, a count, a length or an offset, is an error that says at which byte.
// [Aborted] finds the batches of aborted transactions, [DecodeControl] reads Kafka's own
// markers, a [Converter] rewrites records in another format.
//
// # Writing
//
// A [Builder] encodes records, as they are appended, into a buffer that its user owns. Sealed
// they are a [Sealed] batch, which is compressed or only checksummed, and numbered, the last as
// often as needed and for the price of the header.
//
//	b := batch.NewBuilder(buf, batch.V2)
//	b.Append(timestamp, key, value, headers)
//	s := b.Seal()
//	s.Checksum()
//	s.Number(producerID, producerEpoch, sequence)
//	request.Records = s.Bytes
//
// [Split] makes two batches of one, [Assign] does what brokers do when they append.
package batch
