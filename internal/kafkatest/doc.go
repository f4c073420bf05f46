// Package kafkatest starts real Apache Kafka brokers of any release for tests: from 0.8.2 with
// ZooKeeper to the newest with KRaft, one or several nodes, with TLS and SASL where the release
// has them. It needs a JDK (17 or later) and, the first time a release is used, Maven; both are
// found through JAVA_HOME and PATH. Package jars brings the jars and keeps them.
//
// A test writes
//
//	cluster := kafkatest.New(t, kafkatest.Options{Version: "4.4.0"})
//	conn, err := net.Dial("tcp", cluster.Addrs()[0])
//
// and has a broker that answers, two to five seconds later. At the test's end the cluster is
// killed and its data removed; if the test failed, the end of each process's log is in the
// test's log. A program uses [Start] and [Cluster.Close].
//
// Faults are made through the nodes: [Node.Kill], [Node.Stop], [Node.Start], [Node.Pause],
// [Node.Continue]; a node keeps its ports and its data. Faults of the network are made by a
// proxy of the test's own, which [Options.Advertise] puts between clients and brokers. A KRaft
// broker is a controller too unless [Options.SeparateController] is set: killing two of three
// combined nodes takes the quorum away.
//
// # What a broker is set up with
//
// Everything listens on 127.0.0.1. Topics get as many replicas as there are nodes, at most
// three, and with three replicas a write needs two of them. Groups rebalance without the
// initial delay, internal topics have three partitions, and a node that is gone is noticed
// after three seconds. KRaft brokers do not create topics on demand; brokers with ZooKeeper do,
// with three partitions, since the oldest offer no other way over the network. Options.Properties
// changes all of this.
//
// # Nothing survives
//
// A JVM that outlives its test eats memory and ports until somebody notices, and no code of
// ours runs when our process is killed or another goroutine panics. So every cluster has two
// tiny shells beside it. All its JVMs are in the process group of the first, the anchor, which
// does nothing but hold the group, so that its number cannot pass to somebody else. The second,
// the watcher, reads from a pipe that our process holds open: the kernel closes the pipe when we
// end, in whatever way, and the watcher then kills the group and removes the data. If the
// watcher itself is killed, a second pipe tells the anchor, which kills its group. A JVM is put
// into the group by the kernel before it runs, so there is no moment in which it is not watched.
//
// A test binary is not killed together with its go test; clusters made by [New] therefore also
// end when the go test that started them is gone.
//
// Processes are controlled in the Unix way; on other systems everything compiles and [Start]
// fails with an error that says so.
package kafkatest
