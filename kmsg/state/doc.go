// Package state has the records that Kafka keeps in its own topics and files: committed
// offsets and groups, transactions, share groups, the metadata of a KRaft cluster, and the
// metadata of tiered storage.
//
// [Decode] takes the key and value of such a record and says what they are; [Encode] does
// the reverse. The formats are those of Kafka's code, which may change with each release:
// they are for tools that look at a cluster, not for clients.
package state
