//go:build unix

package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually polls until ok; the limit is a watchdog, far above what it takes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	watchdog := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-watchdog:
			t.Fatalf("after a minute still not: %s", what)
		}
	}
}

// gone reports whether a process has ended. What is left of one that nobody waits for counts as
// gone: where there is no init that does, it stays for ever.
func gone(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}

// startGuarded starts a process that runs until it is killed, in a guard with some data.
func startGuarded(t *testing.T) (*guard, *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "franzi-guard-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "trap '' TERM HUP INT; while :; do sleep 600; done")
	cmd.Dir = dir
	if err := g.start(cmd); err != nil {
		t.Fatal(err)
	}
	return g, cmd
}

func TestGuardClose(t *testing.T) {
	g, cmd := startGuarded(t)
	if err := g.close(); err != nil {
		t.Error(err)
	}
	cmd.Wait()
	for what, pid := range map[string]int{"process": cmd.Process.Pid, "anchor": g.anchor.Process.Pid, "watcher": g.watcher.Process.Pid} {
		if !gone(pid) {
			t.Errorf("the %s still runs", what)
		}
	}
	if _, err := os.Stat(g.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder: got %v, want that it is gone", err)
	}
	if err := g.start(exec.Command("sh")); !errors.Is(err, errClosed) {
		t.Errorf("a start after the end: got %v, want %v", err, errClosed)
	}
}

// A process that is stopped, and one that ignores all signals it can, die as well.
func TestGuardKillsPaused(t *testing.T) {
	g, cmd := startGuarded(t)
	if err := pause(cmd.Process); err != nil {
		t.Fatal(err)
	}
	if err := g.close(); err != nil {
		t.Error(err)
	}
	cmd.Wait()
}

// The anchor takes over when somebody kills the watcher, whose folder then stays.
func TestGuardWithoutWatcher(t *testing.T) {
	g, cmd := startGuarded(t)
	defer os.RemoveAll(g.dir)
	if err := g.watcher.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if err := g.close(); err == nil {
		t.Error("got no error, want one about the folder that is left")
	}
}

// The signals of a terminal or of a supervisor that stops us are not for the shells: they must
// live until we have ended.
func TestGuardIgnoresSignals(t *testing.T) {
	g, cmd := startGuarded(t)
	for _, pid := range []int{g.anchor.Process.Pid, g.watcher.Process.Pid} {
		for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
			if err := syscall.Kill(pid, s); err != nil {
				t.Error(err)
			}
		}
	}
	if gone(cmd.Process.Pid) {
		t.Error("the process is gone")
	}
	if err := g.close(); err != nil { // not so if the watcher had died
		t.Error(err)
	}
	cmd.Wait()
}

func TestRunInCluster(t *testing.T) {
	dir, err := os.MkdirTemp("", "franzi-guard-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{layout: newLayout(Options{Version: "4.4.0"}, t.Name(), dir), closed: make(chan struct{}), free: func() {}, killAtOnce: true}
	if c.guard, err = newGuard(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := c.run(t.Context(), strings.NewReader("in"), "sh", "-c", "cat; echo err >&2"); got != "in" || err != nil {
		t.Errorf("got %q, %v, want what cat says", got, err)
	}
	if got, err := c.run(t.Context(), nil, "sh", "-c", "echo out; echo why >&2; exit 3"); got != "out\n" || err == nil ||
		!strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "why") {
		t.Errorf("got %q, %v, want the output and an error with stderr", got, err)
	}
	// A stdin that never ends does not keep us.
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if got, err := c.run(t.Context(), struct{ *os.File }{in}, "sh", "-c", "echo out"); got != "out\n" || err != nil {
		t.Errorf("got %q, %v, want the output", got, err)
	}
	p, err := c.launch("node-1", "sh", []string{"-c", "echo begins; sleep 600"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process writes its log", func() bool { return strings.Contains(p.log(), "begins") })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-p.done
	if _, err := c.run(t.Context(), nil, "sh"); !errors.Is(err, errClosed) {
		t.Errorf("a run after Close: got %v, want %v", err, errClosed)
	}
}
