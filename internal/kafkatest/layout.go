package kafkatest

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// controllerID is the node id of a separate controller.
const controllerID = maxNodes + 1

// A layout is what a cluster is made of: who listens where, what lies in which file. It is
// plain data, so that what is written for a release can be tested without the release.
type layout struct {
	opts      Options
	test      string // on whose behalf; ps shows it
	dir       string // of the whole cluster
	clusterID string // KRaft only
	zooKeeper int    // its port, 0 with KRaft
	specs     []spec // brokers by id, then the separate controller
}

// A spec is one Kafka node of a layout.
type spec struct {
	id         int32
	release    release // of this node: a cluster can be mixed while it is upgraded
	broker     bool
	controller bool // in KRaft's sense
	rack       string
	listeners  []listener
}

// A listener is a port of a node.
type listener struct {
	name       string
	port       int
	advertised string // what clients are told; not set for CONTROLLER
}

// addr is the broker's own socket.
func (l listener) addr() string { return loopback(l.port) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// newLayout plans the cluster without ports.
func newLayout(opts Options, test, dir string) *layout {
	l := &layout{opts: opts, test: test, dir: dir}
	for i := range opts.nodes() {
		s := spec{
			id:         int32(i + 1),
			release:    release(opts.Version),
			broker:     true,
			controller: opts.kraft() && !opts.SeparateController,
		}
		if len(opts.Racks) != 0 {
			s.rack = opts.Racks[i]
		}
		for _, name := range opts.listeners() {
			s.listeners = append(s.listeners, listener{name: name})
		}
		if s.controller {
			s.listeners = append(s.listeners, listener{name: controller})
		}
		l.specs = append(l.specs, s)
	}
	if opts.SeparateController {
		l.specs = append(l.specs, spec{
			id:         controllerID,
			release:    release(opts.Version),
			controller: true,
			listeners:  []listener{{name: controller}},
		})
	}
	return l
}

// listeners names what each broker offers, without KRaft's.
func (o *Options) listeners() []string {
	r := release(o.Version)
	names := []string{plaintext}
	if o.Advertise != nil && r.since("0.10.2") {
		names = append(names, internal)
	}
	if o.Security {
		names = append(names, ssl)
	}
	if o.Security && r.since("0.10.0") {
		names = append(names, saslPlaintext, saslSSL)
	}
	return names
}

// portCount is how many ports the layout needs.
func (l *layout) portCount() int {
	n := 1 // ZooKeeper's, or for nothing
	for _, s := range l.specs {
		n += len(s.listeners)
	}
	return n
}

// setPorts gives out portCount ports and asks what to advertise.
func (l *layout) setPorts(ports []int) {
	if !l.opts.kraft() {
		l.zooKeeper = ports[0]
	}
	ports = ports[1:]
	for _, s := range l.specs {
		for i := range s.listeners {
			at := &s.listeners[i]
			at.port, ports = ports[0], ports[1:]
			if at.name == controller {
				continue
			}
			at.advertised = at.addr()
			if l.opts.Advertise != nil && at.name != internal {
				at.advertised = l.opts.Advertise(s.id, at.name, at.addr())
			}
		}
	}
}

// listener finds a listener by name.
func (s *spec) listener(name string) (listener, bool) {
	for _, at := range s.listeners {
		if at.name == name {
			return at, true
		}
	}
	return listener{}, false
}

// probeAddr is where the node is asked whether it is ready, past any proxy.
func (s *spec) probeAddr() string { return s.listeners[0].addr() }

// advertised lists the addresses clients use for a listener, by broker.
func (l *layout) advertised(name string) []string {
	var addrs []string
	for i := range l.specs {
		if at, ok := l.specs[i].listener(name); ok && at.advertised != "" {
			addrs = append(addrs, at.advertised)
		}
	}
	return addrs
}

// voters are KRaft's controllers.
func (l *layout) voters() []spec {
	var voters []spec
	for _, s := range l.specs {
		if s.controller {
			voters = append(voters, s)
		}
	}
	return voters
}

// controllerAddrs are the voters' addresses.
func (l *layout) controllerAddrs() []string {
	var addrs []string
	for _, s := range l.voters() {
		at, _ := s.listener(controller)
		addrs = append(addrs, at.addr())
	}
	return addrs
}

// dynamicQuorum reports whether the voters are kept in the metadata log (KIP-853) and not in
// the properties. It is for a single controller only: several would have to be named with
// their directory ids when the storage is formatted.
func (l *layout) dynamicQuorum() bool {
	return l.opts.kraft() && release(l.opts.Version).since("3.9") && len(l.voters()) == 1
}

// Where things lie.

func (s *spec) name() string {
	if !s.broker {
		return "controller"
	}
	return fmt.Sprintf("node-%d", s.id)
}

func (l *layout) path(elem ...string) string {
	return filepath.Join(l.dir, filepath.Join(elem...))
}

func (l *layout) dataDir(s *spec) string        { return l.path("data", s.name()) }
func (l *layout) propertiesFile(s *spec) string { return l.path(s.name() + ".properties") }

// logFile is where the output of a process goes.
func (l *layout) logFile(process string) string { return l.path(process + ".log") }
