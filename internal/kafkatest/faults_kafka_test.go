//go:build kafka && unix

package kafkatest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lists waits until every one of the nodes lists the brokers and no other.
func lists(t *testing.T, brokers []int32, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		var got view
		var err error
		eventually(t, "node lists the brokers", func() bool {
			got, err = askView(t.Context(), n.Addr(), 0)
			return err == nil && slices.Equal(got.brokers, brokers)
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFaults(t *testing.T) {
	for _, version := range []string{"4.4.0", "3.9.2", "1.1.1"} {
		t.Run(version, func(t *testing.T) {
			c := start(t, Options{Version: version, Nodes: 3, Racks: []string{"a", "b", "c"}})
			one, two, three := c.Node(1), c.Node(2), c.Node(3)
			lists(t, []int32{1, 2, 3}, one, two, three)
			begin := time.Now()
			lap := func(what string) {
				t.Logf("%s: %v", what, time.Since(begin).Round(10*time.Millisecond))
				begin = time.Now()
			}

			pid := two.PID()
			ok(t, two.Kill())
			if !gone(pid) || two.PID() != 0 {
				t.Errorf("process %d runs after Kill", pid)
			}
			lap("killed")
			ok(t, two.Kill()) // nothing to do
			ok(t, two.Start(t.Context()))
			lists(t, []int32{1, 2, 3}, one, two, three)
			lap("started at once")
			if err := two.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "runs as process") {
				t.Errorf("a second start: got %v, want an error", err)
			}

			ok(t, two.Kill())
			lists(t, []int32{1, 3}, one, three)
			lap("its death noticed")
			ok(t, two.Start(t.Context()))
			lists(t, []int32{1, 2, 3}, one, two, three)
			lap("started again")

			ok(t, three.Pause())
			if _, err := askView(t.Context(), three.Addr(), 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a paused node: got %v, want silence", err)
			}
			lists(t, []int32{1, 2}, one, two)
			lap("its pause noticed")
			ok(t, three.Continue())
			lists(t, []int32{1, 2, 3}, one, two, three)
			lap("continued")

			ok(t, three.Pause())
			ok(t, three.Kill()) // a paused one too
			lists(t, []int32{1, 2}, one, two)
			ok(t, three.Start(t.Context()))
			lap("killed in its pause and started")

			ok(t, one.Stop(t.Context()))
			lists(t, []int32{2, 3}, two, three)
			if err := one.Pause(); err == nil {
				t.Error("a node that does not run can be paused")
			}
			lap("stopped")
			ok(t, one.Start(t.Context()))
			lists(t, []int32{1, 2, 3}, one, two, three)
			lap("started")
		})
	}
}

// With a controller of its own, brokers can be killed down to the last.
func TestSeparateController(t *testing.T) {
	for _, version := range []string{"4.4.0", "3.3.2"} {
		t.Run(version, func(t *testing.T) {
			c := start(t, Options{Version: version, Nodes: 3, SeparateController: true})
			ok(t, c.Node(1).Kill())
			ok(t, c.Node(2).Kill())
			lists(t, []int32{3}, c.Node(3))
			var wg sync.WaitGroup
			for _, n := range c.Nodes()[:2] {
				wg.Go(func() {
					if err := n.Start(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			lists(t, []int32{1, 2, 3}, c.Nodes()...)
			ok(t, c.Controller().Kill())
			ok(t, c.Controller().Start(t.Context()))
			ok(t, c.Node(1).Kill())
			lists(t, []int32{2, 3}, c.Node(2), c.Node(3)) // it is the controller that notices
		})
	}
}

// All at once, as a power cut: each needs the others to become ready.
func TestKillAll(t *testing.T) {
	c := start(t, Options{Version: "4.4.0", Nodes: 3})
	for _, n := range c.Nodes() {
		ok(t, n.Kill())
	}
	ok(t, together(c.Nodes(), func(n *Node) error { return n.Start(t.Context()) }))
	lists(t, []int32{1, 2, 3}, c.Nodes()...)
}

// Kill ends a Start that waits, and Close ends everything.
func TestKillWhileStarting(t *testing.T) {
	for _, version := range []string{"4.4.0", "1.1.1"} {
		t.Run(version, func(t *testing.T) {
			c := start(t, Options{Version: version})
			n := c.Node(1)
			ok(t, n.Kill())
			started := make(chan error)
			go func() { started <- n.Start(t.Context()) }()
			eventually(t, "the process is there", func() bool { return n.PID() != 0 })
			ok(t, n.Kill())
			if err := <-started; err == nil {
				t.Error("got a start without an error, want that it was killed")
			}
			go func() { started <- n.Start(t.Context()) }()
			eventually(t, "the process is there", func() bool { return n.PID() != 0 })
			ok(t, c.Close())
			if err := <-started; err == nil {
				t.Error("got a start without an error, want that the cluster was closed")
			}
			if err := n.Start(t.Context()); !errors.Is(err, errClosed) {
				t.Errorf("got %v, want %v", err, errClosed)
			}
		})
	}
}

// A cluster is upgraded node by node on its data.
func TestUpgrade(t *testing.T) {
	for _, versions := range [][2]string{{"4.3.1", "4.4.0"}, {"0.11.0.3", "1.1.1"}} {
		t.Run(versions[0]+" to "+versions[1], func(t *testing.T) {
			c := start(t, Options{Version: versions[0], Nodes: 3})
			before, err := ApiVersions(t.Context(), c.Addrs()[0])
			ok(t, err)
			for _, n := range c.Nodes() {
				ok(t, n.Stop(t.Context()))
				ok(t, n.Upgrade(t.Context(), versions[1]))
				ok(t, n.Start(t.Context()))
			}
			lists(t, []int32{1, 2, 3}, c.Nodes()...)
			after, err := ApiVersions(t.Context(), c.Addrs()[0])
			ok(t, err)
			if slices.Equal(before, after) {
				t.Errorf("got the same APIs as before: %v", after)
			}
			if err := c.Node(1).Upgrade(t.Context(), "2.0"); err == nil {
				t.Error("a release that cannot be was taken")
			}
		})
	}
}
