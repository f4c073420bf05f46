// Package importer brings a Kafka release's message definitions into spec/.
//
// [Import] fetches the release's jars, reads every definition in them, and merges the facts
// with those that are there. The rule of the merge: each version of a message is as the
// newest release that has it says. So the order of imports does not matter, importing a
// release twice changes nothing, and no version is ever lost. What changed is told as a
// table for the changelog. A message's versions have no gap: a release that would leave one
// is refused until one in between was imported.
//
// [Check] holds spec/ against the definitions of other releases and explains each known
// difference. [Probe] asks brokers of releases that have no definitions, and [Vectors] lets
// Kafka's own classes encode each version.
package importer
