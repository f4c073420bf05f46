// Package def reads Apache Kafka's message definition language.
//
// Kafka describes each message of its protocol in a JSON file: the fields, the versions
// that carry them, which of them are nullable, tagged or ignorable. [Parse] reads such a
// file as strictly as Kafka's own generator does and reports every breach of a rule with
// its place; [Format] writes the facts of a definition, and nothing else, in one normal
// form; [Merge] joins what two releases say of a message; [LayoutOf] tells which bytes a
// version has, for comparisons.
//
// The package knows nothing of Go code, of jars or of the network.
package def
