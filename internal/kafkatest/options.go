package kafkatest

import (
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// Options says which cluster to start. Only Version must be set.
type Options struct {
	// Version is the Kafka release with all of its numbers: "4.4.0", "0.10.2.2".
	Version string

	// Nodes is the number of brokers, with ids from 1; 0 means 1. With three or more, topics
	// have three replicas and min.insync.replicas is 2.
	Nodes int

	// ZooKeeper starts a release that has both, 3.3 to 3.9, with ZooKeeper. Older releases
	// use it anyway, newer ones have only KRaft.
	ZooKeeper bool

	// SeparateController gives the controller's role to a node of its own (KRaft only), so
	// that brokers can be killed without a loss of the quorum. See [Cluster.Controller].
	SeparateController bool

	// Security adds the listeners SSL, SASL_PLAINTEXT and SASL_SSL with the mechanisms
	// [Cluster.Mechanisms], as far as the release has them: TLS came with 0.9, PLAIN with
	// 0.10.0, SCRAM with 0.10.2 (KRaft: 3.5), OAUTHBEARER with 2.0. Client certificates are
	// requested, not required. Alice and admin ([Cluster.Users]) may log in; admin and
	// whoever comes through the PLAINTEXT listener are super users, should Properties set an
	// authorizer.
	Security bool

	// Properties are put into every node's configuration, the separate controller's
	// included, and win over what this package writes.
	Properties map[string]string

	// Features are feature levels to format the storage with, "transaction.version": 1
	// (KRaft from 3.8 on).
	Features map[string]int16

	// Unstable enables API versions and feature levels that the release still develops
	// (KRaft from 3.5 on).
	Unstable bool

	// Racks is broker.rack of each node, in order (from 0.10.0 on). From 2.4 on brokers also
	// tell consumers to read from the replica in their rack (KIP-392).
	Racks []string

	// JVM is added to the flags of every broker's JVM and wins over ours:
	// "-XX:TieredStopAtLevel=4" and "-Xmx2g" for measurements.
	JVM []string

	// Advertise, if set, is asked once for each client listener of each broker what address
	// to tell clients instead of the broker's own: that of a proxy to it. Brokers talk to
	// each other past the proxies from 0.10.2 on. A start that had to be repeated with other
	// ports asks again.
	Advertise func(node int32, listener, addr string) string
}

// The names of a broker's listeners.
const (
	plaintext     = "PLAINTEXT"
	ssl           = "SSL"
	saslPlaintext = "SASL_PLAINTEXT"
	saslSSL       = "SASL_SSL"
	internal      = "INTERNAL"   // between brokers, when clients go through proxies
	controller    = "CONTROLLER" // KRaft's, not for clients
)

// maxNodes keeps broker ids below the separate controller's.
const maxNodes = 99

// A release is a Kafka version that can be compared.
type release string

// since reports whether r is version or later.
func (r release) since(version string) bool { return !jars.Before(string(r), version) }

// kraft reports whether the cluster runs without ZooKeeper.
func (o *Options) kraft() bool {
	return release(o.Version).since("3.3") && !o.ZooKeeper
}

// nodes is the number of brokers.
func (o *Options) nodes() int { return max(o.Nodes, 1) }

// replicas is the replication factor of all topics, minISR how many of them a write needs.
func (o *Options) replicas() int { return min(o.nodes(), 3) }
func (o *Options) minISR() int   { return max(o.replicas()-1, 1) }

// check refuses what no broker of the release can do, before anything is started.
func (o *Options) check() error {
	if o.Version == "" {
		return errors.New("Options.Version is empty: set a Kafka release, like 4.4.0")
	}
	if err := jars.Check(o.Version); err != nil {
		return err
	}
	r := release(o.Version)
	refuse := func(option, since, instead string) error {
		return fmt.Errorf("not with Kafka %s, Options.%s needs %s or later: %s", o.Version, option, since, instead)
	}
	switch {
	case !r.since("0.8.2"):
		return fmt.Errorf("release %s of Kafka is too old: the oldest that is supported is 0.8.2", o.Version)
	case o.Nodes < 0 || o.Nodes > maxNodes:
		return fmt.Errorf("Options.Nodes is %d: must be 0 to %d", o.Nodes, maxNodes)
	case len(o.Racks) != 0 && len(o.Racks) != o.nodes():
		return fmt.Errorf("Options.Racks has %d racks for %d nodes: name one for each node", len(o.Racks), o.nodes())
	case len(o.Racks) != 0 && !r.since("0.10.0"):
		return refuse("Racks", "0.10.0", "leave it empty")
	case o.ZooKeeper && r.since("4.0"):
		return fmt.Errorf("Options.ZooKeeper is set, but Kafka %s has only KRaft: the last with ZooKeeper is 3.9", o.Version)
	case o.Security && !r.since("0.9"):
		return refuse("Security", "0.9", "this release knows neither TLS nor SASL")
	}
	if !o.kraft() {
		switch {
		case o.SeparateController:
			return errors.New("Options.SeparateController needs KRaft: with ZooKeeper the controller is always one of the brokers")
		case len(o.Features) != 0:
			return errors.New("Options.Features needs KRaft: with ZooKeeper set inter.broker.protocol.version in Options.Properties")
		case o.Unstable:
			return errors.New("Options.Unstable needs KRaft and Kafka 3.5 or later")
		}
		return nil
	}
	switch {
	case len(o.Features) != 0 && !r.since("3.8"):
		return refuse("Features", "3.8", "leave it empty")
	case o.Unstable && !r.since("3.5"):
		return refuse("Unstable", "3.5", "leave it unset")
	}
	return nil
}

// mechanisms lists the SASL mechanisms the cluster offers.
func (o *Options) mechanisms() []string {
	r := release(o.Version)
	if !o.Security || !r.since("0.10.0") {
		return nil
	}
	m := []string{"PLAIN"}
	// SCRAM's secrets lie in ZooKeeper or in the metadata log, which had no place for them
	// before 3.5 (KIP-900).
	if o.kraft() && r.since("3.5") || !o.kraft() && r.since("0.10.2") {
		m = append(m, "SCRAM-SHA-256", "SCRAM-SHA-512")
	}
	if r.since("2.0") {
		m = append(m, "OAUTHBEARER")
	}
	return m
}
