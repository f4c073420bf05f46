package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// killWait bounds how long the kernel may take to end a process that was sent SIGKILL.
const killWait = 15 * time.Second

// A process is a JVM that was started and writes to a log.
type process struct {
	name    string // for errors
	command string // for errors
	logFile string
	begin   int64 // where its part of the log begins
	cmd     *exec.Cmd
	done    chan struct{} // closed when it has ended and was waited for
	err     error         // how it ended; valid once done is closed
}

// launch starts a program of the cluster in its folder.
func (c *Cluster) launch(name, program string, args []string) (*process, error) {
	p := &process{
		name:    name,
		command: commandLine(program, args),
		logFile: c.layout.logFile(name),
		cmd:     exec.Command(program, args...),
		done:    make(chan struct{}),
	}
	out, begin, err := openLog(p.logFile)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.begin = begin
	p.cmd.Dir = c.layout.dir
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := c.guard.start(p.cmd); err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w\n%s", name, err, p.command)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended reports whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// log is what the process wrote since it was started.
func (p *process) log() string { return readLog(p.logFile, p.begin) }

// kill ends the process with SIGKILL and waits until it is gone.
func (p *process) kill() error {
	p.cmd.Process.Kill() // fails only if it is gone
	select {
	case <-p.done:
		return nil
	case <-time.After(killWait):
		return fmt.Errorf("%s (process %d) still runs %v after SIGKILL", p.name, p.cmd.Process.Pid, killWait)
	}
}

// wait waits until the process is gone.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s (process %d) still runs: %w", p.name, p.cmd.Process.Pid, context.Cause(ctx))
	}
}

// errDied is in the error of a start whose process ended before it was ready.
var errDied = errors.New("it ended before it was ready")

// startError tells why a process did not become ready: the reason, what was run, what it said.
func (p *process) startError(reason error) error {
	text := p.log()
	hint := ""
	if strings.Contains(text, "UnsupportedClassVersionError") {
		hint = "\nthis release needs a newer Java: install a JDK, 17 or later, and set JAVA_HOME"
	}
	return fmt.Errorf("%s: %w%s\nit was started with\n%s\n%s", p.name, reason, hint, p.command, quote(text))
}

// failed is startError for a process that will not become ready, and nil for one that may.
func (p *process) failed() error {
	var reason error
	ended := p.ended() // before the log is read: then it is whole
	if portTaken(p.log()) {
		reason = errPortTaken // 0.9 does not end then
	}
	if ended {
		how := "with exit code 0"
		if p.err != nil {
			how = p.err.Error()
		}
		died := fmt.Errorf("%w (%s)", errDied, how)
		if reason == nil {
			reason = died
		} else {
			reason = fmt.Errorf("%w: %w", reason, died)
		}
	}
	if reason == nil {
		return nil
	}
	return p.startError(reason)
}

// errPortTaken is in the error of a start that may do better with other ports.
var errPortTaken = errors.New("another process has taken its port")

// portTaken finds in a log that a port could not be listened on: Java's exception, or what
// Kafka makes of it.
func portTaken(log string) bool {
	return strings.Contains(log, "java.net.BindException") || strings.Contains(log, "Address already in use")
}
