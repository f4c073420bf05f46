//go:build kafka && unix

package kafkatest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHelper is not a test: it is what the tests below run and see die. It starts a cluster,
// tells its processes and folder, and does as it is told by the environment.
func TestHelper(t *testing.T) {
	fate := os.Getenv("KAFKATEST_FATE")
	if fate == "" {
		t.Skip("runs as another test's process")
	}
	c := New(t, Options{Version: os.Getenv("KAFKATEST_VERSION"), Nodes: 2})
	fmt.Println("cluster", c.layout.dir, strings.Trim(fmt.Sprint(pids(c)), "[]"))
	switch fate {
	case "panic":
		go panic("on purpose")
	case "exit":
		os.Exit(3)
	case "fatal":
		t.Fatal("on purpose") // the cleanup logs and closes
	}
	io.Copy(io.Discard, os.Stdin) // until the test is over
}

// pids are all processes of a cluster.
func pids(c *Cluster) []int {
	list := []int{c.guard.anchor.Process.Pid, c.guard.watcher.Process.Pid}
	if c.zooKeeper != nil {
		list = append(list, c.zooKeeper.cmd.Process.Pid)
	}
	for _, n := range c.nodes {
		list = append(list, n.PID())
	}
	return list
}

func TestNothingSurvivesClose(t *testing.T) {
	for _, version := range []string{"4.4.0", "1.1.1"} {
		t.Run(version, func(t *testing.T) {
			c, err := Start(t.Context(), Options{Version: version, Nodes: 2})
			ok(t, err)
			list := pids(c)
			ok(t, c.Node(2).Pause()) // one that cannot shut down
			begin := time.Now()
			ok(t, c.Close())
			t.Logf("closed after %v", time.Since(begin).Round(10*time.Millisecond))
			for _, pid := range list {
				if !gone(pid) {
					t.Errorf("process %d of %d runs", pid, list)
				}
			}
			if _, err := os.Stat(c.layout.dir); err == nil {
				t.Errorf("the folder %s is there", c.layout.dir)
			}
			ok(t, c.Close()) // once more does nothing
		})
	}
}

// However the process of the test ends, its cluster ends with it.
func TestNothingSurvivesUs(t *testing.T) {
	for _, test := range []struct {
		fate    string
		orphan  bool // the process that dies is our process's parent, as go test is
		signal  bool // with SIGKILL
		version string
	}{
		{fate: "panic", version: "4.4.0"},
		{fate: "panic", version: "1.1.1"},
		{fate: "exit", version: "4.4.0"},
		{fate: "fatal", version: "4.4.0"},
		{fate: "wait", signal: true, version: "4.4.0"},
		{fate: "wait", signal: true, version: "1.1.1"},
		{fate: "wait", signal: true, orphan: true, version: "4.4.0"},
	} {
		name := fmt.Sprintf("%s signal=%v orphan=%v %s", test.fate, test.signal, test.orphan, test.version)
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			args := []string{os.Args[0], "-test.run=^TestHelper$", "-test.v", "-test.paniconexit0"}
			if test.orphan {
				args = append([]string{"sh", "-c", `"$@"; exit $?`, "parent"}, args...)
			}
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.Env = append(os.Environ(), "KAFKATEST_FATE="+test.fate, "KAFKATEST_VERSION="+test.version)
			in, err := cmd.StdinPipe()
			ok(t, err)
			defer in.Close()
			out, err := cmd.StdoutPipe()
			ok(t, err)
			ok(t, cmd.Start())
			dir, list := helperCluster(t, out)
			if test.signal {
				for _, pid := range list {
					if gone(pid) {
						t.Errorf("process %d of %d is gone before", pid, list)
					}
				}
				ok(t, cmd.Process.Kill())
			}
			begin := time.Now()
			for _, pid := range list {
				eventually(t, fmt.Sprintf("process %d of %d is gone", pid, list), func() bool { return gone(pid) })
			}
			eventually(t, "the folder is gone", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
			t.Logf("gone after %v", time.Since(begin).Round(10*time.Millisecond))
			in.Close() // lets an orphan end
			rest, err := io.ReadAll(out)
			ok(t, err)
			cmd.Wait()
			if test.fate == "fatal" && !strings.Contains(string(rest), "the log of node-2 (Kafka 4.4.0) ends with") {
				t.Errorf("got %s, want the ends of the logs", rest)
			}
		})
	}
}

// helperCluster reads the folder and processes that the helper tells.
func helperCluster(t *testing.T, out io.Reader) (dir string, list []int) {
	t.Helper()
	var said strings.Builder
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if words := strings.Fields(line); len(words) > 2 && words[0] == "cluster" {
			for _, word := range words[2:] {
				pid, err := strconv.Atoi(word)
				ok(t, err)
				list = append(list, pid)
			}
			return words[1], list
		}
		if err != nil {
			t.Fatalf("the helper: %v; it said\n%s", err, said.String())
		}
	}
}
