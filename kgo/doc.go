// Package kgo is a client of Kafka: of every release from 0.8.2 on, recognised without being told.
//
//	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"))
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
// A [Client] has the connections, what is known of the cluster, and security. One serves a whole
// program. From it come
//
//   - [Client.NewProducer], which writes records,
//   - [Client.NewConsumer], which reads them,
//   - [Client.Admin], which has the common tasks of administration,
//   - [Do], which sends any request of Kafka's protocol, of package kmsg.
//
// The answer of Do has the type that belongs to the request:
//
//	req := kmsg.NewDescribeGroupsRequest()
//	req.Groups = []string{"billing", "shipping"}
//	resp, err := kgo.Do(ctx, client, req)
//
// Do finds out who has to answer, splits what belongs to several brokers, chooses the version, tries
// again what may pass, and makes one answer of all.
//
// # Contexts and time
//
// What can wait takes a context, and returns when it ends. Without a deadline in it, calls take
// [CallTimeout] at most. NewClient and its like never wait: they make no connection. [Client.Ping]
// finds out whether there is a cluster.
//
// # Options
//
// Options are functions: those of clients are a [ClientOption], of producers a [ProducerOption], of
// consumers a [ConsumerOption], of calls a [DoOption]. They are checked when they are used, and the
// error names every mistake. Each says what counts without it, and what it is called in Java.
//
// # Errors
//
// What fails is an [*Error], or several that are joined. It says what was done, where it failed, what
// the broker said, whether it may have been carried out all the same, and where to look. Errors of
// brokers are found by their codes:
//
//	if errors.Is(err, kmsg.TopicAlreadyExists) {
//
// A broker that is too old for something is an [*UnsupportedError]. The end of a context is found as
// ever, by context.Canceled and context.DeadlineExceeded.
//
// # What happens inside
//
// [Logger] takes a slog.Logger, [Hooks] are called for connections and requests, [Client.Stats] tells
// what a client does and did. Secrets are in none of them, and in no error.
//
// # Tests
//
// Package ktest is a cluster in memory, for tests of what is built on this package:
//
//	cluster := ktest.NewCluster(t, ktest.SeedTopic("orders", 12))
//	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...), kgo.Dialer(cluster.DialContext))
package kgo
