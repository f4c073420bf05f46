package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// A Node is one Kafka process of a cluster. Its methods may be called concurrently, Kill and
// Stop also while Start waits.
type Node struct {
	cluster *Cluster
	spec    spec // release is behind mu, the rest does not change

	mu     sync.Mutex // not held while waiting
	jars   jars.Set
	proc   *process // the last one that was started
	turn   int      // grows with each Start, Kill and Stop; a Start whose turn is over gives up
	wanted bool     // it is meant to run
	paused bool
	closed bool // with the cluster
}

// ID is the broker's id.
func (n *Node) ID() int32 { return n.spec.id }

// Addr is the broker's own PLAINTEXT socket, also if [Options.Advertise] puts a proxy before
// it. Of a separate controller it is the controller's.
func (n *Node) Addr() string { return n.spec.probeAddr() }

// Listener is the address that the broker advertises for a listener; empty if it has none.
func (n *Node) Listener(name string) string {
	at, _ := n.spec.listener(name)
	return at.advertised
}

// DataDir is the folder with the broker's logs and checkpoints, log.dirs.
func (n *Node) DataDir() string { return n.cluster.layout.dataDir(&n.spec) }

// Log is what the node wrote to its log, over all its lives if they were not too many. It is
// gone when the cluster is closed.
func (n *Node) Log() string { return readLog(n.cluster.layout.logFile(n.spec.name()), 0) }

// PID is the id of the node's process; 0 if it does not run.
func (n *Node) PID() int {
	p := n.current()
	if p == nil || p.ended() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Start starts the node after Kill or Stop, with the same data and ports. It returns when the
// node answers and all brokers that run, paused ones excepted, list it; the context's deadline
// bounds that, or 90 seconds if it has none. A node that is late keeps running. Starting one
// that runs is an error.
//
// A KRaft node is ready only with a quorum of controllers: start several at the same time if
// too many are down.
func (n *Node) Start(ctx context.Context) error {
	ctx, cancel := withLimit(ctx, startTime)
	defer cancel()
	turn, err := n.begin()
	if err != nil {
		return err
	}
	if err = n.startIn(ctx, turn); err != nil && n.isClosed() {
		return fmt.Errorf("%s did not start: %w", n.spec.name(), errClosed) // why else
	}
	return err
}

func (n *Node) startIn(ctx context.Context, turn int) error {
	if zooKeeper := n.cluster.zooKeeper; zooKeeper != nil {
		if err := poll(ctx, zooKeeper, func() error { return n.forgotten(ctx) }, zooKeeper); err != nil {
			return err
		}
	}
	for {
		p, err := n.launch(turn)
		if err != nil {
			return err
		}
		err = poll(ctx, p, func() error { return n.rejoined(ctx) }, p)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errPortTaken) {
			return err
		}
		if err := p.kill(); err != nil { // it may hang instead of ending
			return err
		}
	}
}

// begin begins a turn, if the node does not run already.
func (n *Node) begin() (turn int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return 0, fmt.Errorf("%s cannot be started: %w", n.spec.name(), errClosed)
	case n.proc != nil && !n.proc.ended():
		return 0, fmt.Errorf("%s cannot be started: it runs as process %d", n.spec.name(), n.proc.cmd.Process.Pid)
	}
	n.turn++
	n.wanted = true
	return n.turn, nil
}

// launch starts the process, unless the turn is over.
func (n *Node) launch(turn int) (*process, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.turn != turn {
		return nil, fmt.Errorf("%s was killed or stopped while it started", n.spec.name())
	}
	c := n.cluster
	p, err := c.launch(n.spec.name(), c.tools.java, c.layout.kafkaCommand(&n.spec, n.jars))
	if err != nil {
		return nil, err
	}
	n.proc, n.paused = p, false
	return p, nil
}

// Kill ends the node with SIGKILL, paused or not, and returns when the process is gone. It does
// nothing if the node does not run.
func (n *Node) Kill() error {
	p := n.giveUp()
	if p == nil || p.ended() {
		return nil
	}
	return p.kill()
}

// Stop asks the node to shut down (SIGTERM), waking it if it is paused, and returns when the
// process is gone. The context's deadline bounds the wait, or 90 seconds if it has none; a node
// that is late keeps shutting down. It does nothing if the node does not run.
//
// A KRaft broker hands its partitions over before it ends, and waits long for that if there is
// no quorum of controllers.
func (n *Node) Stop(ctx context.Context) error {
	p := n.giveUp()
	if p == nil || p.ended() {
		return nil
	}
	ctx, cancel := withLimit(ctx, startTime)
	defer cancel()
	if err := errors.Join(terminate(p.cmd.Process), resume(p.cmd.Process)); err != nil && !p.ended() && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s cannot be stopped: %w", p.name, err)
	}
	return p.wait(ctx)
}

// Pause stops the whole process where it is (SIGSTOP): its connections stay open and silent.
// It needs a Unix system.
func (n *Node) Pause() error { return n.freeze(true) }

// Continue lets a paused node go on (SIGCONT). It needs a Unix system.
func (n *Node) Continue() error { return n.freeze(false) }

func (n *Node) freeze(on bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil || n.proc.ended() {
		return fmt.Errorf("%s cannot be paused or continued: it does not run", n.spec.name())
	}
	signal := resume
	if on {
		signal = pause
	}
	if err := signal(n.proc.cmd.Process); err != nil {
		return fmt.Errorf("%s cannot be paused or continued: %w", n.spec.name(), err)
	}
	n.paused = on
	return nil
}

// Upgrade sets the release that the node's next Start runs, on the same data: rolling upgrades
// stop, upgrade and start one node after the other. It may have to bring the release's jars.
// The release must use KRaft or ZooKeeper as the cluster does.
func (n *Node) Upgrade(ctx context.Context, version string) error {
	opts := n.cluster.layout.opts
	opts.Version = version
	if err := opts.check(); err != nil {
		return err
	}
	if opts.kraft() != n.cluster.layout.opts.kraft() {
		return fmt.Errorf("a node of Kafka %s cannot become one of %s: only one of them has ZooKeeper", n.cluster.Version(), version)
	}
	set, err := jars.Broker(ctx, version)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.jars = set
	n.spec.release = release(version)
	return n.writeProperties()
}

// writeProperties writes the node's configuration for its release.
func (n *Node) writeProperties() error {
	l := n.cluster.layout
	return os.WriteFile(l.propertiesFile(&n.spec), l.properties(&n.spec).text(), 0o600)
}

// giveUp tells Start not to go on and returns the process.
func (n *Node) giveUp() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn++
	n.wanted, n.paused = false, false
	return n.proc
}

// retire is giveUp for good.
func (n *Node) retire() *process {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	return n.giveUp()
}

func (n *Node) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

func (n *Node) current() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc
}

// awake reports whether the node is meant to run and does.
func (n *Node) awake() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc != nil && !n.proc.ended() && n.wanted && !n.paused
}

func (n *Node) release() release {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.spec.release
}
