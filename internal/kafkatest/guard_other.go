//go:build !unix

package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// A guard cannot be had here: there is no process group that the end of a pipe could kill.
type guard struct{}

var (
	errClosed    = errors.New("the cluster is closed")
	errNeedsUnix = fmt.Errorf("processes of Kafka are controlled through signals and process groups, and %s has none: it needs a Unix system", runtime.GOOS)
)

func newGuard(dir string) (*guard, error) { return nil, errors.Join(errNeedsUnix, os.RemoveAll(dir)) }

func (*guard) start(*exec.Cmd) error { return errNeedsUnix }
func (*guard) cut()                  {}
func (*guard) close() error          { return errNeedsUnix }

func pause(*os.Process) error     { return errNeedsUnix }
func resume(*os.Process) error    { return errNeedsUnix }
func terminate(*os.Process) error { return errNeedsUnix }
