// Package kjson writes and reads messages as JSON, in the form of Kafka's own converters:
// field names in lower camel case, bytes in base64, UUIDs in base64url, numbers as numbers,
// null for null, tagged fields only if they differ from their default.
//
// Other than those, it loses nothing: records are base64 like all bytes, where Kafka writes
// them empty, tagged fields that the definition does not know are kept under the key
// "_unknownTaggedFields", and numbers out of range are errors. A byte of a string that is no
// UTF-8 is written as the half of a surrogate pair, 0xff as "\udcff", and read back from it; other
// halves and bytes that are no UTF-8 are errors. It reads what it writes and what Kafka
// writes.
//
// It is a package of its own so that who does not need JSON neither compiles nor links it.
package kjson
