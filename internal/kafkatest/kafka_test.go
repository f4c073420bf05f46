//go:build kafka && unix

package kafkatest

// The tests with the build tag kafka start real brokers, one cluster after the other:
//
//	go test -tags kafka -timeout 30m ./internal/kafkatest/...
//
// They take six minutes on two cores, and the first time some more to bring the jars.

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// releases are others than the eras that must start.
var releases = []string{"0.10.0.1", "0.10.1.1", "1.0.2", "2.0.1", "2.1.1", "2.2.2", "2.3.1", "2.4.1", "3.3.2", "4.0.2", "4.1.2", "4.2.2", "4.3.1"}

func TestEras(t *testing.T) {
	for _, version := range Eras() {
		t.Run(version, func(t *testing.T) { startsAndAnswers(t, Options{Version: version}) })
	}
}

func TestReleases(t *testing.T) {
	for _, version := range releases {
		t.Run(version, func(t *testing.T) { startsAndAnswers(t, Options{Version: version}) })
	}
	t.Run("3.9.2 with ZooKeeper", func(t *testing.T) { startsAndAnswers(t, Options{Version: "3.9.2", ZooKeeper: true}) })
}

func startsAndAnswers(t *testing.T, opts Options) {
	c := start(t, opts)
	addr, r := c.Addrs()[0], release(opts.Version)
	v, err := askView(t.Context(), addr, 0)
	want := []int32{1}
	if !r.since("0.9") {
		want = nil // it tells only once there is a topic
	}
	if err != nil || !slices.Equal(v.brokers, want) {
		t.Errorf("got the brokers %v, %v, want %v", v.brokers, err, want)
	}
	versions, err := ApiVersions(t.Context(), addr)
	if known := r.since("0.10.0"); known != (err == nil) || known && len(versions) < 18 {
		t.Errorf("got the API versions %v, %v, want them: %v", versions, err, known)
	}
	if c.Node(1).Log() == "" {
		t.Error("the log is empty")
	}
	if _, err := os.Stat(c.Node(1).DataDir()); err != nil {
		t.Error(err)
	}
	if opts.kraft() == (len(c.ControllerAddrs()) == 0) || opts.kraft() != (c.ZooKeeperAddr() == "") {
		t.Errorf("got the controllers %q and ZooKeeper %q", c.ControllerAddrs(), c.ZooKeeperAddr())
	}
}

// start is New that tells how long it took.
func start(t *testing.T, opts Options) *Cluster {
	t.Helper()
	begin := time.Now()
	c := New(t, opts)
	t.Logf("Kafka %s with %d nodes is ready after %v", opts.Version, opts.nodes(), time.Since(begin).Round(10*time.Millisecond))
	return c
}

// A start whose ports are taken is repeated with others. The first ports given out here all
// have a listener.
func TestPortsTaken(t *testing.T) {
	for _, version := range []string{"0.8.2.2", "0.9.0.1", "2.8.2", "4.4.0"} {
		t.Run(version, func(t *testing.T) {
			tries := 0
			hold := func(n int) ([]int, func(), error) {
				if tries++; tries > 1 {
					return holdPorts(n)
				}
				ports := make([]int, n)
				for i := range ports {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						return nil, nil, err
					}
					t.Cleanup(func() { l.Close() })
					ports[i] = l.Addr().(*net.TCPAddr).Port
				}
				if opts := (Options{Version: version}); !opts.kraft() { // let it come to the broker
					free, release, err := holdPorts(1)
					if err != nil {
						return nil, nil, err
					}
					ports[0] = free[0]
					return ports, release, nil
				}
				return ports, func() {}, nil
			}
			c, err := startFor(t.Context(), Options{Version: version}, t.Name(), hold)
			if err != nil {
				t.Fatal(err)
			}
			c.killAtOnce = true
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if tries != 2 {
				t.Errorf("got %d tries, want 2", tries)
			}
		})
	}
}

// What the caller's properties break is told with the broker's own words.
func TestBrokenProperties(t *testing.T) {
	for version, properties := range map[string]map[string]string{
		"4.4.0": {"num.partitions": "many"}, // found when the storage is formatted
		"2.8.2": {"num.partitions": "many"},
		"3.9.2": {"broker.heartbeat.interval.ms": "-1", "log.dirs": "/dev/null/none"},
	} {
		begin := time.Now()
		_, err := Start(t.Context(), Options{Version: version, Properties: properties})
		if err == nil {
			t.Fatalf("Kafka %s: got no error", version)
		}
		if took := time.Since(begin); took > startTime {
			t.Errorf("Kafka %s: told after %v", version, took)
		}
		for _, want := range []string{version, "kafka.", "node-1.properties"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Kafka %s: got %v, want it to say %q", version, err, want)
			}
		}
	}
}

// A start that does not come to its end in time leaves nothing.
func TestStartDeadline(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Version: "4.4.0", Nodes: 5}); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if got := leftovers(t); len(got) != 0 {
		t.Errorf("got %q, want nothing left", got)
	}
}

// leftovers lists what is in the test's folder for temporary files.
func leftovers(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	ok(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTools(t *testing.T) {
	t.Run("4.4.0", func(t *testing.T) {
		c := start(t, Options{Version: "4.4.0", Features: map[string]int16{"transaction.version": 1}, Unstable: true})
		topic(t, c, "--partitions", "2")
		in := strings.NewReader("one\ntwo\nthree\n")
		if _, err := c.Tool(t.Context(), in, "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", c.Addrs()[0], "--topic", "orders"); err != nil {
			t.Fatal(err)
		}
		got, err := c.Tool(t.Context(), nil, "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", c.Addrs()[0], "--topic", "orders", "--from-beginning", "--max-messages", "3")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(got)
		if slices.Sort(lines); !slices.Equal(lines, []string{"one", "three", "two"}) {
			t.Errorf("got %q, want what was produced and no log", got)
		}
		got, err = c.Tool(t.Context(), nil, "org.apache.kafka.tools.FeatureCommand", "--bootstrap-server", c.Addrs()[0], "describe")
		if err != nil {
			t.Fatal(err)
		}
		if !featureAt(got, "transaction.version", "1") {
			t.Errorf("got %s, want transaction.version at 1", got)
		}
		got, err = c.Java(t.Context(), nil, "kafka.tools.StorageTool", "random-uuid")
		if err != nil || len(strings.TrimSpace(got)) != 22 {
			t.Errorf("got %q, %v, want an id", got, err)
		}
		if _, err := c.Tool(t.Context(), nil, "org.apache.kafka.tools.NoSuchTool"); err == nil || !strings.Contains(err.Error(), "NoSuchTool") {
			t.Errorf("got %v, want an error about the class", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err = c.Tool(ctx, nil, "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", c.Addrs()[0], "--topic", "orders")
		if err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
	t.Run("0.10.2.2", func(t *testing.T) {
		c := start(t, Options{Version: "0.10.2.2"})
		topic(t, c, "--partitions", "2", "--replication-factor", "1")
	})
	t.Run("0.8.2.2", func(t *testing.T) {
		c := start(t, Options{Version: "0.8.2.2"})
		if _, err := c.Java(t.Context(), nil, "kafka.admin.TopicCommand", "--zookeeper", c.ZooKeeperAddr(), "--create", "--topic", "orders", "--partitions", "2", "--replication-factor", "1"); err != nil {
			t.Fatal(err)
		}
		in := strings.NewReader("one\n")
		if _, err := c.Java(t.Context(), in, "kafka.tools.ConsoleProducer", "--broker-list", c.Addrs()[0], "--topic", "orders"); err != nil {
			t.Fatal(err)
		}
		got, err := c.Java(t.Context(), nil, "kafka.tools.ConsoleConsumer", "--zookeeper", c.ZooKeeperAddr(), "--topic", "orders", "--from-beginning", "--max-messages", "1")
		if err != nil || strings.TrimSpace(got) != "one" {
			t.Errorf("got %q, %v, want what was produced", got, err)
		}
		if v, err := askView(t.Context(), c.Addrs()[0], 0); err != nil || !slices.Equal(v.brokers, []int32{1}) {
			t.Errorf("got the brokers %v, %v, want 1, since there is a topic", v.brokers, err)
		}
		if _, err := c.Tool(t.Context(), nil, "org.apache.kafka.tools.TopicCommand"); err == nil || !strings.Contains(err.Error(), "Cluster.Java") {
			t.Errorf("got %v, want that there are no tools", err)
		}
	})
}

// topic creates the topic orders with the tools.
func topic(t *testing.T, c *Cluster, args ...string) {
	t.Helper()
	args = append([]string{"--bootstrap-server", c.Addrs()[0], "--create", "--topic", "orders"}, args...)
	if _, err := c.Tool(t.Context(), nil, "org.apache.kafka.tools.TopicCommand", args...); err != nil {
		t.Fatal(err)
	}
}

// featureAt finds a finalized feature level in what FeatureCommand prints.
func featureAt(described, feature, level string) bool {
	for line := range strings.Lines(described) {
		words := strings.Fields(line)
		if slices.Contains(words, feature) && strings.Contains(line, "FinalizedVersionLevel: "+level) {
			return true
		}
	}
	return false
}

// Clients come through the proxies, brokers and probes past them.
func TestAdvertise(t *testing.T) {
	for _, version := range []string{"4.4.0", "1.1.1"} {
		t.Run(version, func(t *testing.T) {
			var through [3]atomic.Int32
			c := start(t, Options{Version: version, Nodes: 2, Advertise: func(node int32, listener, addr string) string {
				if listener != plaintext {
					t.Errorf("got asked for %s, want only what clients use", listener)
				}
				return proxy(t, addr, &through[node])
			}})
			if got := through[1].Load() + through[2].Load(); got != 0 {
				t.Errorf("the start went %d times through the proxies, want never", got)
			}
			for i, n := range c.Nodes() {
				if c.Addrs()[i] == n.Addr() || c.Addrs()[i] != n.Listener(plaintext) {
					t.Errorf("node %d: got the addresses %s, %s and %s", n.ID(), c.Addrs()[i], n.Addr(), n.Listener(plaintext))
				}
			}
			topic(t, c, "--partitions", "4", "--replication-factor", "2")
			if _, err := c.Tool(t.Context(), nil, "org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", c.Addrs()[0], "--topic", "orders"); err != nil {
				t.Fatal(err)
			}
			if one, two := through[1].Load(), through[2].Load(); one == 0 || two == 0 {
				t.Errorf("got %d and %d connections through the proxies, want some through each", one, two)
			}
		})
	}
}

// proxy passes connections on to addr and counts them.
func proxy(t *testing.T, addr string, count *atomic.Int32) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	pass := func(to, from net.Conn) {
		io.Copy(to, from)
		to.Close()
		from.Close()
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			broker, err := net.Dial("tcp", addr)
			if err != nil {
				client.Close()
				continue
			}
			go pass(broker, client)
			go pass(client, broker)
		}
	}()
	return l.Addr().String()
}

// Neither goroutines nor descriptors nor folders are left behind.
func TestNoLeaks(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cycle := func(opts Options) {
		c, err := Start(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	cycle(Options{Version: "4.4.0"}) // what the runtime keeps is made now
	// The proxies of another test leave pipes to the garbage collector, which would hide ours
	// later. It would also close what we forget, so it is not called again.
	runtime.GC()
	runtime.GC()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	cycle(Options{Version: "4.4.0", SeparateController: true})
	cycle(Options{Version: "1.1.1", Security: true})
	eventually(t, fmt.Sprintf("back to %d goroutines and %d files", goroutines, files), func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles() <= files
	})
	if got := leftovers(t); len(got) != 0 {
		t.Errorf("got %q, want nothing left", got)
	}
}

// openFiles counts our descriptors, where there is a way.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
