//go:build unix

package kafkatest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// The anchor holds the process group that all of a cluster's processes are in. Its stdin ends
// with the watcher; the last thing it does is to kill its own group.
const anchorScript = `trap '' HUP INT TERM; echo; read _; kill -s KILL 0`

// The watcher's stdin ends with us. It kills the group $1 and removes the folder $2, more than
// once if need be, since a process that is dying may still finish the making of a file.
const watcherScript = `trap '' HUP INT TERM; echo; read _; kill -s KILL -- "-$1"
tries=0; until rm -rf "$2" || [ $tries -ge 20 ]; do tries=$((tries+1)); sleep 0.5; done`

// A guard starts the processes of a cluster so that none survives us, and removes the cluster's
// folder with them. The package documentation says how. All methods may be called concurrently.
type guard struct {
	dir     string
	anchor  *exec.Cmd
	watcher *exec.Cmd

	mu   sync.Mutex
	line *os.File // the watcher reads from its other end; nil when closed
}

var errClosed = errors.New("the cluster is closed")

// newGuard makes a guard for the folder, which belongs to it from now on.
func newGuard(dir string) (*guard, error) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("no shell to watch over the brokers: %w", err), os.RemoveAll(dir))
	}
	g := &guard{dir: dir}
	if err := g.begin(sh); err != nil {
		g.cut()
		return nil, errors.Join(fmt.Errorf("cannot start the shells that watch over the brokers: %w", err), os.RemoveAll(dir))
	}
	return g, nil
}

// begin starts both shells and waits until they are on guard. Each leads a group of its own and
// ignores what asks it to end: the signals of a terminal, or of who stops our process, are not
// for them.
func (g *guard) begin(sh string) error {
	anchorIn, anchorLine, err := os.Pipe()
	if err != nil {
		return err
	}
	defer anchorIn.Close()
	defer anchorLine.Close() // the watcher keeps it
	watcherIn, line, err := os.Pipe()
	if err != nil {
		return err
	}
	defer watcherIn.Close()
	g.line = line
	ready, report, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	defer report.Close()

	g.anchor = exec.Command(sh, "-c", anchorScript)
	g.anchor.Stdin, g.anchor.Stdout = anchorIn, report
	g.anchor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.anchor.Start(); err != nil {
		return err
	}
	g.watcher = exec.Command(sh, "-c", watcherScript, "watcher", strconv.Itoa(g.anchor.Process.Pid), g.dir)
	g.watcher.Stdin, g.watcher.Stdout = watcherIn, report
	g.watcher.ExtraFiles = []*os.File{anchorLine}
	g.watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = g.watcher.Start()
	anchorLine.Close()
	report.Close()
	if err != nil {
		g.anchor.Wait()
		return err
	}
	if _, err := io.ReadFull(ready, make([]byte, 2)); err != nil { // a line of each
		return errors.Join(fmt.Errorf("%s does not run the scripts: %w", sh, err), g.close())
	}
	return nil
}

// start starts the command as one that dies with the guard.
func (g *guard) start(cmd *exec.Cmd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.line == nil {
		return errClosed
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.anchor.Process.Pid}
	return cmd.Start()
}

// cut has the watcher kill everything and remove the folder, and does not wait for it.
func (g *guard) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.line != nil {
		g.line.Close()
		g.line = nil
	}
}

// close kills what still runs, removes the folder and waits until both are done. It must be
// called once.
func (g *guard) close() error {
	g.cut()
	g.watcher.Wait() // how the two end says nothing: the anchor kills itself
	g.anchor.Wait()
	if _, err := os.Stat(g.dir); err == nil {
		return fmt.Errorf("the folder %s could not be removed", g.dir)
	}
	return nil
}

// pause and resume stop and continue a process as a whole. A thread that runs on another core
// goes on for a moment after the signal, and may answer somebody: pause waits for the last of them
// where the system tells.
func pause(p *os.Process) error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 1000 {
		if stopped(p.Pid) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d does not stop", p.Pid)
}

func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// stopped reports whether all threads of a process stand still, as far as Linux tells.
func stopped(pid int) bool {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return true
	}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		// The state follows the name, which is in brackets.
		if _, state, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(" ")); ok && len(state) > 0 && state[0] != 'T' && state[0] != 't' && state[0] != 'Z' && state[0] != 'X' {
			return false
		}
	}
	return true
}

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
