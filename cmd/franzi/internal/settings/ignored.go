package settings

import (
	"slices"
	"strings"
)

// isIgnored reports whether other clients know a key that means nothing for what is done here:
// it is about producing or consuming, about classes of Java, or about how a client works inside.
// So files can be shared with them.
func isIgnored(name string) bool {
	if slices.Contains(ignored, name) {
		return true
	}
	return slices.ContainsFunc(ignoredPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

var ignoredPrefixes = []string{
	"key.", "value.", "interceptor.", "partitioner.", "compression.", "sasl.login.", "sasl.oauthbearer.jwks.", "metrics.", "log4j.",
	"share.", "config.providers", "transaction.", "fetch.", "queue.", "queued.", "statistics.", "topic.metadata.", "open.ssl.",
}

// ignored are further keys of the Java client's producer, consumer and administration, and then
// of librdkafka.
var ignored = []string{
	"acks", "allow.auto.create.topics", "auto.commit.interval.ms", "auto.include.jmx.reporter", "auto.offset.reset",
	"bootstrap.resolve.timeout.ms", "metadata.cluster.check.enable", "sasl.oauthbearer.allow.unverified.audience",
	"sasl.oauthbearer.allow.unverified.issuer",
	"batch.size", "buffer.memory", "check.crcs", "client.dns.lookup", "client.rack", "default.api.timeout.ms",
	"delivery.timeout.ms", "enable.auto.commit", "enable.idempotence", "enable.metrics.push", "exclude.internal.topics",
	"group.id", "group.instance.id", "group.protocol", "group.remote.assignor", "heartbeat.interval.ms",
	"isolation.level", "linger.ms", "max.block.ms", "max.in.flight.requests.per.connection", "max.partition.fetch.bytes",
	"max.poll.interval.ms", "max.poll.records", "max.request.size", "metadata.max.idle.ms", "metadata.recovery.rebootstrap.trigger.ms",
	"metadata.recovery.strategy", "metric.reporters", "partition.assignment.strategy", "receive.buffer.bytes",
	"sasl.client.callback.handler.class", "sasl.oauthbearer.assertion.algorithm",

	"sasl.oauthbearer.clock.skew.seconds", "sasl.oauthbearer.expected.audience", "sasl.oauthbearer.expected.issuer",
	"sasl.oauthbearer.jwt.retriever.class", "sasl.oauthbearer.jwt.validator.class", "sasl.oauthbearer.method",
	"sasl.oauthbearer.scope.claim.name", "sasl.oauthbearer.sub.claim.name", "send.buffer.bytes", "session.timeout.ms",
	"socket.connection.setup.timeout.max.ms", "ssl.cipher.suites", "ssl.keymanager.algorithm", "ssl.keystore.password",
	"ssl.protocol", "ssl.secure.random.implementation", "ssl.trustmanager.algorithm", "ssl.truststore.password", "transactional.id",

	"allow.auto.create.topics", "api.version.fallback.ms", "api.version.request", "api.version.request.timeout.ms",
	"auto.commit.enable", "batch.num.messages", "broker.address.family", "broker.address.ttl", "broker.version.fallback",
	"builtin.features", "connections.max.idle.ms", "consume.callback.max.messages", "coordinator.query.interval.ms",
	"debug", "delivery.report.only.error", "enable.auto.offset.store", "enable.gapless.guarantee", "enable.partition.eof",
	"enable.random.seed", "enable.sasl.oauthbearer.unsecure.jwt", "group.protocol.type", "internal.termination.signal",
	"log.connection.close", "log.queue", "log.thread.name", "log_level", "max.in.flight", "message.copy.max.bytes",
	"message.max.bytes", "message.send.max.retries", "message.timeout.ms", "produce.offset.report", "receive.message.max.bytes",
	"reconnect.backoff.jitter.ms", "request.required.acks", "resolve.canonical.bootstrap.servers.only", "retry.backoff.jitter.ms", "socket.blocking.max.ms",
	"socket.keepalive.enable", "socket.max.fails", "socket.nagle.disable", "socket.receive.buffer.bytes", "socket.send.buffer.bytes",
	"ssl.curves.list", "ssl.sigalgs.list", "sticky.partitioning.linger.ms", "client.software.name", "client.software.version",
}
