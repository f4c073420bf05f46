package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// pollEvery is how often a node is asked whether it is ready.
const pollEvery = 50 * time.Millisecond

// poll asks until ready returns nil. It ends early when one of the watched processes fails; when
// the context ends, the error is about p.
func poll(ctx context.Context, p *process, ready func() error, watched ...*process) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		var failed []error
		for _, w := range watched {
			failed = append(failed, w.failed())
		}
		if err := errors.Join(failed...); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return p.startError(fmt.Errorf("%w; the last try: %w", context.Cause(ctx), err))
		case <-tick.C:
		}
	}
}

// awaitAll waits until every node answers and every broker knows all brokers.
func (c *Cluster) awaitAll(ctx context.Context) error {
	var watched []*process
	if c.zooKeeper != nil {
		watched = append(watched, c.zooKeeper)
	}
	var brokers []int32
	for _, n := range c.nodes {
		watched = append(watched, n.current())
		if n.spec.broker {
			brokers = append(brokers, n.spec.id)
		}
	}
	for _, n := range c.nodes {
		err := poll(ctx, n.current(), func() error { return n.knows(ctx, brokers...) }, watched...)
		if err != nil {
			return err
		}
	}
	return nil
}

// knows asks the node whether it is up; if it is a broker, whether it lists the brokers and
// knows a controller.
func (n *Node) knows(ctx context.Context, brokers ...int32) error {
	addr := n.spec.probeAddr()
	if !n.spec.broker {
		_, err := ApiVersions(ctx, addr)
		return err
	}
	version, err := metadataVersion(ctx, addr, n.release())
	if err != nil {
		return err
	}
	view, err := askView(ctx, addr, version)
	if err != nil {
		return err
	}
	if !n.release().since("0.9") {
		return n.cluster.zooKeeperKnows(ctx, brokers)
	}
	for _, id := range brokers {
		if !slices.Contains(view.brokers, id) {
			return fmt.Errorf("node %d at %s lists the brokers %d, not yet %d", n.spec.id, addr, view.brokers, id)
		}
	}
	if version >= 1 && view.controller < 0 {
		return fmt.Errorf("node %d at %s knows no controller yet", n.spec.id, addr)
	}
	return nil
}

// zooKeeperKnows asks whether the brokers have registered and elected a controller. It stands
// in for Metadata's list before 0.9: there the controller tells the brokers of each other only
// once there is a topic.
func (c *Cluster) zooKeeperKnows(ctx context.Context, brokers []int32) error {
	paths := []string{"/controller"}
	for _, id := range brokers {
		paths = append(paths, brokerPath(id))
	}
	held, err := registered(ctx, c.ZooKeeperAddr(), paths...)
	if err == nil && len(held) < len(paths) {
		err = fmt.Errorf("ZooKeeper lists of %q only %q", paths, held)
	}
	return err
}

// forgotten asks whether ZooKeeper has seen that the node is gone. A broker before 2.x that
// finds its own earlier life in ZooKeeper ends.
func (n *Node) forgotten(ctx context.Context) error {
	held, err := registered(ctx, n.cluster.ZooKeeperAddr(), brokerPath(n.spec.id))
	if err == nil && len(held) != 0 {
		err = fmt.Errorf("ZooKeeper still lists the node as %s", held[0])
	}
	return err
}

// metadataVersion is the version of Metadata to ask a broker with: 1 tells the controller, but
// 0 is all that brokers know that do not answer ApiVersions.
func metadataVersion(ctx context.Context, addr string, r release) (int16, error) {
	if !r.since("0.10.0") {
		return 0, nil
	}
	versions, err := ApiVersions(ctx, addr)
	if err != nil {
		return 0, err
	}
	for _, v := range versions {
		if v.Key != metadataKey {
			continue
		}
		if v.Min > 1 {
			return 0, fmt.Errorf("the broker at %s answers no Metadata before version %d, and no later one than 1 is known here: teach package kafkatest", addr, v.Min)
		}
		return min(v.Max, 1), nil
	}
	return 0, fmt.Errorf("the broker at %s does not offer Metadata yet", addr)
}

// rejoined asks all brokers that run whether they list the node.
func (n *Node) rejoined(ctx context.Context) error {
	if !n.spec.broker {
		return n.knows(ctx)
	}
	if err := n.knows(ctx, n.spec.id); err != nil {
		return err
	}
	for _, other := range n.cluster.Nodes() {
		if other == n || !other.awake() {
			continue
		}
		if err := other.knows(ctx, n.spec.id); err != nil && other.awake() {
			return err
		}
	}
	return nil
}
