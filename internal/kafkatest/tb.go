package kafkatest

import (
	"context"
	"os"
	"slices"
	"time"
)

// TB is what [New] needs of a test; *testing.T and *testing.B have it.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Name() string
}

// New starts a cluster for a test, like [Start]; a failure ends the test. At the test's end the
// cluster is killed and its data removed; if the test failed, the last lines of each process's
// log are logged first. It blocks until the cluster is ready, for at most 90 seconds once the
// jars are there.
func New(tb TB, opts Options) *Cluster {
	tb.Helper()
	c, err := startFor(context.Background(), opts, tb.Name(), holdPorts)
	if err != nil {
		tb.Fatalf("kafkatest: %v", err)
		return nil
	}
	c.killAtOnce = true
	if slices.Contains(os.Args, "-test.paniconexit0") { // only go test says that
		go c.endWithParent(os.Getppid())
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			c.logTails(tb)
		}
		if err := c.Close(); err != nil {
			tb.Logf("kafkatest: the cluster did not close well: %v", err)
		}
	})
	return c
}

// endWithParent cuts the cluster when our process has got another parent, and ends with the
// cluster.
func (c *Cluster) endWithParent(parent int) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-tick.C:
			if os.Getppid() != parent {
				c.guard.cut()
				return
			}
		}
	}
}

// logTails logs the ends of all logs.
func (c *Cluster) logTails(tb TB) {
	tb.Helper()
	names := make([]string, 0, len(c.nodes)+1)
	if c.zooKeeper != nil {
		names = append(names, c.zooKeeper.name)
	}
	for _, n := range c.nodes {
		names = append(names, n.spec.name())
	}
	for _, name := range names {
		tb.Logf("the log of %s (Kafka %s) ends with\n%s", name, c.Version(), tail(readLog(c.layout.logFile(name), 0), tailLines))
	}
}
