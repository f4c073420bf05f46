// Package spec holds what is known of Kafka's protocol, as files.
//
// The folders clients, group-coordinator, transaction-coordinator, share-coordinator,
// metadata, raft and storage have one definition a message, named after the jars of Kafka
// that they come from: facts in Kafka's own definition language, merged over all releases.
// errors.json has the error codes, releases.json which release speaks which versions,
// differences.json where a release knowingly differs. The import writes all of these.
//
// The folder overlay is written by hand: names, enumerations, secrets, sentences, and which
// messages are hot.
package spec

import "embed"

// FS has all files, by their path in this folder.
//
//go:embed clients group-coordinator transaction-coordinator share-coordinator metadata raft storage overlay *.json
var FS embed.FS
