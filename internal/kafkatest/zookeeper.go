package kafkatest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// zooKeeperProperties is ZooKeeper's configuration. Its tick bounds the sessions that brokers
// may ask for, from 2 to 20 ticks.
func (l *layout) zooKeeperProperties() *properties {
	p := new(properties)
	p.set("dataDir", l.path("data", "zookeeper"))
	p.set("clientPort", strconv.Itoa(l.zooKeeper))
	p.set("clientPortAddress", "127.0.0.1")
	p.set("tickTime", 1000)
	p.set("maxClientCnxns", 0)
	p.set("admin.enableServer", false)
	p.set("4lw.commands.whitelist", "ruok,dump")
	return p
}

// startZooKeeper starts ZooKeeper, waits until it answers and puts SCRAM's secrets into it:
// brokers read them when they start.
func (c *Cluster) startZooKeeper(ctx context.Context) error {
	if err := os.WriteFile(c.layout.path("zookeeper.properties"), c.layout.zooKeeperProperties().text(), 0o600); err != nil {
		return err
	}
	p, err := c.launch("zookeeper", c.tools.java, c.layout.zooKeeperCommand(c.tools.broker))
	if err != nil {
		return err
	}
	c.zooKeeper = p
	if err := poll(ctx, p, func() error { return ruok(ctx, c.ZooKeeperAddr()) }, p); err != nil {
		return err
	}
	var secrets []string
	for _, m := range c.Mechanisms() {
		if isSCRAM(m) {
			secrets = append(secrets, m+"=[password=%[1]s]")
		}
	}
	if len(secrets) == 0 {
		return nil
	}
	return together(users, func(u User) error {
		_, err := c.Java(ctx, nil, "kafka.admin.ConfigCommand", "--zookeeper", c.ZooKeeperAddr(), "--alter",
			"--entity-type", "users", "--entity-name", u.Name,
			"--add-config", fmt.Sprintf(strings.Join(secrets, ","), u.Password))
		if err != nil {
			return fmt.Errorf("the user %s cannot be made: %w", u.Name, err)
		}
		return nil
	})
}

// ruok asks ZooKeeper whether it serves.
func ruok(ctx context.Context, addr string) error {
	answer, err := fourLetters(ctx, addr, "ruok")
	if err == nil && answer != "imok" {
		err = fmt.Errorf("ZooKeeper at %s is asked ruok and says %q", addr, answer)
	}
	return err
}

// registered asks ZooKeeper which of the paths are held by a session. A broker's registration
// lasts as long as its session, which outlives a killed broker by some seconds.
func registered(ctx context.Context, addr string, paths ...string) ([]string, error) {
	answer, err := fourLetters(ctx, addr, "dump")
	if err != nil {
		return nil, err
	}
	return heldPaths(answer, paths), nil
}

// heldPaths finds the paths in ZooKeeper's list of sessions, which has one a line.
func heldPaths(dump string, paths []string) []string {
	var held []string
	for line := range strings.Lines(dump) {
		if path := strings.TrimSpace(line); slices.Contains(paths, path) {
			held = append(held, path)
		}
	}
	return held
}

func brokerPath(id int32) string { return fmt.Sprintf("/brokers/ids/%d", id) }

// fourLetters sends ZooKeeper one of its words.
func fourLetters(ctx context.Context, addr, word string) (string, error) {
	answer, err := talk(ctx, addr, func(conn net.Conn) ([]byte, error) {
		if _, err := io.WriteString(conn, word); err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(conn, maxAnswer))
	})
	if err != nil {
		return "", fmt.Errorf("asking ZooKeeper at %s for %q: %w", addr, word, err)
	}
	return string(answer), nil
}
