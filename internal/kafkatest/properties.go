package kafkatest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// properties is a Java properties file that keeps its order.
type properties struct {
	keys   []string
	values map[string]string
}

func (p *properties) set(key string, value any) {
	if p.values == nil {
		p.values = make(map[string]string)
	}
	if _, ok := p.values[key]; !ok {
		p.keys = append(p.keys, key)
	}
	p.values[key] = fmt.Sprint(value)
}

// text is the file. Java reads it as Latin-1 with escapes.
func (p *properties) text() []byte {
	var b strings.Builder
	for _, key := range p.keys {
		escape(&b, key, true)
		b.WriteByte('=')
		escape(&b, p.values[key], false)
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// escape writes s so that java.util.Properties reads it back.
func escape(b *strings.Builder, s string, key bool) {
	for i, unit := range utf16.Encode([]rune(s)) {
		switch {
		case unit == '\\' || unit == ' ' && (key || i == 0) || key && strings.ContainsRune("=:#!", rune(unit)):
			b.WriteByte('\\')
			b.WriteByte(byte(unit))
		case unit < ' ' || unit > '~':
			fmt.Fprintf(b, `\u%04x`, unit)
		default:
			b.WriteByte(byte(unit))
		}
	}
}

// properties is the configuration of a node, as its release understands it.
func (l *layout) properties(s *spec) *properties {
	p := new(properties)
	if l.opts.kraft() {
		l.kraft(p, s)
	} else {
		l.withZooKeeper(p, s)
	}
	l.sockets(p, s)
	l.topics(p, s)
	if l.opts.Security {
		l.security(p, s)
	}
	if s.rack != "" {
		p.set("broker.rack", s.rack)
		if s.release.since("2.4") {
			p.set("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector")
		}
	}
	if l.opts.Unstable {
		p.set("unstable.api.versions.enable", true)
		switch {
		case s.release.since("3.8"):
			p.set("unstable.feature.versions.enable", true)
		case s.release.since("3.7"):
			p.set("unstable.metadata.versions.enable", true)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.opts.Properties)) {
		p.set(key, l.opts.Properties[key])
	}
	return p
}

// kraft says who the node is and where the quorum.
func (l *layout) kraft(p *properties, s *spec) {
	var roles []string
	if s.broker {
		roles = append(roles, "broker")
	}
	if s.controller {
		roles = append(roles, "controller")
	}
	p.set("process.roles", strings.Join(roles, ","))
	p.set("node.id", s.id)
	p.set("controller.listener.names", controller)
	if l.dynamicQuorum() {
		p.set("controller.quorum.bootstrap.servers", strings.Join(l.controllerAddrs(), ","))
	} else {
		var voters []string
		for i, v := range l.voters() {
			voters = append(voters, fmt.Sprintf("%d@%s", v.id, l.controllerAddrs()[i]))
		}
		p.set("controller.quorum.voters", strings.Join(voters, ","))
	}
	// A killed broker is fenced after three seconds instead of nine.
	p.set("broker.session.timeout.ms", 3000)
	p.set("broker.heartbeat.interval.ms", 500)
	p.set("auto.create.topics.enable", false)
}

// withZooKeeper says who the broker is and where ZooKeeper.
func (l *layout) withZooKeeper(p *properties, s *spec) {
	p.set("broker.id", s.id)
	p.set("zookeeper.connect", loopback(l.zooKeeper))
	p.set("zookeeper.session.timeout.ms", 3000)
	p.set("zookeeper.connection.timeout.ms", 15000)
	if !s.release.since("1.0") {
		p.set("delete.topic.enable", true) // the default since
	}
}

// sockets says where the node listens and what clients are told.
func (l *layout) sockets(p *properties, s *spec) {
	if !s.release.since("0.9") {
		at := s.listeners[0]
		p.set("host.name", "127.0.0.1")
		p.set("port", at.port)
		if host, port, ok := strings.Cut(at.advertised, ":"); ok {
			p.set("advertised.host.name", host)
			p.set("advertised.port", port)
		}
		return
	}
	var listeners, advertised, protocols []string
	for _, at := range s.listeners {
		listeners = append(listeners, at.name+"://"+at.addr())
		if at.advertised != "" {
			advertised = append(advertised, at.name+"://"+at.advertised)
		}
		protocols = append(protocols, at.name+":"+protocol(at.name))
	}
	if l.opts.kraft() && !s.controller { // a broker must know how to talk to the controller
		protocols = append(protocols, controller+":"+protocol(controller))
	}
	p.set("listeners", strings.Join(listeners, ","))
	if s.broker {
		p.set("advertised.listeners", strings.Join(advertised, ","))
	}
	_, proxied := s.listener(internal)
	if l.opts.kraft() || proxied {
		p.set("listener.security.protocol.map", strings.Join(protocols, ","))
	}
	switch {
	case proxied:
		p.set("inter.broker.listener.name", internal)
	case l.opts.kraft() && s.broker:
		p.set("inter.broker.listener.name", plaintext)
	}
}

// protocol is the security protocol of a listener.
func protocol(listener string) string {
	if listener == controller || listener == internal {
		return plaintext
	}
	return listener
}

// topics keeps a node small and quick: few threads, few internal partitions.
func (l *layout) topics(p *properties, s *spec) {
	replicas, minISR := l.opts.replicas(), l.opts.minISR()
	p.set("log.dirs", l.dataDir(s))
	p.set("num.network.threads", 2)
	p.set("num.io.threads", 2)
	p.set("log.cleaner.dedupe.buffer.size", 2<<20)
	p.set("num.partitions", 3)
	p.set("default.replication.factor", replicas)
	p.set("min.insync.replicas", minISR)
	internalTopic := func(prefix string) {
		p.set(prefix+"num.partitions", 3)
		p.set(prefix+"replication.factor", replicas)
		if prefix != "offsets.topic." {
			p.set(prefix+"min.isr", minISR)
		}
	}
	internalTopic("offsets.topic.")
	if s.release.since("0.11") {
		internalTopic("transaction.state.log.")
		p.set("group.initial.rebalance.delay.ms", 0)
	}
	if s.release.since("4.0") {
		internalTopic("share.coordinator.state.topic.")
	}
}
