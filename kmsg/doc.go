// Package kmsg has every message of Kafka's protocol, in every version ever released.
//
// A message is a struct with a Version field and the fields of all its versions. It is
// made with Kafka's defaults by its New function (a literal has Go's zeros, which is not
// the same), checked, written and read:
//
//	req := kmsg.NewMetadataRequest()
//	req.Version = 12
//	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
//	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 1}, req)
//
// What a version cannot carry is an error of Check, which [AppendRequest] calls, unless
// Kafka's definition calls the field ignorable. Null is nil for slices and pointers, and
// [kbin.NullString] for strings. Tagged fields that the definition does not know are kept
// and written back (KIP-482).
//
// DecodeFrom reads a message at its Version and reuses the memory that the value has: a
// value that is decoded into again and again stops allocating. Bytes and records are views
// of what is read; Clone copies them.
//
// Numbers that stand for something have types: [ErrorCode], [ACLOperation], [IsolationLevel]
// and so on. [APIs] lists what there is, [Release] what a release of Kafka serves, and
// [DecodeRequest] reads a frame without knowing what is in it. Package kjson writes and reads
// messages as JSON, package state has the records of Kafka's own topics.
//
// The messages are generated from Kafka's own definitions; go generate refreshes them.
package kmsg
